"""Devices are switched over the JSON interface: one, several, or all of them in an emergency, and never twice for a lost answer."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from data.farm.tables import CommandType, Device, DeviceType
from tests.api.conftest import Program, Programs
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import add, ask, hand_over, hear, state

ON: dict[str, Any] = {"command_type": "on"}


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


def at(farm: FarmWorld, *path: object) -> str:
    return "/".join(map(str, ("/v1/farms", farm.farm.id, *path)))


async def keyed(program: Program, path: str, body: Any, key: str) -> Any:
    answer = await program.client.post(path, json=body, headers=program.headers | {"Idempotency-Key": key})
    return answer.json().get("data") or answer.json()["error"]


async def test_a_wish_is_asked_followed_listed_and_called_off(world: World, farm: FarmWorld, asking: Programs) -> None:
    colleague, path = await asking.of(world.colleague), at(farm, "devices", farm.fan.id, "commands")
    await bring_online(world.owner, farm.fan, is_on=False)
    made = await colleague.ask("POST", path, ON | {"command_params": {}, "priority": "high"}, status=202)
    assert (made["status"], made["priority"], made["requested_by_name"], made["source"]) == ("queued", "high", "Colin Colleague", "person")
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    done = await colleague.ask("GET", f"{path}/{made['command_id']}")
    assert done["status"] == "completed" and done["sent_at"] and done["completed_at"]
    waits = await colleague.ask("POST", at(farm, "devices", farm.pump.id, "commands"), ON, status=202)
    assert (await colleague.ask("DELETE", f"{path}/{made['command_id']}", status=409))["code"] == "CONFLICT"
    await colleague.ask("DELETE", f"{path}/{waits['command_id']}", status=404)  # another device's
    off = await colleague.ask("DELETE", at(farm, "devices", farm.pump.id, "commands", waits["command_id"]))
    assert (off["status"], off["error_message"]) == ("canceled", "It was called off.")
    assert [one["status"] for one in (await colleague.list(at(farm, "commands")))[0]] == ["canceled", "completed"]
    assert (await colleague.list(at(farm, "commands"), status="completed", limit=1))[1] == 1
    assert (await colleague.list(at(farm, "commands"), since=waits["requested_at"]))[1] == 1
    assert (await colleague.list(path, status="queued")) == ([], 0)
    assert [one["command_id"] for one in (await colleague.list(at(farm, "commands"), device_id=farm.fan.id))[0]] == [made["command_id"]]


async def test_a_value_is_written_by_its_own_name_and_what_is_wrong_is_named(world: World, farm: FarmWorld, asking: Programs) -> None:
    owner = await asking.of(world.owner)
    blower, flap = await add(world, farm, "Blower", DeviceType.PWM), await add(world, farm, "Flap", DeviceType.SERVO)
    for device, given, kept in (
        (blower, {"command_type": "set_speed", "command_params": {"speed": 40}}, {"value": 40}),
        (blower, {"command_type": "set_value", "command_params": {"value": 200}}, {"value": 200}),
        (flap, {"command_type": "set_angle", "command_params": {"angle": 90}}, {"value": 90}),
    ):
        assert (await owner.ask("POST", at(farm, "devices", device.id, "commands"), given, status=202))["command_params"] == kept
    wrong: list[tuple[Device, dict[str, Any], str]] = [
        (blower, {"command_type": "set_speed", "command_params": {"speed": 101}}, "command_params.speed"),
        (blower, {"command_type": "set_speed", "command_params": {"value": True}}, "command_params.value"),
        (blower, {"command_type": "set_speed", "command_params": {"angle": 10}}, "command_params.angle"),
        (blower, {"command_type": "set_speed"}, "command_params.speed"),
        (blower, {"command_type": "set_value", "command_params": {"value": 1.5}}, "command_params.value"),
        (flap, {"command_type": "on"}, "command_type"),
        (farm.fan, ON | {"command_params": {"value": 1}}, "command_params.value"),
        (farm.fan, ON | {"command_params": {"colour": 1}}, "command_params.colour"),
        (farm.fan, ON | {"priority": "now"}, "priority"),
        (farm.fan, {"command_type": "explode"}, "command_type"),
        (farm.probe, ON, "command_type"),
    ]
    for device, given, field in wrong:
        error = await owner.ask("POST", at(farm, "devices", device.id, "commands"), given, status=422)
        assert error["details"]["field"] == field, given
    assert (await owner.ask("GET", at(farm, "commands"), status=422, since="2026-11-21T00:00:00"))["details"]["field"] == "since"


async def test_who_lost_the_answer_asks_again_and_switches_once(world: World, farm: FarmWorld, asking: Programs) -> None:
    owner, path = await asking.of(world.owner), at(farm, "devices", farm.fan.id, "commands")
    await bring_online(world.owner, farm.fan, is_on=False)
    toggle = {"command_type": "toggle"}
    first, second = await asyncio.gather(*(keyed(owner, path, toggle, "tap-1") for _ in range(2)))
    assert first["command_id"] == second["command_id"]
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    late = await keyed(owner, path, toggle, "tap-1")
    assert (late["command_id"], late["status"]) == (first["command_id"], "completed")
    assert (await keyed(owner, path, ON, "tap-1"))["details"]["field"] == "Idempotency-Key"
    assert (await keyed(owner, path, toggle, "tap-2"))["command_type"] == "off"
    many = ON | {"device_ids": [str(farm.fan.id), str(farm.pump.id)]}
    batches = [await keyed(owner, at(farm, "devices", "batch-command"), many, "all") for _ in range(2)]
    assert batches[0]["command_batch_id"] == batches[1]["command_batch_id"]
    assert (await owner.list(at(farm, "commands")))[1] == 4


async def test_several_are_asked_at_once_and_each_says_what_became_of_it(world: World, farm: FarmWorld, asking: Programs) -> None:
    owner, path = await asking.of(world.owner), at(farm, "devices", "batch-command")
    other = await build_farm(world.owner, prefix="second")
    await bring_online(world.owner, farm.fan, is_on=False)
    made = await owner.ask("POST", path, ON | {"device_ids": [str(one.id) for one in (farm.fan, farm.pump, farm.probe)]}, status=202)
    assert {one["device_name"]: (one["status"], one["fate"]) for one in made["commands"]} == {
        "Fan": ("queued", "waiting"), "Pump": ("queued", "away"), "Probe": ("failed", "refused"),
    }  # fmt: skip
    assert (made["total"], made["waiting"], made["failed"]) == (3, 2, 1)
    assert [one["error_message"] for one in made["commands"] if one["error_message"]] == ["This device only measures; it cannot be switched."]
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    now_ = await owner.ask("GET", f"{path}/{made['command_batch_id']}")
    assert (now_["completed"], now_["waiting"]) == (1, 1)
    await owner.ask("POST", path, ON | {"device_ids": [str(farm.fan.id), str(other.fan.id)]}, status=404)
    await owner.ask("GET", at(other, "devices", "batch-command", made["command_batch_id"]), status=404)
    assert (await owner.ask("POST", path, ON | {"device_ids": []}, status=422))["details"]["field"] == "device_ids"


async def test_everything_stops_until_somebody_lets_it_go_on(world: World, farm: FarmWorld, asking: Programs) -> None:
    owner, path, fan = await asking.of(world.owner), at(farm, "emergency-stop"), at(farm, "devices", farm.fan.id, "commands")
    await bring_online(world.owner, farm.fan, is_on=True)
    stopped = await owner.ask("POST", path)
    assert (stopped["stopped_devices"], stopped["unreachable"], stopped["is_stopped"]) == (2, ["Pump"], True)
    assert [(one["device_name"], one["fate"]) for one in stopped["devices"]] == [("Fan", "waiting"), ("Pump", "away")]
    again = await owner.ask("POST", path)  # a trembling finger
    assert again["devices"] == stopped["devices"]
    assert (await owner.ask("POST", fan, ON, status=409))["message"] == "Everything on this farm is stopped. Let it go on first."
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, False))
    seen = await owner.ask("GET", path)
    assert [one["fate"] for one in seen["devices"]] == ["done", "away"] and seen["stopped_at"] == stopped["stopped_at"]
    off = next(one for one in (await owner.list(at(farm, "commands")))[0] if one["device_name"] == "Pump")
    assert (off["source"], off["priority"]) == ("emergency", "stop")
    await owner.ask("DELETE", at(farm, "devices", farm.pump.id, "commands", off["command_id"]), status=409)
    assert (await owner.ask("DELETE", path))["is_stopped"] is False
    await owner.ask("DELETE", path, status=409)
    assert (await owner.ask("GET", path))["devices"] == []
    await owner.ask("POST", fan, ON, status=202)
    empty = await owner.ask("POST", "/v1/farms", {"name": "Empty"}, status=201)
    assert (await owner.ask("POST", f"/v1/farms/{empty['id']}/emergency-stop"))["stopped_devices"] == 0


async def test_who_may_not_switch_does_not_and_strangers_find_nothing(world: World, farm: FarmWorld, asking: Programs) -> None:
    fan = at(farm, "devices", farm.fan.id, "commands")
    made = await ask(world.owner, farm.fan, CommandType.OFF)
    one, many = f"{fan}/{made.id}", ON | {"device_ids": [str(farm.fan.id)]}
    looks = [("GET", path, None) for path in (fan, one, at(farm, "commands"), at(farm, "emergency-stop"))]
    switches: list[tuple[str, str, Any]] = [("POST", fan, ON), ("DELETE", one, None)]
    of_managers: list[tuple[str, str, Any]] = [
        ("POST", at(farm, "devices", "batch-command"), many), ("POST", at(farm, "emergency-stop"), None), ("DELETE", at(farm, "emergency-stop"), None),
    ]  # fmt: skip
    batch = ("GET", at(farm, "devices", "batch-command", uuid4()), None)
    viewer, colleague, keeper, stranger = [await asking.of(who) for who in (world.viewer, world.colleague, world.keeper, world.stranger)]
    for method, path, given in looks:
        await viewer.ask(method, path, given)
    for method, path, given in switches + of_managers:
        assert (await viewer.ask(method, path, given, status=403))["code"] == "FORBIDDEN"
    for program in (colleague, keeper):
        for method, path, given in of_managers:
            assert (await program.ask(method, path, given, status=403))["code"] == "FORBIDDEN"
    for method, path, given in [*looks, *switches, *of_managers, batch]:
        await stranger.ask(method, path, given, status=404)
        await asking.nobody.ask(method, path, given, status=401)
    await keeper.ask("POST", fan, ON, status=202)
