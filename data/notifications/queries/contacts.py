"""Who is called when it matters, who of them is on call, and whose names stand to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.identity.tables import User
from data.notifications.queries import calling
from data.notifications.recipients import Member
from data.notifications.tables import EscalationContact, OnCallShift

VIEW = "contacts.view"


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact, how one of the people here is reached besides, and whether they are on call."""

    contact: EscalationContact
    user_email: str | None
    user_phone: str | None
    is_on_call: bool


async def contacts(tx: Transaction, *, at: datetime) -> Sequence[ContactView]:
    """Everybody on the list, whoever is called first before the others."""
    tx.actor.require(VIEW)
    on_call = (
        select(OnCallShift.id)
        .where(OnCallShift.contact_id == EscalationContact.id, OnCallShift.starts_at <= at, OnCallShift.ends_at > at)
        .exists()
    )
    statement = (
        select(EscalationContact, User, on_call)
        .outerjoin(User, and_(col(User.id) == EscalationContact.user_id, col(User.deleted_at).is_(None)))
        .where(col(EscalationContact.deleted_at).is_(None), *_within(tx))
        .order_by(col(EscalationContact.priority), col(EscalationContact.name), col(EscalationContact.id))
    )
    return [
        ContactView(contact, user.email if user else None, user.phone if user and user.is_phone_verified else None, is_on_call)
        for contact, user, is_on_call in (await tx.execute(statement)).tuples()
    ]


async def contact(tx: Transaction, contact_id: UUID, *, for_update: bool = False) -> EscalationContact:
    """One of them, also when taken off the list."""
    tx.actor.require(VIEW)
    statement = select(EscalationContact).where(EscalationContact.id == contact_id, *_within(tx))
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such contact.")
    return found


async def shifts(tx: Transaction, begin: datetime, end: datetime) -> Sequence[tuple[OnCallShift, EscalationContact]]:
    """The shifts that run between two instants, the first first."""
    tx.actor.require(VIEW)
    statement = (
        select(OnCallShift, EscalationContact)
        .join(EscalationContact, col(EscalationContact.id) == OnCallShift.contact_id)
        .where(
            OnCallShift.starts_at < end, OnCallShift.ends_at > begin, col(EscalationContact.deleted_at).is_(None),
            col(EscalationContact.is_active), *_within(tx),
        )
        .order_by(col(OnCallShift.starts_at), col(EscalationContact.name))
    )  # fmt: skip
    return (await tx.exec(statement)).all()


async def shift(tx: Transaction, shift_id: UUID) -> tuple[OnCallShift, EscalationContact]:
    """One shift and whose it is."""
    statement = (
        select(OnCallShift, EscalationContact)
        .join(EscalationContact, col(EscalationContact.id) == OnCallShift.contact_id)
        .where(OnCallShift.id == shift_id, *_within(tx))
    )
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such shift.")
    return found


async def people(tx: Transaction) -> Sequence[Member]:
    """The people of the organization, by name, to choose a contact from."""
    tx.actor.require("contacts.edit")
    return await calling.members(tx)


def _within(tx: Transaction) -> list[ColumnElement[bool]]:
    scopes = tx.actor.scopes(VIEW)
    return [] if scopes is None else [or_(col(EscalationContact.scope_id).is_(None), col(EscalationContact.scope_id).in_(scopes))]
