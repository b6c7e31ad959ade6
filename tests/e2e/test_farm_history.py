"""A keeper looks at a farm's past on a phone and has a report made, which a viewer takes away; a stranger finds neither."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.farm import commands
from data.farm.values import DeviceReport, SensorValue, StateReport
from tests.e2e.conftest import Visitors
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World

pytestmark = pytest.mark.e2e
KEEPER, OWNER, STRANGER, VIEWER = "kim.green@example.org", "olga.green@example.org", "sam.other@example.org", "vera.green@example.org"


@pytest.fixture
async def farm(home: World) -> FarmWorld:
    made = await build_farm(home.owner, prefix="past")
    async with transaction(Actor.machine(home.organization_id, "tests")) as tx:
        warm = [SensorValue(made.probe.topic, "temperature", 25 + n % 6, "°C", now() - timedelta(minutes=20 * n)) for n in range(90)]
        fan = [StateReport(made.fan.topic, 1, n % 2 == 0, now() - timedelta(hours=3 * n)) for n in range(8, 0, -1)]
        await commands.hear(tx, [*(DeviceReport(made.probe.id, one) for one in warm), *(DeviceReport(made.fan.id, one) for one in fan)])
    return made


async def test_a_keeper_sees_the_past_and_a_viewer_takes_the_report_away(visitors: Visitors, farm: FarmWorld) -> None:
    keeper, viewer = await visitors.signed_in(KEEPER, width=390, height=844), await visitors.signed_in(VIEWER)
    page = await keeper.open("/farm/history")
    await expect(page.get_by_text("Drawn from single readings; a point is 2 minutes.")).to_be_visible()
    await expect(page.locator(".st-chart .js-plotly-plot")).to_contain_text("Fan")
    await page.get_by_role("button", name="7 d", exact=True).click()
    await expect(page.get_by_text("Drawn from hourly figures; a point is 1 hour.")).to_be_visible()
    async with page.expect_navigation(url="**/farm/history?*range=7d*"):
        await page.get_by_role("button", name="Show", exact=True).last.click()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    listed = await viewer.open("/farm/reports")
    await expect(listed.get_by_text("No report has been made yet.")).to_be_visible()
    page = await keeper.open("/farm/reports?kind=farm_usage")
    await page.get_by_role("button", name="Make the PDF").click()
    link = listed.get_by_role("link", name="PDF")
    await expect(link).to_be_visible()
    document = await viewer.context.request.get(f"{viewer.url}{await link.get_attribute('href')}")
    assert (await document.body()).startswith(b"%PDF")


async def test_files_are_handed_to_who_may_have_them(visitors: Visitors, farm: FarmWorld) -> None:
    owner, keeper, stranger = [await visitors.signed_in(who) for who in (OWNER, KEEPER, STRANGER)]
    named = f"farm={farm.farm.id}"
    past, events = f"/farm/history.csv?{named}", f"/farm/events.csv?{named}&days=2"
    lines = (await (await keeper.context.request.get(f"{keeper.url}{past}")).text()).lstrip("\ufeff").splitlines()
    assert lines[0].startswith("device,quantity,unit") and {line.split(",")[1] for line in lines[1:]} == {"temperature", "power"}
    said = (await (await owner.context.request.get(f"{owner.url}{events}")).text()).splitlines()
    assert any("farm.farms.created" in line for line in said)
    for visitor, path, status in ((keeper, events, 403), (stranger, events, 404), (stranger, past, 404), (owner, f"/farm/events.csv?{named}&days=400", 422)):
        assert (await visitor.context.request.get(f"{visitor.url}{path}")).status == status, path
