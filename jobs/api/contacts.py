"""Who is called when nobody answers, in which order, and who of them is on call when."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from data.core.session import transaction
from data.core.time import now
from data.notifications.commands import contacts as commands
from data.notifications.queries import contacts as queries
from data.notifications.queries.contacts import ContactView
from data.notifications.tables import EscalationContact, OnCallShift
from jobs.api._door import Paged, Reader, Setter, answer
from jobs.api._organization import of_organization

router = of_organization("/escalation-contacts", "Escalation contacts")
Word = Annotated[str | None, Field(max_length=320)]


class ContactGiven(BaseModel):
    """One of the people here (`user_id`), or anybody with a telephone or an address; in a change, what is not said stays.

    `scope_id` is the site that they are called for; without it, all.
    """

    name: Word = None
    user_id: UUID | None = None
    phone: Word = None
    email: Word = None
    priority: int = 0
    scope_id: UUID | None = None
    language: Literal["en", "km"] = "en"
    is_active: bool = True


class ShiftGiven(BaseModel):
    contact_id: UUID
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    note: Annotated[str, Field(max_length=200)] = ""


@router.get("")
async def list_contacts(actor: Reader, page: Paged) -> dict[str, Any]:
    """Everybody on the list, whoever is called first before the others."""
    async with transaction(actor) as tx:
        return page.of(await queries.contacts(tx, at=now()), _view)


@router.post("", status_code=201)
async def create_contact(actor: Setter, given: ContactGiven) -> dict[str, Any]:
    """Put somebody on the list."""
    async with transaction(actor) as tx:
        made = await commands.add_contact(tx, **_words(given.model_dump(exclude={"is_active"})))
        await tx.flush()
        return answer(_contact(made))


@router.get("/shifts")
async def list_shifts(
    actor: Reader, page: Paged, since: Annotated[AwareDatetime, Query(alias="from")], until: Annotated[AwareDatetime, Query(alias="to")]
) -> dict[str, Any]:
    """Who is on call between two instants, the first first."""
    async with transaction(actor) as tx:
        return page.of(await queries.shifts(tx, since, until), lambda one: _shift(one[0]) | {"name": one[1].name})


@router.post("/shifts", status_code=201)
async def create_shift(actor: Setter, given: ShiftGiven) -> dict[str, Any]:
    """From then to then this contact is called first."""
    async with transaction(actor) as tx:
        made = await commands.add_shift(tx, given.contact_id, starts_at=given.starts_at, ends_at=given.ends_at, note=given.note)
        await tx.flush()
        return answer(_shift(made))


@router.delete("/shifts/{shift_id}")
async def remove_shift(actor: Setter, shift_id: UUID) -> dict[str, Any]:
    """Take a shift off the roster."""
    async with transaction(actor) as tx:
        await commands.remove_shift(tx, shift_id)
    return answer({"shift_id": shift_id})


@router.get("/{contact_id}")
async def show_contact(actor: Reader, contact_id: UUID) -> dict[str, Any]:
    """One contact, also one that was taken off the list."""
    async with transaction(actor) as tx:
        return answer(_contact(await queries.contact(tx, contact_id)))


@router.put("/{contact_id}")
async def change_contact(actor: Setter, contact_id: UUID, given: ContactGiven) -> dict[str, Any]:
    """Change what is known of a contact; one who is not active stays on the list and is not called."""
    async with transaction(actor) as tx:
        contact = await queries.contact(tx, contact_id)
        kept = {name: getattr(contact, name) for name in ContactGiven.model_fields}
        await commands.edit_contact(tx, contact_id, **_words(kept | given.model_dump(exclude_unset=True)))
        await tx.flush()
        return answer(_contact(contact))


@router.delete("/{contact_id}")
async def remove_contact(actor: Setter, contact_id: UUID) -> dict[str, Any]:
    """Take somebody off the list; `restore` puts them back."""
    async with transaction(actor) as tx:
        await commands.remove_contact(tx, contact_id)
    return answer({"contact_id": contact_id})


@router.post("/{contact_id}/restore")
async def restore_contact(actor: Setter, contact_id: UUID) -> dict[str, Any]:
    """Put somebody back who was taken off."""
    async with transaction(actor) as tx:
        await commands.restore_contact(tx, contact_id)
        return answer(_contact(await queries.contact(tx, contact_id)))


def _words(said: dict[str, Any]) -> dict[str, Any]:
    return said | {name: said[name] or "" for name in ("name", "phone", "email")}


def _contact(contact: EscalationContact) -> dict[str, Any]:
    return {
        "id": contact.id, "name": contact.name, "user_id": contact.user_id, "phone": contact.phone, "email": contact.email,
        "priority": contact.priority, "scope_id": contact.scope_id, "language": contact.language, "is_active": contact.is_active,
        "deleted_at": contact.deleted_at,
    }  # fmt: skip


def _view(view: ContactView) -> dict[str, Any]:
    return _contact(view.contact) | {"user_email": view.user_email, "user_phone": view.user_phone, "is_on_call": view.is_on_call}


def _shift(shift: OnCallShift) -> dict[str, Any]:
    return {"id": shift.id, "contact_id": shift.contact_id, "starts_at": shift.starts_at, "ends_at": shift.ends_at, "note": shift.note}
