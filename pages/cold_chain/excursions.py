"""Every time a unit was out of its limits: how long, how far, why, and what was done about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from nicegui import app, ui

from data.cold_chain.events import ExcursionChanged, UnitChanged
from data.cold_chain.queries import excursions as queries
from data.cold_chain.queries import units
from data.cold_chain.queries.excursions import ExcursionView, Sort, Wanted
from data.cold_chain.values import ExcursionCause
from data.core.session import transaction
from data.core.time import now
from pages._csv import csv_response
from pages._shell import Looker, actor, screen
from pages.cold_chain._excursion_words import PATH, address, cause_words, direction_words, face, lasted_words
from pages.cold_chain._log_filter import day, day_start
from ui.form import Form, button
from ui.slowed import Slowed
from ui.table import Column, table
from ui.words import _, difference_value, temperature_unit, temperature_value

MOST_ROWS = 100_000
SORTS: Mapping[str, Sort] = {"started_at": "started", "lasted": "lasted", "peak": "peak", "size": "size", "unit": "unit"}
HEADER = (
    "started_at", "local_time", "ended_at", "confirmed_at", "minutes", "site", "area", "unit", "direction", "limit_celsius",
    "peak_celsius", "peak_at", "degree_minutes", "readings", "door_was_open", "cause", "cause_note", "cause_by", "corrective_actions",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """As it stands in the address: days are the reader's own."""

    site: UUID | None = None
    unit: UUID | None = None
    state: str = ""
    cause: str = ""
    since: date | None = None
    until: date | None = None

    def wanted(self, time_zone: str, search: str = "") -> Wanted:
        """The same for the query; the last day counts whole."""
        return Wanted(
            site_id=self.site, unit_id=self.unit, is_open={"open": True, "over": False}.get(self.state),
            is_cause_missing=self.cause == "missing", since=day_start(self.since, time_zone),
            until=day_start(self.until + timedelta(days=1) if self.until else None, time_zone), search=search,
        )  # fmt: skip

    def address(self, path: str, **changes: object) -> str:
        """The path with this filter, changed so."""
        values = {name: getattr(self, name) for name in self.__slots__} | changes
        query = urlencode({name: str(value) for name, value in values.items() if value})
        return f"{path}?{query}" if query else path


def read(query: Mapping[str, str]) -> Filter:
    """What an address says; what makes no sense in it is left out."""
    return Filter(
        _id(query.get("site")), _id(query.get("unit")), query.get("state", ""), query.get("cause", ""), day(query.get("since")),
        day(query.get("until")),
    )  # fmt: skip


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


@screen(PATH, title="Excursions", place="cold_chain", permission=queries.VIEW)
async def excursions(look: Looker) -> None:
    assert ui.context.client.request
    chosen = read(ui.context.client.request.query_params)
    await _filter(look, chosen)
    _list(look, chosen)


async def _filter(look: Looker, chosen: Filter) -> None:
    async with look.transaction() as tx:
        sites = {one.site.id: one.site.name for one in await units.sites(tx)}
        unit = await units.unit(tx, chosen.unit) if chosen.unit else None
    form = Form()
    form.box.classes("st-filter")
    with form:
        fields = {}
        if len(sites) > 1:
            fields["site"] = form.select("site", _("Site"), sites, chosen.site if chosen.site in sites else None)
        states = {"open": _("Lasts"), "over": _("Over")}
        fields["state"] = form.select("state", _("State"), states, chosen.state if chosen.state in states else None)
        fields["since"] = form.date("since", _("From day"), chosen.since)
        fields["until"] = form.date("until", _("To day"), chosen.until)
        fields["cause"] = form.check("cause", _("Nobody has said why"), chosen.cause == "missing")

    def go() -> None:
        values = {name: field.value for name, field in fields.items()}
        ui.navigate.to(chosen.address(PATH, **values | {"cause": "missing" if values["cause"] else ""}))

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
                tx, chosen.wanted(look.time_zone, search), offset=(page - 1) * size, limit=size, sort=SORTS.get(sort, "started"),
                descending=descending,
            )  # fmt: skip
            suspected = await queries.suggestions(tx, found)
        return [_row(one, suspected[one.excursion.id]) for one in found], total

    columns = [
        Column("unit", _("Unit")),
        Column("state", _("State"), "badge", sortable=False),
        Column("started_at", _("Began"), "moment", zone=look.time_zone),
        Column("lasted", _("Lasted")),
        Column("how", _("How"), sortable=False),
        Column("peak", _("At worst"), "number", decimals=1, unit=temperature_unit()),
        Column("size", _("Degree-minutes"), "number", decimals=0),
        Column("cause", _("Cause"), sortable=False),
        Column("actions", _("Actions"), "number", sortable=False, hidden=True, decimals=0),
        Column("place", _("Place"), sortable=False, hidden=True),
    ]
    table(
        columns, ask, sort="started_at", descending=True, empty=_("No unit has been out of its limits here."), label=_("Excursions"),
        filter_label=_("Find by name or place"), csv_href=chosen.address(f"{PATH}.csv"),
        topics=[Slowed(look.topic(UnitChanged), 5.0), look.topic(ExcursionChanged)],
    )  # fmt: skip


def _row(view: ExcursionView, suspected: ExcursionCause) -> dict[str, Any]:
    one = view.excursion
    return {
        "id": one.id, "href": address(one), "unit": view.unit_name, "state": face(one), "started_at": one.started_at,
        "lasted": lasted_words(view), "how": direction_words(one), "peak": temperature_value(float(one.peak_celsius)),
        "size": difference_value(float(one.degree_minutes)), "cause": cause_words(one, suspected), "actions": view.action_count,
        "place": f"{view.site_name} · {view.area_name}",
    }  # fmt: skip


@app.get(f"{PATH}.csv")
async def as_csv(request: Request, sort: str = "", dir: str = "desc", q: str = "") -> Response:
    """The list as it is narrowed, sorted and filtered on the page."""
    who = actor(request)
    who.require(queries.VIEW)
    wanted = read(request.query_params).wanted(who.time_zone, q[:200])
    async with transaction(who) as tx:
        found, _total = await queries.page(
            tx, wanted, limit=MOST_ROWS, sort=SORTS.get(sort, "started"), descending=dir != "asc"
        )
    return csv_response("excursions.csv", HEADER, (csv_row(one) for one in found))


def csv_row(view: ExcursionView) -> tuple[object, ...]:
    one = view.excursion
    return (
        one.started_at, one.started_at.astimezone(ZoneInfo(view.time_zone)).strftime("%Y-%m-%d %H:%M:%S"), one.ended_at, one.confirmed_at,
        round(view.lasted(now()).total_seconds() / 60, 1), view.site_name, view.area_name, view.unit_name, one.direction.value,
        view.limit_celsius, one.peak_celsius, one.peak_at, one.degree_minutes, one.reading_count, "yes" if one.was_door_open else "no",
        one.cause.value, one.cause_note, view.cause_by, view.action_count,
    )  # fmt: skip
