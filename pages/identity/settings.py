"""How one wants to see things, and the browsers and programs one is signed in with."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import Response
from nicegui import app, ui

from data.core.errors import Refusal
from data.identity import commands, door, own_email, queries
from data.identity.events import SessionEnded
from data.identity.tables import AuthSession
from pages._shell import Looker, field_errors, screen
from pages.identity import _second_factor
from pages.identity._account import account
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm
from ui.form import Form, button
from ui.live import live
from ui.words import _, time_zones


@screen("/settings", title="Your settings", place="settings")
async def settings(look: Looker) -> None:
    async with look.transaction() as tx:
        me, waiting = await queries.me(tx), await own_email.waiting(tx)
    with ui.element("div").classes("st-stack"):
        with ui.element("section").classes("st-card"):
            account(look, me, waiting)
        with ui.element("section").classes("st-card"):
            ui.label(_("How you see things")).classes("st-h2").props("role=heading aria-level=2")
            _preferences(look, me.language, me.units, me.time_zone)
        with ui.element("section").classes("st-card"):
            await _second_factor.card(look, is_on=me.is_mfa_enabled, name=me.email or me.phone or me.name)
        with ui.element("section").classes("st-card"):
            ui.label(_("Where you are signed in")).classes("st-h2").props("role=heading aria-level=2")
            _sessions(look)


@app.post("/seen")
async def seen() -> Response:
    """Somebody is at an open page; the gate has noted it with the session."""
    return Response(status_code=204)


def _preferences(look: Looker, language: str, units: str, time_zone: str) -> None:
    form = Form()
    with form:
        form.select("language", _("Language"), {"en": "English", "km": "ខ្មែរ"}, language, required=True)
        form.select("units", _("Temperatures in"), {"celsius": "°C", "fahrenheit": "°F"}, units, required=True)
        form.select("time_zone", _("Time zone"), time_zones(time_zone), time_zone, required=True, search=True)

    async def save(values: dict[str, Any]) -> dict[str, str] | None:
        try:
            async with look.transaction() as tx:
                await commands.set_preferences(tx, **values)
        except Refusal as refusal:
            return field_errors(refusal)
        ui.navigate.reload()
        return None

    form.buttons(_("Save"), save)


def _sessions(look: Looker) -> None:
    assert look.actor.user_id
    user_id = look.actor.user_id

    async def ask() -> Sequence[AuthSession]:
        return await door.sessions_of(user_id)

    async def end(session_id: UUID, name: str) -> None:
        if await confirm(_("Sign out there?"), action=_("Sign out"), goes=[name]):
            await door.end_session(user_id, session_id)
            part.refresh()

    async def others() -> None:
        if await confirm(_("Sign out everywhere else?"), action=_("Sign out")):
            await door.end_other_sessions(user_id, look.actor.session_id)
            part.refresh()

    def show(found: Sequence[AuthSession]) -> None:
        for session in found:
            is_program = session.access_hash is not None
            name = session.device_name or (_("Unknown program") if is_program else _("Unknown browser"))
            with ui.element("div").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(name).classes("st-item-words")
                    with ui.element("div").classes("st-soft"):
                        ui.label(str(session.ip_address or ""))
                        age(session.last_seen_at)
                        if session.idle_after_s:
                            ui.label(_("ends when nobody touches it for {minutes} minutes", minutes=session.idle_after_s // 60))
                if is_program:
                    badge("neutral", _("Program"), icon="terminal")
                if session.id == look.actor.session_id:
                    badge("ok", _("This browser"))
                else:
                    button(_("Sign out"), lambda s=session, n=name: end(s.id, n), kind="quiet")

        if len(found) > 1:
            button(_("Sign out everywhere else"), others, icon="logout", kind="quiet")

    part = live(ask, show, look.topic(SessionEnded))
