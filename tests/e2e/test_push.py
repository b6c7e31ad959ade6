"""A message wakes the browser's worker, which shows it: also to somebody who looks at no page."""

import asyncio

import pytest
from playwright.async_api import Browser

from tests.e2e.conftest import Visitors
from tests.factories.people import World

pytestmark = pytest.mark.e2e


@pytest.fixture
def browser(whole_browser: Browser) -> Browser:
    return whole_browser


async def test_a_push_wakes_the_worker_which_shows_it(visitors: Visitors, home: World) -> None:
    somebody = await visitors.signed_in("colin.green@example.org")
    await somebody.context.grant_permissions(["notifications"], origin=somebody.url)
    page = await somebody.open("/settings/notifications")
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    browser = await somebody.context.new_cdp_session(page)
    workers: list[dict[str, str]] = []
    browser.on("ServiceWorker.workerRegistrationUpdated", lambda e: workers.extend(e["registrations"]))
    await browser.send("ServiceWorker.enable")
    async with asyncio.timeout(10):
        while not workers:
            await asyncio.sleep(0.05)
    data = '{"id":"delivery-1","title":"Critical: Freezer 3","body":"Freezer 3 is too warm","url":"/alerts"}'
    shown = "navigator.serviceWorker.ready.then(r => r.getNotifications()).then(all => all.map(n => [n.title, n.body, n.tag, n.data.url]))"
    found = []
    async with asyncio.timeout(20):
        while not found:  # sent again and again, the same message is one on the screen; other visitors' workers are listed too
            for id in {one["registrationId"] for one in workers}:
                await browser.send("ServiceWorker.deliverPushMessage", {"origin": somebody.url, "registrationId": id, "data": data})
            await page.wait_for_timeout(200)
            found = await page.evaluate(shown)
    assert found == [["Critical: Freezer 3", "Freezer 3 is too warm", "delivery-1", "/alerts"]]
