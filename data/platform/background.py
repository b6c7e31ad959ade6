"""Somebody asks for work that takes a while, goes away, and comes back to find how far it is or what came of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, update
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from data.core.actor import ActorKind
from data.core.errors import Conflict, NotFound
from data.core.session import Transaction, plain
from data.core.time import now
from data.platform.events import BackgroundJobAsked, BackgroundJobCanceled, BackgroundJobChanged
from data.platform.tables import BackgroundJob
from data.platform.values import BackgroundJobStatus

QUEUED, RUNNING, COMPLETED, FAILED, CANCELED = (
    BackgroundJobStatus.QUEUED, BackgroundJobStatus.RUNNING, BackgroundJobStatus.COMPLETED, BackgroundJobStatus.FAILED,
    BackgroundJobStatus.CANCELED,
)  # fmt: skip
UNFINISHED = (QUEUED, RUNNING)
INTERRUPTED = "This was interrupted {count} times and is not tried again."


async def ask(tx: Transaction, kind: str, arguments: Mapping[str, Any]) -> BackgroundJob:
    """Put work of a registered kind into the queue. Whoever calls this has asked for the right; the work itself runs as the
    system of this organization, so its limits (which sites…) belong into the arguments."""
    job = BackgroundJob(kind=kind, arguments=plain(dict(arguments)), requested_by=tx.actor.user_id)
    tx.add(job)
    await tx.flush()
    tx.emit(BackgroundJobAsked(job_id=job.id))
    tx.emit(BackgroundJobChanged(job_id=job.id))
    return job


async def cancel(tx: Transaction, job_id: UUID) -> None:
    """Let it be. Conflict when it is over already."""
    canceled = await job(tx, job_id, for_update=True)
    if canceled.status not in UNFINISHED:
        raise Conflict("This work is already over.")
    canceled.status, canceled.finished_at = CANCELED, now()
    tx.add(canceled)
    tx.emit(BackgroundJobCanceled(job_id=job_id))
    tx.emit(BackgroundJobChanged(job_id=job_id))


async def job(tx: Transaction, job_id: UUID, *, for_update: bool = False) -> BackgroundJob:
    """What the actor asked for; those who keep the operations see everybody's."""
    statement = select(BackgroundJob).where(BackgroundJob.id == job_id)
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None or not _is_visible(tx, found):
        raise NotFound("There is no such work.")
    return found


def _is_visible(tx: Transaction, found: BackgroundJob) -> bool:
    is_own = found.requested_by is not None and found.requested_by == tx.actor.user_id
    return is_own or tx.actor.may("operations.view")


async def own_jobs(tx: Transaction, *kinds: str, limit: int = 20) -> Sequence[BackgroundJob]:
    """What the actor asked for, the latest first."""
    if tx.actor.kind is not ActorKind.PERSON or tx.actor.user_id is None:
        return []
    statement = select(BackgroundJob).where(BackgroundJob.requested_by == tx.actor.user_id)
    return (await tx.exec(_latest(statement, kinds, limit))).all()


async def all_jobs(tx: Transaction, *kinds: str, limit: int = 100) -> Sequence[BackgroundJob]:
    """What anybody of the organization asked for, the latest first."""
    tx.actor.require("operations.view")
    return (await tx.exec(_latest(select(BackgroundJob), kinds, limit))).all()


async def jobs_of(tx: Transaction, job_ids: Collection[UUID]) -> Mapping[UUID, BackgroundJob]:
    """How these are. Their domain's query has asked for the right."""
    found = await tx.exec(select(BackgroundJob).where(col(BackgroundJob.id).in_(job_ids)))
    return {one.id: one for one in found}


def _latest(
    statement: SelectOfScalar[BackgroundJob], kinds: Sequence[str], limit: int
) -> SelectOfScalar[BackgroundJob]:
    if kinds:
        statement = statement.where(col(BackgroundJob.kind).in_(kinds))
    return statement.order_by(col(BackgroundJob.created_at).desc(), col(BackgroundJob.id).desc()).limit(limit)


async def claim(
    tx: Transaction, kinds: Collection[str], *, at: datetime, stale_after: timedelta, most_attempts: int
) -> BackgroundJob | None:
    """The oldest work that waits, or was left by a process whose heartbeat stopped (across tenants); now it is the caller's.

    The row's `attempt_count` is the claim's number: every later sentence about it names it, so that a process that was
    taken for dead changes nothing any more.
    """
    left = and_(col(BackgroundJob.status) == RUNNING, col(BackgroundJob.heartbeat_at) < at - stale_after)
    await _give_up(tx, and_(left, col(BackgroundJob.attempt_count) >= most_attempts), at)
    oldest = (
        select(BackgroundJob.id)
        .where(or_(col(BackgroundJob.status) == QUEUED, left), col(BackgroundJob.kind).in_(kinds))
        .order_by(col(BackgroundJob.created_at), col(BackgroundJob.id))
        .with_for_update(skip_locked=True)
        .limit(1)
    )
    statement = (
        update(BackgroundJob)
        .where(col(BackgroundJob.id).in_(oldest))
        .values(status=RUNNING, attempt_count=BackgroundJob.attempt_count + 1, started_at=at, heartbeat_at=at, progress=0)
        .returning(BackgroundJob)
        .execution_options(synchronize_session=False)
    )
    claimed: BackgroundJob | None = (await tx.execute(statement)).scalar_one_or_none()
    if claimed:
        tx.emit(BackgroundJobChanged(job_id=claimed.id), organization_id=claimed.organization_id)
    return claimed


async def _give_up(tx: Transaction, which: Any, at: datetime) -> None:
    statement = (
        update(BackgroundJob)
        .where(which)
        .values(
            status=FAILED, finished_at=at, error=INTERRUPTED, step=None,
            step_values=func.jsonb_build_object("count", BackgroundJob.attempt_count),
        )
        .returning(col(BackgroundJob.id), col(BackgroundJob.organization_id))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    for job_id, organization_id in await tx.execute(statement):
        tx.emit(BackgroundJobChanged(job_id=job_id), organization_id=organization_id)


async def beat(
    tx: Transaction, claimed: BackgroundJob, *, at: datetime, progress: int, step: str | None, step_values: Mapping[str, Any],
    is_news: bool,
) -> bool:  # fmt: skip
    """Say that it is alive and how far it is (across tenants); False when it is no longer the caller's."""
    statement = _ours(claimed).values(heartbeat_at=at, progress=progress, step=step, step_values=plain(dict(step_values)))
    if not (await tx.execute(statement)).rowcount:  # type: ignore[attr-defined]
        return False
    if is_news:
        tx.emit(BackgroundJobChanged(job_id=claimed.id), organization_id=claimed.organization_id)
    return True


async def is_ours(tx: Transaction, claimed: BackgroundJob) -> bool:
    """Whether the caller still has it, locked until the transaction ends: what is written beside it is written once."""
    statement = select(BackgroundJob.id).where(
        BackgroundJob.id == claimed.id, BackgroundJob.status == RUNNING, BackgroundJob.attempt_count == claimed.attempt_count
    )
    return (await tx.exec(statement.with_for_update())).one_or_none() is not None


async def complete(
    tx: Transaction, claimed: BackgroundJob, *, at: datetime, result: Mapping[str, Any], result_file_id: UUID | None
) -> None:
    """It is done, and this came of it."""
    await _end(
        tx, claimed, status=COMPLETED, finished_at=at, progress=100, step=None, step_values={}, result=plain(dict(result)),
        result_file_id=result_file_id,
    )  # fmt: skip
    tx.record("platform.background_jobs.completed", claimed.kind, subject_id=claimed.id)


async def fail(tx: Transaction, claimed: BackgroundJob, *, at: datetime, error: str, values: Mapping[str, Any]) -> None:
    """It cannot be done: a sentence (an English template; its values stand in `step_values`)."""
    await _end(tx, claimed, status=FAILED, finished_at=at, step=None, error=error, step_values=plain(dict(values)))
    tx.record("platform.background_jobs.failed", claimed.kind, subject_id=claimed.id, severity="warning", error=error)


async def give_back(tx: Transaction, claimed: BackgroundJob) -> None:
    """Let another process take it at once; this attempt does not count."""
    await _end(tx, claimed, status=QUEUED, attempt_count=claimed.attempt_count - 1, heartbeat_at=None, progress=0, step=None)
    tx.emit(BackgroundJobAsked(job_id=claimed.id), organization_id=claimed.organization_id)


async def _end(tx: Transaction, claimed: BackgroundJob, **values: Any) -> None:
    await tx.execute(_ours(claimed).values(**values))
    tx.emit(BackgroundJobChanged(job_id=claimed.id), organization_id=claimed.organization_id)


def _ours(claimed: BackgroundJob) -> Any:
    return update(BackgroundJob).where(
        col(BackgroundJob.organization_id) == claimed.organization_id, col(BackgroundJob.id) == claimed.id,
        col(BackgroundJob.status) == RUNNING, col(BackgroundJob.attempt_count) == claimed.attempt_count,
    ).execution_options(synchronize_session=False)  # fmt: skip
