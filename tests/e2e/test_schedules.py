"""A schedule is made on a phone, by somebody who has never heard of cron."""

from typing import Any

import pytest
from playwright.async_api import Locator

from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.values import DeviceReport, SensorValue
from tests.e2e.conftest import Visitors
from tests.e2e.fit import AXE, RUN, serious
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


async def test_a_condition_is_put_together_with_a_thumb_and_what_was_taken_away_comes_back(visitors: Visitors, home: World) -> None:
    farm = await build_farm(home.owner, prefix="cond")
    await bring_online(home.owner, farm.fan, farm.pump, is_on=False)
    async with transaction(Actor.machine(home.organization_id, "tests")) as tx:
        for kind, value, unit in (("temperature", 27.0, "°C"), ("humidity", 60.0, "%")):
            await commands.hear(tx, [DeviceReport(farm.probe.id, SensorValue(farm.probe.topic, kind, value, unit, now()))])
    somebody = await visitors.signed_in("olga.green@example.org", width=360, height=740)
    page = await somebody.open("/farm/schedules")
    await page.get_by_role("button", name="Add a schedule").first.click()
    panel = page.locator(".st-panel")

    async def choose(control: Locator, words: str) -> None:
        await control.click()
        await page.locator(".q-menu .q-item").filter(has_text=words).first.click()
        await page.wait_for_function("!document.querySelector('.q-menu')")

    await choose(panel.get_by_label("Device", exact=True), "Fan")
    await choose(panel.get_by_label("When", exact=True), "too hot")
    await panel.get_by_role("textbox", name="Name").fill("Cool")
    await panel.get_by_label("The value").first.fill("30")
    await panel.get_by_label("Until it has passed").first.fill("31")
    await panel.get_by_role("button", name="And another").click()
    second = panel.locator(".st-parts-row").nth(1)
    await choose(second.get_by_label("What is measured"), "Humidity")
    await second.get_by_label("The value").fill("80")
    await second.get_by_role("checkbox", name="not").click()
    await panel.get_by_role("button", name="Save").click()
    await panel.get_by_text("lies on the wrong side").first.wait_for()  # at its row, and nothing that was typed is lost
    await panel.get_by_label("Until it has passed").first.fill("28")
    await panel.get_by_role("button", name="Save").click()
    await page.get_by_role("checkbox", name="Choose Cool").wait_for()
    await page.locator("article").get_by_text("not: Humidity of Probe is above 80").wait_for()
    async with transaction(home.owner) as tx:
        (made,) = await queries.schedules(tx)
    warm, damp = (made.schedule.condition or {})["and"]
    assert (warm["value"], warm["until"], damp["not"]["value"]) == (30, 28, 80)

    await page.get_by_role("checkbox", name="Choose Cool").click()
    await page.get_by_role("button", name="Remove").first.click()
    await panel.get_by_role("button", name="Remove").click()
    await page.get_by_text("1 schedule was removed.").wait_for()
    await page.get_by_role("button", name="Bring it back").click()
    await page.get_by_role("checkbox", name="Choose Cool").wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    page = await somebody.open("/farm/ledger")
    await page.get_by_text("Nothing fell into an outage in the last 30 days.").wait_for()
    assert somebody.problems == []


async def test_the_steps_of_a_sequence_that_begins_at_sunset_are_dragged_into_order_by_finger_and_by_mouse(visitors: Visitors, home: World) -> None:
    farm = await build_farm(home.owner, prefix="drag")
    await bring_online(home.owner, farm.fan, farm.pump, is_on=False)
    async with transaction(home.owner) as tx:
        await commands.edit_farm(tx, farm.farm.id, name="By the river", time_zone="Asia/Phnom_Penh", latitude=11.55, longitude=104.92)
    somebody = await visitors.signed_in("olga.green@example.org", width=360, height=740)
    page = await somebody.open("/farm/schedules")
    await page.get_by_role("button", name="Add a schedule").first.click()
    panel = page.locator(".st-panel")

    async def choose(label: str, words: str) -> None:
        await panel.get_by_label(label, exact=True).click()
        await page.locator(".q-menu .q-item").filter(has_text=words).first.click()
        await page.wait_for_function("!document.querySelector('.q-menu')")

    async def grip(row: int) -> tuple[float, float]:
        box = await panel.locator(".st-grip").nth(row).bounding_box()
        assert box and box["width"] >= 44 and box["height"] >= 44
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    async def in_order(*lengths: int) -> None:
        wanted = [str(length) for length in lengths]
        await page.wait_for_function("w => JSON.stringify([...document.querySelectorAll('.st-part input[type=number]')].map(i => i.value)) === JSON.stringify(w)", arg=wanted)

    await choose("Device", "Fan")
    await choose("When", "Step by step")
    await choose("It begins", "By the sunset")
    await panel.get_by_role("textbox", name="Name").fill("Evening")
    await panel.get_by_label("Minutes after it").fill("-20")
    for number, length in enumerate((31, 12, 33, 14), 1):
        await panel.get_by_label(f"Seconds of step {number}").fill(str(length))
    await panel.locator(".st-grip").nth(3).scroll_into_view_if_needed()

    finger = await page.context.new_cdp_session(page)
    (x, y), (_, below) = await grip(1), await grip(3)
    for kind, at in (("touchStart", y), ("touchMove", y + 20), ("touchMove", below + 4), ("touchEnd", None)):
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if at is None else [{"x": x, "y": at}]})
    await in_order(31, 33, 14, 12)

    for is_given_up in (True, False):
        (x, y), (_, top) = await grip(3), await grip(2)
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x, top - 4, steps=3)
        if is_given_up:
            await page.keyboard.press("Escape")
        await page.mouse.up()
    await in_order(31, 33, 12, 14)
    await panel.get_by_role("button", name="Move step 2 up").click()
    await in_order(33, 31, 12, 14)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await panel.get_by_role("button", name="Save").click()
    await page.locator("article").get_by_text("20 minutes before sunset").first.wait_for()
    async with transaction(home.owner) as tx:
        (made,) = await queries.schedules(tx)
    assert [(step["action"], step["duration_s"]) for step in made.schedule.steps or []] == [("on", 33), ("on", 31), ("off", 12), ("off", 14)]
    assert (made.schedule.sun_event, made.schedule.sun_offset_minutes, made.schedule.start_time) == ("sunset", -20, None)
