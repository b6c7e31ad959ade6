"""Who is called when it matters is kept by those who may, and when each of them is on call."""

import re
from datetime import datetime, timedelta
from uuid import UUID

from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import now
from data.notifications.events import ContactsChanged
from data.notifications.queries import contacts as known
from data.notifications.tables import EscalationContact, OnCallShift

EDIT = "contacts.edit"
NUMBER = re.compile(r"\+[1-9]\d{6,14}")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MOST_PRIORITY = 9
LONGEST_SHIFT = timedelta(days=31)


async def add_contact(
    tx: Transaction, *, name: str = "", user_id: UUID | None = None, phone: str = "", email: str = "", priority: int = 0,
    scope_id: UUID | None = None, language: str = "en",
) -> EscalationContact:  # fmt: skip
    """Put somebody on the list: one of the people here, or anybody with a telephone or an address."""
    contact = EscalationContact(name="", language=language)
    await _fill(tx, contact, name=name, user_id=user_id, phone=phone, email=email, priority=priority, scope_id=scope_id, language=language)
    return contact


async def edit_contact(
    tx: Transaction, contact_id: UUID, *, name: str = "", user_id: UUID | None = None, phone: str = "", email: str = "",
    priority: int = 0, scope_id: UUID | None = None, language: str = "en", is_active: bool = True,
) -> None:  # fmt: skip
    """Change all that is known of a contact. One who is not active stays on the list and is not called."""
    contact = await known.contact(tx, contact_id, for_update=True)
    _may(tx, contact.scope_id)
    contact.is_active = is_active
    await _fill(tx, contact, name=name, user_id=user_id, phone=phone, email=email, priority=priority, scope_id=scope_id, language=language)


async def remove_contact(tx: Transaction, contact_id: UUID) -> None:
    """Take somebody off the list; it can be undone."""
    contact = await known.contact(tx, contact_id, for_update=True)
    _may(tx, contact.scope_id)
    if contact.deleted_at is None:
        contact.deleted_at = contact.updated_at = now()
        tx.add(contact)
        tx.emit(ContactsChanged())


async def restore_contact(tx: Transaction, contact_id: UUID) -> None:
    """Put somebody back who was taken off."""
    contact = await known.contact(tx, contact_id, for_update=True)
    _may(tx, contact.scope_id)
    if contact.deleted_at is not None:
        contact.deleted_at, contact.updated_at = None, now()
        tx.add(contact)
        tx.emit(ContactsChanged())


async def _fill(
    tx: Transaction, contact: EscalationContact, *, name: str, user_id: UUID | None, phone: str, email: str, priority: int,
    scope_id: UUID | None, language: str,
) -> None:  # fmt: skip
    _may(tx, scope_id)
    phone, email = re.sub(r"[\s()./-]", "", phone), email.strip()
    if user_id is not None:
        person = next((p for p in await known.people(tx) if p.user_id == user_id), None)
        if person is None:
            raise Invalid("user_id", "This person does not belong here.")
        name = name.strip() or person.name
    if not name.strip():
        raise Invalid("name", "A contact needs a name.")
    if phone and not NUMBER.fullmatch(phone):
        raise Invalid("phone", "Write the number with its country, such as +85512345678.")
    if email and not ADDRESS.fullmatch(email):
        raise Invalid("email", "This is not an e-mail address.")
    if not (phone or email or user_id):
        raise Invalid("phone", "A contact needs a telephone number or an e-mail address.")
    if not 0 <= priority <= MOST_PRIORITY:
        raise Invalid("priority", "Between {least} and {most}.", least=0, most=MOST_PRIORITY)
    contact.name, contact.user_id, contact.phone, contact.email = name.strip()[:200], user_id, phone or None, email or None
    contact.priority, contact.scope_id, contact.language, contact.updated_at = priority, scope_id, language, now()
    tx.add(contact)
    tx.emit(ContactsChanged())


async def add_shift(
    tx: Transaction, contact_id: UUID, *, starts_at: datetime, ends_at: datetime, note: str = ""
) -> OnCallShift:
    """From then to then this contact is called first. Shifts may overlap: then both are."""
    contact = await known.contact(tx, contact_id)
    _may(tx, contact.scope_id)
    if contact.deleted_at is not None:
        raise Conflict("This contact has been taken off the list.")
    if ends_at <= starts_at:
        raise Invalid("ends_at", "The end comes after the beginning.")
    if ends_at - starts_at > LONGEST_SHIFT:
        raise Invalid("ends_at", "A shift lasts a month at most.")
    shift = OnCallShift(
        contact_id=contact_id, starts_at=starts_at, ends_at=ends_at, note=note.strip()[:200] or None, created_by=tx.actor.user_id
    )
    tx.add(shift)
    tx.emit(ContactsChanged())
    return shift


async def remove_shift(tx: Transaction, shift_id: UUID) -> None:
    """Take a shift off the roster."""
    shift, contact = await known.shift(tx, shift_id)
    _may(tx, contact.scope_id)
    await tx.delete(shift)
    tx.emit(ContactsChanged())


def _may(tx: Transaction, scope_id: UUID | None) -> None:
    tx.actor.require(EDIT, scope_id)
    if scope_id is None and tx.actor.scopes(EDIT) is not None:
        raise Forbidden("You may do this for your own places only; choose one.")
