"""Rules and excursions on the screen: what holds and why, who changed it, what it came from, and where a unit is heading."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from data.cold_chain.commands import rules
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from jobs.cold_chain import SLICES, draw_trends
from tests.cold_chain.stories import excursions, rule
from tests.e2e.conftest import Visitors
from tests.e2e.fit import unfit
from tests.factories.cold_chain import ColdStore, cold_store, measured
from tests.factories.people import World

pytestmark = pytest.mark.e2e
OWNER, COLLEAGUE, VIEWER, STRANGER = (
    "olga.green@example.org", "colin.green@example.org", "vera.green@example.org", "sam.other@example.org",
)  # fmt: skip


async def heard(world: World, *readings: tuple[float, float]) -> ColdStore:
    """A freezer, and what its sensor said so many minutes ago."""
    store = await cold_store(world.owner)
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(celsius, now() - timedelta(minutes=minutes)) for minutes, celsius in readings])
    return store



async def test_an_owner_changes_a_rule_where_it_is_shown_and_lets_it_be_inherited_again(visitors: Visitors, home: World) -> None:
    store = await cold_store(home.owner)
    page = await (await visitors.signed_in(OWNER)).open(f"/cold-chain/rules?unit={store.unit_id}")
    panel = page.locator(".st-panel")
    await page.get_by_role("button", name="Change: Alarm after", exact=True).click()
    await panel.get_by_label("Alarm after").fill("5000")
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.locator(".st-field-error")).to_have_text("Between 0 min and 1,440 min.")
    await panel.get_by_label("Alarm after").fill("25")
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Otherwise: 10 min, usual")).to_be_visible()
    await expect(page.get_by_text("Alarm after: inherited → 25 min")).to_be_visible()
    await expect(page.get_by_text("Olga Owner")).to_be_visible()
    async with transaction(home.owner) as tx:
        await rules.set_rule(tx, changes={"delay_minutes": 15}, site_id=store.site_id)
    await expect(page.get_by_text("Otherwise: 15 min, said for Market hall")).to_be_visible()
    await page.get_by_role("button", name="Change: Alarm after", exact=True).click()
    await panel.get_by_role("button", name="Inherit again").click()
    await expect(page.get_by_text("Alarm after: 25 min → inherited")).to_be_visible()
    await page.get_by_role("button", name="Change: Door open: critical after").click()
    await panel.get_by_label("Door open: critical after").fill("1")
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_text("What is critical must not come before the warning.")).to_be_visible()


@pytest.mark.parametrize("who", [COLLEAGUE, VIEWER])
async def test_who_may_not_edit_rules_is_told_so(visitors: Visitors, home: World, who: str) -> None:
    await cold_store(home.owner)
    page = await (await visitors.signed_in(who)).open("/cold-chain/rules")
    assert await page.get_by_role("button", name="Change").count() == 0


async def test_an_excursion_is_found_looked_at_and_explained(visitors: Visitors, home: World) -> None:
    store = await heard(home, (60, -20), (40, -12), (35, -10), (30, -12), (20, -20), (15, -20))
    page = await (await visitors.signed_in(COLLEAGUE)).open("/cold-chain/excursions?cause=missing")
    await page.get_by_text("Freezer 1").first.click()
    await page.wait_for_url("**/cold-chain/excursions/*from=*")
    await expect(page.get_by_text("20 min", exact=True)).to_be_visible()
    await expect(page.get_by_text("−10.0 °C, limit −17.8 °C")).to_be_visible()
    await page.get_by_role("button", name="Say why").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Note").fill("Six pallets came in at once.")
    await panel.get_by_label("Cause").click()
    await page.get_by_role("option", name="Delivery").click()
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("“Six pallets came in at once.”")).to_be_visible()
    (one,) = await excursions(home, store.unit_id)
    assert one.cause == "delivery" and one.cause_by == home.colleague.user_id
    await page.goto(page.url.split("/cold-chain")[0] + "/cold-chain/excursions?cause=missing")
    await expect(page.get_by_text("No unit has been out of its limits here.")).to_be_visible()


async def test_a_viewer_looks_and_explains_nothing_and_a_stranger_finds_nothing(visitors: Visitors, home: World) -> None:
    store = await heard(home, (60, -20), (40, -12), (20, -20), (15, -20))
    (one,) = await excursions(home, store.unit_id)
    page = await (await visitors.signed_in(VIEWER)).open(f"/cold-chain/excursions/{one.id}")
    await expect(page.get_by_text("Cause not known")).to_be_visible()
    assert await page.get_by_role("button", name="Say why").count() == 0
    stranger = await visitors.signed_in(STRANGER)
    theirs = await stranger.open(f"/cold-chain/excursions/{one.id}")
    await expect(theirs.get_by_text("There is no such excursion.")).to_be_visible()
    answer = await stranger.page.request.get(f"{stranger.url}/cold-chain/excursions.csv")
    assert answer.ok and (await answer.text()).strip().count("\n") == 0


async def test_excursions_are_taken_away_as_a_table(visitors: Visitors, home: World) -> None:
    await heard(home, (60, -20), (40, -12), (20, -20), (15, -20))
    viewer = await visitors.signed_in(VIEWER)
    answer = await viewer.page.request.get(f"{viewer.url}/cold-chain/excursions.csv?state=over")
    lines = (await answer.text()).splitlines()
    assert lines[0].startswith("\ufeffstarted_at,local_time,ended_at") and len(lines) == 2
    assert ",Market hall,Dock,Freezer 1,above,-17.78,-12.00," in lines[1]


async def test_a_unit_says_when_it_would_be_out_of_its_limits(visitors: Visitors, home: World) -> None:
    store = await heard(home, *((minute, -22 + 0.07 * (26 - minute)) for minute in range(26, 0, -2)))
    for minute in range(SLICES):
        await draw_trends(now() + timedelta(minutes=minute))
    page = await (await visitors.signed_in(VIEWER)).open(f"/cold-chain/units/{store.unit_id}")
    await expect(page.get_by_text("Out of limits in about 36 min")).to_be_visible()
    await expect(page.get_by_text("warms by 4.2 °C an hour")).to_be_visible()
    await page.goto(page.url.split("/units")[0])
    await expect(page.get_by_text("about 36 min").first).to_be_visible()


async def test_these_pages_are_fit_for_everybody(visitors: Visitors, home: World) -> None:
    store = await heard(home, (60, -20), (40, -12), (20, -20), (15, -20))
    await rule(home, store.unit_id, delay_minutes=15, temperature_max_celsius=-16)
    (one,) = await excursions(home, store.unit_id)
    owner = await visitors.signed_in(OWNER)
    paths = [f"/cold-chain/{path}" for path in ("rules", f"rules?unit={store.unit_id}", "excursions", f"excursions/{one.id}?from=1&to=2")]
    assert {path: wrong for path in paths if (wrong := await unfit(owner, path))} == {}
    assert owner.problems == []
