"""From the bytes that ChirpStack posts to what is kept, and what it is answered."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from sqlmodel import select

from data.cold_chain.queries import units
from data.cold_chain.tables import Device, LoraSensor
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import TokenKind
from data.platform.tables import UnknownDevice
from jobs.networks import chirpstack
from tests.codecs.payloads import payload
from tests.factories.cold_chain import EUI, ColdStore, as_json, cold_store, door, secret
from tests.factories.people import World


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


@pytest.fixture
async def feed(world: World, store: ColdStore) -> AsyncIterator[httpx.AsyncClient]:
    async with door(chirpstack.router) as client:
        client.headers["X-API-Key"] = await secret(world.owner, network="chirpstack")
        yield client


def event(at: datetime, eui: str = EUI, **more: Any) -> dict[str, Any]:
    return {"deviceInfo": {"devEui": eui.lower(), "deviceName": "Freezer 1"}, "time": at.isoformat()} | more


async def send(feed: httpx.AsyncClient, body: Any, kind: str | None = "up", status: int = 200, **headers: str) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else as_json(body)
    answer = await feed.post("/feeds/chirpstack", params={"event": kind} if kind else {}, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def readings(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select temperature_celsius::float8, source::text, recorded_at from cold_chain.sensor_readings order by recorded_at"
    ).fetchall()


async def test_an_uplink_becomes_a_reading_of_its_source(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    at = now()
    answer = await send(feed, json.loads(payload("chirpstack_up.json")) | {"time": at.isoformat(), "object": {"temperature": -20.5}})
    assert answer["success"] and answer["reading"]["unitId"] == str(store.unit_id)
    assert readings(owner_connection) == [(-20.5, "chirpstack", at)]
    async with transaction(world.owner) as tx:
        (sensor,) = await units.sensors(tx, store.unit_id)
    assert (sensor.model, sensor.signal_dbm) == ("em300-mcs", -36)


async def test_an_uplink_without_a_codec_at_the_network_is_decoded_here(
    feed: httpx.AsyncClient, world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        sensor = await tx.get_one(Device, store.sensor_id)
        sensor.model = "em300-th"
        tx.add(sensor)
    await send(feed, event(now(), fPort=85, data="AXVcA2c4/wRoZQ=="))
    assert [r[0] for r in readings(owner_connection)] == [-20.0]


async def test_the_same_event_twice_is_stored_once(feed: httpx.AsyncClient, owner_connection: psycopg.Connection) -> None:
    body = event(now(), object={"temperature": -20})
    await send(feed, body)
    assert "before" in (await send(feed, body))["message"]
    assert len(readings(owner_connection)) == 1


async def test_a_status_tells_the_battery_and_a_join_when_it_joined(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        tx.add(LoraSensor(device_id=store.sensor_id))
    at = now() - timedelta(minutes=1)
    await send(feed, event(at, devAddr="00189440"), "join")
    await send(feed, event(at + timedelta(seconds=9), margin=7, batteryLevel=75.5), "status")
    kept = owner_connection.execute(
        "select l.last_join_at, d.last_seen_at, d.battery_percent"
        " from cold_chain.lora_sensors l join cold_chain.devices d on d.id = l.device_id"
    ).fetchall()
    assert kept == [(at, at + timedelta(seconds=9), 76)] and readings(owner_connection) == []


@pytest.mark.parametrize("kind", ["ack", "txack", "log", "location", "integration"])
async def test_other_events_are_welcome_and_change_nothing(
    feed: httpx.AsyncClient, kind: str, owner_connection: psycopg.Connection
) -> None:
    assert (await send(feed, event(now()), kind))["success"]
    assert readings(owner_connection) == []


@pytest.mark.parametrize("written", ["application/octet-stream", "application/x-protobuf"])
async def test_protobuf_is_refused_and_says_what_to_set(feed: httpx.AsyncClient, written: str) -> None:
    answer = await send(feed, b"\x0a\x24", status=415, **{"content-type": written})
    assert "JSON" in answer["error"]["message"]


async def test_an_unknown_sensor_is_accepted_and_noted(feed: httpx.AsyncClient, world: World) -> None:
    answer = await send(feed, event(now(), "FFFFFFFFFFFFFFFF", object={"temperature": 1}), status=202)
    assert answer["accepted"] and not answer["processed"]
    async with transaction(world.owner) as tx:
        (stranger,) = (await tx.exec(select(UnknownDevice))).all()
    assert (stranger.network, stranger.identifier) == ("chirpstack", "FFFFFFFFFFFFFFFF")


async def test_a_secret_of_another_network_or_none_is_refused(world: World, store: ColdStore) -> None:
    wrong = [await secret(world.owner), await secret(world.owner, TokenKind.API, None), "wrong", ""]
    async with door(chirpstack.router) as client:
        for token in wrong:
            answer = await client.post("/feeds/chirpstack?event=up", content=b"{}", headers={"X-API-Key": token})
            assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (b"{", "up", "body"), (event(now()), None, "event"), (event(now()), "other", "event"), ({}, "up", "deviceInfo.devEui"),
        (event(now(), object={"temperature": "cold"}), "up", "object.temperature"),
        (event(now() + timedelta(days=2)), "up", "time"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_by_the_name_of_its_field(feed: httpx.AsyncClient, body: Any, kind: str | None, field: str) -> None:
    assert (await send(feed, body, kind, 422))["error"]["field"] == field


async def test_a_body_past_a_megabyte_is_refused(feed: httpx.AsyncClient) -> None:
    await send(feed, b'{"x": "' + b"x" * 1_100_000 + b'"}', status=413)
