"""Temperatures are written down where there is no signal, and arrive once; nobody finds on a phone what is another's."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from data.cold_chain.commands.rules import set_limits
from data.cold_chain.queries import logs
from data.cold_chain.queries.logs import LogView, Wanted
from data.core.session import transaction
from data.core.time import now
from data.platform.commands import path_of
from tests.e2e.conftest import Visitor, Visitors
from tests.e2e.fit import AXE, RUN, serious
from tests.factories.by_hand import jpeg, line, write
from tests.factories.cold_chain import ColdStore, another_unit, cold_store
from tests.factories.people import World

pytestmark = pytest.mark.e2e
COLLEAGUE, OWNER, STRANGER = "colin.green@example.org", "olga.green@example.org", "sam.other@example.org"
KEPT = "async () => (await caches.keys()).filter((name) => name.startsWith('person-'))"
WARM = """async () => { for (const name of await caches.keys()) if (name.startsWith('person-') &&
  await (await caches.open(name)).match('/cold-chain/log') && await (await caches.open(name)).match('/cold-chain/log/round.json')) return true; return false; }"""
ROUND = "/cold-chain/log"


@pytest.fixture
def browser(whole_browser: Browser) -> Browser:
    return whole_browser


@pytest.fixture
async def store(home: World) -> ColdStore:
    made = await cold_store(home.owner)
    for number in (2, 3):
        await another_unit(home.owner, made, name=f"Freezer {number}", eui=f"0004A30B001C053{number}")
    return made


async def is_so(page: Page, question: str) -> None:
    """Wait until the page answers yes (`wait_for_function` does not await a promise that comes to nothing)."""
    for _ in range(100):
        if await page.evaluate(question):
            return
        await page.wait_for_timeout(100)
    raise AssertionError(question)


async def with_a_round(visitors: Visitors, email: str) -> Visitor:
    """Somebody on a phone who has opened the round once, so that it is kept."""
    somebody = await visitors.signed_in(email, width=390, height=844)
    await somebody.page.goto(f"{somebody.url}{ROUND}")
    await is_so(somebody.page, WARM)
    return somebody


async def kept_lines(home: World) -> list[LogView]:
    async with transaction(home.owner) as tx:
        return list((await logs.page(tx, Wanted(), descending=False))[0])


def card(page: Page, unit: str) -> Any:
    return page.locator(".hand-card", has=page.get_by_role("heading", name=unit, exact=True))


async def enter(page: Page, unit: str, digits: str) -> None:
    await card(page, unit).get_by_label(f"Temperature of {unit}").fill(digits)
    await card(page, unit).get_by_role("button", name="Save", exact=True).click()


async def without_signal(somebody: Visitor) -> None:
    await somebody.context.set_offline(True)
    somebody.page.on("requestfailed", lambda _request: None)


def forgive(somebody: Visitor, *, signed_out: bool = False) -> None:
    """What a browser says in its console of requests that could not leave; with `signed_out` also of those that were under way then."""
    forgiven = ("ERR_INTERNET_DISCONNECTED", "Failed to fetch", *(("401", "403") if signed_out else ()))
    somebody.problems[:] = [p for p in somebody.problems if not any(word in p for word in forgiven)]


async def test_three_temperatures_without_a_signal_survive_a_reload_and_arrive_once_with_their_times(
    visitors: Visitors, home: World, store: ColdStore
) -> None:
    cook = await with_a_round(visitors, COLLEAGUE)
    page = cook.page
    await without_signal(cook)
    before = now()
    await enter(page, "Freezer 1", "-20.5")
    await enter(page, "Freezer 2", "19")  # the sign of a freezer is minus already
    await card(page, "Freezer 3").get_by_label("Temperature of Freezer 3").fill("9")
    await card(page, "Freezer 3").get_by_role("button", name="Save", exact=True).click()
    await expect(card(page, "Freezer 3").get_by_role("alert")).to_have_text("This is out of limits. Say what you did about it.")
    await card(page, "Freezer 3").get_by_role("button", name="Moved the food.").click()
    await card(page, "Freezer 3").locator("input[type=file]").set_input_files({"name": "door.jpg", "mimeType": "image/jpeg", "buffer": jpeg(4000, 3000)})
    await expect(card(page, "Freezer 3").get_by_role("img")).to_be_visible()
    await card(page, "Freezer 3").get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator("#banner")).to_contain_text("3 waiting")
    await expect(page.locator("#banner")).to_contain_text("Will be sent when there is a signal.")
    after = now()
    assert await kept_lines(home) == []

    await page.reload()
    await expect(page.locator("#waiting > li")).to_have_count(3)
    await expect(page.locator(".hand-card")).to_have_count(3)

    await cook.context.set_offline(False)
    await expect(page.locator("#banner")).to_have_text("All sent")
    await page.reload()
    await expect(page.locator("#banner")).to_have_text("All sent")
    first, second, third = await kept_lines(home)
    assert [float(one.log.temperature_celsius) for one in (first, second, third)] == [-20.5, -19, -9]
    margin = timedelta(milliseconds=1)
    assert all(before - margin <= one.log.recorded_at <= after + margin < one.log.created_at + margin for one in (first, second, third))
    assert (third.action, third.log.is_in_range, third.log.user_name) == ("Moved the food.", False, "Colin Colleague")
    async with transaction(home.owner) as tx:
        photo = path_of(await logs.photo(tx, third.log.id)).read_bytes()
    assert photo.startswith(b"\xff\xd8") and len(photo) < 200_000
    forgive(cook)


async def test_with_the_page_closed_the_browser_lets_the_worker_send(visitors: Visitors, home: World, store: ColdStore) -> None:
    cook = await with_a_round(visitors, COLLEAGUE)
    page = cook.page
    browser = await cook.context.new_cdp_session(page)
    workers: list[dict[str, Any]] = []
    browser.on("ServiceWorker.workerRegistrationUpdated", lambda event: workers.extend(event["registrations"]))
    await browser.send("ServiceWorker.enable")
    await without_signal(cook)
    await enter(page, "Freezer 1", "20")
    await expect(page.locator("#banner")).to_contain_text("Will be sent when there is a signal.")
    await is_so(page, "async () => (await (await navigator.serviceWorker.ready).sync.getTags()).includes('steading-queue')")
    await page.goto("about:blank")
    await cook.context.set_offline(False)
    woken = {"origin": cook.url, "registrationId": workers[0]["registrationId"], "tag": "steading-queue", "lastChance": False}
    await browser.send("ServiceWorker.dispatchSyncEvent", woken)
    for _ in range(50):
        if kept := await kept_lines(home):
            break
        await page.wait_for_timeout(100)
    assert [float(one.log.temperature_celsius) for one in kept] == [-20]
    forgive(cook)


async def test_what_is_refused_stays_at_its_line_until_it_is_mended(
    visitors: Visitors, home: World, store: ColdStore, owner_connection: Any
) -> None:
    """The limits were changed while the phone was away."""
    cook = await with_a_round(visitors, COLLEAGUE)
    await without_signal(cook)
    async with transaction(home.owner) as tx:
        await set_limits(tx, store.unit_id, low_celsius=-30, high_celsius=-25, delay_minutes=None)
    await enter(cook.page, "Freezer 1", "20")
    await expect(cook.page.locator("#banner")).to_contain_text("1 waiting")
    await cook.context.set_offline(False)
    refused = cook.page.locator("#waiting > li.is-refused")
    await expect(refused.get_by_role("alert")).to_have_text("This is out of limits. Say what you did about it.")
    await cook.page.reload()
    await refused.get_by_role("button", name="Set it colder.").click()
    await refused.get_by_role("button", name="Send again").click()
    await expect(cook.page.locator("#banner")).to_have_text("All sent")
    (kept,) = await kept_lines(home)
    assert (kept.action, float(kept.log.temperature_celsius)) == ("Set it colder.", -20)
    forgive(cook)


async def test_signing_out_leaves_nothing_on_the_phone(visitors: Visitors, home: World, store: ColdStore) -> None:
    cook = await with_a_round(visitors, COLLEAGUE)
    page = cook.page
    await page.evaluate("const f = document.createElement('form'); f.method = 'post'; f.action = '/sign-out'; document.body.append(f); f.submit()")
    await page.wait_for_url("**/sign-in")
    await is_so(page, f"async () => !(await ({KEPT})()).length")
    await without_signal(cook)
    for path in (ROUND, "/cold-chain", "/offline"):
        await page.goto(f"{cook.url}{path}")
        await expect(page.get_by_role("heading", name="No signal")).to_be_visible()
        assert "Freezer" not in await page.inner_text("body")
    await cook.context.set_offline(False)
    forgive(cook, signed_out=True)


async def test_what_somebody_has_not_sent_yet_is_sent_by_nobody_else(visitors: Visitors, home: World, store: ColdStore) -> None:
    cook = await with_a_round(visitors, COLLEAGUE)
    page = cook.page
    await without_signal(cook)
    await enter(page, "Freezer 1", "20")
    await expect(page.locator("#banner")).to_contain_text("1 waiting")
    await cook.context.clear_cookies()
    await cook.context.set_offline(False)
    await sign_in(cook, STRANGER)
    assert await page.evaluate(KEPT) in ([], [f"person-{await tag_of(cook)}"])
    await page.goto(f"{cook.url}{ROUND}")
    await expect(page.locator("#banner")).to_contain_text("1 of somebody else wait on this phone until they sign in.")
    assert "Freezer" not in await page.inner_text("body")
    await cook.context.clear_cookies()
    assert await kept_lines(home) == []
    await sign_in(cook, COLLEAGUE)
    await page.goto(f"{cook.url}{ROUND}")
    await expect(page.locator("#banner")).to_have_text("All sent")
    assert len(await kept_lines(home)) == 1
    forgive(cook, signed_out=True)


async def tag_of(somebody: Visitor) -> str:
    """Under which name a phone keeps what is this person's."""
    return (await somebody.context.request.get(f"{somebody.url}/offline")).headers["x-steading-person"]


async def sign_in(somebody: Visitor, email: str) -> None:
    from tests.factories.people import PASSWORD

    page = somebody.page
    await page.goto(f"{somebody.url}/sign-in")
    await page.fill("input[name=name]", email)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_url(lambda url: "/sign-in" not in url)


async def test_an_ended_session_keeps_the_lines_and_sends_them_after_signing_in(
    visitors: Visitors, home: World, store: ColdStore
) -> None:
    cook = await with_a_round(visitors, COLLEAGUE)
    page = cook.page
    await without_signal(cook)
    await enter(page, "Freezer 2", "20")
    await expect(page.locator("#banner")).to_contain_text("1 waiting")
    await cook.context.clear_cookies()
    await cook.context.set_offline(False)
    await expect(page.locator("#banner")).to_contain_text("Kept on this phone. Sign in to send.")
    await page.get_by_role("link", name="Sign in").click()
    await sign_in(cook, COLLEAGUE)
    await page.goto(f"{cook.url}{ROUND}")
    await expect(page.locator("#banner")).to_have_text("All sent")
    assert len(await kept_lines(home)) == 1
    forgive(cook, signed_out=True)


async def test_without_a_signal_any_page_says_what_was_last_known(visitors: Visitors, home: World, store: ColdStore) -> None:
    await write(home.owner, line(store.unit_id, -21.5))
    cook = await with_a_round(visitors, COLLEAGUE)
    await without_signal(cook)
    await cook.page.goto(f"{cook.url}/cold-chain")
    await expect(cook.page.get_by_role("heading", name="No signal")).to_be_visible()
    await expect(cook.page.locator("#known > li", has_text="Freezer 1")).to_contain_text("−21.5 °C")
    await expect(cook.page.locator("#as-of")).to_contain_text("As it was known")
    await cook.page.get_by_role("link", name="Write temperatures down").click()
    await expect(cook.page.locator(".hand-card")).to_have_count(3)
    await cook.context.set_offline(False)
    forgive(cook)


async def test_the_queue_is_taken_only_from_our_own_page_and_for_the_person_who_wrote_it(
    visitors: Visitors, home: World, store: ColdStore
) -> None:
    cook = await with_a_round(visitors, COLLEAGUE)
    person = await cook.page.evaluate("JSON.parse(document.getElementById('said').textContent).person")
    request = cook.context.request
    row = {"id": str(line(store.unit_id).id), "unit_id": str(store.unit_id), "temperature": -20, "unit": "c", "recorded_at": now().isoformat()}
    for headers, status in (
        ({"x-steading-person": person, "origin": "https://evil.example"}, 403),
        ({"x-steading-person": person}, 403),
        ({"x-steading-person": "somebody-else", "origin": cook.url}, 409),
        ({"origin": cook.url}, 409),
    ):
        assert (await request.post(f"{cook.url}/cold-chain/logs", data=[row], headers=headers)).status == status
    ours = {"x-steading-person": person, "origin": cook.url}
    for body, status in (("no JSON", 422), ({}, 422), ([{"id": 7}], 422), ([row] * 101, 413)):
        assert (await request.post(f"{cook.url}/cold-chain/logs", data=body, headers=ours | {"content-type": "application/json"})).status == status
    fahrenheit = row | {"id": str(line(store.unit_id).id), "temperature": "-4.0", "unit": "f"}
    bad: list[tuple[dict[str, object], str]] = [
        ({"id": "x"}, "id"), ({"temperature": "warm"}, "temperature"), ({"temperature": True}, "temperature"), ({"unit": "k"}, "unit"),
        ({"unit_id": 5}, "unit_id"), ({"recorded_at": "yesterday"}, "recorded_at"), ({"notes": "a\x00b"}, "notes"), ({"photo": "%%%"}, "photo"),
        ({"photo": "R0lGODlh"}, "photo"),
    ]  # fmt: skip
    rows = [row, fahrenheit, *({**row, "id": str(line(store.unit_id).id)} | change for change, _field in bad)]
    answer = await request.post(f"{cook.url}/cold-chain/logs", data=rows, headers=ours)
    told = {one["id"]: one for one in await answer.json()}
    assert told[row["id"]]["kept"] and told[fahrenheit["id"]]["kept"]
    assert [told[str(sent["id"])].get("field") for sent in rows[2:]] == [field for _change, field in bad]
    assert [float(one.log.temperature_celsius) for one in await kept_lines(home)] == [-20, -20]


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1440, "light")])
async def test_the_pages_without_a_socket_are_fit_for_everybody(
    width: int, scheme: str, visitors: Visitors, home: World, store: ColdStore
) -> None:
    cook = await visitors.signed_in(COLLEAGUE, width=width, height=740)
    page = cook.page
    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in (ROUND, "/offline"):
        await page.goto(f"{cook.url}{path}")
        await page.get_by_text("Freezer 1").first.wait_for()
        if path == ROUND:
            await card(page, "Freezer 1").get_by_label("Temperature of Freezer 1").fill("5")
            await card(page, "Freezer 1").get_by_text("Humidity, note, time").click()
            targets = "[...document.querySelectorAll('button, input:not([type=file]), textarea, summary, a')].filter((e) => e.offsetParent && e.getBoundingClientRect().height < 44).map((e) => e.outerHTML)"
            assert await page.evaluate(targets) == []
        await page.evaluate(AXE)
        assert serious(await page.evaluate(RUN)) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_product_can_be_put_on_a_phone(visitors: Visitors, home: World) -> None:
    cook = await visitors.signed_in(COLLEAGUE)
    page = await cook.open("/")
    manifest = await (await cook.context.request.get(f"{cook.url}/manifest.webmanifest")).json()
    assert {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]} >= {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    for icon in manifest["icons"]:
        found = await cook.context.request.get(f"{cook.url}{icon['src']}")
        assert found.ok and (await found.body()).startswith(b"\x89PNG")
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    worker = await cook.context.request.get(f"{cook.url}/service-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript") and worker.headers["cache-control"] == "no-cache"
    assert await page.evaluate("navigator.serviceWorker.ready.then((found) => new URL(found.scope).pathname)") == "/"
    assert await page.evaluate("window.socket.connected")
