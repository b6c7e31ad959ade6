"""Every page for everybody: with a screen reader, on a small phone, in the dark, in Khmer."""

import json
import re

import pytest

import pages
from data.cold_chain.commands import gateways, pairing
from data.core.session import transaction
from tests.e2e.conftest import Visitor, Visitors
from tests.e2e.fit import unfit
from tests.factories.cold_chain import cold_store
from tests.factories.deliveries import driver, shipment
from tests.factories.farm import bring_online, build_farm
from tests.factories.people import World
from tests.factories.tracking import build_shipping
from tests.factories.trees import job, phone, submitted

pytestmark = pytest.mark.e2e
NAMES = re.compile("Steading|Green Steading|Chicken house|Room 1|Fan|Pump|Probe")
"""What things are called in every language."""


@pytest.fixture
async def furnished(home: World) -> list[str]:
    """One of everything; the paths of the menu and of each thing."""
    store = await cold_store(home.owner)
    async with transaction(home.owner) as tx:
        session = await pairing.start(tx, store.unit_id)
        await gateways.add_gateway(tx, gateway_id="roof-1", site_id=store.site_id, latitude=11.56, longitude=104.9)
    farm = await build_farm(home.owner, prefix="look")
    await bring_online(home.owner, farm.fan, is_on=True)
    rider = await driver(home.owner)
    parcel = await shipment(home.owner)
    shipping = await build_shipping(home.owner, 1)
    arborist = await phone(home.owner)
    tree_job = await job(arborist)
    await submitted(arborist, tree_job)
    things = [
        f"/cold-chain/units/{store.unit_id}", "/cold-chain/sensors", f"/cold-chain/sensors/{store.sensor_id}", "/cold-chain/gateways",
        "/cold-chain/reports", f"/cold-chain/report?of=unit:{store.unit_id}&first=2026-11-01&last=2026-11-02", "/verify", f"/verify/{'0' * 64}",
        "/cold-chain/networks", f"/cold-chain/pairing/{session.id}", f"/farm/devices/{farm.fan.id}", "/farm/schedules", "/farm/schedules?view=week", "/farm/ledger", "/farm/flocks", "/farm/members", "/farm/settings", "/settings/notifications/kinds", "/farm/history", "/farm/reports", "/farm/report", f"/deliveries/drivers/{rider.id}",
        f"/deliveries/orders/{parcel.id}", "/deliveries/orders", f"/tracking/{shipping.trackers[1]}", "/tracking/import",
        "/tracking/runs", f"/trees/{tree_job.id}", "/trees/devices", "/settings", "/inbox", "/settings/notifications", "/messages",
    ]  # fmt: skip
    return [item.href for item in pages.MENU] + things


@pytest.mark.long
async def test_every_page_is_fit_for_everybody(visitors: Visitors, furnished: list[str]) -> None:
    somebody = await visitors.signed_in("olga.green@example.org")
    found: dict[str, list[str]] = {}

    async def look(tab: Visitor, path: str) -> None:
        if wrong := await unfit(tab, path):
            found[path] = wrong

    await somebody.each(furnished, look)
    assert found == {}, json.dumps(found, indent=1)


async def test_a_farmers_pages_are_in_khmer(visitors: Visitors, furnished: list[str], home: World) -> None:
    farmer = await visitors.signed_in("kim.green@example.org", width=390, height=844)
    page = await farmer.open("/farm")
    await page.get_by_role("button", name="Your menu").click()
    await page.get_by_role("button", name="ខ្មែរ").click()
    await page.wait_for_function("document.documentElement.lang === 'km'")
    await page.get_by_role("navigation").last.get_by_text("កសិដ្ឋាន").wait_for()
    english = await page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => !e.children.length && /[a-z]{4,}/.test(e.textContent) && !e.closest('.q-icon, .material-icons, i')).map(e => e.textContent.trim())"
    )
    assert [words for words in english if re.search("[a-z]{4,}", NAMES.sub("", words))] == []
