"""Many readings in one request, by ids of ours, with a result for each."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from data.cold_chain.tables import Device
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import TokenKind
from jobs.networks import ingest
from tests.factories.cold_chain import ColdStore, as_json, cold_store, door, secret
from tests.factories.people import World


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


@pytest.fixture
async def api(world: World, store: ColdStore) -> AsyncIterator[httpx.AsyncClient]:
    async with door(ingest.router) as client:
        client.headers["X-API-Key"] = await secret(world.owner, TokenKind.API, None)
        yield client


def row(store: ColdStore, at: datetime, temperature: object = -20, **more: object) -> dict[str, Any]:
    return {"unitId": str(store.unit_id), "temperature": temperature, "recordedAt": at.isoformat()} | more


async def send(api: httpx.AsyncClient, body: Any, status: int = 200) -> dict[str, Any]:
    answer = await api.post("/api/ingest/readings", content=as_json(body))
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def count(connection: psycopg.Connection) -> int:
    found = connection.execute("select count(*) from cold_chain.sensor_readings").fetchone()
    assert found
    return int(found[0])


@pytest.mark.parametrize("wrapped", [True, False])
async def test_a_hundred_readings_are_stored_by_one_request_and_once_only(
    api: httpx.AsyncClient, store: ColdStore, owner_connection: psycopg.Connection, wrapped: bool
) -> None:
    start = now() - timedelta(hours=2)
    rows = [row(store, start + timedelta(minutes=m), -20 - m / 100, humidity=40, battery=90) for m in range(100)]
    body = {"readings": rows} if wrapped else rows
    answer = await send(api, body)
    assert (answer["success"], answer["insertedCount"], answer["alertsTriggered"]) == (True, 100, 0)
    again = await send(api, body)
    assert (again["success"], again["insertedCount"], {r["status"] for r in again["results"]}) == (True, 0, {"repeated"})
    assert count(owner_connection) == 100


async def test_each_row_has_its_own_result_and_a_wrong_one_does_not_take_the_others_with_it(
    api: httpx.AsyncClient, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    at = now()
    rows = [
        row(store, at),
        row(store, at, -300),
        row(store, at + timedelta(days=3)),
        row(store, at - timedelta(minutes=1)),
        row(store, at, humidity=101),
        row(store, at) | {"unitId": str(uuid4())},
        row(store, at) | {"unitId": "freezer"},
        "freezer",
    ]
    answer = await send(api, rows)
    told = [(r["status"], r.get("field")) for r in answer["results"]]
    assert told == [
        ("stored", None), ("refused", "readings[1].temperature"), ("refused", "readings[2].recordedAt"), ("stored", None),
        ("refused", "readings[4].humidity"), ("refused", None), ("refused", "readings[6].unitId"), ("refused", "readings[7]"),
    ]  # fmt: skip
    assert not answer["success"] and answer["insertedCount"] == 2 and count(owner_connection) == 2


async def test_a_temperature_that_no_sensor_means_is_a_broken_sensors_and_not_stored(
    api: httpx.AsyncClient, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    answer = await send(api, [row(store, now() - timedelta(minutes=1), 180), row(store, now())])
    assert [r["status"] for r in answer["results"]] == ["faulty", "stored"] and count(owner_connection) == 1


async def test_a_sensor_out_of_service_is_refused_by_its_row(
    api: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        sensor = await tx.get_one(Device, store.sensor_id)
        sensor.is_active = sensor.is_primary = False
        tx.add(sensor)
    at = now() - timedelta(minutes=5)
    rows = [row(store, at + timedelta(minutes=minute), deviceId=str(store.sensor_id)) for minute in range(2)]
    answer = await send(api, rows)
    assert [r["message"] for r in answer["results"]] == ["This sensor is out of service."] * 2 and count(owner_connection) == 0


async def test_each_stored_reading_has_an_id_that_is_the_same_whenever_it_is_sent(api: httpx.AsyncClient, store: ColdStore) -> None:
    at = now()
    body = [row(store, at), row(store, at, deviceId=str(store.sensor_id)), row(store, at, 1000)]
    ids = (await send(api, body))["readingIds"]
    assert len(set(ids)) == 2 and (await send(api, body))["readingIds"] == ids


async def test_alerts_that_follow_are_counted(api: httpx.AsyncClient, store: ColdStore) -> None:
    start = now() - timedelta(hours=1)
    answer = await send(api, [row(store, start + timedelta(minutes=m), -5) for m in range(30)])
    assert answer["alertsTriggered"] == 1


@pytest.mark.parametrize("many", [1, 3])
async def test_a_key_of_another_organization_may_not_write_here(
    world: World, store: ColdStore, owner_connection: psycopg.Connection, many: int
) -> None:
    async with door(ingest.router) as client:
        client.headers["X-API-Key"] = await secret(world.stranger, TokenKind.API, None)
        await send(client, [row(store, now() - timedelta(minutes=m)) for m in range(many)], 403)
    assert count(owner_connection) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "readings"), ({"readings": "none"}, "readings"), ([], "readings"), ("x", "body"), ([{"temperature": -300}], "readings[0].recordedAt")],
)
async def test_a_list_that_is_none_is_refused(
    api: httpx.AsyncClient, body: Any, field: str, owner_connection: psycopg.Connection
) -> None:
    assert (await send(api, body, 422))["error"]["field"] == field
    assert count(owner_connection) == 0


async def test_more_than_a_thousand_at_once_are_too_many(api: httpx.AsyncClient, store: ColdStore) -> None:
    await send(api, [row(store, now())] * 1001, 413)


async def test_a_feeds_secret_does_not_open_this_door(world: World, store: ColdStore) -> None:
    async with door(ingest.router) as client:
        client.headers["X-API-Key"] = await secret(world.owner)
        await send(client, [row(store, now())], 401)
