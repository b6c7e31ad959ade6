"""What was written by hand is listed and corrected on the screen; an inspector's link opens read-only pages, and ends."""

import re
from datetime import timedelta

import httpx
import psycopg
import pytest
from playwright.async_api import expect

from data.audit import queries as audit
from data.cold_chain.queries import logs
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from data.identity import inspectors
from data.platform.pictures import picture
from pages.inspector import _looking
from tests.e2e.conftest import Server, Visitors
from tests.e2e.fit import unfit, unfit_as_it_is
from tests.factories.by_hand import jpeg, line, write
from tests.factories.cold_chain import ColdStore, cold_store, measured
from tests.factories.people import World

pytestmark = pytest.mark.e2e
COLLEAGUE, OWNER, STRANGER, VIEWER = "colin.green@example.org", "olga.green@example.org", "sam.other@example.org", "vera.green@example.org"


@pytest.fixture
async def store(home: World) -> ColdStore:
    made = await cold_store(home.owner)
    async with transaction(Actor.machine(home.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(-20.4, now() - timedelta(minutes=2))])
    out = line(made.unit_id, -9, now() - timedelta(minutes=1), action="Moved the food.", photo=await picture(jpeg()))
    assert await write(home.colleague, out, line(made.unit_id, -20, now() - timedelta(days=3))) == [None, None]
    return made


async def link(home: World, *site_ids: object, days: int = 3) -> str:
    async with transaction(home.owner) as tx:
        found = await inspectors.make_link(tx, name="Inspector Im", expires_at=now() + timedelta(days=days), site_ids=list(site_ids) or None)  # type: ignore[arg-type]
    return found[1]


async def test_the_logbook_is_narrowed_opened_and_corrected(visitors: Visitors, home: World, store: ColdStore) -> None:
    colleague = await visitors.signed_in(COLLEAGUE)
    page = await colleague.open("/cold-chain/logs")
    await expect(page.get_by_role("row", name="Freezer 1")).to_have_count(2)
    await page.get_by_text("Out of limits only").click()
    await page.wait_for_url("**/cold-chain/logs?out=1")
    await expect(page.get_by_role("row", name="Freezer 1")).to_have_count(1)
    await page.get_by_role("row", name="Freezer 1").click()
    await expect(page.get_by_text("Moved the food.")).to_be_visible()
    image = page.locator(".st-photo img")
    await expect(image).to_be_visible()
    assert await image.evaluate("(e) => e.decode().then(() => e.naturalWidth)") == 40
    await page.get_by_role("button", name="Correct it").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("Temperature").fill("-19")
    await panel.get_by_label("What was wrong?").fill("A nine for a nineteen.")
    await panel.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_role("link", name="What was written first").click()
    await expect(page.get_by_text("Corrected", exact=True)).to_be_visible()
    file = await colleague.context.request.get(f"{colleague.url}/cold-chain/logs.csv?q=freezer")
    lines = (await file.text()).lstrip("\ufeff").splitlines()
    assert len(lines) == 4 and lines[0].startswith("recorded_at,local_time,site") and "Moved the food." in "".join(lines)


async def test_an_owner_gives_a_link_and_its_holder_reads_without_signing_in(visitors: Visitors, home: World, store: ColdStore) -> None:
    owner = await visitors.signed_in(OWNER)
    page = await owner.open("/inspectors")
    await page.get_by_role("button", name="New link").click()
    panel = page.locator(".st-panel")
    await panel.get_by_label("For whom").fill("Inspector Im")
    await panel.get_by_role("button", name="Make it").click()
    address = await page.locator(".st-secret-text").inner_text()
    assert re.fullmatch(re.escape(owner.url) + r"/inspect/[\w-]{43}", address)
    await page.get_by_role("button", name="I have stored it").click()

    inspector = await visitors.anonymous()
    referers: list[str] = []
    inspector.page.on("request", lambda request: referers.append(request.headers.get("referer", "")))
    await inspector.page.goto(address)
    await inspector.page.wait_for_function("window.did_handshake === true")
    assert inspector.page.url == f"{owner.url}/inspect" and address.rsplit("/", 1)[1] not in " ".join(referers)
    await expect(inspector.page.get_by_text("Temperature records of Green Steading")).to_be_visible()
    await expect(inspector.page.get_by_text("−20.4 °C")).to_be_visible()
    await expect(inspector.page.get_by_text("Colin Colleague, by hand").first).to_be_visible()
    await inspector.page.get_by_role("link", name="Corrective actions").click()
    await expect(inspector.page.get_by_text("Moved the food.")).to_be_visible()
    await expect(page.get_by_text(re.compile("used [1-9] time"))).to_be_visible()
    for part in ("exceptions", "excursions", "gaps", "calibration", "reports"):
        answer = await inspector.context.request.get(f"{owner.url}/inspect?part={part}")
        assert answer.ok and answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
    for part in ("temperatures", "exceptions", "actions", "excursions", "gaps", "calibration"):
        file = await inspector.context.request.get(f"{owner.url}/inspect/{part}.csv")
        assert file.ok and file.headers["content-type"].startswith("text/csv") and file.headers["cache-control"] == "private, no-store"
    text = await (await inspector.context.request.get(f"{owner.url}/inspect/temperatures.csv?since=2020-01-01")).text()
    assert [row.split(",")[5] for row in text.splitlines()[1:]] == ["-20.0", "-20.4", "-9.0"]
    for closed in ("/", "/cold-chain", "/cold-chain/logs.csv", "/inspectors"):
        answer = await inspector.context.request.get(f"{owner.url}{closed}", max_redirects=0)
        assert answer.status in (303, 401), closed
    async with transaction(home.owner) as tx:
        seen = [event for event in await audit.latest(tx) if event.event_type == "cold_chain.records.inspected"]
    assert {"temperatures", "actions", "temperatures.csv"} <= {event.event_data["part"] for event in seen}
    assert {event.actor_name for event in seen} == {"Inspector Im"}

    await page.get_by_role("button", name="Take back").click()
    await page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    await expect(page.get_by_text("Revoked")).to_be_visible()
    await inspector.page.reload()
    await expect(inspector.page.get_by_role("heading", name="This link opens nothing")).to_be_visible()
    inspector.problems.clear()


async def test_an_open_page_reads_nothing_more_once_the_link_is_taken_back(visitors: Visitors, home: World, store: ColdStore) -> None:
    inspector = await visitors.anonymous()
    await inspector.page.goto(f"{inspector.url}/inspect/{await link(home)}")
    await expect(inspector.page.get_by_text("−20.4 °C")).to_be_visible()
    async with transaction(home.owner) as tx:
        (given,) = await inspectors.links(tx)
        await inspectors.revoke_link(tx, given.id)
    await inspector.page.get_by_label("Rows a page").select_option("100")
    await expect(inspector.page.get_by_text("This link does not open anything, or not any more.")).to_be_visible()


async def test_a_link_that_is_wrong_or_over_shows_one_clear_page(served: Server, home: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    over = await link(home)
    owner_connection.execute("update identity.inspector_links set expires_at = now() - interval '1 minute'")
    async with httpx.AsyncClient(base_url=served.url) as nobody:
        answers = [await nobody.get(f"/inspect/{token}") for token in (over, "guessed", over[:-1] + "x")]
        assert {answer.status_code for answer in answers} == {401}
        assert len({re.sub(r'nonce="[^"]+"', "", answer.text) for answer in answers}) == 1
        assert all(answer.headers["referrer-policy"] == "no-referrer" and "www-authenticate" not in answer.headers for answer in answers)
        cookie = {"Cookie": f"steading_inspector={over}"}
        assert (await nobody.get("/inspect", headers=cookie)).status_code == 401
        assert (await nobody.get("/inspect/temperatures.csv", headers=cookie)).status_code == 401
        assert (await nobody.get("/inspect")).headers["location"].startswith("/sign-in")


def test_who_shows_many_wrong_links_is_not_listened_to_for_ten_minutes() -> None:
    _looking._tried["10.0.0.9"] = _looking.deque(map(float, range(_looking.TRIES)), maxlen=_looking.TRIES)
    assert _looking.is_guessing("10.0.0.9", _looking.TRIES) and _looking.is_guessing("10.0.0.9", 599.0)
    assert not _looking.is_guessing("10.0.0.9", 600.0) and not _looking.is_guessing("10.0.0.8", 1.0)


async def test_a_link_for_another_site_shows_nothing_of_this_one(visitors: Visitors, home: World, store: ColdStore) -> None:
    other = await cold_store(home.owner, eui="0004A30B001C0539", name="Station")
    inspector = await visitors.anonymous()
    await inspector.page.goto(f"{inspector.url}/inspect/{await link(home, other.site_id)}")
    await inspector.page.wait_for_function("window.did_handshake === true")
    for address in ("/inspect", f"/inspect?unit={store.unit_id}", f"/inspect?part=actions&unit={store.unit_id}"):
        await inspector.page.goto(f"{inspector.url}{address}")
        await expect(inspector.page.get_by_text("There is nothing of that in these days.")).to_be_visible()
        assert "Market hall" not in await inspector.page.content()
    text = await (await inspector.context.request.get(f"{inspector.url}/inspect/temperatures.csv?unit={store.unit_id}")).text()
    assert len(text.splitlines()) == 1


async def test_the_signed_in_see_the_same_pages_where_they_may(visitors: Visitors, home: World, store: ColdStore) -> None:
    owner, viewer, stranger = await visitors.signed_in(OWNER), await visitors.signed_in(VIEWER), await visitors.signed_in(STRANGER)
    page = await owner.open("/inspect")
    await expect(page.get_by_text("−20.4 °C")).to_be_visible()
    assert (await viewer.context.request.get(f"{viewer.url}/inspect")).status == 403
    assert (await viewer.context.request.get(f"{viewer.url}/inspect/temperatures.csv")).status == 403
    theirs = await stranger.open("/inspect")
    await expect(theirs.get_by_text("There are no units to inspect.")).to_be_visible()
    assert len((await (await stranger.context.request.get(f"{stranger.url}/inspect/temperatures.csv")).text()).splitlines()) == 1


async def test_the_pages_of_the_logbook_and_of_inspectors_are_fit_for_everybody(visitors: Visitors, home: World, store: ColdStore) -> None:
    owner = await visitors.signed_in(OWNER)
    token = await link(home)
    async with transaction(home.owner) as tx:
        (first, *_rest), _total = await logs.page(tx, logs.Wanted())
    inspector = await visitors.anonymous(width=360, height=740)
    await inspector.page.goto(f"{inspector.url}/inspect/{token}")
    await inspector.page.get_by_text("−20.4 °C").wait_for()
    assert await unfit_as_it_is(inspector.page) == []
    paths = ["/cold-chain/logs", f"/cold-chain/logs/{first.log.id}", "/inspectors", "/inspect", "/inspect?part=exceptions"]
    assert {path: wrong for path in paths if (wrong := await unfit(owner, path))} == {}
