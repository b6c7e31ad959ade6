"""Oneself: what one is called, how one is reached, where one is signed in, and what one did."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import BackgroundTasks, Query, Request
from pydantic import BaseModel, Field

from data.audit import queries as audit
from data.audit.tables import EventLog
from data.core.actor import Actor
from data.core.errors import Invalid, NotFound
from data.core.session import Transaction, transaction
from data.identity import commands, own_email, queries
from data.identity import door as people
from data.identity.tables import AuthSession
from data.notifications.commands import preferences
from jobs.api._door import Paged, Reader, Setter, answer, called, door, listed
from jobs.api.accounts import accounts_of

router = door("/v1/users", "Oneself")

class MeGiven(BaseModel):
    """What is said of oneself; what is not said stays. Another `email` needs `current_password`, or a `code` of the second factor."""

    name: str | None = None
    language: str | None = None
    time_zone: str | None = None
    units: str | None = None
    phone: str | None = Field(default=None, max_length=50)
    email: str | None = Field(default=None, max_length=400)
    current_password: str = Field(default="", max_length=200)
    code: str = Field(default="", max_length=40)


class Shown(BaseModel):
    """The six digits of the text message."""

    code: str = Field(max_length=40)


class Opened(BaseModel):
    """`token` is the end of the link in the mail."""

    token: str = Field(max_length=100)


@router.get("/me")
async def show_me(actor: Reader) -> dict[str, Any]:
    """Who one is; `pending` is an address that waits for its link to be opened."""
    async with transaction(actor) as tx:
        return answer(await _me(tx))


@router.put("/me")
async def change_me(request: Request, later: BackgroundTasks, actor: Setter, given: MeGiven) -> dict[str, Any]:
    """Change what is said. A new phone number gets six digits, a new e-mail address a link: until then the one there is stays."""
    said: Mapping[str, Any] = given.model_dump(exclude_none=True, exclude={"current_password", "code"})
    async with transaction(actor) as tx:
        if "name" in said:
            await commands.rename(tx, said["name"])
        if wishes := {name: said[name] for name in ("language", "time_zone", "units") if name in said}:
            await commands.set_preferences(tx, **wishes)
        if "phone" in said and said["phone"] != (await queries.me(tx)).phone:
            await preferences.send_phone_code(tx, said["phone"])
    if "email" in said and said["email"].strip().lower() != await _email_of(actor):
        with called(present="current_password"):
            asked = await own_email.ask(actor, said["email"], present=given.current_password, code=given.code)
        later.add_task(accounts_of(request).send_new_address, asked)
    async with transaction(actor) as tx:
        return answer(await _me(tx))


@router.post("/me/phone")
async def confirm_phone(actor: Setter, said: Shown) -> dict[str, Any]:
    """Show the digits: the number is one's own from now on."""
    async with transaction(actor) as tx:
        wrong = await preferences.confirm_phone(tx, said.code)
    if wrong:
        raise Invalid("code", wrong)
    async with transaction(actor) as tx:
        return answer(await _me(tx))


@router.post("/me/email")
async def confirm_email(request: Request, later: BackgroundTasks, actor: Setter, said: Opened) -> dict[str, Any]:
    """Show the link's token: the address is one's own from now on; the one before is told."""
    changed = await own_email.confirm(actor, said.token)
    later.add_task(accounts_of(request).send_changed_address, changed)
    async with transaction(actor) as tx:
        return answer(await _me(tx))


@router.get("/sessions")
async def list_sessions(actor: Reader, page: Paged) -> dict[str, Any]:
    """Where one is signed in, browsers and programs, the latest used first."""
    assert actor.user_id
    return page.of(await people.sessions_of(actor.user_id), lambda session: _session(session, actor))


@router.delete("/sessions/{session_id}")
async def end_session(actor: Setter, session_id: UUID) -> dict[str, Any]:
    """Sign out there; its pages close, its tokens open nothing any more."""
    assert actor.user_id
    if session_id not in {one.id for one in await people.sessions_of(actor.user_id)}:
        raise NotFound("There is no such session.")
    await people.end_session(actor.user_id, session_id)
    return answer({"id": session_id})


@router.get("/activity-log")
async def list_activity(actor: Reader, page: Paged, days: Annotated[int, Query()] = 30) -> dict[str, Any]:
    """What one did oneself in the organization, and what was done to one's account; of 1 to 365 days, the latest first."""
    async with transaction(actor) as tx:
        found, total = await audit.own(tx, days=days, limit=page.limit, offset=page.offset)
    return listed([_line(one) for one in found], page, total=total)


async def _email_of(actor: Actor) -> str:
    async with transaction(actor) as tx:
        return ((await queries.me(tx)).email or "").lower()


async def _me(tx: Transaction) -> dict[str, Any]:
    me = await queries.me(tx)
    return {
        "id": me.id, "name": me.name, "email": me.email, "is_email_verified": me.is_email_verified, "phone": me.phone,
        "is_phone_verified": me.is_phone_verified, "language": me.language, "time_zone": me.time_zone, "units": me.units,
        "is_mfa_enabled": me.is_mfa_enabled, "organization_id": tx.organization_id, "pending": {"email": await own_email.waiting(tx)},
        "last_login_at": me.last_login_at, "created_at": me.created_at,
    }  # fmt: skip


def _session(session: AuthSession, actor: Actor) -> dict[str, Any]:
    return {
        "id": session.id, "device_name": session.device_name, "is_program": session.access_hash is not None,
        "is_current": session.id == actor.session_id, "ip_address": str(session.ip_address) if session.ip_address else None,
        "user_agent": session.user_agent, "created_at": session.created_at, "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
    }  # fmt: skip


def _line(line: EventLog) -> dict[str, Any]:
    return {
        "id": line.id, "sequence": line.sequence, "recorded_at": line.recorded_at, "event_type": line.event_type, "title": line.title,
        "severity": line.severity, "subject_id": line.subject_id, "data": line.event_data,
        "ip_address": str(line.ip_address) if line.ip_address else None, "is_own": line.acting_user_id is not None,
    }  # fmt: skip
