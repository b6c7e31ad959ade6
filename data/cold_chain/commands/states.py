"""What was judged is written down: the units' new states, the alerts that follow, and who is told."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from data.alerts.commands import Trouble, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, AlertStatus, Severity
from data.cold_chain import rules
from data.cold_chain.events import UnitChanged
from data.cold_chain.queries import watch
from data.cold_chain.queries.watch import Move, Watched
from data.cold_chain.values import UnitStatus
from data.core import columns
from data.core.session import Transaction
from data.notifications.commands import tell

EXCURSION = "temp_excursion"
INTERRUPTED = "monitoring_interrupted"
TOO_WARM = "{unit} is too warm: {now_celsius}, the limit is {limit_celsius}"
TOO_COLD = "{unit} is too cold: {now_celsius}, the limit is {limit_celsius}"
SILENCE = "{unit} has not been measured for {minutes} minutes"
RECOVERED = "The temperature is back within its limits."
HEARD_AGAIN = "The sensor is heard again."

_SAVE = text("""
update cold_chain.units u set
  status = cast(v.status as cold_chain.unit_status), out_of_range_since_at = v.out_since, good_readings = v.good,
  last_reading_at = v.reading_at, last_temperature_celsius = v.celsius, door_is_open = v.door_is_open,
  door_changed_at = v.door_at, door_seen_at = v.door_seen, status_changed_at = coalesce(v.changed_at, u.status_changed_at)
from unnest(:ids, :statuses, :out_since, :good, :reading_at, :celsius, :door_is_open, :door_at, :door_seen, :changed_at)
  v (id, status, out_since, good, reading_at, celsius, door_is_open, door_at, door_seen, changed_at)
where u.organization_id = :organization_id and u.id = v.id
""")


async def save(tx: Transaction, units: Collection[Watched]) -> None:
    """Write the units' states in one statement, log each step from one state to the next, and say that they changed."""
    if not units:
        return
    await tx.execute(
        _SAVE,
        {
            "organization_id": tx.organization_id,
            "ids": columns.ids([u.unit_id for u in units]),
            "statuses": columns.texts(u.state.status for u in units),
            "out_since": columns.instants(u.state.out_since_at for u in units),
            "good": columns.smallints(u.state.good_readings for u in units),
            "reading_at": columns.instants(u.last_reading_at for u in units),
            "celsius": columns.doubles(u.last_celsius for u in units),
            "door_is_open": columns.booleans(u.door_is_open for u in units),
            "door_at": columns.instants(u.door_changed_at for u in units),
            "door_seen": columns.instants(u.door_seen_at for u in units),
            "changed_at": columns.instants(
                next((m.at for m in reversed(u.moves) if _is_step(m)), None) for u in units
            ),
        },
    )
    for unit in units:
        for move in filter(_is_step, unit.moves):
            tx.record(
                "cold_chain.units.state_changed", "unit state changed", subject_id=unit.unit_id, unit=unit.name, at=move.at,
                before=move.before.status, after=move.after.status, celsius=move.celsius,
            )  # fmt: skip
        tx.emit(UnitChanged(unit_id=unit.unit_id))


def _is_step(move: Move) -> bool:
    return move.before.status is not move.after.status


async def raise_and_resolve(tx: Transaction, units: Iterable[Watched]) -> Sequence[Alert]:
    """Open and close the alerts that the units' steps call for, in a few statements; those that were opened."""
    troubles: list[tuple[Trouble, datetime]] = []
    recovered: dict[UUID, datetime] = {}
    returned: dict[UUID, datetime] = {}
    for unit in units:
        if too_warm := next((m for m in unit.moves if m.after.status is UnitStatus.ALARM_ACTIVE), None):
            troubles.append((_out_of_limits(unit, too_warm), too_warm.at))
        if unit.state.status is UnitStatus.MONITORING_INTERRUPTED:
            troubles += [(_silence(unit, m), m.at) for m in unit.moves if m.after.status is unit.state.status]
        for move in unit.moves:
            if move.before.out_since_at is not None and unit.state.out_since_at is None:
                recovered[unit.unit_id] = move.at
            if move.before.status in rules.SILENT and unit.state.status not in rules.SILENT:
                returned[unit.unit_id] = move.at
    raised = await raise_alerts(tx, troubles)
    await resolve_all_open(tx, recovered, EXCURSION, because=RECOVERED)
    await resolve_all_open(tx, returned, INTERRUPTED, because=HEARD_AGAIN)
    return raised


async def tell_people(tx: Transaction, alerts: Sequence[Alert]) -> None:
    """Tell those who may see them of the alerts that are still open."""
    await tell(tx, *(alert for alert in alerts if alert.status is not AlertStatus.RESOLVED))


async def pass_time(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    """Judge these units by the clock alone, as if nothing will be heard of them; the alerts that follow."""
    units = await watch.locked_units(tx, unit_ids)
    for unit in units.values():
        after = rules.pass_time(
            unit.state, unit.rule, at, last_reading_at=unit.last_reading_at, door_open_since=unit.door_open_since
        )
        unit.move(after, at)
    changed = [unit for unit in units.values() if unit.moves]
    await save(tx, changed)
    alerts = await raise_and_resolve(tx, changed)
    await tell_people(tx, alerts)
    return alerts


def _out_of_limits(unit: Watched, move: Move) -> Trouble:
    now_celsius = move.celsius if move.celsius is not None else unit.last_celsius
    limit = None if now_celsius is None else rules.nearest_limit(unit.rule, now_celsius)
    return _trouble(
        unit, EXCURSION, Severity.CRITICAL,
        TOO_WARM if limit == unit.rule.high_celsius else TOO_COLD,
        {"now_celsius": now_celsius, "limit_celsius": limit}, limit, now_celsius,
    )  # fmt: skip


def _silence(unit: Watched, move: Move) -> Trouble:
    assert unit.last_reading_at, "a unit that never had a reading does not fall silent"
    minutes = int((move.at - unit.last_reading_at).total_seconds() // 60)
    return _trouble(
        unit, INTERRUPTED, Severity.WARNING, SILENCE, {"minutes": minutes}
    )


def _trouble(
    unit: Watched, alert_type: str, severity: Severity, message: str, values: dict[str, object],
    threshold: float | None = None, actual: float | None = None,
) -> Trouble:  # fmt: skip
    return Trouble(
        subject_kind="cold_chain.units", subject_id=unit.unit_id, subject_name=unit.name, alert_type=alert_type,
        severity=severity, message=message, permission="cold_chain.view", values={"unit": unit.name} | values,
        href=f"/cold-chain/units/{unit.unit_id}", scope_id=unit.site_id, threshold_value=threshold, actual_value=actual,
    )  # fmt: skip
