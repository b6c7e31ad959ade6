"""How people come by an account, and by a new password, from a program."""

from typing import Any
from uuid import UUID

from fastapi import BackgroundTasks, Request
from pydantic import BaseModel, Field

from data.identity import commands, programs
from jobs.accounts import Accounts
from jobs.api._door import ENTRANCE, Setter, allow, answer, browser_of, called, door

router = door("/v1/auth", "Accounts")


class SignUp(BaseModel):
    """`email` or `phone`, one of them. `organization` is what the farm or business is called; it may be told later."""

    email: str = Field(default="", max_length=400)
    phone: str = Field(default="", max_length=50)
    password: str = Field(max_length=200)
    name: str
    language: str = "en"
    organization: str = Field(default="", max_length=200)
    time_zone: str = ""


class Link(BaseModel):
    """`token` is the end of the link in the mail; `password` the one that was chosen: who merely reads the mail gets no account."""

    token: str = Field(max_length=100)
    password: str = Field(max_length=200)
    device_name: str | None = Field(default=None, max_length=100)


class Digits(BaseModel):
    """`sign_up_id` is what signing up answered; `code` the six digits of the text message."""

    sign_up_id: UUID
    code: str = Field(max_length=40)
    device_name: str | None = Field(default=None, max_length=100)


class Forgotten(BaseModel):
    """`email` may be a telephone number as well."""

    email: str = Field(max_length=400)


class Reset(BaseModel):
    """`token` is the end of the link."""

    token: str = Field(max_length=100)
    password: str = Field(max_length=200)


class Change(BaseModel):
    current_password: str = Field(max_length=200)
    new_password: str = Field(max_length=200)


@router.post("/signup", status_code=202)
async def sign_up(request: Request, later: BackgroundTasks, said: SignUp) -> dict[str, Any]:
    """Ask for an account; a link or six digits go to the address, and make it within a day. The answer is the same for an address
    that has one: that is told to the address alone."""
    allow(request, ENTRANCE, _place(request))
    accounts = accounts_of(request)
    asked = await accounts.sign_up(
        browser_of(request), name=said.name, password=said.password, email=said.email, phone=said.phone,
        organization_name=said.organization, language=said.language, time_zone=said.time_zone,
    )  # fmt: skip
    later.add_task(accounts.send_sign_up, asked)
    return answer({"sign_up_id": asked.id, "sent_to": asked.to})


@router.post("/verify-email")
async def verify_email(request: Request, said: Link) -> dict[str, Any]:
    """The account is made, and an organization with it; the tokens."""
    allow(request, ENTRANCE, _place(request))
    session = await accounts_of(request).by_link(said.token, said.password, browser_of(request))
    return answer((await programs.open_for(session, device_name=said.device_name)).as_told())


@router.post("/verify-phone")
async def verify_phone(request: Request, said: Digits) -> dict[str, Any]:
    """The same by the digits of a text message."""
    allow(request, ENTRANCE, _place(request))
    session = await accounts_of(request).by_code(said.sign_up_id, said.code, browser_of(request))
    return answer((await programs.open_for(session, device_name=said.device_name)).as_told())


@router.post("/forgot-password", status_code=202)
async def forgot_password(request: Request, later: BackgroundTasks, said: Forgotten) -> dict[str, Any]:
    """Send a link for a new password, if somebody has that address; the answer does not tell. Five in an hour to one person."""
    allow(request, ENTRANCE, _place(request))
    later.add_task(accounts_of(request).forgot_password, said.email)
    return answer({})


@router.post("/reset-password")
async def reset_password(request: Request, said: Reset) -> dict[str, Any]:
    """Choose a new password by the link; every session of that person ends."""
    allow(request, ENTRANCE, _place(request))
    await commands.reset_password(said.token, said.password)
    return answer({})


@router.post("/change-password")
async def change_password(actor: Setter, said: Change) -> dict[str, Any]:
    """Choose a new password, knowing the one there is; every other session ends."""
    with called(present="current_password", fresh="new_password"):
        await commands.change_password(actor, said.current_password, said.new_password)
    return answer({})


def accounts_of(request: Request) -> Accounts:
    """Who sends what concerns accounts; main puts it there."""
    found: Accounts = request.app.state.accounts
    return found


def _place(request: Request) -> str:
    return request.client.host if request.client else ""
