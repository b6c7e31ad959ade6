"""Pages of plain HTML for where there is no socket: in their reader's language, and never left in a shared cache."""

import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from data.core.actor import Actor
from data.core.errors import Invalid, Refusal
from data.core.session import transaction
from data.identity import queries as identity
from pages._gate import actor_of
from pages._shell import translated
from ui.offline import plain_page
from ui.words import LANGUAGES, Reader, _, set_reader

PERSON = "x-steading-person"
KEEP = "x-steading-keep"
UNSHARED = {"cache-control": "private, no-store"}


def person_tag(who: Actor) -> str:
    """The same for one person in one organization, whatever the session: what a phone keeps is kept under this name."""
    return hashlib.sha256(f"{who.user_id}/{who.organization_id}".encode()).hexdigest()[:24]


def read_by(who: Actor | None, request: Request) -> None:
    """Write for this person from now on; for nobody known, in the language that the browser asks for."""
    if who is None:
        prefers = request.headers.get("accept-language", "").lower()
        set_reader(Reader(next((code for code in LANGUAGES if prefers.startswith(code)), "en")))
    else:
        set_reader(Reader(who.language, who.time_zone, "f" if who.units == "fahrenheit" else "c"))


async def theme_of(who: Actor | None) -> str:
    """How this person wants things to look."""
    if who is None or who.user_id is None or who.organization_id is None:
        return "system"
    async with transaction(who) as tx:
        return (await identity.me(tx)).theme


def to_sign_in(request: Request) -> RedirectResponse:
    return RedirectResponse(f"/sign-in?next={request.url.path}", status_code=303)


def html(
    title: str, body: str, *, language: str, theme: str = "system", said: Mapping[str, Any] | None = None, scripts: Sequence[str] = (),
    status: int = 200, headers: Mapping[str, str] | None = None,
) -> HTMLResponse:  # fmt: skip
    """An answer that only this browser may keep, and only while it is told to."""
    page = plain_page(title, body, language=language, theme=theme, said=said, scripts=scripts)
    return HTMLResponse(page, status, {**UNSHARED, **(headers or {})})


def told(title: str, text: str, *, language: str, status: int, href: str = "/", action: str = "") -> HTMLResponse:
    """One clear sentence, and where to go from it."""
    link = f'<a class="hand-button" href="{escape(href)}">{escape(action)}</a>' if action else ""
    body = f'<main class="plain-main plain-center"><h1>{escape(title)}</h1><p>{escape(text)}</p>{link}</main>'
    return html(title, body, language=language, status=status)


def no_right(language: str) -> HTMLResponse:
    return told(_("You do not have access to this"), _("Ask an administrator if you need it."), language=language, status=403, action=_("Home"))


def refused(refusal: Refusal) -> JSONResponse:
    """For our own scripts: the sentence in the reader's language, and its field where one is wrong."""
    field = {"field": refusal.field} if isinstance(refusal, Invalid) else {}
    return JSONResponse({"message": translated(refusal), **field}, refusal.status, UNSHARED)


__all__ = [
    "KEEP", "PERSON", "UNSHARED", "actor_of", "html", "no_right", "person_tag", "read_by", "refused", "theme_of", "to_sign_in", "told",
]  # fmt: skip
