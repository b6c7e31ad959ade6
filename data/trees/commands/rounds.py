"""A round begins as a draft, gathers recordings and photos, and is submitted when the arborist is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now
from data.trees.commands.devices import ASSESS
from data.trees.commands.jobs import hold, resolve_tree
from data.trees.commands.story import tell
from data.trees.queries import rounds
from data.trees.rules.filling import Form, merge
from data.trees.rules.progress import Entry, missing, refusal_to_edit_round, refusal_to_start_round, tree_number
from data.trees.rules.risk import rated
from data.trees.tables import Job, JobRound, Tree
from data.trees.words import JobStatus, RiskRating, RoundStatus


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submission: the round, and what its manifest names and has not come yet."""

    round: JobRound
    tree_number: int | None
    missing: Sequence[Entry]


async def start(tx: Transaction, device_id: UUID, job_id: UUID) -> tuple[JobRound, bool]:
    """A new draft, and whether it is new: an untouched draft is given again. It goes on from the last round's form.

    Conflict while the last one is being processed, or when the job is archived.
    """
    tx.actor.require(ASSESS)
    device, job = await hold(tx, device_id, job_id)
    before = await rounds.latest(tx, job.id, for_update=True)
    if refusal := refusal_to_start_round(job.status, before.status if before else None):
        raise Conflict(refusal)
    if before and before.status is RoundStatus.DRAFT and not before.manifest and not await rounds.arrived(tx, before.id):
        return before, False
    fresh = JobRound(
        job_id=job.id, round_number=before.round_number + 1 if before else 1, form=dict(before.form) if before else {},
        narrative=before.narrative if before else None, updated_at=now(),
    )  # fmt: skip
    tx.add(fresh)
    job.status, job.updated_at = JobStatus.DRAFT, now()
    tx.add(job)
    tell(tx, "round_created", job=job, device=device, round_number=fresh.round_number)
    return fresh, True


async def set_manifest(tx: Transaction, device_id: UUID, job_id: UUID, round_number: int, lines: Sequence[Entry]) -> JobRound:
    """Say what belongs to the round; replaces all that was said before. Conflict unless the round is open."""
    tx.actor.require(ASSESS)
    device, job = await hold(tx, device_id, job_id)
    of = await rounds.numbered(tx, job.id, round_number, for_update=True)
    _require_open(job, of)
    of.manifest, of.updated_at = [line.as_json() for line in lines], now()
    tx.add(of)
    tell(tx, "manifest_set", job=job, device=device, round_number=round_number, count=len(lines))
    return of


async def submit(
    tx: Transaction, device_id: UUID, job_id: UUID, round_number: int, *, form: Form, narrative: str | None = None,
    client_revision_id: str | None = None,
) -> Submitted:  # fmt: skip
    """Hand the round in. What is empty in `form` wipes nothing; what is missing is named and may still be uploaded.

    Submitting again with the same `client_revision_id` answers the same. Conflict when the round is not open or empty.
    """
    tx.actor.require(ASSESS)
    device, job = await hold(tx, device_id, job_id)
    of = await rounds.numbered(tx, job.id, round_number, for_update=True)
    there = await rounds.arrived(tx, of.id)
    if client_revision_id and of.client_revision_id == client_revision_id and refusal_to_edit_round(of.status):
        return Submitted(of, await _tree_number(tx, job), missing(rounds.lines_of(of), there))
    _require_open(job, of)
    lines = await _completed_manifest(tx, of)
    if not (lines or there or form or narrative):
        raise Conflict("There is nothing in this round yet.")
    at = now()
    of.form, of.narrative = merge(of.form, form), narrative or of.narrative
    await _take_over(tx, job, of)
    waiting = missing(lines, there)
    of.manifest, of.missing = [line.as_json() for line in lines], [line.as_json() for line in waiting]
    of.status, of.submitted_at, of.updated_at, of.error_code = RoundStatus.SUBMITTED_FOR_PROCESSING, at, at, None
    of.server_revision_id, of.client_revision_id = f"rev_{of.round_id}", client_revision_id
    job.status, job.updated_at = JobStatus.SUBMITTED_FOR_PROCESSING, at
    tx.add_all((job, of))
    tell(tx, "round_submitted", job=job, device=device, round_number=round_number, missing=len(waiting))
    return Submitted(of, await _tree_number(tx, job), waiting)


def _require_open(job: Job, of: JobRound) -> None:
    if job.status is JobStatus.ARCHIVED:
        raise Conflict("This job is archived.")
    if refusal := refusal_to_edit_round(of.status):
        raise Conflict(refusal)


async def _completed_manifest(tx: Transaction, of: JobRound) -> list[Entry]:
    """What the phone listed, and the recordings that are here although it did not list them."""
    lines = rounds.lines_of(of)
    listed = {line.artifact for line in lines}
    extra = [
        Entry(r.recording_id, r.section_id, "recording", len(lines), r.issue_id, r.recorded_at)
        for r in await rounds.recordings_of(tx, of.id)
        if ("recording", r.section_id, r.recording_id) not in listed
    ]
    return [*lines, *extra] if lines else lines


async def _take_over(tx: Transaction, job: Job, of: JobRound) -> None:
    """Let the job say what its form says: which tree, what species, how risky, where."""
    details: dict[str, Any] = of.form.get("client_tree_details", {})
    wanted = tree_number(details.get("tree_number"))
    if wanted or job.tree_id is None:
        job.tree_id = (tree := await resolve_tree(tx, job.customer_id, wanted)).id
        of.form = merge(of.form, {"client_tree_details": {"tree_number": str(tree.tree_number)}})
    job.tree_species = details.get("tree_species") or job.tree_species
    found = rated(of.form)[0].get("overall_tree_risk_rating", {}).get("rating")
    job.risk_rating = RiskRating(found) if found else None
    gps = details.get("gps") or await _photo_position(tx, of)
    if gps:
        job.latitude, job.longitude = gps["latitude"], gps["longitude"]


async def _photo_position(tx: Transaction, of: JobRound) -> dict[str, float] | None:
    for image in await rounds.images_of(tx, of.id):
        if image.latitude is not None and image.longitude is not None:
            return {"latitude": image.latitude, "longitude": image.longitude}
    return None


async def _tree_number(tx: Transaction, job: Job) -> int | None:
    tree = await tx.get(Tree, job.tree_id) if job.tree_id else None
    return tree.tree_number if tree else None
