"""A dispatcher's day: a driver and their phone, a shipment and its steps, on screens that keep up by themselves."""

import re

import httpx
import pytest
from playwright.async_api import Page, expect

from data.core.time import now
from tests.e2e.conftest import Server, Visitors
from tests.factories.deliveries import driver, shipment
from tests.factories.people import World

pytestmark = pytest.mark.e2e
OWNER, COLLEAGUE, VIEWER, STRANGER = (
    "olga.green@example.org", "colin.green@example.org", "vera.green@example.org", "sam.other@example.org",
)  # fmt: skip


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).first.click()


async def test_a_phone_registered_on_screen_speaks_at_its_door_with_the_secret_it_was_shown(
    visitors: Visitors, served: Server, home: World
) -> None:
    dispatcher = await visitors.signed_in(OWNER)
    page = await dispatcher.open("/deliveries")
    await press(page, "Add a driver")
    await page.locator(".st-panel input").first.fill("Dara")
    await page.locator(".st-panel").get_by_role("button", name="Add", exact=True).click()
    await page.wait_for_url(re.compile("/deliveries/drivers/"))
    await press(page, "Add a phone")
    await page.locator(".st-panel input").first.fill("Work phone")
    await page.locator(".st-panel").get_by_role("button", name="Add", exact=True).click()
    secret = await page.locator(".st-secret-text").inner_text()
    await press(page, "I have stored it")
    await expect(page.get_by_text("Off the road")).to_be_visible()
    fix = {"_type": "location", "lat": 11.5696, "lon": 104.921, "tst": int(now().timestamp()), "acc": 8, "vel": 36}
    async with httpx.AsyncClient(base_url=served.url) as phone:
        assert (await phone.post("/feeds/owntracks", json=fix, auth=("x", secret))).status_code == 200
        await expect(page.get_by_text("Free", exact=True)).to_be_visible()
        await expect(page.get_by_text("36 km/h").first).to_be_visible()
        await press(page, "Take away")
        await page.locator(".st-panel").get_by_role("button", name="Take away").click()
        await expect(page.get_by_text("No phone yet.")).to_be_visible()
        assert (await phone.post("/feeds/owntracks", json=fix, auth=("x", secret))).status_code == 401


async def test_a_shipment_goes_from_order_to_delivery_and_a_colleagues_list_follows(
    visitors: Visitors, home: World
) -> None:
    await driver(home.owner, "Dara")
    colleague = await visitors.signed_in(COLLEAGUE)
    elsewhere = await colleague.open("/deliveries/orders")
    await expect(elsewhere.get_by_text("No shipments here.")).to_be_visible()
    assert await elsewhere.get_by_role("button", name="New shipment").count() == 0

    dispatcher = await visitors.signed_in(OWNER)
    page = await dispatcher.open("/deliveries/orders")
    await press(page, "New shipment")
    typed = page.locator(".st-panel input")
    await typed.nth(0).fill("Central Market")
    await press(page, "Order it")
    await expect(page.get_by_text("Please fill this in.").first).to_be_visible()
    assert await typed.nth(0).input_value() == "Central Market"
    await typed.nth(6).fill("Sisowath Quay 12")
    await press(page, "Order it")
    await page.wait_for_url(re.compile("/deliveries/orders/[0-9a-f-]{36}"))
    await expect(elsewhere.get_by_text("Waits for a driver")).to_be_visible()

    await press(page, "Assign")
    for step, seen in (
        ("The driver accepts", "Has a driver"),
        ("The driver sets off", "On its way"),
        ("The driver is there", "On its way"),
    ):
        await page.get_by_role("button", name=step).click()
        await expect(elsewhere.get_by_text(seen)).to_be_visible()
    await page.get_by_role("button", name="It is delivered").click()
    await expect(page.locator(".st-badge", has_text="Delivered")).to_be_visible()
    await expect(elsewhere.get_by_text("No shipments here.")).to_be_visible()
    await expect(page.get_by_role("button", name="Call it off…")).to_have_count(0)


async def test_who_may_not_see_deliveries_sees_none_of_it(visitors: Visitors, home: World) -> None:
    dara, parcel = await driver(home.owner, "Dara"), await shipment(home.owner)
    pages = ("/deliveries", "/deliveries/orders", f"/deliveries/orders/{parcel.id}", f"/deliveries/drivers/{dara.id}")
    viewer, stranger = await visitors.signed_in(VIEWER), await visitors.signed_in(STRANGER)
    for path in pages:
        page = await viewer.open(path)
        await expect(page.get_by_text("You do not have access to this")).to_be_visible()
    for path in pages:
        page = await stranger.open(path)
        await page.wait_for_timeout(300)
        words = await page.inner_text("main")
        assert "Dara" not in words and parcel.tracking_number not in words, path
    for path in pages[2:]:
        page = await stranger.open(path)
        await expect(page.get_by_text(re.compile("There is no such"))).to_be_visible()
