from datetime import timedelta

import pyotp
import pytest
from playwright.async_api import expect

from data.core.time import now
from tests.e2e.conftest import Visitors
from tests.factories.people import PASSWORD, World

pytestmark = pytest.mark.e2e


async def test_somebody_signs_in_looks_around_and_signs_out(visitors: Visitors, home: World) -> None:
    somebody = await visitors.signed_in("olga.green@example.org")
    page = await somebody.open("/")
    await page.get_by_text("What needs you now").wait_for()
    await page.get_by_role("button", name="Your menu").click()
    await page.get_by_text("Sign out").click()
    await page.wait_for_url(lambda url: "/sign-in" in url)
    await page.goto(f"{visitors.url}/people")
    assert "/sign-in?next=/people" in page.url


async def test_a_wrong_password_keeps_the_name_and_says_so(visitors: Visitors, home: World) -> None:
    somebody = await visitors.anonymous()
    page = somebody.page
    await page.goto(f"{visitors.url}/sign-in?next=/people")
    await page.fill("input[name=name]", "olga.green@example.org")
    await page.fill("input[name=password]", "wrong")
    await page.click("button[type=submit]")
    await page.get_by_text("The name or the password is not right.").wait_for()
    assert await page.input_value("input[name=name]") == "olga.green@example.org"
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/people")


async def test_ending_a_session_elsewhere_closes_its_open_pages(visitors: Visitors, home: World) -> None:
    lost_phone = await visitors.signed_in("olga.green@example.org")
    theirs = await lost_phone.open("/people")
    desk = await visitors.signed_in("olga.green@example.org")
    page = await desk.open("/settings")
    await page.get_by_role("button", name="Sign out").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    await theirs.wait_for_url(lambda url: "/sign-in" in url)


async def test_the_menu_offers_only_what_one_may_see(visitors: Visitors, home: World) -> None:
    assessor = await visitors.signed_in("asha.green@example.org")
    page = await assessor.open("/")
    rail = page.get_by_role("navigation", name="Main menu").first
    await expect(rail.get_by_text("Trees")).to_have_count(1)
    assert await rail.get_by_text("Machines").count() == 0
    await assessor.open("/machines")
    await page.get_by_text("You do not have access to this").first.wait_for()


async def test_a_visitor_reads_khmer_when_the_browser_asks_for_it(visitors: Visitors, home: World) -> None:
    somebody = await visitors.anonymous(width=390, height=844)
    await somebody.page.goto(f"{visitors.url}/sign-in?language=km")
    assert await somebody.page.evaluate("document.documentElement.lang") == "km"


async def test_a_second_factor_is_set_up_and_asked_for_from_then_on(visitors: Visitors, home: World) -> None:
    somebody = await visitors.signed_in("olga.green@example.org")
    page = await somebody.open("/settings")
    await page.get_by_role("button", name="Set it up").click()
    dialog = page.get_by_role("dialog")
    secret = (await dialog.locator(".st-secret-text").inner_text()).replace(" ", "")
    await dialog.get_by_label("Code", exact=True).fill("000000")
    await dialog.get_by_role("button", name="Turn it on").click()
    await dialog.get_by_text("The code is not right.").wait_for()
    await dialog.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(now() - timedelta(seconds=30)))
    await dialog.get_by_role("button", name="Turn it on").click()
    await page.get_by_text("Recovery codes", exact=True).wait_for()

    another = await visitors.anonymous(width=390, height=844)
    page = another.page
    await page.goto(f"{visitors.url}/sign-in?next=/people")
    await page.fill("input[name=name]", "olga.green@example.org")
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/sign-in/code**")
    await page.goto(f"{visitors.url}/people")
    assert "/sign-in" in page.url, "the password alone opens nothing"
    await page.goto(f"{visitors.url}/sign-in/code?next=/people")
    await page.fill("input[name=code]", "123456")
    await page.click("button[type=submit]")
    await page.get_by_text("The code is not right.").wait_for()
    await page.fill("input[name=code]", pyotp.TOTP(secret).now())
    await page.click("button[type=submit]")
    await page.wait_for_url("**/people")
