"""An alert ends when the world is in order again, or when a person says so and why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select

from data.alerts import queries, reasons
from data.alerts.commands.story import write_story
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert, AlertStatus
from data.alerts.values import Ruled, Ruling
from data.core.errors import Conflict, Invalid
from data.core.session import Transaction
from data.core.time import now


async def resolve_open(tx: Transaction, subject_id: UUID, *alert_types: str, at: datetime, because: str) -> Sequence[Alert]:
    """Close the subject's open alerts of these kinds because the world is in order again; those that were closed."""
    return await resolve_all_open(tx, {subject_id: at}, *alert_types, because=because)


async def resolve_all_open(
    tx: Transaction, subjects: Mapping[UUID, datetime], *alert_types: str, because: str
) -> Sequence[Alert]:
    """The same for many subjects at once, each at its own instant. Without a kind: all of them, for the subject is gone."""
    if not subjects:
        return []
    statement = select(Alert).where(col(Alert.subject_id).in_(subjects), Alert.status != AlertStatus.RESOLVED)
    if alert_types:
        statement = statement.where(col(Alert.alert_type).in_(alert_types))
    alerts = (await tx.exec(statement.order_by(col(Alert.id)).with_for_update())).all()
    await _end(tx, [(alert, subjects[alert.subject_id]) for alert in alerts], because)
    return alerts


async def resolve(tx: Transaction, alert_id: UUID, *, because: str, at: datetime | None = None) -> None:
    """Close it by hand, saying why. Conflict when it is already closed."""
    alert = await queries.alert(tx, alert_id, for_update=True)
    tx.actor.require("alerts.resolve", alert.scope_id)
    if alert.status is AlertStatus.RESOLVED:
        raise Conflict("This alert is already over.")
    if not because.strip():
        raise Invalid("because", "Say why it is over.")
    await _end(tx, [(alert, at or now())], because.strip())


async def _end(tx: Transaction, alerts: Sequence[tuple[Alert, datetime]], because: str) -> None:
    """Those who were told of it are told that it is over, by the ladder's next turn."""
    if not alerts:
        return
    user_id = tx.actor.user_id
    for alert, at in alerts:
        alert.status, alert.resolved_at, alert.resolved_by, alert.resolution = AlertStatus.RESOLVED, at, user_id, because
        alert.next_step_at = at if alert.last_told_at else None
        alert.snoozed_until_at = alert.snoozed_by = None
        alert.updated_at = now()
        tx.add(alert)
        tx.emit(AlertChanged(alert_id=alert.id))
    await write_story(tx, [
        Ruling(alert.id, Ruled.RESOLVED, reasons.CLOSED if user_id else reasons.OVER, at, {"because": because, "who": tx.actor.name}, user_id)
        for alert, at in alerts
    ])  # fmt: skip
    await _free_children(tx, {alert.id: at for alert, at in alerts})


async def _free_children(tx: Transaction, parents: Mapping[UUID, datetime]) -> None:
    """What was a part of something larger and is still open is judged by itself again."""
    await tx.flush()
    freed = (
        update(Alert)
        .where(col(Alert.parent_id).in_(parents), col(Alert.status) != AlertStatus.RESOLVED)
        .values(parent_id=None, next_step_at=max(parents.values()))
        .returning(col(Alert.id))
    )
    children = (await tx.execute(freed.execution_options(synchronize_session=False))).scalars().all()
    await write_story(tx, [Ruling(child, Ruled.LEFT, reasons.LEFT, max(parents.values())) for child in children])
    for child in children:
        tx.emit(AlertChanged(alert_id=child))
