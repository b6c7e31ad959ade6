"""Somebody arranges a board by dragging, and finds it so the next day."""

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Visitors
from tests.factories.cold_chain import cold_store
from tests.factories.people import World

pytestmark = pytest.mark.e2e


async def test_panels_are_dragged_and_stay_where_they_were_put(visitors: Visitors, home: World) -> None:
    await cold_store(home.owner)
    somebody = await visitors.signed_in("olga.green@example.org")
    page = await somebody.open("/cold-chain/board")
    titles = page.locator(".st-board-panel .st-h2")
    await page.get_by_role("button", name="Arrange").click()
    grips = page.locator(".st-grip")
    await grips.first.wait_for()
    before = await titles.all_inner_texts()
    wanted = [before[0], before[2], before[1], *before[3:]]
    for _ in range(3):  # what drags is loaded on demand, and a busy machine takes its time
        await page.wait_for_timeout(700)
        if await titles.all_inner_texts() == wanted:
            break
        start, end = await grips.nth(1).bounding_box(), await grips.nth(2).bounding_box()
        assert start and end
        await page.mouse.move(start["x"] + 8, start["y"] + 8)
        await page.mouse.down()
        await page.mouse.move(start["x"] + 60, start["y"] + 20, steps=5)
        await page.mouse.move(end["x"] + 200, end["y"] + 60, steps=15)
        await page.wait_for_timeout(300)
        await page.mouse.up()
        await page.wait_for_timeout(1500)
    await expect(titles).to_have_text(wanted)
    await page.get_by_role("button", name="Take away").last.click()
    await page.wait_for_function("n => document.querySelectorAll('.st-board-panel').length === n", arg=len(before) - 1)

    another = await somebody.open("/cold-chain/board")
    await expect(another.locator(".st-board-panel .st-h2")).to_have_text(wanted[:-1])

    colleague = await visitors.signed_in("colin.green@example.org", width=390, height=844)
    page = await colleague.open("/cold-chain/board")
    await expect(page.locator(".st-board-panel .st-h2"), "everybody has boards of their own").to_have_text(before)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
