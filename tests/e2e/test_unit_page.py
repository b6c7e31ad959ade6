"""A unit's past on a screen: any stretch of it, in the place's own time, current by itself."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from playwright.async_api import Page, expect

from data.alerts.commands import Trouble, raise_alert
from data.alerts.tables import Severity
from data.cold_chain.commands import metrics
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.flows import uplink
from tests.e2e.conftest import Visitors
from tests.factories.cold_chain import ColdStore, cold_store, count_readings, measured
from tests.factories.people import World

pytestmark = pytest.mark.e2e
OWNER, COLLEAGUE, VIEWER = "olga.green@example.org", "colin.green@example.org", "vera.green@example.org"


async def hear(store: ColdStore, celsius: float, at: datetime) -> None:
    async with transaction(Actor.machine(store.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(celsius, at, humidity_percent=60)])


def fact(page: Page, label: str) -> object:
    return page.locator(".st-fact", has_text=label).locator(".st-fact-value").last


async def test_the_picture_and_its_figures_follow_the_range_and_the_readings(
    visitors: Visitors, home: World, database_url: str
) -> None:
    store = await cold_store(home.owner)
    end = now().replace(microsecond=0)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into cold_chain.sensor_readings (organization_id, unit_id, device_id, recorded_at, temperature_celsius, source)"
            " select %s, %s, %s, at, case when at < %s then -30 else -20 end, 'ttn'"
            " from generate_series(%s::timestamptz, %s, interval '1 minute') at",
            [store.organization_id, store.unit_id, store.sensor_id, end - timedelta(days=3), end - timedelta(days=60), end - timedelta(minutes=5)],
        )
    async with across_tenants("tests") as tx:
        await metrics.mark_stretch(tx, end - timedelta(days=61), end)
    await count_readings()
    page = await (await visitors.signed_in(VIEWER)).open(f"/cold-chain/units/{store.unit_id}")
    await expect(fact(page, "Coldest")).to_have_text("−20.0 °C")  # type: ignore[arg-type]
    await page.get_by_role("button", name="7 d").click()
    await expect(fact(page, "Coldest")).to_have_text("−30.0 °C")  # type: ignore[arg-type]
    await expect(page).to_have_url(re.compile(r"range=7d"))
    await hear(store, -19.0, end)
    await expect(fact(page, "Temperature")).to_have_text("−19.0 °C")  # type: ignore[arg-type]
    await page.get_by_role("button", name="1 y").click()
    await expect(fact(page, "Readings")).to_have_text("86,397")  # type: ignore[arg-type]
    bands = "() => document.querySelector('.js-plotly-plot')?.data?.filter((one) => one.fill === 'toself').length === 2"
    await page.wait_for_function(bands)  # of the temperature, and of the humidity that the last reading told
    await page.reload()
    await expect(page.get_by_role("button", name="1 y")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(
    ("zone", "typed", "meant"),
    [
        ("Asia/Phnom_Penh", ("2026-11-01T00:00", "2026-11-02T00:00"), (datetime(2026, 10, 31, 17), datetime(2026, 11, 1, 17))),
        ("Europe/Berlin", ("2026-10-24T12:00", "2026-10-25T12:00"), (datetime(2026, 10, 24, 10), datetime(2026, 10, 25, 11))),
        ("Australia/Lord_Howe", ("2026-10-03T23:45", "2026-10-04T02:45"), (datetime(2026, 10, 3, 13, 15), datetime(2026, 10, 3, 15, 45))),
    ],
)
async def test_dates_are_those_of_the_place_also_when_its_clocks_are_changed(
    visitors: Visitors, home: World, database_url: str, zone: str, typed: tuple[str, str], meant: tuple[datetime, datetime]
) -> None:
    store = await cold_store(home.owner)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update cold_chain.sites set time_zone = %s", [zone])
    page = await (await visitors.signed_in(VIEWER)).open(f"/cold-chain/units/{store.unit_id}")
    await page.locator(".st-custom summary").click()
    for label, value in zip(("From", "To"), typed, strict=True):
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))
    query = parse_qs(urlsplit(page.url).query)
    assert [int(query[name][0]) for name in ("from", "to")] == [at.replace(tzinfo=UTC).timestamp() * 1000 for at in meant]
    await page.reload()
    await page.locator(".st-custom summary").click()
    await expect(page.get_by_label("From", exact=True)).to_have_value(typed[0], timeout=20_000)
    await expect(page.get_by_label("To", exact=True)).to_have_value(typed[1])


async def test_an_alert_is_answered_where_the_unit_is_looked_at(visitors: Visitors, home: World) -> None:
    store = await cold_store(home.owner)
    trouble = Trouble(
        subject_kind="cold_chain.units", subject_id=store.unit_id, subject_name="Freezer 1", alert_type="temp_excursion",
        severity=Severity.CRITICAL, message="{unit} is too warm: {now_celsius}, the limit is {limit_celsius}", permission="cold_chain.view",
        values={"unit": "Freezer 1", "now_celsius": -9.5, "limit_celsius": -17.78}, scope_id=store.site_id,
    )  # fmt: skip
    async with transaction(Actor.system(home.organization_id, "tests")) as tx:
        await raise_alert(tx, trouble, at=now())
    viewer, colleague = await visitors.signed_in(VIEWER), await visitors.signed_in(COLLEAGUE)
    seen = await viewer.open(f"/cold-chain/units/{store.unit_id}")
    await expect(seen.get_by_text("Freezer 1 is too warm: −9.5 °C")).to_be_visible()
    assert await seen.get_by_role("button", name="I am on it").count() == 0
    page = await colleague.open(f"/cold-chain/units/{store.unit_id}")
    await page.get_by_role("button", name="I am on it").click()
    await expect(seen.get_by_text("Someone is on it")).to_be_visible()


async def test_whoever_runs_the_installation_holds_a_piece_and_lets_it_go(visitors: Visitors, home: World, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update identity.users set is_platform_admin = true where email = %s", [OWNER])
    page = await (await visitors.signed_in(OWNER)).open("/operations")
    await page.get_by_role("button", name="Hold a piece").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Piece").fill("cold_chain.sensor")
    await page.get_by_role("option", name="cold_chain.sensor_readings_y").first.click()
    await panel.get_by_label("Reason").fill("A court asked.")
    await panel.get_by_role("button", name="Hold it").click()
    await expect(page.get_by_text("A court asked.")).to_be_visible()
    await page.get_by_role("button", name="Lift").click()
    await panel.get_by_label("Reason").fill("The court is done.")
    await panel.get_by_role("button", name="Lift it").click()
    await expect(page.get_by_text("Nothing is held.")).to_be_visible()
