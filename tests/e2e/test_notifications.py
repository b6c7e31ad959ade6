"""People arrange how they are told and see at once whether it works; owners arrange how their organization sends."""

import asyncio
import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from playwright.async_api import Page

from data.core.session import transaction
from data.notifications import queries
from data.notifications.commands import channels as commands
from data.notifications.tables import Channel, NotificationPreference, Purpose
from data.notifications.unsubscribing import read
from tests.e2e.conftest import Outside, Server, Visitors
from tests.factories.channels import message, told
from tests.factories.outside import Partner
from tests.factories.people import World

pytestmark = pytest.mark.e2e
OWNER, COLLEAGUE = "olga.green@example.org", "colin.green@example.org"


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.05)


async def fill(page: Page, label: str, words: str) -> None:
    await page.get_by_role("dialog").get_by_label(label).fill(words)


async def test_a_test_mail_shows_where_it_was_asked_for_that_it_was_sent(visitors: Visitors, home: World, outside: Outside) -> None:
    outside.mail.arrived.clear()
    somebody = await visitors.signed_in(COLLEAGUE, width=390, height=844)
    page = await somebody.open("/settings/notifications")
    await page.get_by_role("button", name="Send a test: E-mail").click()
    await page.locator(".st-badge.is-ok", has_text="Sent").first.wait_for()
    [mail] = outside.mail.arrived
    assert mail["To"] == COLLEAGUE and mail["Subject"] == "A test"
    outside.mail.refusing = "550 no such mailbox"
    try:
        await page.get_by_role("button", name="Send a test: E-mail").click()
        await page.get_by_text("550 no such mailbox").first.wait_for()
    finally:
        outside.mail.refusing = ""


async def test_a_number_is_confirmed_by_its_code_and_then_reached(visitors: Visitors, home: World, outside: Outside) -> None:
    outside.telnyx.sent.clear()
    async with transaction(home.owner) as tx:
        await commands.set_sms(tx, number="+15550001111", api_key=outside.telnyx.key, public_key=outside.telnyx.public_key, profile_id=None)
    somebody = await visitors.signed_in(COLLEAGUE)
    page = await somebody.open("/settings/notifications")
    await page.get_by_role("button", name="Add your number").click()
    await fill(page, "Number, with its country", "012345678")
    await page.get_by_role("button", name="Send me the code").click()
    await page.get_by_text("Write the number with its country, such as +855 12 345 678.").wait_for()
    await fill(page, "Number, with its country", "+855 12 345 678")
    await page.get_by_role("button", name="Send me the code").click()
    code = page.get_by_label("Six digits")
    await code.wait_for()
    await until(lambda: len(outside.telnyx.sent) == 1)
    [sent] = outside.telnyx.sent
    found = re.match(r"(\d{6}) is your code", sent["text"])
    assert found and sent["to"] == "+85512345678"
    await code.fill("000000" if found[1] != "000000" else "111111")
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_text("This is not the code.").wait_for()
    await code.fill(found[1])
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_text("+85512345678").first.wait_for()
    await page.get_by_role("button", name="Send a test: Text message").click()
    way = page.locator(".st-item", has_text="Text message").first
    await way.locator(".st-badge.is-ok", has_text="Sent").wait_for()
    async with httpx.AsyncClient(base_url=somebody.url) as telnyx:
        payload = {"id": "message-2", "from": {"phone_number": "+15550001111"}, "to": [{"phone_number": "+85512345678", "status": "delivered"}]}
        body, headers = outside.telnyx.tells("message.finalized", payload)
        assert (await telnyx.post("/webhooks/telnyx", content=body, headers=headers)).status_code == 200
    await way.locator(".st-badge.is-ok", has_text="Arrived").wait_for()


async def test_a_chat_is_linked_by_the_link_and_the_page_sees_it(visitors: Visitors, home: World, outside: Outside) -> None:
    owner = await visitors.signed_in(OWNER)
    page = await owner.open("/channels")
    await page.locator(".st-card", has_text="Telegram").get_by_role("button", name="Set up").click()
    await fill(page, "The bot's token", outside.telegram.token)
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("@steading_bot").wait_for()
    page = await owner.open("/settings/notifications")
    await page.get_by_role("button", name="Link Telegram").click()
    href = await page.get_by_role("link", name="Open Telegram").get_attribute("href") or ""
    outside.telegram.say(4711, f"/start {urlsplit(href).query.removeprefix('start=')}")
    await page.get_by_text("Linked with Dara").wait_for()


async def test_an_endpoints_secret_is_shown_once_and_a_test_of_it_says_how_it_went(visitors: Visitors, home: World) -> None:
    partner = Partner()
    async with partner.running() as url:
        owner = await visitors.signed_in(OWNER)
        page = await owner.open("/channels")
        await page.get_by_role("button", name="Add an endpoint").click()
        await fill(page, "Name", "Warehouse")
        await fill(page, "Address", "warehouse")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("Write the whole address, such as https://partner.example/hooks.").wait_for()
        await fill(page, "Address", url)
        await page.get_by_role("button", name="Save").click()
        partner.secret = await page.locator(".st-secret-text").inner_text()
        await page.get_by_role("button", name="I have stored it").click()
        await page.get_by_role("button", name="Send a test").last.click()
        await page.wait_for_url("**/messages/*")
        await page.locator(".st-badge.is-ok", has_text="Sent").wait_for()
    [said] = partner.told
    assert said["type"] == "notification.test"


async def test_what_failed_says_why_and_is_sent_again_by_one_button(visitors: Visitors, home: World, outside: Outside) -> None:
    outside.mail.arrived.clear()
    outside.mail.refusing = "554 not today"
    owner = await visitors.signed_in(OWNER)
    page = await owner.open("/messages?status=failed")
    try:
        await told(home, message(Channel.EMAIL, user_id=home.colleague.user_id))
        await page.get_by_text("554 not today").first.wait_for()
    finally:
        outside.mail.refusing = ""
    await page.get_by_text("Colin Colleague").first.click()
    await page.wait_for_url("**/messages/*")
    await page.get_by_text("They may see this place.").wait_for()
    await page.get_by_role("button", name="Send it again").click()
    await page.locator(".st-badge.is-ok", has_text="Sent").wait_for()
    assert len(outside.mail.arrived) == 1


async def test_a_digest_is_ended_by_one_click_without_signing_in_and_by_a_mail_program_without_a_page(
    visitors: Visitors, served: Server, home: World, outside: Outside
) -> None:
    outside.mail.arrived.clear()
    for who in (home.owner, home.colleague):
        async with transaction(who) as tx:
            tx.add(NotificationPreference(user_id=who.user_id, digest_daily=True, digest_weekly=True))
        payload = {"days": 1, "count": 0, "shown": 0, "places": []}
        await told(home, message(Channel.EMAIL, user_id=who.user_id, purpose=Purpose.DIGEST, payload=payload))

    async def wanted() -> list[bool]:
        found = []
        for who in (home.owner, home.colleague):
            async with transaction(who) as tx:
                found.append((await queries.own_preference(tx)).digest_daily)
        return found

    await until(lambda: len(outside.mail.arrived) == 2)
    links = {mail["To"]: mail["List-Unsubscribe"].strip("<>") for mail in outside.mail.arrived}
    assert all(mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" for mail in outside.mail.arrived)
    nobody = await visitors.anonymous(width=390, height=844)
    page = nobody.page
    await page.goto(links[OWNER])
    await page.get_by_text(f"Send no more digests to {OWNER}?").wait_for()
    assert await wanted() == [True, True]  # looking changes nothing
    await page.get_by_role("button", name="Send me no more").click()
    await page.get_by_text("Done.").wait_for()
    assert await wanted() == [False, True]
    async with httpx.AsyncClient() as mail_program:
        answer = await mail_program.post(links[COLLEAGUE], data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200 and await wanted() == [False, False]
        broken = await mail_program.post(f"{served.url}/unsubscribe?token=x")
        assert broken.status_code == 404
    assert read(unquote(urlsplit(links[OWNER]).query.removeprefix("token="))).user_id == home.owner.user_id


async def test_staff_are_not_offered_the_channels(visitors: Visitors, home: World) -> None:
    somebody = await visitors.signed_in(COLLEAGUE)
    for path in ("/channels", "/messages"):
        page = await somebody.open(path)
        await page.get_by_text("You do not have access to this").wait_for()
    assert await page.get_by_role("link", name="Channels").count() == 0


async def test_a_channel_that_fails_again_and_again_is_said_at_home_and_is_tried_again_by_one_button(
    visitors: Visitors, home: World, outside: Outside
) -> None:
    outside.telnyx.sent.clear()
    async with transaction(home.owner) as tx:
        await commands.set_sms(tx, number="+15550001111", api_key="wrong", public_key=None, profile_id=None)
    owner = await visitors.signed_in(OWNER)
    page = await owner.open("/")
    await told(home, *(message(Channel.SMS, address=f"+8551234000{n}") for n in range(6)))
    await page.get_by_text("Text message fails again and again: Telnyx refuses this account").first.click()
    await page.wait_for_url("**/channels")
    card = page.locator(".st-card", has_text="Text message")
    await card.get_by_text("Rests until").wait_for()
    await card.get_by_role("button", name="Change").click()
    await fill(page, "API key", outside.telnyx.key)
    await page.get_by_role("button", name="Save").click()
    await card.get_by_text("Works").wait_for()
    await until(lambda: len(outside.telnyx.sent) == 6)
