"""Everybody who may see an alert finds it in their inbox, and marks it read."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlmodel import col

from data.alerts.tables import Alert
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.identity import queries as identity
from data.identity.permissions import PERMISSIONS
from data.notifications.events import InboxChanged
from data.notifications.tables import Notification


async def tell(tx: Transaction, *alerts: Alert) -> None:
    """Put alerts into the inbox of each person whose role reaches them; one statement however many there are."""
    rows: list[dict[str, Any]] = []
    people: dict[tuple[str, UUID | None], Sequence[UUID]] = {}
    for alert in alerts:
        reach = (alert.permission, alert.scope_id)
        if reach not in people:
            people[reach] = await identity.users_who_may(tx, PERMISSIONS[alert.permission], alert.scope_id)
        row = {
            "organization_id": tx.organization_id, "alert_id": alert.id, "notification_type": alert.alert_type,
            "severity": alert.severity, "message": alert.message, "message_values": alert.message_values,
            "href": alert.href, "is_read": False,
        }  # fmt: skip
        rows += [row | {"id": uuid7(), "user_id": user_id} for user_id in people[reach]]
    if rows:
        await tx.execute(insert(Notification), rows)
    for user_id in {row["user_id"] for row in rows}:
        tx.emit(InboxChanged(user_id=user_id))


async def mark_read(tx: Transaction, *notification_ids: UUID) -> None:
    """Mark some of one's own messages read, or all of them when none is named."""
    assert tx.actor.user_id
    mine = [col(Notification.user_id) == tx.actor.user_id, col(Notification.is_read).is_(False)]
    if notification_ids:
        mine.append(col(Notification.id).in_(notification_ids))
    await tx.execute(update(Notification).where(*mine).values(is_read=True, read_at=now()))
    tx.emit(InboxChanged(user_id=tx.actor.user_id))
