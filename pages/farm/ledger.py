"""What was due and what became of it, run by run; after an outage, what was done about each run that fell into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response
from nicegui import app, ui

from data.core.session import transaction
from data.core.time import now
from data.farm import ledger, queries
from data.farm.events import ScheduleChanged
from data.farm.ledger import Line, Only, Outage, Wanted
from pages._csv import csv_response
from pages._shell import Looker, actor, screen
from pages.farm._schedule_words import done_words
from pages.farm._words import RUN_STATES, RUN_WORDS, reason_of
from ui.age import age
from ui.form import Form, button
from ui.live import live
from ui.slowed import Slowed
from ui.table import Column, table
from ui.words import _, moment, n_, noop, zone

PATH = "/farm/ledger"
MOST_ROWS = 100_000
HEADER = (
    "scheduled_at", "local_time", "farm", "schedule", "device", "asked", "status", "reason", "missed_policy", "is_late", "lag_ms",
    "answered_after_ms", "run_id", "schedule_id", "device_id",
)  # fmt: skip
ONLY_WORDS = {Only.OUTAGE: noop("Fell into an outage"), Only.UNDONE: noop("Did not happen")}
ASKED_WORDS = {
    "on": noop("Switch on"), "off": noop("Switch off"), "set_speed": noop("Set the speed"), "set_value": noop("Set the value"),
    "set_angle": noop("Set the angle"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filter:
    """As it stands in the address; days are the reader's own."""

    farm: UUID | None = None
    schedule: UUID | None = None
    only: Only | None = None
    since: date | None = None
    until: date | None = None

    def wanted(self, time_zone: str, search: str = "") -> Wanted:
        return Wanted(
            self.farm, self.schedule, self.only, _day_start(self.since, time_zone),
            _day_start(self.until + timedelta(days=1) if self.until else None, time_zone), search,
        )  # fmt: skip

    def address(self, path: str = PATH) -> str:
        query = urlencode({name: str(value) for name in self.__slots__ if (value := getattr(self, name))})
        return f"{path}?{query}" if query else path


def read(query: Mapping[str, str]) -> Filter:
    """What an address says; what makes no sense in it is left out."""
    return Filter(
        _known(UUID, query.get("farm")), _known(UUID, query.get("schedule")), _known(Only, query.get("only")),
        _known(_day, query.get("since")), _known(_day, query.get("until")),
    )  # fmt: skip


@screen(PATH, title="Past runs", place="farm", permission="farm.view")
async def runs(look: Looker) -> None:
    assert look.frame and ui.context.client.request
    chosen = read(ui.context.client.request.query_params)
    with look.frame.actions:
        button(_("Schedules"), kind="quiet", icon="schedule", href="/farm/schedules")

    async def ask() -> Sequence[Outage]:
        async with look.transaction() as tx:
            return await ledger.outages(tx, at=now(), farm_id=chosen.farm)

    live(ask, lambda found: _outages(found, chosen), Slowed(look.topic(ScheduleChanged), 10.0))
    await _filter(look, chosen)
    _list(look, chosen)


def _outages(found: Sequence[Outage], chosen: Filter) -> None:
    if not found:
        ui.label(_("Nothing fell into an outage in the last 30 days.")).classes("st-soft")
        return
    with ui.element("section").classes("st-card"):
        ui.label(_("Times in which Steading was not running")).classes("st-h2").props("role=heading aria-level=2")
        for one in found:
            _outage(one, chosen)


def _outage(one: Outage, chosen: Filter) -> None:
    zone_name = one.farm.time_zone
    days = [at.astimezone(zone(zone_name)).date() for at in (one.first_at, one.last_at)]
    with ui.element("article").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            href = replace(chosen, farm=one.farm.id, only=Only.OUTAGE, since=days[0], until=days[1]).address()
            ui.link(_("{farm}: {since} to {until}", farm=one.farm.name, since=moment(one.first_at, zone_name), until=moment(one.last_at, zone_name)), href).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.label(n_("{n} run fell into it", "{n} runs fell into it", one.runs))
                if one.late:
                    ui.label(_("done late: {count}", count=one.late))
                if one.reconciled:
                    ui.label(_("brought to where they should be: {count}", count=one.reconciled))
                if one.left_out:
                    ui.label(_("left out: {count}", count=one.left_out))
        age(one.noticed_at, zone_name)


async def _filter(look: Looker, chosen: Filter) -> None:
    async with look.transaction() as tx:
        farms = {farm.id: farm.name for farm in await queries.farms(tx)}
        schedules = {one.schedule.id: f"{one.schedule.name} · {one.device.name}" for one in await queries.schedules(tx)}
    with ui.expansion(_("Narrow the list"), icon="filter_list", value=chosen != Filter()).classes("st-more"):
        form = Form()
    form.box.classes("st-filter")
    with form:
        fields = {}
        if len(farms) > 1:
            fields["farm"] = form.select("farm", _("Farm"), farms, chosen.farm if chosen.farm in farms else None)
        fields["schedule"] = form.select("schedule", _("Schedule"), schedules, chosen.schedule if chosen.schedule in schedules else None, search=True)
        fields["only"] = form.select("only", _("Only those that"), {key: _(words) for key, words in ONLY_WORDS.items()}, chosen.only)
        fields["since"] = form.date("since", _("From day"), chosen.since)
        fields["until"] = form.date("until", _("To day"), chosen.until)

    def go() -> None:
        ui.navigate.to(replace(chosen, **{name: field.value for name, field in fields.items()}).address())

    for field in fields.values():
        field.control.on_value_change(go)


def _list(look: Looker, chosen: Filter) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found, total = await ledger.page(
                tx, chosen.wanted(look.time_zone, search), offset=(page - 1) * size, limit=size, sort=sort, descending=descending
            )
        return [_row(one) for one in found], total

    columns = [
        Column("schedule", _("Schedule")),
        Column("at", _("Was due"), "moment", zone=look.time_zone),
        Column("device", _("Device")),
        Column("status", _("Result"), "badge"),
        Column("why", _("Why"), sortable=False),
        Column("done", _("In an outage"), sortable=False),
        Column("asked", _("Asked"), sortable=False, hidden=True),
        Column("lag", _("Late by"), "number", sortable=False, hidden=True, decimals=1, unit="s"),
        Column("farm", _("Farm"), sortable=False, hidden=True),
    ]
    table(
        columns, ask, sort="at", descending=True, empty=_("Nothing has run yet."), label=_("Past runs"), filter_label=_("Find by schedule or device"),
        csv_href=chosen.address(f"{PATH}.csv"), topics=[Slowed(look.topic(ScheduleChanged), 2.0)],
    )  # fmt: skip


def _row(one: Line) -> dict[str, Any]:
    run = one.run
    asked = str((run.command_sent or {}).get("command") or "")
    return {
        "id": run.id, "href": f"/farm/schedules?schedule={one.schedule.id}" if one.schedule.deleted_at is None else "", "at": run.scheduled_time,
        "schedule": one.schedule.name, "device": one.device.name, "farm": one.farm.name, "status": (RUN_STATES[run.status], _(RUN_WORDS[run.status])),
        "why": reason_of(run.error_message, run.error_values), "done": done_words(run), "asked": _(ASKED_WORDS[asked]) if asked in ASKED_WORDS else "",
        "lag": None if run.lag_ms is None else run.lag_ms / 1000,
    }  # fmt: skip


@app.get(f"{PATH}.csv")
async def as_csv(request: Request, sort: str = "at", dir: str = "desc", q: str = "") -> Response:
    """The list as it is narrowed, sorted and filtered on the page."""
    who = actor(request)
    async with transaction(who) as tx:
        found, _total = await ledger.page(
            tx, read(request.query_params).wanted(who.time_zone, q[:200]), limit=MOST_ROWS, sort=sort, descending=dir != "asc"
        )
    return csv_response("farm-runs.csv", HEADER, (csv_row(one) for one in found))


def csv_row(one: Line) -> list[object]:
    run = one.run
    reason = (run.error_message or "").format(**run.error_values) if run.error_message else ""
    return [
        run.scheduled_time, f"{run.scheduled_time.astimezone(zone(one.farm.time_zone)):%Y-%m-%d %H:%M:%S}", one.farm.name, one.schedule.name,
        one.device.name, (run.command_sent or {}).get("command"), run.status.value, reason, run.missed_policy.value if run.missed_policy else None,
        run.is_late, run.lag_ms, run.execution_duration_ms, str(run.id), str(run.schedule_id), str(run.device_id),
    ]  # fmt: skip


def _known(kind: Any, text: str | None) -> Any:
    try:
        return kind(text) if text else None
    except ValueError:
        return None


def _day(text: str) -> date:
    found = date.fromisoformat(text)
    if not 1990 <= found.year <= 2100:
        raise ValueError(text)
    return found


def _day_start(of: date | None, time_zone: str) -> datetime | None:
    return datetime.combine(of, time(), zone(time_zone)) if of else None
