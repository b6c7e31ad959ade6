"""Who is told of what is said for a thing, a place or everything, a field at a time; what is not said is inherited."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.alerts.tables import Severity
from data.core.errors import Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import now
from data.identity.tables import Role
from data.notifications.events import PoliciesChanged
from data.notifications.policy import FIELDS, problems
from data.notifications.tables import Channel, Policy

EDIT = "notifications.edit"


async def set_policy(
    tx: Transaction, values: Mapping[str, Any], *, subject_id: UUID | None = None, scope_id: UUID | None = None,
    alert_type: str | None = None, severity: Severity | None = None, within: UUID | None = None,
) -> Policy | None:  # fmt: skip
    """Say all that is said of one thing, one place, or everything; None where nothing is said any more.

    `values` are fields of `policy.Settled`; a missing or None one is inherited. `within` is the scope of `subject_id`.
    """
    tx.actor.require(EDIT, scope_id or within)
    if (scope_id or within) is None and tx.actor.scopes(EDIT) is not None:
        raise Forbidden("You may do this for your own places only; choose one.")
    said = {name: value for name, value in values.items() if value is not None}
    _check(said)
    statement = select(Policy).where(
        col(Policy.subject_id).is_not_distinct_from(subject_id),
        col(Policy.scope_id).is_not_distinct_from(None if subject_id else scope_id),
        col(Policy.alert_type).is_not_distinct_from(alert_type), col(Policy.severity).is_not_distinct_from(severity),
    )  # fmt: skip
    row = (await tx.exec(statement.with_for_update())).one_or_none()
    tx.emit(PoliciesChanged())
    if not said:
        if row:
            await tx.delete(row)
        return None
    row = row or Policy(
        subject_id=subject_id, scope_id=None if subject_id else scope_id, alert_type=alert_type, severity=severity
    )
    for name in FIELDS:
        value = said.get(name)
        if name == "days":
            row.schedule = {"days": list(value)} if value is not None else None
        elif name == "steps":
            row.steps = [step.raw() for step in value] if value is not None else None
        else:
            setattr(row, name, list(value) if isinstance(value, tuple) else value)
    row.updated_at = now()
    tx.add(row)
    await tx.flush()
    return row


def _check(said: Mapping[str, Any]) -> None:
    if unknown := set(said) - set(FIELDS):
        raise Invalid(min(unknown), "There is no such field.")
    for field, sentence, values in problems(said):
        raise Invalid(field, sentence, **values)
    channels = {c.value for c in Channel} - {Channel.WEBHOOK.value}
    named = {*said.get("initial_channels", ()), *(c for step in said.get("steps", ()) for c in step.channels)}
    if named - channels:
        raise Invalid("initial_channels", "There is no such way of telling people.")
    if set(said.get("notify_roles", ())) - {role.value for role in Role}:
        raise Invalid("notify_roles", "There is no such role.")
