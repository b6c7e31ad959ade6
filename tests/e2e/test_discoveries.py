"""A plug announces itself: whoever looks after the farm sees it wait, and takes it into a room with a name."""

import json
from dataclasses import replace

import pytest
from playwright.async_api import expect

from data.core.actor import Actor
from data.core.session import transaction
from data.farm import queries
from data.farm.commands.discoveries import announce
from jobs.codecs.home_assistant import announcement
from tests.e2e.conftest import Server, Visitors
from tests.e2e.fit import AXE, RUN, serious
from tests.e2e.test_schedules import IN_PANEL
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World

pytestmark = pytest.mark.e2e
OWNER = "olga.green@example.org"


async def announced(home: World, farm: FarmWorld, name: str) -> None:
    topic = f"announcing/{name}"
    config = {"stat_t": topic, "cmd_t": f"{topic}/set", "dev": {"ids": [name], "name": name, "mf": "TuYa", "mdl": "TS011F"}}
    message = announcement(f"homeassistant/switch/{name}/config", json.dumps(config).encode())
    async with transaction(Actor.machine(home.organization_id, "mqtt")) as tx:
        await announce(tx, [replace(message, farm_id=str(farm.farm.id))])


async def test_a_plug_that_announces_itself_is_taken_in_on_a_phone(served: Server, home: World, visitors: Visitors) -> None:
    farm = await build_farm(home.owner, prefix="announcing")
    await announced(home, farm, "Plug")
    page = await (await visitors.signed_in(OWNER, width=390, height=844)).open(f"/farm?farm={farm.farm.id}")
    await page.get_by_role("link", name="1 new device").click()
    await expect(page.get_by_role("heading", name="Plug", exact=True)).to_be_visible()
    await announced(home, farm, "Lamp")  # while somebody looks
    lamp = page.locator("section", has=page.get_by_role("heading", name="Lamp"))
    await lamp.get_by_role("button", name="Not wanted").click()
    await expect(page.get_by_role("button", name="Let it wait again")).to_be_visible()
    await page.evaluate(AXE)
    assert serious(await page.evaluate(RUN)) == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.get_by_role("button", name="Let it wait again").click()
    await expect(lamp).to_be_visible()

    await page.locator("section", has=page.get_by_role("heading", name="Plug", exact=True)).get_by_role("button", name="Take in").click()
    panel = page.locator(".st-panel")
    await expect(panel.get_by_label("Name of the switch")).to_have_value("Plug")
    assert serious(await page.evaluate(IN_PANEL)) == []
    await panel.get_by_label("Room").fill("Room 1")
    await panel.get_by_label("Name of the switch").fill("Corner fan")
    await panel.get_by_role("button", name="Take in").click()
    await expect(page.get_by_text("1 device was taken in.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Plug", exact=True)).to_be_hidden()
    async with transaction(home.owner) as tx:
        assert [device.name for device in await queries.devices(tx, farm_id=farm.farm.id) if device.topic == "announcing/Plug"] == ["Corner fan"]
