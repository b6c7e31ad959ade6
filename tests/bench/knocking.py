"""Posts at a door over connections that stay open, with so little work of its own that the server is what is measured."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from urllib.parse import urlsplit


class Connection:
    """One connection that stays open; posts one after the other."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        lines = [f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: application/json"]
        self._head = "\r\n".join([*lines, *(f"{k}: {v}" for k, v in headers.items()), "Content-Length: "]).encode()

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()

    async def post(self, body: bytes) -> int:
        """Send it, read the answer whole; its status."""
        self._writer.write(self._head + f"{len(body)}\r\n\r\n".encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if length:
            await self._reader.readexactly(int(length))
        return int(head[9:12])


async def requests_per_second(url: str, headers: Mapping[str, str], bodies: Sequence[bytes], *, connections: int) -> float:
    """Post them all over that many connections at once; an AssertionError where one is not answered with 200."""
    remaining: Iterator[bytes] = iter(bodies)

    async def sender(one: Connection) -> None:
        for body in remaining:
            status = await one.post(body)
            assert status == 200, f"{url} answered {status}"

    opened = [await Connection(url, headers).__aenter__() for _ in range(connections)]
    started = time.perf_counter()
    await asyncio.gather(*(sender(one) for one in opened))
    elapsed = time.perf_counter() - started
    for one in opened:
        await one.__aexit__(None, None, None)
    return len(bodies) / elapsed
