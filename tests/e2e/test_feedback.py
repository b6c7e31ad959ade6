"""People are asked once what a week was like, may put that off, and those who run the business read the averages."""

import psycopg
import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Visitors
from tests.factories.cold_chain import cold_store
from tests.factories.people import World

pytestmark = pytest.mark.e2e
COLLEAGUE, OWNER, VIEWER = "colin.green@example.org", "olga.green@example.org", "vera.green@example.org"


@pytest.fixture
async def asked(home: World, owner_connection: psycopg.Connection) -> None:
    await cold_store(home.owner)
    owner_connection.execute("update cold_chain.sites set created_at = now() - interval '60 days'")


async def test_a_question_put_off_stays_away_in_that_browser(visitors: Visitors, asked: None) -> None:
    colleague = await visitors.signed_in(COLLEAGUE)
    page = await colleague.open("/cold-chain")
    question = page.get_by_role("complementary", name="A question")
    await expect(question).to_be_visible()
    await question.get_by_role("button", name="Not now").click()
    await expect(question).to_have_count(0)
    await page.reload()
    await page.wait_for_function("window.did_handshake === true")
    await expect(page.get_by_text("Freezer 1")).to_be_visible()
    await expect(question).to_be_hidden()


async def test_what_a_colleague_says_is_read_by_the_owner(visitors: Visitors, asked: None) -> None:
    colleague, owner = await visitors.signed_in(COLLEAGUE), await visitors.signed_in(OWNER)
    theirs = await owner.open("/cold-chain/feedback")
    await expect(theirs.get_by_text("Nobody has said anything yet.")).to_be_visible()
    page = await colleague.open("/cold-chain")
    await page.get_by_role("complementary", name="A question").get_by_role("button", name="Answer").click()
    panel = page.locator(".st-panel")
    await panel.get_by_role("button", name="Send it").click()
    await expect(panel.get_by_text("Say at least one thing.")).to_be_visible()
    await panel.get_by_label("Writing temperatures down").click()
    await page.get_by_role("option", name="5 · quick").click()
    await panel.get_by_label("What else?").fill("The keypad is fast.")
    await panel.get_by_role("button", name="Send it").click()
    await expect(page.get_by_text("Thank you.")).to_be_visible()
    await expect(page.get_by_role("complementary", name="A question")).to_have_count(0)
    await expect(theirs.get_by_text("The keypad is fast.")).to_be_visible()
    await expect(theirs.get_by_text("5.0")).to_be_visible()
    await page.goto(f"{colleague.url}/cold-chain/feedback")
    await expect(page.get_by_role("button", name="Change")).to_be_visible()
    assert await page.get_by_text("Averages, 1 to 5").count() == 0


async def test_a_viewer_is_not_asked(visitors: Visitors, asked: None) -> None:
    viewer = await visitors.signed_in(VIEWER)
    page = await viewer.open("/cold-chain")
    await expect(page.get_by_text("Freezer 1")).to_be_visible()
    await expect(page.get_by_role("complementary", name="A question")).to_have_count(0)
    await viewer.open("/cold-chain/feedback")
    await expect(page.get_by_text("You do not have access to this").first).to_be_visible()
