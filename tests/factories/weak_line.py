"""A line like that of a phone at the edge of a cell: everything takes its time, and now and then something must be sent again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

AGAIN_S = 0.4
"""What a lost packet costs: the sender notices by the clock, and all that follows waits for it."""


@dataclass
class WeakLine:
    """A SOCKS proxy; a good line until it is weakened. `lost` counts the packets that had to be sent again."""

    lost: int = 0
    _one_way_s: float = 0.0
    _lost_of: int = 0
    _sent: int = 0
    _pipes: set[asyncio.Task[None]] = field(default_factory=set)

    def weaken(self, *, round_trip_s: float, lost_of: int) -> None:
        """From now on everything takes that much longer there and back, and every `lost_of`th packet is lost once."""
        self._one_way_s, self._lost_of = round_trip_s / 2, lost_of

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as RFC 1928 has it, without a password."""
        with suppress(OSError, asyncio.IncompleteReadError):
            _, methods = await reader.readexactly(2)
            await reader.readexactly(methods)
            writer.write(b"\x05\x00")
            *_, kind = await reader.readexactly(4)
            host = await self._host(reader, kind)
            port = int.from_bytes(await reader.readexactly(2))
            far_reader, far_writer = await asyncio.open_connection(host, port)
            writer.write(b"\x05\x00\x00\x01" + bytes(6))
            for one, other in ((reader, far_writer), (far_reader, writer)):
                task = asyncio.create_task(self._carry(one, other))
                self._pipes.add(task)
                task.add_done_callback(self._pipes.discard)

    async def _host(self, reader: asyncio.StreamReader, kind: int) -> str:
        if kind == 3:
            return (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        return ".".join(str(part) for part in await reader.readexactly(4))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """In order, each piece as late as the line makes it."""
        loop, under_way = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

        async def arrive() -> None:
            while True:
                due, piece = await under_way.get()
                await asyncio.sleep(due - loop.time())
                if not piece:
                    return
                writer.write(piece)
                await writer.drain()

        arriving = asyncio.create_task(arrive())
        try:
            while piece := await reader.read(1400):
                self._sent += 1
                is_lost = self._lost_of > 0 and self._sent % self._lost_of == 0
                self.lost += is_lost
                under_way.put_nowait((loop.time() + self._one_way_s + is_lost * AGAIN_S, piece))
            under_way.put_nowait((loop.time() + self._one_way_s, b""))
            await arriving
        except OSError:
            pass
        finally:
            arriving.cancel()
            writer.close()

    async def stop(self) -> None:
        for task in tuple(self._pipes):
            task.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)


@asynccontextmanager
async def serving(line: WeakLine) -> AsyncIterator[str]:
    """The address of its proxy."""
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    try:
        yield f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await line.stop()
