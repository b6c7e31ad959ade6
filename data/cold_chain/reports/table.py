"""The facts as rows for a spreadsheet: the same facts, in plain words, °C and the place's own clock."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import anyio.to_thread

from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.drawing_up import draw_unit
from data.cold_chain.reports.facts import Facts, LogFact, UnitFact
from data.cold_chain.reports.gathering import Material, Readings, gather, readings
from data.cold_chain.reports.minutes import LATE_AFTER
from data.cold_chain.reports.unit_time import instant
from data.cold_chain.values import ReportKind
from data.core.session import Transaction

Row = Sequence[object]
_PLACE = ("unit", "site", "area")
_EVENT = (
    "section", "date", "time", "until", *_PLACE, "minutes", "temperature_celsius", "limit_celsius", "in_range", "cause", "who", "notes"
)
HEADERS: Mapping[ReportKind, Sequence[str]] = {
    ReportKind.DAILY: ("date", "time", *_PLACE, "reading_type", "temperature_celsius", "in_range", "logged_by", "notes"),
    ReportKind.MANUAL: (
        "date", "time", *_PLACE, "temperature_celsius", "in_range", "logged_by", "arrived_at", "replaced", "notes"
    ),
    ReportKind.EXCEPTIONS: _EVENT,
    ReportKind.COMPLIANCE: _EVENT,
}  # fmt: skip
ROWS_AT_ONCE = 5_000


def rows(facts: Facts) -> Iterator[Row]:
    """Every kind but the daily one, whose readings are not in the facts (see `daily`)."""
    for unit in facts.units:
        if facts.kind is ReportKind.MANUAL:
            yield from (_log(unit, log) for log in unit.logs)
        else:
            yield from _events(unit, is_whole=facts.kind is ReportKind.COMPLIANCE)


async def daily(tx: Transaction, asked: Asked, facts: Facts) -> AsyncIterator[Iterable[Row]]:
    """Every reading and every log of each unit in the order of time, a piece at a time."""
    made = await gather(tx, asked)
    by_id = {unit.id: unit for unit in facts.units}
    seen = set()
    async for found in readings(tx, made, asked):
        for unit_id, read in found.items():
            if unit_id not in by_id:
                continue
            seen.add(unit_id)
            listed = await anyio.to_thread.run_sync(_daily, made, asked, by_id[unit_id], read)
            for first in range(0, len(listed), ROWS_AT_ONCE):
                yield listed[first : first + ROWS_AT_ONCE]
    yield [_daily_log(unit, log) for unit in facts.units if unit.id not in seen for log in unit.logs]


def _daily(made: Material, asked: Asked, unit: UnitFact, read: Readings) -> list[Row]:
    _fact, time = draw_unit(made, asked, next(one for one in made.units if one.id == unit.id), read)
    taken, celsius = read.taken_s[time.within], read.celsius[time.within]
    late = read.received_s[time.within] - taken > LATE_AFTER.total_seconds()
    found: list[tuple[datetime, Row]] = [
        (instant(at), (*_when(instant(at), unit), *_place(unit), "sensor (late)" if is_late else "sensor", f"{warmth:.2f}", "no" if is_out else "yes", "", ""))
        for at, warmth, is_late, is_out in zip(taken.tolist(), celsius.tolist(), late.tolist(), time.is_out[time.within].tolist(), strict=True)
    ]  # fmt: skip
    found += [(log.recorded_at, _daily_log(unit, log)) for log in unit.logs]
    return [row for _at, row in sorted(found, key=lambda one: one[0])]


def _daily_log(unit: UnitFact, log: LogFact) -> Row:
    kind = "manual (replaced)" if log.is_corrected else "manual"
    return (*_when(log.recorded_at, unit), *_place(unit), kind, f"{log.celsius:.2f}", _yes(log.is_in_limits), log.by, log.notes or "")


def _log(unit: UnitFact, log: LogFact) -> Row:
    return (
        *_when(log.recorded_at, unit), *_place(unit), f"{log.celsius:.2f}", _yes(log.is_in_limits), log.by, log.arrived_at,
        _yes(log.is_corrected), log.notes or "",
    )  # fmt: skip


def _events(unit: UnitFact, *, is_whole: bool) -> Iterator[Row]:
    def row(section: str, at: datetime, until: datetime | None = None, **more: object) -> Row:
        cells: dict[str, object] = {"section": section, **dict(zip(("date", "time"), _when(at, unit), strict=True)), "until": _local(until, unit) if until else ""}
        cells |= dict(zip(_PLACE, _place(unit), strict=True)) | more
        return [cells.get(name, "") for name in _EVENT]

    if is_whole:
        for day in unit.days:
            for named, value in (("lowest", day.lowest_celsius), ("average", day.average_celsius), ("highest", day.highest_celsius)):
                if value is not None:
                    yield [f"day {named}", day.day.isoformat(), "", "", *_place(unit), "", f"{value:.2f}", "", "", "", "", ""]
    for one in unit.excursions:
        done = "; ".join(action.action for action in unit.actions if action.id in one.action_ids)
        yield row(
            "excursion" if one.is_confirmed else "short excursion", one.started_at, one.ended_at, minutes=f"{one.minutes:.0f}",
            temperature_celsius=f"{one.peak_celsius:.2f}", limit_celsius=f"{one.limit_celsius:.2f}", in_range="no", cause=one.cause or "",
            who=one.cause_by or "", notes=done,
        )  # fmt: skip
    for gap in unit.gaps:
        yield row("missed manual log" if gap.is_missed else "sensor silent", gap.starts_at, gap.ends_at, minutes=gap.minutes)
    for log in unit.logs:
        if is_whole or not log.is_in_limits:
            yield row("manual log", log.recorded_at, temperature_celsius=f"{log.celsius:.2f}", in_range=_yes(log.is_in_limits), who=log.by, notes=log.notes or "")
    for alert in unit.alerts:
        told = "; ".join(f"{one.who} ({one.channel}, {one.outcome})" for one in alert.told)
        yield row("alert", alert.triggered_at, alert.resolved_at, cause=alert.kind, who=alert.acknowledged_by or "", notes=told)
    for action in unit.actions:
        yield row("corrective action", action.acted_at, cause=action.description, who=action.by or "", notes=action.action)


def _when(at: datetime, unit: UnitFact) -> tuple[str, str]:
    there = at.astimezone(ZoneInfo(unit.time_zone))
    return there.date().isoformat(), there.strftime("%H:%M:%S")


def _local(at: datetime, unit: UnitFact) -> str:
    return " ".join(_when(at, unit))


def _place(unit: UnitFact) -> tuple[str, str, str]:
    return unit.name, unit.site, unit.area


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
