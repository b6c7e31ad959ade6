"""From what a gateway posts to what is kept and shown, and from a tap to the relay behind it and back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from sqlmodel import select

from data.core.errors import Busy, NotFound
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, queries_gateways
from data.farm.commands import gateways
from data.farm.commands.gateways_asked import take_in, turn_away
from data.farm.commands.gateways_silent import note_silent_gateways
from data.farm.rules import Urgency
from data.farm.tables import CommandStatus, CommandType, Device, DeviceType, Discovery
from data.identity.door import machine
from data.identity.tables import TokenKind
from jobs.networks import gateway
from jobs.networks._pace import Pace
from tests.factories.doors import doors
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.gateways import Box, claim, claimed, list_devices
from tests.factories.people import World
from tests.farm.asking import ago, ask, fate, give_up, open_alerts, seen, system
from tests.farm.asking import claim as claim_for_the_broker


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


@pytest.fixture
async def box(world: World, farm: FarmWorld) -> Box:
    return await claimed(world.owner, farm)


@pytest.fixture
async def door(world: World, box: Box) -> AsyncIterator[httpx.AsyncClient]:
    async with doors(gateway.router) as client:
        client.headers["X-Gateway-Token"] = box.token
        yield client


def place(box: Box) -> str:
    return f"/v1/farms/{box.gateway.farm_id}/coops/{box.gateway.id}"


async def post(door: httpx.AsyncClient, path: str, body: Any, status: int = 200) -> Any:
    answer = await door.post(path, **({"content": body} if isinstance(body, bytes) else {"json": body}))
    assert answer.status_code == status, answer.text
    return answer.json()["data"] if status == 200 else answer.json()["error"]


async def commands_of(door: httpx.AsyncClient, hardware_id: str = "PI_1") -> list[dict[str, Any]]:
    answer = await door.get(f"/v1/gateway/commands/{hardware_id}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def climate(celsius: float, minutes_ago: float | None = None) -> dict[str, Any]:
    at = {} if minutes_ago is None else {"timestamp": ago(minutes_ago * 60).isoformat()}
    return {"hardware_id": "PI_1", "sensors": {"temperature_c": celsius, "humidity_pct": 70}} | at


def kept(connection: psycopg.Connection, device: Device) -> list[tuple[Any, ...]]:
    told = "select sensor_type, value::float8 from farm.sensor_readings where device_id = %s order by recorded_at, sensor_type"
    return connection.execute(told, [device.id]).fetchall()


async def test_a_box_shows_its_code_until_somebody_has_typed_it_and_then_works(world: World, farm: FarmWorld) -> None:
    async with doors(gateway.router) as client:
        asked = await post(client, "/v1/gateway/provision/request", {"hardware_id": "PI_9", "firmware_version": "1.3"})
        path = f"/v1/gateway/provision/status/{asked['setup_code']}"
        assert (await client.get(path)).status_code == 401 and (await client.get(path, headers={"X-Poll-Token": "guessed"})).status_code == 404
        client.headers["X-Poll-Token"] = asked["poll_token"]
        assert (await client.get(path)).json()["data"] == {"is_claimed": False}
        made = await claim(world.owner, farm, asked["setup_code"])
        first, second = [(await client.get(path)).json()["data"] for _ in range(2)]
        assert first == {"is_claimed": True, "farm_id": str(farm.farm.id), "coop_id": str(made.id), "token": first["token"]} and second["token"] is None
        client.headers["X-Gateway-Token"] = first["token"]
        heard = await post(client, f"/v1/farms/{first['farm_id']}/coops/{first['coop_id']}/telemetry", {"sensors": {"temperature_c": 30}})
        assert heard == {"stored": 0, "waiting": ["temp_humidity"]}
        assert (await post(client, "/v1/gateway/provision/request", {"hardware_id": 5}, 422))["field"] == "hardware_id"


async def test_what_a_gateway_tells_of_waits_until_it_is_taken_in_and_is_kept_from_then_on(
    world: World, box: Box, door: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    told = {"hardware_id": "PI_1", "devices": [{"type": "relay", "model": "fan", "name": "Cooling fan"}, {"model": "temp_humidity", "name": "Climate"}]}
    assert (await post(door, f"{place(box)}/devices/report", told))["waiting"] == ["fan", "temp_humidity"]
    assert await post(door, f"{place(box)}/telemetry", climate(31.5)) == {"stored": 0, "waiting": ["temp_humidity"]}
    async with transaction(world.keeper) as tx:
        (standing,) = await queries_gateways.standings(tx)
        assert [one.name for one in standing.waiting] == ["Climate", "Cooling fan"] and standing.gateway.is_online
        (probe,) = [one.description for one in standing.waiting if one.name == "Climate"]
        assert probe["latest"]["temperature"]["value"] == 31.5
    async with transaction(world.owner) as tx:
        climate_probe, fan = await take_in(tx, box.gateway.id)
        assert await take_in(tx, box.gateway.id) == []
    assert (fan.device_type, fan.icon, fan.location, fan.dialect.value) == (DeviceType.RELAY, "air", "House 1", "gateway")
    assert await post(door, f"{place(box)}/telemetry", climate(32.5)) == {"stored": 2, "waiting": []}
    now_known = await seen(world, climate_probe)
    assert now_known.is_online and now_known.latest["temperature"]["value"] == 32.5
    assert kept(owner_connection, climate_probe) == [("humidity", 70.0), ("temperature", 32.5)]


async def test_stored_readings_come_late_are_kept_once_and_move_nothing_back(
    world: World, box: Box, door: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    (probe,) = await list_devices(world, box, "temp_humidity")
    stored = [climate(30 + n / 10, 300 - n) for n in range(10)]
    await post(door, f"{place(box)}/telemetry", climate(25.0))
    answer = await post(door, f"{place(box)}/telemetry", stored)
    assert answer["stored"] == 10 and {one["status"] for one in answer["results"]} == {"stored"}
    assert len(kept(owner_connection, probe)) == 22
    await post(door, f"{place(box)}/telemetry", stored)  # its answer was lost on the way
    assert len(kept(owner_connection, probe)) == 22
    known = await seen(world, probe)
    assert known.latest["temperature"]["value"] == 25.0 and known.is_online
    assert known.last_heartbeat_at and known.last_heartbeat_at > ago(60)
    mixed = await post(door, f"{place(box)}/telemetry", [climate(31, 100), {"sensors": {"temperature_c": "hot"}}, climate(31.5, 60 * 24 * 40)])
    assert [(one["status"], one.get("field")) for one in mixed["results"]] == [
        ("stored", None), ("refused", "[1].sensors.temperature_c"), ("refused", "[2].timestamp"),
    ]  # fmt: skip


async def test_a_tap_is_fetched_done_and_seen(world: World, box: Box, door: httpx.AsyncClient) -> None:
    (fan,) = await list_devices(world, box, "fan")
    wish = await ask(world.keeper, fan)
    assert await claim_for_the_broker() == []  # nobody sends it: the gateway comes for it
    await post(door, "/v1/gateway/heartbeat", {"status": "online", "states": {"fan": "off"}})
    (told,) = await commands_of(door)
    assert (told["id"], told["command_type"], told["device"], told["action"], told["is_again"]) == (str(wish.id), "fan_on", "fan", "on", False)
    assert (await fate(world, wish)).status is CommandStatus.SENT and (await seen(world, fan)).is_on is False
    done = await post(door, f"/v1/gateway/commands/{told['id']}/status", {"status": "executed", "response": "Fan switched"})
    assert done == {"id": told["id"], "status": "completed"}
    done_so = await seen(world, fan)  # what it said before it had fetched the wish does not speak against it
    assert (done_so.is_on, done_so.contradicted_by) == (True, None) and await commands_of(door) == []
    assert (await post(door, f"/v1/gateway/commands/{told['id']}/status", {"status": "executed"}))["status"] == "completed"


async def test_a_command_whose_telling_was_lost_is_told_again_as_the_same_until_it_is_over(
    world: World, box: Box, door: httpx.AsyncClient
) -> None:
    (fan,) = await list_devices(world, box, "fan")
    wish = await ask(world.owner, fan)
    first, again = await commands_of(door), await commands_of(door)
    assert [one["id"] for one in first + again] == [str(wish.id)] * 2 and again[0]["is_again"]
    assert again[0]["expires_at"] == first[0]["expires_at"]
    await post(door, f"/v1/gateway/commands/{wish.id}/status", {"status": "executing"})
    assert await commands_of(door) == [] and (await fate(world, wish)).status is CommandStatus.EXECUTING
    await give_up(world, now() + timedelta(minutes=2))
    late = await post(door, f"/v1/gateway/commands/{wish.id}/status", {"status": "executed"})
    assert late["status"] == "timeout" and (await seen(world, fan)).is_on is True  # too late for the wish, and true all the same


async def test_the_urgent_is_told_first_and_what_was_called_off_or_is_over_is_not_told(
    world: World, box: Box, door: httpx.AsyncClient
) -> None:
    fan, heater, feeder, belt = await list_devices(world, box, "fan", "heater", "feeder_motor", "conveyor_belt")
    await ask(world.owner, fan)
    off, gone = await ask(world.owner, feeder), await ask(world.owner, belt)
    async with transaction(world.owner) as tx:
        urgent = await commands.command(tx, heater.id, CommandType.OFF, urgency=Urgency.HIGH)
        await commands.cancel(tx, off.id)
        stale = await tx.get_one(type(gone), gone.id)
        stale.expires_at = ago(1)
        tx.add(stale)
    told = await commands_of(door)
    assert [(one["command_type"], one["priority"]) for one in told] == [("heater_off", "high"), ("fan_on", "normal")] and told[0]["id"] == str(urgent.id)
    with pytest.raises(Exception, match="too late"):
        async with transaction(world.owner) as tx:
            await commands.cancel(tx, urgent.id)
    assert (await post(door, f"/v1/gateway/commands/{off.id}/status", {"status": "executed"}, 409))["code"] == "Conflict"


async def test_a_gateway_that_could_not_says_why_and_somebody_is_told(world: World, box: Box, door: httpx.AsyncClient) -> None:
    fan, vent = await list_devices(world, box, "fan", "heater")
    wish, other = await ask(world.owner, fan), await ask(world.owner, vent)
    await commands_of(door)
    assert (await post(door, f"/v1/gateway/commands/{wish.id}/status", {"status": "failed", "response": "ESP32 Error"}))["status"] == "failed"
    failed = await fate(world, wish)
    assert failed.error_values == {"reason": "ESP32 Error"} and ("device_refused", "warning") in await open_alerts(world)
    said = {"status": "executed", "response": '{"state": false}'}
    assert (await post(door, f"/v1/gateway/commands/{other.id}/status", said))["status"] == "failed"  # it did something else
    assert (await seen(world, vent)).is_on is False


async def test_the_longest_time_and_a_setting_are_told_with_the_wish(world: World, box: Box, door: httpx.AsyncClient) -> None:
    told = {"devices": [{"type": "pwm", "model": "vent"}, {"type": "relay", "model": "heater"}]}
    await post(door, f"{place(box)}/devices/report", told)
    async with transaction(world.owner) as tx:
        heater, vent = await take_in(tx, box.gateway.id)
        await commands.set_guard(tx, heater.id, max_on_s=600, startup_state=None)
        await commands.command(tx, heater.id, CommandType.ON)
        await commands.set_config(tx, vent.id, "calibration", {"scale": 0.5, "offset": 0})
        await commands.command(tx, vent.id, CommandType.SET_SPEED, value=60)
    by_device = {one["device"]: one for one in await commands_of(door)}
    assert by_device["heater"]["action_duration"] == 600
    assert (by_device["vent"]["command_type"], by_device["vent"]["value"]) == ("set_speed", 30.0)
    await post(door, f"/v1/gateway/commands/{by_device['vent']['id']}/status", {"status": "done"})
    assert float((await seen(world, vent)).value or 0) == 60


async def test_what_is_not_on_the_list_any_more_is_out_of_use_and_told_of_and_comes_back(
    world: World, box: Box, door: httpx.AsyncClient
) -> None:
    fan, heater = await list_devices(world, box, "fan", "heater")
    await post(door, f"{place(box)}/devices/report", {"devices": [{"model": "fan", "state": "on"}]})
    gone = await seen(world, heater)
    assert not gone.is_active and not gone.is_online and (await seen(world, fan)).is_on
    assert await open_alerts(world) == [("device_offline", "warning")]
    late = {"devices": [{"model": "heater"}], "timestamp": ago(3600).isoformat()}
    await post(door, f"{place(box)}/devices/report", late)  # stored before: the present list stands
    await post(door, f"{place(box)}/devices/report", {"devices": []})
    assert (await seen(world, fan)).is_active and not (await seen(world, heater)).is_active
    await post(door, f"{place(box)}/devices/report", {"devices": [{"model": "fan"}, {"model": "heater"}]})
    assert (await seen(world, heater)).is_active and await open_alerts(world) == []
    await post(door, f"{place(box)}/devices/report", {"devices": [{"model": "fan", "active": False}, {"model": "heater"}]})
    assert not (await seen(world, fan)).is_active


async def test_a_silent_gateway_is_away_with_all_behind_it_and_one_alert_says_so(world: World, box: Box, door: httpx.AsyncClient) -> None:
    fan, probe = await list_devices(world, box, "fan", "temp_humidity")

    async def look(minutes: float) -> None:
        async with transaction(system(world)) as tx:
            await note_silent_gateways(tx, at=now() + timedelta(minutes=minutes))

    await look(4)
    assert (await seen(world, fan)).is_online
    await look(6)
    assert not (await seen(world, fan)).is_online and await open_alerts(world) == []
    await look(31)
    await look(32)
    async with transaction(system(world)) as tx:
        await commands.tell_missing(tx, at=now() + timedelta(minutes=40))
    assert await open_alerts(world) == [("gateway_offline", "warning")]
    assert (await post(door, "/v1/devices/PI_1/heartbeat", {"status": "online", "firmware_version": "1.4"})) == {"stored": 0, "waiting": []}
    assert await open_alerts(world) == [] and (await seen(world, fan)).is_online and (await seen(world, probe)).is_online
    async with transaction(world.viewer) as tx:
        assert (await queries_gateways.gateway(tx, box.gateway.id)).firmware_version == "1.4"


async def test_unknown_hardware_waits_and_what_is_turned_away_is_not_shown(world: World, box: Box, door: httpx.AsyncClient) -> None:
    assert (await post(door, "/v1/devices/ESP_7/heartbeat", {"status": "online"}))["waiting"] == ["ESP_7"]
    far = {"hardware_id": "ESP_7", "sensors": {"temperature_c": 29}}
    assert (await post(door, f"{place(box)}/telemetry", far))["waiting"] == ["ESP_7"]
    async with transaction(world.owner) as tx:
        (discovery,) = (await tx.exec(select(Discovery))).all()
        await turn_away(tx, box.gateway.id, discovery.id)
        ((standing),) = await queries_gateways.standings(tx)
        assert standing.waiting == [] and [one.name for one in standing.unwanted] == ["ESP_7"] and await take_in(tx, box.gateway.id) == []
    await post(door, "/v1/devices/ESP_7/heartbeat", {})
    async with transaction(world.stranger) as tx:
        with pytest.raises(NotFound):
            await turn_away(tx, box.gateway.id, discovery.id, for_good=False)
    async with transaction(world.owner) as tx:
        await turn_away(tx, box.gateway.id, discovery.id, for_good=False)
        (probe,) = await take_in(tx, box.gateway.id)
    assert discovery.identifier == "PI_1/ESP_7" and probe.device_type is DeviceType.SENSOR
    assert (await post(door, f"{place(box)}/telemetry", far))["stored"] == 1


async def test_a_gateway_speaks_for_itself_alone(world: World, farm: FarmWorld, box: Box, door: httpx.AsyncClient) -> None:
    (fan,) = await list_devices(world, box, "fan")
    wish = await ask(world.owner, fan)
    other = await claimed(world.owner, farm, hardware_id="PI_2")
    theirs = await claimed(world.stranger, await build_farm(world.stranger, prefix="other"))
    for token in (other.token, theirs.token):
        door.headers["X-Gateway-Token"] = token
        assert (await door.get("/v1/gateway/commands/PI_1")).json().get("data", []) == []
        assert (await door.post(f"/v1/gateway/commands/{wish.id}/status", json={"status": "executed"})).status_code == 404
        for path in ("telemetry", "devices/report"):
            body = climate(30) | {"devices": [{"model": "fan"}]}
            assert (await door.post(f"{place(box)}/{path}", json=body)).status_code == 404
    assert (await fate(world, wish)).status is CommandStatus.QUEUED
    door.headers["X-Gateway-Token"] = box.token
    assert (await door.get("/v1/gateway/commands/PI_2")).status_code == 404
    report = {"hardware_id": "PI_2", "devices": [{"model": "fan"}]}
    assert (await door.post(f"{place(box)}/devices/report", json=report)).status_code == 404


async def test_without_a_living_token_nothing_is_told_and_nothing_heard(world: World, box: Box, door: httpx.AsyncClient, owner_connection: psycopg.Connection) -> None:
    asked = [("POST", "/v1/gateway/heartbeat"), ("POST", f"{place(box)}/telemetry"), ("GET", "/v1/gateway/commands/PI_1"),
             ("POST", f"/v1/gateway/commands/{uuid4()}/status"), ("POST", f"{place(box)}/devices/report")]  # fmt: skip
    async with transaction(world.owner) as tx:
        await gateways.remove_gateway(tx, box.gateway.id)
    for token in (box.token, "guessed"):
        door.headers["X-Gateway-Token"] = token
        for method, path in asked:
            assert (await door.request(method, path, json=climate(30))).status_code == 401, path
    del door.headers["X-Gateway-Token"]
    assert (await door.post("/v1/devices/PI_1/heartbeat", json={"status": "online"})).status_code == 401
    assert owner_connection.execute("select count(*) from farm.discoveries").fetchone() == (0,)


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("telemetry", b"{", 422, "body"), ("telemetry", {"sensors": {"temperature_c": "hot"}}, 422, "sensors.temperature_c"),
        ("telemetry", [], 422, "body"), ("telemetry", [climate(30)] * 101, 413, None), ("telemetry", b'"' + b"x" * 210_000 + b'"', 413, None),
        ("devices/report", {"devices": [{"model": "fan"}, {"model": "fan"}]}, 422, "devices[1].model"), ("devices/report", [], 422, "body"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_by_its_name(door: httpx.AsyncClient, box: Box, path: str, body: Any, status: int, field: str | None) -> None:
    assert (await post(door, f"{place(box)}/{path}", body, status)).get("field") == field


async def test_who_asks_too_often_is_told_when_to_come_back(door: httpx.AsyncClient, box: Box) -> None:
    pace = Pace(3, 60)
    for at_s in (0.0, 10.0, 20.0):
        pace.check("one", at_s)
    with pytest.raises(Busy) as refusal:
        pace.check("one", 30.0)
    assert refusal.value.retry_after_s == 30
    pace.check("other", 30.0)
    pace.check("one", 61.0)
    assert (await door.get("/v1/gateway/commands/PI_1")).status_code == 200
    token_id = (await machine(box.token, TokenKind.DEVICE)).token_id
    with pytest.raises(Busy):
        while True:
            gateway.requests.check(token_id)
    answer = await door.get("/v1/gateway/commands/PI_1")
    assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 60
