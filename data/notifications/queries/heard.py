"""Who heard of one alert, by which way, and whether it arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.core.session import Transaction
from data.identity.tables import User
from data.notifications.tables import (
    Channel,
    DeliveryStatus,
    EscalationContact,
    Notification,
    NotificationDelivery,
    Purpose,
    WebhookEndpoint,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One message about an alert, by name and way; addresses are nobody's business but theirs."""

    id: UUID
    at: datetime
    name: str
    channel: Channel
    purpose: Purpose
    level: int
    status: DeliveryStatus
    why_not: str | None
    sent_at: datetime | None
    delivered_at: datetime | None


async def heard(tx: Transaction, alert_id: UUID, *, limit: int = 500) -> Sequence[Heard]:
    """What was sent about it or decided not to be, the first first. Its alert was asked for before."""
    row = NotificationDelivery
    statement = (
        select(row, func.coalesce(User.name, EscalationContact.name, WebhookEndpoint.name, ""))
        .outerjoin(User, col(User.id) == row.user_id)
        .outerjoin(EscalationContact, col(EscalationContact.id) == row.contact_id)
        .outerjoin(WebhookEndpoint, col(WebhookEndpoint.id) == row.endpoint_id)
        .where(row.alert_id == alert_id)
        .order_by(col(row.created_at), col(row.id))
        .limit(limit)
    )
    return [
        Heard(d.id, d.created_at, name, d.channel, d.purpose, d.level, d.status, d.error_message, d.sent_at, d.delivered_at)
        for d, name in await tx.exec(statement)
    ]


async def readers_of(tx: Transaction, alert_id: UUID) -> tuple[int, int]:
    """In how many inboxes it lies, and how many people have read it there."""
    people = func.count(func.distinct(Notification.user_id))
    statement = select(people, people.filter(col(Notification.is_read))).where(Notification.alert_id == alert_id)
    total, read = (await tx.exec(statement)).one()
    return total, read
