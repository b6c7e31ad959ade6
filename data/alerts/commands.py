"""An alert is raised once, acknowledged by somebody, and resolved by the world or by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from data.alerts import queries
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert, AlertStatus, Severity
from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with what, in an English template and its values; `permission` and `scope_id` say who may see it."""

    subject_kind: str
    subject_id: UUID
    subject_name: str
    alert_type: str
    severity: Severity
    message: str
    permission: str
    values: dict[str, Any] = field(default_factory=dict)
    href: str | None = None
    scope_id: UUID | None = None
    threshold_value: float | None = None
    actual_value: float | None = None


async def raise_alert(tx: Transaction, trouble: Trouble, *, at: datetime) -> Alert | None:
    """Open an alert, or None when one of this kind is already open for this subject (a race included)."""
    return next(iter(await raise_alerts(tx, [(trouble, at)])), None)


async def raise_alerts(tx: Transaction, troubles: Sequence[tuple[Trouble, datetime]]) -> Sequence[Alert]:
    """Open an alert for each trouble that has none of its kind yet, in one statement; those that were opened."""
    if not troubles:
        return []
    statement = insert(Alert).values([_row(tx, trouble, at) for trouble, at in troubles])
    alerts: Sequence[Alert] = (await tx.execute(statement.on_conflict_do_nothing().returning(Alert))).scalars().all()
    for alert in alerts:
        tx.record(
            "alerts.alert.raised", alert.message, subject_id=alert.id, severity=alert.severity.value,
            subject=alert.subject_name, alert_type=alert.alert_type, values=alert.message_values,
        )  # fmt: skip
        tx.emit(AlertChanged(alert_id=alert.id))
    return alerts


def _row(tx: Transaction, trouble: Trouble, at: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(), "organization_id": tx.organization_id, "subject_kind": trouble.subject_kind,
        "subject_id": trouble.subject_id, "subject_name": trouble.subject_name, "scope_id": trouble.scope_id,
        "permission": trouble.permission, "href": trouble.href, "alert_type": trouble.alert_type,
        "severity": trouble.severity, "status": AlertStatus.ACTIVE, "message": trouble.message,
        "message_values": trouble.values, "threshold_value": trouble.threshold_value,
        "actual_value": trouble.actual_value, "triggered_at": at, "escalation_level": 0,
    }  # fmt: skip


async def resolve_open(tx: Transaction, subject_id: UUID, *alert_types: str, at: datetime, because: str) -> Sequence[Alert]:
    """Close the subject's open alerts of these kinds because the world is in order again; those that were closed."""
    return await resolve_all_open(tx, {subject_id: at}, *alert_types, because=because)


async def resolve_all_open(
    tx: Transaction, subjects: Mapping[UUID, datetime], *alert_types: str, because: str
) -> Sequence[Alert]:
    """The same for many subjects at once, each at its own instant."""
    if not subjects:
        return []
    statement = select(Alert).where(
        col(Alert.subject_id).in_(subjects), col(Alert.alert_type).in_(alert_types), Alert.status != AlertStatus.RESOLVED
    )
    alerts = (await tx.exec(statement)).all()
    for alert in alerts:
        _resolve(tx, alert, at=subjects[alert.subject_id], because=because)
    return alerts


async def acknowledge(tx: Transaction, alert_id: UUID, *, note: str | None = None) -> None:
    """Say that one has seen it and is on it. Conflict when it is over or somebody else already has."""
    alert = await queries.alert(tx, alert_id, for_update=True)
    tx.actor.require("alerts.acknowledge", alert.scope_id)
    if alert.status is AlertStatus.RESOLVED:
        raise Conflict("This alert is already over.")
    if alert.acknowledged_at:
        raise Conflict("Somebody has already acknowledged this alert.")
    alert.status, alert.acknowledged_at, alert.acknowledged_by = AlertStatus.ACKNOWLEDGED, now(), tx.actor.user_id
    alert.acknowledgement_note = note or None
    tx.add(alert)
    tx.emit(AlertChanged(alert_id=alert.id))


async def resolve(tx: Transaction, alert_id: UUID, *, because: str) -> None:
    """Close it by hand, saying why. Conflict when it is already closed."""
    alert = await queries.alert(tx, alert_id, for_update=True)
    tx.actor.require("alerts.resolve", alert.scope_id)
    if alert.status is AlertStatus.RESOLVED:
        raise Conflict("This alert is already over.")
    _resolve(tx, alert, at=now(), because=because)


def _resolve(tx: Transaction, alert: Alert, *, at: datetime, because: str) -> None:
    alert.status, alert.resolved_at, alert.resolved_by = AlertStatus.RESOLVED, at, tx.actor.user_id
    alert.resolution = because
    tx.add(alert)
    tx.emit(AlertChanged(alert_id=alert.id))
