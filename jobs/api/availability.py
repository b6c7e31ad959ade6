"""Before somebody is invited: whether they are here already. Who is elsewhere is told to nobody: anybody may make an organization."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request

from data.core.actor import Actor
from data.core.session import transaction
from data.identity import members
from jobs.api._door import MINUTE_S, Reader, allow, answer, door
from jobs.networks._pace import Pace

router = door("/api/availability", "Availability")
SELDOM = Pace(10, MINUTE_S)
"""So that nobody goes through a list of addresses."""


async def _seldom(request: Request, actor: Reader) -> Actor:
    allow(request, SELDOM, actor.user_id)
    return actor


Seldom = Annotated[Actor, Depends(_seldom)]


@router.get("/email")
async def email_is_available(actor: Seldom, email: Annotated[str, Query(max_length=320)]) -> dict[str, Any]:
    """For those who invite: whether nobody of the organization, and nobody whom it has invited, has this e-mail address."""
    async with transaction(actor) as tx:
        return answer({"email": email.strip(), "is_available": not await members.is_here(tx, email=email)})


@router.get("/phone")
async def phone_is_available(actor: Seldom, phone: Annotated[str, Query(max_length=40)]) -> dict[str, Any]:
    """For those who invite: whether nobody of the organization, and nobody whom it has invited, has this telephone number."""
    async with transaction(actor) as tx:
        return answer({"phone": phone.strip(), "is_available": not await members.is_here(tx, phone=phone)})
