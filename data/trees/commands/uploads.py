"""Recordings and photos arrive in any order and more often than once; each is kept once, under the phone's own id."""

import hashlib
from typing import Any
from uuid import UUID

from data.core.errors import Conflict, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.platform.commands import keep_file
from data.platform.tables import File
from data.trees.commands.devices import ASSESS
from data.trees.commands.jobs import hold
from data.trees.commands.story import tell
from data.trees.form import PHOTOS
from data.trees.media import Photo, Sound
from data.trees.queries import rounds
from data.trees.rules.progress import MAX_PHOTOS, Artifact, Entry, refusal_to_edit_round, refusal_to_upload
from data.trees.tables import Device, Job, JobRound, RoundImage, RoundRecording
from data.trees.words import JobStatus, UploadStatus


async def put_recording(
    tx: Transaction, device_id: UUID, job_id: UUID, *, section_id: str, recording_id: str, sound: Sound
) -> RoundRecording:
    """Keep a recording in the latest round. The same id again replaces it, the same bytes again change nothing."""
    tx.actor.require(ASSESS)
    artifact = ("recording", section_id, recording_id)
    device, job, of, line = await _open_for(tx, device_id, job_id, artifact)
    known = {(r.section_id, r.recording_id): r for r in await rounds.recordings_of(tx, of.id)}
    recording = known.get((section_id, recording_id))
    if recording and await _is_same(tx, recording.file_id, sound.content):
        return recording
    file = await keep_file(
        tx, sound.content, file_name=f"{job.job_number}-{section_id}-{recording_id}.{sound.extension}", mime_type=sound.mime_type
    )
    values: dict[str, Any] = {
        "file_id": file.id, "mime_type": sound.mime_type, "size_bytes": file.size_bytes, "duration_s": sound.duration_s,
        "upload_status": UploadStatus.UPLOADED, "uploaded_at": now(), "transcript": None,
    }  # fmt: skip
    if line:
        values |= {"issue_id": line.issue_id, "recorded_at": line.recorded_at}
    if recording:
        recording.sqlmodel_update(values)
    else:
        recording = RoundRecording(round_id=of.id, section_id=section_id, recording_id=recording_id, **values)
    tx.add(recording)
    tell(tx, "recording_uploaded", job=job, device=device, round_number=of.round_number, section_id=section_id)
    return recording


async def put_image(tx: Transaction, device_id: UUID, job_id: UUID, *, image_id: str, photo: Photo) -> RoundImage:
    """Keep a photo and its report copy in the latest round, five at most; the same id again replaces it."""
    tx.actor.require(ASSESS)
    device, job, of, _ = await _open_for(tx, device_id, job_id, ("image", PHOTOS, image_id))
    images = {i.image_id: i for i in await rounds.images_of(tx, of.id)}
    image = images.get(image_id)
    if image and await _is_same(tx, image.file_id, photo.content):
        return image
    if image is None and len(images) >= MAX_PHOTOS:
        raise Conflict("A round has {limit} photos at most.", limit=MAX_PHOTOS)
    name = f"{job.job_number}-{image_id}"
    file = await keep_file(tx, photo.content, file_name=f"{name}.{photo.extension}", mime_type=photo.mime_type)
    report = await keep_file(tx, photo.report, file_name=f"{name}-report.jpg", mime_type="image/jpeg")
    values: dict[str, Any] = {
        "file_id": file.id, "report_file_id": report.id, "mime_type": photo.mime_type, "size_bytes": file.size_bytes,
        "width_px": photo.width_px, "height_px": photo.height_px, "upload_status": UploadStatus.UPLOADED, "uploaded_at": now(),
    }  # fmt: skip
    if image:
        image.sqlmodel_update(values)
    else:
        image = RoundImage(round_id=of.id, section_id=PHOTOS, image_id=image_id, **values)
    tx.add(image)
    tell(tx, "image_uploaded", job=job, device=device, round_number=of.round_number)
    return image


async def describe_image(
    tx: Transaction, device_id: UUID, job_id: UUID, image_id: str, *, changes: dict[str, Any]
) -> RoundImage:
    """Change a photo's `caption`, `latitude` and `longitude` (those that `changes` has). Conflict unless the round is open."""
    tx.actor.require(ASSESS)
    device, job = await hold(tx, device_id, job_id)
    of = await rounds.open_round(tx, job.id)
    if refusal := _archived(job) or refusal_to_edit_round(of.status):
        raise Conflict(refusal)
    image = next((i for i in await rounds.images_of(tx, of.id) if i.image_id == image_id), None)
    if image is None:
        raise NotFound("There is no such photo.")
    for name in ("caption", "latitude", "longitude"):
        if name in changes:
            setattr(image, name, changes[name])
    tx.add(image)
    tell(tx, "image_described", job=job, device=device, round_number=of.round_number)
    return image


async def _open_for(
    tx: Transaction, device_id: UUID, job_id: UUID, artifact: Artifact
) -> tuple[Device, Job, JobRound, Entry | None]:
    device, job = await hold(tx, device_id, job_id)
    of = await rounds.open_round(tx, job.id)
    lines = rounds.lines_of(of)
    if refusal := _archived(job) or refusal_to_upload(of.status, artifact, lines):
        raise Conflict(refusal)
    return device, job, of, next((line for line in lines if line.artifact == artifact), None)


def _archived(job: Job) -> str | None:
    return "This job is archived." if job.status is JobStatus.ARCHIVED else None


async def _is_same(tx: Transaction, file_id: UUID, content: bytes) -> bool:
    file = await tx.get_one(File, file_id)
    return file.sha256 == hashlib.sha256(content).hexdigest()
