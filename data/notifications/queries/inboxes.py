"""What is in somebody's own inbox."""

from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import col, select

from data.core.session import Transaction
from data.notifications.tables import Notification


async def unread_count(tx: Transaction) -> int:
    """How many messages the actor has not read."""
    statement = select(func.count()).select_from(Notification)
    mine = (Notification.user_id == tx.actor.user_id, col(Notification.is_read).is_(False), col(Notification.deleted_at).is_(None))
    return (await tx.exec(statement.where(*mine))).one()


async def inbox(tx: Transaction, *, limit: int = 50) -> Sequence[Notification]:
    """The actor's messages, the latest first."""
    statement = select(Notification).where(Notification.user_id == tx.actor.user_id, col(Notification.deleted_at).is_(None))
    return (await tx.exec(statement.order_by(col(Notification.created_at).desc()).limit(limit))).all()
