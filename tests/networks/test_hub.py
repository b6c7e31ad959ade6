"""From what a BLE hub posts to what is kept of its sensors, and what it is answered, row by row."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlmodel import select

from data.cold_chain.tables import Device, Hub
from data.core.session import transaction
from data.core.time import now
from data.identity import commands as identity
from data.identity.tables import TokenKind
from data.platform.tables import UnknownDevice
from jobs.networks import hub
from tests.factories.cold_chain import ColdStore, as_json, cold_store, door, secret
from tests.factories.people import World

HUB, OTHER_HUB = "AA:BB:CC:00:00:01", "AA:BB:CC:00:00:02"
SENSOR, STRANGER = "C4:7C:8D:6A:00:01", "C4:7C:8D:6A:00:FF"


@pytest.fixture
async def store(world: World) -> ColdStore:
    """The freezer's sensor is a BLE one behind a hub of its site."""
    store = await cold_store(world.owner)
    async with transaction(world.owner) as tx:
        tx.add(Hub(site_id=store.site_id, name="Kitchen", mac_address=HUB))
        tx.add(Hub(site_id=store.site_id, name="Dock", mac_address=OTHER_HUB))
        sensor = await tx.get_one(Device, store.sensor_id)
        sensor.device_eui, sensor.device_type = SENSOR, "ble"
        tx.add(sensor)
    return store


@pytest.fixture
async def feed(world: World, store: ColdStore) -> AsyncIterator[httpx.AsyncClient]:
    async with door(hub.router) as client:
        client.headers["Authorization"] = f"Bearer {await secret(world.owner, network='hub')}"
        yield client


def told(*rows: Any, mac: str = HUB, **more: Any) -> dict[str, Any]:
    return {"mac": mac, "firmware": "1.4.2", "readings": list(rows)} | more


def row(celsius: object, minutes_ago: float = 1, mac: str = SENSOR, **more: Any) -> dict[str, Any]:
    at = now() - timedelta(minutes=minutes_ago)
    return {"mac": mac, "temperature_celsius": celsius, "recorded_at": at.isoformat()} | more


async def send(feed: httpx.AsyncClient, body: Any, status: int = 200) -> dict[str, Any]:
    answer = await feed.post("/feeds/hub", content=body if isinstance(body, bytes) else as_json(body))
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def readings(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select temperature_celsius::float8, source::text from cold_chain.sensor_readings order by recorded_at"
    ).fetchall()


async def hub_called(world: World, mac: str) -> Hub:
    async with transaction(world.owner) as tx:
        return (await tx.exec(select(Hub).where(Hub.mac_address == mac))).one()


async def test_each_reading_is_kept_or_answered_for_itself(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    answer = await send(
        feed,
        told(
            row(-20.0, 3, battery_percent=87, rssi=-71), row(-19.0, 2), row(-20.0, 1, mac=STRANGER), row("cold"),
            row(327.67, 1), {"mac": SENSOR},
        ),
    )  # fmt: skip
    assert [one["status"] for one in answer["results"]] == ["stored", "stored", "unknown", "refused", "faulty", "heard"]
    assert answer["results"][3]["field"] == "readings[3].temperature_celsius"
    assert answer["results"][0]["unitId"] == str(store.unit_id) and "not registered" in answer["results"][2]["message"]
    assert (answer["success"], answer["insertedCount"], answer["alertsTriggered"]) == (False, 2, 1)
    assert readings(owner_connection) == [(-20.0, "hub"), (-19.0, "hub")]
    async with transaction(world.owner) as tx:
        (stranger,) = (await tx.exec(select(UnknownDevice))).all()
        sensor = await tx.get_one(Device, store.sensor_id)
    assert (stranger.network, stranger.identifier) == ("hub", STRANGER)
    assert sensor.hub_id == (await hub_called(world, HUB)).id


async def test_a_hub_that_reports_is_online_even_with_nothing_to_tell(feed: httpx.AsyncClient, world: World) -> None:
    assert not (await hub_called(world, HUB)).is_online
    before = now()
    assert (await send(feed, told()))["success"]
    one = await hub_called(world, HUB)
    assert one.is_online and one.firmware_version == "1.4.2" and one.last_seen_at and one.last_seen_at >= before
    assert not (await hub_called(world, OTHER_HUB)).is_online


async def test_the_same_report_twice_is_stored_once(feed: httpx.AsyncClient, owner_connection: psycopg.Connection) -> None:
    body = told(row(-20.0))
    await send(feed, body)
    assert (await send(feed, body))["results"][0]["status"] == "repeated"
    assert len(readings(owner_connection)) == 1


async def test_an_unknown_hub_is_noted_and_its_sensors_are_heard_all_the_same(
    feed: httpx.AsyncClient, world: World, owner_connection: psycopg.Connection
) -> None:
    answer = await send(feed, told(row(-20.0), mac="AA:BB:CC:00:00:99"), 202)
    assert answer["results"][0]["status"] == "stored" and "hub is not registered" in answer["reason"]
    assert len(readings(owner_connection)) == 1
    async with transaction(world.owner) as tx:
        assert [(one.network, one.identifier) for one in (await tx.exec(select(UnknownDevice))).all()] == [("hub", "AA:BB:CC:00:00:99")]


async def test_a_hubs_own_secret_speaks_for_that_hub_alone(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    subject: UUID = (await hub_called(world, HUB)).id
    async with transaction(world.owner) as tx:
        _, token = await identity.make_token(tx, name="Kitchen", kind=TokenKind.DEVICE, network="hub", subject_id=subject)
    async with door(hub.router) as client:
        client.headers["X-API-Key"] = token
        await send(client, told(row(-20.0)))
        assert (await send(client, told(row(-10.0), mac=OTHER_HUB), 422))["error"]["field"] == "mac"
    assert readings(owner_connection) == [(-20.0, "hub")] and not (await hub_called(world, OTHER_HUB)).is_online


async def test_another_organizations_sensor_and_hub_are_unknown_here(
    feed: httpx.AsyncClient, world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    async with door(hub.router) as client:
        client.headers["X-API-Key"] = await secret(world.stranger, network="hub")
        assert (await send(client, told(row(-20.0)), 202))["results"][0]["status"] == "unknown"
    assert readings(owner_connection) == [] and not (await hub_called(world, HUB)).is_online


async def test_a_missing_or_wrong_secret_is_refused(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    wrong = [await secret(world.owner), await secret(world.owner, TokenKind.API, None), "wrong"]
    async with door(hub.router) as client:
        for token in wrong:
            answer = await client.post("/feeds/hub", content=as_json(told(row(-20.0))), headers={"X-API-Key": token})
            assert answer.status_code == 401
    assert readings(owner_connection) == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 422, "body"), ({"mac": HUB}, 422, "readings"), ({"readings": []}, 422, "mac"),
        (told({"mac": "?"}, {"mac": SENSOR, "rssi": "far"}), 422, "readings[0].mac"),
        (told(*[{"mac": SENSOR}] * 1001), 413, None), (b'{"x": "' + b"x" * 1_100_000 + b'"}', 413, None),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(feed: httpx.AsyncClient, body: Any, status: int, field: str | None) -> None:
    assert (await send(feed, body, status))["error"].get("field") == field
