"""How often schedules have run, and how well."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, func, select

from data.core.session import Transaction
from data.farm import queries
from data.farm.tables import ExecutionStatus, Schedule, ScheduleExecution


async def run_counts(tx: Transaction, schedule_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """How often each of these was due so far, on the farms that one may see."""
    statement = (
        select(ScheduleExecution.schedule_id, func.count())
        .join(Schedule, col(Schedule.id) == ScheduleExecution.schedule_id)
        .where(col(ScheduleExecution.schedule_id).in_(schedule_ids), queries.within(tx, Schedule.farm_id))
        .group_by(col(ScheduleExecution.schedule_id))
    )
    return dict((await tx.exec(statement)).all())


async def success_of(tx: Transaction, schedule_id: UUID, *, since: datetime) -> float | None:
    """Of the runs that were tried since then, the share that was done, 0 to 1; what was left out or still goes on does not count."""
    await queries.schedule(tx, schedule_id)
    statement = (
        select(ScheduleExecution.status, func.count())
        .where(ScheduleExecution.schedule_id == schedule_id, col(ScheduleExecution.scheduled_time) >= since)
        .group_by(col(ScheduleExecution.status))
    )
    found = dict((await tx.exec(statement)).all())
    done = found.get(ExecutionStatus.EXECUTED, 0)
    tried = done + found.get(ExecutionStatus.FAILED, 0) + found.get(ExecutionStatus.TIMEOUT, 0)
    return done / tried if tried else None
