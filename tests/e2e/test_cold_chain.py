"""What people do with the cold chain's screens, and what strangers do not get."""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from data.cold_chain.commands import places
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from tests.e2e.conftest import Visitors
from tests.factories.cold_chain import another_unit, cold_store, measured
from tests.factories.people import World

pytestmark = pytest.mark.e2e
OWNER, STRANGER, VIEWER = "olga.green@example.org", "sam.other@example.org", "vera.green@example.org"


async def test_somebody_adds_a_site_an_area_and_a_unit_with_its_sensor_and_sets_its_limits(visitors: Visitors) -> None:
    owner = await visitors.signed_in(OWNER)
    page = await owner.open("/cold-chain")
    await page.get_by_role("button", name="Add a site").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Name").fill("Market hall")
    await panel.get_by_role("button", name="Add the site").click()
    await page.wait_for_url("**/cold-chain/places")
    await page.get_by_role("button", name="Add an area").first.click()
    await panel.get_by_label("Name").fill("Kitchen")
    await panel.get_by_role("button", name="Add the area").click()
    await page.get_by_role("button", name="Add a unit").click()
    await panel.get_by_label("Name").fill("Fridge 1")
    await panel.get_by_label("device EUI").fill("12")
    await panel.get_by_role("button", name="Add the unit").click()
    await expect(panel.get_by_text("16 hex digits")).to_be_visible()
    await expect(panel.get_by_label("Name")).to_have_value("Fridge 1")
    await panel.get_by_label("device EUI").fill("00:04:a3:0b:00:1c:05:30")
    await panel.get_by_role("button", name="Add the unit").click()
    await page.wait_for_url("**/cold-chain/units/*")
    await expect(page.get_by_text("Waiting for the first reading")).to_be_visible()
    await page.get_by_role("button", name="Limits").click()
    await panel.get_by_label("Not warmer than").fill("7")
    await panel.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("0.6 °C to 7.0 °C")).to_be_visible()


async def test_the_list_shows_each_unit_and_a_filter_is_kept_in_the_address(visitors: Visitors, home: World) -> None:
    store = await cold_store(home.owner)
    await another_unit(home.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    async with transaction(Actor.machine(home.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(-20.4, now() - timedelta(minutes=1))])
    page = await (await visitors.signed_in(VIEWER)).open("/cold-chain?q=freezer+1")
    await expect(page.get_by_text("−20.4 °C")).to_be_visible()
    assert await page.get_by_text("Freezer 2").count() == 0
    assert await page.get_by_role("link", name="Places").count() == 0


async def test_readings_are_taken_away_as_a_file_by_those_who_may(visitors: Visitors, home: World) -> None:
    store = await cold_store(home.owner)
    async with transaction(Actor.machine(home.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(-20 - n, now() - timedelta(minutes=9 - n), humidity_percent=40) for n in range(3)])
    async with transaction(home.owner) as tx:
        await places.create_area(tx, store.site_id, name="=danger()")
    viewer, stranger = await visitors.signed_in(VIEWER), await visitors.signed_in(STRANGER)
    file = await viewer.context.request.get(f"{viewer.url}/cold-chain/units/{store.unit_id}/readings.csv")
    lines = (await file.text()).lstrip("\ufeff").splitlines()
    assert file.status == 200 and lines[0].startswith("recorded_at,local_time") and len(lines) == 4
    assert [line.split(",")[3] for line in lines[1:]] == ["-20.0", "-21.0", "-22.0"]
    everything = await (await viewer.context.request.get(f"{viewer.url}/cold-chain/units.csv")).text()
    assert "Freezer 1" in everything
    refused = await stranger.context.request.get(f"{stranger.url}/cold-chain/units/{store.unit_id}/readings.csv")
    assert refused.status == 404
    assert "Freezer 1" not in await (await stranger.context.request.get(f"{stranger.url}/cold-chain/units.csv")).text()
    page = await stranger.open(f"/cold-chain/units/{store.unit_id}")
    await expect(page.get_by_text("There is no such unit.")).to_be_visible()
