"""What people wrote down by hand: who, when, how warm, what they did about it; and what should have been written by now."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import FileResponse
from nicegui import app, ui

from data.cold_chain.events import TemperatureWritten, UnitChanged
from data.cold_chain.queries import logs as queries
from data.cold_chain.queries import units
from data.cold_chain.queries.logs import LOG, LogView, RoundUnit
from data.core.errors import NotFound
from data.core.session import transaction
from data.core.time import now
from data.platform.commands import path_of
from pages._csv import csv_response
from pages._shell import Looker, actor, screen
from pages.cold_chain._log_filter import Filter, read
from ui.age import age
from ui.badge import State, badge
from ui.form import Form, button
from ui.live import live
from ui.slowed import Slowed
from ui.table import Column, table
from ui.words import _, n_, temperature_unit, temperature_value

PATH = "/cold-chain/logs"
MOST_DUE, MOST_ROWS = 8, 100_000
HEADER = (
    "recorded_at", "local_time", "site", "area", "unit", "temperature_celsius", "low_celsius", "high_celsius", "in_range", "humidity_percent",
    "logged_by", "corrective_action", "notes", "photo", "arrived_at", "id", "corrects", "corrected_by",
)  # fmt: skip


@screen(PATH, title="Written down by hand", place="cold_chain", permission="cold_chain.view")
async def logs(look: Looker) -> None:
    assert look.frame and ui.context.client.request
    chosen = read(ui.context.client.request.query_params)
    if look.may(LOG):
        with look.frame.actions:
            button(_("Write temperatures down"), kind="primary", icon="edit", href="/cold-chain/log")

    async def ask_due() -> tuple[Sequence[RoundUnit], int]:
        async with look.transaction() as tx:
            return await queries.round_of(tx, now(), site_id=chosen.site, only_due=True, limit=MOST_DUE), await queries.due_count(tx, now())

    live(ask_due, _due, Slowed(look.topic(UnitChanged), 5.0))
    await _filter(look, chosen)
    _list(look, chosen)


def _due(found: tuple[Sequence[RoundUnit], int]) -> None:
    shown, total = found
    if not shown:
        return
    with ui.element("section").classes("st-card"):
        ui.label(n_("{n} unit should have been written down by now", "{n} units should have been written down by now", total)).classes("st-h2").props(
            "role=heading aria-level=2"
        )
        for one in shown:
            with ui.element("article").classes("st-item"):
                badge("warning", _("Due"))
                with ui.element("div").classes("st-item-main"):
                    ui.link(one.name, f"/cold-chain/units/{one.id}").classes("st-item-words")
                    ui.label(f"{one.site_name} · {one.area_name}").classes("st-soft")
                age(one.due_at, one.time_zone)


async def _filter(look: Looker, chosen: Filter) -> None:
    async with look.transaction() as tx:
        sites = {one.site.id: one.site.name for one in await units.sites(tx)}
        people = dict(await queries.writers(tx))
        unit = await units.unit(tx, chosen.unit) if chosen.unit else None
    form = Form()
    form.box.classes("st-filter")
    with form:
        fields = {}
        if len(sites) > 1:
            fields["site"] = form.select("site", _("Site"), sites, chosen.site if chosen.site in sites else None)
        fields["who"] = form.select("who", _("Person"), people, chosen.who if chosen.who in people else None, search=True)
        fields["since"] = form.date("since", _("From day"), chosen.since)
        fields["until"] = form.date("until", _("To day"), chosen.until)
        fields["out"] = form.check("out", _("Out of limits only"), chosen.out)

    def go() -> None:
        ui.navigate.to(chosen.address(PATH, **{name: field.value for name, field in fields.items()}))

    for field in fields.values():
        field.control.on_value_change(go)
    if unit:
        with ui.element("div").classes("st-row"):
            ui.label(_("Only {unit}", unit=unit.name))
            button(_("All units"), kind="quiet", icon="close", href=chosen.address(PATH, unit=None))


def _list(look: Looker, chosen: Filter) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found, total = await queries.page(
                tx, chosen.wanted(look.time_zone, search), offset=(page - 1) * size, limit=size, sort=sort, descending=descending
            )
        return [_row(one) for one in found], total

    columns = [
        Column("recorded_at", _("Read at"), "moment", zone=look.time_zone),
        Column("unit", _("Unit")),
        Column("temperature", _("Temperature"), "number", decimals=1, unit=temperature_unit()),
        Column("state", _("State"), "badge", sortable=False),
        Column("who", _("Who")),
        Column("action", _("What was done"), sortable=False),
        Column("place", _("Place"), sortable=False, hidden=True),
        Column("notes", _("Note"), sortable=False, hidden=True),
        Column("arrived", _("Arrived"), "moment", sortable=False, hidden=True, zone=look.time_zone),
    ]
    table(
        columns, ask, sort="recorded_at", descending=True, empty=_("Nothing has been written down here."), label=_("Written down by hand"),
        filter_label=_("Find by unit or person"), csv_href=chosen.address(f"{PATH}.csv"), topics=[Slowed(look.topic(TemperatureWritten), 1.0)],
    )  # fmt: skip


def state_of(one: LogView) -> tuple[State, str]:
    """Whether a line stands, and whether it was within the limits of its time."""
    if one.corrected_by_id:
        return "neutral", _("Corrected")
    return ("ok", _("Within limits")) if one.log.is_in_range else ("warning", _("Out of limits"))


def _row(one: LogView) -> dict[str, Any]:
    return {
        "id": one.log.id, "href": f"{PATH}/{one.log.id}", "recorded_at": one.log.recorded_at, "unit": one.unit_name,
        "temperature": temperature_value(float(one.log.temperature_celsius)), "state": state_of(one), "who": one.log.user_name,
        "action": one.action or "", "place": f"{one.site_name} · {one.area_name}", "notes": one.log.notes or "",
        "arrived": one.log.created_at,
    }  # fmt: skip


@app.get(f"{PATH}.csv")
async def as_csv(request: Request, sort: str = "", dir: str = "desc", q: str = "") -> Response:
    """The list as it is narrowed, sorted and filtered on the page."""
    who = actor(request)
    async with transaction(who) as tx:
        found, _total = await queries.page(
            tx, read(request.query_params).wanted(who.time_zone, q[:200]), limit=MOST_ROWS, sort=sort, descending=dir != "asc"
        )
    return csv_response("temperatures-by-hand.csv", HEADER, (csv_row(one) for one in found))


def csv_row(one: LogView) -> tuple[object, ...]:
    line = one.log
    return (
        line.recorded_at, line.recorded_at.astimezone(ZoneInfo(one.time_zone)).strftime("%Y-%m-%d %H:%M:%S"), one.site_name, one.area_name,
        one.unit_name, line.temperature_celsius, line.low_celsius, line.high_celsius, "yes" if line.is_in_range else "no", line.humidity_percent,
        line.user_name, one.action, line.notes, "yes" if line.photo_file_id else "no", line.created_at, str(line.id),
        line.corrects_id and str(line.corrects_id), one.corrected_by_id and str(one.corrected_by_id),
    )  # fmt: skip


@app.get(f"{PATH}/{{log_id:uuid}}/photo")
async def photo(request: Request, log_id: UUID) -> FileResponse:
    """The photo of one line."""
    async with transaction(actor(request)) as tx:
        found = await queries.photo(tx, log_id)
    path = path_of(found)
    if not path.is_file():
        raise NotFound("There is no such file.")
    return FileResponse(
        path, media_type=found.mime_type, filename=found.file_name, content_disposition_type="inline",
        headers={"x-content-type-options": "nosniff", "cache-control": "private, max-age=300"},
    )  # fmt: skip
