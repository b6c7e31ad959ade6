"""Nights in which the clocks change, and moments in which the database goes: nothing is left out, nothing happens twice."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import text

from data.core.session import UNREACHABLE, transaction
from data.core.time import now
from data.farm import commands, ledger, queries
from data.farm.ledger import Only, Wanted
from data.farm.rules import REPLACED, Step, Timing
from data.farm.tables import CommandType, DeviceType, Schedule
from data.farm.values import DeviceReport, SensorValue
from jobs.farm import BATCH, run_schedules
from pages.farm.ledger import csv_row
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import add, fresh, hear, open_alerts, plan, planned_at, run, state, system
from tests.farm.asking import ledger as ledger_of

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False)
    return made


@pytest.mark.parametrize(
    ("since", "light", "feeder", "hourly"),
    [
        # The night in which the hour from 2 to 3 is left out: the light is on for 7 hours, and the birds are fed as 3 o'clock strikes.
        (datetime(2027, 3, 27, 20, tzinfo=UTC), ["22:00 on", "06:00 off"], ["03:00 on", "03:05 off"],
         ["22", "23", "00", "01", "03", "04", "05", "06", "07"]),
        # The night in which it comes twice: 9 hours, and they are fed once.
        (datetime(2027, 10, 30, 19, tzinfo=UTC), ["22:00 on", "06:00 off"], ["02:30 on", "02:35 off"],
         ["22", "23", "00", "01", "02", "02", "03", "04", "05", "06", "07"]),
    ],
)  # fmt: skip
async def test_in_a_night_in_which_the_clocks_change_everything_happens_once_by_the_clock_on_the_wall(
    world: World, owner_connection: psycopg.Connection, since: datetime, light: list[str], feeder: list[str], hourly: list[str]
) -> None:
    farm = await build_farm(world.owner, time_zone="Europe/Berlin")
    third = await add(world, farm, "Conveyor", DeviceType.RELAY)
    await bring_online(world.owner, farm.fan, farm.pump, third, is_on=False)
    lit = await plan(world.owner, farm.fan, Timing(start_time=time(22), end_time=time(6)), name="Light")
    fed = await plan(world.owner, farm.pump, Timing(cron_expression="30 2 * * *", action_duration_s=300), name="Feeder")
    swept = await plan(world.owner, third, Timing(cron_expression="0 * * * *", steps=(Step("on", 60), Step("off", 30))), name="Hourly")
    owner_connection.execute("update farm.schedules set next_run_at = %s", [since])  # as if nobody had looked since the evening
    owner_connection.execute("delete from farm.schedule_executions")
    await run(world, since)
    owner_connection.execute("delete from farm.schedule_executions")
    morning = since + (10 if len(hourly) == 9 else 12) * HOUR
    at = since
    while (following := min([(await planned_at(world, one)) for one in (lit, fed, swept)])) < morning:
        assert following > at
        at = following
        await run(world, at + SECOND / 2)  # the runner comes within the second

    async def told(schedule: Schedule) -> list[str]:
        rows = await ledger_of(world, schedule)
        assert all(row.missed_policy is None and row.error_message in (None, REPLACED) and row.lag_ms == 500 for row in rows)
        return [f"{row.scheduled_time.astimezone(BERLIN):%H:%M} {row.command_sent['command']}" for row in rows]

    assert await told(lit) == light and await told(fed) == feeder
    steps = await told(swept)
    assert [one[:2] for one in steps if one.endswith("on")] == hourly and len(steps) == 2 * len(hourly) + 1  # the first of them ends what began at nine
    begun, ended = await ledger_of(world, lit)
    assert ended.scheduled_time - begun.scheduled_time == (7 if len(hourly) == 9 else 9) * HOUR


async def many(world: World, farm: FarmWorld, count: int) -> tuple[list[UUID], datetime]:
    async with transaction(world.owner) as tx:
        made = []
        for number in range(count):
            device = await commands.register_device(tx, farm.farm.id, name=f"Relay {number}", topic=f"many-{number}", device_type=DeviceType.RELAY)
            made.append(await commands.create_schedule(tx, device.id, name=f"Plan {number}", cron_expression="* * * * *"))
    return [one.id for one in made], max(one.next_run_at for one in made if one.next_run_at)


async def test_when_the_database_goes_in_the_middle_and_comes_back_each_run_happens_once(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    _ids, at = await many(world, farm, 30)
    owner_connection.execute("update farm.schedules set next_run_at = %s", [at])
    async with transaction(system(world)) as tx:
        assert len((await commands.run_due(tx, at=at, most=10)).commands) == 10
    with pytest.raises(UNREACHABLE):
        async with transaction(system(world)) as tx:
            assert len((await commands.run_due(tx, at=at, most=10)).commands) == 10
            (pid,) = (await tx.execute(text("select pg_backend_pid()"))).scalars()
            owner_connection.execute("select pg_terminate_backend(%s, 5000)", [pid])
    counts = "select count(*), count(distinct schedule_id), count(distinct device_id) from farm.schedule_executions where scheduled_time = %s"
    assert owner_connection.execute(counts, [at]).fetchone() == (10, 10, 10)
    assert len(await run(world, at + SECOND)) == 20 and await run(world, at + SECOND) == []
    assert owner_connection.execute(counts, [at]).fetchone() == (30, 30, 30)
    assert owner_connection.execute("select count(*), count(distinct device_id) from farm.device_commands").fetchone() == (30, 30)


async def test_an_outage_is_told_with_what_was_done_about_each_run(world: World, farm: FarmWorld) -> None:
    hourly = {"cron_expression": "0 * * * *", "action_duration_s": 600}
    third = await add(world, farm, "Conveyor", DeviceType.RELAY)
    await bring_online(world.owner, third, is_on=False)
    policies = {"skip": farm.fan, "run_late": farm.pump, "reconcile": third}
    for policy, device in policies.items():
        await plan(world.owner, device, Timing(**hourly, missed_policy=policy), name=policy)  # type: ignore[arg-type]
    async with transaction(world.viewer) as tx:
        (first, *_others) = await queries.schedules(tx)
        assert await ledger.outages(tx, at=now()) == []
    assert first.schedule.next_run_at
    back = first.schedule.next_run_at + 70 * MINUTE + 61 * SECOND  # two hours' runs, and the second's end
    await run(world, back)
    async with transaction(world.viewer) as tx:
        (outage,) = await ledger.outages(tx, at=now() + MINUTE)
        lines, total = await ledger.page(tx, Wanted(only=Only.OUTAGE), limit=100)
        late, _count = await ledger.page(tx, Wanted(only=Only.OUTAGE, search="run_l"), limit=100, sort="at", descending=False)
    assert (outage.runs, outage.late, outage.reconciled, outage.left_out) == (12, 1, 1, 10) == (total, 1, 1, 10)
    assert (outage.first_at, outage.farm.id) == (first.schedule.next_run_at, farm.farm.id)
    assert {line.schedule.name for line in lines} == set(policies)
    assert [line.run.is_late for line in late] == [False, False, True, False]
    assert csv_row(late[2])[3:7] == ["run_late", "Pump", "on", "pending"]
    async with transaction(world.stranger) as tx:
        assert await ledger.outages(tx, at=now()) == [] and await ledger.page(tx, Wanted()) == ([], 0)


async def test_the_ledger_is_narrowed_by_farm_schedule_time_and_result(world: World, farm: FarmWorld) -> None:
    other = await build_farm(world.owner, prefix="other")
    mine, away = await plan(world.owner, farm.fan, Timing(cron_expression="* * * * *"), name="Mine"), await plan(
        world.owner, other.fan, Timing(cron_expression="* * * * *"), name="Away"
    )
    at = await planned_at(world, mine)
    async with transaction(world.owner) as tx:
        await commands.stop_all(tx, other.farm.id)
    await run(world, at)
    await run(world, at + MINUTE)

    async def found(**wanted: object) -> Sequence[str]:
        async with transaction(world.viewer) as tx:
            lines, total = await ledger.page(tx, Wanted(**wanted), sort="at", descending=False)  # type: ignore[arg-type]
        assert total == len(lines)
        return [line.schedule.name for line in lines]

    assert sorted(await found()) == ["Away", "Away", "Mine", "Mine"]
    assert await found(farm_id=farm.farm.id) == ["Mine"] * 2 == await found(schedule_id=mine.id)
    assert await found(only=Only.UNDONE) == ["Away"] * 2 == await found(search="awa")
    assert await found(schedule_id=away.id, since=at + SECOND) == ["Away"] == await found(schedule_id=away.id, until=at + SECOND)
    async with transaction(world.owner) as tx:
        await commands.remove_schedule(tx, mine.id)
    assert await found(schedule_id=mine.id) == ["Mine"] * 2  # the record of what it did stays


async def measure(world: World, farm: FarmWorld, celsius: float, at: datetime) -> None:
    async with transaction(system(world)) as tx:
        await commands.hear(tx, [DeviceReport(farm.probe.id, SensorValue(farm.probe.topic, "temperature", celsius, "°C", at))])


async def test_what_has_run_for_as_long_as_it_may_rests_and_somebody_is_told(world: World, farm: FarmWorld) -> None:
    leaf = {"device_id": str(farm.probe.id), "sensor_type": "temperature", "operator": "<", "value": 20}
    timing = Timing("condition_based", condition=leaf, minimum_on_s=10, minimum_off_s=30, longest_run_s=60, silent_after_s=3600)
    await measure(world, farm, 15, now())
    schedule = await plan(world.owner, farm.fan, timing)
    at = now()

    async def later(seconds: int) -> list[str]:
        asked = await run(world, at + seconds * SECOND)
        for one in asked:
            await hear(world, farm.fan, state(farm.fan, one == "on", at=at + (seconds + 1) * SECOND))
        return asked

    assert [await later(0), await later(55), await later(60)] == [["on"], [], ["off"]]
    assert ("schedule_longest_run", "warning") in await open_alerts(world)
    assert "rests" in (await ledger_of(world, schedule))[-1].error_message  # type: ignore[operator]
    assert [await later(70), await later(90)] == [[], ["on"]]  # it rested for as long as it must be off at least
    await measure(world, farm, 25, at + 105 * SECOND)
    assert await later(110) == ["off"] and await open_alerts(world) == []
    assert (await fresh(world, schedule)).phase == "not_met"


async def test_vents_are_open_while_it_is_warm_and_a_fan_goes_on_slowly_afterwards(world: World, farm: FarmWorld) -> None:
    vents, fan = await add(world, farm, "Vents", DeviceType.SERVO), await add(world, farm, "Big", DeviceType.PWM)
    await bring_online(world.owner, vents, fan)
    leaf = {"device_id": str(farm.probe.id), "sensor_type": "temperature", "operator": ">", "value": 28}
    timing = Timing("condition_based", condition=leaf, minimum_on_s=0, minimum_off_s=0, silent_after_s=3600)
    await measure(world, farm, 30, now())
    for device, values in ((vents, {"value": 90, "off_value": 10}), (fan, {"value": 100, "off_value": 30})):
        await plan(world.owner, device, Timing(**(vars_of(timing) | values)))  # type: ignore[arg-type]
    at = now()

    async def asked() -> dict[str, tuple[CommandType, float]]:
        async with transaction(world.viewer) as tx:
            newest = {one.name: (await queries.commands_of(tx, one.id, limit=1))[0].command for one in (vents, fan)}
        return {name: (one.command_type, (one.command_params or {})["value"]) for name, one in newest.items()}

    await run(world, at)
    assert await asked() == {"Vents": (CommandType.SET_ANGLE, 90), "Big": (CommandType.SET_SPEED, 100)}
    for device, value in ((vents, 90.0), (fan, 100.0)):
        await hear(world, device, state(device, True, at=at + SECOND, value=value))
    assert await run(world, at + 10 * SECOND) == []
    await measure(world, farm, 25, at + 15 * SECOND)
    await run(world, at + 20 * SECOND)
    assert await asked() == {"Vents": (CommandType.SET_ANGLE, 10), "Big": (CommandType.SET_SPEED, 30)}


def vars_of(timing: Timing) -> dict[str, object]:
    return {name: getattr(timing, name) for name in timing.__slots__}


CROWD = """
with device as (
  insert into farm.devices (id, organization_id, farm_id, topic, name, device_type, is_online, is_on, is_active, latest, output, dialect,
    on_total_s, on_cycles, error_count, updated_at)
  select gen_random_uuid(), organization_id, farm_id, 'crowd-' || n, 'Relay ' || n, 'relay', true, false, true, '{}', 1, 'tasmota', 0, 0, 0, now()
  from farm.devices, generate_series(1, %(most)s) n where id = %(fan)s returning *)
insert into farm.schedules (id, organization_id, farm_id, device_id, name, schedule_type, cron_expression, action, is_enabled, priority,
  missed_policy, failure_count, cycles_done, next_run_at, created_at, updated_at)
select gen_random_uuid(), organization_id, farm_id, id, action, 'time_based', %(cron)s, action::farm.switch_action, true, priority, 'reconcile', 0, 0,
  %(at)s, now(), now()
from device, (values ('off', 3), ('on', 7)) wanted (action, priority)"""


async def test_of_very_many_at_one_instant_each_happens_once_and_the_higher_priority_has_its_way(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    most = BATCH // 2 + 10  # with two schedules each more than one batch
    at = now().replace(second=0, microsecond=0)
    cron = f"{at.astimezone(ZoneInfo('Asia/Phnom_Penh')):%M %H} * * *"
    owner_connection.execute(CROWD, {"most": most, "fan": farm.fan.id, "at": at, "cron": cron})
    await asyncio.gather(run_schedules(), run_schedules())  # and two of us do it at once
    rows = owner_connection.execute("select status, command_sent ->> 'command', count(*) from farm.schedule_executions where scheduled_time = %s group by 1, 2", [at])
    assert sorted(rows.fetchall(), key=str) == [("pending", "on", most), ("skipped", None, most)]
    assert owner_connection.execute("select count(*), count(distinct device_id), min(command_type) from farm.device_commands").fetchone() == (most, most, "on")
