"""Who belongs here, and which machines may come in."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.identity.tables import ApiToken, Invitation, Organization, Role, User, UserRole


async def organization(tx: Transaction) -> Organization:
    """The organization of this transaction."""
    return await tx.get_one(Organization, tx.organization_id)


async def me(tx: Transaction) -> User:
    """The person who acts."""
    return await tx.get_one(User, tx.actor.user_id)


async def roles_of(tx: Transaction, user_id: UUID) -> Sequence[Role]:
    """What somebody is in this organization."""
    return [Role(role) for role in await tx.exec(select(UserRole.role).where(UserRole.user_id == user_id))]


async def people(tx: Transaction) -> Sequence[tuple[User, UserRole]]:
    """Everybody here with each of their roles, by name."""
    tx.actor.require("people.view")
    statement = select(User, UserRole).join(UserRole, col(UserRole.user_id) == User.id).where(col(User.deleted_at).is_(None))
    return (await tx.exec(statement.order_by(User.name))).all()


async def users_who_may(tx: Transaction, roles: frozenset[Role], scope_id: UUID | None) -> Sequence[UUID]:
    """The people whose roles are among these, everywhere or for that thing."""
    statement = select(UserRole.user_id).where(
        col(UserRole.role).in_(roles), (col(UserRole.scope_id).is_(None)) | (col(UserRole.scope_id) == scope_id)
    )
    return (await tx.exec(statement.distinct())).all()


async def open_invitations(tx: Transaction) -> Sequence[Invitation]:
    """Invitations nobody has used yet, the latest first."""
    tx.actor.require("people.view")
    statement = select(Invitation).where(col(Invitation.accepted_at).is_(None))
    return (await tx.exec(statement.order_by(col(Invitation.created_at).desc()))).all()


async def tokens(tx: Transaction) -> Sequence[ApiToken]:
    """Every machine's token, the living first, by name."""
    tx.actor.require("tokens.edit")
    statement = select(ApiToken).order_by(col(ApiToken.revoked_at).is_not(None), col(ApiToken.name))
    return (await tx.exec(statement)).all()


async def token(tx: Transaction, token_id: UUID) -> ApiToken:
    found = await tx.get(ApiToken, token_id)
    if found is None:
        raise NotFound("There is no such token.")
    return found


async def tokens_of(tx: Transaction, subject_ids: Sequence[UUID]) -> Sequence[ApiToken]:
    """The living tokens of these devices, the newest first. Their domain's query has asked for the right."""
    statement = select(ApiToken).where(col(ApiToken.subject_id).in_(subject_ids), col(ApiToken.revoked_at).is_(None))
    return (await tx.exec(statement.order_by(col(ApiToken.created_at).desc()))).all()
