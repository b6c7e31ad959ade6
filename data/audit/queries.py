"""What happened here, and which chains there are."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.audit.tables import Chain, EventLog
from data.core.session import Transaction
from data.identity.tables import Organization


async def chains(tx: Transaction) -> Sequence[tuple[UUID, str]]:
    """Every chain's organization and its name ('platform' for the one that belongs to none)."""
    statement = select(Chain.organization_id, func.coalesce(Organization.name, "platform")).join(
        Organization, col(Organization.id) == Chain.organization_id, isouter=True
    )
    return (await tx.exec(statement)).all()


async def latest(tx: Transaction, *, limit: int = 100, subject_id: UUID | None = None) -> Sequence[EventLog]:
    """The latest lines of the organization's log, about one thing if named."""
    tx.actor.require("audit.view")
    statement = select(EventLog).where(EventLog.organization_id == tx.organization_id)
    if subject_id:
        statement = statement.where(EventLog.subject_id == subject_id)
    return (await tx.exec(statement.order_by(col(EventLog.sequence).desc()).limit(limit))).all()
