"""Many browsers without windows: each loads Home with a session's cookie, opens its socket as NiceGUI's script does, answers
pings, acknowledges what it heard, and notes how old each message was on arrival.

`python -m tests.bench.swarm URL COOKIE…` in a process of its own; told by lines on stdin ("come 300", "hear 30", "go"), it
answers each with a line of JSON. `Swarm` is the other end.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import aiohttp
import uvloop

from tests.bench.figures import p95
from tests.factories.served import ROOT

LOADING_AT_ONCE = 16
ACKNOWLEDGED_EVERY_S = 3.0
CLIENT_ID = re.compile(r"client_id\W+([0-9a-f-]{36})")
MESSAGE_ID = re.compile(r'"_id":(\d+)')
REDRAWN_AT = re.compile(r'"data-live-at":"(\d+)"')
MOVED_AT = re.compile(r'"at":(\d+)')
ASKED = re.compile(r'"request_id":"([^"]+)"')


@dataclass
class Heard:
    """What all of them heard since they were last asked; ages in milliseconds."""

    ages_ms: list[float] = field(default_factory=list)
    redrawn: list[tuple[str, float]] = field(default_factory=list)
    """Which page had a part drawn anew, and when (epoch milliseconds)."""
    messages: int = 0
    size: int = 0
    reloaded: int = 0
    """Pages that were told to load themselves anew."""
    closed: list[str] = field(default_factory=list)
    """Whose socket ended without their leaving: the close code, or the error."""

    @property
    def lost(self) -> int:
        """Pages that went away under their visitors."""
        return self.reloaded + len(self.closed)


class Visitor:
    """One open page."""

    def __init__(self, session: aiohttp.ClientSession, url: str, cookie: str, heard: Heard) -> None:
        self._session, self._url, self._heard = session, url, heard
        self._headers = {"Cookie": cookie, "Origin": url}
        self._next_id, self._acknowledged = 0, 0
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self) -> float:
        """Load the page, shake hands; how many seconds the page took."""
        started = time.monotonic()
        async with self._session.get(f"{self._url}/", headers=self._headers) as page:
            found = CLIENT_ID.search(await page.text())
        took = time.monotonic() - started
        assert found, f"no page: {page.status}"
        self._client_id = found.group(1)
        query = f"client_id={self._client_id}&next_message_id=0&implicit_handshake=true&tab_id={uuid4()}&document_id={uuid4()}"
        address = f"{self._url}/_nicegui_ws/socket.io/?EIO=4&transport=websocket&{query}"
        self._socket = await self._session.ws_connect(address, headers=self._headers, max_msg_size=0)
        assert (await self._socket.receive_str()).startswith("0")
        await self._socket.send_str("40")
        assert (await self._socket.receive_str()).startswith("40"), "the handshake was refused"
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._acknowledge())]
        return took

    async def go(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()

    async def _listen(self) -> None:
        async for message in self._socket:
            at = time.time() * 1000
            self._heard.messages += 1
            self._heard.size += len(message.data)
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            text: str = message.data
            if text == "2":
                await self._socket.send_str("3")
            elif text.startswith("451-"):
                if moved := MOVED_AT.search(text):
                    self._heard.ages_ms.append(at - int(moved.group(1)))
            else:
                await self._told(text, at)
        self._heard.closed.append(str(self._socket.exception() or self._socket.close_code))

    async def _told(self, text: str, at: float) -> None:
        if numbered := MESSAGE_ID.search(text, max(0, len(text) - 40)):
            self._next_id = int(numbered.group(1)) + 1
        if redrawn := [int(one) for one in REDRAWN_AT.findall(text)]:
            self._heard.ages_ms.append(at - max(redrawn))
            self._heard.redrawn.append((self._client_id, at))
        if '"run_javascript"' in text[:40]:
            self._heard.reloaded += "location.reload" in text
            if asked := ASKED.search(text):
                await self._say("javascript_response", request_id=asked.group(1), result=None)

    async def _acknowledge(self) -> None:
        while True:
            await asyncio.sleep(ACKNOWLEDGED_EVERY_S)
            if self._acknowledged < self._next_id and not self._socket.closed:
                self._acknowledged = self._next_id
                await self._say("ack", next_message_id=self._next_id)

    async def _say(self, event: str, **what: Any) -> None:
        await self._socket.send_str("42" + json.dumps([event, {"client_id": self._client_id, **what}]))


async def obey(url: str, cookies: Sequence[str]) -> None:
    """Do what stdin says until it ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    heard, visitors, gate = Heard(), list[Visitor](), asyncio.Semaphore(LOADING_AT_ONCE)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        while line := (await lines.readline()).decode().split():
            verb, number = line[0], int(line[1]) if len(line) > 1 else 0
            started, answer = time.monotonic(), {}
            if verb == "come":
                new = [Visitor(session, url, cookies[n % len(cookies)], heard) for n in range(number)]
                took = await asyncio.gather(*(_let_in(one, gate) for one in new))
                visitors += new
                elapsed = time.monotonic() - started
                answer = {"page_p95_ms": p95(took) * 1000, "pages_per_s": number / elapsed}
            elif verb == "forget":
                heard.__init__()  # type: ignore[misc]
            elif verb == "tell":
                answer = dict(vars(heard))
            elif verb == "go":
                await asyncio.gather(*(one.go() for one in visitors))
                visitors.clear()
            print(json.dumps(answer), flush=True)


async def _let_in(visitor: Visitor, gate: asyncio.Semaphore) -> float:
    async with gate:
        return await visitor.come()


class Swarm:
    """The process that holds them, as the bench speaks to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{line}\n".encode())
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer

    async def come(self, count: int) -> dict[str, Any]:
        """So many open Home: `page_p95_ms`, `pages_per_s`."""
        return await self._ask(f"come {count}")

    async def forget(self) -> None:
        """Begin anew to note what is heard."""
        await self._ask("forget")

    async def told(self) -> Heard:
        """What was heard since."""
        return Heard(**await self._ask("tell"))

    async def go(self) -> None:
        """All of them close their pages."""
        await self._ask("go")


@asynccontextmanager
async def swarm(url: str, cookies: Sequence[str]) -> AsyncIterator[Swarm]:
    """A process of visitors to that server, who share these sessions."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.swarm", url, *cookies, cwd=ROOT, limit=1 << 26,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Swarm(process)
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    uvloop.run(obey(sys.argv[1], sys.argv[2:]))
