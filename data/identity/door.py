"""Who is knocking: the few questions that must be asked before it is known behind which wall somebody lives."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

import anyio.to_thread
from sqlalchemy import func, or_, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from data.core.actor import Actor, ActorKind
from data.core.bus import bus
from data.core.errors import Forbidden, NotFound, Refusal, Unauthenticated
from data.core.session import Transaction, across_tenants
from data.core.time import now
from data.identity.events import SessionEnded
from data.identity.permissions import rights
from data.identity.phones import dialled
from data.identity.secrets import is_password, new_token, token_hash
from data.identity.tables import (
    ApiToken,
    AuthSession,
    Organization,
    Role,
    SupportVisit,
    TokenKind,
    User,
    UserRole,
)

SESSION_LIFE = timedelta(days=30)
FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)
IDLE = timedelta(hours=1)
"""A session that does not stay ends when nobody touches it for so long."""
CODE_WITHIN = timedelta(minutes=10)
"""How long a right password waits for the code of the second factor."""
LOOKING_IN = (Role.VIEWER, Role.INSPECTOR)
"""What somebody who runs the installation may do in an organization that is not theirs: look, and take away."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What is known of the browser that asks."""

    ip_address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that showed a valid token."""

    token_id: UUID
    organization_id: UUID
    kind: TokenKind
    name: str
    network: str | None
    subject_id: UUID | None


async def sign_in(email_or_phone: str, password: str, browser: Browser, *, stays: bool = True) -> str:
    """A new session's token for the right password. Unauthenticated otherwise, Forbidden while locked.

    Five failures in a row lock the account for 15 minutes; nobody learns whether an address exists. Unless it `stays`, the session
    ends when nobody touches it for an hour: on a computer that others use too.
    """
    name = email_or_phone.strip()
    async with across_tenants("sign-in") as tx:
        user = await named(tx, name)
        if user and user.locked_until_at and user.locked_until_at > now():
            raise Forbidden("Too many wrong passwords. Try again in {minutes} minutes.", minutes=minutes_left(user))
    is_right = await anyio.to_thread.run_sync(is_password, password, user.password_hash if user else None)
    refusal: Refusal | None = None
    token = ""
    async with across_tenants("sign-in") as tx:
        if user is None or not is_right or not user.is_active:
            if user:
                await count_failure(tx, user.id)
            refusal = Unauthenticated("The name or the password is not right.")
        else:
            token = await open_session(tx, user.id, browser, asks_code=True, idle_after=None if stays else IDLE)
    if refusal:
        raise refusal
    return token


async def named(tx: Transaction, name: str) -> User | None:
    """Who has this e-mail address or phone number, across tenants."""
    number = dialled(name)
    is_it = or_(func.lower(User.email) == name.lower(), col(User.phone).in_([name, *([number] if number else [])]))
    return (await tx.exec(select(User).where(col(User.deleted_at).is_(None), is_it))).first()


async def is_known(email_or_phone: str) -> bool:
    """Whether somebody has this address. For those alone who hold an invitation: they learn whether a password is to be chosen."""
    async with across_tenants("invitation") as tx:
        return await named(tx, email_or_phone.strip()) is not None


def minutes_left(user: User) -> int:
    """How long a locked account stays so."""
    assert user.locked_until_at
    return max(1, -int(-(user.locked_until_at - now()).total_seconds() // 60))


async def count_failure(tx: Transaction, user_id: UUID) -> None:
    """One more wrong password or code; the fifth locks the account for a quarter of an hour."""
    user = await tx.get_one(User, user_id, with_for_update=True)
    user.failed_sign_ins += 1
    if user.failed_sign_ins >= FAILURES_ALLOWED:
        user.failed_sign_ins, user.locked_until_at = 0, now() + LOCKED_FOR
        tx.record("identity.sign_in.locked", "Sign-in locked", subject_id=user.id, severity="warning")
    tx.add(user)


async def sign_in_by_provider(issuer: str, subject: str, verified_email: str | None, browser: Browser) -> str:
    """A new session's token for somebody whom a provider vouches for; Unauthenticated when nobody here is meant.

    The first time the e-mail address that the provider verified finds the person; from then on the subject does.
    """
    async with across_tenants("sign-in by provider") as tx:
        found = select(User).where(col(User.deleted_at).is_(None), col(User.is_active))
        user = (await tx.exec(found.where(User.oidc_issuer == issuer, User.oidc_subject == subject))).one_or_none()
        if user is None and verified_email:
            user = (
                await tx.exec(
                    found.where(func.lower(User.email) == verified_email.lower(), col(User.oidc_subject).is_(None))
                )
            ).one_or_none()
            if user:
                user.oidc_issuer, user.oidc_subject = issuer, subject
                tx.add(user)
        if user is None:
            raise Unauthenticated("Nobody here belongs to that account. Ask for an invitation.")
        return await open_session(tx, user.id, browser)


async def open_session(
    tx: Transaction, user_id: UUID, browser: Browser, *, asks_code: bool = False, idle_after: timedelta | None = None
) -> str:
    """A new session of that person; its token is told this once. With `asks_code` it opens nothing before the code of their second
    factor was shown, where they have one. With `idle_after` it ends when nobody touches it for so long."""
    user = await tx.get_one(User, user_id)
    is_due = asks_code and user.is_mfa_enabled
    if not is_due:
        user.failed_sign_ins, user.locked_until_at, user.last_login_at = 0, None, now()
    token = new_token()
    home = (
        await tx.exec(
            select(UserRole.organization_id)
            .join(Organization, col(Organization.id) == UserRole.organization_id)
            .where(UserRole.user_id == user_id, col(Organization.deleted_at).is_(None))
            .order_by(Organization.name)
        )
    ).first()
    tx.add(user)
    tx.add(
        AuthSession(
            user_id=user_id, organization_id=home, token_hash=token_hash(token),
            expires_at=now() + (CODE_WITHIN if is_due else SESSION_LIFE), is_second_factor_due=is_due,
            idle_after_s=round(idle_after.total_seconds()) if idle_after else None,
            ip_address=browser.ip_address, user_agent=browser.user_agent, device_name=_device(browser.user_agent),
        )
    )  # fmt: skip
    return token


def _device(user_agent: str | None) -> str:
    text = user_agent or ""
    system = next((s for s in ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux") if s in text), "")
    browser = next((b for b in ("Edg", "Firefox", "Chrome", "Safari") if b in text), "")
    return " · ".join(part for part in (browser.replace("Edg", "Edge"), system) if part) or "unknown"


async def who(token: str, browser: Browser) -> Actor | None:
    """The person whose browser shows this token, or None when it is unknown, expired, revoked or the person is gone."""
    async with across_tenants("session") as tx:
        found = (
            await tx.exec(
                select(AuthSession, User)
                .join(User, col(User.id) == AuthSession.user_id)
                .where(
                    AuthSession.token_hash == token_hash(token),
                    col(AuthSession.access_hash).is_(None),
                    col(AuthSession.is_second_factor_due).is_(False),
                    col(AuthSession.revoked_at).is_(None),
                    AuthSession.expires_at > now(),
                    col(User.deleted_at).is_(None),
                    col(User.is_active),
                )
            )
        ).one_or_none()
        if found is None:
            return None
        session, user = found
        if session.idle_after_s and session.last_seen_at < now() - timedelta(seconds=session.idle_after_s):
            session.revoked_at = now()
            tx.add(session)
            tx.emit(SessionEnded(session_id=session.id))
            return None
        await note_seen(tx, session)
        return await actor_in(tx, session, user, browser)


async def note_seen(tx: Transaction, session: AuthSession) -> None:
    """Remember, to the minute, that the session was used."""
    if session.last_seen_at < now() - timedelta(minutes=1):
        await tx.execute(update(AuthSession).where(col(AuthSession.id) == session.id).values(last_seen_at=now()))


async def actor_in(
    tx: Transaction, session: AuthSession, user: User, browser: Browser, organization_id: UUID | None = None
) -> Actor:
    """Who acts in this session, for the organization that it looks at, or for `organization_id`. NotFound where they do not belong."""
    if session.visit_id and user.is_platform_admin:
        visit = await tx.get_one(SupportVisit, session.visit_id)
        if visit.ended_at is None and visit.ends_at > now():
            return _person(session, user, browser, visit.organization_id, [(role, None) for role in LOOKING_IN], visit.id)
    roles = (
        await tx.exec(
            select(UserRole.organization_id, UserRole.role, UserRole.scope_id)
            .join(Organization, col(Organization.id) == UserRole.organization_id)
            .where(UserRole.user_id == user.id, col(Organization.deleted_at).is_(None))
            .order_by(Organization.name)
        )
    ).all()
    if not any(whose == session.organization_id for whose, _, _ in roles):  # they were let go: on to where they still belong
        session.organization_id = roles[0][0] if roles else None
        tx.add(session)
    chosen = organization_id or session.organization_id
    here = [(Role(role), scope) for whose, role, scope in roles if whose == chosen]
    if organization_id and not here:
        raise NotFound("There is no such organization.")
    return _person(session, user, browser, chosen, here)


def _person(
    session: AuthSession, user: User, browser: Browser, organization_id: UUID | None, roles: Iterable[tuple[Role, UUID | None]],
    visit_id: UUID | None = None,
) -> Actor:  # fmt: skip
    return Actor(
        ActorKind.PERSON, organization_id, user.name, user_id=user.id, rights=rights(roles),
        session_id=session.id, ip_address=browser.ip_address, user_agent=browser.user_agent, language=user.language,
        time_zone=user.time_zone, units=user.units, is_platform_admin=user.is_platform_admin, visit_id=visit_id,
        idle_after_s=session.idle_after_s,
    )  # fmt: skip


async def choose_organization(actor: Actor, organization_id: UUID) -> None:
    """Look at another of one's organizations from now on, in this browser. Forbidden when not a member."""
    async with across_tenants("switch organization") as tx:
        member = (
            await tx.exec(
                select(UserRole.id).where(UserRole.user_id == actor.user_id, UserRole.organization_id == organization_id)
            )
        ).first()
        if member is None:
            raise Forbidden("You do not belong to that organization.")
        await tx.execute(
            update(AuthSession).where(col(AuthSession.id) == actor.session_id).values(organization_id=organization_id)
        )


async def organizations_of(user_id: UUID) -> list[Organization]:
    """The organizations somebody belongs to, by name."""
    async with across_tenants("own organizations") as tx:
        members = select(UserRole.organization_id).where(UserRole.user_id == user_id)
        statement = select(Organization).where(col(Organization.id).in_(members), col(Organization.deleted_at).is_(None))
        return list(await tx.exec(statement.order_by(Organization.name)))


async def end_session(user_id: UUID, session_id: UUID) -> None:
    """Revoke one of somebody's own sessions; its open pages close everywhere."""
    async with across_tenants("end session") as tx:
        await _end(tx, select(AuthSession).where(AuthSession.id == session_id, AuthSession.user_id == user_id))


async def end_all_sessions(tx: Transaction, user_id: UUID) -> None:
    """Revoke all of somebody's sessions, as after a new password."""
    await _end(tx, select(AuthSession).where(AuthSession.user_id == user_id, col(AuthSession.revoked_at).is_(None)))


async def _end(tx: Transaction, statement: SelectOfScalar[AuthSession]) -> None:
    for session in await tx.exec(statement):
        session.revoked_at = session.revoked_at or now()
        tx.add(session)
        tx.emit(SessionEnded(session_id=session.id))


async def sessions_of(user_id: UUID) -> list[AuthSession]:
    """Somebody's living sessions, the latest first."""
    async with across_tenants("own sessions") as tx:
        return list(
            await tx.exec(
                select(AuthSession)
                .where(
                    AuthSession.user_id == user_id, col(AuthSession.revoked_at).is_(None), AuthSession.expires_at > now()
                )
                .order_by(col(AuthSession.last_seen_at).desc())
            )
        )


async def end_other_sessions(user_id: UUID, session_id: UUID | None) -> None:
    """Sign out everywhere but here."""
    async with across_tenants("end sessions") as tx:
        living = (AuthSession.user_id == user_id, col(AuthSession.revoked_at).is_(None), col(AuthSession.id).is_distinct_from(session_id))
        await _end(tx, select(AuthSession).where(*living))


async def living_sessions(session_ids: set[UUID]) -> set[UUID]:
    """Those of these sessions that are neither revoked nor over."""
    async with across_tenants("living sessions") as tx:
        statement = select(AuthSession.id).where(
            col(AuthSession.id).in_(session_ids), col(AuthSession.revoked_at).is_(None), AuthSession.expires_at > now()
        )
        return set(await tx.exec(statement))


REMEMBERED_FOR_S = 5.0
_remembered: dict[bytes, tuple[float, ApiToken]] = {}
"""Tokens that were looked up a moment ago: a sensor network shows the same one with every message. Any change of any token
empties this, in each process by way of the bus; while the bus is away nothing is remembered."""


def forget_tokens() -> None:
    """Look every token up anew from now on."""
    _remembered.clear()


bus.listen("TokensChanged", "*", lambda heard: forget_tokens())


async def machine(token: str, *kinds: TokenKind, network: str | None = None) -> Machine:
    """The machine that shows this token. Unauthenticated when it is unknown, of another kind, expired or revoked."""
    hashed = token_hash(token)
    looked_up_at, found = _remembered.get(hashed, (0.0, None))
    if found is None or monotonic() - looked_up_at > REMEMBERED_FOR_S or not bus.is_connected.is_set():
        found = await _looked_up(hashed)
    if found is None or not _opens(found, kinds, network, now()):
        raise Unauthenticated("The secret is missing or not right.")
    return Machine(found.id, found.organization_id, found.kind, found.name, found.network, found.subject_id)


async def _looked_up(hashed: bytes) -> ApiToken | None:
    async with across_tenants("machine token") as tx:
        found = (await tx.exec(select(ApiToken).where(ApiToken.token_hash == hashed))).one_or_none()
        if found is None:
            return None
        if found.last_used_at is None or found.last_used_at < now() - timedelta(minutes=1):
            await tx.execute(update(ApiToken).where(col(ApiToken.id) == found.id).values(last_used_at=now()))
    if len(_remembered) > 10_000:
        _remembered.clear()
    _remembered[hashed] = monotonic(), found
    return found


def _opens(token: ApiToken, kinds: tuple[TokenKind, ...], network: str | None, at: datetime) -> bool:
    return (
        token.kind in kinds
        and token.revoked_at is None
        and (token.expires_at is None or token.expires_at > at)
        and (network is None or token.network in (None, network))
    )
