"""Who belongs here, or to one thing of it, and as what: people are invited, given another role, and let go."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, or_, true
from sqlmodel import col, select

from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.identity.emails import mailed
from data.identity.events import PeopleChanged
from data.identity.permissions import PERMISSIONS, grantable
from data.identity.phones import dialled
from data.identity.secrets import new_token, token_hash
from data.identity.tables import Invitation, Role, User, UserRole

INVITATION_LIFE = timedelta(days=7)
MOST_MEMBERS = 50
"""Of one farm."""
LANGUAGES = ("en", "km")
VIEW, INVITE, EDIT = "people.view", "people.invite", "people.edit"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody and what they are: everywhere (scope None) or for one thing."""

    user: User
    roles: Sequence[tuple[Role, UUID | None]]

    def at(self, scope_id: UUID | None) -> Sequence[Role]:
        """What they are just there."""
        return [role for role, scope in self.roles if scope == scope_id]


async def members(tx: Transaction, *, scope_id: UUID | None = None, reaches: str | None = None) -> Sequence[Member]:
    """The people whom one may see, by name: of the organization, or with `scope_id` those who may do `reaches` at that thing."""
    tx.actor.require(VIEW, scope_id)
    statement = select(User, UserRole).join(UserRole, col(UserRole.user_id) == User.id).where(col(User.deleted_at).is_(None))
    if scope_id:
        statement = statement.where(or_(col(UserRole.scope_id).is_(None), col(UserRole.scope_id) == scope_id))
    else:
        statement = statement.where(_within(tx, UserRole.scope_id))
    if reaches:
        statement = statement.where(col(UserRole.role).in_(PERMISSIONS[reaches]))
    found: dict[UUID, tuple[User, list[tuple[Role, UUID | None]]]] = {}
    for user, held in await tx.exec(statement.order_by(User.name, col(User.id), col(UserRole.created_at))):
        found.setdefault(user.id, (user, []))[1].append((Role(held.role), held.scope_id))
    return [Member(user, roles) for user, roles in found.values()]


async def invitations(tx: Transaction, *, scope_id: UUID | None = None) -> Sequence[Invitation]:
    """Invitations that nobody has used or taken back, the latest first; those that are too old among them."""
    tx.actor.require(VIEW, scope_id)
    statement = select(Invitation).where(col(Invitation.accepted_at).is_(None), col(Invitation.revoked_at).is_(None))
    statement = statement.where(Invitation.scope_id == scope_id) if scope_id else statement.where(_within(tx, Invitation.scope_id))
    return (await tx.exec(statement.order_by(col(Invitation.created_at).desc()))).all()


async def may_give(tx: Transaction, scope_id: UUID | None = None) -> Collection[Role]:
    """Which roles the actor may give, everywhere or at one thing."""
    if tx.actor.user_id is None:
        return frozenset()
    held = select(UserRole.role, UserRole.scope_id).where(UserRole.user_id == tx.actor.user_id)
    return grantable([(Role(role), scope) for role, scope in await tx.exec(held)], scope_id)


async def invite(
    tx: Transaction, *, role: Role, email: str | None = None, phone: str | None = None, name: str | None = None,
    scope_id: UUID | None = None, language: str = "en",
) -> tuple[Invitation, str]:  # fmt: skip
    """An invitation by which one person may join within a week, and the token of its link, told this once. With an address only
    whoever has it may use it. Forbidden for roles one may not give."""
    _in_charge(tx, INVITE, scope_id)
    await _may_give(tx, role, scope_id)
    assert tx.actor.user_id
    if language not in LANGUAGES:
        raise Invalid("language", "Choose one of {choices}.", choices=", ".join(LANGUAGES))
    if email and (email := mailed(email)) is None:
        raise Invalid("email", "This is not an e-mail address.")
    number = None
    if phone and (number := dialled(phone)) is None:
        raise Invalid("phone", "Write the number with its country, such as +855 12 345 678.")
    if scope_id and len(await members(tx, scope_id=scope_id)) + len(await invitations(tx, scope_id=scope_id)) >= MOST_MEMBERS:
        raise Conflict("A farm has {most} people at most.", most=MOST_MEMBERS)
    token = new_token()
    invitation = Invitation(
        token_hash=token_hash(token), name=(name or "").strip()[:200] or None, email=email or None, phone=number, role=role,
        scope_id=scope_id, language=language, invited_by=tx.actor.user_id, expires_at=now() + INVITATION_LIFE,
    )  # fmt: skip
    tx.add(invitation)
    await tx.flush()
    tx.emit(PeopleChanged())
    return invitation, token


async def invite_again(tx: Transaction, invitation_id: UUID) -> tuple[Invitation, str]:
    """A new link for another week; the old one opens nothing any more."""
    invitation = await _invitation(tx, invitation_id)
    await _may_give(tx, invitation.role, invitation.scope_id)
    token = new_token()
    invitation.token_hash, invitation.expires_at = token_hash(token), now() + INVITATION_LIFE
    tx.add(invitation)
    tx.emit(PeopleChanged())
    return invitation, token


async def revoke_invitation(tx: Transaction, invitation_id: UUID, *, scope_id: UUID | None = None) -> None:
    """Take it back: its link opens nothing any more. With a scope it must be an invitation to that thing."""
    invitation = await _invitation(tx, invitation_id)
    if scope_id and invitation.scope_id != scope_id:
        raise NotFound("There is no such invitation.")
    invitation.revoked_at = now()
    tx.add(invitation)
    tx.emit(PeopleChanged())


async def change_role(tx: Transaction, user_id: UUID, *, role: Role, scope_id: UUID | None = None) -> None:
    """What somebody of the organization is there from now on, everywhere or at one thing, instead of what they were there. An owner may
    make one of them an owner too."""
    _in_charge(tx, EDIT, scope_id)
    if not (role is Role.OWNER and scope_id is None and await _is_owner(tx)):
        await _may_give(tx, role, scope_id)
    held = await _held(tx, user_id)
    there = [one for one in held if one.scope_id == scope_id]
    await _may_take(tx, there, scope_id)
    await _owner_stays(tx, [one for one in there if one.role is Role.OWNER and role is not Role.OWNER])
    if [one.role for one in there] == [role]:
        return
    for one in there:
        await tx.delete(one)
    await tx.flush()
    tx.add(UserRole(user_id=user_id, role=role, scope_id=scope_id, invited_by=tx.actor.user_id))
    tx.emit(PeopleChanged(user_id=user_id))


async def remove(tx: Transaction, user_id: UUID, *, scope_id: UUID | None = None) -> None:
    """Somebody is let go from one thing, or without one from the organization and all its things; or goes by themselves. What they
    have open there closes at once. Conflict for the last owner, and at one thing for those who belong to all of it."""
    if user_id != tx.actor.user_id:
        _in_charge(tx, EDIT, scope_id)
    held = await _held(tx, user_id)
    goes = held if scope_id is None else [one for one in held if one.scope_id == scope_id]
    if not goes:
        raise Conflict("They belong to the whole organization. Change that under People.")
    if user_id != tx.actor.user_id:
        await _may_take(tx, goes, scope_id)
    await _owner_stays(tx, [one for one in goes if one.role is Role.OWNER])
    for one in goes:
        await tx.delete(one)
    tx.emit(PeopleChanged(user_id=user_id))


async def is_here(tx: Transaction, *, email: str = "", phone: str = "") -> bool:
    """Whether somebody with that address belongs to the organization or has an invitation: who invites may know. Who is elsewhere
    is nobody's business here. Invalid for what is no address."""
    _in_charge(tx, INVITE, None)
    if not phone and mailed(email) is None:
        raise Invalid("email", "This is not an e-mail address.")
    if phone and dialled(phone) is None:
        raise Invalid("phone", "Write the number with its country, such as +855 12 345 678.")
    address, number = email.strip().lower(), dialled(phone) if phone else None
    who = select(User.id).where(col(User.deleted_at).is_(None), col(User.id).in_(select(UserRole.user_id)))
    invited = select(Invitation.id).where(
        col(Invitation.accepted_at).is_(None), col(Invitation.revoked_at).is_(None), col(Invitation.expires_at) > now()
    )
    for statement, table in ((who, User), (invited, Invitation)):
        is_theirs = or_(
            *([func.lower(table.email) == address] if address else []), *([col(table.phone) == number] if number else []), false()
        )
        if (await tx.exec(statement.where(is_theirs))).first():
            return True
    return False


async def names_of(tx: Transaction, user_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Who they are, as far as they belong here."""
    return dict((await tx.exec(select(User.id, User.name).where(col(User.id).in_(user_ids)))).all()) if user_ids else {}


def _within(tx: Transaction, scope: UUID | None) -> ColumnElement[bool]:
    scopes = tx.actor.scopes(VIEW)
    return true() if scopes is None else col(scope).in_(scopes)


def _in_charge(tx: Transaction, permission: str, scope_id: UUID | None) -> None:
    """The right, there; who has it for one farm only does not have it for all."""
    tx.actor.require(permission, scope_id)
    if scope_id is None and tx.actor.scopes(permission) is not None:
        raise Forbidden("You may do this for your own places only; choose one.")


async def _may_give(tx: Transaction, role: Role, scope_id: UUID | None) -> None:
    if role not in await may_give(tx, scope_id):
        raise Forbidden("You may not give the role {role}.", role=role.value)


async def _may_take(tx: Transaction, held: Sequence[UserRole], scope_id: UUID | None) -> None:
    """Whoever one may not make, one may not unmake."""
    given = await may_give(tx, scope_id)
    for one in held:
        may = one.role in given or (scope_id is None and one.scope_id is not None) or (one.role is Role.OWNER and await _is_owner(tx))
        if not may:
            raise Forbidden("You may not take the role {role} away.", role=one.role.value)


async def _is_owner(tx: Transaction) -> bool:
    mine = select(UserRole.id).where(UserRole.user_id == tx.actor.user_id, UserRole.role == Role.OWNER, col(UserRole.scope_id).is_(None))
    return (await tx.exec(mine)).first() is not None


async def _owner_stays(tx: Transaction, leaving: Sequence[UserRole]) -> None:
    """The organization keeps somebody who may do everything. Two who leave at the same moment come one after the other."""
    if not leaving:
        return
    owners = select(UserRole).join(User, col(User.id) == UserRole.user_id).where(
        UserRole.role == Role.OWNER, col(UserRole.scope_id).is_(None), col(User.deleted_at).is_(None), col(User.is_active)
    )
    rows = (await tx.exec(owners.order_by(col(UserRole.id)).with_for_update(of=UserRole))).all()
    if not {one.id for one in rows} - {one.id for one in leaving}:
        raise Conflict("The last owner cannot go. Make somebody else an owner first.")


async def _held(tx: Transaction, user_id: UUID) -> Sequence[UserRole]:
    held = (await tx.exec(select(UserRole).where(UserRole.user_id == user_id).order_by(col(UserRole.id)))).all()
    if not held:
        raise NotFound("This person does not belong here.")
    return held


async def _invitation(tx: Transaction, invitation_id: UUID) -> Invitation:
    statement = select(Invitation).where(Invitation.id == invitation_id).with_for_update()
    found = (await tx.exec(statement)).one_or_none()
    if found is None or not tx.actor.may(VIEW, found.scope_id):
        raise NotFound("There is no such invitation.")
    _in_charge(tx, INVITE, found.scope_id)
    if found.accepted_at or found.revoked_at:
        raise Conflict("This invitation has been used or taken back.")
    return found
