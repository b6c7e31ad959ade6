"""A schedule is made on a phone, by somebody who has never heard of cron."""

from typing import Any

import pytest

from data.core.session import transaction
from data.farm import queries
from tests.e2e.conftest import Visitors
from tests.e2e.test_everyone import AXE, RUN, serious
from tests.factories.farm import bring_online, build_farm
from tests.factories.people import World

KINDS = 7
IN_PANEL = RUN.replace("axe.run(document", "axe.run(document.querySelector('.st-panel')")
"""What lies beneath the panel is dimmed."""


@pytest.mark.parametrize(("width", "height", "scheme"), [(1440, 900, "dark"), (360, 740, "light")])
async def test_every_kind_of_schedule_can_be_described_by_everybody(visitors: Visitors, home: World, width: int, height: int, scheme: Any) -> None:
    farm = await build_farm(home.owner, prefix="sched")
    await bring_online(home.owner, farm.fan, farm.pump, is_on=False)
    somebody = await visitors.signed_in("olga.green@example.org", width=width, height=height)
    await somebody.page.emulate_media(color_scheme=scheme)
    page = await somebody.open("/farm/schedules")
    await page.get_by_role("button", name="Add a schedule").first.click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Device", exact=True).click()
    await page.locator(".q-menu .q-item").filter(has_text="Fan").first.click()
    for kind in range(KINDS):
        await panel.get_by_label("When", exact=True).click()
        await page.locator(".q-menu .q-item").nth(kind).click()
        await page.wait_for_function("!document.querySelector('.q-menu')")
        await page.evaluate(AXE)
        assert serious(await page.evaluate(IN_PANEL)) == [], kind
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await panel.get_by_label("When", exact=True).click()
    await page.locator(".q-menu .q-item").nth(0).click()
    await panel.get_by_role("textbox", name="Name").fill("Breakfast")
    await panel.get_by_role("textbox", name="Times").fill("06:00, 12:00")
    await panel.locator(".st-days-line").first.wait_for()
    await panel.get_by_role("button", name="Save").click()
    await page.get_by_text("Breakfast").first.wait_for()
    async with transaction(home.owner) as tx:
        (made,) = await queries.schedules(tx)
    assert (made.schedule.cron_expression, made.device.name) == ("0 6,12 * * *", "Fan")
