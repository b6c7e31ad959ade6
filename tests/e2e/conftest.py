"""A real server in a process of its own, on the worker's database, and a real browser before it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, ProxySettings, async_playwright

from data.core.embedded import Embedded
from data.core.session import Database
from jobs.demonstration.haystack import Haystack
from jobs.demonstration.haystack import serving as haystack_serving
from tests.conftest import SECRET_KEY, Opened, opening
from tests.e2e.chromium import bare_chromium, chromium
from tests.factories.outside import MailServer, TelegramServer, Telnyx
from tests.factories.people import PASSWORD, World, build_world
from tests.factories.served import Server, serving

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]


@pytest.fixture(scope="session")
def database_url(server: Embedded, worker_id: str) -> Iterator[str]:
    """A database for the served process alone: its jobs would meddle with the other tests."""
    name = f"steading_served_{worker_id}_{os.getpid()}"
    yield server.database(name, fresh=True, template="steading_template")
    server.drop(name)


@pytest.fixture(scope="session")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The served process's folder."""
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="session")
async def opened(database_url: str, var_dir: Path) -> AsyncIterator[Opened]:
    """The served process's database and files, for the tests to put things into."""
    async with opening(database_url, var_dir / "files") as made:
        yield made


@pytest.fixture(scope="session")
async def crowd() -> AsyncIterator[tuple[Haystack, str]]:
    """The phones that hear tags, and the endpoint's address; the server asks it every second."""
    phones = Haystack("steading", "secret")
    async with haystack_serving(phones.app) as endpoint:
        yield phones, endpoint


@dataclass
class Outside:
    """The parties that the server writes to, and how it finds them."""

    mail: MailServer
    telnyx: Telnyx
    telegram: TelegramServer
    settings: dict[str, str]


@pytest.fixture(scope="session")
async def outside() -> AsyncIterator[Outside]:
    """A mail server, Telnyx and Telegram on loopback."""
    mail, telnyx, telegram = MailServer(), Telnyx(), TelegramServer()
    with mail.running() as smtp_url:
        async with telnyx.running() as telnyx_url, telegram.running() as telegram_url:
            settings = {"SMTP_URL": smtp_url, "TELNYX_URL": telnyx_url, "TELEGRAM_URL": telegram_url, "WEBHOOK_PRIVATE_ADDRESSES": "1"}
            yield Outside(mail, telnyx, telegram, settings)


@pytest.fixture(scope="session")
def served(database_url: str, var_dir: Path, crowd: tuple[Haystack, str], outside: Outside) -> Iterator[Server]:
    """One server for all browser tests of a worker; tests empty the database, not the server."""
    tags = {
        "FIND_MY_URL": crowd[1], "FIND_MY_USER": "steading", "FIND_MY_PASSWORD": "secret", "FIND_MY_EVERY_S": "1",
        "NETWORK_PRIVATE_ADDRESSES": "true", "STEADING_SIGN_UP": "1",
    }  # fmt: skip
    with serving(database_url, SECRET_KEY, var_dir, tags | outside.settings) as server:
        yield server


@pytest.fixture
async def home(served: Server, db: Database) -> World:
    """The world of people, each of whom can sign in with the tests' password."""
    return await build_world(PASSWORD)


@pytest.fixture(scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


@pytest.fixture(scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """What draws pages and runs their scripts: all that most tests need."""
    running = await playwright.chromium.launch(executable_path=bare_chromium(), args=ARGS)
    yield running
    await running.close()


@pytest.fixture(scope="session")
async def whole_browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser as people have it, for what it does while no page is open."""
    running = await playwright.chromium.launch(executable_path=chromium(), args=ARGS)
    yield running
    await running.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own."""

    context: BrowserContext
    page: Page
    url: str
    problems: list[str]

    async def open(self, path: str) -> Page:
        """Open a page and wait until its socket is there."""
        await self.page.goto(f"{self.url}{path}")
        await self.page.wait_for_function("window.did_handshake === true")
        return self.page

    def heed(self) -> "Visitor":
        """Remember what the page complains about in its console."""
        self.page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" and self.page.url.startswith(self.url) else None)
        self.page.on("pageerror", lambda e: self.problems.append(str(e)))
        return self

    async def each(self, paths: Iterable[str], look: Callable[["Visitor", str], Awaitable[None]], *, tabs: int = 4) -> None:
        """Look at each of these, some at a time in tabs of the same browser: a page waits more than it works."""
        waiting = iter(paths)

        async def in_a_tab() -> None:
            tab = Visitor(self.context, await self.context.new_page(), self.url, self.problems).heed()
            for path in waiting:
                await look(tab, path)
            await tab.page.close()

        async with asyncio.TaskGroup() as opened:
            for _ in range(tabs):
                opened.create_task(in_a_tab())


@dataclass
class Visitors:
    browser: Browser
    url: str
    made: list[Visitor]

    async def anonymous(self, *, width: int = 1440, height: int = 900, through: str = "") -> Visitor:
        """Somebody whom nobody knows; `through` is the address of a proxy, also for what is on this machine."""
        proxy = ProxySettings(server=through, bypass="<-loopback>") if through else None
        context = await self.browser.new_context(viewport={"width": width, "height": height}, proxy=proxy)
        context.set_default_timeout(10_000)
        visitor = Visitor(context, await context.new_page(), self.url, []).heed()
        self.made.append(visitor)
        return visitor

    async def signed_in(self, email: str, *, width: int = 1440, height: int = 900, through: str = "") -> Visitor:
        """Somebody who has signed in, with an empty page: what the form does is tested where signing in is."""
        visitor = await self.anonymous(width=width, height=height, through=through)
        form = {"name": email, "password": PASSWORD}
        answer = await visitor.context.request.post(f"{self.url}/sign-in", form=form, headers={"Origin": self.url}, max_redirects=0)
        assert answer.status == 303 and "/sign-in" not in answer.headers["location"], await answer.text()
        return visitor


@pytest.fixture
async def visitors(browser: Browser, served: Server, home: World) -> AsyncIterator[Visitors]:
    """Ways to come in; what a page complained about in its console fails the test."""
    these = Visitors(browser, served.url, [])
    yield these
    for visitor in these.made:
        await visitor.context.close()
    assert [p for v in these.made for p in v.problems] == []
