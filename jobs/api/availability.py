"""Before somebody is invited: whether an address is still nobody's."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request

from data.core.actor import Actor
from data.identity import availability
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
    """For an organization's administrators: whether nobody has this e-mail address yet."""
    return answer({"email": email.strip(), "is_available": await availability.is_email_free(actor, email)})


@router.get("/phone")
async def phone_is_available(actor: Seldom, phone: Annotated[str, Query(max_length=40)]) -> dict[str, Any]:
    """For an organization's administrators: whether nobody has this telephone number yet."""
    return answer({"phone": phone.strip(), "is_available": await availability.is_phone_free(actor, phone)})
