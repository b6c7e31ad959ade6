"""A farm's devices over the JSON interface: hung up, renamed, set, brought in tune, given firmware, looked at, taken down."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from data.core.session import transaction
from data.core.time import now
from data.farm.commands import firmware
from data.farm.tables import DeviceType, Dialect
from data.farm.values import Health, SensorValue
from data.identity.tables import Role
from tests.api.conftest import Program, Programs
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World, person
from tests.farm.asking import add, ago, hear, state

NEW: dict[str, Any] = {"device_id": "hall-lamp", "name": "Lamp", "type": "relay", "location": "Hall", "firmware_version": "1.2.3"}


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


@pytest.fixture
async def owner(world: World, asking: Programs) -> Program:
    return await asking.of(world.owner)


def at(farm: FarmWorld, *path: object) -> str:
    return "/".join(map(str, ("/v1/farms", farm.farm.id, "devices", *path)))


async def test_a_device_is_hung_up_with_its_login_listed_changed_and_taken_down(world: World, farm: FarmWorld, owner: Program) -> None:
    made = await owner.ask("POST", at(farm), NEW, status=201)
    assert (made["device_id"], made["type"], made["firmware_version"], made["is_online"]) == ("hall-lamp", "relay", None, False)
    assert made["login"]["username"] == "hall-lamp" and made["login"]["password"]
    path = at(farm, made["id"])
    change = {"name": "Big lamp", "location": None, "max_on_s": 600, "is_active": False, "device_id": "hall-lamp-2"}
    changed = await owner.ask("PUT", path, change)
    assert changed.items() >= change.items()
    again = await owner.ask("PUT", path, {"startup_state": "off"})
    assert (again["name"], again["max_on_s"], again["startup_state"]) == ("Big lamp", 600, "off")
    assert (await owner.ask("GET", path)).items() >= again.items()
    await bring_online(world.owner, farm.fan)
    assert [one["name"] for one in (await owner.list(at(farm), filter="online"))[0]] == ["Fan"]
    assert [one["name"] for one in (await owner.list(at(farm), type="relay", filter="offline"))[0]] == ["Pump", "Big lamp"]
    assert (await owner.list(at(farm), limit=1, page=2))[1] == 4
    await owner.ask("DELETE", path)
    assert (await owner.ask("GET", path, status=404))["code"] == "DEVICE_NOT_FOUND"


async def test_what_cannot_be_is_named_as_the_program_wrote_it(farm: FarmWorld, owner: Program) -> None:
    fan, probe = at(farm, farm.fan.id), at(farm, farm.probe.id)
    for method, path, given, field in (
        ("POST", at(farm), NEW | {"device_id": "green-fan"}, "device_id"),
        ("POST", at(farm), NEW | {"type": "teapot"}, "type"),
        ("POST", at(farm), NEW | {"output": 33}, "output"),
        ("PUT", fan, {"name": " "}, "name"),
        ("PUT", fan, {"device_id": "green-pump"}, "device_id"),
        ("PUT", fan, {"max_on_s": 0}, "max_on_s"),
        ("PUT", fan, {"colour": "red"}, "colour"),
        ("PUT", f"{probe}/config", {"configurations": []}, "configurations"),
        ("PUT", f"{probe}/config", {"configurations": [{"parameter_name": "temp_threshold_high", "parameter_value": 33},
                                                       {"parameter_name": "temp_threshold_low", "parameter_value": 34}]}, "configurations.0.parameter_value"),
        ("PUT", f"{probe}/config", {"configurations": [{"parameter_name": "polling_interval", "parameter_value": 30},
                                                       {"parameter_name": "speed_of_light", "parameter_value": 1}]}, "configurations.1.parameter_name"),
        ("POST", f"{probe}/calibrate", {"parameter_name": "temperature", "parameter_value": True}, "parameter_value"),
        ("POST", f"{probe}/calibrate", {"parameter_name": "water_level", "parameter_value": {"empty": 5}}, "parameter_value"),
        ("POST", f"{fan}/firmware/update", {"target_version": "9.9"}, "target_version"),
        ("POST", f"{fan}/firmware/update", {"target_version": "9.9", "schedule_at": "2026-11-22T02:00:00"}, "schedule_at"),
    ):  # fmt: skip
        error = await owner.ask(method, path, given, status=422)
        assert (error["code"], error["details"]["field"]) == ("INVALID_INPUT", field), (path, given)
    for query in ({"hours": 721}, {"limit": 10_001}):
        assert (await owner.ask("GET", f"{probe}/history", **query, status=422))["details"]["field"] == next(iter(query))


async def test_settings_say_their_range_and_whether_they_were_set(farm: FarmWorld, owner: Program) -> None:
    path = f"{at(farm, farm.probe.id)}/config"
    high = {"parameter_name": "temp_threshold_high", "parameter_value": 35, "unit": "°C"}
    found = {one["parameter_name"]: one for one in (await owner.ask("PUT", path, {"configurations": [high]}))["configurations"]}
    set_ = found["temp_threshold_high"]
    assert set_.items() >= (high | {"min_value": 20, "max_value": 50, "source": "device", "set_by": "Olga Owner"}).items()
    assert (found["offline_alert_s"]["source"], found["offline_alert_s"]["parameter_value"]) == ("usual", 1_800)
    assert (found["temp_threshold_low"]["source"], found["temp_threshold_low"]["parameter_value"]) == (None, None)
    assert "wait_offline_s" not in found
    await owner.ask("PUT", path, {"configurations": [high | {"parameter_value": None}]})
    found = {one["parameter_name"]: one for one in (await owner.ask("GET", path))["configurations"]}
    assert found["temp_threshold_high"]["source"] is None


async def test_a_probe_is_brought_in_tune_by_what_is_true_or_by_how_far_it_is_off(world: World, farm: FarmWorld, owner: Program) -> None:
    path, warm = f"{at(farm, farm.probe.id)}/calibrate", {"parameter_name": "temperature", "parameter_value": 29.5, "unit": "°C"}
    assert (await owner.ask("POST", path, warm, status=409))["code"] == "CONFLICT"
    await hear(world, farm.probe, SensorValue(farm.probe.topic, "temperature", 30.0, "°C", now()))
    made = await owner.ask("POST", path, warm)
    assert (made["parameter_name"], made["parameter_value"], made["is_calibrated"]) == ("calibration_temperature", {"offset": -0.5, "scale": 1.0}, True)
    made = await owner.ask("POST", path, {"parameter_name": "temperature_offset", "parameter_value": 2.5})
    assert made["parameter_value"] == {"offset": 2.5, "scale": 1.0}
    for given, field in ((warm | {"unit": "°F"}, "unit"), (warm | {"parameter_value": 50}, "parameter_value"),
                         ({"parameter_name": "temperature_offset", "parameter_value": 11}, "parameter_value")):  # fmt: skip
        assert (await owner.ask("POST", path, given, status=422))["details"]["field"] == field
    await owner.ask("POST", path, {"parameter_name": "humidity_offset", "parameter_value": 1}, status=409)
    tank = await owner.ask("POST", path, {"parameter_name": "water_level", "parameter_value": {"empty": 100, "full": 900}})
    assert tank["parameter_name"] == "calibration_water_level"
    fan = await owner.ask("POST", f"{at(farm, farm.fan.id)}/calibrate", {"parameter_name": "calibration", "parameter_value": {"scale": 2}})
    assert fan["parameter_value"] == {"offset": 0.0, "scale": 2.0}


async def test_a_device_tells_how_it_stands_and_what_it_measured(world: World, farm: FarmWorld, owner: Program) -> None:
    for kind, unit, first in (("temperature", "°C", 30.0), ("humidity", "%", 60.0)):
        for n in range(4):
            await hear(world, farm.probe, SensorValue(farm.probe.topic, kind, first + n, unit, ago(4_000 - 600 * n)))
    await hear(world, farm.probe, Health(farm.probe.topic, now(), signal_dbm=-65, battery_percent=80, uptime_s=7_200))
    found = await owner.ask("GET", f"{at(farm, farm.probe.id)}/history", hours=2)
    assert [point["value"] for point in found["readings"] if point["sensor_type"] == "temperature"] == [30, 31, 32, 33]
    assert ({one["metric"]: one["source"] for one in found["metrics"]}, found["total"]) == ({"humidity": "readings", "temperature": "readings"}, 8)
    few = await owner.ask("GET", f"{at(farm, farm.probe.id)}/history", hours=2, metric="temperature", limit=2)
    assert 1 <= few["total"] <= 2 and few["readings"][-1]["max"] == 33 and few["metrics"][0]["width_s"] == 3_600
    month = await owner.ask("GET", f"{at(farm, farm.probe.id)}/history", hours=720, metric="temperature")
    assert month["metrics"][0]["source"] == "hours"
    status = await owner.ask("GET", f"{at(farm, farm.probe.id)}/status")
    assert (status["is_online"], status["current_value"], status["unit"], status["signal_strength"], status["battery_level"]) == (True, 33, "°C", -65, 80)
    assert status["uptime_hours"] == 2 and status["on_for"] is None

    await bring_online(world.owner, farm.fan, is_on=True, at=ago(600))
    await owner.ask("POST", f"{at(farm, farm.fan.id)}/commands", {"command_type": "off"}, status=202)
    status = await owner.ask("GET", f"{at(farm, farm.fan.id)}/status")
    assert (status["current_state"], status["open_command"]["status"], status["on_for"]["total_s"] >= 600) == ("on", "queued", True)
    power = await owner.ask("GET", f"{at(farm, farm.fan.id)}/history", hours=1, metric="power")
    assert [(point["sensor_type"], point["value"]) for point in power["readings"]] == [("power", 1)]


async def test_an_output_that_is_set_to_a_value_says_to_which(world: World, farm: FarmWorld, owner: Program) -> None:
    blower = await add(world, farm, "Blower", DeviceType.PWM)
    await bring_online(world.owner, blower)
    await hear(world, blower, state(blower, True, value=40))
    status = await owner.ask("GET", f"{at(farm, blower.id)}/status")
    assert (status["current_state"], status["current_value"], status["unit"]) == ("on", 40, "set_speed")
    found = {one["parameter_name"]: one for one in (await owner.ask("GET", f"{at(farm, blower.id)}/config"))["configurations"]}
    assert (found["set_speed"]["min_value"], found["set_speed"]["max_value"], found["wait_offline_s"]["parameter_value"]) == (0, 100, 600)


async def test_firmware_is_asked_for_now_or_later_and_called_off(world: World, farm: FarmWorld, owner: Program) -> None:
    path = f"{at(farm, farm.fan.id)}/firmware"
    async with transaction(world.owner) as tx:
        await firmware.add_release(tx, model="Sonoff Basic", dialect=Dialect.TASMOTA, version="14.3.0", url="https://example.org/t.bin", notes="Quieter.")
    await owner.ask("PUT", at(farm, farm.fan.id), {"model": "Sonoff Basic"})
    await bring_online(world.owner, farm.fan, is_on=False)
    await hear(world, farm.fan, Health(farm.fan.topic, now(), firmware_version="14.1.0"))
    known = await owner.ask("GET", path)
    assert (known["current_version"], known["available_version"], known["update_available"], known["update_status"]) == ("14.1.0", "14.3.0", True, "idle")
    later = now() + timedelta(days=2)
    for wrong in (later + timedelta(days=40), now() - timedelta(hours=1)):
        error = await owner.ask("POST", f"{path}/update", {"target_version": "14.3.0", "schedule_at": wrong.isoformat()}, status=422)
        assert error["details"]["field"] == "schedule_at"
    made = await owner.ask("POST", f"{path}/update", {"target_version": "14.3.0", "schedule_at": later.isoformat()}, status=202)
    assert (made["status"], made["scheduled_at"][:16], made["from_version"]) == ("asked", later.isoformat()[:16], "14.1.0")
    assert (await owner.ask("GET", path))["update_status"] == "asked"
    await owner.ask("POST", f"{path}/update", {"target_version": "14.3.0"}, status=409)
    off = await owner.ask("DELETE", f"{path}/update/{made['update_id']}")
    assert (off["update_status"], off["last_update"]["status"]) == ("idle", "canceled")
    assert (await owner.ask("POST", f"{path}/update", {"target_version": "14.3.0"}, status=202))["scheduled_at"] <= now().isoformat()


async def test_who_looks_after_nothing_changes_nothing_and_strangers_find_nothing(world: World, farm: FarmWorld, asking: Programs) -> None:
    fan, probe, update = at(farm, farm.fan.id), at(farm, farm.probe.id), uuid4()
    looks = [at(farm), fan, f"{fan}/status", f"{probe}/history", f"{fan}/config", f"{fan}/firmware"]
    changes: list[tuple[str, str, Any]] = [
        ("POST", at(farm), NEW), ("PUT", fan, {"name": "Mine"}), ("DELETE", fan, None),
        ("PUT", f"{fan}/config", {"configurations": [{"parameter_name": "is_vital", "parameter_value": True}]}),
        ("POST", f"{probe}/calibrate", {"parameter_name": "water_level", "parameter_value": {"empty": 1, "full": 9}}),
    ]  # fmt: skip
    both = [("POST", f"{fan}/firmware/update", {"target_version": "1"}), ("DELETE", f"{fan}/firmware/update/{update}", None)]
    other = await build_farm(world.owner, prefix="second")
    for who in (world.keeper, world.colleague, world.viewer):
        program = await asking.of(who)
        for path in looks:
            await program.ask("GET", path)
        for method, path, given in changes:
            assert (await program.ask(method, path, given, status=403))["code"] == "FORBIDDEN", path
    stranger, nobody, owner = await asking.of(world.stranger), asking.nobody, await asking.of(world.owner)
    manager = await asking.of(await person(world.organization, "Mona Manager", (Role.MANAGER, other.farm.id)))
    for method, path, given in [("GET", path, None) for path in looks] + changes + both:
        await nobody.ask(method, path, given, status=401)
        for program in (stranger, manager):
            error = await program.ask(method, path, given, status=403 if program is manager and (method, path) == ("POST", at(farm)) else 404)
            assert error["code"] in ("FARM_NOT_FOUND", "DEVICE_NOT_FOUND", "FORBIDDEN"), path
        if path != at(farm):  # a device stands on its own farm only
            await owner.ask(method, path.replace(str(farm.farm.id), str(other.farm.id)), given, status=404)
