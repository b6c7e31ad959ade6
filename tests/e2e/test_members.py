"""An owner invites a keeper to one farm; the keeper joins on a phone by number, gets another role, and is let go."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Visitors
from tests.e2e.fit import AXE, RUN, serious
from tests.factories.farm import build_farm
from tests.factories.people import PASSWORD, World

pytestmark = pytest.mark.e2e


async def test_somebody_joins_one_farm_by_a_link_and_leaves_it(visitors: Visitors, home: World) -> None:
    await build_farm(home.owner, prefix="members")
    owner, keeper = await visitors.signed_in("olga.green@example.org"), await visitors.anonymous(width=390, height=844)
    page = await owner.open("/farm/members")
    await page.get_by_role("button", name="Invite somebody").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Sok Dara")
    await dialog.get_by_role("button", name="Invite", exact=True).click()
    link = await page.locator(".st-secret-text").inner_text()
    assert link.startswith(visitors.url)
    await expect(page.get_by_role("img", name="The link as a picture for a camera")).to_be_visible()
    await page.get_by_role("button", name="Done").click()
    theirs = keeper.page
    await theirs.goto(link)
    await expect(theirs.get_by_text("Green Steading invites you as: Keeper.")).to_be_visible()
    await theirs.fill("input[name=email]", "nobody")
    await theirs.fill("input[name=password]", PASSWORD)
    await theirs.get_by_role("button", name="Join").click()
    await expect(theirs.get_by_role("alert")).to_have_text(re.compile("Write an e-mail address, or a phone number"))
    await theirs.fill("input[name=email]", "012 345 678")
    await theirs.fill("input[name=password]", PASSWORD)
    await theirs.get_by_role("button", name="Join").click()
    await theirs.wait_for_url(f"{visitors.url}/")
    theirs = await keeper.open("/farm/schedules")
    await expect(page.get_by_text("+85512345678")).to_be_visible()
    for each in (page, theirs):
        await each.evaluate(AXE)
        assert serious(await each.evaluate(RUN)) == []
    row = page.get_by_role("article").filter(has_text="Sok Dara")
    await row.get_by_role("button", name="Remove").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(theirs.get_by_text("You do not belong to any organization yet.")).to_be_visible()
    await expect(row).to_have_count(0)
