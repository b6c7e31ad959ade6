"""Which alerts somebody may see: those of the domains and things that their roles reach."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, false, func, or_
from sqlmodel import col, select

from data.alerts.tables import Alert, AlertStatus, Severity
from data.core.errors import NotFound
from data.core.session import Transaction

_URGENCY = case(
    (col(Alert.severity) == Severity.CRITICAL, 0), (col(Alert.severity) == Severity.WARNING, 1), else_=2
)  # fmt: skip


def visible(tx: Transaction) -> ColumnElement[bool]:
    """The part of a `where` that keeps what the actor may see."""
    if tx.actor.kind == "system":
        return col(Alert.id).is_not(None)
    reaches = [
        col(Alert.permission) == permission
        if scopes is None
        else and_(col(Alert.permission) == permission, col(Alert.scope_id).in_(scopes))
        for permission, scopes in tx.actor.rights.items()
    ]
    return or_(false(), *reaches)


async def alert(tx: Transaction, alert_id: UUID, *, for_update: bool = False) -> Alert:
    statement = select(Alert).where(Alert.id == alert_id, visible(tx))
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such alert.")
    return found


async def open_alerts(tx: Transaction, *, limit: int = 200) -> Sequence[Alert]:
    """What needs somebody now: unacknowledged first, then by severity, then the oldest."""
    statement = (
        select(Alert)
        .where(Alert.status != AlertStatus.RESOLVED, visible(tx))
        .order_by(col(Alert.acknowledged_at).is_not(None), _URGENCY, col(Alert.triggered_at))
        .limit(limit)
    )
    return (await tx.exec(statement)).all()


async def open_of(tx: Transaction, subject_ids: Sequence[UUID]) -> Sequence[Alert]:
    """The open alerts of these things."""
    statement = select(Alert).where(
        col(Alert.subject_id).in_(subject_ids), Alert.status != AlertStatus.RESOLVED, visible(tx)
    )
    return (await tx.exec(statement)).all()


async def page(
    tx: Transaction, *, offset: int = 0, limit: int = 50, status: str | None = None, search: str | None = None
) -> tuple[Sequence[Alert], int]:
    """A page of all alerts, the latest first, and how many there are; `status` open or one of AlertStatus."""
    where = [visible(tx)]
    if status == "open":
        where.append(col(Alert.status) != AlertStatus.RESOLVED)
    elif status:
        where.append(col(Alert.status) == AlertStatus(status))
    if search:
        where.append(col(Alert.subject_name).ilike(f"%{search}%"))
    total = (await tx.exec(select(func.count()).select_from(Alert).where(*where))).one()
    rows = await tx.exec(select(Alert).where(*where).order_by(col(Alert.triggered_at).desc()).offset(offset).limit(limit))
    return rows.all(), total
