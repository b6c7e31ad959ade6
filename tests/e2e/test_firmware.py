"""Somebody lists firmware and has it installed tonight from a phone; a viewer sees that and may not."""

import pytest
from playwright.async_api import expect

from data.core.session import transaction
from data.farm import commands
from tests.e2e.conftest import Visitors
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World

pytestmark = pytest.mark.e2e
OWNER, VIEWER = "olga.green@example.org", "vera.green@example.org"


@pytest.fixture
async def farm(home: World) -> FarmWorld:
    made = await build_farm(home.owner, prefix="firm")
    async with transaction(home.owner) as tx:
        await commands.edit_device(tx, made.fan.id, name="Fan", topic=made.fan.topic, model="Sonoff Basic")
    await bring_online(home.owner, made.fan, is_on=False)
    return made


async def test_firmware_is_listed_and_installed_in_the_night(visitors: Visitors, farm: FarmWorld) -> None:
    owner, viewer = await visitors.signed_in(OWNER, width=390, height=844), await visitors.signed_in(VIEWER)
    page = await owner.open("/farm/firmware")
    await page.get_by_role("button", name="Add firmware").first.click()
    await expect(page.get_by_label("Model")).to_have_value("Sonoff Basic")
    await page.get_by_label("Version").fill("14.3.0")
    await page.get_by_label("Address of the file").fill("http://files.example/a.bin")
    await page.get_by_role("button", name="Add it").click()
    await expect(page.get_by_text("It begins with https://, or")).to_be_visible()
    await page.get_by_label("Address of the file").fill("https://files.example/a.bin")
    await page.get_by_role("button", name="Add it").click()
    await page.get_by_role("link", name="Fan", exact=True).click()
    await page.get_by_role("button", name="Install 14.3.0").click()
    await page.get_by_role("button", name="Install it").click()
    await expect(page.get_by_text("Waits for its time")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen = await viewer.open(f"/farm/devices/{farm.fan.id}/settings")
    await expect(seen.get_by_text("Waits for its time")).to_be_visible()
    await expect(seen.get_by_role("button", name="Call it off")).to_have_count(0)
    await page.get_by_role("button", name="Call it off").click()
    await expect(seen.get_by_text("Called off", exact=True)).to_be_visible()
