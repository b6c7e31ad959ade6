"""An approved phone, a job, sounds and pictures as a phone makes them, and a form as an arborist fills it."""

import io
import struct
import wave
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from PIL import Image

from data.core.actor import Actor
from data.core.session import transaction
from data.identity import commands as identity
from data.identity.tables import TokenKind
from data.trees import media
from data.trees.commands import devices, jobs, rounds, uploads
from data.trees.commands.devices import ASSESS, ENROL
from data.trees.rules.asking import new_job
from data.trees.rules.filling import clean
from data.trees.tables import Job, JobRound
from data.trees.words import DeviceRole

JOB: dict[str, Any] = {
    "job_name": "Oak at the school", "job_address": "12 Riverside", "job_phone": "012 345 678", "contact_preference": "phone",
    "billing_name": "Town council", "billing_address": "1 Main street", "customer_name": "Riverside School",
}  # fmt: skip

FORM: dict[str, Any] = {
    "client_tree_details": {
        "client": "Riverside School", "tree_species": "Quercus robur", "dbh": 31, "height": 62,
        "gps": {"latitude": 11.5621, "longitude": 104.9165},
    },
    "target_assessment": {"targets": [{"target_number": 1, "label": "playground", "occupancy_rate": 3, "zone_within_drip_line": True}]},
    "crown_and_branches": {"dead_twigs": True, "dead_twigs_percent": 15, "likelihood_of_failure": "probable"},
    "risk_categorization": {
        "rows": [
            {
                "condition_number": 1, "tree_part": "crown", "condition": "Dead limb over the swings", "target_number": 1,
                "failure_likelihood": "probable", "impact_likelihood": "high", "consequences": "significant",
            }
        ]
    },
    "mitigation_options": {"options": [{"option": "Remove the dead limb", "residual_risk": "low"}]},
    "data_status": "final",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phone:
    """A registered phone as its machine acts, and the secret of its token."""

    id: UUID
    device_id: str
    actor: Actor
    token: str


def enrolling(organization_id: UUID) -> Actor:
    return Actor.machine(organization_id, "enrolment", ENROL)


async def enrolment_secret(owner: Actor) -> str:
    async with transaction(owner) as tx:
        return (await identity.make_token(tx, name="tree phones", kind=TokenKind.FEED, network="trees"))[1]


async def phone(owner: Actor, device_id: str = "phone-1", *, role: DeviceRole = DeviceRole.ARBORIST) -> Phone:
    """A phone that the owner approved."""
    assert owner.organization_id
    async with transaction(enrolling(owner.organization_id)) as tx:
        device = await devices.register(tx, device_id, device_name=f"Phone {device_id}", app_version="1.0")
    async with transaction(owner) as tx:
        await devices.approve(tx, device.id, role=role)
    async with transaction(enrolling(owner.organization_id)) as tx:
        _, _, secret = await devices.issue_token(tx, device_id)
    return Phone(device.id, device_id, Actor.machine(owner.organization_id, f"Phone {device_id}", ASSESS), secret)


async def job(by: Phone, **changes: Any) -> Job:
    async with transaction(by.actor) as tx:
        return (await jobs.create(tx, by.id, new_job(JOB | changes)))[0]


async def submitted(by: Phone, of: Job, *, form: dict[str, Any] | None = None) -> JobRound:
    """A round with one recording and one photo, handed in."""
    async with transaction(by.actor) as tx:
        await rounds.start(tx, by.id, of.id)
    async with transaction(by.actor) as tx:
        await uploads.put_recording(tx, by.id, of.id, section_id="trunk", recording_id="rec-1", sound=media.sound(wav()))
        await uploads.put_image(tx, by.id, of.id, image_id="img-1", photo=media.photo(jpeg()))
    async with transaction(by.actor) as tx:
        return (await rounds.submit(tx, by.id, of.id, 1, form=clean(form or FORM), narrative="The oak stands well.")).round


def jpeg(width: int = 640, height: int = 480, *, orientation: int = 1, colour: str = "darkgreen") -> bytes:
    """A photo; orientation 6 is a phone held upright."""
    image, out = Image.new("RGB", (width, height), colour), io.BytesIO()
    image.paste("saddlebrown", (0, 0, width // 2, height // 4))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def png(width: int = 64, height: int = 64) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (width, height), (0, 120, 0, 128)).save(out, "PNG")
    return out.getvalue()


def wav(seconds: float = 0.5) -> bytes:
    """Silence, 8 kHz mono."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * int(8000 * seconds))
    return out.getvalue()


def m4a(seconds: int = 3) -> bytes:
    """The boxes of an MPEG-4 recording, without sound in it."""

    def box(name: bytes, payload: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(payload), name) + payload

    header = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, seconds * 1000) + b"\0" * 80)
    return box(b"ftyp", b"M4A \0\0\0\0M4A mp42") + box(b"moov", header) + box(b"mdat", b"\0" * 64)
