"""A keeper writes a flock's day on a phone, an open screen elsewhere follows, and what was removed comes back."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from data.core.session import transaction
from data.farm.commands import flocks
from data.farm.tables import FlockBatch
from tests.e2e.conftest import Visitors
from tests.e2e.fit import AXE, RUN, serious
from tests.factories.farm import build_farm
from tests.factories.people import World

pytestmark = pytest.mark.e2e
KEEPER, OWNER, STRANGER, VIEWER = "kim.green@example.org", "olga.green@example.org", "sam.other@example.org", "vera.green@example.org"


def today() -> date:
    return datetime.now(ZoneInfo("Asia/Phnom_Penh")).date()


@pytest.fixture
async def flock(home: World) -> FlockBatch:
    farm = await build_farm(home.owner, prefix="flocks")
    async with transaction(home.owner) as tx:
        made = await flocks.start_batch(
            tx, farm.farm.id, name="Autumn birds", house="Room 1", placed_on=today() - timedelta(days=20), placed_count=1000
        )
        for age in range(20):
            written = {"dead": age % 3, "feed_kg": 15 + 5 * age, "water_l": 30 + 9 * age, "weight_g": 42 + 2 * age * age if age % 7 == 0 else None}
            await flocks.write_day(tx, made.id, made.placed_on + timedelta(days=age), written=written)
    return made


async def test_a_keeper_writes_the_day_and_an_open_screen_follows(visitors: Visitors, flock: FlockBatch) -> None:
    keeper, owner = await visitors.signed_in(KEEPER, width=390, height=844), await visitors.signed_in(OWNER)
    theirs = await owner.open(f"/farm/flocks/{flock.id}")
    page = await keeper.open("/farm/flocks")
    await expect(page.get_by_text("Nothing written today")).to_be_visible()
    await page.get_by_role("link", name="Autumn birds").click()
    await page.wait_for_url(f"**/farm/flocks/{flock.id}")
    await expect(page.get_by_text("The day before: 110.0 kg")).to_be_visible()
    await page.get_by_role("spinbutton", name="Dead").fill("2000")
    await page.get_by_role("spinbutton", name="Feed").fill("115.5")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Only 981 birds are alive.")).to_be_visible()
    await page.get_by_role("spinbutton", name="Dead").fill("6")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Written down.")).to_be_visible()
    await expect(theirs.get_by_text("975 / 1,000")).to_be_visible()
    await expect(theirs.get_by_role("link", name="In Autumn birds 0.61 % of the birds died in one day: 6.")).to_be_visible()
    await expect(theirs.get_by_role("spinbutton", name="Feed")).to_have_value("115.5")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.get_by_role("button", name="The flock has left").count() == 0
    for each in (page, theirs):
        await expect(each.locator(".q-notification")).to_have_count(0, timeout=10_000)  # while it fades, it is faint
        await each.evaluate(AXE)
        assert serious(await each.evaluate(RUN)) == []


async def test_a_removed_flock_is_brought_back_and_a_stranger_finds_nothing(visitors: Visitors, flock: FlockBatch) -> None:
    owner, viewer, stranger = [await visitors.signed_in(who) for who in (OWNER, VIEWER, STRANGER)]
    page = await owner.open(f"/farm/flocks/{flock.id}")
    await page.get_by_role("button", name="Remove").first.click()
    await page.locator(".st-panel").get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("link", name="Autumn birds")).to_be_visible()
    reading = await viewer.open(f"/farm/flocks/{flock.id}")
    await expect(reading.get_by_text("981 / 1,000")).to_be_visible()
    await expect(reading.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    file = await viewer.context.request.get(f"{viewer.url}/farm/flocks/{flock.id}/days.csv")
    lines = (await file.text()).lstrip("\ufeff").splitlines()
    assert len(lines) == 21 and lines[0].startswith("day,age_days,dead") and lines[20].split(",")[1:5] == ["19", "1", "0", "981"]
    page = await stranger.open(f"/farm/flocks/{flock.id}")
    await expect(page.get_by_text("There is no such flock.")).to_be_visible()
    assert not (await stranger.context.request.get(f"{stranger.url}/farm/flocks/{flock.id}/days.csv")).ok
