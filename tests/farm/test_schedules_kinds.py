"""What every kind of schedule does to real rows, and what becomes of it when something is in its way."""

import asyncio
import sys
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, planned, queries
from data.farm.rules import FARM_STOPPED, Step, Timing
from data.farm.tables import (
    CommandStatus,
    CommandType,
    DeviceCommand,
    DeviceType,
    ExecutionStatus,
    Farm,
    MissedPolicy,
    Schedule,
    SwitchAction,
)
from tests.factories.farm import FarmWorld, bring_online, build_farm, eventually
from tests.factories.people import World
from tests.farm.asking import add, fresh, give_up, hear, ledger, open_alerts, plan, planned_at, run, state

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
FED = Timing(cron_expression="* * * * *", action_duration_s=20)
CYCLE = Timing("duration_based", on_duration_s=60, off_duration_s=60)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False)
    return made


async def test_what_lasts_is_ended_and_the_end_waits_for_its_device(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.keeper, farm.fan, FED)
    at = await planned_at(world, schedule)
    assert await run(world, at) == ["on"] and await planned_at(world, schedule) == at + 20 * SECOND
    assert await run(world, at + 20 * SECOND) == ["off"]
    async with transaction(world.owner) as tx:
        (waiting,) = [c.command for c in await queries.commands_of(tx, farm.fan.id, limit=10) if c.command.status is CommandStatus.QUEUED]
    assert waiting.command_type is CommandType.OFF and waiting.expires_at.year == 9999
    first, second = await ledger(world, schedule)
    assert (first.lag_ms, second.lag_ms, first.is_late) == (0, 0, False)


async def test_a_sequence_runs_step_by_step_and_a_restart_in_its_middle_leaves_the_device_off(world: World, farm: FarmWorld) -> None:
    steps = (Step("on", 20), Step("off", 5), Step("on", 20))
    schedule = await plan(world.owner, farm.fan, Timing(cron_expression="0 * * * *", steps=steps))
    at = await planned_at(world, schedule)
    assert [await run(world, at), await run(world, at + 20 * SECOND)] == [["on"], ["off"]]
    assert await run(world, at + 38 * SECOND) == ["off"]  # the third step was due at 25 s
    last = (await ledger(world, schedule))[-1]
    assert last.is_late and "broken off" in (last.error_message or "")
    assert await planned_at(world, schedule) == at + HOUR


async def test_a_cycle_goes_on_until_it_is_paused_and_is_not_left_on(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm.fan, CYCLE)
    at = await planned_at(world, schedule)
    assert [await run(world, at + n * MINUTE) for n in range(4)] == [["on"], ["off"], ["on"], ["off"]]
    async with transaction(world.owner) as tx:
        row = await tx.get_one(Schedule, schedule.id)
        row.phase_since_at, row.last_run_at = now() - 10 * SECOND, now()  # as if its turn had begun ten seconds ago
        tx.add(row)
    async with transaction(world.owner) as tx:
        await commands.enable_schedule(tx, schedule.id, is_enabled=False)
    async with transaction(world.owner) as tx:
        newest = (await queries.commands_of(tx, farm.fan.id, limit=1))[0].command
    assert (newest.command_type, newest.schedule_id, newest.status) == (CommandType.OFF, schedule.id, CommandStatus.QUEUED)
    assert (await fresh(world, schedule)).next_run_at is None


@pytest.mark.parametrize(
    ("policy", "asked", "statuses"),
    [
        ("skip", [], ["skipped skip", "skipped skip"]),
        ("run_late", ["on"], ["pending run_late", "skipped run_late"]),
        ("reconcile", ["off"], ["skipped reconcile", "pending reconcile"]),
    ],
)
async def test_an_outage_is_in_the_ledger_with_what_was_done(world: World, farm: FarmWorld, policy: str, asked: list[str], statuses: list[str]) -> None:
    timing = Timing(cron_expression="0 * * * *", action_duration_s=600, missed_policy=policy)
    schedule = await plan(world.owner, farm.fan, timing)
    assert schedule.missed_policy is MissedPolicy(policy)
    assert await run(world, await planned_at(world, schedule) + 20 * MINUTE) == asked
    rows = await ledger(world, schedule)
    assert [f"{row.status} {row.missed_policy}" for row in rows] == statuses and all(row.error_message for row in rows)
    assert [row.is_late for row in rows] == [row.status is ExecutionStatus.PENDING for row in rows]


async def test_a_stopped_farm_runs_nothing_and_says_so(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm.fan, FED)
    at = await planned_at(world, schedule)
    async with transaction(world.owner) as tx:
        await commands.stop_all(tx, farm.farm.id)
    assert await run(world, at) == []
    (row,) = await ledger(world, schedule)
    assert (row.status, row.error_message) == (ExecutionStatus.SKIPPED, FARM_STOPPED)
    with pytest.raises(Conflict, match="stopped"):
        async with transaction(world.owner) as tx:
            await commands.run_now(tx, schedule.id)
    async with transaction(world.owner) as tx:
        await commands.go_on(tx, farm.farm.id)
    await run(world, at + 20 * SECOND)
    assert await run(world, at + MINUTE) == ["on"]


async def test_three_failures_in_a_row_are_told_and_a_success_ends_that(world: World) -> None:
    farm = await build_farm(world.owner, prefix="away")
    schedule = await plan(world.owner, farm.fan, Timing(cron_expression="* * * * *"))
    at = await planned_at(world, schedule)
    for n in range(3):
        assert ("schedule_failed", "warning") not in await open_alerts(world)
        await run(world, at + n * MINUTE)
        await give_up(world, at + (n + 1) * MINUTE - SECOND / 2 + SECOND)
    assert ("schedule_failed", "warning") in await open_alerts(world) and (await fresh(world, schedule)).failure_count == 3
    await bring_online(world.owner, farm.fan, is_on=False, at=at)
    assert await run(world, at + 3 * MINUTE) == ["on"]
    await hear(world, farm.fan, state(farm.fan, True, at=at + 3 * MINUTE + SECOND))
    assert ("schedule_failed", "warning") not in await open_alerts(world) and (await fresh(world, schedule)).failure_count == 0


async def test_a_higher_schedule_keeps_the_device_until_it_ends(world: World, farm: FarmWorld) -> None:
    start = (now() + 2 * HOUR).astimezone().replace(second=0, microsecond=0)
    local = [(start + n * MINUTE).astimezone(planned.zone("Asia/Phnom_Penh")).time() for n in (0, 10, 5)]
    high = await plan(world.owner, farm.fan, Timing(start_time=local[0], end_time=local[1]), name="Timed", priority=7)
    low = await plan(world.owner, farm.fan, Timing(start_time=local[2]), name="Low", priority=5, action=SwitchAction.OFF)
    assert await planned_at(world, high) == start
    assert [await run(world, start), await run(world, start + 5 * MINUTE), await run(world, start + 10 * MINUTE)] == [["on"], [], ["off"]]
    (lost,) = await ledger(world, low)
    assert (lost.status, lost.error_values) == (ExecutionStatus.SKIPPED, {"name": "Timed"})


async def test_clashes_are_named_before_saving_and_the_week_is_shown(world: World, farm: FarmWorld) -> None:
    await plan(world.owner, farm.fan, Timing(start_time=time(6), end_time=time(7)), name="Timed", priority=7)
    leaf = {"device_id": str(farm.probe.id), "sensor_type": "temperature", "operator": ">", "value": 30}
    await plan(world.owner, farm.fan, Timing("condition_based", condition=leaf), name="Heat", priority=9)
    timing = Timing(start_time=time(6, 30), end_time=time(6, 45))
    async with transaction(world.keeper) as tx:
        ahead = await planned.preview(tx, farm.fan.id, timing, action="off", name="New", priority=5)
        assert len(ahead.moments) == 14 and {(c.name, c.wins, c.until - c.at) for c in ahead.clashes} == {("Timed", "Timed", 15 * MINUTE)}
        assert len(ahead.clashes) == 7 and ahead.rivals == [("Heat", True)]
        alone = await planned.preview(tx, farm.pump.id, timing, action="off", name="New", priority=5)
        assert not alone.clashes and not alone.rivals
        conditional = await planned.preview(tx, farm.fan.id, Timing("condition_based", condition=leaf), action="on", priority=8)
        assert conditional.is_conditional and conditional.rivals == [("Heat", True), ("Timed", False)]
        (row,) = await planned.timeline(tx, since=now(), until=now() + timedelta(days=7))
        assert row.device.id == farm.fan.id and len(row.bars) == 7
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await planned.preview(tx, farm.fan.id, timing, action="on")
    async with transaction(world.stranger) as tx:
        assert await planned.timeline(tx, since=now(), until=now() + timedelta(days=7)) == []


async def test_a_schedule_is_run_at_once_and_ends_as_it_would(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm.fan, Timing(cron_expression="0 6 * * *", action_duration_s=30))
    async with transaction(world.keeper) as tx:
        execution = await commands.run_now(tx, schedule.id)
    assert execution.command_id and (await planned_at(world, schedule)) - execution.scheduled_time <= 31 * SECOND
    async with transaction(world.owner) as tx:
        command = await tx.get_one(DeviceCommand, execution.command_id)
        assert (command.command_type, command.priority > 0, command.requested_by) == (CommandType.ON, True, world.keeper.user_id)
    assert await run(world, await planned_at(world, schedule)) == ["off"]
    assert (await planned_at(world, schedule)) - now() > 2 * MINUTE
    with pytest.raises(Forbidden):
        async with transaction(world.viewer) as tx:
            await commands.run_now(tx, schedule.id)
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await commands.run_now(tx, schedule.id)


async def test_a_paused_schedule_that_could_not_end_is_not_run_by_hand(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm.fan, FED)
    async with transaction(world.owner) as tx:
        await commands.enable_schedule(tx, schedule.id, is_enabled=False)
    with pytest.raises(Conflict, match="paused"):
        async with transaction(world.owner) as tx:
            await commands.run_now(tx, schedule.id)


async def test_a_copy_is_paused_and_belongs_to_who_made_it(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm.fan, Timing(cron_expression="0 6 * * *", steps=(Step("on", 30), Step("off", 10))), priority=9)
    async with transaction(world.keeper) as tx:
        copy = await commands.duplicate_schedule(tx, schedule.id, name="Again", device_id=farm.pump.id)
    assert (copy.device_id, copy.is_enabled, copy.steps, copy.priority, copy.created_by) == (
        farm.pump.id, False, schedule.steps, 9, world.keeper.user_id,
    )  # fmt: skip


async def test_a_device_has_twenty_schedules_at_most(world: World, farm: FarmWorld) -> None:
    for n in range(20):
        await plan(world.owner, farm.fan, Timing(cron_expression="0 6 * * *"), name=f"Plan {n}")
    with pytest.raises(Conflict, match="20"):
        await plan(world.owner, farm.fan, Timing(cron_expression="0 6 * * *"), name="One more")
    await plan(world.owner, farm.pump, Timing(cron_expression="0 6 * * *"))


async def test_where_keepers_may_not_plan_only_managers_do(world: World, farm: FarmWorld) -> None:
    theirs = await plan(world.keeper, farm.fan, FED)
    async with transaction(world.owner) as tx:
        row = await tx.get_one(Farm, farm.farm.id)
        row.may_keepers_schedule = False
        tx.add(row)
    with pytest.raises(Forbidden, match="only managers"):
        await plan(world.keeper, farm.fan, FED)
    with pytest.raises(Forbidden, match="only managers"):
        async with transaction(world.keeper) as tx:
            await commands.remove_schedule(tx, theirs.id)
    await plan(world.owner, farm.fan, FED)


async def test_without_the_farms_place_nothing_goes_by_the_sun(world: World, farm: FarmWorld) -> None:
    with pytest.raises(Invalid) as refusal:
        await plan(world.owner, farm.fan, Timing(sun_event="sunset"))
    assert refusal.value.field == "sun_event"
    async with transaction(world.owner) as tx:
        await commands.edit_farm(tx, farm.farm.id, name="Chicken house", time_zone="Asia/Phnom_Penh", latitude=11.55, longitude=104.92)
    schedule = await plan(world.owner, farm.fan, Timing(sun_event="sunset"))
    assert 17 <= (await planned_at(world, schedule)).astimezone(planned.zone("Asia/Phnom_Penh")).hour <= 18


async def test_a_cycle_follows_the_sun_as_it_is_shown_before_and_clashes_as_any_other(world: World, farm: FarmWorld) -> None:
    by_sun = Timing("duration_based", sun_event="sunrise", sun_offset_minutes=30, on_duration_s=600, off_duration_s=1200, repeat_count=2)
    with pytest.raises(Invalid) as refusal:
        await plan(world.owner, farm.fan, by_sun)
    assert refusal.value.field == "sun_event"
    async with transaction(world.owner) as tx:
        await commands.edit_farm(tx, farm.farm.id, name="Chicken house", time_zone="Asia/Phnom_Penh", latitude=11.55, longitude=104.92)
    with pytest.raises(Invalid) as refusal:
        await plan(world.owner, farm.fan, replace(by_sun, repeat_count=None))
    assert refusal.value.field == "end_time"
    await plan(world.owner, farm.fan, Timing(start_time=time(5), end_time=time(9)), name="Night off", action=SwitchAction.OFF)
    async with transaction(world.owner) as tx:
        ahead = await planned.preview(tx, farm.fan.id, by_sun, action="on", name="Sun", priority=5)
    assert len(ahead.moments) >= 7 * 4 - 2 and {(clash.name, clash.wins) for clash in ahead.clashes} == {("Night off", "Sun")}
    schedule = await plan(world.keeper, farm.fan, by_sun, name="Sun", priority=5)
    at = await planned_at(world, schedule)
    assert at in {moment.at for moment in ahead.moments} and at.astimezone(planned.zone("Asia/Phnom_Penh")).hour == 6
    for after, asked in ((0, "on"), (600, "off"), (1800, "on"), (2400, "off")):
        assert await planned_at(world, schedule) == at + after * SECOND
        assert await run(world, at + after * SECOND) == [asked]
    assert timedelta(hours=23) < await planned_at(world, schedule) - at < timedelta(hours=25)


async def test_a_fan_with_a_speed_is_set_to_it(world: World, farm: FarmWorld) -> None:
    fan = await add(world, farm, "Big", DeviceType.PWM)
    await bring_online(world.owner, fan, is_on=False)
    schedule = await plan(world.owner, fan, Timing(cron_expression="* * * * *", action_duration_s=20, value=Decimal(60)))
    at = await planned_at(world, schedule)
    assert [await run(world, at), await run(world, at + 20 * SECOND)] == [["set_speed"], ["off"]]
    with pytest.raises(Invalid) as refusal:
        await plan(world.owner, farm.fan, Timing(cron_expression="* * * * *", value=Decimal(60)))
    assert refusal.value.field == "value"


KILLED = """
import asyncio, sys, time
from datetime import datetime
from pathlib import Path
from uuid import UUID
from data.core.actor import Actor
from data.core.session import transaction
from data.farm import commands
from tests.conftest import opening

async def main(url, folder, organization_id, at):
    async with opening(url, Path(folder)) as made:
        await made.attach()
        for batch in range(4):
            async with transaction(Actor.system(UUID(organization_id), "farm.schedules")) as tx:
                await commands.run_due(tx, at=datetime.fromisoformat(at), most=15)
                if batch == 3:
                    print("in the middle", flush=True)
                    time.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_process_that_is_killed_in_the_middle_of_a_hundred_leaves_none_out_and_doubles_none(
    world: World, farm: FarmWorld, database_url: str, tmp_path: Any, owner_connection: psycopg.Connection
) -> None:
    second = await build_farm(world.owner, prefix="second")
    schedules = []
    async with transaction(world.owner) as tx:
        for number in range(100):
            home = farm if number % 2 else second
            device = await commands.register_device(tx, home.farm.id, name=f"Relay {number}", topic=f"relay-{number}", device_type=DeviceType.RELAY)
            schedules.append(await commands.create_schedule(tx, device.id, name=f"Plan {number}", cron_expression="* * * * *"))
    at = max(schedule.next_run_at for schedule in schedules if schedule.next_run_at)
    owner_connection.execute("update farm.schedules set next_run_at = %s", [at])
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, database_url, str(tmp_path), str(world.organization_id), at.isoformat(), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout
    assert b"in the middle" in await child.stdout.readline()
    child.kill()
    await child.wait()
    counts = "select count(*), count(distinct schedule_id) from farm.schedule_executions where scheduled_time = %s"
    assert owner_connection.execute(counts, [at]).fetchone() == (45, 45)

    async def finished() -> bool:
        await run(world, at + SECOND)
        return owner_connection.execute(counts, [at]).fetchone() == (100, 100)

    await eventually(finished)
    assert owner_connection.execute("select count(*), count(distinct device_id) from farm.device_commands").fetchone() == (100, 100)
    await run(world, at + SECOND)
    assert owner_connection.execute(counts, [at]).fetchone() == (100, 100)


async def test_a_farm_that_moves_runs_by_the_new_sun_and_what_is_under_way_is_still_ended(world: World, farm: FarmWorld) -> None:
    async def move(latitude: float, longitude: float) -> None:
        async with transaction(world.owner) as tx:
            await commands.edit_farm(tx, farm.farm.id, name="Farm", time_zone="Asia/Phnom_Penh", latitude=latitude, longitude=longitude)

    await move(11.55, 104.92)
    by_sun = await plan(world.owner, farm.pump, Timing(sun_event="sunset"))
    fed = await plan(world.owner, farm.fan, Timing(cron_expression="0 6 * * *", action_duration_s=600))
    async with transaction(world.owner) as tx:
        await commands.run_now(tx, fed.id)
    before, ends = await planned_at(world, by_sun), await planned_at(world, fed)
    await move(11.55, 103.42)  # a degree and a half to the west: six minutes later
    assert await planned_at(world, by_sun) - before in [timedelta(seconds=n) for n in range(355, 366)]
    assert await planned_at(world, fed) == ends and ends - now() < 601 * SECOND
