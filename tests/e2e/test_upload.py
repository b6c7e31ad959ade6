"""A page's upload address opens for the browser that has the page, and for nobody who merely knows it."""

import httpx
import pytest

from tests.e2e.conftest import Server, Visitors
from tests.e2e.test_socket import cookie_of
from tests.factories.people import World
from tests.factories.tracking import build_shipping

pytestmark = pytest.mark.e2e


async def test_a_stolen_upload_address_is_of_no_use_without_its_cookie(visitors: Visitors, served: Server, home: World) -> None:
    await build_shipping(home.owner, 1)
    owner = await visitors.signed_in("olga.green@example.org")
    page = await owner.open("/tracking/import")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url) if request.method == "POST" else None)
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose a CSV file").click()
    await (await chooser.value).set_files({"name": "own.csv", "mimeType": "text/csv", "buffer": b"name\n"})
    await page.locator(".st-soft", has_text="own.csv").wait_for()
    stranger = await visitors.signed_in("sam.other@example.org")
    file = {"file": ("forged.csv", b"name\n", "text/csv")}
    async with httpx.AsyncClient() as client:
        for headers in (
            {},
            {"Origin": served.url},
            {"Origin": served.url, "Cookie": await cookie_of(stranger)},
            {"Origin": "https://evil.example", "Cookie": await cookie_of(owner)},
        ):
            assert (await client.post(addresses[0], files=file, headers=headers)).status_code == 403
        own = {"Origin": served.url, "Cookie": await cookie_of(owner)}
        assert (await client.post(addresses[0], files=file, headers=own)).status_code == 200
