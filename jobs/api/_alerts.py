"""An alert reads the same to every program, whichever domain it comes from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from data.alerts.tables import Alert, AlertStatus, Decision
from data.alerts.values import in_english
from data.core.time import now


def alert_shape(alert: Alert, names: Mapping[UUID, str], *, at: datetime | None = None) -> dict[str, Any]:
    """`names` are those of the people in it (see `data.alerts.queries.names`). Where nobody is on an open alert, it is active.

    `duration_minutes` is how long it lasted, or has lasted so far.
    """
    ends_at = alert.resolved_at or at or now()
    return {
        "id": alert.id, "alert_type": alert.alert_type, "severity": alert.severity, "status": alert.status,
        "message": in_english(alert.message, alert.message_values), "is_active": is_active(alert),
        "subject": {"kind": alert.subject_kind, "id": alert.subject_id, "name": alert.subject_name}, "scope_id": alert.scope_id,
        "threshold_value": _number(alert.threshold_value), "actual_value": _number(alert.actual_value), "triggered_at": alert.triggered_at,
        "duration_minutes": round((ends_at - alert.triggered_at).total_seconds() / 60, 1),
        "acknowledged_at": alert.acknowledged_at, "acknowledged_by": _who(alert.acknowledged_by, names), "note": alert.acknowledgement_note,
        "snoozed_until_at": alert.snoozed_until_at, "snoozed_by": _who(alert.snoozed_by, names), "resolved_at": alert.resolved_at,
        "resolved_by": _who(alert.resolved_by, names), "resolution": alert.resolution, "escalated_at": alert.escalated_at,
        "escalation_level": alert.escalation_level, "is_suppressed": alert.is_suppressed, "parent_id": alert.parent_id,
    }  # fmt: skip


def decision_shape(one: Decision) -> dict[str, Any]:
    """A line of its story."""
    return {"decided_at": one.decided_at, "decision": one.decision, "reason": in_english(one.reason, one.reason_values), "user_id": one.user_id}


def is_active(alert: Alert) -> bool:
    """Whether it is open, and nobody is on it."""
    return alert.status is not AlertStatus.RESOLVED and alert.acknowledged_at is None


def _who(user_id: UUID | None, names: Mapping[UUID, str]) -> dict[str, Any] | None:
    return None if user_id is None else {"id": user_id, "name": names.get(user_id)}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
