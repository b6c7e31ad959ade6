"""Somebody who is signed in sits before a real Chromium; what it sends, hears and draws is written down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import CDPSession, Page, async_playwright

from data.core.actor import Actor
from data.core.session import across_tenants
from data.identity import door
from data.identity.door import Browser
from pages._gate import COOKIE
from tests.e2e.chromium import chromium
from tests.e2e.conftest import ARGS

WIDTH, HEIGHT = 1440, 900


@dataclass
class Frames:
    """The messages on a page's sockets: (when, in the browser's own seconds; bytes; the text, '' of a binary one)."""

    heard: list[tuple[float, int, str]] = field(default_factory=list)
    sent: list[tuple[float, int, str]] = field(default_factory=list)

    def forget(self) -> None:
        self.heard.clear()
        self.sent.clear()

    @property
    def bytes_heard(self) -> int:
        return sum(size for _, size, _ in self.heard)


async def session_token(person: Actor) -> str:
    """A new session of that person, as if they had just signed in."""
    assert person.user_id
    async with across_tenants("bench") as tx:
        return await door.open_session(tx, person.user_id, Browser("127.0.0.1", "bench"))


@asynccontextmanager
async def chromium_page(url: str, token: str = "") -> AsyncIterator[Page]:
    """A page of a browser of its own, which knows the session of that token."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGS)
        try:
            context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
            if token:
                await context.add_cookies([{"name": COOKIE, "value": token, "url": url}])
            yield await context.new_page()
        finally:
            await browser.close()


async def opened(page: Page, address: str) -> None:
    """Load it and wait until its socket is there."""
    await page.goto(address)
    await page.wait_for_function("window.did_handshake === true")


async def watch_frames(page: Page) -> Frames:
    """Write down from now on what goes over the page's sockets; call before it is loaded."""
    frames = Frames()
    session: CDPSession = await page.context.new_cdp_session(page)
    await session.send("Network.enable")

    def note(into: list[tuple[float, int, str]], told: dict[str, Any]) -> None:
        response = told["response"]
        text = response["payloadData"]
        is_text = response["opcode"] == 1
        size = len(text.encode()) if is_text else len(text) * 3 // 4 - text[-2:].count("=")
        into.append((told["timestamp"], size, text if is_text else ""))

    session.on("Network.webSocketFrameReceived", lambda told: note(frames.heard, told))
    session.on("Network.webSocketFrameSent", lambda told: note(frames.sent, told))
    return frames
