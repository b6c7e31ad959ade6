"""Everybody marks read what is in their own inbox."""

from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from data.core.session import Transaction
from data.core.time import now
from data.notifications.events import InboxChanged
from data.notifications.tables import Notification


async def mark_read(tx: Transaction, *notification_ids: UUID) -> None:
    """Mark some of one's own messages read, or all of them when none is named."""
    assert tx.actor.user_id
    mine = [col(Notification.user_id) == tx.actor.user_id, col(Notification.is_read).is_(False)]
    if notification_ids:
        mine.append(col(Notification.id).in_(notification_ids))
    await tx.execute(update(Notification).where(*mine).values(is_read=True, read_at=now()))
    tx.emit(InboxChanged(user_id=tx.actor.user_id))
