"""The three attacks that NiceGUI's defaults allow, each forged for real, and each turned away."""

import json
import re
from typing import Any

import httpx
import pytest
import socketio

from tests.e2e.conftest import Server, Visitor, Visitors
from tests.factories.people import World

pytestmark = pytest.mark.e2e
PATH = "/_nicegui_ws/socket.io"


async def page_id(server: Server, cookie: str) -> str:
    """Load a page as the owner of this cookie, without letting a browser open its socket; the page's id."""
    async with httpx.AsyncClient() as client:
        page = await client.get(f"{server.url}/people", headers={"Cookie": cookie})
    found = re.search(r"client_id\W+([0-9a-f-]{36})", page.text)
    assert found, "the page names its id"
    return found.group(1)


async def cookie_of(visitor: Visitor) -> str:
    cookies = await visitor.context.cookies()
    return "; ".join(f"{c['name']}={c['value']}" for c in cookies)


async def attempt(server: Server, client_id: str, headers: dict[str, str]) -> bool:
    """Whether a socket of one's own making gets in, with this page's id and these headers."""
    client = socketio.AsyncClient(reconnection=False)
    query = f"?client_id={client_id}&implicit_handshake=false&next_message_id=0"
    try:
        await client.connect(server.url + query, headers=headers, socketio_path=PATH, transports=["websocket"], wait_timeout=5)
    except socketio.exceptions.ConnectionError:
        return False
    answer = await client.call("handshake", {"client_id": client_id, "tab_id": "x", "document_id": "y", "next_message_id": 0})
    await client.disconnect()
    return bool(answer)


async def test_our_own_origin_and_cookie_get_in_so_that_the_attacks_below_mean_something(
    visitors: Visitors, served: Server, home: World
) -> None:
    owner = await visitors.signed_in("olga.green@example.org")
    cookie = await cookie_of(owner)
    assert await attempt(served, await page_id(served, cookie), {"Origin": served.url, "Cookie": cookie})


async def test_a_socket_from_another_origin_is_refused(visitors: Visitors, served: Server, home: World) -> None:
    owner = await visitors.signed_in("olga.green@example.org")
    cookie = await cookie_of(owner)
    for origin in ("https://evil.example", ""):
        assert not await attempt(served, await page_id(served, cookie), {"Origin": origin, "Cookie": cookie})


async def test_a_stolen_page_id_is_of_no_use_without_its_cookie(visitors: Visitors, served: Server, home: World) -> None:
    owner = await visitors.signed_in("olga.green@example.org")
    stolen = await page_id(served, await cookie_of(owner))
    stranger = await visitors.signed_in("sam.other@example.org")
    assert not await attempt(served, stolen, {"Origin": served.url})
    assert not await attempt(served, stolen, {"Origin": served.url, "Cookie": await cookie_of(stranger)})


async def test_one_persons_socket_cannot_act_as_another(visitors: Visitors, served: Server, home: World) -> None:
    """The stranger sends the very event that the owner's click would send, with the owner's page id in it."""
    owner = await visitors.signed_in("olga.green@example.org")
    page = await owner.open("/people")
    sent: list[Any] = []
    await page.evaluate("window.sent = []; const emit = window.socket.emit; window.socket.emit = function(...a) { window.sent.push(a); return emit.apply(this, a) }; 0")
    await page.get_by_role("button", name="Invite somebody").click()
    await page.get_by_role("dialog", name="Invite somebody").wait_for()
    sent = await page.evaluate("window.sent")
    click = next(a for a in sent if a[0] == "event")
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog", name="Invite somebody").wait_for(state="hidden")

    stranger = await visitors.signed_in("sam.other@example.org")
    theirs = await stranger.open("/people")
    await theirs.evaluate(f"window.socket.emit(...{json.dumps(click)})")
    await theirs.wait_for_timeout(700)
    assert await page.get_by_role("dialog", name="Invite somebody").count() == 0
    await page.evaluate(f"window.socket.emit(...{json.dumps(click)})")
    await page.get_by_role("dialog", name="Invite somebody").wait_for()  # the same event from its own page still works


async def test_a_form_post_from_another_site_is_refused(visitors: Visitors, served: Server, home: World) -> None:
    async with httpx.AsyncClient(base_url=served.url) as client:
        form = {"name": "olga.green@example.org", "password": "x"}
        assert (await client.post("/sign-in", data=form, headers={"Origin": "https://evil.example"})).status_code == 403
        assert (await client.post("/sign-in", data=form)).status_code == 403
        assert (await client.post("/sign-in", data=form, headers={"Origin": served.url})).status_code == 303
