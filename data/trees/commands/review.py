"""A complete round waits for its reviewer, who sends it back into the field or approves it for good."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, delete, select

from data.alerts.commands import Trouble, raise_alert, resolve_open
from data.alerts.tables import Severity
from data.core.errors import Conflict, Invalid
from data.core.session import Transaction, plain
from data.core.time import now
from data.notifications.commands import tell as notify
from data.platform.commands import keep_file
from data.trees.commands.story import tell
from data.trees.queries import jobs, rounds
from data.trees.rules.export import feature_collection
from data.trees.rules.filling import Form
from data.trees.rules.progress import MAX_PHOTOS, missing, refusal_to_review, verdict
from data.trees.rules.risk import rated
from data.trees.tables import (
    Artifact,
    Job,
    JobAssignment,
    JobFinal,
    JobGeojsonExport,
    JobRound,
    Operator,
    RoundImage,
    Tree,
)
from data.trees.words import ArtifactKind, FinalKind, JobStatus, RoundStatus

WAITS, FAILED = "trees.review_waiting", "trees.round_failed"


async def process(tx: Transaction, round_id: UUID, *, at: datetime) -> RoundStatus:
    """Look whether a submitted round is complete; where it stands now. Complete: to its reviewer. Too long not: failed."""
    job_id = (await tx.get_one(JobRound, round_id)).job_id
    job = await tx.get_one(Job, job_id, with_for_update=True)  # the job before its rounds, as everywhere
    of = await tx.get_one(JobRound, round_id, with_for_update=True)
    if of.status is not RoundStatus.SUBMITTED_FOR_PROCESSING:
        return of.status
    assert of.submitted_at, "a submitted round knows when"
    waiting = missing(rounds.lines_of(of), await rounds.arrived(tx, of.id))
    of.missing = [line.as_json() for line in waiting]
    of.status = verdict(waiting, of.submitted_at, at)
    tx.add(of)
    if of.status is RoundStatus.SUBMITTED_FOR_PROCESSING:
        return of.status
    of.updated_at = at
    job.status, job.updated_at = JobStatus(of.status.value), at
    tx.add(job)
    if of.status is RoundStatus.REVIEW_RETURNED:
        of.returned_at = at
        await _raise(tx, job, WAITS, Severity.INFO, "Tree job {number} waits for review.", at)
        tell(tx, "review_returned", job=job, round_number=of.round_number)
    else:
        of.error_code = "ARTIFACTS_MISSING"
        await _raise(tx, job, FAILED, Severity.WARNING, "Tree job {number}: recordings or photos never arrived.", at)
        tell(tx, "round_failed", job=job, round_number=of.round_number, missing=len(waiting))
    return of.status


async def send_back(tx: Transaction, job_id: UUID, *, note: str) -> None:
    """Ask the arborist for more: the round is a draft again and says why. Conflict when none waits for review."""
    job, of = await _waiting(tx, job_id)
    if not note.strip():
        raise Invalid("note", "Say what is missing or wrong.")
    at = now()
    of.status, of.review_note, of.reviewed_at, of.reviewed_by = RoundStatus.DRAFT, note.strip(), at, tx.actor.user_id
    of.updated_at = job.updated_at = at
    job.status = JobStatus.DRAFT
    tx.add_all((job, of))
    await resolve_open(tx, job.id, WAITS, FAILED, at=at, because="returned")
    tell(tx, "round_reopened", job=job, round_number=of.round_number, note=note.strip())


async def approve(tx: Transaction, job_id: UUID) -> None:
    """Archive the job with a snapshot that is never changed, and free its phone. Conflict when none waits for review."""
    job, of = await _waiting(tx, job_id)
    at = now()
    form, _ = rated(of.form)
    photos = await _report_photos(tx, job)
    final = JobFinal(
        job_id=job.id, round_id=of.id, server_revision_id=of.server_revision_id, client_revision_id=of.client_revision_id,
        archived_at=at, transcript=of.transcript, form=form, narrative=of.narrative, user_name=tx.actor.name,
        report_images=photos,
    )  # fmt: skip
    shape = feature_collection(form, job_number=job.job_number, user_name=tx.actor.name, images=photos)
    tx.add_all((final, JobGeojsonExport(job_id=job.id, export_kind=FinalKind.FINAL, payload=shape)))
    await _keep(tx, job, of, ArtifactKind.FINAL, "final.json", _snapshot(job, final))
    await _keep(tx, job, of, ArtifactKind.GEOJSON, "final.geojson", shape)
    of.reviewed_at, of.reviewed_by, of.review_note = at, tx.actor.user_id, None
    job.operator_id = (await _operator(tx)).id
    job.status, job.archived_at, job.updated_at = JobStatus.ARCHIVED, at, at
    tx.add_all((of, job))
    await _remember_tree(tx, job, form)
    await tx.execute(delete(JobAssignment).where(col(JobAssignment.job_id) == job.id))
    await resolve_open(tx, job.id, WAITS, FAILED, at=at, because="approved")
    tell(tx, "final_generated", job=job, round_number=of.round_number)


async def _waiting(tx: Transaction, job_id: UUID) -> tuple[Job, JobRound]:
    job = await jobs.job(tx, job_id, permission="trees.review", for_update=True)
    of = await rounds.latest(tx, job.id, for_update=True)
    if refusal := refusal_to_review(job.status, of.status if of else None):
        raise Conflict(refusal)
    assert of, "what waits for review is a round"
    return job, of


async def _report_photos(tx: Transaction, job: Job) -> list[dict[str, Any]]:
    """The photos of all rounds as the final keeps them: the newest five, the first one first."""
    ids = [one.id for one in await rounds.rounds_of(tx, job.id)]
    newest: dict[str, RoundImage] = {image.image_id: image for image in await rounds.images_of(tx, *ids)}
    return [
        {
            "image_id": i.image_id, "caption": i.caption, "file_id": str(i.file_id), "report_file_id": str(i.report_file_id),
            "latitude": i.latitude, "longitude": i.longitude, "uploaded_at": i.uploaded_at.isoformat(),
        }
        for i in list(newest.values())[-MAX_PHOTOS:]
    ]  # fmt: skip


def _snapshot(job: Job, final: JobFinal) -> dict[str, Any]:
    kept = final.model_dump(include={"server_revision_id", "client_revision_id", "archived_at", "transcript", "narrative", "user_name"})
    texts: dict[str, Any] = plain(kept)
    return {"job_id": str(job.id), "job_number": job.job_number, **texts, "form": final.form, "report_images": final.report_images}


async def _keep(tx: Transaction, job: Job, of: JobRound, kind: ArtifactKind, name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1).encode()
    mime_type = "application/geo+json" if kind is ArtifactKind.GEOJSON else "application/json"
    file = await keep_file(tx, text, file_name=f"{job.job_number}-{name}", mime_type=mime_type)
    tx.add(Artifact(job_id=job.id, round_id=of.id, kind=kind, file_id=file.id))


async def _operator(tx: Transaction) -> Operator:
    statement = select(Operator).where(Operator.user_id == tx.actor.user_id, col(Operator.deleted_at).is_(None))
    found = (await tx.exec(statement)).one_or_none() or Operator(display_name=tx.actor.name, user_id=tx.actor.user_id)
    found.display_name = tx.actor.name
    tx.add(found)
    await tx.flush()
    return found


async def _remember_tree(tx: Transaction, job: Job, form: Form) -> None:
    if job.tree_id is None:
        return
    tree = await tx.get_one(Tree, job.tree_id, with_for_update=True)
    tree.tree_species = form.get("client_tree_details", {}).get("tree_species") or tree.tree_species
    if job.latitude is not None:
        tree.latitude, tree.longitude = job.latitude, job.longitude
    tx.add(tree)


async def _raise(tx: Transaction, job: Job, alert_type: str, severity: Severity, message: str, at: datetime) -> None:
    await resolve_open(tx, job.id, WAITS, FAILED, at=at, because="submitted again")
    trouble = Trouble(
        subject_kind="trees.jobs", subject_id=job.id, subject_name=job.job_number, alert_type=alert_type, severity=severity,
        message=message, permission="trees.review", values={"number": job.job_number}, href=f"/trees/{job.id}",
        scope_id=job.customer_id,
    )  # fmt: skip
    if alert := await raise_alert(tx, trouble, at=at):
        await notify(tx, alert)
