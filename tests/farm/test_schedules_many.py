"""Several schedules are changed together or not at all, and only by who may."""

from collections.abc import Sequence
from datetime import time, timedelta
from uuid import UUID

import pytest

from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.rules import Timing
from data.farm.tables import CommandType, Schedule, SwitchAction
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import fresh, plan, run

SECOND = timedelta(seconds=1)
BREAKFAST = Timing(start_time=time(6))


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False)
    return made


async def ids(who: Actor, farm: FarmWorld) -> list[UUID]:
    timings = (BREAKFAST, Timing(cron_expression="0 6,12 * * *", action_duration_s=60), Timing("duration_based", on_duration_s=60, off_duration_s=60))
    return [(await plan(who, farm.fan, timing, name=f"Plan {number}")).id for number, timing in enumerate(timings)]


async def seen(world: World) -> list[Schedule]:
    async with transaction(world.viewer) as tx:
        return sorted((one.schedule for one in await queries.schedules(tx)), key=lambda one: one.name)


async def test_several_are_paused_and_run_again_from_now_on(world: World, farm: FarmWorld) -> None:
    chosen = await ids(world.owner, farm)
    async with transaction(world.owner) as tx:
        await commands.enable_schedules(tx, chosen, is_enabled=False)
    assert [(one.is_enabled, one.next_run_at) for one in await seen(world)] == [(False, None)] * 3
    async with transaction(world.owner) as tx:
        await commands.enable_schedules(tx, chosen, is_enabled=True)
    assert all(one.is_enabled and one.next_run_at and one.next_run_at > now() for one in await seen(world))


async def test_several_are_moved_and_what_is_bound_to_no_time_stays(world: World, farm: FarmWorld) -> None:
    chosen = await ids(world.owner, farm)
    async with transaction(world.owner) as tx:
        assert await commands.shift_schedules(tx, chosen, minutes=-15) == 2
    first, second, third = await seen(world)
    assert (first.start_time, second.cron_expression, third.on_duration_s) == (time(5, 45), "45 5,11 * * *", 60)
    assert first.next_run_at and first.next_run_at.minute == 45


async def test_where_one_cannot_be_moved_none_is(world: World, farm: FarmWorld) -> None:
    chosen = [*await ids(world.owner, farm), (await plan(world.owner, farm.pump, Timing(cron_expression="*/5 * * * *"), name="Plan 9")).id]
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await commands.shift_schedules(tx, chosen, minutes=15)
    assert refusal.value.field == "minutes" and (await seen(world))[0].start_time == time(6)


async def test_several_get_the_same_priority(world: World, farm: FarmWorld) -> None:
    chosen = await ids(world.owner, farm)
    async with transaction(world.owner) as tx:
        await commands.prioritize_schedules(tx, chosen[:2], priority=8)
    assert [one.priority for one in await seen(world)] == [8, 8, 0]
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await commands.prioritize_schedules(tx, chosen, priority=11)
    assert refusal.value.field == "priority"


async def test_what_was_taken_away_is_brought_back_and_makes_up_for_nothing(world: World, farm: FarmWorld) -> None:
    fed = await plan(world.owner, farm.fan, Timing(cron_expression="* * * * *", action_duration_s=50))
    async with transaction(world.owner) as tx:
        await commands.run_now(tx, fed.id)
    async with transaction(world.owner) as tx:
        await commands.remove_schedules(tx, [fed.id])
        newest = (await queries.commands_of(tx, farm.fan.id, limit=1))[0].command
    assert newest.command_type is CommandType.OFF and await seen(world) == []  # what it had begun was ended
    assert await run(world, now() + timedelta(hours=1)) == []
    async with transaction(world.owner) as tx:
        await commands.restore_schedules(tx, [fed.id])
    back = await fresh(world, fed)
    assert back.is_enabled and back.next_run_at and back.next_run_at > now() and back.action_duration_s == 50


async def test_what_has_no_device_or_no_room_any_more_is_not_brought_back(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm.fan, BREAKFAST)
    async with transaction(world.owner) as tx:
        await commands.remove_schedules(tx, [schedule.id])
        for number in range(20):
            await commands.create_schedule(tx, farm.fan.id, name=f"Other {number}", cron_expression="0 6 * * *")
    with pytest.raises(Conflict, match="20"):
        async with transaction(world.owner) as tx:
            await commands.restore_schedules(tx, [schedule.id])
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, farm.fan.id)
    with pytest.raises(Conflict, match="device of Plan was removed"):
        async with transaction(world.owner) as tx:
            await commands.restore_schedules(tx, [schedule.id])


async def test_a_schedule_is_copied_to_other_devices_paused(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm.fan, BREAKFAST, priority=3)
    async with transaction(world.keeper) as tx:
        made = await commands.copy_to_devices(tx, schedule.id, [farm.fan.id, farm.pump.id], name="Breakfast")
    assert [(one.device_id, one.is_enabled, one.start_time, one.priority, one.created_by) for one in made] == [
        (device.id, False, time(6), 3, world.keeper.user_id) for device in (farm.fan, farm.pump)
    ]
    for devices, field in (([], "device_ids"), ([farm.probe.id], "device_id")):
        with pytest.raises(Invalid) as refusal:
            async with transaction(world.owner) as tx:
                await commands.copy_to_devices(tx, schedule.id, devices, name="Breakfast")
        assert refusal.value.field == field


@pytest.mark.parametrize("what", ["enable", "shift", "prioritize", "remove", "restore"])
async def test_a_keeper_changes_several_only_where_all_are_their_own(world: World, farm: FarmWorld, what: str) -> None:
    ours, theirs = await plan(world.owner, farm.fan, BREAKFAST, name="Ours"), await plan(world.keeper, farm.pump, BREAKFAST, name="Theirs")
    if what == "restore":
        async with transaction(world.owner) as tx:
            await commands.remove_schedules(tx, [ours.id, theirs.id])

    async def change(who: Actor, chosen: Sequence[UUID]) -> None:
        async with transaction(who) as tx:
            match what:
                case "enable":
                    await commands.enable_schedules(tx, chosen, is_enabled=False)
                case "shift":
                    await commands.shift_schedules(tx, chosen, minutes=5)
                case "prioritize":
                    await commands.prioritize_schedules(tx, chosen, priority=2)
                case "remove":
                    await commands.remove_schedules(tx, chosen)
                case _:
                    await commands.restore_schedules(tx, chosen)

    refused: list[tuple[Actor, type[Refusal]]] = [(world.keeper, Forbidden), (world.viewer, Forbidden), (world.colleague, Forbidden), (world.stranger, NotFound)]
    for who, kind in refused:
        with pytest.raises(kind):
            await change(who, [ours.id, theirs.id])
    await change(world.keeper, [theirs.id])
    with pytest.raises(Invalid):
        await change(world.owner, [])


async def test_who_moves_a_schedule_to_a_full_device_is_told(world: World, farm: FarmWorld) -> None:
    schedule = await plan(world.owner, farm.pump, BREAKFAST)
    async with transaction(world.owner) as tx:
        for number in range(20):
            await commands.create_schedule(tx, farm.fan.id, name=f"Other {number}", cron_expression="0 6 * * *")
    with pytest.raises(Conflict, match="20"):
        async with transaction(world.owner) as tx:
            await commands.edit_schedule(tx, schedule.id, device_id=farm.fan.id, name="Plan", timing=BREAKFAST, action=SwitchAction.ON)
