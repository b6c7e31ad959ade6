import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response

from data.core.session import transaction
from data.core.time import now
from data.deliveries import commands, queries
from data.deliveries.tables import DriverLocationEvent
from data.deliveries.values import PhoneApp
from data.identity import commands as identity
from data.identity.tables import TokenKind
from jobs.networks import owntracks
from tests.codecs.payloads import payload
from tests.factories.deliveries import OnTheRoad, driver
from tests.factories.doors import doors
from tests.factories.people import World


@pytest.fixture
async def phone() -> AsyncIterator[AsyncClient]:
    async with doors(owntracks.router) as client:
        yield client


def location(**changed: Any) -> dict[str, Any]:
    """What the app sends, now; change or, by None, leave out."""
    message = json.loads(payload("owntracks_location.json")) | {"tst": int(now().timestamp()), "acc": 12} | changed
    return {name: value for name, value in message.items() if value is not None}


async def post(phone: AsyncClient, dara: OnTheRoad, body: Any, **more: Any) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body)
    headers = {"X-Limit-U": "jane", "X-Limit-D": "phone"}
    return await phone.post("/feeds/owntracks", content=content, auth=("jane", dara.token), headers=headers, **more)


async def kept(world: World, dara: OnTheRoad) -> list[DriverLocationEvent]:
    async with transaction(world.owner) as tx:
        return list(await queries.last_positions(tx, dara.id))


async def test_a_position_is_kept_and_answered_with_nothing_to_do(world: World, phone: AsyncClient) -> None:
    dara = await driver(world.owner)
    answer = await post(phone, dara, location(lat=48.856826, lon=2.292713, vel=36))
    assert (answer.status_code, answer.json()) == (200, [])
    (fix,) = await kept(world, dara)
    assert (fix.latitude, fix.longitude, fix.speed_mps, fix.device_id) == (48.856826, 2.292713, 10, dara.device.id)


async def test_the_same_message_twice_is_kept_once(world: World, phone: AsyncClient) -> None:
    dara, message = await driver(world.owner), location()
    answers = await asyncio.gather(*(post(phone, dara, message) for _ in range(5)))
    assert [a.status_code for a in answers] == [200] * 5
    assert len(await kept(world, dara)) == 1


async def test_what_a_phone_kept_without_a_link_comes_late_and_does_not_move_it_back(
    world: World, phone: AsyncClient
) -> None:
    dara, at = await driver(world.owner), int(now().timestamp())
    for tst, latitude in ((at, 11.6), (at - 3600, 11.5), (at - 29 * 86400, 11.4)):
        assert (await post(phone, dara, location(tst=tst, lat=latitude))).status_code == 200
    assert [fix.latitude for fix in await kept(world, dara)] == [11.6, 11.5, 11.4]
    async with transaction(world.owner) as tx:
        position = (await queries.driver_seen(tx, dara.id)).position
    assert position is not None and position.latitude == 11.6


@pytest.mark.parametrize("accuracy", [None, 0, 200, 3000])
async def test_a_bad_fix_is_kept_and_marked(world: World, phone: AsyncClient, accuracy: float | None) -> None:
    dara = await driver(world.owner)
    assert (await post(phone, dara, location(acc=accuracy))).status_code == 200
    assert [fix.is_accurate for fix in await kept(world, dara)] == [False]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {"_type": "transition", "event": "enter", "desc": "Depot", "wtst": 1, "tst": 1, "acc": 5, "tid": "JJ"},
        {"_type": "waypoint", "desc": "Depot", "lat": 1, "lon": 1, "tst": 1},
        {"_type": "status"},
        {"_type": "encrypted", "data": "c2VjcmV0"},
        {"_type": "location", "lat": 0, "lon": 0, "tst": 1_700_000_000},
    ],
    ids=["nothing", "transition", "waypoint", "status", "encrypted", "no fix"],
)
async def test_what_is_no_position_is_taken_and_forgotten(world: World, phone: AsyncClient, body: Any) -> None:
    dara = await driver(world.owner)
    answer = await post(phone, dara, body)
    assert (answer.status_code, answer.json()) == (200, [])
    assert await kept(world, dara) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"lat": 91}, "lat"),
        ({"lon": -180.1}, "lon"),
        ({"lat": "48"}, "lat"),
        ({"lat": None}, "lat"),
        ({"vel": 1e400}, "body"),
        ({"tst": 9_999_999_999}, "tst"),
        ({"tst": 1_000_000_000}, "tst"),
        ({"cog": 400}, "cog"),
        ({"batt": 101}, "batt"),
        ({"_type": None}, "_type"),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused_by_its_field(
    world: World, phone: AsyncClient, changed: dict[str, Any], field: str
) -> None:
    dara = await driver(world.owner)
    answer = await post(phone, dara, location(**changed))
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field
    assert await kept(world, dara) == []


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"_type":"location","lat":NaN,"lon":1,"tst":1}', b"\xff\xfe", b"[" * 50_000]
)
async def test_what_is_no_message_is_refused(world: World, phone: AsyncClient, body: bytes) -> None:
    dara = await driver(world.owner)
    assert (await post(phone, dara, body)).status_code == 422


async def test_a_huge_body_is_refused(world: World, phone: AsyncClient) -> None:
    dara = await driver(world.owner)
    assert (await post(phone, dara, b" " * 1_000_001)).status_code == 413


async def test_a_wrong_missing_or_foreign_secret_is_refused_and_keeps_nothing(world: World, phone: AsyncClient) -> None:
    dara = await driver(world.owner)
    other_app = await driver(world.owner, "Sok", app=PhoneApp.OSMAND)
    async with transaction(world.owner) as tx:
        _, feed = await identity.make_token(tx, name="feed", kind=TokenKind.FEED, network="owntracks")
        _, bare = await identity.make_token(tx, name="bare", kind=TokenKind.DEVICE, network="owntracks")
        _, expired = await identity.make_token(
            tx, name="old", kind=TokenKind.DEVICE, subject_id=dara.device.id, life=timedelta(seconds=-1)
        )
    for secret in ("wrong", "", other_app.token, feed, bare, expired):
        answer = await phone.post("/feeds/owntracks", json=location(), auth=("jane", secret))
        assert answer.status_code == 401, secret
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert (await phone.post("/feeds/owntracks", json=location())).status_code == 401
    assert await kept(world, dara) == []


async def test_a_phone_taken_away_from_its_driver_is_refused(world: World, phone: AsyncClient) -> None:
    dara = await driver(world.owner)
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, dara.device.id)
    assert (await post(phone, dara, location())).status_code == 401


async def test_one_driver_is_not_seen_by_the_neighbour(world: World, phone: AsyncClient) -> None:
    dara = await driver(world.owner)
    await post(phone, dara, location())
    async with transaction(world.stranger) as tx:
        assert await queries.last_positions(tx, dara.id) == []
