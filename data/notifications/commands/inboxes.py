"""Everybody marks read what is in their own inbox."""

from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlmodel import col

from data.core.session import Transaction
from data.core.time import now
from data.notifications.events import InboxChanged
from data.notifications.tables import Notification


async def mark_unread(tx: Transaction, notification_id: UUID) -> None:
    """Put one of one's own messages back among those that one has still to read."""
    await _set(tx, [col(Notification.id) == notification_id], is_read=False, read_at=None)


async def forget(tx: Transaction, notification_id: UUID) -> None:
    """Take one of one's own messages out of the inbox; `remember` puts it back."""
    await _set(tx, [col(Notification.id) == notification_id, col(Notification.deleted_at).is_(None)], deleted_at=now())


async def remember(tx: Transaction, notification_id: UUID) -> None:
    """Put a message back that was taken out."""
    await _set(tx, [col(Notification.id) == notification_id], deleted_at=None)


async def forget_read(tx: Transaction) -> None:
    """Take everything out of one's inbox that one has read."""
    await _set(tx, [col(Notification.is_read).is_(True), col(Notification.deleted_at).is_(None)], deleted_at=now())


async def _set(tx: Transaction, which: list[ColumnElement[bool]], **values: object) -> None:
    assert tx.actor.user_id
    await tx.execute(update(Notification).where(col(Notification.user_id) == tx.actor.user_id, *which).values(**values))
    tx.emit(InboxChanged(user_id=tx.actor.user_id))


async def mark_read(tx: Transaction, *notification_ids: UUID) -> None:
    """Mark some of one's own messages read, or all of them when none is named."""
    assert tx.actor.user_id
    mine = [col(Notification.user_id) == tx.actor.user_id, col(Notification.is_read).is_(False)]
    if notification_ids:
        mine.append(col(Notification.id).in_(notification_ids))
    await tx.execute(update(Notification).where(*mine).values(is_read=True, read_at=now()))
    tx.emit(InboxChanged(user_id=tx.actor.user_id))
