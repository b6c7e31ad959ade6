"""Everything about one job that its reviewer needs on one screen, and the files that belong to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import union_all
from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.platform.tables import File
from data.trees.queries import jobs, rounds
from data.trees.queries.jobs import JobRow
from data.trees.rules.filling import Form
from data.trees.rules.risk import Disagreement, rated
from data.trees.tables import Artifact, Device, JobAssignment, JobEvent, JobFinal, JobRound, RoundImage, RoundRecording
from data.trees.words import FinalKind


@dataclass(frozen=True, slots=True)
class Review:
    """One job: its form with what follows from it, what was said and seen, and how it came about (the latest first)."""

    row: JobRow
    rounds: Sequence[JobRound]
    form: Form
    disagreements: Sequence[Disagreement]
    narrative: str
    transcript: str
    recordings: Sequence[RoundRecording]
    images: Sequence[RoundImage]
    events: Sequence[JobEvent]
    device: Device | None
    final: JobFinal | None
    artifacts: Sequence[tuple[Artifact, File]]


async def review(tx: Transaction, job_id: UUID) -> Review:
    """A job as its reviewer sees it; an archived one shows its final, the correction where there is one."""
    await jobs.job(tx, job_id)
    row = await jobs.row(tx, job_id)
    every = await rounds.rounds_of(tx, job_id)
    final = await final_of(tx, job_id)
    latest = every[0] if every else None
    shown = final or latest
    form, disagreements = rated(shown.form if shown else {})
    ids = [one.id for one in every]
    holder = select(Device).join(JobAssignment, col(JobAssignment.device_id) == Device.id).where(JobAssignment.job_id == job_id)
    papers = select(Artifact, File).join(File, col(File.id) == Artifact.file_id).where(Artifact.job_id == job_id)
    return Review(
        row=row, rounds=every, form=form, disagreements=disagreements,
        narrative=(shown.narrative if shown else None) or "", transcript=(shown.transcript if shown else None) or "",
        recordings=await rounds.recordings_of(tx, *ids), images=await rounds.images_of(tx, *ids),
        events=await events_of(tx, job_id), device=(await tx.exec(holder)).one_or_none(), final=final,
        artifacts=(await tx.exec(papers.order_by(col(Artifact.created_at)))).all(),
    )  # fmt: skip


async def final_of(tx: Transaction, job_id: UUID) -> JobFinal | None:
    """What was approved: the correction, else the final."""
    statement = select(JobFinal).where(JobFinal.job_id == job_id).order_by(col(JobFinal.kind) != FinalKind.CORRECTION)
    return (await tx.exec(statement)).first()


async def events_of(tx: Transaction, job_id: UUID, *, limit: int = 200) -> Sequence[JobEvent]:
    """The story of a job, the latest first."""
    statement = select(JobEvent).where(JobEvent.job_id == job_id).order_by(col(JobEvent.recorded_at).desc(), col(JobEvent.id).desc())
    return (await tx.exec(statement.limit(limit))).all()


async def file_of(tx: Transaction, job_id: UUID, file_id: UUID) -> File:
    """A file that belongs to a job the actor may see; NotFound for every other file, also of another job."""
    await jobs.job(tx, job_id)
    of_job = select(JobRound.id).where(JobRound.job_id == job_id)
    belonging = union_all(
        select(RoundRecording.file_id).where(col(RoundRecording.round_id).in_(of_job)),
        select(RoundImage.file_id).where(col(RoundImage.round_id).in_(of_job)),
        select(RoundImage.report_file_id).where(col(RoundImage.round_id).in_(of_job)),
        select(Artifact.file_id).where(Artifact.job_id == job_id),
    )
    statement = select(File).where(File.id == file_id, col(File.deleted_at).is_(None), col(File.id).in_(belonging))
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such file.")
    return found
