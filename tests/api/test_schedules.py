"""A farm's schedules over the JSON interface: of every kind, tried before they are saved, edited, run at once, a keeper's own only."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from data.core.time import now
from data.farm.values import SensorValue
from tests.api.conftest import Program, Programs
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import hand_over, hear, run, state

MORNING: dict[str, Any] = {"name": "Morning water", "schedule_type": "time_based", "cron_expression": "0 6 * * *", "action": "on", "action_duration": 300}


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


@pytest.fixture
async def owner(world: World, asking: Programs) -> Program:
    return await asking.of(world.owner)


def at(farm: FarmWorld, *path: object) -> str:
    return "/".join(map(str, ("/v1/farms", farm.farm.id, "schedules", *path)))


def of(farm: FarmWorld, **more: Any) -> dict[str, Any]:
    return MORNING | {"device_id": str(farm.pump.id)} | more


async def test_schedules_of_every_kind_are_kept_as_they_were_written(world: World, farm: FarmWorld, owner: Program) -> None:
    await owner.ask("PUT", f"/v1/farms/{farm.farm.id}", {"latitude": 11.5, "longitude": 104.9})
    hot = {"device_id": str(farm.probe.id), "sensor_type": "temperature", "operator": ">", "value": 30.0, "until": 28.0}
    kinds: list[dict[str, Any]] = [
        MORNING | {"priority": 7},
        {"start_time": "06:00:00", "end_time": "18:00:00", "weekdays": [1, 2, 3], "start_date": "2026-12-01", "end_date": "2026-12-31"},
        {"sun_event": "sunset", "sun_offset_minutes": -30, "action_duration": 600, "missed_policy": "run_late"},
        {"schedule_type": "duration_based", "on_duration": 600, "off_duration": 900},
        {"schedule_type": "duration_based", "on_duration": 60, "off_duration": 60, "repeat_count": 5, "start_time": "06:00:00", "is_enabled": False},
        {"cron_expression": "0 6,12 * * *", "action_sequence": [{"action": "on", "duration": 30}, {"action": "off", "duration": 10}]},
        {"schedule_type": "condition_based", "condition_json": {"and": [hot, {"not": hot}]}, "minimum_on": 120, "longest_run": 3_600, "silent_after": 300},
    ]  # fmt: skip
    for number, given in enumerate(kinds):
        made = await owner.ask("POST", at(farm), of(farm, cron_expression=None, action_duration=None) | given | {"name": f"Plan {number}"}, status=201)
        assert made.items() >= {name: value for name, value in given.items() if name != "name"}.items()
        assert (made["device_name"], made["execution_count"], made["last_execution"]) == ("Pump", 0, None)
        assert (made["next_execution"] is None) is (made["schedule_type"] == "condition_based" or not made["is_enabled"])
        assert await owner.ask("GET", at(farm, made["id"])) == made
    seed = {"AND": [{"device_id": str(farm.probe.id), "type": "temperature", "operator": ">", "threshold": 30}]}
    shouted = [{"action": "ON", "duration": 5}]
    made = await owner.ask("POST", at(farm), of(farm, cron_expression=None, action_duration=None, schedule_type="condition_based", condition_json=seed), status=201)
    assert made["condition_json"] == {"and": [{"device_id": str(farm.probe.id), "sensor_type": "temperature", "operator": ">", "value": 30}]}
    assert (await owner.ask("POST", at(farm), of(farm, action_duration=None, action_sequence=shouted), status=201))["action_sequence"][0]["action"] == "on"
    assert (await owner.list(at(farm)))[1] == 9 and (await owner.list(at(farm), is_enabled=False))[1] == 1
    assert await owner.list(at(farm), device_id=farm.fan.id) == ([], 0)


async def test_what_cannot_be_is_named_as_it_was_written(farm: FarmWorld, owner: Program) -> None:
    none = {"cron_expression": None, "action_duration": None}
    for given, field in (
        ({"name": " "}, "name"), ({"device_id": None}, "device_id"), ({"device_id": str(farm.probe.id)}, "device_id"), ({"priority": 11}, "priority"),
        ({"cron_expression": "6 o'clock"}, "cron_expression"), ({"action_duration": 3_601}, "action_duration"), ({"action": "explode"}, "action"),
        (none, "start_time"), ({"sun_event": "sunrise", **none}, "sun_event"), ({"end_tme": "18:00"}, "end_tme"),
        ({"schedule_type": "duration_based", "on_duration": 60, **none}, "off_duration"),
        ({"action_sequence": [{"action": "on", "duration": 0}], "action_duration": None}, "action_sequence"),
        ({"schedule_type": "condition_based", **none}, "condition_json"),
        ({"schedule_type": "condition_based", "condition_json": {"type": "temperature", "operator": ">", "value": 30}, **none}, "condition_json"),
    ):
        for path in (at(farm), at(farm, "preview")):
            if given == {"name": " "} and path != at(farm):
                continue
            error = await owner.ask("POST", path, of(farm) | given, status=422)
            assert (error["code"], error["details"]["field"]) == ("INVALID_INPUT", field), given


async def test_a_schedule_is_edited_paused_copied_and_taken_away(farm: FarmWorld, owner: Program) -> None:
    path = at(farm, (await owner.ask("POST", at(farm), of(farm), status=201))["id"])
    changed = await owner.ask("PUT", path, {"name": "Early water", "cron_expression": "0 5 * * *"})
    assert (changed["name"], changed["cron_expression"], changed["action_duration"], changed["action"]) == ("Early water", "0 5 * * *", 300, "on")
    cycle = await owner.ask("PUT", path, {"schedule_type": "duration_based", "on_duration": 60, "off_duration": 120, "device_id": str(farm.fan.id)})
    assert (cycle["cron_expression"], cycle["action_duration"], cycle["off_duration"], cycle["device_name"]) == (None, None, 120, "Fan")
    assert (await owner.ask("PUT", path, {"is_enabled": False}))["next_execution"] is None
    assert (await owner.ask("POST", f"{path}/enable"))["next_execution"]
    assert (await owner.ask("POST", f"{path}/disable"))["is_enabled"] is False
    copy = await owner.ask("POST", f"{path}/duplicate", {"name": "Water again", "device_id": str(farm.pump.id)}, status=201)
    assert (copy["off_duration"], copy["device_name"], copy["is_enabled"]) == (120, "Pump", False)
    assert (await owner.ask("PUT", path, {"off_duration": 0}, status=422))["details"]["field"] == "off_duration"
    await owner.ask("DELETE", path)
    assert (await owner.ask("GET", path, status=404))["code"] == "SCHEDULE_NOT_FOUND"


async def test_a_week_and_its_clashes_are_seen_before_anything_is_saved(farm: FarmWorld, owner: Program) -> None:
    quiet = of(farm, name="Quiet night", cron_expression=None, action_duration=None, start_time="05:00", end_time="07:00", action="off", priority=3)
    stands = await owner.ask("POST", at(farm), quiet, status=201)
    seen = await owner.ask("POST", at(farm, "preview"), of(farm))
    begins = [one for one in seen["next_executions"] if not one["is_end"]]
    assert (len(begins), seen["time_zone"], seen["is_conditional"]) == (7, "Asia/Phnom_Penh", False)
    assert all("T06:00" in one["at"] or "T23:00" in one["at"] for one in begins) and begins[0]["until"] > begins[0]["at"]
    assert {(one["name"], one["wins"]) for one in seen["conflicts"]} == {("Quiet night", "Quiet night")}
    above = await owner.ask("POST", at(farm, "preview"), of(farm, priority=9))
    assert {one["wins"] for one in above["conflicts"] if one["wins"] != "Quiet night"} == {"Morning water"}
    itself = await owner.ask("POST", at(farm, "preview"), {"schedule_id": stands["id"], "priority": 4})
    assert len(itself["next_executions"]) in (14, 15) and itself["conflicts"] == []
    heat = {"device_id": str(farm.probe.id), "sensor_type": "temperature", "operator": ">", "value": 30}
    rival = await owner.ask("POST", at(farm, "preview"), of(farm, cron_expression=None, action_duration=None, schedule_type="condition_based", condition_json=heat))
    assert (rival["is_conditional"], rival["rivals"]) == (True, [{"name": "Quiet night", "wins": True}])
    assert (await owner.list(at(farm)))[1] == 1


async def test_it_runs_at_once_and_only_once_and_tells_how_its_runs_went(world: World, farm: FarmWorld, asking: Programs) -> None:
    owner, colleague = await asking.of(world.owner), await asking.of(world.colleague)
    made = await owner.ask("POST", at(farm), of(farm, action_duration=None), status=201)
    path = at(farm, made["id"])
    await bring_online(world.owner, farm.pump, is_on=False)
    keyed = colleague.headers | {"Idempotency-Key": "run-1"}
    first, again = [(await asking.client.post(f"{path}/execute-now", headers=keyed)).json()["data"] for _ in range(2)]
    assert first == again and first["status"] == "pending" and first["command_id"]
    await hand_over()
    await hear(world, farm.pump, state(farm.pump, True))
    await run(world, datetime.fromisoformat(made["next_execution"]) + timedelta(hours=3))
    answer = (await asking.client.get(f"{path}/executions", headers=owner.headers, params={"days": 2})).json()
    assert [(one["status"], one["missed_policy"]) for one in answer["data"]] == [("skipped", "skip"), ("executed", None)]
    assert (answer["success_rate"], answer["pagination"]["total"]) == (100, 2)
    assert (await owner.ask("GET", path))["execution_count"] == 2
    await owner.ask("POST", f"/v1/farms/{farm.farm.id}/emergency-stop")
    await owner.ask("POST", f"{path}/execute-now", status=409)


async def test_a_keeper_changes_only_their_own_and_strangers_find_nothing(world: World, farm: FarmWorld, asking: Programs) -> None:
    owner, keeper = await asking.of(world.owner), await asking.of(world.keeper)
    theirs = at(farm, (await owner.ask("POST", at(farm), of(farm), status=201))["id"])
    own = at(farm, (await keeper.ask("POST", at(farm), of(farm, name="Mine"), status=201))["id"])

    def changes(path: str) -> list[tuple[str, str, Any]]:
        return [("PUT", path, {"name": "Changed"}), ("POST", f"{path}/disable", None), ("POST", f"{path}/enable", None), ("DELETE", path, None)]

    runs: list[tuple[str, str, Any]] = [("POST", f"{theirs}/execute-now", None)]
    makes: list[tuple[str, str, Any]] = [("POST", at(farm), of(farm)), ("POST", f"{theirs}/duplicate", {"name": "Copy"}), ("POST", at(farm, "preview"), of(farm))]
    looks: list[tuple[str, str, Any]] = [("GET", at(farm), None), ("GET", theirs, None), ("GET", f"{theirs}/executions", None)]
    for method, path, given in changes(theirs):
        assert (await keeper.ask(method, path, given, status=403))["message"] == "Only who made this schedule, or a manager, may change it."
    for method, path, given in changes(own):
        await keeper.ask(method, path, given)
    for who, forbidden in ((world.viewer, makes + changes(theirs) + runs), (world.colleague, makes + changes(theirs))):
        program = await asking.of(who)
        for method, path, given in looks:
            await program.ask(method, path, given)
        for method, path, given in forbidden:
            assert (await program.ask(method, path, given, status=403))["code"] == "FORBIDDEN", path
    stranger, other = await asking.of(world.stranger), await build_farm(world.owner, prefix="second")
    for method, path, given in looks + makes + changes(theirs) + runs:
        await asking.nobody.ask(method, path, given, status=401)
        await stranger.ask(method, path, given, status=404)
        if path != at(farm):  # a schedule, and a device, is on its own farm only
            await owner.ask(method, path.replace(str(farm.farm.id), str(other.farm.id)), given, status=404)


async def test_a_condition_that_is_met_says_so(world: World, farm: FarmWorld, owner: Program) -> None:
    heat = {"device_id": str(farm.probe.id), "sensor_type": "temperature", "operator": ">=", "value": 30}
    made = await owner.ask("POST", at(farm), of(farm, cron_expression=None, action_duration=None, schedule_type="condition_based", condition_json=heat), status=201)
    await bring_online(world.owner, farm.pump, is_on=False)
    await hear(world, farm.probe, SensorValue(farm.probe.topic, "temperature", 31.0, "°C", now()))
    assert await run(world, now()) == ["on"]
    seen = await owner.ask("GET", at(farm, made["id"]))
    assert (seen["is_met"], seen["phase"], seen["last_status"], seen["minimum_on"]) == (True, "met", "pending", 60)
