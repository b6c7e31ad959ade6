"""A job's rounds, and what has arrived for them."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import NotFound, Refusal
from data.core.session import Transaction
from data.trees.rules.progress import Artifact, Entry
from data.trees.tables import JobRound, RoundImage, RoundRecording


async def rounds_of(tx: Transaction, job_id: UUID) -> Sequence[JobRound]:
    """All rounds of a job, the latest first."""
    return (await tx.exec(select(JobRound).where(JobRound.job_id == job_id).order_by(col(JobRound.round_number).desc()))).all()


async def latest(tx: Transaction, job_id: UUID, *, for_update: bool = False) -> JobRound | None:
    statement = select(JobRound).where(JobRound.job_id == job_id).order_by(col(JobRound.round_number).desc()).limit(1)
    return (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()


async def open_round(tx: Transaction, job_id: UUID) -> JobRound:
    """The latest round, held until the commit, for what a phone uploads. Refused (400) when none has begun."""
    found = await latest(tx, job_id, for_update=True)
    if found is None:
        raise Refusal("This job has no round yet.")
    return found


async def numbered(tx: Transaction, job_id: UUID, round_number: int, *, for_update: bool = False) -> JobRound:
    statement = select(JobRound).where(JobRound.job_id == job_id, JobRound.round_number == round_number)
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such round.")
    return found


async def recordings_of(tx: Transaction, *round_ids: UUID) -> Sequence[RoundRecording]:
    """What was said in these rounds, in the order of the sections and of arrival."""
    statement = select(RoundRecording).where(col(RoundRecording.round_id).in_(round_ids))
    return (await tx.exec(statement.order_by(col(RoundRecording.section_id), col(RoundRecording.uploaded_at)))).all()


async def images_of(tx: Transaction, *round_ids: UUID) -> Sequence[RoundImage]:
    """The photos of these rounds, the first one first."""
    statement = select(RoundImage).where(col(RoundImage.round_id).in_(round_ids))
    return (await tx.exec(statement.order_by(col(RoundImage.uploaded_at), col(RoundImage.id)))).all()


async def arrived(tx: Transaction, round_id: UUID) -> set[Artifact]:
    """What has been received for a round."""
    recordings = [("recording", r.section_id, r.recording_id) for r in await recordings_of(tx, round_id)]
    return {*recordings, *(("image", i.section_id, i.image_id) for i in await images_of(tx, round_id))}


def lines_of(of: JobRound) -> list[Entry]:
    """The round's manifest as it was accepted."""
    return [Entry.from_json(line) for line in of.manifest]
