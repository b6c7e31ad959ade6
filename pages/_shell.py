"""Every screen begins the same way: who is looking, in which language, inside the frame; a refusal becomes a sentence."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID

import structlog
from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import app, ui

import pages
from data.core.actor import Actor
from data.core.bus import Event, Topic, bus
from data.core.errors import Invalid, NotFound, Refusal, Unauthenticated
from data.core.session import UNREACHABLE, Transaction, transaction
from data.identity import commands as identity_commands
from data.identity import door
from data.identity import queries as identity
from data.notifications import queries as notifications
from data.notifications.events import InboxChanged
from data.platform.billing import account_of
from pages._gate import actor_of
from pages._turns import looking
from pages.platform._bill import warning as bill_warning
from ui.empty import empty_state, error_state, no_permission_state
from ui.frame import Found, Frame, Look, Organization, Person, Place, frame, use_language_and_theme
from ui.live import live_value
from ui.ways import Way, ways
from ui.words import Reader, _, set_reader

log = structlog.get_logger()

Searcher = Callable[["Looker", str], Awaitable[Sequence[Found]]]
SEARCHERS: list[Searcher] = []
"""Each domain's page package adds how its things are found by the search in the top bar."""


@dataclass
class Looker:
    """The person in front of a screen, and what the screen may do in their name."""

    actor: Actor
    time_zone: str
    frame: Frame | None = None
    organization_name: str = ""
    is_demonstration: bool = False
    page: ui.element = field(default_factory=lambda: ui.context.client.content)
    """The page itself, for what outlives the part of it that asked (notices, dialogs)."""

    def may(self, permission: str, scope: UUID | None = None) -> bool:
        """Whether to offer it. The command asks again."""
        return self.actor.may(permission, scope)

    def transaction(self) -> Any:
        """`async with look.transaction() as tx:` in the person's name."""
        return looking(self.actor)

    def topic(self, event: type[Event], **ids: UUID) -> Topic:
        """That event in the person's organization, for `live`."""
        assert self.actor.organization_id
        return bus.topic(event, self.actor.organization_id, **ids)

    @asynccontextmanager
    async def command(self) -> AsyncIterator[Transaction]:
        """Like `transaction`, for handlers: a refusal is told to the person in a notice and goes no further."""
        try:
            async with transaction(self.actor) as tx:
                yield tx
        except Exception as reason:  # an edge
            with self.page:
                ui.notify(explain(reason), type="negative", position="top")


def translated(refusal: Refusal) -> str:
    """A refusal in the reader's language."""
    return _(refusal.message, **refusal.values)


def explain(reason: Exception) -> str:
    """Any exception as a sentence for the person at the screen; what is not a refusal is logged."""
    if isinstance(reason, Refusal):
        return translated(reason)
    if isinstance(reason, (*UNREACHABLE, OSError)):
        log.warning("a page could not reach the database", reason=str(reason))
        return _("The database does not answer. Try again in a few seconds.")
    log.error("a page failed", exc_info=reason)
    return _("Something went wrong. It has been noted; try again.")


def field_errors(reason: Refusal) -> dict[str, str]:
    """What a form's submit handler answers for a refusal: the message at its field, or above the form."""
    return {reason.field if isinstance(reason, Invalid) else "": translated(reason)}


def actor(request: Request) -> Actor:
    """Who asks a plain route (a file, a download). Unauthenticated where nobody is signed in."""
    found = actor_of(request)
    if found is None or found.organization_id is None:
        raise Unauthenticated("Sign in first.")
    return found


def screen(path: str, *, title: str, place: str, permission: str | None = None) -> Callable[[Callable[..., Awaitable[None]]], Any]:
    """A route whose builder gets a Looker first, then what stands in its path and query (typed as in FastAPI).

    `title` is translated; `place` is the menu entry to mark; without `permission` every signed-in person may look.
    """

    def made(build: Callable[..., Awaitable[None]]) -> Any:
        async def page(request: Request, **arguments: Any) -> RedirectResponse | None:
            who = actor_of(request)
            if who is None:
                here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                return RedirectResponse(f"/sign-in?next={quote(here)}", status_code=303)
            await _draw(who, title, place, permission, lambda look: build(look, **arguments), request.url.path)
            return None

        own = [p for name, p in inspect.signature(build).parameters.items() if name != "look"]
        first = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
        page.__signature__ = inspect.Signature([p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + [first])  # type: ignore[attr-defined]
        page.__name__, page.__module__ = build.__name__, build.__module__
        return ui.page(path, response_timeout=20)(page)

    return made


async def _draw(
    who: Actor, title: str, place: str, permission: str | None, build: Callable[[Looker], Awaitable[None]], path: str
) -> None:
    set_reader(Reader(who.language, who.time_zone, "f" if who.units == "fahrenheit" else "c"))
    if who.organization_id is None:
        use_language_and_theme(who.language)
        with frame(_(title), [], "", Look(person=Person(who.name, ""), on_sign_out=sign_out)) as held:
            if who.is_platform_admin and place == "support":
                await build(Looker(who, who.time_zone, held))
            elif who.is_platform_admin:
                empty_state(_("You run this installation."), icon="support_agent", action=_("Look into an organization"), href="/support")
            else:
                empty_state(_("You do not belong to any organization yet."), _("Ask for an invitation link."), icon="group_off")
        return
    look = Looker(who, who.time_zone)
    around = await _look(look)
    use_language_and_theme(who.language, around.theme)
    with frame(_(title), _menu(who), place, around) as held:
        look.frame = held
        if permission and not who.may(permission):
            no_permission_state()
            return
        _ways(who, place, path)
        try:
            await build(look)
        except NotFound as reason:
            empty_state(translated(reason), _("It may have been deleted, or the link is not right."), icon="search_off")
        except Exception as reason:  # an edge
            error_state(explain(reason), retry=lambda: ui.navigate.reload())
        _watch_inbox(look, held)
        if who.idle_after_s:
            ui.run_javascript(_IDLE % (who.idle_after_s * 1000, min(who.idle_after_s * 1000 // 4, 60_000)))


async def _look(look: Looker) -> Look:
    who = look.actor
    assert who.user_id and who.organization_id
    async with transaction(who) as tx:
        me = await identity.me(tx)
        organization = await identity.organization(tx)
        unread = await notifications.unread_count(tx)
        unpaid = bill_warning(await account_of(tx), look.time_zone) if look.may("billing.view") else ""
    look.organization_name, look.is_demonstration = organization.name, organization.is_demonstration
    mine = await door.organizations_of(who.user_id)

    async def search(text: str) -> list[Found]:
        return [found for searcher in SEARCHERS for found in await searcher(look, text)]

    async def choose(organization_id: str) -> None:
        await door.choose_organization(who, UUID(organization_id))
        ui.navigate.to("/")

    async def language(code: str) -> None:
        async with look.command() as tx:
            await identity_commands.set_preferences(tx, language=code)
        ui.navigate.reload()

    async def theme(name: str) -> None:
        async with look.command() as tx:
            await identity_commands.set_preferences(tx, theme=name)

    return Look(
        person=Person(me.name, me.email or me.phone or ""),
        organizations=[Organization(str(o.id), o.name) for o in mine],
        organization_id=str(who.organization_id),
        theme=me.theme,  # type: ignore[arg-type]
        unread=unread,
        inbox_href="/inbox",
        profile_href="/settings",
        told_href="/settings/notifications",
        demonstration=_("Demonstration: every device here is simulated.") if organization.is_demonstration else "",
        warning=_("You are looking in as support; nothing can be changed. Tap to leave.") if who.visit_id else unpaid,
        warning_href="/support" if who.visit_id else "/billing",
        search=search,
        on_organization=choose,
        on_language=language,
        on_theme=theme,
        on_sign_out=sign_out,
    )


_IDLE = """
(() => {
  if (window.stIdle) return;
  let touched = Date.now(), told = touched;
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"])
    addEventListener(kind, () => { touched = Date.now(); }, { passive: true, capture: true });
  window.stIdle = setInterval(() => {
    if (touched > told) { told = touched; fetch("/seen", { method: "POST" }).catch(() => {}); }
    if (Date.now() - touched > %d + 5000) { clearInterval(window.stIdle); location.assign("/sign-in"); }
  }, %d);
})()
"""
"""Tells, while somebody is at it, that the session is in use; an open page with nobody before it goes when the session has ended."""


def sign_out() -> None:
    """End this browser's session by an ordinary form post, so that the cookie goes too."""
    ui.run_javascript("const f=document.createElement('form');f.method='post';f.action='/sign-out';document.body.append(f);f.submit()")


def _menu(who: Actor) -> list[Place]:
    return [
        Place(item.key, _(item.label), item.icon, item.href, group=_(item.group) if item.group else "")
        for item in pages.MENU
        if item.permission is None or who.may(item.permission)
    ]


def _ways(who: Actor, place: str, path: str) -> None:
    """The row of a place's screens, above those that stand in it."""
    routes = {getattr(route, "path", "") for route in app.routes}
    found = [
        Way(_(item.label), item.icon, item.href)
        for item in pages.WAYS
        if item.key == place and item.href in routes and (item.permission is None or who.may(item.permission))
    ]
    if len(found) > 1 and any(way.href == path for way in found):
        ways(found, path)


def _watch_inbox(look: Looker, held: Frame) -> None:
    async def ask() -> int:
        async with look.transaction() as tx:
            return await notifications.unread_count(tx)

    assert look.actor.user_id
    live_value(ask, held.set_unread, look.topic(InboxChanged, user_id=look.actor.user_id), minimum_interval_s=1.0)
