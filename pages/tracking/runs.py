"""Clients, their brands and the runs of a brand, set up in that order."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.core.time import now, zone
from data.tracking import commands, queries
from data.tracking.events import RunChanged, TrackerChanged
from data.tracking.queries import Run, Setting
from pages._shell import Looker, field_errors, screen
from ui.badge import badge
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, day, n_

Found = tuple[Sequence[Setting], Sequence[Setting], Sequence[Run]]


@screen("/tracking/runs", title="Runs", place="tracking", permission="tracking.view")
async def runs(look: Looker) -> None:
    async def ask() -> Found:
        async with look.transaction() as tx:
            return await queries.clients(tx), await queries.brands(tx), await queries.runs(tx)

    assert look.frame
    with look.frame.actions:
        button(_("All trackers"), kind="quiet", icon="arrow_back", href="/tracking")
    live(ask, lambda found: _show(look, *found), look.topic(RunChanged), look.topic(TrackerChanged), minimum_interval_s=1.0)


def _show(look: Looker, clients: Sequence[Setting], brands: Sequence[Setting], found: Sequence[Run]) -> None:
    editable = [each for each in clients if look.may("tracking.edit", each.client_id)]
    own_brands = [each for each in brands if look.may("tracking.edit", each.client_id)]
    if look.may("tracking.edit"):
        with ui.element("div").classes("st-row"):
            if look.actor.scopes("tracking.edit") is None:
                button(_("New client"), lambda: _new_client(look), kind="plain" if clients else "primary", icon="add")
            if editable:
                button(_("New brand"), lambda: _new_brand(look, editable), kind="plain" if own_brands else "primary", icon="add")
            if own_brands:
                button(_("New run"), lambda: _new_run(look, own_brands), kind="primary", icon="add")
    if not found:
        empty_state(_("There are no runs yet."), _next_step(clients, brands), icon="inventory")
    for run in found:
        _item(run)


def _next_step(clients: Sequence[Setting], brands: Sequence[Setting]) -> str:
    if not clients:
        return _("Begin with a client: whose goods are tracked.")
    if not brands:
        return _("Next: one of the client's brands.")
    return _("Next: a run of the brand, from the day its goods leave.")


def _item(run: Run) -> None:
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.link(run.description, f"/tracking/runs/{run.id}").classes("st-item-words")
            ui.label(f"{run.client_name} · {run.brand_name}").classes("st-soft")
            until = day(run.ends_at) if run.ends_at else _("open end")
            ui.label(f"{day(run.starts_at)} – {until}").classes("st-soft")
        ui.label(n_("{n} tracker", "{n} trackers", run.tracker_count))
        if run.is_current(now()):
            badge("ok", _("Under way"))
        else:
            badge("neutral", _("Over") if run.starts_at <= now() else _("Not begun"))


def _new_client(look: Looker) -> None:
    with panel(_("New client"), _("Whose goods are tracked. People can be limited to one client.")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), required=True)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.add_client(tx, name=values["name"])
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(_("Add"), send, on_cancel=dialog.close)
    dialog.open()


def _new_brand(look: Looker, clients: Sequence[Setting]) -> None:
    with panel(_("New brand")) as dialog:
        form = Form()
        with form:
            form.select("client", _("Client"), {each.id: each.name for each in clients}, clients[0].id, required=True)
            form.text("name", _("Name"), required=True)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.add_brand(tx, values["client"], name=values["name"])
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(_("Add"), send, on_cancel=dialog.close)
    dialog.open()


def _new_run(look: Looker, brands: Sequence[Setting]) -> None:
    here = look.time_zone
    with panel(_("New run"), _("Its trackers are asked for between its start and its end.")) as dialog:
        form = Form()
        with form:
            names = {each.id: f"{each.client_name} · {each.name}" for each in brands}
            form.select("brand", _("Brand"), names, brands[0].id, required=True)
            form.text("description", _("What is sent"), required=True, placeholder=_("Spring display stands"))
            form.time("starts_at", _("Start"), now().astimezone(zone(here)), zone=here, required=True)
            form.time("ends_at", _("End"), zone=here, help=_("Leave it empty while nobody knows."))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    run = await commands.add_run(
                        tx, values["brand"], description=values["description"],
                        starts_at=_instant(values["starts_at"], here), ends_at=values["ends_at"] and _instant(values["ends_at"], here),
                    )  # fmt: skip
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            _opened(run.id)
            return None

        form.buttons(_("Add"), send, on_cancel=dialog.close)
    dialog.open()


def _opened(run_id: UUID) -> None:
    ui.navigate.to(f"/tracking/runs/{run_id}")


def _instant(naive: datetime, zone_name: str) -> datetime:
    return naive.replace(tzinfo=zone(zone_name)).astimezone(UTC)
