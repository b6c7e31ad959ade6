"""A program comes for a person: an app or a script, with a token that lasts a day and another that fetches the next two."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from data.core.actor import Actor
from data.core.errors import Unauthenticated
from data.core.session import Transaction, across_tenants
from data.core.time import now
from data.identity.door import SESSION_LIFE, Browser, actor_in, note_seen
from data.identity.events import SessionEnded
from data.identity.permissions import rights
from data.identity.secrets import new_token, token_hash
from data.identity.tables import AuthSession, Role, User, UserRole

ACCESS_LIFE = timedelta(hours=24)
OVER = "Sign in again."


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a program keeps: `access` goes with each request, `refresh` fetches the next pair, once."""

    access: str
    refresh: str
    expires_in_s: int = int(ACCESS_LIFE.total_seconds())

    def as_told(self) -> dict[str, str | int]:
        """As a program is told of them."""
        return {"access_token": self.access, "refresh_token": self.refresh, "token_type": "Bearer", "expires_in": self.expires_in_s}


async def open_for(token: str, *, device_name: str | None = None) -> Tokens:
    """Make the session that was just opened a program's: its token opens no page any more. Unauthenticated for one that is over."""
    async with across_tenants("a program's session") as tx:
        session = await _living(tx, AuthSession.token_hash == token_hash(token), col(AuthSession.access_hash).is_(None))
        if session is None or session.is_second_factor_due:
            raise Unauthenticated(OVER)
        session.device_name = device_name or session.device_name
        return _renewed(tx, session)


async def renew(refresh: str) -> Tokens:
    """The next pair. Unauthenticated when it is over; what was used before ends the session, for somebody has a copy."""
    hashed = token_hash(refresh)
    async with across_tenants("a program's session") as tx:
        session = await _living(tx, AuthSession.token_hash == hashed, col(AuthSession.access_hash).is_not(None))
        if session is not None:
            session.spent_hash = hashed
            return _renewed(tx, session)
        stolen = await _living(tx, AuthSession.spent_hash == hashed)
        if stolen is not None:
            stolen.revoked_at = now()
            tx.add(stolen)
            tx.emit(SessionEnded(session_id=stolen.id))
    raise Unauthenticated(OVER)


async def who(access: str, browser: Browser, *, organization_id: UUID | None = None) -> Actor:
    """The person whose program shows this, for the organization that they name or were in last.

    Unauthenticated when it is unknown or over, NotFound where they do not belong to that organization.
    """
    async with across_tenants("a program's session") as tx:
        statement = (
            select(AuthSession, User)
            .join(User, col(User.id) == AuthSession.user_id)
            .where(
                AuthSession.access_hash == token_hash(access), col(AuthSession.access_until_at) > now(),
                col(AuthSession.revoked_at).is_(None), col(User.deleted_at).is_(None), col(User.is_active),
            )
        )  # fmt: skip
        found = (await tx.exec(statement)).one_or_none()
        if found is None:
            raise Unauthenticated(OVER)
        session, user = found
        await note_seen(tx, session)
        return await actor_in(tx, session, user, browser, organization_id)


async def are_unchanged(actors: Sequence[Actor]) -> list[bool]:
    """Of each, in order: whether their session lives, and they may still do exactly what they might when they came."""
    if not actors:
        return []
    async with across_tenants("a program's session") as tx:
        living = (
            select(AuthSession.id)
            .join(User, col(User.id) == AuthSession.user_id)
            .where(
                col(AuthSession.id).in_({actor.session_id for actor in actors}), col(AuthSession.revoked_at).is_(None), AuthSession.expires_at > now(),
                col(User.deleted_at).is_(None), col(User.is_active),
            )
        )  # fmt: skip
        alive = set(await tx.exec(living))
        held: dict[tuple[UUID, UUID], list[tuple[Role, UUID | None]]] = defaultdict(list)
        roles = select(UserRole).where(col(UserRole.user_id).in_({actor.user_id for actor in actors}))
        for one in await tx.exec(roles):
            held[one.user_id, one.organization_id].append((Role(one.role), one.scope_id))
    return [
        actor.session_id in alive and actor.visit_id is None and actor.user_id is not None and actor.organization_id is not None
        and rights(held[actor.user_id, actor.organization_id]) == actor.rights
        for actor in actors
    ]  # fmt: skip


async def _living(tx: Transaction, *conditions: object) -> AuthSession | None:
    living = (col(AuthSession.revoked_at).is_(None), col(AuthSession.expires_at) > now())
    statement = select(AuthSession).join(User, col(User.id) == AuthSession.user_id).where(
        *living, *conditions, col(User.deleted_at).is_(None), col(User.is_active)  # type: ignore[arg-type]
    )  # fmt: skip
    return (await tx.execute(statement.with_for_update(of=AuthSession))).scalars().one_or_none()


def _renewed(tx: Transaction, session: AuthSession) -> Tokens:
    fresh = Tokens(new_token(), new_token())
    session.access_hash, session.token_hash = token_hash(fresh.access), token_hash(fresh.refresh)
    session.access_until_at, session.expires_at = now() + ACCESS_LIFE, now() + SESSION_LIFE
    tx.add(session)
    return fresh
