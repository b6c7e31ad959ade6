"""A thousand devices without housings: each signs in to a broker as itself, listens to what it is asked, and tells
its temperature again and again in quality 1.

`python -m tests.bench.herd PORT EVERY_S` in a process of its own; names and passwords come on stdin, a line each, then an empty
one; "go 60" lets them speak for a minute. Each of the two is answered by a line of JSON. `Herd` is the other end.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvloop

from tests.bench.figures import p95
from tests.factories.served import ROOT

COMING_AT_ONCE = 50
ANSWERED_WITHIN_S = 60


class Device(asyncio.Protocol):
    """The few packets that a probe needs of MQTT."""

    def __init__(self, name: str, password: str) -> None:
        self._name, self._password = name, password
        self.is_in: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.took_ms: list[float] = []
        self._number, self._waiting, self._rest = 0, dict[int, float](), b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        body = b"\x00\x04MQTT\x04\xc2\x00\x78" + _text(self._name) + _text(self._name) + _text(self._password)
        transport.write(b"\x10" + bytes((len(body),)) + body)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        while len(data) >= 2 and len(data) >= 2 + data[1]:  # CONNACK, SUBACK and PUBACK are short
            said, data = data[: 2 + data[1]], data[2 + data[1] :]
            if said[0] == 0x20:
                assert said[3] == 0, f"{self._name} was refused"
                wanted = _text(f"cmnd/{self._name}/#")
                self._transport.write(bytes((0x82, len(wanted) + 3)) + b"\x00\x01" + wanted + b"\x01")
            elif said[0] == 0x90:
                assert said[4] == 1, f"{self._name} may not listen to itself"
                self.is_in.set_result(None)
            elif said[0] == 0x40:
                self.took_ms.append((time.perf_counter() - self._waiting.pop(int.from_bytes(said[2:], "big"))) * 1000)
        self._rest = data

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_in.done():
            self.is_in.set_exception(ConnectionError(f"{self._name} was hung up on"))

    @property
    def sent(self) -> int:
        return self._number

    @property
    def unanswered(self) -> int:
        return len(self._waiting)

    def say(self) -> None:
        self._number += 1
        topic = _text(f"tele/{self._name}/SENSOR")
        payload = b'{"Time":"2026-02-16T10:13:52","DS18B20":{"Temperature":%.1f},"TempUnit":"C"}' % (20 + self._number % 97 / 10)
        length = len(topic) + 2 + len(payload)
        head = bytes((0x32, length % 128 | 128, length // 128)) if length > 127 else bytes((0x32, length))
        self._waiting[self._number] = time.perf_counter()
        self._transport.write(head + topic + self._number.to_bytes(2, "big") + payload)


def _text(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


async def obey(port: int, every_s: float) -> None:
    """Do what stdin says until it ends."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    devices, gate, started = [], asyncio.Semaphore(COMING_AT_ONCE), time.perf_counter()

    async def come(name: str, password: str) -> Device:
        async with gate:
            _transport, device = await loop.create_connection(lambda: Device(name, password), "127.0.0.1", port)
            await device.is_in
        return device

    tasks = []
    while line := (await lines.readline()).decode().split():
        tasks.append(asyncio.create_task(come(*line)))
    devices = await asyncio.gather(*tasks)
    print(json.dumps({"took_s": time.perf_counter() - started}), flush=True)
    while line := (await lines.readline()).decode().split():
        until = time.monotonic() + float(line[1])
        await asyncio.gather(*(_speak(device, every_s, until) for device in devices))
        for _ in range(ANSWERED_WITHIN_S * 10):
            if not any(device.unanswered for device in devices):
                break
            await asyncio.sleep(0.1)
        took = [one for device in devices for one in device.took_ms]
        sent = sum(device.sent for device in devices)
        print(json.dumps({"sent": sent, "unanswered": sent - len(took), "answered_p95_ms": p95(took)}), flush=True)


async def _speak(device: Device, every_s: float, until: float) -> None:
    await asyncio.sleep(random.uniform(0, every_s))
    due = time.monotonic()
    while due < until:
        device.say()
        due += every_s
        await asyncio.sleep(max(0, due - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Told:
    """What they said, how many of it nobody acknowledged, and how long the broker took for that."""

    sent: int
    unanswered: int
    answered_p95_ms: float


@dataclass
class Herd:
    """The process that holds them; how long they took to come."""

    process: asyncio.subprocess.Process
    came_in_s: float = 0

    async def speak(self, seconds: float) -> Told:
        """They speak for so long."""
        return Told(**await self._answer(f"go {seconds}\n"))

    async def _answer(self, told: str) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(told.encode())
        line = await self.process.stdout.readline()
        assert line, "the devices ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def herd(port: int, accounts: Sequence[tuple[str, str]], *, every_s: float) -> AsyncIterator[Herd]:
    """Devices with these names and passwords, all of them signed in."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.herd", str(port), str(every_s), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    made = Herd(process)
    try:
        made.came_in_s = (await made._answer("".join(f"{name} {password}\n" for name, password in accounts) + "\n"))["took_s"]
        yield made
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    uvloop.run(obey(int(sys.argv[1]), float(sys.argv[2])))
