"""An officer orders a report once, sees when it comes and to whom, lets it rest, and takes it away."""

import pytest
from playwright.async_api import expect

from data.cold_chain.values import UnitType
from tests.e2e.conftest import Visitors
from tests.e2e.fit import unfit_as_it_is
from tests.factories.cold_chain import cold_store
from tests.factories.people import World

pytestmark = pytest.mark.e2e


async def test_a_report_is_ordered_for_each_month_rests_and_is_taken_away(visitors: Visitors, home: World) -> None:
    await cold_store(home.owner, unit_type=UnitType.FRIDGE)
    officer = await visitors.signed_in("olga.green@example.org", width=390, height=844)
    page = await officer.open("/cold-chain/reports")
    await page.get_by_role("button", name="Order a regular report").click()
    panel = page.get_by_role("dialog", name="Order a regular report")
    await panel.get_by_label("How often").click()
    await page.get_by_role("option", name="Each month").click()
    await expect(panel.get_by_text("It is about the last whole month.")).to_be_visible()
    await expect(panel.get_by_label("On day")).to_be_visible()
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Each month, on day 1, 07:00")).to_be_visible()
    await expect(page.get_by_text("To: Olga Owner")).to_be_visible()
    assert await unfit_as_it_is(page) == []
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Go on")).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("No report is sent regularly.")).to_be_visible()
