"""The arborist's phone: `/api/trees/v1`, with a device token in x-api-key once somebody has approved the phone.

The two calls before that (register-device, token) and the question after one's status show the organization's enrolment
secret instead, in X-Enrolment or x-api-key. Statuses are written in capitals on this wire.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.core.actor import Actor
from data.core.errors import Busy, Invalid, NotFound, Unauthenticated
from data.core.session import transaction
from data.core.time import now
from data.identity import door
from data.identity.tables import TokenKind
from data.trees import media
from data.trees.commands import devices, jobs, rounds, uploads
from data.trees.commands.devices import ASSESS, ENROL, NETWORK, USUAL_S
from data.trees.form import PHOTOS, SECTIONS
from data.trees.queries import devices as known_devices
from data.trees.queries import jobs as known_jobs
from data.trees.queries import rounds as known_rounds
from data.trees.rules import asking, filling, progress
from jobs.networks import _assessment_answers as answers
from jobs.networks._door import body_of, json_of, machine_of, secret_of

router = APIRouter(prefix="/api/trees/v1")

MAX_UPLOADS = 16
_uploads = 0


@dataclass(frozen=True, slots=True)
class Phone:
    """An approved phone, as it acts."""

    device_id: UUID
    actor: Actor


async def enrolling(request: Request) -> Actor:
    """Somebody who knows the organization's enrolment secret (a feed secret of this network)."""
    secret = request.headers.get("x-enrolment") or secret_of(request)
    machine = await door.machine(secret, TokenKind.FEED, network=NETWORK)
    return Actor.machine(machine.organization_id, f"enrolment {machine.name}", ENROL)


async def phone_of(request: Request) -> Phone:
    """The phone whose token this is. Whether it is still approved is asked inside each transaction."""
    machine = await machine_of(request, TokenKind.DEVICE, network=NETWORK)
    if machine.subject_id is None:
        raise Unauthenticated("The secret is missing or not right.")
    return Phone(machine.subject_id, Actor.machine(machine.organization_id, machine.name, ASSESS))


async def object_of(request: Request) -> Any:
    return asking.mapping(json_of(await body_of(request)))


def round_number(round_id: str) -> int:
    """7 for round_7; NotFound for what is no round's name."""
    digits = round_id.removeprefix("round_")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 6):
        raise NotFound("There is no such round.")
    return int(digits)


def uploads_held() -> int:
    """How many recordings and photos are in memory now."""
    return _uploads


@asynccontextmanager
async def upload(request: Request) -> AsyncIterator[bytes]:
    """The bytes of a recording or a photo. So many at once are held in memory, and no more."""
    global _uploads
    if _uploads >= MAX_UPLOADS:
        raise Busy("Too many files are arriving. Send it again in a few seconds.")
    _uploads += 1
    try:
        yield await body_of(request, limit=media.MAX_BYTES)
    finally:
        _uploads -= 1


@router.post("/auth/register-device")
async def register_device(request: Request) -> dict[str, Any]:
    """A phone asks to be let in; a repeat refreshes its name and version."""
    actor, body = await enrolling(request), await object_of(request)
    device_id = progress.stable_id(body.get("device_id"), "device_id")
    summary = body.get("profile_summary")
    async with transaction(actor) as tx:
        device = await devices.register(
            tx, device_id, device_name=asking.text(body, "device_name") or None,
            app_version=asking.text(body, "app_version", limit=50) or None,
            profile_summary=None if summary is None else asking.summary(summary, "profile_summary"),
        )  # fmt: skip
        return {"ok": True, **answers.device(device)}


@router.get("/auth/device/{device_id}/status")
async def device_status(request: Request, device_id: str) -> dict[str, Any]:
    """pending, approved, revoked or not_registered."""
    async with transaction(await enrolling(request)) as tx:
        device = await known_devices.named(tx, device_id)
        if device is None:
            return {"device_id": device_id, "status": "not_registered", "role": None, "updated_at": None}
        return {**answers.device(device), "updated_at": device.updated_at.isoformat()}


@router.post("/auth/token")
async def token(request: Request) -> dict[str, Any]:
    """A token for an approved phone; those it had before die."""
    actor, body = await enrolling(request), await object_of(request)
    device_id = progress.stable_id(body.get("device_id"), "device_id")
    ttl_s = body.get("ttl_seconds", USUAL_S)
    if isinstance(ttl_s, bool) or not isinstance(ttl_s, int):
        raise Invalid("ttl_seconds", "This must be a whole number.")
    async with transaction(actor) as tx:
        device, made, secret = await devices.issue_token(tx, device_id, ttl_s=ttl_s)
        assert made.expires_at
        return {
            "access_token": secret, "token_type": "bearer", "expires_at": made.expires_at.isoformat(),
            "device_id": device.device_id, "role": device.role.value,
        }  # fmt: skip


@router.post("/jobs", status_code=201)
async def create_job(request: Request) -> JSONResponse:
    """A new job. With an Idempotency-Key, asking again answers the job that was made (200)."""
    phone, asked = await phone_of(request), asking.new_job(await object_of(request))
    key = request.headers.get("idempotency-key")
    key = progress.stable_id(key, "Idempotency-Key") if key else None
    async with transaction(phone.actor) as tx:
        job, is_new = await jobs.create(tx, phone.device_id, asked, idempotency_key=key)
        await tx.flush()
        made = answers.job(await known_jobs.row(tx, job.id))
    return JSONResponse(made, status_code=201 if is_new else 200)


@router.get("/jobs/assigned")
async def assigned(request: Request) -> dict[str, Any]:
    """The phone's own jobs; all of them for an admin's."""
    phone = await phone_of(request)
    async with transaction(phone.actor) as tx:
        device = await known_devices.approved(tx, phone.device_id)
        return {"jobs": [answers.job(row) for row in await known_jobs.assigned(tx, device)]}


@router.get("/jobs/{job_id}")
async def one_job(request: Request, job_id: UUID) -> dict[str, Any]:
    """Where a job stands."""
    phone = await phone_of(request)
    async with transaction(phone.actor) as tx:
        device = await known_devices.approved(tx, phone.device_id)
        await known_jobs.job_for(tx, device, job_id)
        return answers.job(await known_jobs.row(tx, job_id))


@router.patch("/jobs/{job_id}")
async def change_job(request: Request, job_id: UUID) -> dict[str, Any]:
    """Change the job's own words."""
    phone, changes = await phone_of(request), asking.job_changes(await object_of(request))
    async with transaction(phone.actor) as tx:
        await jobs.change(tx, phone.device_id, job_id, changes)
        await tx.flush()
        return answers.job(await known_jobs.row(tx, job_id))


@router.post("/jobs/{job_id}/rounds", status_code=201)
async def start_round(request: Request, job_id: UUID) -> JSONResponse:
    """A new draft; an untouched one is given again (200)."""
    phone = await phone_of(request)
    async with transaction(phone.actor) as tx:
        of, is_new = await rounds.start(tx, phone.device_id, job_id)
    return JSONResponse({"ok": True, **answers.round_head(of)}, status_code=201 if is_new else 200)


@router.get("/jobs/{job_id}/rounds/{round_id}")
async def one_round(request: Request, job_id: UUID, round_id: str) -> dict[str, Any]:
    """What the server has of a round, so that a phone that heard no answer knows what to send again."""
    phone = await phone_of(request)
    async with transaction(phone.actor) as tx:
        device = await known_devices.approved(tx, phone.device_id)
        await known_jobs.job_for(tx, device, job_id)
        of = await known_rounds.numbered(tx, job_id, round_number(round_id))
        recordings, images = await known_rounds.recordings_of(tx, of.id), await known_rounds.images_of(tx, of.id)
        return answers.round_whole(of, recordings, images)


@router.get("/jobs/{job_id}/rounds/{round_id}/manifest")
async def manifest(request: Request, job_id: UUID, round_id: str) -> dict[str, Any]:
    """What the phone said belongs to the round."""
    phone = await phone_of(request)
    async with transaction(phone.actor) as tx:
        device = await known_devices.approved(tx, phone.device_id)
        await known_jobs.job_for(tx, device, job_id)
        of = await known_rounds.numbered(tx, job_id, round_number(round_id))
        return {"round_id": of.round_id, "manifest": of.manifest}


@router.put("/jobs/{job_id}/rounds/{round_id}/manifest")
async def set_manifest(request: Request, job_id: UUID, round_id: str) -> dict[str, Any]:
    """Replace it: a list, or an object with `manifest`."""
    phone, body = await phone_of(request), json_of(await body_of(request))
    lines = progress.manifest(body.get("manifest") if isinstance(body, dict) else body, at=now())
    async with transaction(phone.actor) as tx:
        of = await rounds.set_manifest(tx, phone.device_id, job_id, round_number(round_id), lines)
        return {"ok": True, "round_id": of.round_id, "manifest": of.manifest}


@router.put("/jobs/{job_id}/sections/{section_id}/recordings/{recording_id}")
async def put_recording(request: Request, job_id: UUID, section_id: str, recording_id: str) -> dict[str, Any]:
    """Raw bytes of m4a or wav, into the latest round."""
    phone = await phone_of(request)
    if section_id not in SECTIONS:
        raise NotFound("The form has no such section.")
    progress.stable_id(recording_id, "recording_id")
    async with upload(request) as content:
        sound = media.sound(content)
        async with transaction(phone.actor) as tx:
            recording = await uploads.put_recording(
                tx, phone.device_id, job_id, section_id=section_id, recording_id=recording_id, sound=sound
            )
            return {"ok": True, **answers.recording(recording)}


@router.put("/jobs/{job_id}/sections/{section_id}/images/{image_id}")
async def put_image(request: Request, job_id: UUID, section_id: str, image_id: str) -> dict[str, Any]:
    """Raw bytes of JPEG or PNG, into the latest round."""
    phone = await phone_of(request)
    _require_photos(section_id)
    progress.stable_id(image_id, "image_id")
    async with upload(request) as content:
        photo = await anyio.to_thread.run_sync(media.photo, content)
        async with transaction(phone.actor) as tx:
            image = await uploads.put_image(tx, phone.device_id, job_id, image_id=image_id, photo=photo)
            return {"ok": True, **answers.image(image)}


@router.patch("/jobs/{job_id}/sections/{section_id}/images/{image_id}")
async def describe_image(request: Request, job_id: UUID, section_id: str, image_id: str) -> dict[str, Any]:
    """Caption and position of a photo; null takes them away."""
    phone, body = await phone_of(request), await object_of(request)
    _require_photos(section_id)
    changes: dict[str, Any] = {}
    if "caption" in body:
        changes["caption"] = asking.text(body, "caption") or None
    if "gps" in body:
        nowhere = {"latitude": None, "longitude": None}
        changes |= nowhere if body["gps"] is None else filling.place(body["gps"], "gps")
    async with transaction(phone.actor) as tx:
        image = await uploads.describe_image(tx, phone.device_id, job_id, image_id, changes=changes)
        return {"ok": True, **answers.image(image)}


@router.post("/jobs/{job_id}/rounds/{round_id}/submit")
async def submit(request: Request, job_id: UUID, round_id: str) -> dict[str, Any]:
    """Hand the round in. What its manifest names and has not come yet is listed, and may still be sent."""
    phone, body = await phone_of(request), await object_of(request)
    form = filling.clean(body.get("form"))
    told = body.get("narrative")
    told = asking.mapping(told, "narrative").get("text") if isinstance(told, dict) else told
    revision = body.get("client_revision_id")
    async with transaction(phone.actor) as tx:
        done = await rounds.submit(
            tx, phone.device_id, job_id, round_number(round_id), form=form,
            narrative=None if told is None else filling.as_text(told, "narrative", limit=20_000, lines=True),
            client_revision_id=None if revision is None else progress.stable_id(revision, "client_revision_id"),
        )  # fmt: skip
        return answers.submitted(done)


def _require_photos(section_id: str) -> None:
    if section_id != PHOTOS:
        raise NotFound("Photos belong to the section {section}.", section=PHOTOS)
