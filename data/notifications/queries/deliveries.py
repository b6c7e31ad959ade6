"""What was sent to whom by which way, why, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.identity.tables import User
from data.notifications.tables import (
    Channel,
    DeliveryStatus,
    EscalationContact,
    NotificationDelivery,
    PushSubscription,
    WebhookEndpoint,
)

VIEW = "channels.edit"


@dataclass(frozen=True, slots=True)
class Told:
    """One delivery and the name of whom it was for."""

    delivery: NotificationDelivery
    name: str


_NAME = func.coalesce(User.name, EscalationContact.name, WebhookEndpoint.name, "")
_WITH_NAMES = (
    select(NotificationDelivery, _NAME)
    .outerjoin(User, col(User.id) == NotificationDelivery.user_id)
    .outerjoin(EscalationContact, col(EscalationContact.id) == NotificationDelivery.contact_id)
    .outerjoin(WebhookEndpoint, col(WebhookEndpoint.id) == NotificationDelivery.endpoint_id)
)


async def told(tx: Transaction, delivery_id: UUID) -> Told:
    """One of them, with the name of whom it was for."""
    tx.actor.require(VIEW)
    found = (await tx.exec(_WITH_NAMES.where(NotificationDelivery.id == delivery_id))).one_or_none()
    if found is None:
        raise NotFound("There is no such message.")
    return Told(*found)


async def delivery(tx: Transaction, delivery_id: UUID, *, for_update: bool = False) -> NotificationDelivery:
    """One of them: one's own, or any with the right to see all."""
    statement = select(NotificationDelivery).where(NotificationDelivery.id == delivery_id)
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None or not (tx.actor.may(VIEW) or found.user_id == tx.actor.user_id):
        raise NotFound("There is no such message.")
    return found


async def deliveries(
    tx: Transaction, *, offset: int = 0, limit: int = 50, status: str | None = None, channel: str | None = None, search: str | None = None
) -> tuple[Sequence[Told], int]:
    """A page of all that was sent or decided not to be, the latest first, and how many there are."""
    tx.actor.require(VIEW)
    statement = _WITH_NAMES
    where = []
    if status:
        where.append(col(NotificationDelivery.status) == DeliveryStatus(status))
    if channel:
        where.append(col(NotificationDelivery.channel) == Channel(channel))
    if search:
        where.append(or_(_NAME.ilike(f"%{search}%"), col(NotificationDelivery.recipient).ilike(f"%{search}%")))
    total = (await tx.exec(select(func.count()).select_from(statement.where(*where).subquery()))).one()
    rows = await tx.exec(statement.where(*where).order_by(col(NotificationDelivery.created_at).desc(), col(NotificationDelivery.id).desc()).offset(offset).limit(limit))
    return [Told(one, whose) for one, whose in rows.all()], total


async def own_deliveries(tx: Transaction, *, limit: int = 20) -> Sequence[NotificationDelivery]:
    """What was sent to the actor lately, or was not and why, the latest first."""
    statement = select(NotificationDelivery).where(NotificationDelivery.user_id == tx.actor.user_id)
    return (await tx.exec(statement.order_by(col(NotificationDelivery.created_at).desc()).limit(limit))).all()


async def latest_of(tx: Transaction, delivery_ids: Sequence[UUID]) -> Sequence[NotificationDelivery]:
    """These, as they are now: those that the actor may see."""
    statement = select(NotificationDelivery).where(col(NotificationDelivery.id).in_(delivery_ids))
    if not tx.actor.may(VIEW):
        statement = statement.where(NotificationDelivery.user_id == tx.actor.user_id)
    return (await tx.exec(statement.order_by(col(NotificationDelivery.id)))).all()


async def failed_lately(tx: Transaction, at: datetime) -> tuple[int, datetime | None]:
    """How many messages could not be delivered within a day, and when the first of them was given up."""
    tx.actor.require(VIEW)
    statement = select(func.count(), func.min(NotificationDelivery.failed_at)).select_from(NotificationDelivery)
    failed = statement.where(NotificationDelivery.status == DeliveryStatus.FAILED, col(NotificationDelivery.failed_at) > at - timedelta(days=1))
    return (await tx.exec(failed)).one()


async def browser_names(tx: Transaction) -> dict[str, str]:
    """What the browsers are called that a push may go to, by what stands as the recipient."""
    rows = await tx.exec(select(PushSubscription.id, PushSubscription.device_name))
    return {str(id): name or "" for id, name in rows}
