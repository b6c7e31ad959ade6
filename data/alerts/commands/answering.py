"""Somebody answers an alert: they are on it, or put it off for a while."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from data.alerts import queries, reasons, rules
from data.alerts.commands.story import write_story
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert, AlertStatus
from data.alerts.values import Ruled, Ruling
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import now


def may_answer(actor: Actor, alert: Alert) -> bool:
    """Whether somebody may say that they are on it: by the right to answer alerts, or by the one that its own domain gives to more
    people (`farm.answer`)."""
    return actor.may("alerts.acknowledge", alert.scope_id) or actor.may(f"{alert.permission.split('.')[0]}.answer", alert.scope_id)


def _require(tx: Transaction, alert: Alert) -> None:
    if not may_answer(tx.actor, alert):
        raise Forbidden("You do not have the right to do this.")


async def acknowledge(tx: Transaction, alert_id: UUID, *, note: str | None = None, at: datetime | None = None) -> None:
    """Say that one has seen it and is on it; nobody else is called. Conflict when it is over or somebody else already has."""
    alert = await queries.alert(tx, alert_id, for_update=True)
    _require(tx, alert)
    if alert.status is AlertStatus.RESOLVED:
        raise Conflict("This alert is already over.")
    if alert.acknowledged_at:
        raise Conflict("Somebody has already acknowledged this alert.")
    await _take_on(tx, [alert], note, at or now())


async def acknowledge_several(tx: Transaction, alert_ids: Sequence[UUID], *, note: str | None = None, at: datetime | None = None) -> int:
    """Take on all of these that are open, that nobody is on, and that one may; how many they were."""
    seen = await queries.alerts(tx, alert_ids, for_update=True)
    theirs = [alert for alert in seen if may_answer(tx.actor, alert)]
    if seen and not theirs:
        raise Forbidden("You do not have the right to do this.")
    found = [alert for alert in theirs if alert.status is not AlertStatus.RESOLVED and alert.acknowledged_at is None]
    await _take_on(tx, found, note, at or now())
    return len(found)


async def _take_on(tx: Transaction, alerts: Sequence[Alert], note: str | None, at: datetime) -> None:
    note = (note or "").strip() or None
    for alert in alerts:
        alert.status, alert.acknowledged_at, alert.acknowledged_by = AlertStatus.ACKNOWLEDGED, at, tx.actor.user_id
        alert.acknowledgement_note, alert.snoozed_until_at, alert.snoozed_by = note, None, None
        alert.next_step_at, alert.updated_at = _heard_at(alert, at), at
        tx.add(alert)
        tx.emit(AlertChanged(alert_id=alert.id))
    reason = reasons.ACKNOWLEDGED_WITH_NOTE if note else reasons.ACKNOWLEDGED
    said = {"who": tx.actor.name} | ({"note": note} if note else {})
    await write_story(tx, [Ruling(a.id, Ruled.ACKNOWLEDGED, reason, at, said, tx.actor.user_id) for a in alerts])


async def snooze(tx: Transaction, alert_id: UUID, *, until: datetime, at: datetime | None = None) -> None:
    """Put it off: nobody is told until then, then people are told again. What is critical can wait for an hour at most."""
    at = at or now()
    alert = await queries.alert(tx, alert_id, for_update=True)
    _require(tx, alert)
    if alert.status is AlertStatus.RESOLVED:
        raise Conflict("This alert is already over.")
    if alert.acknowledged_at:
        raise Conflict("Somebody is on this alert already, so nobody is called.")
    if refusal := rules.refusal_to_snooze(alert.severity, until=until, at=at):
        raise Invalid("until", refusal)
    alert.snoozed_until_at, alert.snoozed_by, alert.updated_at = until, tx.actor.user_id, at
    alert.next_step_at = _heard_at(alert, at) or until
    tx.add(alert)
    tx.emit(AlertChanged(alert_id=alert.id))
    said = {"who": tx.actor.name, "until_at": until}
    await write_story(tx, [Ruling(alert.id, Ruled.SNOOZED, reasons.SNOOZED, at, said, tx.actor.user_id)])


def _heard_at(alert: Alert, at: datetime) -> datetime | None:
    """When the ladder looks at what was answered: at once where other systems heard of it, for they hear of the answer too."""
    return at if alert.last_told_at else None
