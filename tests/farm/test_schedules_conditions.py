"""A condition is looked at again and again, and what it depends on may fall silent."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from data.core.actor import Actor
from data.core.errors import Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, planned, queries
from data.farm.rules import FARM_STOPPED, OFFLINE, Timing
from data.farm.tables import (
    Commanded,
    DeviceCommand,
    ExecutionStatus,
    SwitchAction,
)
from data.farm.trials import try_out
from data.farm.values import DeviceReport, SensorValue
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import (
    give_up,
    hand_over,
    hear,
    ledger,
    open_alerts,
    plan,
    presence,
    run,
    state,
)

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False)
    return made


def cold(farm: FarmWorld, **more: Any) -> Timing:
    leaf = {"device_id": str(farm.probe.id), "sensor_type": "temperature", "operator": "<", "value": 20, "until": 22}
    return Timing("condition_based", condition=leaf, **({"minimum_on_s": 30, "minimum_off_s": 30, "silent_after_s": 60} | more))


async def measure(world: World, farm: FarmWorld, celsius: float, at: datetime) -> None:
    async with transaction(Actor.machine(world.organization_id, "mqtt")) as tx:
        await commands.hear(tx, [DeviceReport(farm.probe.id, SensorValue(farm.probe.topic, "temperature", celsius, "°C", at))])


async def test_a_heater_is_on_while_it_is_cold_and_keeps_between_its_two_thresholds(world: World, farm: FarmWorld) -> None:
    begun = now()
    await measure(world, farm, 19, begun)
    schedule = await plan(world.keeper, farm.fan, cold(farm))
    at = now()
    assert await run(world, at) == ["on"]
    await bring_online(world.owner, farm.fan, is_on=True, at=at + SECOND)
    for seconds, celsius, asked in ((10, 21, []), (20, 23, []), (40, 23, ["off"]), (45, 19, []), (80, 19, ["on"])):
        await measure(world, farm, celsius, at + seconds * SECOND)
        assert await run(world, at + seconds * SECOND) == asked, seconds
        if asked:
            await hear(world, farm.fan, state(farm.fan, asked == ["on"], at=at + (seconds + 1) * SECOND))
    reasons = [row.error_message for row in await ledger(world, schedule)]
    assert reasons == ["Its condition holds.", "Its condition does not hold any more.", "Its condition holds."]
    assert await open_alerts(world) == []


async def test_when_the_probe_dies_while_the_heater_is_on_the_heater_is_made_safe(world: World, farm: FarmWorld) -> None:
    at = now()
    await measure(world, farm, 19, at)
    schedule = await plan(world.owner, farm.fan, cold(farm, minimum_on_s=3600))
    at = now()
    assert await run(world, at) == ["on"]
    await bring_online(world.owner, farm.fan, is_on=True, at=at + SECOND)
    assert await run(world, at + 30 * SECOND) == []  # still young enough
    assert await run(world, at + 70 * SECOND) == ["off"]  # whatever the shortest time that it should have been on
    assert ("schedule_fail_safe", "critical") in await open_alerts(world)
    rows = await ledger(world, schedule)
    assert "silent" in (rows[-1].error_message or "")
    (one,) = await hand_over(at=at + 71 * SECOND)
    assert one.command == "off"
    async with transaction(world.owner) as tx:
        assert (await tx.get_one(DeviceCommand, one.command_id)).source is Commanded.GUARD
    await hear(world, farm.fan, state(farm.fan, False, at=at + 72 * SECOND))
    assert await run(world, at + 80 * SECOND) == []  # said once
    await measure(world, farm, 18, at + 90 * SECOND)
    assert await run(world, at + 90 * SECOND) == ["on"]
    assert ("schedule_fail_safe", "critical") not in await open_alerts(world)


async def test_what_a_condition_wants_and_nobody_did_is_asked_again(world: World, farm: FarmWorld) -> None:
    await measure(world, farm, 19, now())
    await plan(world.owner, farm.fan, cold(farm, silent_after_s=3600))
    at = now()
    assert await run(world, at) == ["on"]
    await hand_over(at=at)
    await give_up(world, at + 31 * SECOND)
    assert await run(world, at + 60 * SECOND) == []
    assert await run(world, at + 95 * SECOND) == ["on"]


async def test_while_the_farm_is_stopped_a_condition_waits_and_says_so_once(world: World, farm: FarmWorld) -> None:
    await measure(world, farm, 19, now())
    schedule = await plan(world.owner, farm.fan, cold(farm, silent_after_s=3600))
    async with transaction(world.owner) as tx:
        await commands.stop_all(tx, farm.farm.id)
    at = now()
    assert [await run(world, at + n * 10 * SECOND) for n in range(3)] == [[], [], []]
    assert [(row.status, row.error_message) for row in await ledger(world, schedule)] == [(ExecutionStatus.SKIPPED, FARM_STOPPED)]
    async with transaction(world.owner) as tx:
        await commands.go_on(tx, farm.farm.id)
    assert await run(world, at + 40 * SECOND) == ["on"]


async def test_a_condition_asks_only_for_probes_of_its_farm(world: World, farm: FarmWorld) -> None:
    elsewhere = await build_farm(world.owner, prefix="elsewhere")
    with pytest.raises(Invalid) as refusal:
        await plan(world.owner, farm.fan, cold(elsewhere))
    assert refusal.value.field == "condition"
    foreign = await build_farm(world.stranger, prefix="foreign")
    with pytest.raises(Invalid):
        await plan(world.owner, farm.fan, cold(foreign))


async def test_a_dry_run_says_what_would_be_asked_and_what_is_in_its_way_and_switches_nothing(world: World, farm: FarmWorld) -> None:
    local = now().astimezone(planned.zone("Asia/Phnom_Penh"))
    await plan(world.owner, farm.fan, Timing(start_time=(local - HOUR).time(), end_time=(local + HOUR).time()), name="Timed", priority=7)
    schedule = await plan(world.owner, farm.fan, Timing(cron_expression="* * * * *"), action=SwitchAction.OFF)
    async with transaction(world.viewer) as tx:
        trial = await try_out(tx, schedule.id)
    assert trial.action == "off" and [values for _, values in trial.obstacles] == [{"name": "Timed"}] and len(trial.follows) == 50
    await presence(world, farm.fan, False)
    await measure(world, farm, 19, now())
    warm = await plan(world.owner, farm.fan, cold(farm), priority=9)
    async with transaction(world.owner) as tx:
        await commands.stop_all(tx, farm.farm.id)
        trial = await try_out(tx, warm.id)
        assert trial.is_held is True and [message for message, _ in trial.obstacles] == [FARM_STOPPED, OFFLINE]
        assert (await try_out(tx, warm.id, at=now() + HOUR)).is_held is None
        asked = [one.command.source for one in await queries.commands_of(tx, farm.fan.id, limit=10)]
        assert asked == [Commanded.EMERGENCY]
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await try_out(tx, schedule.id)
