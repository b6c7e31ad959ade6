"""Who inspects: somebody with a link that opens something, or somebody signed in who may take records away."""

import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import Request, Response
from nicegui import app

from data.core.actor import Actor
from data.core.errors import Unauthenticated
from data.core.session import Transaction, transaction
from data.identity import inspectors
from data.identity import queries as identity
from data.identity.door import Browser
from data.identity.inspectors import Inspector
from pages._gate import actor_of
from pages._plain import told
from pages.identity._plain import browser_of, visitor_language
from ui.words import Reader, _, noop, set_reader

COOKIE = "steading_inspector"
PATH = "/inspect"
EXPORT = "cold_chain.export"
GONE = noop("This link does not open anything, or not any more.")
TRIES, PER_S = 20, 600.0
_tried: dict[str, deque[float]] = {}
"""When each address last showed something that opened nothing."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Somebody who reads records, and what the event log says of them."""

    actor: Actor
    organization_name: str
    link_id: UUID | None = None
    until: datetime | None = None
    token: str = ""
    browser: Browser = Browser()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """In their name, and only as long as the link opens: an open page does not outlive it."""
        who = self.actor
        if self.token:
            found = await inspectors.who(self.token, self.browser)
            if found is None:
                raise Unauthenticated(GONE)
            who = found.actor
        async with transaction(who) as tx:
            yield tx


async def looking(request: Request, *, is_use: bool = False) -> Looking | None:
    """Who asks; the link comes first. The language and the unit of temperatures are set for what follows."""
    token, browser = request.cookies.get(COOKIE, ""), browser_of(request)
    found = await opening(token, browser, is_use=is_use) if token else None
    who = actor_of(request)
    if found:
        unit = "f" if request.query_params.get("degrees") == "f" else "c"
        set_reader(Reader(visitor_language(request), found.actor.time_zone, unit))
        return Looking(found.actor, found.organization_name, found.link_id, found.expires_at, token, browser)
    set_reader(Reader(who.language, who.time_zone, "f" if who.units == "fahrenheit" else "c") if who else Reader(visitor_language(request)))
    if who is None or who.organization_id is None or not who.may(EXPORT):
        return None
    async with transaction(who) as tx:
        return Looking(who, (await identity.organization(tx)).name)


async def opening(token: str, browser: Browser, *, is_use: bool = False) -> Inspector | None:
    """What this token opens. Who tries many that open nothing is not listened to for a while."""
    address, at = browser.ip_address or "", time.monotonic()
    if is_guessing(address, at):
        return None
    found = await inspectors.who(token, browser, is_use=is_use)
    if found is None:
        if len(_tried) > 10_000:
            _tried.clear()
        _tried.setdefault(address, deque(maxlen=TRIES)).append(at)
    return found


def is_guessing(address: str, at: float) -> bool:
    """Whether this address has shown as many wrong links as it may, within the last ten minutes."""
    tried = _tried.get(address)
    return tried is not None and len(tried) >= TRIES and at - tried[0] < PER_S


def nothing_opens(request: Request) -> Response:
    """The one page for a link that is wrong, over or taken back."""
    answer = told(_("This link opens nothing"), _(GONE) + " " + _("Ask whoever gave it to you for a new one."), language=visitor_language(request), status=401)
    return without_link(answer)


def with_link(answer: Response, token: str, until: datetime) -> Response:
    """Keep the token where no other site, no page's address and no script finds it."""
    answer.set_cookie(
        COOKIE, token, path=PATH, expires=until, httponly=True, samesite="lax", secure=app.state.settings.is_https
    )
    return unseen(answer)


def without_link(answer: Response) -> Response:
    answer.delete_cookie(COOKIE, path=PATH)
    return unseen(answer)


def unseen(answer: Response) -> Response:
    """No other site learns this page's address, and no cache keeps it."""
    answer.headers["referrer-policy"] = "no-referrer"
    answer.headers["cache-control"] = "private, no-store"
    answer.headers["x-robots-tag"] = "noindex"
    return answer
