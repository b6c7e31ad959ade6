import re

import httpx
import pytest
from playwright.async_api import expect

from data.core.session import transaction
from data.trees.queries import review as known
from tests.e2e.conftest import Server, Visitors
from tests.factories import trees as factory
from tests.factories.people import World
from tests.factories.trees import FORM, JOB, jpeg, wav

pytestmark = pytest.mark.e2e

API = "/api/trees/v1"


async def handed_in(url: str, token: str) -> str:
    """A job with a photo and a recording, as a phone sends it; its id."""
    async with httpx.AsyncClient(base_url=url + API, headers={"x-api-key": token}) as phone:
        job_id: str = (await phone.post("/jobs", json=JOB)).json()["job_id"]
        of = f"/jobs/{job_id}"
        await phone.post(f"{of}/rounds")
        listed = [{"artifact_id": "r", "section_id": "trunk"}, {"artifact_id": "i", "section_id": "job_photos", "kind": "image"}]
        await phone.put(f"{of}/rounds/round_1/manifest", json=listed)
        assert (await phone.put(f"{of}/sections/trunk/recordings/r", content=wav(2))).status_code == 200
        assert (await phone.put(f"{of}/sections/job_photos/images/i", content=jpeg(orientation=6))).status_code == 200
        await phone.patch(f"{of}/sections/job_photos/images/i", json={"caption": "Dead limb"})
        sent = await phone.post(f"{of}/rounds/round_1/submit", json={"form": FORM, "narrative": "The oak stands well."})
        assert sent.status_code == 200, sent.text
        return job_id


async def test_a_job_from_the_phone_is_seen_heard_sent_back_and_approved(served: Server, home: World, visitors: Visitors) -> None:
    phone = await factory.phone(home.owner)
    assessor = await visitors.signed_in("asha.green@example.org")
    page = await assessor.open("/trees")
    await expect(page.get_by_text("There are no tree jobs yet.")).to_be_visible()
    job_id = await handed_in(served.url, phone.token)
    await expect(page.locator(".st-rows").get_by_text("Waits for review")).to_be_visible(timeout=15_000)
    page = await assessor.open("/")
    await page.get_by_text("Tree job J0001 waits for review.").click()
    await page.wait_for_url(f"**/trees/{job_id}")
    for words in ("Riverside School", "Quercus robur", "Risk: High", "The oak stands well.", "Dead limb over the swings"):
        await expect(page.get_by_text(words).first).to_be_visible()
    photo = page.locator(".st-photo img")
    await expect(photo).to_be_visible()
    assert await photo.evaluate("async image => { await image.decode(); return [image.naturalWidth, image.naturalHeight] }") == [480, 640]
    await page.locator(".st-photo").click()
    await expect(page.locator(".st-lightbox").get_by_text("Dead limb", exact=True)).to_be_visible()
    await page.keyboard.press("Escape")
    played = await page.locator("audio").evaluate(
        "sound => new Promise((done, fail) => { sound.onloadedmetadata = () => done(sound.duration); sound.onerror = () => fail('no sound');"
        " sound.preload = 'metadata'; sound.load(); })"
    )
    assert abs(played - 2) < 0.1
    await page.get_by_role("button", name="Send back").first.click()
    await page.get_by_label("What is missing or wrong?").fill("How deep is the cavity?")
    await page.get_by_role("dialog").get_by_role("button", name="Send back").click()
    await expect(page.get_by_text("In the field").first).to_be_visible()
    async with httpx.AsyncClient(base_url=served.url + API, headers={"x-api-key": phone.token}) as http:
        back = (await http.get(f"/jobs/{job_id}/rounds/round_1")).json()
        assert (back["status"], back["review_note"]) == ("DRAFT", "How deep is the cavity?")
        await http.post(f"/jobs/{job_id}/rounds/round_1/submit", json={"form": {"trunk": {"cavity_nest_hole_depth": 4}}})
    await expect(page.get_by_text("4 in")).to_be_visible(timeout=15_000)
    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(page.get_by_text("Approved by")).to_be_visible()
    async with transaction(home.owner) as tx:
        found = await known.review(tx, job_id)  # type: ignore[arg-type]
    assert found.final and found.final.user_name == "Asha Assessor"


async def test_files_are_for_those_who_may_see_the_job(served: Server, home: World, visitors: Visitors) -> None:
    job_id = await handed_in(served.url, (await factory.phone(home.owner)).token)
    async with transaction(home.owner) as tx:
        found = await known.review(tx, job_id)  # type: ignore[arg-type]
    sound = f"{served.url}/trees/{job_id}/files/{found.recordings[0].file_id}"
    owner = await visitors.signed_in("olga.green@example.org")
    whole = await owner.context.request.get(sound)
    assert await whole.body() == wav(2)
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r'inline; filename="J0001-trunk-r\.wav"', whole.headers["content-disposition"])
    piece = await owner.context.request.get(sound, headers={"range": "bytes=4-11"})
    assert (piece.status, await piece.body(), piece.headers["content-range"]) == (206, wav(2)[4:12], f"bytes 4-11/{len(wav(2))}")
    for email, status in (("colin.green@example.org", 403), ("sam.other@example.org", 404)):
        visitor = await visitors.signed_in(email)
        assert (await visitor.context.request.get(sound)).status == status
        assert (await visitor.context.request.get(f"{served.url}/trees/jobs.csv")).status == (403 if status == 403 else 200)
    stranger = visitors.made[-1]
    assert "J0001" not in await (await stranger.context.request.get(f"{served.url}/trees/jobs.csv")).text()
    page = await stranger.open(f"/trees/{job_id}")
    await expect(page.get_by_text("There is no such job.")).to_be_visible()
    assert (await (await visitors.anonymous()).context.request.get(sound)).status == 401


async def test_a_phone_is_let_in_and_locked_out_on_its_page(served: Server, home: World, visitors: Visitors) -> None:
    secret = await factory.enrolment_secret(home.owner)
    owner = await visitors.signed_in("olga.green@example.org", width=390, height=844)
    page = await owner.open("/trees/devices")
    await expect(page.get_by_text("No phone has asked to be let in.")).to_be_visible()
    async with httpx.AsyncClient(base_url=served.url + API, headers={"x-enrolment": secret}) as http:
        asked = await http.post("/auth/register-device", json={"device_id": "pixel-7", "device_name": "Asha's phone"})
        assert asked.json()["status"] == "pending"
        await expect(page.get_by_text("Asha's phone")).to_be_visible()
        await page.get_by_role("button", name="Let in", exact=True).click()
        await expect(page.get_by_text("May come in")).to_be_visible()
        token = (await http.post("/auth/token", json={"device_id": "pixel-7"})).json()["access_token"]
        mine = {"x-api-key": token}
        assert (await http.get("/jobs/assigned", headers=mine)).status_code == 200
        await page.get_by_role("button", name="Lock out").click()
        await page.get_by_role("dialog").get_by_role("button", name="Lock out").click()
        await expect(page.get_by_text("Locked out")).to_be_visible()
        assert (await http.get("/jobs/assigned", headers=mine)).status_code == 401
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assessor = await visitors.signed_in("asha.green@example.org")
    page = await assessor.open("/trees/devices")
    await expect(page.get_by_text("You do not have access to this")).to_be_visible()
