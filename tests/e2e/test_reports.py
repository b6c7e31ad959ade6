"""An officer has a report made and takes it away; an inspector who holds it finds out whether it is genuine."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from data.cold_chain.values import UnitType
from data.core.time import now
from tests.e2e.conftest import Visitors
from tests.e2e.fit import AXE, RUN, serious
from tests.factories.cold_chain import cold_store
from tests.factories.people import World
from tests.factories.reports import MIDNIGHT, Fridge

pytestmark = pytest.mark.e2e
OWNER, STRANGER, VIEWER = "olga.green@example.org", "sam.other@example.org", "vera.green@example.org"


@pytest.fixture
async def fridge(home: World) -> Fridge:
    """It was measured yesterday, and once too warm."""
    made = Fridge(await cold_store(home.owner, unit_type=UnitType.FRIDGE), home.owner)
    yesterday = datetime.combine(now().date() - timedelta(days=1), datetime.min.time(), UTC)
    since = (yesterday - MIDNIGHT).total_seconds() / 60
    await made.read(*[(since + minute, 8.0 if 600 <= minute < 640 else 3.0) for minute in range(-1440, 1440, 5)])
    return made


async def test_a_report_is_made_while_one_looks_taken_away_and_found_genuine(visitors: Visitors, fridge: Fridge, tmp_path: Path) -> None:
    officer = await visitors.signed_in(OWNER)
    page = await officer.open("/cold-chain/reports")
    await page.get_by_role("button", name="Yesterday").click()
    await page.get_by_role("button", name="Make the PDF").click()
    await expect(page.get_by_text("It is being made")).to_be_visible()
    link = page.get_by_role("link", name="PDF")
    await link.wait_for(timeout=60_000)
    async with page.expect_download() as downloading:
        await link.click()
    file = tmp_path / "report.pdf"
    await (await downloading.value).save_as(file)
    assert file.read_bytes().startswith(b"%PDF")
    verify = await page.get_by_role("link", name="Fingerprint").get_attribute("href")
    assert verify
    inspector = await visitors.anonymous(width=390, height=844)
    said = await inspector.open(verify)
    await expect(said.get_by_text("There is a report with this fingerprint.")).to_be_visible()
    await expect(said.get_by_text("Green Steading")).to_be_visible()
    await expect(said.get_by_text("is whole up to it")).to_be_visible()
    assert "°C" not in await said.inner_text("body") and "Freezer" not in await said.inner_text("body")
    await said.set_input_files("input[type=file]", file)
    await expect(said.get_by_text("This file is exactly as it was made.")).to_be_visible()
    painted = tmp_path / "painted.pdf"
    painted.write_bytes(file.read_bytes() + b"% painted over\n")
    await said.set_input_files("input[type=file]", painted)
    await expect(said.get_by_text("the file itself was changed")).to_be_visible()
    href = await link.get_attribute("href")
    for other in (STRANGER, VIEWER):
        somebody = await visitors.signed_in(other)
        answer = await somebody.context.request.get(f"{visitors.url}{href}")
        assert answer.status in (403, 404) and b"%PDF" not in await answer.body()
    assert officer.problems == [] and inspector.problems == []


async def test_a_report_is_read_on_the_screen_and_taken_away_as_a_table(visitors: Visitors, fridge: Fridge) -> None:
    officer = await visitors.signed_in(OWNER, width=390, height=844)
    yesterday = (now() - timedelta(days=1)).date()
    asked = f"kind=daily&of=unit:{fridge.store.unit_id}&first={yesterday - timedelta(days=1)}&last={yesterday}"
    page = await officer.open(f"/cold-chain/report?{asked}")
    await expect(page.get_by_text("1 unit was outside its limits and no action is recorded.")).to_be_visible()
    await expect(page.locator(".st-sheet-picture svg")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await page.wait_for_function("!document.querySelector('.q-loading-bar[style*=\"opacity: 1\"]')")
        await page.evaluate(AXE)
        assert serious(await page.evaluate(RUN)) == []
    answer = await officer.context.request.get(f"{visitors.url}/cold-chain/report.csv?{asked}")
    lines = (await answer.text()).splitlines()
    assert lines[0].lstrip("\ufeff").split(",")[:3] == ["date", "time", "unit"] and len(lines) > 300
    stranger = await visitors.signed_in(STRANGER)
    nothing = await stranger.open(f"/cold-chain/report?{asked}")
    await expect(nothing.get_by_text("There is no such unit.")).to_be_visible()
    assert (await stranger.context.request.get(f"{visitors.url}/cold-chain/report.csv?{asked}")).status == 404
    viewer = await visitors.signed_in(VIEWER)
    closed = await viewer.open("/cold-chain/reports")
    await expect(closed.get_by_text("You do not have access to this")).to_be_visible()


async def test_nobody_learns_anything_from_a_fingerprint_that_is_not_ours(visitors: Visitors, fridge: Fridge) -> None:
    somebody = await visitors.anonymous()
    page = await somebody.open(f"/verify/{'0' * 64}")
    await expect(page.get_by_text("No report of ours has this fingerprint.")).to_be_visible()
    await page.get_by_label("The fingerprint at the foot of each page").fill("nonsense")
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_text("This is no fingerprint")).to_be_visible()
    assert "Green Steading" not in await page.inner_text("body")
