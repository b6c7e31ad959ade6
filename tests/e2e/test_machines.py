"""What people do with sensors, gateways and networks, in a browser."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from data.cold_chain.certificates import certificate
from data.cold_chain.commands import calibration, gateways, pairing, sensors
from data.cold_chain.queries import machines
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.flows import uplink
from data.identity.tables import Organization
from tests.cold_chain.test_calibration import PDF
from tests.e2e.conftest import Visitors
from tests.factories.cold_chain import EUI, ColdStore, cold_store, measured
from tests.factories.people import World
from tests.factories.things_stack import ThingsStack

pytestmark = pytest.mark.e2e
OWNER, STRANGER, VIEWER = "olga.green@example.org", "sam.other@example.org", "vera.green@example.org"
SECOND = "0004A30B001C0531"
LABEL = f"LW:D0:70B3D57ED0000010:{SECOND}:000AF8BE"
CAMERA = """
window.BarcodeDetector = class { async detect() { return [{ rawValue: '%s' }]; } };
Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia: async () => document.createElement('canvas').captureStream() } });
"""


@pytest.fixture
async def store(home: World) -> ColdStore:
    return await cold_store(home.owner)


async def speak(home: World, eui: str, celsius: float) -> None:
    async with transaction(Actor.machine(home.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(celsius, now(), eui=eui)])


async def choose(page: Page, label: str, option: str) -> None:
    await page.locator(".st-panel").get_by_label(label).click()
    await page.locator(".q-menu .q-item").filter(has_text=option).first.click()


async def test_a_sensor_is_paired_at_its_unit_with_a_phone_and_its_first_reading_appears_by_itself(
    visitors: Visitors, home: World, store: ColdStore
) -> None:
    owner = await visitors.signed_in(OWNER, width=390, height=844)
    await owner.page.add_init_script(CAMERA % LABEL)
    page = await owner.open(f"/cold-chain/units/{store.unit_id}")
    await page.get_by_role("button", name="Pair a sensor").click()
    await page.wait_for_url("**/cold-chain/pairing/*")
    code = await page.locator(".st-code").inner_text()
    assert re.fullmatch(r"[A-HJKMNP-Z2-9]{6}", code)
    await page.get_by_label("Device EUI").fill("12")
    await page.get_by_role("button", name="This one").click()
    await expect(page.get_by_text("16 hex digits")).to_be_visible()
    await page.get_by_role("button", name="Scan the code").click()
    await expect(page.get_by_text("Waiting for its first reading")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await speak(home, SECOND, -18.2)
    await expect(page.get_by_text("Paired", exact=True)).to_be_visible()
    await expect(page.get_by_text("−18.2 °C")).to_be_visible()
    await expect(page.get_by_label("Device EUI")).to_be_hidden()


async def test_another_phone_goes_on_with_the_code_and_a_sensor_of_another_unit_is_moved_only_when_asked(
    visitors: Visitors, home: World, store: ColdStore
) -> None:
    other = await cold_store(home.owner, eui=SECOND, name="Harbour")
    async with transaction(home.owner) as tx:
        session = await pairing.start(tx, store.unit_id)
    page = await (await visitors.signed_in(OWNER)).open("/cold-chain/sensors")
    await page.get_by_role("button", name="Go on with a pairing").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Pairing code").fill("ZZZZZZ")
    await panel.get_by_role("button", name="Go on").click()
    await expect(panel.get_by_text("No pairing with this code is open")).to_be_visible()
    await panel.get_by_label("Pairing code").fill(session.pairing_code.lower())
    await panel.get_by_role("button", name="Go on").click()
    await page.wait_for_url(f"**/cold-chain/pairing/{session.id}")
    await page.wait_for_function("window.did_handshake === true")
    await page.get_by_label("Device EUI").fill(SECOND)
    await page.get_by_role("button", name="This one").click()
    await expect(page.get_by_text("It watches Freezer 1 now.")).to_be_visible()
    await page.locator(".st-panel").get_by_role("button", name="Move it here").click()
    await expect(page.get_by_text("Waiting for its first reading")).to_be_visible()
    async with transaction(home.owner) as tx:
        assert (await machines.sensor(tx, other.sensor_id)).device.unit_id == store.unit_id


async def test_an_unknown_sensor_is_registered_from_the_list_and_a_full_plan_says_so(visitors: Visitors, home: World, store: ColdStore) -> None:
    await speak(home, SECOND, 4.4)
    async with across_tenants("tests") as tx:
        (await tx.get_one(Organization, home.organization_id)).sensor_limit = 1
    page = await (await visitors.signed_in(OWNER)).open("/cold-chain/sensors")
    await expect(page.get_by_text("1 unknown sensor has spoken")).to_be_visible()
    await expect(page.get_by_text("4.4 °C")).to_be_visible()
    await page.get_by_role("button", name="Register").click()
    await choose(page, "Unit", "Freezer 1")
    await page.locator(".st-panel").get_by_role("button", name="Add the sensor").click()
    await expect(page.get_by_text("1 sensors are in use, and your plan holds 1.")).to_be_visible()
    async with across_tenants("tests") as tx:
        (await tx.get_one(Organization, home.organization_id)).sensor_limit = 2
    await page.locator(".st-panel").get_by_role("button", name="Add the sensor").click()
    await page.wait_for_url(re.compile("/cold-chain/sensors/[0-9a-f-]{36}$"))
    await expect(page.get_by_role("heading", name=SECOND)).to_be_visible()


async def test_the_list_is_narrowed_in_the_address_and_taken_away_as_it_is(visitors: Visitors, home: World, store: ColdStore) -> None:
    async with transaction(home.owner) as tx:
        await sensors.describe(tx, store.sensor_id, name="=Probe")
        await sensors.set_active(tx, (await sensors.create(tx, store.unit_id, device_eui=SECOND)).id, active=False)
    viewer = await visitors.signed_in(VIEWER)
    page = await viewer.open("/cold-chain/sensors?show=out_of_service")
    await expect(page.get_by_role("link", name=SECOND).or_(page.get_by_text(SECOND)).first).to_be_visible()
    assert await page.get_by_text("=Probe").count() == 0 and await page.get_by_role("button", name="Pair a sensor").count() == 0
    ours = await (await viewer.context.request.get(f"{viewer.url}/cold-chain/sensors.csv?show=all")).text()
    assert "'=Probe" in ours and SECOND in ours
    stranger = await visitors.signed_in(STRANGER)
    theirs = await (await stranger.context.request.get(f"{stranger.url}/cold-chain/sensors.csv")).text()
    assert EUI not in theirs and len(theirs.splitlines()) == 1


async def test_a_comparison_computes_its_offset_and_its_paper_is_for_those_who_may(visitors: Visitors, home: World, store: ColdStore) -> None:
    await speak(home, EUI, -18.6)
    owner = await visitors.signed_in(OWNER)
    page = await owner.open(f"/cold-chain/sensors/{store.sensor_id}")
    await page.get_by_role("button", name="Record a calibration").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("The reference says").fill("-18.1")
    await expect(panel.get_by_label("Offset", exact=True)).to_have_value("0.5")
    await panel.locator("input[type=file]").set_input_files({"name": "paper.pdf", "mimeType": "application/pdf", "buffer": b"not a pdf"})
    await expect(panel.get_by_text("A certificate is a PDF, or a picture")).to_be_visible()
    await panel.locator("input[type=file]").set_input_files({"name": "paper.pdf", "mimeType": "application/pdf", "buffer": PDF})
    await expect(panel.get_by_text("paper.pdf").first).to_be_visible()
    await panel.get_by_role("button", name="Record it").click()
    await expect(page.get_by_text("+0.50 °C")).to_be_visible()
    href = await page.get_by_role("link", name="Certificate").get_attribute("href")
    mine = await owner.context.request.get(f"{owner.url}{href}")
    assert (mine.status, await mine.body()) == (200, PDF) and "attachment" in mine.headers["content-disposition"]
    stranger = await visitors.signed_in(STRANGER)
    assert (await stranger.context.request.get(f"{stranger.url}{href}")).status == 404
    await page.get_by_role("button", name="Strike").click()
    await panel.get_by_label("What is wrong with it").fill("another sensor's")
    await panel.get_by_role("button", name="Strike it").click()
    await expect(page.get_by_text("Never calibrated")).to_be_visible()
    assert (await owner.context.request.get(f"{owner.url}{href}")).status == 404


async def test_a_deleted_sensor_comes_back_with_one_tap(visitors: Visitors, home: World, store: ColdStore) -> None:
    page = await (await visitors.signed_in(OWNER)).open(f"/cold-chain/sensors/{store.sensor_id}")
    await page.get_by_role("button", name="Delete").click()
    await page.locator(".st-panel").get_by_role("button", name="Delete").click()
    await page.wait_for_url("**/cold-chain/sensors?removed=*")
    await expect(page.get_by_text("No sensors here yet.")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await page.wait_for_url(f"**/cold-chain/sensors/{store.sensor_id}")
    await expect(page.get_by_text("speaks for the unit")).to_be_visible()


async def test_keys_are_typed_once_and_shown_by_their_end(visitors: Visitors, home: World, store: ColdStore) -> None:
    page = await (await visitors.signed_in(OWNER)).open(f"/cold-chain/sensors/{store.sensor_id}")
    await page.get_by_role("button", name="Enter keys").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Join EUI").fill("70B3D57ED0000010")
    await panel.get_by_label("Application key").fill("0011")
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_text("32 hex digits")).to_be_visible()
    await panel.get_by_label("Application key").fill("00112233445566778899AABBCCDDEEFF")
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("…EEFF")).to_be_visible()
    viewer = await (await visitors.signed_in(VIEWER)).open(f"/cold-chain/sensors/{store.sensor_id}")
    await expect(viewer.get_by_text("What it said last")).to_be_visible()
    assert await viewer.get_by_text("EEFF").count() == 0 and await viewer.get_by_role("button", name="Edit").count() == 0


async def test_a_gateway_is_added_seen_on_the_map_and_removed(visitors: Visitors, home: World, store: ColdStore) -> None:
    page = await (await visitors.signed_in(OWNER)).open("/cold-chain/gateways")
    await expect(page.get_by_text("No gateways or hubs here yet.")).to_be_visible()
    await page.get_by_role("button", name="Add a gateway").first.click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Gateway ID").fill("Roof--1")
    await panel.get_by_role("button", name="Add the gateway").click()
    await expect(panel.get_by_text("small letters, digits")).to_be_visible()
    await panel.get_by_label("Gateway ID").fill("roof-1")
    await panel.get_by_role("button", name="Add the gateway").click()
    await expect(page.get_by_text("roof-1")).to_be_visible()
    async with transaction(home.owner) as tx:
        await gateways.add_hub(tx, store.site_id, name="Kitchen hub", mac_address="C47C8D6A1234")
    await expect(page.get_by_text("Kitchen hub")).to_be_visible()
    await page.get_by_role("button", name="Remove").first.click()
    await page.locator(".st-panel").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("roof-1")).to_have_count(0)


async def test_an_application_is_set_up_step_by_step_and_goes_on_after_a_failure(visitors: Visitors, home: World, store: ColdStore) -> None:
    stack = ThingsStack(failing={("PUT", "as/webhooks"): (403, "no_application_rights")})
    given = stack.application("green-cold")
    async with stack.running() as url:
        page = await (await visitors.signed_in(OWNER)).open("/cold-chain/networks")
        await page.get_by_role("button", name="Connect an application").first.click()
        panel = page.locator(".st-panel")
        await panel.get_by_label("Application ID").fill("green-cold")
        await panel.get_by_label("Own server").fill(url)
        await panel.get_by_label("Application's key").fill("hunter2")
        await panel.get_by_role("button", name="Connect", exact=True).click()
        await expect(panel.get_by_text("begins with NNSXS.")).to_be_visible()
        await panel.get_by_label("Application's key").fill(given)
        await panel.get_by_role("button", name="Connect", exact=True).click()
        await expect(page.get_by_text(f"…{given[-4:]}")).to_be_visible()
        await page.get_by_role("button", name="Set it up").click()
        await expect(page.get_by_text("HTTP 403 · error no_application_rights · correlation 7d4a76e4")).to_be_visible()
        stack.failing = {}
        await page.get_by_role("button", name="Go on from the step that failed").click()
        await expect(page.get_by_text("Set up", exact=True)).to_be_visible()
        await expect(page.get_by_text("They need the organization's key.")).to_be_visible()
        assert given not in await page.content()
    manager = await visitors.signed_in(VIEWER)
    await manager.open("/cold-chain/networks")
    await expect(manager.page.get_by_text("You do not have access to this")).to_be_visible()


async def test_an_alert_about_a_calibration_leads_to_the_sensor(visitors: Visitors, home: World, store: ColdStore) -> None:
    async with transaction(home.owner) as tx:
        await calibration.record(
            tx, store.sensor_id, calibrated_at=now() - timedelta(days=400), offset_celsius=0.1, expires_at=now() - timedelta(days=35),
            certificate=await certificate(PDF),
        )  # fmt: skip
    page = await (await visitors.signed_in(OWNER)).open(f"/cold-chain/sensors/{store.sensor_id}")
    await expect(page.get_by_role("link", name=re.compile("The calibration of .* ended on"))).to_be_visible()
    await expect(page.get_by_text(re.compile("^Calibration ended"))).to_be_visible()
