"""An arborist's phone: it asks to be let in, makes jobs, and sends home photos, a recording and a form for each."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio.to_thread
import httpx
import structlog
from sqlmodel import select

from data.core.actor import Actor
from data.core.errors import Conflict
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from data.trees.commands import devices, review
from data.trees.queries import devices as known
from data.trees.tables import Job
from data.trees.words import JobStatus
from jobs.demonstration.people import Staff
from jobs.demonstration.pictures import photo, recording

log = structlog.get_logger()

DEVICE, NEWCOMER = "iphone-chantha-7f3a", "pixel-dara-19c2"
API = "/api/trees/v1"
BILLING = {"billing_name": "Angkor Fresh Co., Ltd.", "billing_contact_name": "Sophea Chan", "billing_address": "Street 289, Phnom Penh"}


@dataclass(frozen=True, slots=True)
class Visit:
    """One tree that is looked at: who asked, what the phone brings home, and how far the job shall come."""

    key: str
    job_name: str
    job_address: str
    customer_name: str
    reason: str
    latitude: float
    longitude: float
    reaches: str
    days_ago: float = 0.0
    motifs: Sequence[tuple[str, str]] = ()
    form: Mapping[str, Any] = field(default_factory=dict)
    narrative: str = ""
    note: str = ""


def _details(species: str, dbh: int, height: int, spread: int, visit_place: tuple[float, float], address: str) -> dict[str, Any]:
    latitude, longitude = visit_place
    return {
        "client": "Angkor Fresh", "address_tree_location": address, "tree_species": species, "dbh": dbh, "height": height,
        "crown_spread_dia": spread, "assessors": "Chantha Lim", "time_frame": "3 years", "tools_used": "Mallet, probe, binoculars",
        "gps": {"latitude": latitude, "longitude": longitude},
    }  # fmt: skip


def _risk(part: str, condition: str, size: int, failure: str, impact: str, consequences: str) -> dict[str, Any]:
    return {
        "condition_number": 1, "tree_part": part, "condition": condition, "part_size": size, "fall_distance": 20, "target_number": 1,
        "failure_likelihood": failure, "impact_likelihood": impact, "consequences": consequences,
    }  # fmt: skip


TARGET = {"target_number": 1, "label": "Footpath", "zone_within_drip_line": True, "occupancy_rate": 3, "practical_to_move": False}

VISITS: Sequence[Visit] = (
    Visit(
        "visit-1", "Rain tree at the cold store gate · ដើមអំពិលបារាំងមុខឃ្លាំង", "Street 289, Tuol Kork", "Angkor Fresh",
        "Lorries pass under the lowest limb.", 11.5789, 104.9008, "approved", 9,
        (("whole", "Whole tree from the gate"), ("crown", "Dead limb on the north side"), ("cavity", "Old pruning wound, 2 m up")),
        {
            "client_tree_details": _details("Samanea saman", 38, 62, 85, (11.5789, 104.9008), "Gate, Street 289"),
            "target_assessment": {"targets": [TARGET | {"label": "Gate", "occupancy_rate": 4}]},
            "tree_health_and_species": {"vigor": "normal", "foliage": {"normal_percent": 92, "chlorotic_percent": 8}, "pests": "None seen"},
            "crown_and_branches": {"dead_twigs": True, "dead_twigs_percent": 5, "dead_twigs_max_dia": 4, "load_on_defect": "moderate", "likelihood_of_failure": "possible", "main_concerns": "One dead limb over the gate."},
            "risk_categorization": {"rows": [_risk("crown", "Dead limb over the gate", 6, "probable", "medium", "significant")]},
            "mitigation_options": {"options": [{"option": "Remove the dead limb", "residual_risk": "low"}]},
            "work_priority": 2, "recommended_inspection_interval": {"text": "12 months"},
        },
        "A mature rain tree in good vigour stands at the gate. One dead limb of six inches hangs over the way of the lorries. "
        "With the limb removed the risk is low.",
    ),
    Visit(
        "visit-2", "Leaning mango by the hen house · ដើមស្វាយទ្រេតក្បែរទ្រុង", "Ta Khmau farm", "Ta Khmau farm",
        "It leans towards house 2 since the last storm.", 11.4691, 104.9442, "waiting", 1.2,
        (("whole", "Lean towards the house"), ("roots", "Root plate, south side"), ("cavity", "Cavity at 1.5 m")),
        {
            "client_tree_details": _details("Mangifera indica", 21, 38, 34, (11.4691, 104.9442), "Beside house 2"),
            "target_assessment": {"targets": [TARGET | {"label": "House 2", "zone_within_1x_height": True, "occupancy_rate": 4}]},
            "site_factors": {"topography": "flat", "soil_conditions": {"saturated": True, "describe": "Wet after the rains"}, "common_weather": {"strong_winds": True, "heavy_rain": True}},
            "trunk": {"lean_degrees": 14, "cavity_nest_hole_percent": 20, "cavity_nest_hole_depth": 5, "load_on_defect": "significant", "likelihood_of_failure": "probable"},
            "roots_and_root_collar": {"root_plate_lifting": True, "soil_weakness": True, "load_on_defect": "moderate", "likelihood_of_failure": "possible"},
            "risk_categorization": {"rows": [_risk("trunk", "Lean with a cavity", 21, "probable", "high", "severe")]},
            "mitigation_options": {"options": [{"option": "Reduce the crown on the house side", "residual_risk": "moderate"}, {"option": "Remove the tree", "residual_risk": "low"}]},
            "work_priority": 1,
        },
        "The mango leans fourteen degrees towards house 2, which is always occupied. Its root plate has begun to lift in wet soil, "
        "and a cavity takes a fifth of the trunk.",
    ),
    Visit(
        "visit-3", "Flame tree at the school · ដើមក្ងោកក្រហមនៅសាលា", "Monireth 410, Stung Meanchey", "Stung Meanchey school",
        "Children play underneath.", 11.5366, 104.8941, "returned", 3,
        (("crown", "Crown from below"),),
        {
            "client_tree_details": _details("Delonix regia", 16, 30, 40, (11.5366, 104.8941), "School yard"),
            "tree_health_and_species": {"vigor": "low", "foliage": {"normal_percent": 60, "chlorotic_percent": 40}},
            "risk_categorization": {"rows": [_risk("crown", "Dead branches", 3, "possible", "high", "significant")]},
        },
        "Thin crown with dead branches above the play ground.", "Please add a photo of the roots, and say how far the branches reach.",
    ),
    Visit(
        "visit-4", "Banyan at the duck pond · ដើមជ្រៃក្បែរស្រះទា", "Prek Leap farm", "Prek Leap farm",
        "Roots lift the path.", 11.6259, 104.9246, "draft", 0.1, (("roots", "Roots under the path"),),
    ),
    Visit(
        "visit-5", "Row of sugar palms · ដើមត្នោតមួយជួរ", "National Road 6A, Prek Leap", "Prek Leap commune",
        "Look at all twelve before the new year.", 11.6143, 104.9288, "new",
    ),
)  # fmt: skip


class Arborist:
    """The phone that is let in, and another that still waits for it. What was sent before is not sent again."""

    def __init__(self, client: httpx.AsyncClient, staff: Staff, enrolment: str) -> None:
        self._client, self._staff, self._enrolment = client, staff, enrolment
        self._key = ""

    async def run(self) -> None:
        """The visits, once; the phone's token is asked for anew each time, as after a restart of the app."""
        async with transaction(self._staff.itself) as tx:
            made = (await tx.exec(select(Job.idempotency_key, Job.id))).all()
        if len(made) >= len(VISITS):
            return
        await self._be_let_in()
        for visit in VISITS:
            await self._bring_home(visit)
        await self._register(NEWCOMER, "Dara's Pixel", "1.4.1")

    async def _be_let_in(self) -> None:
        await self._register(DEVICE, "Chantha's iPhone", "1.4.2")
        async with transaction(self._staff.acting(Role.OWNER)) as tx:
            phone = await known.named(tx, DEVICE)
            assert phone, "it has just registered"
            await devices.approve(tx, phone.id)
        reply = await self._said("POST", "/auth/token", json={"device_id": DEVICE}, headers={"X-Enrolment": self._enrolment})
        self._key = reply["access_token"]

    async def _register(self, device_id: str, name: str, version: str) -> None:
        body = {"device_id": device_id, "device_name": name, "app_version": version}
        await self._said("POST", "/auth/register-device", json=body, headers={"X-Enrolment": self._enrolment})

    async def _bring_home(self, visit: Visit) -> None:
        asked = {
            "job_name": visit.job_name, "job_address": visit.job_address, "job_phone": "+855 12 555 200", "contact_preference": "phone",
            "customer_name": visit.customer_name, "reason": visit.reason, **BILLING,
        }  # fmt: skip
        job = await self._said("POST", "/jobs", json=asked, headers=self._headers | {"Idempotency-Key": visit.key})
        if visit.reaches == "new" or job["status"] != "NOT_STARTED":
            return
        of = f"/jobs/{job['job_id']}"
        round_id = (await self._said("POST", f"{of}/rounds"))["round_id"]
        await self._said("PUT", f"{of}/rounds/{round_id}/manifest", json=self._manifest(visit))
        await self._send_files(visit, of)
        if visit.reaches == "draft":
            return
        body = {"form": visit.form, "narrative": {"text": visit.narrative}, "client_revision_id": f"{visit.key}-r1"}
        await self._said("POST", f"{of}/rounds/{round_id}/submit", json=body)
        if visit.reaches != "waiting":
            await self._review(visit)

    def _manifest(self, visit: Visit) -> list[dict[str, Any]]:
        at = (now() - timedelta(days=visit.days_ago)).isoformat(timespec="seconds")
        images = [
            {"artifact_id": f"photo-{n}", "section_id": "job_photos", "kind": "image", "client_order": n, "recorded_at": at}
            for n, _ in enumerate(visit.motifs)
        ]
        voice = {"artifact_id": "note-1", "section_id": "site_factors", "kind": "recording", "client_order": len(images), "recorded_at": at}
        return [*images, voice]

    async def _send_files(self, visit: Visit, of: str) -> None:
        seed = VISITS.index(visit) * 11
        for n, (motif, caption) in enumerate(visit.motifs):
            picture = await anyio.to_thread.run_sync(photo, motif, seed + n)
            path = f"{of}/sections/job_photos/images/photo-{n}"
            await self._said("PUT", path, content=picture, headers=self._headers | {"Content-Type": "image/jpeg"})
            place = {"latitude": visit.latitude + 0.00004 * n, "longitude": visit.longitude}
            await self._said("PATCH", path, json={"caption": caption, "gps": place})
        sound = await anyio.to_thread.run_sync(recording, seed)
        path = f"{of}/sections/site_factors/recordings/note-1"
        await self._said("PUT", path, content=sound, headers=self._headers | {"Content-Type": "audio/wav"})

    async def _review(self, visit: Visit) -> None:
        """The reviewer's part, as on the page; the job's own clock brings the round to review first."""
        reviewer = self._staff.acting(Role.ASSESSOR)
        for _ in range(20):
            await asyncio.sleep(1)
            if await self._is_waiting(reviewer, visit.key):
                break
        async with transaction(reviewer) as tx:
            job = (await tx.exec(select(Job).where(Job.idempotency_key == visit.key))).one()
            try:
                if visit.reaches == "approved":
                    await review.approve(tx, job.id)
                else:
                    await review.send_back(tx, job.id, note=visit.note)
            except Conflict as refusal:
                log.debug("a simulated review was refused", reason=str(refusal))

    async def _is_waiting(self, reviewer: Actor, key: str) -> bool:
        async with transaction(reviewer) as tx:
            status = (await tx.exec(select(Job.status).where(Job.idempotency_key == key))).one_or_none()
        return status is JobStatus.REVIEW_RETURNED

    @property
    def _headers(self) -> dict[str, str]:
        return {"X-API-Key": self._key}

    async def _said(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The door's answer. RuntimeError where it refuses: then the demonstration itself is wrong."""
        request.setdefault("headers", self._headers)
        reply = await self._client.request(method, API + path, **request)
        if not reply.is_success:
            raise RuntimeError(f"{method} {path}: {reply.status_code} {reply.text[:300]}")
        answer: dict[str, Any] = reply.json()
        return answer
