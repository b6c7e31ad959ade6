"""Who works on a farm, and as what: admin, manager, keeper or viewer there; or what they are in the whole organization."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from data.core.session import Transaction, transaction
from data.farm import queries
from data.flows import joining
from data.flows.joining import Invited
from data.identity import members
from data.identity.members import Member
from data.identity.tables import Invitation, Role
from jobs.api._door import Paged, Reader, Setter, answer, door
from jobs.api.accounts import accounts_of

router = door("/v1/farms/{farm_id}", "People of a farm")


class Wanted(BaseModel):
    """`email` or `phone` is where the link goes, and who alone may use it; without either it is passed on by hand."""

    role: Role
    email: str | None = Field(default=None, max_length=400)
    phone: str | None = Field(default=None, max_length=50)
    name: str | None = Field(default=None, max_length=200)
    language: str = "en"


class Given(BaseModel):
    role: Role


@router.get("/members")
async def list_members(actor: Reader, farm_id: UUID, page: Paged) -> dict[str, Any]:
    """Who may see the farm, by name."""
    async with transaction(actor) as tx:
        return page.of(await _people(tx, farm_id), lambda member: _member(member, farm_id))


@router.post("/members", status_code=201)
async def invite_member(request: Request, actor: Setter, farm_id: UUID, wanted: Wanted) -> dict[str, Any]:
    """Invite somebody: the link works once, for a week. It is sent where there is a way, and told here once."""
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        return answer(_invited(await joining.invite(tx, origin=accounts_of(request).origin, scope_id=farm_id, **wanted.model_dump())))


@router.put("/members/{user_id}")
async def change_member(actor: Setter, farm_id: UUID, user_id: UUID, given: Given) -> dict[str, Any]:
    """Give somebody another role on this farm, instead of the one they have there."""
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        await members.change_role(tx, user_id, role=given.role, scope_id=farm_id)
        [member] = [one for one in await _people(tx, farm_id) if one.user.id == user_id]
        return answer(_member(member, farm_id))


@router.delete("/members/{user_id}")
async def remove_member(actor: Setter, farm_id: UUID, user_id: UUID) -> dict[str, Any]:
    """Let somebody go from this farm, or go oneself."""
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        await members.remove(tx, user_id, scope_id=farm_id)
    return answer({"user_id": user_id})


@router.get("/invitations")
async def list_invitations(actor: Reader, farm_id: UUID, page: Paged) -> dict[str, Any]:
    """Who was invited to the farm and has not come yet, the latest first."""
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        return page.of(await members.invitations(tx, scope_id=farm_id), _invitation)


@router.delete("/invitations/{invitation_id}")
async def take_back_invitation(actor: Setter, farm_id: UUID, invitation_id: UUID) -> dict[str, Any]:
    """Take it back: its link opens nothing any more."""
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        await members.revoke_invitation(tx, invitation_id, scope_id=farm_id)
    return answer({"id": invitation_id})


async def _people(tx: Transaction, farm_id: UUID) -> list[Member]:
    await queries.farm(tx, farm_id)
    return list(await members.members(tx, scope_id=farm_id, reaches="farm.view"))


def _member(member: Member, farm_id: UUID) -> dict[str, Any]:
    there = member.at(farm_id)
    return {
        "user_id": member.user.id, "name": member.user.name, "email": member.user.email, "phone": member.user.phone,
        "roles": list(there), "organization_roles": list(member.at(None)), "last_login_at": member.user.last_login_at,
    }  # fmt: skip


def _invitation(invitation: Invitation) -> Mapping[str, Any]:
    return {
        "id": invitation.id, "role": invitation.role, "name": invitation.name, "email": invitation.email, "phone": invitation.phone,
        "language": invitation.language, "invited_by": invitation.invited_by, "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
    }  # fmt: skip


def _invited(made: Invited) -> dict[str, Any]:
    sent = {"link": made.link, "sent_to": made.to if made.why_not is None else None, "why_not_sent": made.why_not}
    return {**_invitation(made.invitation), **sent}
