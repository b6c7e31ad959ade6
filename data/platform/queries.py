"""Which strangers have knocked, which files there are, how the jobs have gone."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.platform.tables import File, ScheduledJob, UnknownDevice


async def unknown_devices(tx: Transaction, *, limit: int = 100) -> Sequence[UnknownDevice]:
    """Who spoke at our doors and is not registered, the latest first."""
    tx.actor.require("tokens.edit")
    return (await tx.exec(select(UnknownDevice).order_by(col(UnknownDevice.last_seen_at).desc()).limit(limit))).all()


async def file(tx: Transaction, file_id: UUID) -> File:
    found = await tx.get(File, file_id)
    if found is None or found.deleted_at:
        raise NotFound("There is no such file.")
    return found


async def own_file(tx: Transaction, file_id: UUID) -> File | None:
    """A file that the actor brought themselves."""
    found = await tx.get(File, file_id)
    return found if found and not found.deleted_at and found.created_by is not None and found.created_by == tx.actor.user_id else None


async def scheduled_jobs(tx: Transaction) -> Sequence[ScheduledJob]:
    """Every line of the timetable that has ever run."""
    tx.actor.require("operations.view")
    return (await tx.exec(select(ScheduledJob).order_by(ScheduledJob.name))).all()
