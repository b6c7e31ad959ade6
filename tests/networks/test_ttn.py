"""From the bytes that The Things Stack posts to what is kept, and what it is answered."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from sqlmodel import select

from data.alerts import queries as alerts
from data.cold_chain.queries import units
from data.cold_chain.tables import LoraSensor
from data.cold_chain.values import UnitStatus
from data.core.session import transaction
from data.core.time import now
from data.identity import commands as identity
from data.identity.tables import TokenKind
from data.platform.tables import UnknownDevice
from jobs.networks import ttn
from tests.codecs.payloads import payload
from tests.factories.cold_chain import ColdStore, as_json, cold_store, door, secret, uplink_body
from tests.factories.people import World


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


@pytest.fixture
async def feed(world: World, store: ColdStore) -> AsyncIterator[httpx.AsyncClient]:
    async with door(ttn.router) as client:
        client.headers["X-Webhook-Secret"] = await secret(world.owner)
        yield client


async def send(feed: httpx.AsyncClient, body: Any, status: int = 200) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else as_json(body)
    answer = await feed.post("/feeds/ttn", content=content)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def readings(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select unit_id, temperature_celsius::float8, recorded_at from cold_chain.sensor_readings order by recorded_at"
    ).fetchall()


async def test_an_uplink_becomes_a_reading_and_the_units_newest_temperature(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    at = now()
    answer = await send(feed, uplink_body(-20.126, at, battery=3250))
    assert answer["success"] and answer["alertsTriggered"] == 0
    assert answer["reading"]["unitId"] == str(store.unit_id)
    assert datetime.fromisoformat(answer["reading"]["recordedAt"]) == at
    assert readings(owner_connection) == [(store.unit_id, -20.13, at)]
    async with transaction(world.owner) as tx:
        unit = await units.unit(tx, store.unit_id)
        sensor = (await units.sensors(tx, store.unit_id))[0]
    assert (unit.last_celsius, unit.last_reading_at, unit.status) == (-20.13, at, UnitStatus.OK)
    assert (float(sensor.battery_v or 0), sensor.signal_dbm, sensor.status, sensor.last_seen_at) == (3.25, -80, "active", at)


async def test_a_real_uplink_as_it_was_captured_is_taken(feed: httpx.AsyncClient, owner_connection: psycopg.Connection) -> None:
    body = json.loads(payload("things_stack_uplink.json"))
    at = now().isoformat()
    body["received_at"] = body["uplink_message"]["received_at"] = at
    await send(feed, body)
    assert [r[1] for r in readings(owner_connection)] == [-21.3]


async def test_events_without_a_measurement_are_welcome_and_change_nothing(
    feed: httpx.AsyncClient, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    assert (await send(feed, {"end_device_ids": {"dev_eui": store.eui}, "downlink_ack": {}}))["success"]
    assert readings(owner_connection) == []


async def test_a_sensor_that_joins_is_heard_and_when_it_joined_is_kept(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        tx.add(LoraSensor(device_id=store.sensor_id))
    body = json.loads(payload("things_stack_join.json"))
    at = now()
    body["received_at"] = body["join_accept"]["received_at"] = at.isoformat()
    assert (await send(feed, body))["success"]
    body["join_accept"]["received_at"] = (at - timedelta(hours=1)).isoformat()
    await send(feed, body)
    kept = owner_connection.execute(
        "select l.last_join_at, d.last_seen_at from cold_chain.lora_sensors l join cold_chain.devices d on d.id = l.device_id"
    ).fetchall()
    assert kept == [(at, at)] and readings(owner_connection) == []


async def test_the_same_uplink_twice_is_stored_once(feed: httpx.AsyncClient, owner_connection: psycopg.Connection) -> None:
    body = uplink_body(-20, now())
    await send(feed, body)
    assert "before" in (await send(feed, body))["message"]
    assert len(readings(owner_connection)) == 1


async def test_the_same_uplink_many_times_at_once_is_stored_once(
    feed: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    body = uplink_body(-20, now())
    answers = await asyncio.gather(*(send(feed, body) for _ in range(20)))
    assert len(readings(owner_connection)) == 1
    assert sum("before" in a["message"] for a in answers) == 19


async def test_a_late_uplink_is_stored_and_moves_nothing_back(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    at = now()
    await send(feed, uplink_body(-20, at))
    assert "newer" in (await send(feed, uplink_body(15, at - timedelta(hours=2))))["message"]
    assert [r[1] for r in readings(owner_connection)] == [15.0, -20.0]
    async with transaction(world.owner) as tx:
        unit = await units.unit(tx, store.unit_id)
    assert (unit.last_celsius, unit.last_reading_at, unit.status) == (-20.0, at, UnitStatus.OK)


async def test_too_warm_for_the_rules_delay_is_an_alert_and_cold_again_resolves_it(
    feed: httpx.AsyncClient, store: ColdStore, world: World
) -> None:
    at = now() - timedelta(minutes=30)
    triggered = [
        (await send(feed, uplink_body(celsius, at + timedelta(minutes=minute))))["alertsTriggered"]
        for minute, celsius in [(0, -20), (5, -10), (10, -9), (15, -8)]
    ]
    assert triggered == [0, 0, 0, 1]
    async with transaction(world.owner) as tx:
        (alert,) = await alerts.open_of(tx, [store.unit_id])
        assert (alert.alert_type, alert.severity, alert.subject_name) == ("temp_excursion", "critical", "Freezer 1")
        assert alert.message_values == {"unit": "Freezer 1", "now_celsius": -8.0, "limit_celsius": -17.78}
        assert alert.triggered_at == at + timedelta(minutes=15) and alert.scope_id == store.site_id
    await send(feed, uplink_body(-20, at + timedelta(minutes=20)))
    async with transaction(world.owner) as tx:
        assert await alerts.open_of(tx, [store.unit_id]) == []
        assert (await units.unit(tx, store.unit_id)).status is UnitStatus.RESTORING


async def test_a_message_without_a_temperature_says_that_the_sensor_lives(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    at = now()
    body = uplink_body(None, at, door_open=True)
    del body["uplink_message"]["decoded_payload"]["temperature"]
    assert "no temperature" in (await send(feed, body))["message"]
    assert readings(owner_connection) == []
    async with transaction(world.owner) as tx:
        assert (await units.sensors(tx, store.unit_id))[0].last_seen_at == at
        assert (await units.unit(tx, store.unit_id)).door_is_open is True


async def test_a_broken_sensor_is_heard_and_nothing_that_it_says_is_stored(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    at = now() - timedelta(minutes=5)

    async def sensor() -> tuple[str | None, str]:
        async with transaction(world.owner) as tx:
            (one,) = await units.sensors(tx, store.unit_id)
            return one.fault, one.status

    assert "cannot measure" in (await send(feed, uplink_body(327.67, at)))["message"]
    assert await sensor() == ("disconnected", "error")
    await send(feed, uplink_body(400, at + timedelta(minutes=1)))
    assert await sensor() == ("out_of_range", "error")
    door = uplink_body(None, at + timedelta(minutes=2), door_open=True)
    await send(feed, door)
    assert await sensor() == ("out_of_range", "error") and readings(owner_connection) == []
    await send(feed, uplink_body(-20, at + timedelta(minutes=3)))
    assert await sensor() == (None, "active") and len(readings(owner_connection)) == 1


async def test_bytes_that_the_network_does_not_decode_are_read_here(
    feed: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    body = uplink_body(None, now())
    uplink = body["uplink_message"]
    del uplink["decoded_payload"]
    uplink |= {"frm_payload": "AXVcA2c4/wRoZQ==", "f_port": 85, "version_ids": {"brand_id": "milesight-iot", "model_id": "em300-th"}}
    await send(feed, body)
    assert [r[1] for r in readings(owner_connection)] == [-20.0]


async def test_an_unknown_sensor_is_accepted_noted_and_not_asked_for_again(
    feed: httpx.AsyncClient, world: World, owner_connection: psycopg.Connection
) -> None:
    for celsius in (-20, -21):
        answer = await send(feed, uplink_body(celsius, now(), eui="00:04:a3:0b:00:1c:ff:ff"), 202)
        assert answer["accepted"] and not answer["processed"] and "not registered" in answer["reason"]
    assert readings(owner_connection) == []
    async with transaction(world.owner) as tx:
        (stranger,) = (await tx.exec(select(UnknownDevice))).all()
    assert (stranger.network, stranger.identifier, stranger.message_count) == ("ttn", "0004A30B001CFFFF", 2)
    assert stranger.last_message and stranger.last_message["temperature_celsius"] == -21


async def test_a_sensor_of_another_organization_is_unknown_here(feed: httpx.AsyncClient, world: World) -> None:
    await cold_store(world.stranger, eui="0004A30B001C0999", name="Theirs")
    await send(feed, uplink_body(-20, now(), eui="0004A30B001C0999"), 202)


async def test_two_organizations_may_each_have_a_sensor_with_the_same_number(
    feed: httpx.AsyncClient, store: ColdStore, world: World, owner_connection: psycopg.Connection
) -> None:
    theirs = await cold_store(world.stranger, name="Theirs")
    await send(feed, uplink_body(-20, now()))
    assert [r[0] for r in readings(owner_connection)] == [store.unit_id] != [theirs.unit_id]


@pytest.mark.parametrize("headers", [{}, {"X-Webhook-Secret": "wrong"}, {"Authorization": "Bearer wrong"}])
async def test_a_missing_or_wrong_secret_is_refused(
    world: World, store: ColdStore, headers: dict[str, str], owner_connection: psycopg.Connection
) -> None:
    async with door(ttn.router) as client:
        answer = await client.post("/feeds/ttn", content=as_json(uplink_body(-20, now())), headers=headers)
    assert answer.status_code == 401 and readings(owner_connection) == []


async def test_a_secret_for_another_door_or_a_revoked_one_is_refused(world: World, store: ColdStore) -> None:
    async with door(ttn.router) as client:
        for wrong in (await secret(world.owner, TokenKind.API, None), await secret(world.owner, network="owntracks")):
            answer = await client.post("/feeds/ttn", content=b"{}", headers={"X-API-Key": wrong})
            assert answer.status_code == 401
        async with transaction(world.owner) as tx:
            token, revoked = await identity.make_token(tx, name="old", kind=TokenKind.FEED, network="ttn")
            await identity.revoke_token(tx, token.id)
        assert (await client.post("/feeds/ttn", content=b"{}", headers={"X-API-Key": revoked})).status_code == 401


DECODED = "uplink_message.decoded_payload"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{not json", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b'{"uplink_message": {"decoded_payload": {"temperature": NaN}}}', "body"),
        ({"uplink_message": {"decoded_payload": {"temperature": 1}}}, "end_device_ids.dev_eui"),
        (uplink_body("cold", now()), f"{DECODED}.temperature"),
        (uplink_body(True, now()), f"{DECODED}.temperature"),
        (uplink_body(-20, now(), humidity=140), f"{DECODED}.humidity"),
        (uplink_body(-20, now() + timedelta(days=2)), "received_at"),
        (uplink_body(-20, now() - timedelta(days=4000)), "received_at"),
        (uplink_body(-20, now(), eui="12"), "end_device_ids.dev_eui"),
    ],
)
async def test_what_cannot_be_is_refused_by_the_name_of_its_field_and_nothing_is_stored(
    feed: httpx.AsyncClient, owner_connection: psycopg.Connection, body: Any, field: str
) -> None:
    answer = await send(feed, body, 422)
    assert answer["error"]["field"] == field
    assert readings(owner_connection) == []


async def test_a_body_past_a_megabyte_is_refused_unread(feed: httpx.AsyncClient, owner_connection: psycopg.Connection) -> None:
    await send(feed, b'{"x": "' + b"x" * 1_100_000 + b'"}', 413)
    assert readings(owner_connection) == []
