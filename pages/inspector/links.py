"""Who may inspect by a link: made for a name, some sites and some time; shown once, counted, taken back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request
from nicegui import app, ui

from data.cold_chain.queries import units
from data.core.errors import Refusal
from data.core.time import now
from data.identity import inspectors
from data.identity.events import InspectorsChanged
from data.identity.inspectors import EDIT
from data.identity.tables import InspectorLink
from pages._shell import Looker, field_errors, screen
from pages.inspector._looking import PATH
from ui.age import age
from ui.badge import badge
from ui.dialog import ask_secret_once, confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, day, n_, zone

USUAL_DAYS = 14
Sites = Mapping[UUID, str]


@screen("/inspectors", title="Inspectors", place="inspectors", permission=EDIT)
async def links(look: Looker) -> None:
    assert look.frame and ui.context.client.request
    origin = _origin(ui.context.client.request)
    with look.frame.actions:
        button(_("See what they see"), kind="quiet", icon="visibility", href=PATH)
        button(_("New link"), lambda: _make(look, origin), kind="primary", icon="add")

    async def ask() -> tuple[Sequence[InspectorLink], Sites]:
        async with look.transaction() as tx:
            return await inspectors.links(tx), {one.site.id: one.site.name for one in await units.sites(tx)}

    def show(found: tuple[Sequence[InspectorLink], Sites]) -> None:
        made, sites = found
        if not made:
            empty_state(
                _("No inspector has a link."), _("A link lets somebody read and take away records without signing in, until it ends."), icon="fact_check"
            )
        for link in made:
            _link(look, link, sites)

    live(ask, show, look.topic(InspectorsChanged))


def _link(look: Looker, link: InspectorLink, sites: Sites) -> None:
    async def revoke() -> None:
        if await confirm(_("Take the link back?"), _("It opens nothing from then on."), action=_("Take back"), goes=[link.name]):
            async with look.command() as tx:
                await inspectors.revoke_link(tx, link.id)

    is_over = link.revoked_at is not None or link.expires_at <= now()
    where = _("all sites") if link.site_ids is None else ", ".join(sites.get(UUID(one), _("a site that is gone")) for one in link.site_ids)
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(link.name).classes("st-item-words")
            ui.label(f"{where} · …{link.last_four}").classes("st-soft")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(n_("used {n} time", "used {n} times", link.use_count))
                if link.last_used_at:
                    age(link.last_used_at)
        if link.revoked_at:
            badge("offline", _("Revoked"), icon="block")
        elif is_over:
            badge("offline", _("Ended"), icon="event_busy")
        else:
            badge("ok", _("until {day}", day=day(link.expires_at, look.time_zone)), icon="event_available")
            button(_("Take back"), revoke, kind="quiet")


async def _make(look: Looker, origin: str) -> None:
    async with look.transaction() as tx:
        sites = {one.site.id: one.site.name for one in await units.sites(tx)}
    here = zone(look.time_zone)
    with panel(_("New link"), _("Whoever holds it reads and takes away; it changes nothing. It is shown once.")) as dialog:
        form = Form()
        with form:
            form.text("name", _("For whom"), required=True, placeholder=_("Food authority, Ms Im"))
            form.select("site_ids", _("Sites"), sites, multiple=True, help=_("None chosen: all sites, those to come too."))
            form.date("until", _("Last day"), (now().astimezone(here) + timedelta(days=USUAL_DAYS)).date(), required=True)

        async def send(values: Mapping[str, Any]) -> dict[str, str] | None:
            ends = datetime.combine(values["until"], time(), here) + timedelta(days=1)
            try:
                async with look.transaction() as tx:
                    _row, token = await inspectors.make_link(
                        tx, name=values["name"], expires_at=ends, site_ids=list(values["site_ids"]) or None
                    )
            except Refusal as refusal:
                errors = field_errors(refusal)
                return {"until" if name == "expires_at" else name: words for name, words in errors.items()}
            dialog.close()
            await ask_secret_once(values["name"], f"{origin}{PATH}/{token}")
            return None

        form.buttons(_("Make it"), send, on_cancel=dialog.close)
    dialog.open()


def _origin(request: Request) -> str:
    """The address that people type."""
    settings = app.state.settings
    return settings.origin if settings.public_url else f"{request.url.scheme}://{request.url.netloc}"
