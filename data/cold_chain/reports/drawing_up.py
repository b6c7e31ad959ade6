"""From what was fetched the facts are drawn up: pure, and the same every time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from data.cold_chain.reports import minutes
from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.excursions import Spell
from data.cold_chain.reports.facts import (
    ActionFact,
    AlertFact,
    Calibrated,
    CalibrationFact,
    DoorFact,
    ExcursionFact,
    Facts,
    LimitFact,
    LogFact,
    PersonFact,
    SensorFact,
    ToldFact,
    UnitFact,
    Verdict,
)
from data.cold_chain.reports.gathering import Material, Readings, Row, UnitRow
from data.cold_chain.reports.limits import Change, Held, Scope, over_time
from data.cold_chain.reports.unit_time import NONE_READ, Log, UnitTime, instant

WELL_KNOWN = 0.95
"""Of a unit's minutes that must be known before it is said to have been within its limits."""
SET_UP_WITHIN = timedelta(hours=1)
ANSWERED_WITHIN = timedelta(hours=12)
"""An action without an alert answers an excursion of its unit that ended no longer before it."""


def draw_up(made: Material, asked: Asked, units: Iterable[UnitFact]) -> Facts:
    """The facts of a report, from those of its units."""
    return Facts(
        kind=asked.kind, organization=made.organization, scope=made.scope, scope_name=made.scope_name, first_day=asked.first_day,
        last_day=asked.last_day, time_zone=made.time_zone, as_of=asked.as_of, made_for=asked.made_for,
        people=tuple(PersonFact(row["name"], row["role"]) for row in made.people), units=tuple(units),
        site_alerts=_alerts(made, sorted({unit.site_id for unit in made.units}), asked.as_of),
    )  # fmt: skip


def draw_unit(made: Material, asked: Asked, unit: UnitRow, readings: Readings | None) -> tuple[UnitFact, UnitTime]:
    """The facts of one unit, and its time for a picture of it."""
    readings = readings or NONE_READ
    since, until = _in_use(asked, unit, [instant(readings.taken_s[0])] if readings.taken_s.size else [])
    held = _held(made, unit, since, until)
    manual = timedelta(minutes=unit.manual_minutes) if unit.manual_minutes else held[-1].rule.manual_after
    logs = tuple(_log(row) for row in made.logs.get(unit.id, ()))
    spoken = [Log(int(one.recorded_at.timestamp()), manual.total_seconds(), one.is_in_limits) for one in logs if not one.is_corrected]
    time = UnitTime(since, until, readings, held, spoken, manual.total_seconds())
    actions = _actions(made.actions.get(unit.id, ()), since)
    excursions = tuple(_excursion(one, time, made.recorded.get(unit.id, ()), actions) for one in time.spells())
    gaps, shares = tuple(time.gaps()), time.shares()
    fact = UnitFact(
        id=unit.id, name=unit.name, unit_type=unit.unit_type, area=unit.area, site_id=unit.site_id, site=unit.site,
        time_zone=unit.time_zone, since=since, until=until, interval_s=held[-1].rule.interval.total_seconds(),
        verdict=verdict(shares, excursions, [log for log in logs if log.recorded_at >= since], any(gap.is_missed for gap in gaps), actions),
        minutes=shares, outside_minutes=time.outside_minutes(),
        limits=tuple(_limit_facts(held)), readings=time.reading_fact(), days=tuple(time.days(ZoneInfo(unit.time_zone))),
        excursions=excursions, gaps=gaps, logs=tuple(log for log in logs if log.recorded_at >= since),
        doors=_doors(made.doors.get(unit.id, ()), held[-1].rule.door_warning),
        alerts=_alerts(made, [unit.id], asked.as_of), actions=actions,
        sensors=tuple(_sensor(row, since, until) for row in made.sensors.get(unit.id, ())),
    )  # fmt: skip
    return fact, time


def verdict(
    shares: minutes.Shares, excursions: Sequence[ExcursionFact], logs: Sequence[LogFact], has_missed: bool, actions: Sequence[ActionFact]
) -> Verdict:
    """What it amounts to: an excursion that nobody answered weighs more than anything that is merely not known."""
    confirmed = [one for one in excursions if one.is_confirmed]
    wrong_by_hand = [one for one in logs if not one.is_in_limits and not one.is_corrected]
    if shares.total == shares.unknown:
        return Verdict.NOTHING_KNOWN
    if any(not one.action_ids for one in confirmed) or (wrong_by_hand and not actions):
        return Verdict.EXCURSIONS_UNANSWERED
    if confirmed or wrong_by_hand:
        return Verdict.EXCURSIONS_ANSWERED
    is_known = shares.total - shares.unknown >= WELL_KNOWN * shares.total
    return Verdict.IN_LIMITS if is_known and not has_missed else Verdict.NOT_FULLY_KNOWN


def _in_use(asked: Asked, unit: UnitRow, first_read: Sequence[datetime]) -> tuple[datetime, datetime]:
    """The part of the stretch in which there was this unit: from its first word or its making, until it was taken away."""
    start, end = asked.stretch(unit.time_zone)
    began = min([unit.created_at, *first_read]).replace(second=0, microsecond=0)
    since = max(start, began)
    until = min(end, unit.deleted_at.replace(second=0, microsecond=0)) if unit.deleted_at else end
    return min(since, end), max(min(since, end), until)


def _held(made: Material, unit: UnitRow, since: datetime, until: datetime) -> Sequence[Held]:
    scopes = ((Scope.UNIT, unit.id), (Scope.SITE, unit.site_id), (Scope.ORGANIZATION, None))
    said = {scope: made.said.get((scope, thing), {}) for scope, thing in scopes}
    changes = [change for scope in scopes for change in made.changes.get(scope, ()) if _is_later(change, unit)]
    return over_time(unit.unit_type, said, changes, since, max(until, since + timedelta(seconds=1)))


def _is_later(change: Change, unit: UnitRow) -> bool:
    """Whether the rule was changed, and not said for the first time while the unit was being set up: that holds from its start."""
    return change.scope is not Scope.UNIT or change.at > unit.created_at + SET_UP_WITHIN


def _limit_facts(held: Sequence[Held]) -> Iterable[LimitFact]:
    last: tuple[float | None, float | None] | None = None
    for one in held:
        if (limits := (one.rule.low_celsius, one.rule.high_celsius)) != last:
            yield LimitFact(one.since, *limits)
        last = limits


def _excursion(spell: Spell, time: UnitTime, recorded: Iterable[Row], actions: Sequence[ActionFact]) -> ExcursionFact:
    started, ended = instant(spell.started_s), None if spell.ended_s is None else instant(spell.ended_s)
    until = ended or instant(time.end_s)
    row = next((r for r in recorded if r["started_at"] <= until and (r["ended_at"] is None or r["ended_at"] >= started)), None)
    minutes_long = max(0.0, (until - started).total_seconds() / 60)
    return ExcursionFact(
        started_at=started, ended_at=ended, minutes=minutes_long, outside_minutes=spell.outside_minutes, is_above=spell.is_above,
        limit_celsius=spell.limit_celsius, peak_celsius=spell.peak_celsius, peak_at=instant(spell.peak_s),
        degree_minutes=spell.degree_minutes,
        is_confirmed=minutes_long >= time.rule_at(spell.started_s).delay.total_seconds() / 60,
        cause=row["cause"] if row else None, cause_note=row["cause_note"] if row else None, cause_by=row["cause_by"] if row else None,
        action_ids=_answers(actions, row, started, until),
    )  # fmt: skip


def _answers(actions: Sequence[ActionFact], recorded: Row | None, started: datetime, ended: datetime) -> tuple[UUID, ...]:
    """What was done about it: what was recorded with its alert, else what was done in its unit in time."""
    alert_id = recorded["alert_id"] if recorded else None
    with_alert = tuple(one.id for one in actions if alert_id and one.alert_id == alert_id)
    in_time = (one for one in actions if started <= one.acted_at <= ended + ANSWERED_WITHIN)
    return with_alert or tuple(one.id for one in in_time if not (alert_id and one.alert_id))


def _log(row: Row) -> LogFact:
    return LogFact(
        row["id"], row["recorded_at"], row["created_at"], row["user_name"], row["celsius"], row["is_in_range"], row["notes"],
        row["photo_sha256"], row["is_corrected"],
    )  # fmt: skip


def _actions(rows: Iterable[Row], since: datetime) -> tuple[ActionFact, ...]:
    return tuple(
        ActionFact(row["id"], row["acted_at"], row["by"], row["description"], row["action_taken"], row["photo_sha256"], row["alert_id"])
        for row in rows
        if row["acted_at"] >= since
    )


def _alerts(made: Material, subjects: Iterable[UUID], as_of: datetime) -> tuple[AlertFact, ...]:
    return tuple(_alert(row, made, as_of) for subject in subjects for row in made.alerts.get(subject, ()))


def _alert(row: Row, made: Material, as_of: datetime) -> AlertFact:
    def known(name: str) -> Any:
        return row[name] if row["acknowledged_at"] and row["acknowledged_at"] <= as_of else None

    return AlertFact(
        id=row["id"], kind=row["alert_type"], severity=row["severity"], message=row["message"], values=dict(row["message_values"]),
        triggered_at=row["triggered_at"], acknowledged_at=known("acknowledged_at"), acknowledged_by=known("acknowledged_by"),
        note=known("acknowledgement_note"), resolved_at=row["resolved_at"] if row["resolved_at"] and row["resolved_at"] <= as_of else None,
        told=tuple(
            ToldFact(one["at"], one["who"], one["channel"], one["outcome"], one["outcome_at"]) for one in made.told.get(row["id"], ())
        ),
    )  # fmt: skip


def _doors(rows: Iterable[Row], long: timedelta) -> DoorFact:
    listed = list(rows)
    lasted = [(row["recorded_at"] - timedelta(seconds=row["duration_s"] or 0), (row["duration_s"] or 0) / 60) for row in listed if not row["is_open"]]
    return DoorFact(
        openings=sum(1 for row in listed if row["is_open"]), open_minutes=sum((one[1] for one in lasted), 0.0),
        longest_minutes=max((one[1] for one in lasted), default=0.0),
        long_openings=tuple(one for one in lasted if one[1] >= long.total_seconds() / 60),
    )  # fmt: skip


def _sensor(row: Row, since: datetime, until: datetime) -> SensorFact:
    found = tuple(
        CalibrationFact(
            datetime.fromisoformat(one["calibrated_at"]), datetime.fromisoformat(one["expires_at"]) if one["expires_at"] else None,
            one["by"], float(one["offset"]), one["certificate"],
        )
        for one in row["calibrations"]
    )
    return SensorFact(row["id"], row["name"] or row["device_eui"], row["device_eui"], calibrated(found, since, until), found)


def calibrated(found: Sequence[CalibrationFact], since: datetime, until: datetime) -> Calibrated:
    """Valid: at every moment of the stretch some calibration was. Expired: one had been, none was. Partly: at some moments."""
    if not found:
        return Calibrated.NONE
    covered_until, is_any = since, False
    for one in sorted(found, key=lambda c: c.calibrated_at):
        expires = one.expires_at or until
        if one.calibrated_at < until and expires > since:
            is_any = True
            if one.calibrated_at <= covered_until:
                covered_until = max(covered_until, expires)
    if covered_until >= until and is_any:
        return Calibrated.VALID
    return Calibrated.PARTLY if is_any else Calibrated.EXPIRED
