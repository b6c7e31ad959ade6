"""Time passes: units are judged although nothing was heard of them, and what lasts too long becomes an alert."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts, resolve_all_open
from data.alerts.commands.restating import restate
from data.alerts.tables import Alert, AlertStatus, Severity
from data.cold_chain.commands.states import patterns, words
from data.cold_chain.commands.states.following import (
    Due,
    correlate,
    minutes_between,
    raise_and_resolve,
    tell_people,
    too_long,
    trouble,
)
from data.cold_chain.commands.states.saving import save
from data.cold_chain.commands.states.silence import end_outages, raise_silence
from data.cold_chain.events import UnitChanged
from data.cold_chain.queries import patterns as pattern_queries
from data.cold_chain.queries import sweep, watch
from data.cold_chain.queries.sweep import Course, Found
from data.cold_chain.queries.watch import Watched
from data.cold_chain.rules import SILENT, doors, is_manual_due
from data.cold_chain.rules import trend as trends
from data.cold_chain.rules.doors import DoorOpen
from data.cold_chain.rules.trend import Trend
from data.cold_chain.rules.troubles import Battery, battery, is_cooling_failing
from data.cold_chain.tables import Device
from data.cold_chain.values import UnitStatus
from data.core import columns
from data.core.session import Transaction

Find = Callable[[Transaction, datetime], Awaitable[Found]]
Follow = Callable[[Transaction, Sequence[UUID], datetime], Awaitable[Sequence[Alert]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of trouble that time brings: `find` asks over all organizations, `follow` does what follows in one of them."""

    name: str
    find: Find
    follow: Follow


async def pass_time(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    """Judge these units by the clock alone, as if nothing will be heard of them; the alerts that follow."""
    units = await watch.locked_units(tx, unit_ids)
    for unit in units.values():
        unit.pass_time(at)
    changed = [unit for unit in units.values() if unit.moves]
    await save(tx, changed)
    alerts = [*await raise_and_resolve(tx, changed), *await raise_silence(tx, changed, at)]
    await tell_people(tx, alerts)
    return alerts


async def note_manual_logs(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> None:
    """Temperatures of these units have just been written down by hand (`last_manual_log_at` says so already)."""
    units = await watch.locked_units(tx, unit_ids)
    for unit in units.values():
        if unit.state.status is UnitStatus.MANUAL_REQUIRED:
            unit.pass_time(at)
    changed = [unit for unit in units.values() if unit.moves]
    await save(tx, changed)
    await raise_and_resolve(tx, changed)
    written = {u.unit_id: at for u in units.values() if u.is_written_by_hand and not is_manual_due(u.rule, at, u.last_manual_log_at)}
    await resolve_all_open(tx, written, words.MANUAL, because=words.WRITTEN_DOWN)


async def _doors(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    units = await watch.locked_units(tx, unit_ids)
    severities = {DoorOpen.WARNING: Severity.WARNING, DoorOpen.CRITICAL: Severity.CRITICAL}
    troubles: list[Due] = []
    for unit in units.values():
        since = unit.door_open_since
        if since is not None and (how := doors.door_open_for(unit.rule, since, at)) is not DoorOpen.FINE:
            minutes = {"minutes": minutes_between(since, at)}
            troubles.append((trouble(unit, words.DOOR, severities[how], words.DOOR_STANDS_OPEN, minutes), at))
    return await _raised(tx, troubles)


async def _cooling(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    recent = await sweep.recent(tx, unit_ids, at)
    units = await watch.locked_units(tx, recent)
    return await _raised(
        tx,
        [
            (trouble(unit, words.COOLING, Severity.WARNING, words.COOLS_NO_MORE, {"now_celsius": unit.last_celsius}), at)
            for unit_id, unit in units.items()
            if is_cooling_failing(unit.rule, recent[unit_id], is_door_open=unit.door_is_open)
        ],
    )


async def _too_long(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    units = await watch.locked_units(tx, unit_ids)
    found = await tx.exec(
        select(Alert).where(
            col(Alert.subject_id).in_(units), Alert.alert_type == words.EXCURSION, Alert.status != AlertStatus.RESOLVED
        )
    )
    for alert in found:
        unit = units[alert.subject_id]
        if unit.state.out_since_at is not None:
            said = too_long(unit, None, True, minutes_between(unit.state.out_since_at, at))
            await restate(tx, alert, said, at=at)
    return []


async def _unwritten(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    units = await watch.locked_units(tx, unit_ids)
    troubles: list[Due] = []
    for unit in units.values():
        if unit.is_written_by_hand:
            values = {"every": int(unit.rule.manual_after.total_seconds() // 60)}
            message = words.NEVER_BY_HAND
            if unit.last_manual_log_at is not None:
                message, values["minutes"] = words.DUE_BY_HAND, minutes_between(unit.last_manual_log_at, at)
            troubles.append((trouble(unit, words.MANUAL, Severity.WARNING, message, values), at))
    return await _raised(tx, troubles)


async def _batteries(tx: Transaction, device_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    devices = (await tx.exec(select(Device).where(col(Device.id).in_(device_ids)))).all()
    units = await watch.locked_units(tx, {device.unit_id for device in devices if device.unit_id})
    troubles: list[Due] = []
    full: dict[UUID, datetime] = {}
    for device in devices:
        unit = units.get(device.unit_id) if device.unit_id else None
        if unit is None:
            continue
        volts = None if device.battery_v is None else float(device.battery_v)
        how = battery(device.battery_percent, volts, device.battery_chemistry, low_percent=unit.rule.low_battery_percent)
        if how is Battery.LOW:
            troubles.append((_low(unit, device, volts), at))
        elif how is Battery.FULL:
            full[device.id] = at
    await resolve_all_open(tx, full, words.BATTERY, because=words.FULL)
    return await _raised(tx, troubles)


def _low(unit: Watched, device: Device, volts: float | None) -> Trouble:
    name = device.name or device.device_eui
    values: dict[str, object] = {"unit": unit.name, "sensor": name}
    values |= {"volts": volts} if device.battery_percent is None else {"percent": device.battery_percent}
    return Trouble(
        subject_kind="cold_chain.devices", subject_id=device.id, subject_name=name, alert_type=words.BATTERY,
        severity=Severity.WARNING, message=words.LOW_VOLTS if device.battery_percent is None else words.LOW_PERCENT,
        permission="cold_chain.view", values=values, href=f"/cold-chain/units/{unit.unit_id}", scope_id=unit.site_id,
        threshold_value=unit.rule.low_battery_percent, actual_value=device.battery_percent, time_zone=unit.zone,
    )  # fmt: skip


async def _raised(tx: Transaction, troubles: Sequence[Due]) -> Sequence[Alert]:
    """Open them, put them below the excursion that they are a part of, and tell people of the rest."""
    alerts = await raise_alerts(tx, troubles)
    parts = [alert for alert in alerts if alert.alert_type in (words.DOOR, words.COOLING)]
    await correlate(tx, {alert.subject_id: alert.triggered_at for alert in parts})
    await tell_people(tx, alerts)
    return alerts


_SAVE_TRENDS = text("""
update cold_chain.units u set trend_celsius_per_hour = v.slope, trend_error_celsius_per_hour = v.error
from unnest(:ids, :slopes, :errors) v (id, slope, error)
where u.organization_id = :organization_id and u.id = v.id
""")


async def note_trends(tx: Transaction, courses: Iterable[Course], at: datetime) -> Sequence[Alert]:
    """Keep the trends that matter and forget those that no longer do; a rise that is too fast is an alert as long as it lasts."""
    by_unit = {course.unit_id: trends.trend(course.points) for course in courses}
    units = await watch.locked_units(tx, by_unit)
    kept: dict[UUID, Trend | None] = {}
    troubles: list[Due] = []
    steady: dict[UUID, datetime] = {}
    for unit_id, unit in units.items():
        found = by_unit[unit_id]
        if unit.state.status in SILENT:  # nobody knows; what was said stays said until it is heard again
            kept[unit_id] = None
            continue
        is_kept = unit.last_celsius is not None and trends.is_worth_keeping(unit.rule, unit.last_celsius, found)
        kept[unit_id] = found if is_kept else None
        if found is not None and trends.is_rapid(unit.rule, found):
            troubles.append((_rapid(unit, found), at))
        elif found is None or unit.rule.rise_celsius_per_hour is None or found.celsius_per_hour < unit.rule.rise_celsius_per_hour:
            steady[unit_id] = at
    await tx.execute(
        _SAVE_TRENDS,
        {
            "organization_id": tx.organization_id, "ids": columns.ids(kept),
            "slopes": columns.doubles(one.celsius_per_hour if one else None for one in kept.values()),
            "errors": columns.doubles(one.error if one else None for one in kept.values()),
        },
    )  # fmt: skip
    for unit_id in kept:
        tx.emit(UnitChanged(unit_id=unit_id))
    await resolve_all_open(tx, steady, words.RISE, because=words.STEADY)
    return await _raised(tx, troubles)


def _rapid(unit: Watched, found: Trend) -> Trouble:
    pace, most = round(found.celsius_per_hour, 1), unit.rule.rise_celsius_per_hour
    values = {"pace_celsius_difference": pace, "most_celsius_difference": most}
    return trouble(unit, words.RISE, Severity.WARNING, words.WARMS_FAST, values, most, pace)


async def _find_too_long(tx: Transaction, at: datetime) -> Found:
    return await sweep.overlong(tx, at, words.EXCURSION, (words.TOO_WARM, words.TOO_COLD))


KINDS: Sequence[Kind] = (
    Kind("states", sweep.states, pass_time),
    Kind("doors", lambda tx, at: sweep.doors(tx, at, words.DOOR), _doors),
    Kind("cooling", lambda tx, at: sweep.uncooled(tx, words.COOLING), _cooling),
    Kind("too_long", _find_too_long, _too_long),
    Kind("by_hand", lambda tx, at: sweep.unwritten(tx, at, words.MANUAL), _unwritten),
    Kind("batteries", lambda tx, at: sweep.batteries(tx, words.BATTERY), _batteries),
    Kind("drift", lambda tx, at: pattern_queries.drifting(tx, at, words.DRIFT), patterns.drift),
    Kind("danger", lambda tx, at: pattern_queries.in_danger(tx, words.DANGER), patterns.danger),
    Kind("sensors_apart", lambda tx, at: pattern_queries.disagreeing(tx, at, words.APART), patterns.sensors_apart),
    Kind("together", lambda tx, at: pattern_queries.warming_sites(tx, words.TOGETHER), patterns.together),
    Kind("outages", lambda tx, at: sweep.ended_outages(tx, at, words.OUTAGE), end_outages),
)
"""In the order in which they are asked for each minute."""
