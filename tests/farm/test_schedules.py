import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.commands.runs import organizations_with_due
from data.farm.rules import ANSWER_WITHIN
from data.farm.tables import CommandStatus, DeviceCommand, ExecutionStatus, Schedule, ScheduleExecution, SwitchAction
from data.farm.values import DeviceReport, StateReport
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False)
    return made


async def plan(
    who: Actor, farm: FarmWorld, *, name: str = "Morning", cron: str = "* * * * *", action: SwitchAction = SwitchAction.ON, priority: int = 0
) -> Schedule:
    async with transaction(who) as tx:
        return await commands.create_schedule(tx, farm.fan.id, name=name, cron_expression=cron, action=action, priority=priority)


async def run(world: World, at: datetime) -> list[DeviceCommand]:
    async with transaction(Actor.system(world.organization_id, "farm.schedules")) as tx:
        return list((await commands.run_due(tx, at=at)).commands)


async def executions(world: World, schedule: Schedule) -> list[ScheduleExecution]:
    async with transaction(world.viewer) as tx:
        return list(await queries.executions_of(tx, schedule.id))


def planned(schedule: Schedule) -> datetime:
    assert schedule.next_run_at
    return schedule.next_run_at


async def test_a_schedule_runs_in_the_zone_of_its_farm(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm, cron="0 6 * * *")
    assert planned(schedule).astimezone(UTC).hour == 23 and planned(schedule) > now()
    async with transaction(world.owner) as tx:
        await commands.edit_farm(tx, farm.farm.id, name="Chicken house", time_zone="Europe/Berlin")
    async with transaction(world.owner) as tx:
        assert planned(await queries.schedule(tx, schedule.id)).astimezone(UTC).hour in (4, 5)


async def test_a_due_run_makes_one_command_and_one_record_of_it(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.keeper, farm)
    at = planned(schedule)
    async with across_tenants("tests") as tx:
        assert await organizations_with_due(tx, at=at - MINUTE) == {}
        assert await organizations_with_due(tx, at=at) == {world.organization_id: 1}
    (command,) = await run(world, at)
    assert (command.command_type, command.schedule_id, command.requested_by) == (SwitchAction.ON, schedule.id, None)
    (execution,) = await executions(world, schedule)
    assert (execution.status, execution.scheduled_time, execution.command_id) == (ExecutionStatus.PENDING, at, command.id)
    assert await run(world, at) == []
    async with transaction(Actor.machine(world.organization_id, "mqtt")) as tx:
        await commands.hear(tx, [DeviceReport(farm.fan.id, StateReport(farm.fan.topic, 1, True, at + timedelta(seconds=1)))])
    (execution,) = await executions(world, schedule)
    assert (execution.status, execution.execution_duration_ms) == (ExecutionStatus.EXECUTED, 1000)


async def test_two_runners_at_once_run_it_once(world: World, farm: FarmWorld) -> None:
    schedules = [await plan(world.owner, farm, name=f"Plan {n}") for n in range(3)]
    at = planned(schedules[0])
    made = await asyncio.gather(*(run(world, at) for _ in range(6)))
    assert len({command.id for batch in made for command in batch}) == 1
    for schedule in schedules:
        assert len(await executions(world, schedule)) == 1


async def test_a_run_that_crashed_before_its_end_left_nothing_and_runs_again(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm)
    at = planned(schedule)
    with pytest.raises(RuntimeError):
        async with transaction(Actor.system(world.organization_id, "farm.schedules")) as tx:
            assert len((await commands.run_due(tx, at=at)).commands) == 1
            raise RuntimeError("the power went")
    assert await executions(world, schedule) == []
    assert len(await run(world, at)) == 1


async def test_a_run_that_is_on_record_never_happens_again(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    schedule = await plan(world.owner, farm)
    at = planned(schedule)
    assert len(await run(world, at)) == 1
    owner_connection.execute("update farm.schedules set next_run_at = %s", [at])  # as if the note of it had been lost
    assert await run(world, at) == []
    assert len(await executions(world, schedule)) == 1


async def test_what_was_missed_is_on_record_with_the_reason(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm, cron="0 * * * *")
    first = planned(schedule)
    await run(world, first + timedelta(hours=3, seconds=30))
    runs = await executions(world, schedule)
    assert [(r.scheduled_time - first) // timedelta(hours=1) for r in runs] == [3, 2, 1, 0]
    assert [r.status for r in runs] == [ExecutionStatus.PENDING] + [ExecutionStatus.SKIPPED] * 3
    assert "not running" in (runs[1].error_message or "")


async def test_a_run_that_is_much_too_late_is_skipped(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm, cron="0 * * * *")
    assert await run(world, planned(schedule) + timedelta(minutes=20)) == []
    assert [r.status for r in await executions(world, schedule)] == [ExecutionStatus.SKIPPED]


async def test_an_offline_device_makes_the_run_fail_and_say_so(world: World) -> None:
    farm = await build_farm(world.owner, prefix="off")
    schedule = await plan(world.owner, farm)
    at = planned(schedule)
    (command,) = await run(world, at)
    assert command.expires_at == at + MINUTE  # a device that is back within this still does it
    async with transaction(Actor.system(world.organization_id, "farm.timeouts")) as tx:
        await commands.time_out(tx, at=at + MINUTE)
    (execution,) = await executions(world, schedule)
    assert execution.status is ExecutionStatus.FAILED and "away" in (execution.error_message or "")


async def test_a_toggle_turns_what_is_known(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm, action=SwitchAction.TOGGLE)
    assert [c.command_type for c in await run(world, planned(schedule))] == [SwitchAction.ON]
    await bring_online(world.owner, farm.fan, is_on=True, at=planned(schedule) + timedelta(seconds=1))
    assert [c.command_type for c in await run(world, planned(schedule) + MINUTE)] == [SwitchAction.OFF]


async def test_the_higher_priority_runs_and_the_other_says_who_was_before_it(world: World, farm: FarmWorld) -> None:
    low = await plan(world.owner, farm, name="Cool down", action=SwitchAction.OFF)
    high = await plan(world.owner, farm, name="Feeding", priority=7)
    (command,) = await run(world, planned(low))
    assert command.schedule_id == high.id
    (lost,) = await executions(world, low)
    assert lost.status is ExecutionStatus.SKIPPED
    assert (lost.error_message or "").format(**lost.error_values) == "The schedule Feeding, with a higher priority, ran at the same time."


async def test_an_unanswered_run_is_a_timeout(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm)
    at = planned(schedule)
    (command,) = await run(world, at)
    async with across_tenants("tests") as tx:
        await commands.mark_sent(tx, [command.id], at=at)
    async with transaction(Actor.system(world.organization_id, "farm.timeouts")) as tx:
        assert [c.id for c in await commands.time_out(tx, at=at + ANSWER_WITHIN)] == [command.id]
    (execution,) = await executions(world, schedule)
    assert execution.status is ExecutionStatus.TIMEOUT and execution.error_message


async def test_a_person_who_asks_the_same_at_that_moment_is_answered_by_the_same_command(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm)
    async with transaction(world.owner) as tx:
        by_hand = await commands.switch(tx, farm.fan.id, on=True)
    (command,) = await run(world, planned(schedule))
    assert command.id == by_hand.id
    (execution,) = await executions(world, schedule)
    assert execution.command_id == by_hand.id


async def test_a_paused_schedule_does_not_run_and_makes_up_for_nothing(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm)
    at = planned(schedule)
    async with transaction(world.owner) as tx:
        await commands.enable_schedule(tx, schedule.id, is_enabled=False)
    assert await run(world, at + timedelta(hours=1)) == [] and await executions(world, schedule) == []
    async with transaction(world.owner) as tx:
        await commands.enable_schedule(tx, schedule.id, is_enabled=True)
        assert planned(await queries.schedule(tx, schedule.id)) > now()


async def test_a_removed_device_takes_its_schedules_with_it(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm)
    async with transaction(world.owner) as tx:
        command = await commands.switch(tx, farm.fan.id, on=True)
        await commands.remove_device(tx, farm.fan.id)
    assert await run(world, planned(schedule)) == []
    async with transaction(world.owner) as tx:
        assert (await tx.get_one(DeviceCommand, command.id, populate_existing=True)).status is CommandStatus.FAILED
        with pytest.raises(NotFound):
            await queries.schedule(tx, schedule.id)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("cron_expression", {"cron_expression": "0 6 * *"}),
        ("name", {"name": "  "}),
        ("priority", {"priority": 11}),
        ("device_id", {"device": "probe"}),
    ],
)
async def test_what_cannot_be_planned_names_its_field(world: World, farm: FarmWorld, field: str, values: dict[str, object]) -> None:
    wanted = {"name": "Morning", "cron_expression": "0 6 * * *", "action": SwitchAction.ON, "priority": 0} | values
    device = getattr(farm, str(wanted.pop("device", "fan")))
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await commands.create_schedule(tx, device.id, **wanted)  # type: ignore[arg-type]
    assert refusal.value.field == field


async def test_a_keeper_changes_only_what_is_their_own(world: World, farm: FarmWorld) -> None:
    theirs, ours = await plan(world.keeper, farm), await plan(world.owner, farm)
    async with transaction(world.keeper) as tx:
        await commands.enable_schedule(tx, theirs.id, is_enabled=False)
    with pytest.raises(Forbidden, match="who made this"):
        async with transaction(world.keeper) as tx:
            await commands.remove_schedule(tx, ours.id)
    async with transaction(world.owner) as tx:
        await commands.remove_schedule(tx, theirs.id)
    for nobody in (world.colleague, world.viewer):
        with pytest.raises(Forbidden):
            await plan(nobody, farm)
    with pytest.raises(NotFound):
        await plan(world.stranger, farm)
    async with transaction(world.stranger) as tx:
        assert await queries.schedules(tx) == []
        with pytest.raises(NotFound):
            await commands.remove_schedule(tx, ours.id)


async def test_the_list_shows_the_next_and_the_last_run(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm)
    await run(world, planned(schedule))
    async with transaction(world.viewer) as tx:
        (row,) = await queries.schedules(tx)
    assert (row.device.name, row.farm.time_zone, row.last and row.last.status) == ("Fan", "Asia/Phnom_Penh", ExecutionStatus.PENDING)
    assert row.schedule.next_run_at == planned(schedule) + MINUTE and row.schedule.last_run_at == planned(schedule)
