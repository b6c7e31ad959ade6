"""Who runs the installation may look into an organization to help: briefly, for a reason, and so that its people can see it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, update
from sqlmodel import col, select

from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.session import Transaction, across_tenants
from data.core.time import now
from data.identity.events import SessionEnded
from data.identity.tables import AuthSession, Organization, SupportVisit

VISIT = timedelta(hours=1)
SHORTEST_REASON = 8


def require_platform_admin(actor: Actor) -> None:
    """Forbidden for everybody who does not run the installation."""
    if not actor.is_platform_admin:
        raise Forbidden("You do not have the right to do this.")


async def organizations(actor: Actor, *, search: str = "", limit: int = 50) -> Sequence[Organization]:
    """The organizations of this installation, by name."""
    require_platform_admin(actor)
    name = func.lower(Organization.name)
    async with across_tenants("support: organizations") as tx:
        statement = select(Organization).where(col(Organization.deleted_at).is_(None))
        if search:
            wanted = search.lower()
            statement = statement.where(or_(name.contains(wanted, autoescape=True), col(Organization.slug).contains(wanted, autoescape=True)))
        return (await tx.exec(statement.order_by(name).limit(limit))).all()


async def look_in(actor: Actor, organization_id: UUID, *, reason: str) -> None:
    """Look into an organization for an hour in this browser. It stands in the organization's own log."""
    require_platform_admin(actor)
    if len(reason.strip()) < SHORTEST_REASON:
        raise Invalid("reason", "Say in a few words why; the organization's owner reads it.")
    assert actor.user_id and actor.session_id
    async with across_tenants("support: look in") as tx:
        organization = await tx.get(Organization, organization_id)
        if organization is None or organization.deleted_at:
            raise NotFound("There is no such organization.")
        visit = SupportVisit(
            organization_id=organization_id, user_id=actor.user_id, user_name=actor.name, reason=reason.strip()[:500],
            ends_at=now() + VISIT,
        )  # fmt: skip
        tx.add(visit)
        await tx.flush()
        await _end(tx, AuthSession.id == actor.session_id)
        await tx.execute(update(AuthSession).where(col(AuthSession.id) == actor.session_id).values(visit_id=visit.id))
        tx.record(
            "identity.support.began", "support looked in", subject_id=visit.id, severity="warning", organization_id=organization_id,
            by=actor.name, reason=visit.reason,
        )  # fmt: skip
        tx.emit(SessionEnded(session_id=actor.session_id))


async def leave(actor: Actor) -> None:
    """End this browser's visit, if there is one."""
    if actor.session_id:
        async with across_tenants("support: leave") as tx:
            await _end(tx, AuthSession.id == actor.session_id)


async def end_expired() -> None:
    """End the visits whose hour is over, and close their pages."""
    async with across_tenants("support: end visits") as tx:
        over = select(SupportVisit.id).where(col(SupportVisit.ended_at).is_(None), SupportVisit.ends_at <= now())
        await _end(tx, col(AuthSession.visit_id).in_(over))


async def _end(tx: Transaction, which: Any) -> None:
    found = await tx.exec(select(AuthSession, SupportVisit).join(SupportVisit, col(SupportVisit.id) == AuthSession.visit_id).where(which))
    for session, visit in found.all():
        visit.ended_at = visit.ended_at or min(now(), visit.ends_at)
        session.visit_id = None
        tx.add_all([visit, session])
        tx.emit(SessionEnded(session_id=session.id))


async def visits(tx: Transaction, *, limit: int = 20) -> Sequence[SupportVisit]:
    """Who looked into the actor's organization, the latest first."""
    tx.actor.require("audit.view")
    return (await tx.exec(select(SupportVisit).order_by(col(SupportVisit.created_at).desc()).limit(limit))).all()
