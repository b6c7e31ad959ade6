import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlmodel import select

from data.core.session import transaction
from data.platform.tables import File
from data.trees import media
from data.trees.commands import devices, review
from data.trees.queries import devices as known_devices
from data.trees.tables import Job, RoundImage, RoundRecording
from jobs.networks import _refusals, assessments
from jobs.trees import bring_rounds_to_review
from tests.factories import trees as factory
from tests.factories.people import World
from tests.factories.trees import FORM, JOB, jpeg, m4a, png, wav

API = "/api/trees/v1"


@pytest.fixture
async def http() -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    app.include_router(assessments.router)
    _refusals.install(app)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://steading.example") as client:
        yield client


@pytest.fixture
async def phone(world: World, http: AsyncClient) -> AsyncClient:
    """The door as an approved phone knocks at it."""
    http.headers["x-api-key"] = (await factory.phone(world.owner)).token
    return http


async def made(phone: AsyncClient, **changes: Any) -> str:
    answer = await phone.post(f"{API}/jobs", json=JOB | changes)
    assert answer.status_code == 201, answer.text
    return f"{API}/jobs/{answer.json()['job_id']}"


def key(secret: str) -> dict[str, str]:
    return {"x-api-key": secret}


async def test_a_phone_comes_in_as_its_protocol_says(world: World, http: AsyncClient) -> None:
    enrolment = {"x-enrolment": await factory.enrolment_secret(world.owner)}
    status = f"{API}/auth/device/pixel-7/status"
    assert (await http.get(status, headers=enrolment)).json()["status"] == "not_registered"
    asked = await http.post(
        f"{API}/auth/register-device", headers=enrolment,
        json={"device_id": "pixel-7", "device_name": "Asha", "app_version": "1.2", "profile_summary": {"name": "Asha", "isa": None}},
    )  # fmt: skip
    assert asked.json() == {"ok": True, "device_id": "pixel-7", "status": "pending", "role": "arborist"}
    want = {"device_id": "pixel-7", "ttl_seconds": 3600}
    assert (await http.post(f"{API}/auth/token", headers=enrolment, json=want)).status_code == 403
    assert (await http.post(f"{API}/auth/token", headers=enrolment, json=want | {"device_id": "other"})).status_code == 404
    async with transaction(world.owner) as tx:
        (device,) = await known_devices.devices(tx)
        await devices.approve(tx, device.id)
    assert (await http.get(status, headers=enrolment)).json()["status"] == "approved"
    given = (await http.post(f"{API}/auth/token", headers=enrolment, json=want)).json()
    assert (given["token_type"], given["device_id"], given["role"]) == ("bearer", "pixel-7", "arborist")
    assert len(given["access_token"]) >= 43
    assert (await http.get(f"{API}/jobs/assigned", headers=key(given["access_token"]))).json() == {"jobs": []}
    again = (await http.post(f"{API}/auth/token", headers=enrolment, json=want)).json()
    assert (await http.get(f"{API}/jobs/assigned", headers=key(given["access_token"]))).status_code == 401
    assert (await http.get(f"{API}/jobs/assigned", headers=key(again["access_token"]))).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "device_id"),
        ({"device_id": "a b"}, "device_id"),
        ({"device_id": "a" * 101}, "device_id"),
        ({"device_id": "ok", "device_name": 7}, "device_name"),
        ({"device_id": "ok", "device_name": "x" * 201}, "device_name"),
        ({"device_id": "ok", "profile_summary": []}, "profile_summary"),
        ({"device_id": "ok", "profile_summary": {"a": "x" * 300}}, "profile_summary.a"),
    ],
)
async def test_a_malformed_registration_names_its_field(world: World, http: AsyncClient, body: Any, field: str) -> None:
    answer = await http.post(f"{API}/auth/register-device", headers=key(await factory.enrolment_secret(world.owner)), json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


@pytest.mark.parametrize("ttl", [59, 10**9, "week", True, 3.5])
async def test_a_token_lives_at_least_a_minute_and_at_most_a_year(world: World, http: AsyncClient, ttl: object) -> None:
    headers = key(await factory.enrolment_secret(world.owner))
    answer = await http.post(f"{API}/auth/token", headers=headers, json={"device_id": "x", "ttl_seconds": ttl})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "ttl_seconds")


async def test_without_the_right_secret_every_door_is_shut(world: World, http: AsyncClient) -> None:
    token = (await factory.phone(world.owner)).token
    enrolment = await factory.enrolment_secret(world.owner)
    of = f"{API}/jobs/00000000-0000-0000-0000-000000000000"
    doors = [
        ("POST", f"{API}/jobs"), ("GET", f"{API}/jobs/assigned"), ("GET", of), ("PATCH", of), ("POST", f"{of}/rounds"),
        ("GET", f"{of}/rounds/round_1"), ("GET", f"{of}/rounds/round_1/manifest"), ("PUT", f"{of}/rounds/round_1/manifest"),
        ("PUT", f"{of}/sections/trunk/recordings/r"), ("PUT", f"{of}/sections/job_photos/images/i"),
        ("PATCH", f"{of}/sections/job_photos/images/i"), ("POST", f"{of}/rounds/round_1/submit"),
    ]  # fmt: skip
    assert len(doors) + 3 == len(assessments.router.routes), "a new door is tried here too"
    for method, path in doors:
        for headers in ({}, key("wrong"), key(enrolment), {"x-enrolment": token}):
            assert (await http.request(method, path, headers=headers, json={})).status_code == 401, (method, path)
    for method, path in (("POST", "register-device"), ("GET", "device/x/status"), ("POST", "token")):
        for headers in ({}, key("wrong"), key(token)):
            assert (await http.request(method, f"{API}/auth/{path}", headers=headers, json={"device_id": "x"})).status_code == 401


async def test_a_phone_that_is_revoked_is_out_at_once(world: World, http: AsyncClient) -> None:
    one = await factory.phone(world.owner)
    async with transaction(world.owner) as tx:
        await devices.revoke(tx, one.id)
    assert (await http.get(f"{API}/jobs/assigned", headers=key(one.token))).status_code == 401


async def test_a_job_goes_from_the_first_call_to_review_and_back(world: World, phone: AsyncClient) -> None:
    of = await made(phone, tree_number="two")
    begun = (await phone.get(of)).json()
    assert (begun["job_number"], begun["status"], begun["tree_number"], begun["latest_round_id"]) == ("J0001", "NOT_STARTED", 2, None)
    assert (await phone.post(f"{of}/rounds")).json() == {"ok": True, "round_id": "round_1", "status": "DRAFT"}
    listed = [
        {"artifact_id": "rec-1", "section_id": "trunk", "recorded_at": "2026-11-20T08:00:00+07:00"},
        {"artifact_id": "rec-2", "section_id": "load_factors", "client_order": 1},
        {"artifact_id": "img-1", "section_id": "job_photos", "kind": "image"},
    ]
    put = await phone.put(f"{of}/rounds/round_1/manifest", json=listed)
    assert put.status_code == 200 and len((await phone.get(f"{of}/rounds/round_1/manifest")).json()["manifest"]) == 3
    assert (await phone.put(f"{of}/sections/trunk/recordings/rec-1", content=m4a())).json()["mime_type"] == "audio/mp4"
    assert (await phone.put(f"{of}/sections/job_photos/images/img-1", content=jpeg())).status_code == 200
    described = await phone.patch(
        f"{of}/sections/job_photos/images/img-1", json={"caption": "Cavity", "gps": {"latitude": 11.5, "longitude": 104.9}}
    )
    assert (described.json()["caption"], described.json()["gps"]["latitude"]) == ("Cavity", 11.5)
    sent = (await phone.post(f"{of}/rounds/round_1/submit", json={"form": FORM, "narrative": {"text": "Well."}})).json()
    assert (sent["status"], sent["tree_number"], sent["processed_count"]) == ("SUBMITTED_FOR_PROCESSING", 2, 2)
    assert sent["failed_artifacts"] == [{"section_id": "load_factors", "artifact_id": "rec-2", "reason": "not uploaded"}]
    assert (await phone.put(f"{of}/sections/load_factors/recordings/rec-2", content=wav())).status_code == 200
    await bring_rounds_to_review()
    seen = (await phone.get(of)).json()
    assert (seen["status"], seen["review_ready"], seen["tree_species"]) == ("REVIEW_RETURNED", True, "Quercus robur")
    job_id = seen["job_id"]
    async with transaction(world.assessor) as tx:
        await review.send_back(tx, job_id, note="Look at the roots")
    back = (await phone.get(f"{of}/rounds/round_1")).json()
    assert (back["status"], back["review_note"], back["processing_state"]) == ("DRAFT", "Look at the roots", "accepted")
    assert back["accepted_recording_ids"] == ["rec-2", "rec-1"] and back["accepted_image_ids"] == ["img-1"]
    assert [j["job_id"] for j in (await phone.get(f"{API}/jobs/assigned")).json()["jobs"]] == [job_id]


async def test_what_is_sent_twice_is_kept_once(world: World, phone: AsyncClient) -> None:
    answers = [await phone.post(f"{API}/jobs", json=JOB, headers={"idempotency-key": "k-1"}) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 200]
    of = f"{API}/jobs/{answers[0].json()['job_id']}"
    assert answers[0].json()["job_id"] == answers[1].json()["job_id"]
    assert [(await phone.post(f"{of}/rounds")).status_code for _ in range(2)] == [201, 200]
    for _ in range(2):
        await asyncio.gather(*(phone.put(f"{of}/sections/trunk/recordings/r", content=wav()) for _ in range(2)))
        await asyncio.gather(*(phone.put(f"{of}/sections/job_photos/images/i", content=jpeg()) for _ in range(2)))
    sent = [await phone.post(f"{of}/rounds/round_1/submit", json={"client_revision_id": "c1"}) for _ in range(2)]
    assert [a.status_code for a in sent] == [200, 200]
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(Job))).all()) == 1
        assert len((await tx.exec(select(RoundRecording))).all()) == len((await tx.exec(select(RoundImage))).all()) == 1
        assert len((await tx.exec(select(File))).all()) == 3


async def test_another_phones_job_is_forbidden_and_another_organizations_unknown(world: World, phone: AsyncClient) -> None:
    of = await made(phone)
    await phone.post(f"{of}/rounds")
    colleague, stranger = await factory.phone(world.owner, "phone-2"), await factory.phone(world.stranger)
    for secret, status in ((colleague.token, 403), (stranger.token, 404)):
        for method, path in (
            ("GET", of), ("PATCH", of), ("POST", f"{of}/rounds"), ("GET", f"{of}/rounds/round_1"),
            ("GET", f"{of}/rounds/round_1/manifest"), ("POST", f"{of}/rounds/round_1/submit"),
            ("PATCH", f"{of}/sections/job_photos/images/i"),
        ):  # fmt: skip
            assert (await phone.request(method, path, headers=key(secret), json={})).status_code == status, (method, path)
        put = {"manifest": []}
        assert (await phone.put(f"{of}/rounds/round_1/manifest", headers=key(secret), json=put)).status_code == status
        assert (await phone.put(f"{of}/sections/trunk/recordings/r", headers=key(secret), content=wav())).status_code == status
        assert (await phone.put(f"{of}/sections/job_photos/images/i", headers=key(secret), content=png())).status_code == status
        assert (await phone.get(f"{API}/jobs/assigned", headers=key(secret))).json() == {"jobs": []}
    async with transaction(world.owner) as tx:
        assert not (await tx.exec(select(RoundRecording))).all()


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("sections/trunk/recordings/r", b"not sound", 422),
        ("sections/trunk/recordings/r", jpeg(), 422),
        ("sections/trunk/recordings/..%2Fr", wav(), 404),
        ("sections/trunk/recordings/%20r", wav(), 422),
        ("sections/bark/recordings/r", wav(), 404),
        ("sections/job_photos/images/i", wav(), 422),
        ("sections/trunk/images/i", jpeg(), 404),
        ("sections/job_photos/images/i", b"<svg onload=alert(1)>", 422),
    ],
)
async def test_an_upload_that_is_not_what_it_should_be_is_refused(
    world: World, phone: AsyncClient, path: str, content: bytes, status: int
) -> None:
    of = await made(phone)
    await phone.post(f"{of}/rounds")
    headers = {"content-type": "audio/m4a" if "recordings" in path else "image/jpeg"}
    assert (await phone.put(f"{of}/{path}", content=content, headers=headers)).status_code == status
    async with transaction(world.owner) as tx:
        assert not (await tx.exec(select(File))).all()


async def test_an_upload_may_have_25_megabytes(phone: AsyncClient) -> None:
    of = await made(phone)
    await phone.post(f"{of}/rounds")
    path = f"{of}/sections/trunk/recordings/r"
    assert (await phone.put(path, content=m4a() + b"\0" * (media.MAX_BYTES - len(m4a()) + 1))).status_code == 413
    assert (await phone.put(path, content=m4a() + b"\0" * 2_000_000)).status_code == 200, "more than other messages may have"


async def test_too_many_uploads_at_once_are_asked_to_come_back(phone: AsyncClient) -> None:
    of = await made(phone)
    await phone.post(f"{of}/rounds")
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield wav()
        await go_on.wait()

    slow = [asyncio.create_task(phone.put(f"{of}/sections/trunk/recordings/r{n}", content=slowly())) for n in range(assessments.MAX_UPLOADS)]
    for _ in range(500):
        if assessments.uploads_held() == assessments.MAX_UPLOADS:
            break
        await asyncio.sleep(0.01)
    answer = await phone.put(f"{of}/sections/trunk/recordings/one-more", content=wav())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    go_on.set()
    assert {done.status_code for done in await asyncio.gather(*slow)} == {200}
    assert assessments.uploads_held() == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"form": {"trunk": {"lean_degrees": 91}}}, "form.trunk.lean_degrees"),
        ({"form": {"client_tree_details": {"gps": {"latitude": 91, "longitude": 0}}}}, "form.client_tree_details.gps.latitude"),
        ({"form": "all well"}, "form"),
        ({"narrative": 3}, "narrative"),
        ({"narrative": {"text": ["x"]}}, "narrative"),
        ({"client_revision_id": "a b"}, "client_revision_id"),
    ],
)
async def test_a_submission_that_cannot_be_names_its_field(phone: AsyncClient, body: Any, field: str) -> None:
    of = await made(phone)
    await phone.post(f"{of}/rounds")
    answer = await phone.post(f"{of}/rounds/round_1/submit", json=body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert (await phone.get(of)).json()["status"] == "DRAFT"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"job_name": NaN}', b"\xff\xfe", b'"' + b"x" * 1_000_001 + b'"'])
async def test_a_body_that_is_no_object_is_refused(phone: AsyncClient, body: bytes) -> None:
    assert (await phone.post(f"{API}/jobs", content=body)).status_code in (413, 422)


async def test_what_is_not_there_is_not_found(phone: AsyncClient) -> None:
    of = await made(phone)
    for path in (f"{of}/rounds/round_1", f"{of}/rounds/round_x", f"{of}/rounds/round_-1", f"{of}/rounds/round_99999999999"):
        assert (await phone.get(path)).status_code == 404
    assert (await phone.get(f"{API}/jobs/nonsense")).status_code == 422
    assert (await phone.put(f"{of}/sections/trunk/recordings/r", content=wav())).status_code == 400, "there is no round yet"
    await phone.post(f"{of}/rounds")
    assert (await phone.patch(f"{of}/sections/job_photos/images/none", json={"caption": "x"})).status_code == 404
