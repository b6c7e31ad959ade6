"""Whatever is posted at a sensor network's door with the right secret, the answer names what is wrong and is never ours to blame."""

import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.core.time import now
from data.identity.tables import TokenKind
from jobs.networks import chirpstack, hub, ingest, ttn
from tests.codecs.payloads import payload
from tests.factories.cold_chain import EUI, ColdStore, cold_store, secret
from tests.factories.doors import doors
from tests.factories.people import World

STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 255, 10**400, 1e308, -1e308, 0.1, "", "x", "\x00", "\ud800", "NaN", "9" * 50, [], {}, [[]], [None], [{}],
    {"": {}}, {"x": None}, [0] * 50, "2026-02-12T15:15:45Z", "0001-01-01T00:00:00+23:59", "AXVcA2c4/wRoZQ==", EUI,
)  # fmt: skip


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


@pytest.fixture
async def all_doors(world: World, store: ColdStore) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, str]]]:
    secrets = {
        "/feeds/ttn": await secret(world.owner),
        "/feeds/chirpstack?event=up": await secret(world.owner, network="chirpstack"),
        "/feeds/chirpstack?event=status": await secret(world.owner, network="chirpstack"),
        "/feeds/hub": await secret(world.owner, network="hub"),
        "/api/ingest/readings": await secret(world.owner, TokenKind.API, None),
    }
    async with doors(ttn.router, chirpstack.router, hub.router, ingest.router) as client:
        yield client, secrets


def examples(store: ColdStore) -> dict[str, Any]:
    """A good body for each door."""
    at = now().isoformat()
    uplink = json.loads(payload("things_stack_uplink.json"))
    uplink["received_at"] = uplink["uplink_message"]["received_at"] = at
    heard = json.loads(payload("chirpstack_up.json")) | {"time": at}
    return {
        "/feeds/ttn": uplink,
        "/feeds/chirpstack?event=up": heard,
        "/feeds/chirpstack?event=status": heard | {"batteryLevel": 75.5, "margin": 7},
        "/feeds/hub": {
            "mac": "AA:BB:CC:00:00:01", "firmware": "1",
            "readings": [{"mac": "C4:7C:8D:6A:00:01", "temperature_celsius": -20, "recorded_at": at, "rssi": -70, "door_open": True}],
        },
        "/api/ingest/readings": {
            "readings": [{"unitId": str(store.unit_id), "deviceId": str(store.sensor_id), "temperature": -20, "recordedAt": at,
                          "battery": 80, "humidity": 40, "signalStrength": -70, "rawPayload": "AQ=="}],
        },
    }  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = with_value(document[path[0]], path[1:], value)
    return copy


async def post(client: httpx.AsyncClient, door: str, token: str, content: bytes) -> int:
    answer = await client.post(door, content=content, headers={"X-API-Key": token})
    assert answer.status_code < 500, (door, content, answer.text)
    if answer.status_code == 422:
        assert answer.json()["error"]["field"], (door, content)
    return answer.status_code


async def test_a_good_body_is_taken_at_each_door(all_doors: tuple[httpx.AsyncClient, dict[str, str]], store: ColdStore) -> None:
    client, secrets = all_doors
    assert {await post(client, door, secrets[door], json.dumps(body).encode()) for door, body in examples(store).items()} <= {200, 202}


async def test_any_one_thing_wrong_in_a_good_body_is_no_fault_of_ours(
    all_doors: tuple[httpx.AsyncClient, dict[str, str]], store: ColdStore
) -> None:
    client, secrets = all_doors
    random = Random(7)
    for door, body in examples(store).items():
        for place in places(body):
            for strange in random.sample(STRANGE, 5):
                content = json.dumps(with_value(body, place, strange)).encode()
                await post(client, door, secrets[door], content)


@settings(max_examples=25)
@given(content=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
async def test_any_bytes_are_no_fault_of_ours(all_doors: tuple[httpx.AsyncClient, dict[str, str]], content: bytes) -> None:
    client, secrets = all_doors
    for door, token in secrets.items():
        await post(client, door, token, content)
