"""Every page and every plain route, opened by those who have nothing to do with the business: they get none of it."""

import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Error

from data.alerts.commands.actions import take_action
from data.cold_chain.commands import gateways, pairing
from data.cold_chain.tables import Excursion
from data.cold_chain.values import Direction
from data.core.session import transaction
from data.core.time import now
from data.farm.commands.flocks import start_batch
from data.identity.tables import TokenKind
from data.notifications.tables import Channel
from tests.e2e.conftest import Server, Visitor, Visitors
from tests.factories.by_hand import line, write
from tests.factories.channels import about, alert, told
from tests.factories.cold_chain import EUI, cold_store, secret, uplink_body
from tests.factories.deliveries import driver, shipment
from tests.factories.farm import build_farm
from tests.factories.gateways import claimed
from tests.factories.people import World
from tests.factories.served import ROOT
from tests.factories.tracking import build_shipping
from tests.factories.trees import job, phone, submitted

pytestmark = pytest.mark.e2e
OURS = (
    "Green Steading", "Market hall", "Freezer 1", "Chicken house", "Autumn birds", "Dara", "Sisowath Quay", "Lotus Foods", "Golden Rice", "Tag 1",
    "Riverside warehouse", "Oak at the school", "Riverside School", "Phone phone-1", "Olga Owner",
)  # fmt: skip
"""Words that stand on our pages and on nobody else's."""
LIST_ROUTES = (
    "import pages; pages.open_screens(); from nicegui import app;"
    "[print(r.path) for r in app.routes if 'GET' in (getattr(r, 'methods', None) or ()) and not r.path.startswith(('/_nicegui', '/steading-ui', '/sign-in', '/sign-up', '/new-address', '/reset', '/invitation', '/favicon', '/offline', '/manifest', '/service-worker', '/verify', '/_steading', '/unsubscribe'))]"
)


@cache
def listed() -> list[str]:
    """Every route, asked once in a process of its own, for screens are opened once in a process."""
    paths = subprocess.run([sys.executable, "-c", LIST_ROUTES], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert len(paths) > 25
    return paths


@dataclass(frozen=True)
class Everything:
    """One of each thing of ours, and every route with its ids put in."""

    routes: list[str]
    unit_id: str


@pytest.fixture
async def everything(home: World) -> Everything:
    store = await cold_store(home.owner)
    async with transaction(home.owner) as tx:
        paired = await pairing.start(tx, store.unit_id)
        await gateways.add_gateway(tx, gateway_id="roof-1", name="Market hall roof", site_id=store.site_id)
    farm = await build_farm(home.owner, prefix="walls")
    await claimed(home.owner, farm)
    async with transaction(home.owner) as tx:
        flock = await start_batch(tx, farm.farm.id, name="Autumn birds", house="Room 1", placed_on=now().date() - timedelta(days=9), placed_count=900)
    rider = await driver(home.owner, "Dara")
    parcel = await shipment(home.owner)
    shipping = await build_shipping(home.owner, 1)
    arborist = await phone(home.owner)
    tree_job = await job(arborist)
    await submitted(arborist, tree_job)
    ids = {
        "unit_id": store.unit_id, "site_id": store.site_id, "device_id": farm.fan.id, "farm_id": farm.farm.id, "batch_id": flock.id, "driver_id": rider.id,
        "shipment_id": parcel.id, "run_id": shipping.run_id, "tracker_id": shipping.trackers[1], "job_id": tree_job.id,
        "token": "guessed", "record_id": uuid4(), "session_id": paired.id, "part": "temperatures", "sha256": "0" * 64,
        "entity_type": "site", "entity_id": store.site_id,
    }  # fmt: skip
    troubled = await alert(home)
    [delivery] = await told(home, about(troubled, Channel.EMAIL, address="somebody@example.org"))
    async with transaction(home.owner) as tx:
        action = await take_action(tx, alert_id=troubled.id, description="Too warm", action_taken="Moved to Freezer 1")
        spell = Excursion(
            unit_id=store.unit_id, direction=Direction.ABOVE, started_at=now(), peak_celsius=Decimal("-3"), peak_at=now(),
            last_reading_at=now(), last_celsius=Decimal("-3"),
        )  # fmt: skip
        tx.add(spell)
    ids |= {"alert_id": troubled.id, "delivery_id": delivery.id, "action_id": action.id, "excursion_id": spell.id}
    log = line(store.unit_id)
    assert await write(home.owner, log) == [None]
    routes = []
    for path in listed():
        if path.startswith("/cold-chain"):
            path = path.replace("{device_id:uuid}", str(store.sensor_id))
        for name, value in ids.items():
            path = path.replace(f"{{{name}:uuid}}", str(value)).replace(f"{{{name}}}", str(value))
        path = path.replace("{file_id:uuid}", str(uuid4())).replace("{report_id:uuid}", str(uuid4())).replace("{log_id:uuid}", str(log.id))
        assert "{" not in path, f"the test does not know what stands in {path}"
        routes.append(path)
    return Everything(routes, str(store.unit_id))


def ours_in(text: str) -> list[str]:
    return [words for words in OURS if words in text]


async def test_somebody_who_is_not_signed_in_is_sent_to_the_door(served: Server, everything: Everything) -> None:
    async with httpx.AsyncClient(base_url=served.url) as nobody:
        for route in everything.routes:
            answer = await nobody.get(route)
            assert answer.status_code in (303, 401), (route, answer.status_code)
            assert ours_in(answer.text) == []


@pytest.mark.long
@pytest.mark.parametrize("email", ["sam.other@example.org", "dara.green@example.org"])
async def test_neither_the_neighbour_nor_a_member_without_the_right_sees_any_of_it(
    email: str, visitors: Visitors, everything: Everything
) -> None:
    """The driver belongs to the business and may see none of its pages; what names it is the frame (its own name, the business)."""
    somebody = await visitors.signed_in(email)
    own = {"Green Steading", "Dara"} if email.startswith("dara") else set()
    seen: dict[str, list[str]] = {}

    async def look(tab: Visitor, route: str) -> None:
        try:
            answer = await tab.page.goto(f"{tab.url}{route}")
        except Error:  # a file, or nothing at all
            found = set(ours_in(await (await tab.context.request.get(f"{tab.url}{route}")).text()))
        else:
            assert answer
            text = await answer.text()
            if "/_nicegui/" in text and answer.ok:  # what is asked for over the socket comes after the page
                await tab.page.wait_for_function("window.did_handshake === true && !document.querySelector('.st-loading')")
            found = set(ours_in(text)) | set(ours_in(await tab.page.inner_text("body")))
        found -= own
        if found:
            seen[route] = sorted(found)

    await somebody.each(everything.routes, look)
    somebody.problems.clear()  # 403 and 404 are what is wanted here
    assert seen == {}


async def test_a_neighbours_secret_moves_nothing_of_ours(served: Server, everything: Everything, home: World) -> None:
    async with httpx.AsyncClient(base_url=served.url) as machine:
        webhook = {"X-Webhook-Secret": await secret(home.stranger)}
        answer = await machine.post("/feeds/ttn", json=uplink_body(-20.0, now(), EUI), headers=webhook)
        assert answer.status_code == 202 and "not registered" in answer.text
        key = {"X-API-Key": await secret(home.stranger, TokenKind.API, "ingest")}
        row = {"unitId": everything.unit_id, "temperature": -20.0, "recordedAt": now().isoformat()}
        answer = await machine.post("/api/ingest/readings", json=[row], headers=key)
        assert answer.status_code >= 400 or answer.json().get("insertedCount") == 0
        trees = {"x-api-key": await secret(home.stranger, TokenKind.FEED, "trees")}
        assert (await machine.get("/api/trees/v1/auth/device/phone-1/status", headers=trees)).json().get("status") == "not_registered"
        for path in ("/feeds/ttn", "/api/ingest/readings", "/api/trees/v1/jobs"):
            for headers in ({}, {"X-API-Key": "guessed"}):
                assert (await machine.post(path, json={}, headers=headers)).status_code == 401, path
