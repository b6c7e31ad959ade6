import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from httpx import AsyncClient

from data.core.session import transaction
from data.core.time import now
from data.deliveries import commands, queries
from data.deliveries.tables import DriverLocationEvent
from data.deliveries.values import PhoneApp
from jobs.networks import osmand
from tests.codecs.payloads import payload
from tests.factories.deliveries import OnTheRoad, driver
from tests.factories.doors import doors
from tests.factories.people import World


@pytest.fixture
async def tracker() -> AsyncIterator[AsyncClient]:
    async with doors(osmand.router) as client:
        yield client


async def dara_with_osmand(world: World) -> OnTheRoad:
    return await driver(world.owner, app=PhoneApp.OSMAND)


def fields(dara: OnTheRoad, **changed: Any) -> dict[str, Any]:
    seconds = int(now().timestamp())
    return {"id": dara.token, "lat": "11.57", "lon": "104.92", "accuracy": "6", "timestamp": f"{seconds}"} | changed


def traccar(dara: OnTheRoad, **coords: Any) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(payload("traccar_client.json"))
    message["device_id"] = dara.token
    message["location"]["timestamp"] = now().isoformat()
    message["location"]["coords"].update(coords)
    return message


async def kept(world: World, dara: OnTheRoad) -> list[DriverLocationEvent]:
    async with transaction(world.owner) as tx:
        return list(await queries.last_positions(tx, dara.id))


async def test_a_query_is_kept(world: World, tracker: AsyncClient) -> None:
    dara = await dara_with_osmand(world)
    answer = await tracker.get("/feeds/osmand", params=fields(dara, speed="10", bearing="90", batt="87"))
    assert answer.status_code == 200
    (fix,) = await kept(world, dara)
    assert (fix.latitude, fix.longitude, fix.heading_deg, fix.battery_percent, fix.is_accurate) == (
        11.57,
        104.92,
        90,
        87,
        True,
    )
    assert fix.speed_mps == pytest.approx(5.144, abs=0.001)


async def test_a_form_is_kept_and_a_post_with_its_query_is_too(world: World, tracker: AsyncClient) -> None:
    dara = await dara_with_osmand(world)
    at = int(now().timestamp())
    form = fields(dara, timestamp=at * 1000)
    form["deviceid"] = form.pop("id")
    assert (await tracker.post("/feeds/osmand", data=form)).status_code == 200
    assert (await tracker.post("/feeds/osmand", params=fields(dara, timestamp=at - 60))).status_code == 200
    assert [int(fix.recorded_at.timestamp()) for fix in await kept(world, dara)] == [at, at - 60]


async def test_json_is_kept(world: World, tracker: AsyncClient) -> None:
    dara = await dara_with_osmand(world)
    message = traccar(dara, latitude=11.58, longitude=104.9, accuracy=5, speed=7.5)
    assert (await tracker.post("/feeds/osmand", json=message)).status_code == 200
    (fix,) = await kept(world, dara)
    assert (fix.latitude, fix.speed_mps, fix.is_accurate) == (11.58, 7.5, True)


async def test_a_tracker_that_does_not_say_how_exact_it_is_still_shows(world: World, tracker: AsyncClient) -> None:
    dara = await dara_with_osmand(world)
    bare = fields(dara)
    del bare["accuracy"]
    assert (await tracker.get("/feeds/osmand", params=bare)).status_code == 200
    async with transaction(world.owner) as tx:
        position = (await queries.driver_seen(tx, dara.id)).position
    assert position is not None and not position.is_accurate


@pytest.mark.parametrize("identifier", ["902064", "", "x" * 5000, "ទ"])
async def test_an_unknown_id_is_400_in_a_query_or_form_and_404_in_json(
    world: World, tracker: AsyncClient, identifier: str
) -> None:
    dara = await dara_with_osmand(world)
    assert (await tracker.get("/feeds/osmand", params=fields(dara, id=identifier))).status_code == 400
    assert (await tracker.post("/feeds/osmand", data=fields(dara, id=identifier))).status_code == 400
    assert (await tracker.post("/feeds/osmand", json=traccar(dara) | {"device_id": identifier})).status_code == 404
    assert await kept(world, dara) == []


async def test_no_id_at_all_is_an_unknown_one(world: World, tracker: AsyncClient) -> None:
    assert (await tracker.get("/feeds/osmand")).status_code == 400
    assert (await tracker.post("/feeds/osmand")).status_code == 400
    assert (await tracker.post("/feeds/osmand", json={})).status_code == 404
    for strange in ('{"device_id": "\\ud800"}', '{"device_id": 7}', '{"device_id": ["a"]}'):
        assert (await tracker.post("/feeds/osmand", content=strange)).status_code == 404


async def test_another_apps_token_is_an_unknown_id(world: World, tracker: AsyncClient) -> None:
    sok = await driver(world.owner, "Sok", app=PhoneApp.OWNTRACKS)
    assert (await tracker.get("/feeds/osmand", params=fields(sok))).status_code == 400


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"lat": "91"}, "lat"),
        ({"lat": "nan"}, "lat"),
        ({"lon": "1e999"}, "lon"),
        ({"lat": ""}, "lat"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2099-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": "2020-01-01 00:00:00"}, "timestamp"),
        ({"accuracy": "good"}, "accuracy"),
        ({"batt": "101"}, "batt"),
        ({"bearing": "361"}, "bearing"),
    ],
    ids=str,
)
async def test_what_cannot_be_is_refused_by_its_field(
    world: World, tracker: AsyncClient, changed: dict[str, str], field: str
) -> None:
    dara = await dara_with_osmand(world)
    for answer in (
        await tracker.get("/feeds/osmand", params=fields(dara, **changed)),
        await tracker.post("/feeds/osmand", data=fields(dara, **changed)),
    ):
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == field
    assert await kept(world, dara) == []


@pytest.mark.parametrize(
    ("coords", "field"),
    [({"latitude": 91}, "location.coords.latitude"), ({"accuracy": "5"}, "location.coords.accuracy")],
)
async def test_json_that_cannot_be_is_refused_by_its_path(
    world: World, tracker: AsyncClient, coords: dict[str, Any], field: str
) -> None:
    dara = await dara_with_osmand(world)
    answer = await tracker.post("/feeds/osmand", json=traccar(dara, **coords))
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    old = traccar(dara)
    old["location"]["timestamp"] = datetime(2001, 1, 1, tzinfo=UTC).isoformat()
    answer = await tracker.post("/feeds/osmand", json=old)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "location.timestamp")


async def test_what_is_no_form_and_no_json_is_refused(world: World, tracker: AsyncClient) -> None:
    assert (await tracker.post("/feeds/osmand", content=b"\xff\xfe")).status_code == 422
    assert (await tracker.post("/feeds/osmand", content=b"&".join([b"a=1"] * 200))).status_code == 422
    assert (await tracker.post("/feeds/osmand", content=b"{")).status_code == 422
    assert (await tracker.post("/feeds/osmand", content=b"a" * 1_000_001)).status_code == 413


async def test_without_a_fix_there_is_nothing_to_keep(world: World, tracker: AsyncClient) -> None:
    dara = await dara_with_osmand(world)
    assert (await tracker.get("/feeds/osmand", params=fields(dara, valid="false"))).status_code == 200
    assert (await tracker.get("/feeds/osmand", params=fields(dara, lat="0", lon="0"))).status_code == 200
    assert await kept(world, dara) == []


async def test_the_token_of_a_query_is_stored_nowhere(
    world: World, tracker: AsyncClient, owner_connection: psycopg.Connection
) -> None:
    dara = await dara_with_osmand(world)
    await tracker.get("/feeds/osmand", params=fields(dara))
    tables = ("deliveries.driver_location_events", "deliveries.driver_devices", "deliveries.driver_sessions",
              "platform.unknown_devices", "identity.api_tokens", "audit.event_logs")  # fmt: skip
    for table in tables:
        found = owner_connection.execute(f"select count(*) from {table} t where t::text like %s", [f"%{dara.token}%"])
        assert found.fetchone() == (0,), table


async def test_a_phone_taken_away_has_an_unknown_id(world: World, tracker: AsyncClient) -> None:
    dara = await dara_with_osmand(world)
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, dara.device.id)
    assert (await tracker.get("/feeds/osmand", params=fields(dara))).status_code == 400
