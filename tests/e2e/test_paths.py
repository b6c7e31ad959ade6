"""Each of the five paths, from what a device says at its door to what a person sees on an open screen."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from data.core.time import now
from jobs.demonstration.haystack import Haystack
from tests.e2e.conftest import Server, Visitors
from tests.factories.cold_chain import EUI, cold_store, secret, uplink_body
from tests.factories.deliveries import driver
from tests.factories.farm import build_farm, tasmota
from tests.factories.people import World
from tests.factories.tracking import ROAD, WAREHOUSE, build_shipping, tag
from tests.factories.trees import FORM, JOB, enrolment_secret, jpeg, wav

pytestmark = pytest.mark.e2e
OWNER = "olga.green@example.org"
PINS = "() => { const box = document.querySelector('.st-map'); const fleet = getElement(Number(box.id.slice(1))) ?? getElement(box.id); return [...fleet.pins.all.values()].map(m => [m.label, m.latitude, m.longitude, m.state]) }"


async def pins(page: Page) -> dict[str, tuple[float, float, str]]:
    """What the map draws: (latitude, longitude, state) by label."""
    await page.locator(".st-map canvas").first.wait_for()
    return {label: (latitude, longitude, state) for label, latitude, longitude, state in await page.evaluate(PINS)}


async def until(ask: Any, expected: Any, *, within_s: float = 8.0) -> None:
    """Wait until an async question has that answer."""
    answer = None
    for _ in range(int(within_s / 0.1)):
        answer = await ask()
        if answer == expected:
            return
        await asyncio.sleep(0.1)
    assert answer == expected


async def test_cold_chain_a_reading_moves_an_open_page_and_a_warm_freezer_raises_and_ends_an_alert(
    visitors: Visitors, served: Server, home: World
) -> None:
    store = await cold_store(home.owner)
    webhook = {"X-Webhook-Secret": await secret(home.owner)}
    at_desk = await visitors.signed_in(OWNER)
    unit = await at_desk.open(f"/cold-chain/units/{store.unit_id}")
    elsewhere = await visitors.signed_in("colin.green@example.org")
    overview = await elsewhere.open("/")
    await overview.get_by_text("Nothing needs you now.").wait_for()

    async with httpx.AsyncClient(base_url=served.url, headers=webhook) as network:
        async def says(celsius: float, minutes_ago: float) -> dict[str, Any]:
            at = now() - timedelta(minutes=minutes_ago)
            answer = await network.post("/feeds/ttn", json=uplink_body(celsius, at, EUI))
            assert answer.status_code == 200, answer.text
            body: dict[str, Any] = answer.json()
            return body

        await says(-20.4, 40)
        await unit.get_by_text("−20.4 °C").first.wait_for()
        for minutes_ago in range(36, 14, -3):
            await says(-9.5, minutes_ago)
        await unit.get_by_text("−9.5 °C").first.wait_for()
        await overview.locator(".st-matter").first.wait_for()
        assert "Freezer 1" in await overview.locator(".st-matter").first.inner_text()
        for minutes_ago in (6, 3, 0):
            await says(-21.0, minutes_ago)
    await overview.get_by_text("Nothing needs you now.").wait_for()
    await unit.get_by_text("−21.0 °C").first.wait_for()


async def test_farm_a_switch_says_asked_until_the_relay_says_on(visitors: Visitors, served: Server, home: World) -> None:
    place = await build_farm(home.owner, prefix="e2e")
    async with tasmota(served.mqtt_port, place.fan.topic, place.secrets[place.fan.id]) as relay:
        await relay.say("stat", "POWER", "OFF")
        farmer = await visitors.signed_in(OWNER, width=390, height=844)
        page = await farmer.open("/farm")
        fan = page.locator(".st-tile", has_text="Fan")
        await fan.get_by_role("switch").wait_for()
        await expect(fan.get_by_role("switch")).to_have_attribute("aria-checked", "false")
        relay.answers = False
        await fan.get_by_role("switch").click()
        await fan.locator(".st-tile-word", has_text="sked").wait_for()
        assert await fan.get_by_role("switch").get_attribute("aria-checked") != "true"
        await until(_async(lambda: ("cmnd/e2e-fan/POWER1", "ON") in relay.asked or ("cmnd/e2e-fan/POWER", "ON") in relay.asked), True)
        relay.answers = True
        await relay.say("stat", "POWER", "ON")
        await expect(fan.get_by_role("switch")).to_have_attribute("aria-checked", "true")
        await relay.say("tele", "LWT", "Offline", retain=True)
        await fan.get_by_text("Offline").first.wait_for()


def _async(ask: Any) -> Any:
    async def asked() -> Any:
        return ask()

    return asked


async def test_deliveries_a_phones_position_moves_the_marker_on_an_open_map(visitors: Visitors, served: Server, home: World) -> None:
    rider = await driver(home.owner, "Dara")
    dispatcher = await visitors.signed_in(OWNER)
    page = await dispatcher.open("/deliveries")
    async with httpx.AsyncClient(base_url=served.url, auth=("dara", rider.token)) as phone:
        for latitude, longitude in ((11.5696, 104.9210), (11.5720, 104.9310)):
            fix = {"_type": "location", "lat": latitude, "lon": longitude, "tst": int(now().timestamp()), "acc": 8, "vel": 30, "batt": 70}
            answer = await phone.post("/feeds/owntracks", json=fix)
            assert (answer.status_code, answer.json()) == (200, [])

            async def where() -> tuple[float, ...] | None:
                found = (await pins(page)).get("Dara")
                return found[:2] if found else None

            await until(where, (latitude, longitude))
            await asyncio.sleep(1.1)  # the next fix is a second later: phones count in seconds


async def test_tracking_a_report_fetched_and_opened_puts_a_tag_on_the_map_with_a_history_that_needs_no_internet(
    visitors: Visitors, served: Server, home: World, crowd: tuple[Haystack, str]
) -> None:
    shipping = await build_shipping(home.owner, 77)  # a tag that no other test has heard
    somebody = await visitors.signed_in(OWNER)
    page = await somebody.open("/tracking")
    for minutes, place in ((50, ROAD), (5, WAREHOUSE)):
        at = now() - timedelta(minutes=minutes)
        crowd[0].hear(tag(77).advertisement_key, at=at, latitude=place[0], longitude=place[1])

    async def where() -> tuple[float, ...] | None:
        found = (await pins(page)).get("Tag 77")
        return tuple(round(x, 4) for x in found[:2]) if found else None

    await until(where, WAREHOUSE, within_s=20)
    outside: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((served.url, "data:", "blob:")) else outside.append(r.url))
    await somebody.open(f"/tracking/{shipping.trackers[77]}")
    history = page.frame_locator("iframe")
    await history.locator(".timecontrol-slider, .leaflet-bar-timecontrol").first.wait_for()
    assert outside == []


async def test_trees_a_phone_uploads_a_round_and_the_reviewer_approves_it(visitors: Visitors, served: Server, home: World) -> None:
    enrol = {"x-api-key": await enrolment_secret(home.owner)}
    reviewer = await visitors.signed_in(OWNER)
    async with httpx.AsyncClient(base_url=f"{served.url}/api/trees/v1") as phone:
        assert (await phone.post("/auth/register-device", json={"device_id": "pixel-7", "device_name": "Asha's phone"}, headers=enrol)).status_code == 200
        assert (await phone.post("/auth/token", json={"device_id": "pixel-7"}, headers=enrol)).status_code == 403
        devices = await reviewer.open("/trees/devices")
        await devices.get_by_role("button", name="Let in", exact=True).click()
        await devices.get_by_role("button", name="Make administrator").wait_for()
        token = (await phone.post("/auth/token", json={"device_id": "pixel-7"}, headers=enrol)).json()["access_token"]
        phone.headers["x-api-key"] = token
        job = (await phone.post("/jobs", json=JOB)).json()
        assert (await phone.post(f"/jobs/{job['job_id']}/rounds")).status_code == 201
        sections = f"/jobs/{job['job_id']}/sections"
        sound = await phone.put(f"{sections}/trunk/recordings/rec-1", content=wav(), headers={"content-type": "audio/wav"})
        photo = await phone.put(f"{sections}/job_photos/images/img-1", content=jpeg(), headers={"content-type": "image/jpeg"})
        assert (sound.status_code, photo.status_code) == (200, 200)
        done = await phone.post(f"/jobs/{job['job_id']}/rounds/round_1/submit", json={"form": FORM, "narrative": {"text": "The oak stands well."}})
        assert done.status_code == 200, done.text

        page = await reviewer.open("/trees")
        await page.get_by_text(job["job_number"]).first.wait_for()
        await page.get_by_text(job["job_number"]).first.click()
        await page.get_by_text("Quercus robur").first.wait_for()
        await page.locator("audio").first.wait_for()
        await page.locator("img").first.wait_for()
        await page.wait_for_function("[...document.querySelectorAll('main img')].every(i => i.complete && i.naturalWidth > 0)")
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_role("dialog", name="Approve this job?").get_by_role("button", name="Approve").click()

        async def status() -> str:
            return str((await phone.get(f"/jobs/{job['job_id']}")).json().get("status"))

        await until(status, "ARCHIVED")
