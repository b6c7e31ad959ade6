"""From a vendor's file to the list, from nothing to a place, and where a tag was, on a map that moves when one wants."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from data.core.session import transaction
from data.core.time import now
from data.tracking import commands, queries
from data.tracking.tags import csv_template
from data.tracking.values import TagKeys
from tests.e2e.conftest import Visitors
from tests.factories.people import World
from tests.factories.tracking import ROAD, SHOP, WAREHOUSE, build_shipping, heard, report, tag

pytestmark = pytest.mark.e2e

HOUR = timedelta(hours=1)


def line(keys: TagKeys, *, name: str = "", private: str = "") -> str:
    return f"{name or keys.name},{keys.advertisement_key},{private or keys.private_key},,\r\n"


async def bring(page: Page, file: Path) -> None:
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a CSV file").click()
    await (await chooser.value).set_files(file)


async def test_where_a_tag_was_shows_on_a_map_with_a_slider_without_the_internet(visitors: Visitors, home: World) -> None:
    shipping = await build_shipping(home.owner, 1)
    journey = [heard(shipping.trackers[1], place, now() - hours * HOUR) for place, hours in ((ROAD, 30), (WAREHOUSE, 20), (SHOP, 2))]
    await report(home.organization_id, journey)
    colleague = await visitors.signed_in("colin.green@example.org")
    outside: list[str] = []

    async def refuse(route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            await route.continue_()
        else:
            outside.append(route.request.url)
            await route.abort()

    await colleague.context.route("http*://**", refuse)
    page = await colleague.open(f"/tracking/{shipping.trackers[1]}")
    slider = page.frame_locator("iframe.st-frame-html")
    await slider.locator(".timecontrol-date").wait_for()
    await slider.locator(".leaflet-interactive").first.wait_for(state="attached")
    await page.locator("article").filter(has_text="In storage").get_by_text("Riverside warehouse").wait_for()
    await expect(page.locator(".st-rows tbody tr")).to_have_count(3)
    await report(home.organization_id, [heard(shipping.trackers[1], ROAD, now() - HOUR)])
    await page.get_by_role("button", name="Show newer positions").click()
    await page.locator("article").filter(has_text="In transit").nth(1).wait_for()
    assert outside == []


async def test_a_vendors_file_is_refused_row_by_row_and_then_taken(visitors: Visitors, home: World, tmp_path: Path) -> None:
    shipping = await build_shipping(home.owner, 1)
    owner = await visitors.signed_in("olga.green@example.org")
    page = await owner.open("/tracking/import")
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text(csv_template() + line(tag(2)) + line(tag(3), private="x") + line(tag(1), name="Another"))
    good.write_text(csv_template() + line(tag(2)) + line(tag(3)))
    await bring(page, bad)
    await page.get_by_text("1 row is not right. Nothing was imported.").wait_for()
    await page.get_by_role("button", name="Import", exact=True).click()
    await page.get_by_text("2 rows are not right. Nothing was imported.").wait_for()
    await page.get_by_text("Row 3, column Private Key").wait_for()
    await page.get_by_text("Row 4, column Advertisement Key").wait_for()
    await bring(page, good)
    await page.get_by_text("2 trackers are ready to import.").wait_for()
    await page.get_by_role("button", name="Import", exact=True).click()
    await page.wait_for_url(f"**/tracking?run={shipping.run_id}")
    await page.locator(".st-rows tbody tr").filter(has_text="Tag 3").wait_for()


async def test_from_nothing_to_a_run_with_a_place(visitors: Visitors, home: World) -> None:
    owner = await visitors.signed_in("olga.green@example.org")
    page = await owner.open("/tracking")
    await page.get_by_role("link", name="Set up a run").click()
    for title, field, value in (
        ("New client", "Name", "Lotus Foods"), ("New brand", "Name", "Golden Rice"), ("New run", "What is sent", "Rice stands"),
    ):  # fmt: skip
        await page.get_by_role("button", name=title).click()
        dialog = page.get_by_role("dialog", name=title)
        await dialog.get_by_label(field, exact=True).fill(value)
        await dialog.get_by_role("button", name="Add").click()
        await dialog.wait_for(state="hidden")
    await page.wait_for_url("**/tracking/runs/*")
    await page.get_by_role("button", name="Enter its numbers").click()
    dialog = page.get_by_role("dialog", name="New place")
    for name, value in (("Name", "Depot"), ("Latitude", "91"), ("Longitude", "104.9")):
        await dialog.get_by_label(name, exact=True).fill(value)
    await dialog.get_by_role("button", name="Add").click()
    await dialog.get_by_text("is not between").wait_for()
    await dialog.get_by_label("Latitude").fill("11.5")
    await dialog.get_by_role("button", name="Add").click()
    await page.locator("article").filter(has_text="Depot").wait_for()
    async with transaction(home.colleague) as tx:
        (run,) = await queries.runs(tx)
        assert [each.name for each in await queries.places_of(tx, run.id)] == ["Depot"]


async def test_a_stranger_finds_nothing_of_it_on_any_page_or_file(visitors: Visitors, home: World) -> None:
    shipping = await build_shipping(home.owner, 1)
    await report(home.organization_id, [heard(shipping.trackers[1], SHOP, now() - HOUR)])
    stranger = await visitors.signed_in("sam.other@example.org")
    page = await stranger.open("/tracking")
    await page.get_by_text("There are no trackers yet.").first.wait_for()
    await stranger.open(f"/tracking/{shipping.trackers[1]}")
    await page.get_by_text("There is no such tracker.").wait_for()
    await stranger.open(f"/tracking/runs/{shipping.run_id}")
    await page.get_by_text("There is no such run.").wait_for()
    listed = await page.request.get(f"{visitors.url}/tracking/trackers.csv")
    assert listed.status == 200 and "Tag 1" not in await listed.text()
    positions = await page.request.get(f"{visitors.url}/tracking/{shipping.trackers[1]}/positions.csv")
    assert positions.status == 404
    nobody = await visitors.anonymous()
    for path in ("trackers.csv", "template.csv", f"{shipping.trackers[1]}/positions.csv"):
        assert (await nobody.page.request.get(f"{visitors.url}/tracking/{path}")).status == 401


async def test_a_list_is_taken_away_as_a_file_that_runs_nothing(visitors: Visitors, home: World) -> None:
    shipping = await build_shipping(home.owner, 1)
    async with transaction(home.owner) as tx:
        await commands.import_trackers(tx, shipping.run_id, [(2, tag(5, "=HYPERLINK(1)"))])
    owner = await visitors.signed_in("olga.green@example.org")
    listed = await (await owner.page.request.get(f"{visitors.url}/tracking/trackers.csv?sort=name&dir=desc")).text()
    assert listed.splitlines()[1].startswith("Tag 1,created") and "\n'=HYPERLINK(1),created" in listed
    template = await owner.page.request.get(f"{visitors.url}/tracking/template.csv")
    assert (await template.text()).removeprefix("\ufeff") == csv_template()
