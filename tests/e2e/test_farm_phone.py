"""A farmer's phone in the sun, in Khmer, on a weak line: what is tapped is shown at once, and what is shown is true."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass

import pytest
from playwright.async_api import Locator, Page, expect

from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.farm import commands
from data.farm.rules import ANSWER_WITHIN
from data.farm.tables import Device, DeviceType
from data.farm.values import DeviceReport, SensorValue
from data.identity.commands import set_preferences
from tests.e2e.conftest import Visitor, Visitors
from tests.e2e.fit import AXE, RUN, serious
from tests.e2e.test_offline import forgive, is_so, without_signal
from tests.factories.farm import FarmWorld, Tasmota, build_farm, eventually, tasmota
from tests.factories.people import World
from tests.factories.served import Server
from tests.factories.weak_line import WeakLine, serving

pytestmark = pytest.mark.e2e
KEEPER, OWNER, VIEWER = (f"{name}.green@example.org" for name in ("kim", "olga", "vera"))
TAP = """(tile) => new Promise((shown) => {
  tile.querySelector('[role=switch]').click();
  tile.querySelector('[role=switch]')?.click();  // a trembling finger
  requestAnimationFrame(() => shown([tile.querySelector('.st-tile-word').textContent, tile.querySelector('[role=switch]').getAttribute('aria-checked')]));
})"""
"""Taps twice within one frame; what the tile says in the next one."""


@dataclass
class Yard:
    """The farm, and its two relays at the broker."""

    farm: FarmWorld
    fan: Tasmota
    pump: Tasmota


@pytest.fixture
async def yard(home: World, served: Server) -> AsyncIterator[Yard]:
    farm = await build_farm(home.owner, prefix="yard")
    async with AsyncExitStack() as devices:
        fan, pump = [await devices.enter_async_context(relay_of(served, farm, device)) for device in (farm.fan, farm.pump)]
        for relay in (fan, pump):
            await relay.say("stat", "POWER", "OFF")
        await measured(home, farm.probe, 33.4)
        yield Yard(farm, fan, pump)


def relay_of(served: Server, farm: FarmWorld, device: Device) -> AbstractAsyncContextManager[Tasmota]:
    return tasmota(served.mqtt_port, device.topic, farm.secrets[device.id])


async def measured(home: World, probe: Device, celsius: float) -> None:
    async with transaction(Actor.machine(home.organization_id, "mqtt")) as tx:
        values = [SensorValue(probe.topic, kind, value, unit, now()) for kind, value, unit in (("temperature", celsius, "°C"), ("humidity", 71, "%"))]
        await commands.hear(tx, [DeviceReport(probe.id, value) for value in values])


def tile(page: Page, name: str) -> Locator:
    return page.locator(".st-tile", has=page.get_by_text(name, exact=True))


def switch(page: Page, name: str) -> Locator:
    return tile(page, name).get_by_role("switch")


async def on_a_phone(visitors: Visitors, email: str, *, through: str = "") -> Visitor:
    return await visitors.signed_in(email, width=360, height=740, through=through)


def asked(relay: Tasmota, word: str) -> int:
    return sum(payload == word and topic.rpartition("/")[2].startswith("POWER") for topic, payload in relay.asked)


async def is_ready(page: Page) -> None:
    for name in ("Fan", "Pump"):
        await expect(switch(page, name)).to_have_attribute("aria-checked", "false")


async def test_on_a_weak_line_a_wish_is_seen_in_the_next_frame_asked_once_and_confirmed(visitors: Visitors, home: World, yard: Yard) -> None:
    """300 ms there and back, and every twentieth packet lost once. The browser's own throttling delays a WebSocket by half of
    what it is told and loses nothing on it (packet loss is for WebRTC), so the line itself is weak here, and both are set."""
    async with transaction(home.keeper) as tx:
        await set_preferences(tx, language="km")
    line = WeakLine()
    async with serving(line) as proxy:
        keeper = await on_a_phone(visitors, KEEPER, through=proxy)
        page = await keeper.open("/farm")
        browser = await keeper.context.new_cdp_session(page)
        slow = {"offline": False, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1, "packetLoss": 5}
        await browser.send("Network.emulateNetworkConditions", slow)
        await is_ready(page)
        line.weaken(round_trip_s=0.3, lost_of=20)
        fan = tile(page, "Fan")
        assert await fan.evaluate(TAP) == ["បានស្នើឱ្យបើក…", "mixed"]
        await expect(switch(page, "Fan")).to_have_attribute("aria-checked", "true")
        await expect(fan.get_by_text("ឧបករណ៍បានបញ្ជាក់ហើយ។")).to_be_visible()
        assert asked(yard.fan, "ON") == 1
        air = page.get_by_role("group", name="Room 1")
        await expect(air).to_contain_text("ក្ដៅ")
        await expect(air).to_contain_text("33.4 °C")
        for _ in range(3):
            await switch(page, "Fan").click()
            await expect(switch(page, "Fan")).not_to_have_attribute("aria-checked", "mixed")
        await expect(switch(page, "Fan")).to_have_attribute("aria-checked", "false")
        assert (asked(yard.fan, "ON"), asked(yard.fan, "OFF"), line.lost > 0) == (2, 2, True)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        assert await page.get_by_role("button", name="បិទបន្ទាន់").count() == 0  # a keeper may not


async def test_silence_is_said_after_two_seconds_and_its_end_too_and_the_latest_wish_wins(
    visitors: Visitors, home: World, yard: Yard
) -> None:
    page = await (await on_a_phone(visitors, KEEPER)).open("/farm")
    await is_ready(page)
    yard.fan.answers = False
    await switch(page, "Fan").click()
    await expect(tile(page, "Fan").get_by_text("No answer from the device yet")).to_be_visible()
    async with transaction(Actor.system(home.organization_id, "farm.timeouts")) as tx:
        await commands.time_out(tx, at=now() + ANSWER_WITHIN)
    await expect(tile(page, "Fan").get_by_role("alert")).to_have_text("The device did not answer within 30 seconds.")
    await expect(page.locator(".st-health")).to_contain_text("Fan does not answer.")
    await switch(page, "Fan").click()
    await expect(tile(page, "Fan").get_by_text("No answer from the device yet")).to_be_visible()
    yard.fan.answers = True
    await switch(page, "Fan").click()  # on was asked, so this asks for off
    await eventually(lambda: asked(yard.fan, "OFF"))
    await expect(tile(page, "Fan").get_by_text("The device has confirmed it.")).to_be_visible()
    await expect(switch(page, "Fan")).to_have_attribute("aria-checked", "false")


async def test_a_device_that_is_away_is_switched_when_it_returns_unless_it_is_called_off(
    visitors: Visitors, served: Server, home: World
) -> None:
    farm = await build_farm(home.owner, prefix="away")
    page = await (await on_a_phone(visitors, KEEPER)).open("/farm")
    pump = tile(page, "Pump")
    for _ in range(2):
        await pump.get_by_role("button", name="Pump: Switch on").click()
        await expect(pump.get_by_text("It is done when the device returns, until")).to_be_visible()
        await pump.get_by_role("button", name="Call it off").click()
        await expect(pump.locator(".st-tile-word")).to_have_text("Offline")
    await pump.get_by_role("button", name="Pump: Switch on").click()
    await expect(pump.get_by_role("button", name="Call it off")).to_be_visible()
    async with relay_of(served, farm, farm.pump) as relay:
        await expect(switch(page, "Pump")).to_have_attribute("aria-checked", "true")
        assert asked(relay, "ON") == 1


async def test_one_tap_and_one_answer_stop_the_farm_and_each_device_tells_its_own_end(visitors: Visitors, home: World, yard: Yard) -> None:
    async with transaction(home.owner) as tx:
        away = await commands.register_device(tx, yard.farm.farm.id, name="Heater", topic="yard-heater", device_type=DeviceType.RELAY)
    owner = await on_a_phone(visitors, OWNER)
    page = await owner.open("/farm")
    await is_ready(page)
    await switch(page, "Fan").click()
    await expect(switch(page, "Fan")).to_have_attribute("aria-checked", "true")
    yard.pump.answers = False
    stop = page.get_by_role("button", name="Emergency stop")
    assert await stop.evaluate("(e) => e.getBoundingClientRect().bottom <= innerHeight && e.getBoundingClientRect().height >= 48")
    await stop.dblclick()  # a slip of the thumb stops nothing
    await expect(stop).to_be_visible()
    await stop.click()
    await page.get_by_role("button", name="Switch everything off").click()
    health = page.locator(".st-health")
    await expect(health).to_contain_text("1 of 3 devices are stopped. 1 has not answered yet.")
    await expect(health.get_by_role("listitem").filter(has_text="Heater")).to_contain_text("Switch it off by hand.")
    await expect(switch(page, "Fan")).to_have_attribute("aria-checked", "false")
    async with transaction(Actor.system(home.organization_id, "farm.timeouts")) as tx:
        await commands.time_out(tx, at=now() + ANSWER_WITHIN)
    await expect(health.get_by_role("listitem").filter(has_text="Pump")).to_contain_text("Does not answer")
    await expect(page.get_by_role("button", name="Emergency stop")).to_have_count(0)
    await switch(page, "Fan").click()
    await expect(tile(page, "Fan").get_by_role("alert")).to_have_text("Everything on this farm is stopped. Let it go on first.")
    await health.get_by_role("link", name="Every device").click()
    await expect(page.get_by_role("listitem")).to_have_count(3)
    await page.evaluate(AXE)
    assert serious(await page.evaluate(RUN)) == [] and await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.get_by_role("button", name="Let the farm go on").click()
    await page.locator(".st-panel").get_by_role("button", name="Let the farm go on").click()
    await expect(page.get_by_text("The farm is not stopped.")).to_be_visible()
    assert away.topic == "yard-heater" and asked(yard.pump, "OFF") == 1


async def test_several_are_chosen_by_room_and_kind_and_each_tells_its_own_end(visitors: Visitors, yard: Yard) -> None:
    owner = await on_a_phone(visitors, OWNER)
    page = await owner.open("/farm")
    await page.get_by_role("link", name="Several at once").click()
    await page.wait_for_url("**/farm/batch?farm=*")
    await expect(page.get_by_text("Choose devices first.")).to_be_visible()
    await page.get_by_role("button", name="All", exact=True).click()
    await expect(page.get_by_text("2 devices are chosen.")).to_be_visible()
    await page.evaluate(AXE)
    assert serious(await page.evaluate(RUN)) == [] and await page.evaluate("document.documentElement.scrollWidth") <= 360
    yard.pump.answers = False
    await page.get_by_role("button", name="Switch on").click()
    await page.wait_for_url("**&batch=*")
    await expect(page.get_by_text("1 of 2 devices have confirmed. 1 has not answered yet.")).to_be_visible()
    yard.pump.answers = True
    await yard.pump.say("stat", "POWER", "ON")
    await expect(page.get_by_text("2 of 2 devices have confirmed.")).to_be_visible()
    viewer = await on_a_phone(visitors, VIEWER)
    theirs = await viewer.open("/farm/batch")
    await expect(theirs.get_by_text("You do not have access to this")).to_be_visible()
    await viewer.open("/farm")
    await expect(tile(theirs, "Fan").locator(".st-tile-word")).to_have_text("On")
    await expect(theirs.get_by_role("switch").or_(theirs.get_by_role("button", name="Emergency stop"))).to_have_count(0)


async def test_without_a_signal_nothing_is_asked_and_what_was_known_is_there_with_its_hour_until_sign_out(
    visitors: Visitors, yard: Yard
) -> None:
    keeper = await on_a_phone(visitors, KEEPER)
    page = await keeper.open("/farm")
    await is_ready(page)
    kept = "async () => { for (const n of await caches.keys()) if (n.startsWith('person-') && await (await caches.open(n)).match('/farm/known.json')) return true; return false; }"
    await is_so(page, kept)
    await without_signal(keeper)
    await switch(page, "Fan").click()
    await expect(tile(page, "Fan").get_by_text("No connection. It was not asked.")).to_be_visible()
    await expect(switch(page, "Fan")).to_have_attribute("aria-checked", "false")
    await page.goto(f"{keeper.url}/farm")
    await expect(page.get_by_text("This is old: as it was at")).to_be_visible()
    room = page.locator(".hand-line", has_text="Room 1")
    await expect(room).to_contain_text("33.4 °C")
    await expect(room.get_by_role("listitem").filter(has_text="Fan")).to_contain_text("Off")
    assert await page.get_by_role("switch").count() == 0 and await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.evaluate(AXE)
    assert serious(await page.evaluate(RUN)) == []
    await keeper.context.set_offline(False)
    await page.wait_for_function("window.did_handshake === true")  # it comes by itself
    await is_ready(page)
    assert asked(yard.fan, "ON") == 0
    await page.evaluate("const f = document.createElement('form'); f.method = 'post'; f.action = '/sign-out'; document.body.append(f); f.submit()")
    await page.wait_for_url("**/sign-in")
    await is_so(page, "async () => !(await caches.keys()).some((name) => name.startsWith('person-'))")
    await without_signal(keeper)
    await page.goto(f"{keeper.url}/farm")
    await expect(page.get_by_role("heading", name="No signal")).to_be_visible()
    assert "Fan" not in await page.inner_text("body")
    await keeper.context.set_offline(False)
    forgive(keeper, signed_out=True)
