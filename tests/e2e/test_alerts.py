"""What people do about alerts in a browser, and what strangers do not get."""

import io
import re
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from PIL import Image
from playwright.async_api import expect

from data.alerts.commands import raise_alert, suppress, take_action
from data.alerts.tables import Alert, Severity
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.notifications.commands import tell
from tests.e2e.conftest import Visitors
from tests.e2e.fit import unfit
from tests.factories.alerts import contact, shift, trouble
from tests.factories.cold_chain import ColdStore, cold_store
from tests.factories.people import World

pytestmark = pytest.mark.e2e
OWNER, COLLEAGUE, VIEWER, STRANGER = (f"{name}@example.org" for name in ("olga.green", "colin.green", "vera.green", "sam.other"))


async def alert_about(home: World, store: ColdStore, subject: UUID | None = None, severity: Severity = Severity.CRITICAL) -> Alert:
    async with transaction(Actor.system(home.organization_id, "test")) as tx:
        one = trouble(subject or store.unit_id, severity, scope=store.site_id, name="Freezer 1")
        found = await raise_alert(tx, one, at=now() - timedelta(minutes=1))
        assert found
        await tell(tx, found)
        return found


async def test_with_a_thumb_an_alert_is_taken_on_in_two_taps_and_everybody_sees_who(visitors: Visitors, home: World) -> None:
    alert = await alert_about(home, await cold_store(home.owner))
    watcher = await (await visitors.signed_in(VIEWER)).open(f"/alerts/{alert.id}")
    await expect(watcher.get_by_text("Told by E-mail: Olga Owner")).to_be_visible()
    assert await watcher.get_by_role("button", name="I am on it").count() == 0
    phone = await (await visitors.signed_in(COLLEAGUE, width=390, height=844)).open("/alerts")
    await phone.get_by_role("link", name="Freezer 1 is too warm").click()
    await phone.wait_for_url(f"**/alerts/{alert.id}")
    taking = phone.get_by_role("button", name="I am on it", exact=True)
    box = await taking.bounding_box()
    assert box and box["height"] >= 44 and box["y"] + box["height"] <= 844, "under the thumb, whole on the screen"
    await taking.click()
    await expect(watcher.get_by_text("Colin Colleague is on it; nobody else is called.")).to_be_visible()
    assert await phone.evaluate("document.documentElement.scrollWidth") <= 390


async def test_what_was_done_is_written_down_with_a_photo_that_only_ours_may_see(visitors: Visitors, home: World) -> None:
    alert = await alert_about(home, await cold_store(home.owner))
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(picture, "JPEG")
    owner, stranger = await visitors.signed_in(OWNER), await visitors.signed_in(STRANGER)
    page = await owner.open(f"/alerts/{alert.id}")
    await page.get_by_role("button", name="Write down what was done").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("What was wrong?").fill("The door stood open.")
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_text("Please fill this in.")).to_be_visible()
    await expect(panel.get_by_label("What was wrong?")).to_have_value("The door stood open.")
    await panel.get_by_label("What was done about it?").fill("Closed it.")
    await panel.locator("input[type=file]").set_input_files({"name": "door.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()})
    await expect(panel.get_by_text("door.jpg").first).to_be_visible()
    await panel.get_by_text("This ends the alert").click()
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Olga Owner closed it: Closed it.")).to_be_visible()
    source = await page.locator("img.st-evidence").get_attribute("src")
    assert source
    mine = await owner.context.request.get(owner.url + source)
    assert (mine.status, mine.headers["content-type"], mine.headers["x-content-type-options"]) == (200, "image/jpeg", "nosniff")
    assert (await stranger.context.request.get(stranger.url + source)).status == 404
    theirs = await stranger.open(f"/alerts/{alert.id}")
    await expect(theirs.get_by_text("There is no such alert.")).to_be_visible()
    table = await (await owner.context.request.get(f"{owner.url}/alerts/list.csv")).text()
    assert "Freezer 1" in table and "Olga Owner" in table
    assert "Freezer 1" not in await (await stranger.context.request.get(f"{stranger.url}/alerts/list.csv")).text()


async def test_closing_says_that_the_thing_is_still_in_trouble(visitors: Visitors, home: World, database_url: str) -> None:
    store = await cold_store(home.owner)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update cold_chain.units set status = 'alarm_active'")
    alert = await alert_about(home, store)
    page = await (await visitors.signed_in(OWNER)).open(f"/alerts/{alert.id}")
    await page.get_by_role("button", name="Close").click()
    panel = page.locator(".st-panel")
    await expect(panel.get_by_text("is still in trouble")).to_be_visible()
    await panel.get_by_label("Why is it over?").fill("It is being replaced.")
    await panel.get_by_role("button", name="Close the alert").click()
    await expect(page.get_by_text("Olga Owner closed it: It is being replaced.")).to_be_visible()


async def test_views_and_filters_stand_in_the_address_and_several_are_taken_on_at_once(visitors: Visitors, home: World) -> None:
    store = await cold_store(home.owner)
    await alert_about(home, store)
    await alert_about(home, store, UUID(int=5), Severity.WARNING)
    page = await (await visitors.signed_in(COLLEAGUE)).open("/alerts?view=open&severity=warning")
    await expect(page.locator("article.st-item")).to_have_count(1)
    await page.goto(page.url.replace("&severity=warning", ""))
    await expect(page.locator("article.st-item")).to_have_count(2)
    await page.get_by_role("button", name="I am on these").click()
    await expect(page.get_by_text("Choose some first.")).to_be_visible()
    await page.get_by_role("button", name="Choose all").click()
    await expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    await page.get_by_role("button", name="I am on these").click()
    await page.get_by_role("link", name=re.compile("^Mine")).click()
    await page.wait_for_url("**view=mine")
    await expect(page.get_by_text("Colin Colleague is on it")).to_have_count(2)


async def test_silence_is_agreed_on_and_ended(visitors: Visitors, home: World) -> None:
    store = await cold_store(home.owner)
    owner = await visitors.signed_in(OWNER)
    page = await owner.open("/alerts/suppressions")
    await page.get_by_role("button", name="Agree on silence").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Why").fill("Defrosting")
    await panel.get_by_role("button", name="Agree", exact=True).click()
    await expect(page.get_by_text("Silent now")).to_be_visible()
    alert = await alert_about(home, store)
    looking = await (await visitors.signed_in(VIEWER)).open(f"/alerts/{alert.id}")
    await expect(looking.get_by_text(re.compile("Nobody is told until .*: Defrosting"))).to_be_visible()
    await page.get_by_role("button", name="End it").click()
    await page.locator(".st-panel").get_by_role("button", name="End it").click()
    await expect(page.get_by_text("Ended early")).to_be_visible()
    reader = await (await visitors.signed_in(VIEWER)).open("/alerts/suppressions")
    await expect(reader.get_by_text("Defrosting")).to_be_visible()
    assert await reader.get_by_role("button", name="Agree on silence").count() == 0


async def test_contacts_are_added_removed_and_put_back_and_the_roster_shows_its_gaps(visitors: Visitors, home: World) -> None:
    await cold_store(home.owner)
    page = await (await visitors.signed_in(OWNER)).open("/alerts/contacts")
    await page.get_by_role("button", name="Add a contact").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Name").fill("Sokha")
    await panel.get_by_label("Telephone").fill("012 345")
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_text("Write the number with its country")).to_be_visible()
    await panel.get_by_label("Telephone").fill("+855 12 345 678")
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("+85512345678")).to_be_visible()
    await expect(page.get_by_text("Nobody is on call now")).to_be_visible()
    await page.get_by_role("button", name="Add a shift").click()
    begin = now().astimezone(None)
    await panel.get_by_label("From").fill((begin - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"))
    await panel.get_by_label("Until").fill((begin + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"))
    await panel.get_by_role("button", name="Add the shift").click()
    await expect(page.get_by_text("On call now")).to_be_visible()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("Nobody is on the list yet.")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("+85512345678")).to_be_visible()
    looking = await (await visitors.signed_in(VIEWER)).open("/alerts/contacts")
    await expect(looking.get_by_text("+85512345678")).to_be_visible()
    assert await looking.get_by_role("button", name="Edit").count() == 0


async def test_who_is_told_is_changed_for_one_place_and_the_preview_follows(visitors: Visitors, home: World) -> None:
    store = await cold_store(home.owner)
    await contact(home, "Sokha")
    page = await (await visitors.signed_in(OWNER)).open(f"/alerts/policies?place={store.site_id}&severity=critical")
    await expect(page.get_by_text("Sokha").first).to_be_visible()
    await expect(page.get_by_text("Built in").first).to_be_visible()
    await page.get_by_role("button", name="Change: Reminders").click()
    panel = page.locator(".st-panel")
    await panel.get_by_text("Remind those who know").click()
    await panel.get_by_label(re.compile("^Every")).fill("2")
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_text("Between 5 and 10080 minutes.")).to_be_visible()
    await panel.get_by_label(re.compile("^Every")).fill("10")
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Every 10 minutes until somebody answers")).to_be_visible()
    await expect(page.get_by_text(re.compile("^Said for"))).to_be_visible()
    await page.get_by_role("button", name="Change: Reminders").click()
    await panel.get_by_role("button", name="Inherit again").click()
    await expect(page.get_by_text(re.compile("^Said for"))).to_have_count(0)
    viewer = await (await visitors.signed_in(VIEWER)).open("/alerts/policies")
    await expect(viewer.get_by_text("You do not have access to this")).to_be_visible()


async def test_the_pages_of_alerts_are_fit_for_everybody(visitors: Visitors, home: World) -> None:
    store = await cold_store(home.owner)
    alert = await alert_about(home, store)
    await alert_about(home, store, UUID(int=5), Severity.WARNING)
    await shift(home, await contact(home, "Sokha"), now() - timedelta(hours=5), now() + timedelta(hours=50))
    async with transaction(home.owner) as tx:
        await take_action(tx, alert_id=alert.id, description="The door stood open.", action_taken="Closed it.")
        await suppress(tx, starts_at=now(), ends_at=now() + timedelta(hours=1), reason="Defrosting", subject_id=UUID(int=5))
    somebody = await visitors.signed_in(OWNER)
    views = ["/alerts?view=suppressed", "/alerts?view=all", f"/alerts/{alert.id}", "/alerts/suppressions", "/alerts/contacts"]
    paths = ["/alerts", *views, f"/alerts/policies?place={store.site_id}"]
    assert {path: wrong for path in paths if (wrong := await unfit(somebody, path))} == {}
