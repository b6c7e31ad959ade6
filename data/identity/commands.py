"""People are invited, given roles and let go; organizations and their machines' tokens are made."""

from datetime import timedelta
from uuid import UUID

import anyio.to_thread
from sqlalchemy import func
from sqlmodel import col, select

from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from data.core.session import Transaction, across_tenants
from data.core.time import now
from data.core.time import zone as known_zone
from data.identity import queries
from data.identity.door import Browser, end_all_sessions, forget_tokens, open_session
from data.identity.events import PeopleChanged, TokensChanged
from data.identity.permissions import GRANTABLE
from data.identity.secrets import hash_password, new_token, token_hash
from data.identity.tables import ApiToken, Invitation, Organization, PasswordReset, Role, TokenKind, User, UserRole

INVITATION_LIFE = timedelta(days=7)
RESET_LIFE = timedelta(minutes=30)
LANGUAGES = ("en", "km")
UNITS = ("celsius", "fahrenheit")
THEMES = ("system", "light", "dark")


async def create_organization(
    tx: Transaction, *, name: str, slug: str, time_zone: str = "UTC", is_demonstration: bool = False
) -> Organization:
    """A new business. Needs a transaction across tenants: nobody is behind its wall yet."""
    known_zone(time_zone)
    organization = Organization(name=name, slug=slug, time_zone=time_zone, is_demonstration=is_demonstration)
    tx.add(organization)
    await tx.flush()
    return organization


async def create_user(
    tx: Transaction, *, name: str, email: str | None = None, phone: str | None = None, password: str | None = None,
    language: str = "en", time_zone: str = "UTC", units: str = "celsius", is_platform_admin: bool = False,
) -> User:  # fmt: skip
    """A new person, not yet anywhere. Conflict when the address is taken. Needs a transaction across tenants."""
    if not (email or phone):
        raise Invalid("email", "An e-mail address or a phone number is needed.")
    if email and (await tx.exec(select(User.id).where(func.lower(User.email) == email.lower(), col(User.deleted_at).is_(None)))).first():
        raise Conflict("Somebody with the address {email} is already here.", email=email)
    hashed = await anyio.to_thread.run_sync(hash_password, password) if password else None
    user = User(
        name=name, email=email, phone=phone, password_hash=hashed, language=language, time_zone=time_zone, units=units,
        is_platform_admin=is_platform_admin,
    )  # fmt: skip
    tx.add(user)
    await tx.flush()
    return user


async def give_role(
    tx: Transaction, user_id: UUID, *, role: Role, organization_id: UUID | None = None, scope_id: UUID | None = None
) -> None:
    """Let somebody be that, everywhere or for one thing. Giving it twice changes nothing."""
    organization = organization_id or tx.organization_id
    exists = await tx.exec(
        select(UserRole.id).where(
            UserRole.organization_id == organization, UserRole.user_id == user_id, UserRole.role == role,
            UserRole.scope_id == scope_id if scope_id else col(UserRole.scope_id).is_(None),
        )
    )  # fmt: skip
    if not exists.first():
        tx.add(UserRole(organization_id=organization, user_id=user_id, role=role, scope_id=scope_id, invited_by=tx.actor.user_id))
        tx.emit(PeopleChanged(user_id=user_id), organization_id=organization)


async def invite(tx: Transaction, *, role: Role, email: str | None = None, scope_id: UUID | None = None) -> str:
    """The token of a link by which one person may join within a week. Forbidden for roles one may not give."""
    tx.actor.require("people.invite")
    assert tx.actor.user_id
    held = await queries.roles_of(tx, tx.actor.user_id)
    if not any(role in GRANTABLE.get(r, ()) for r in held):
        raise Forbidden("You may not give the role {role}.", role=role.value)
    token = new_token()
    tx.add(
        Invitation(
            token_hash=token_hash(token), email=email, role=role, scope_id=scope_id, invited_by=tx.actor.user_id,
            expires_at=now() + INVITATION_LIFE,
        )
    )  # fmt: skip
    return token


async def accept_invitation(
    token: str, browser: Browser, *, name: str, email: str, password: str, language: str = "en"
) -> str:
    """Join: a new person (or one who signs in with their password) gets the role; the new session's token.

    NotFound when the link is unknown, used or older than a week.
    """
    async with across_tenants("accept invitation") as tx:
        invitation = (
            await tx.exec(
                select(Invitation)
                .where(
                    Invitation.token_hash == token_hash(token),
                    col(Invitation.accepted_at).is_(None),
                    Invitation.expires_at > now(),
                )
                .with_for_update()
            )
        ).one_or_none()
        if invitation is None:
            raise NotFound("This invitation has been used or is too old. Ask for a new one.")
        if invitation.email and invitation.email.lower() != email.strip().lower():
            raise Invalid("email", "This invitation is for another address.")
        organization = await tx.get_one(Organization, invitation.organization_id)
        user = await create_user(
            tx, name=name, email=email.strip(), password=password, language=language, time_zone=organization.time_zone
        )
        await give_role(
            tx, user.id, role=invitation.role, organization_id=invitation.organization_id, scope_id=invitation.scope_id
        )
        invitation.accepted_at, invitation.accepted_by = now(), user.id
        tx.add(invitation)
        return await open_session(tx, user.id, browser)


async def ask_for_reset(email: str) -> tuple[User, str] | None:
    """The person and the token of a link for a new password, or None: the asker is told the same either way."""
    async with across_tenants("password reset") as tx:
        user = (await tx.exec(select(User).where(func.lower(User.email) == email.strip().lower(), col(User.deleted_at).is_(None)))).first()
        if user is None:
            return None
        token = new_token()
        tx.add(PasswordReset(user_id=user.id, token_hash=token_hash(token), expires_at=now() + RESET_LIFE))
        return user, token


async def reset_password(token: str, password: str) -> None:
    """Choose a new password by link; every session of that person ends. Unauthenticated when the link is spent."""
    hashed = await anyio.to_thread.run_sync(hash_password, password)
    async with across_tenants("password reset") as tx:
        reset = (
            await tx.exec(
                select(PasswordReset)
                .where(
                    PasswordReset.token_hash == token_hash(token),
                    col(PasswordReset.used_at).is_(None),
                    PasswordReset.expires_at > now(),
                )
                .with_for_update()
            )
        ).one_or_none()
        if reset is None:
            raise Unauthenticated("This link has been used or is too old. Ask for a new one.")
        user = await tx.get_one(User, reset.user_id)
        user.password_hash, user.failed_sign_ins, user.locked_until_at = hashed, 0, None
        reset.used_at = now()
        tx.add_all((user, reset))
        await end_all_sessions(tx, user.id)


async def set_preferences(
    tx: Transaction, *, language: str | None = None, theme: str | None = None, units: str | None = None,
    time_zone: str | None = None,
) -> None:  # fmt: skip
    """How one wants to see things oneself."""
    user = await tx.get_one(User, tx.actor.user_id)
    for field, value, allowed in (("language", language, LANGUAGES), ("theme", theme, THEMES), ("units", units, UNITS)):
        if value is not None:
            if value not in allowed:
                raise Invalid(field, "Choose one of {choices}.", choices=", ".join(allowed))
            setattr(user, field, value)
    if time_zone is not None:
        user.time_zone = known_zone(time_zone).key
    tx.add(user)


async def make_token(
    tx: Transaction, *, name: str, kind: TokenKind, network: str | None = None, subject_id: UUID | None = None,
    life: timedelta | None = None, needs: str = "tokens.edit",
) -> tuple[ApiToken, str]:  # fmt: skip
    """A machine's new token and its secret, told this once. A domain's device names the right that registers it."""
    tx.actor.require(needs)
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    secret = new_token()
    token = ApiToken(
        name=name.strip(), kind=kind, network=network, subject_id=subject_id, token_hash=token_hash(secret),
        last_four=secret[-4:], created_by=tx.actor.user_id, expires_at=now() + life if life else None,
    )  # fmt: skip
    tx.add(token)
    await tx.flush()
    tx.emit(TokensChanged(token_id=token.id))
    return token, secret


async def rotate_token(tx: Transaction, token_id: UUID) -> str:
    """A new secret for the same machine; the old one stops working at once."""
    tx.actor.require("tokens.edit")
    token = await queries.token(tx, token_id)
    if token.revoked_at:
        raise Conflict("This token has been revoked.")
    secret = new_token()
    token.token_hash, token.last_four = token_hash(secret), secret[-4:]
    _changed(tx, token)
    return secret


async def revoke_token(tx: Transaction, token_id: UUID) -> None:
    """The machine may not come in any more."""
    tx.actor.require("tokens.edit")
    token = await queries.token(tx, token_id)
    token.revoked_at = token.revoked_at or now()
    _changed(tx, token)


async def revoke_tokens_of(tx: Transaction, subject_id: UUID) -> None:
    """One device may not come in any more. Its domain's command has asked for the right."""
    for token in await queries.tokens_of(tx, [subject_id]):
        token.revoked_at = token.revoked_at or now()
        _changed(tx, token)


def _changed(tx: Transaction, token: ApiToken) -> None:
    """The door looks it up anew: here from now on, in other processes when they hear of it."""
    tx.add(token)
    tx.emit(TokensChanged(token_id=token.id))
    forget_tokens()
