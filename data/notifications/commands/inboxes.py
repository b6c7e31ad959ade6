"""Everybody who may see an alert finds it in their inbox, and marks it read."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, update
from sqlmodel import col

from data.alerts.tables import Alert
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.notifications.events import InboxChanged
from data.notifications.tables import Notification


async def put_into_inboxes(tx: Transaction, alerts: Sequence[tuple[Alert, Sequence[UUID]]]) -> None:
    """Put each alert into the inboxes of those people; one statement however many there are."""
    rows = [
        {
            "id": uuid7(), "organization_id": tx.organization_id, "user_id": user_id, "alert_id": alert.id,
            "notification_type": alert.alert_type, "severity": alert.severity, "message": alert.message,
            "message_values": alert.message_values, "href": alert.href, "is_read": False,
        }
        for alert, user_ids in alerts
        for user_id in user_ids
    ]  # fmt: skip
    if rows:
        await tx.execute(insert(Notification), rows)
    for user_id in {user_id for _, user_ids in alerts for user_id in user_ids}:
        tx.emit(InboxChanged(user_id=user_id))


async def mark_read(tx: Transaction, *notification_ids: UUID) -> None:
    """Mark some of one's own messages read, or all of them when none is named."""
    assert tx.actor.user_id
    mine = [col(Notification.user_id) == tx.actor.user_id, col(Notification.is_read).is_(False)]
    if notification_ids:
        mine.append(col(Notification.id).in_(notification_ids))
    await tx.execute(update(Notification).where(*mine).values(is_read=True, read_at=now()))
    tx.emit(InboxChanged(user_id=tx.actor.user_id))
