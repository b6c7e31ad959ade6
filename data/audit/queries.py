"""What happened here, and which chains there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select

from data.audit.tables import Chain, EventLog
from data.core.errors import Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import now
from data.identity.tables import AuthSession, Organization


async def chains(tx: Transaction) -> Sequence[tuple[UUID, str]]:
    """Every chain's organization and its name ('platform' for the one that belongs to none)."""
    statement = select(Chain.organization_id, func.coalesce(Organization.name, "platform")).join(
        Organization, col(Organization.id) == Chain.organization_id, isouter=True
    )
    return (await tx.exec(statement)).all()


LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: of the last days, of a category (the domain), by a person or job of that name, of a severity, of a type, about one
    thing; `before` is where a page ends."""

    days: int = 7
    category: str = ""
    actor: str = ""
    before: int | None = None
    severity: str = ""
    event_type: str = ""
    subject_id: UUID | None = None


async def lines(
    tx: Transaction, wanted: Wanted, *, scope_id: UUID | None = None, about: ColumnElement[bool] | None = None, limit: int = 100,
    at: datetime | None = None,
) -> Sequence[EventLog]:  # fmt: skip
    """Lines of the log, the latest first: of all of the organization, or `about` one thing of it (`scope_id` is the thing)."""
    tx.actor.require("audit.view", scope_id)
    if about is None and tx.actor.scopes("audit.view") is not None:
        raise Forbidden("You may do this for your own places only; choose one.")
    _is_within(wanted.days)
    since = (at or now()) - timedelta(days=wanted.days)
    where = [EventLog.organization_id == tx.organization_id, EventLog.recorded_at >= since]
    if about is not None:
        where.append(about)  # type: ignore[arg-type]
    if wanted.category:
        where.append(EventLog.category == wanted.category)
    if wanted.actor:
        where.append(col(EventLog.actor_name).icontains(wanted.actor, autoescape=True))  # type: ignore[arg-type]
    if wanted.severity:
        where.append(EventLog.severity == wanted.severity)
    if wanted.event_type:
        where.append(EventLog.event_type == wanted.event_type)
    if wanted.subject_id:
        where.append(EventLog.subject_id == wanted.subject_id)
    if wanted.before is not None:
        where.append(EventLog.sequence < wanted.before)
    return (await tx.exec(select(EventLog).where(*where).order_by(col(EventLog.sequence).desc()).limit(limit))).all()


async def own(tx: Transaction, *, days: int = 30, limit: int = 20, offset: int = 0, at: datetime | None = None) -> tuple[Sequence[EventLog], int]:
    """What one did oneself in this organization, and what was done to one's account and one's sessions, the latest first; and how
    many lines there are. Needs no right: it is about oneself."""
    _is_within(days)
    me = tx.actor.user_id
    mine = select(AuthSession.id).where(AuthSession.user_id == me)
    where = (
        EventLog.organization_id == tx.organization_id, EventLog.recorded_at >= (at or now()) - timedelta(days=days),
        or_(col(EventLog.acting_user_id) == me, col(EventLog.subject_id) == me, col(EventLog.subject_id).in_(mine)),
    )
    found = await tx.exec(select(EventLog).where(*where).order_by(col(EventLog.sequence).desc()).limit(limit).offset(offset))
    return found.all(), (await tx.exec(select(func.count()).select_from(EventLog).where(*where))).one()


def _is_within(days: int) -> None:
    if not 1 <= days <= LONGEST.days:
        raise Invalid("days", "{value} is not between {low} and {high}.", value=days, low=1, high=LONGEST.days)


async def latest(tx: Transaction, *, limit: int = 100, subject_id: UUID | None = None) -> Sequence[EventLog]:
    """The latest lines of the organization's log, about one thing if named."""
    tx.actor.require("operations.view")
    statement = select(EventLog).where(EventLog.organization_id == tx.organization_id)
    if subject_id:
        statement = statement.where(EventLog.subject_id == subject_id)
    return (await tx.exec(statement.order_by(col(EventLog.sequence).desc()).limit(limit))).all()
