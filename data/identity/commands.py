"""People are invited, given roles and let go; organizations and their machines' tokens are made."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import anyio.to_thread
from sqlalchemy import func, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from data.core.actor import Actor
from data.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from data.core.session import Transaction, across_tenants
from data.core.time import now
from data.core.time import zone as known_zone
from data.identity import queries
from data.identity.door import (
    Browser,
    end_all_sessions,
    end_other_sessions,
    forget_tokens,
    is_known,
    named,
    open_session,
    sign_in,
)
from data.identity.events import PeopleChanged, TokensChanged
from data.identity.phones import dialled
from data.identity.proof import prove
from data.identity.secrets import hash_password, new_token, token_hash
from data.identity.tables import (
    ApiToken,
    AuthSession,
    Invitation,
    Organization,
    PasswordReset,
    Role,
    TokenKind,
    User,
    UserRole,
)

RESET_LIFE = timedelta(minutes=30)
MOST_RESETS_AN_HOUR = 5
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
    if phone and (await tx.exec(select(User.id).where(User.phone == phone, col(User.deleted_at).is_(None)))).first():
        raise Conflict("Somebody with the number {phone} is already here.", phone=phone)
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
    tx: Transaction, user_id: UUID, *, role: Role, organization_id: UUID | None = None, scope_id: UUID | None = None,
    invited_by: UUID | None = None,
) -> None:  # fmt: skip
    """Let somebody be that, everywhere or for one thing. Giving it twice changes nothing."""
    organization = organization_id or tx.organization_id
    exists = await tx.exec(
        select(UserRole.id).where(
            UserRole.organization_id == organization, UserRole.user_id == user_id, UserRole.role == role,
            UserRole.scope_id == scope_id if scope_id else col(UserRole.scope_id).is_(None),
        )
    )  # fmt: skip
    if not exists.first():
        tx.add(
            UserRole(
                organization_id=organization, user_id=user_id, role=role, scope_id=scope_id, invited_by=invited_by or tx.actor.user_id
            )
        )
        tx.emit(PeopleChanged(user_id=user_id), organization_id=organization)


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation offers to whoever holds its link."""

    organization_name: str
    role: Role
    name: str | None
    email: str | None
    phone: str | None
    language: str


async def offered(token: str) -> Offer | None:
    """What a link offers; None where it is unknown, used, taken back or older than a week, which all look the same."""
    async with across_tenants("invitation") as tx:
        invitation = (await tx.exec(_open_invitation(token))).one_or_none()
        if invitation is None:
            return None
        organization = await tx.get_one(Organization, invitation.organization_id)
        return Offer(
            organization.name, invitation.role, invitation.name, invitation.email, invitation.phone, invitation.language
        )


async def accept_invitation(
    token: str, browser: Browser, *, name: str, email: str, password: str, language: str = "en"
) -> str:
    """Join by an e-mail address or a phone number (`email` holds either): as somebody new, or with the password of the account that
    has it. The new session's token. NotFound when the link opens nothing any more."""
    address = email.strip()
    number = None if "@" in address else dialled(address)
    if "@" not in address and number is None:
        raise Invalid("email", "Write an e-mail address, or a phone number with its country.")
    async with across_tenants("accept invitation") as tx:
        _is_meant(await _offered(tx, token), None if number else address, number)
    if await is_known(address):
        session = await sign_in(address, password, browser)
        async with across_tenants("accept invitation") as tx:
            held = (await tx.exec(select(AuthSession).where(AuthSession.token_hash == token_hash(session)).with_for_update())).one()
            held.organization_id = await _join(tx, await _offered(tx, token), held.user_id)
            tx.add(held)
        return session
    if not name.strip():
        raise Invalid("name", "Say what you are called.")
    async with across_tenants("accept invitation") as tx:
        invitation = await _offered(tx, token)
        organization = await tx.get_one(Organization, invitation.organization_id)
        user = await create_user(
            tx, name=name.strip(), email=None if number else address, phone=number, password=password, language=language,
            time_zone=organization.time_zone,
        )  # fmt: skip
        await _join(tx, invitation, user.id)
        return await open_session(tx, user.id, browser)


async def join(token: str, actor: Actor) -> UUID:
    """Join as the person who is signed in; the organization, which they look at from now on. NotFound as above; Invalid('email') when
    the invitation is for another address."""
    assert actor.user_id
    async with across_tenants("accept invitation") as tx:
        invitation = await _offered(tx, token)
        user = await tx.get_one(User, actor.user_id)
        _is_meant(invitation, user.email, user.phone)
        organization_id = await _join(tx, invitation, user.id)
        mine = update(AuthSession).where(col(AuthSession.id) == actor.session_id)
        await tx.execute(mine.values(organization_id=organization_id))
        return organization_id


def _open_invitation(token: str) -> SelectOfScalar[Invitation]:
    return select(Invitation).where(
        Invitation.token_hash == token_hash(token), col(Invitation.accepted_at).is_(None), col(Invitation.revoked_at).is_(None),
        Invitation.expires_at > now(),
    )  # fmt: skip


async def _offered(tx: Transaction, token: str) -> Invitation:
    found = (await tx.exec(_open_invitation(token).with_for_update())).one_or_none()
    if found is None:
        raise NotFound("This invitation has been used or is too old. Ask for a new one.")
    return found


def _is_meant(invitation: Invitation, email: str | None, phone: str | None) -> None:
    """Where an invitation names addresses, one of them must be theirs."""
    named = {one for one in ((invitation.email or "").lower(), invitation.phone) if one}
    if named and not named & {(email or "").lower(), phone}:
        raise Invalid("email", "This invitation is for another address.")


async def _join(tx: Transaction, invitation: Invitation, user_id: UUID) -> UUID:
    await give_role(
        tx, user_id, role=invitation.role, organization_id=invitation.organization_id, scope_id=invitation.scope_id,
        invited_by=invitation.invited_by,
    )  # fmt: skip
    invitation.accepted_at, invitation.accepted_by = now(), user_id
    tx.add(invitation)
    return invitation.organization_id


@dataclass(frozen=True, slots=True)
class Reset:
    """A new password may be chosen by this link; by phone where there is no mail, in the name of an organization of theirs."""

    user: User
    token: str
    organization_id: UUID | None


async def ask_for_reset(email_or_phone: str) -> Reset | None:
    """The person and the token of a link for a new password, or None: the asker is told the same either way. Five in an hour."""
    async with across_tenants("password reset") as tx:
        user = await named(tx, email_or_phone.strip())
        if user is None or not user.is_active:
            return None
        lately = select(func.count()).select_from(PasswordReset).where(
            PasswordReset.user_id == user.id, PasswordReset.created_at > now() - timedelta(hours=1)
        )
        if (await tx.exec(lately)).one() >= MOST_RESETS_AN_HOUR:
            return None
        home = select(UserRole.organization_id).where(UserRole.user_id == user.id).order_by(col(UserRole.created_at)).limit(1)
        token = new_token()
        tx.add(PasswordReset(user_id=user.id, token_hash=token_hash(token), expires_at=now() + RESET_LIFE))
        return Reset(user, token, (await tx.exec(home)).first())


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


async def change_password(actor: Actor, present: str, fresh: str) -> None:
    """Choose a new password, knowing the one there is; every other browser and program is signed out. Wrong ones count as at the door."""
    assert actor.user_id
    await prove(actor, present=present)
    hashed = await anyio.to_thread.run_sync(partial(hash_password, fresh, field="fresh"))
    async with across_tenants("change password") as tx:
        user = await tx.get_one(User, actor.user_id, with_for_update=True)
        user.password_hash, user.failed_sign_ins = hashed, 0
        tx.add(user)
    await end_other_sessions(actor.user_id, actor.session_id)


async def rename(tx: Transaction, name: str) -> None:
    """What one is called oneself."""
    if not name.strip() or len(name) > 200:
        raise Invalid("name", "Say what you are called.")
    user = await tx.get_one(User, tx.actor.user_id)
    user.name, user.updated_at = name.strip(), now()
    tx.add(user)
    tx.emit(PeopleChanged())


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
