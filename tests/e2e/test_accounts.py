"""Somebody makes an account on a phone by a link in their mail, and takes another address later."""

import asyncio

import pytest

from tests.e2e.conftest import Outside, Visitors
from tests.factories.people import PASSWORD, World

pytestmark = pytest.mark.e2e


async def link_to(outside: Outside, address: str, part: str) -> str:
    """The link in the mail that comes to that address."""
    async with asyncio.timeout(10):
        while True:
            for letter in outside.mail.arrived:
                body = letter.get_body(("plain",))
                if str(letter["To"]) == address and body and part in body.get_content():
                    return next(word for word in body.get_content().split() if part in word)
            await asyncio.sleep(0.02)


async def test_somebody_makes_an_account_on_a_phone_and_takes_another_address(visitors: Visitors, home: World, outside: Outside) -> None:
    somebody = await visitors.anonymous(width=390, height=844)
    page = somebody.page
    await page.goto(f"{visitors.url}/sign-in")
    await page.get_by_role("link", name="Create an account").click()
    await page.fill("input[name=name]", "Sokha Chan")
    await page.fill("input[name=address]", "sokha@example.com")
    await page.fill("input[name=password]", "short")
    await page.click("button[type=submit]")
    await page.get_by_text("A password needs at least 8 characters.").wait_for()
    assert await page.input_value("input[name=address]") == "sokha@example.com"
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.get_by_text("A link is on its way.").wait_for()

    await page.goto(await link_to(outside, "sokha@example.com", "/sign-up/"))
    await page.fill("input[name=password]", "somebody else's")
    await page.click("button[type=submit]")
    await page.get_by_text("This is not the password that you chose").wait_for()
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_url(f"{visitors.url}/")

    await somebody.open("/settings")
    await page.get_by_role("button", name="Change the e-mail address").click()
    dialog = page.locator(".st-panel")
    await dialog.get_by_label("The new address").fill("sokha@new.example")
    await dialog.get_by_label("The password you have").fill(PASSWORD)
    await dialog.get_by_role("button", name="Send the link").click()
    await page.get_by_text("A link went to sokha@new.example.").wait_for()
    await page.goto(await link_to(outside, "sokha@new.example", "/new-address/"))
    await page.get_by_role("button", name="Use this address").click()
    await page.wait_for_url(f"{visitors.url}/settings")
    await page.get_by_text("sokha@new.example", exact=True).wait_for()
