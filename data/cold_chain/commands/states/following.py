"""From a unit's steps follow alerts: one opens when trouble is sure, and ends when the world is in order again."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from data.alerts.commands import Trouble, join, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, AlertStatus, Severity
from data.cold_chain import rules
from data.cold_chain.commands.states import words
from data.cold_chain.commands.states.saving import link
from data.cold_chain.frames import Fault
from data.cold_chain.queries.watch import Move, Watched
from data.cold_chain.values import UnitStatus
from data.core.session import Transaction
from data.notifications.commands import tell

Due = tuple[Trouble, datetime]

FAULTS: Mapping[str, str] = {
    Fault.DISCONNECTED: words.PROBE_IS_OUT,
    Fault.FAILED: words.CANNOT_MEASURE,
    Fault.OUT_OF_RANGE: words.CANNOT_BE,
}


async def raise_and_resolve(
    tx: Transaction, units: Collection[Watched], *, faults: Mapping[UUID, tuple[str, datetime]] | None = None,
    mended: Mapping[UUID, datetime] | None = None,
) -> Sequence[Alert]:  # fmt: skip
    """Open and close the alerts that the units' steps call for, in a few statements; those that were opened.

    `faults` are units whose own sensor cannot measure, and why; `mended` those whose sensor does again.
    """
    troubles = [
        (out_of_limits(unit, move), move.at)
        for unit in units
        if (move := next((m for m in unit.moves if m.after.status is UnitStatus.ALARM_ACTIVE), None))
    ]
    troubles += _of_sensors(units, faults or {})
    raised = await raise_alerts(tx, troubles)
    alarms = [alert for alert in raised if alert.alert_type == words.EXCURSION]
    await link(tx, alarms)
    await correlate(tx, {alert.subject_id: alert.triggered_at for alert in alarms})
    await _resolve(tx, units)
    await resolve_all_open(tx, mended or {}, words.FAULT, because=words.MENDED)
    return raised


def _of_sensors(units: Iterable[Watched], faults: Mapping[UUID, tuple[str, datetime]]) -> list[Due]:
    by_id = {unit.unit_id: unit for unit in units} if faults else {}
    return [
        (trouble(by_id[unit_id], words.FAULT, Severity.CRITICAL, FAULTS[fault]), at)
        for unit_id, (fault, at) in faults.items()
        if fault in FAULTS and unit_id in by_id
    ]


async def _resolve(tx: Transaction, units: Iterable[Watched]) -> None:
    recovered: dict[UUID, datetime] = {}
    returned: dict[UUID, datetime] = {}
    written: dict[UUID, datetime] = {}
    shut: dict[UUID, datetime] = {}
    for unit in units:
        if unit.door_closed_at is not None:
            shut[unit.unit_id] = unit.door_closed_at
        for move in unit.moves:
            if move.before.out_since_at is not None and unit.state.out_since_at is None:
                recovered[unit.unit_id] = move.at
            if move.before.status in rules.SILENT and unit.state.status not in rules.SILENT:
                returned[unit.unit_id] = move.at
            if move.before.status is UnitStatus.MANUAL_REQUIRED and unit.state.status is UnitStatus.MONITORING_INTERRUPTED:
                written[unit.unit_id] = move.at
    asked = {unit.unit_id for unit in units if unit.is_written_by_hand}
    await resolve_all_open(tx, recovered, words.EXCURSION, words.COOLING, because=words.RECOVERED)
    await resolve_all_open(tx, returned, words.INTERRUPTED, because=words.HEARD_AGAIN)
    await resolve_all_open(tx, _without(returned, asked), words.MANUAL, because=words.HEARD_AGAIN)
    await resolve_all_open(tx, _without(written, asked), words.MANUAL, because=words.WRITTEN_DOWN)
    await resolve_all_open(tx, shut, words.DOOR, because=words.SHUT)


def _without(subjects: Mapping[UUID, datetime], some: Collection[UUID]) -> dict[UUID, datetime]:
    return {unit_id: at for unit_id, at in subjects.items() if unit_id not in some}


async def correlate(tx: Transaction, units: Mapping[UUID, datetime]) -> None:
    """An open door and cooling that fails are parts of the excursion they lead to, where there is one."""
    if not units:
        return
    found = await tx.exec(
        select(Alert).where(
            col(Alert.subject_id).in_(units), Alert.status != AlertStatus.RESOLVED,
            col(Alert.alert_type).in_((words.EXCURSION, words.DOOR, words.COOLING)),
        )
    )  # fmt: skip
    parts: dict[UUID, list[Alert]] = {}
    wholes: dict[UUID, Alert] = {}
    for alert in found:
        if alert.alert_type == words.EXCURSION:
            wholes[alert.subject_id] = alert
        else:
            parts.setdefault(alert.subject_id, []).append(alert)
    for unit_id, some in parts.items():
        if unit_id in wholes:
            await join(tx, some, wholes[unit_id], at=units[unit_id])


async def tell_people(tx: Transaction, alerts: Sequence[Alert]) -> None:
    """Tell those who shall know of the alerts that are still open; what is a part of a larger one is told by that."""
    await tell(tx, *alerts)


def out_of_limits(unit: Watched, move: Move) -> Trouble:
    """An excursion that nothing excuses any more."""
    since = move.after.out_since_at or move.at
    return too_long(unit, move.celsius, move.at - since >= unit.rule.max_excursion, minutes_between(since, move.at))


def too_long(unit: Watched, celsius: float | None, is_too_long: bool, minutes: int) -> Trouble:
    """The same; one that lasts longer than it may at most says for how long."""
    now_celsius = celsius if celsius is not None else unit.last_celsius
    limit = None if now_celsius is None else rules.nearest_limit(unit.rule, now_celsius)
    is_warm = limit == unit.rule.high_celsius
    values: dict[str, object] = {"now_celsius": now_celsius, "limit_celsius": limit}
    if is_too_long:
        message = words.TOO_WARM_LONG if is_warm else words.TOO_COLD_LONG
        values["minutes"] = minutes
    else:
        message = words.TOO_WARM if is_warm else words.TOO_COLD
    return trouble(unit, words.EXCURSION, Severity.CRITICAL, message, values, limit, now_celsius)


def minutes_between(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds() // 60)


def trouble(
    unit: Watched, alert_type: str, severity: Severity, message: str, values: Mapping[str, object] | None = None,
    threshold: float | None = None, actual: float | None = None,
) -> Trouble:  # fmt: skip
    """What is wrong with a unit."""
    return Trouble(
        subject_kind="cold_chain.units", subject_id=unit.unit_id, subject_name=unit.name, alert_type=alert_type,
        severity=severity, message=message, permission="cold_chain.view", values={"unit": unit.name} | dict(values or {}),
        href=f"/cold-chain/units/{unit.unit_id}", scope_id=unit.site_id, threshold_value=threshold, actual_value=actual,
        time_zone=unit.zone,
    )  # fmt: skip
