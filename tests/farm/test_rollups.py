"""Hours and days are what a plain question to the readings would answer, whatever the order of arrival and wherever the farm is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.farm import commands
from data.farm.commands import rollups
from data.farm.tables import Device
from data.farm.values import DeviceReport, Report, SensorValue, StateReport
from jobs import upkeep
from tests.factories.farm import FarmWorld, build_farm, eventually
from tests.factories.people import World
from tests.factories.upkeep import count_farm_readings, keeping

AUTUMN = datetime(2026, 10, 24, 20, tzinfo=UTC)
"""Four hours before the night in which Berlin's clocks are set back."""
PLAIN = """
select device_id, sensor_type, date_trunc(%(step)s, recorded_at, %(zone)s), min(value), max(value), sum(value), sum(value * value), count(*)
from farm.sensor_readings where sensor_type <> 'power' group by 1, 2, 3 order by 1, 2, 3
"""
COUNTED = """
select device_id, sensor_type, period_start, minimum, maximum, total, square_total, reading_count
from farm.reading_metrics where granularity = %(granularity)s::farm.granularity and sensor_type <> 'power' order by 1, 2, 3
"""
ON = "select period_start, on_s, cycle_count from farm.reading_metrics where granularity = %(granularity)s::farm.granularity and sensor_type = 'power' order by 1"


def rows(connection: psycopg.Connection, question: str, **values: object) -> list[tuple[Any, ...]]:
    return connection.execute(question, values).fetchall()


def assert_counted(connection: psycopg.Connection, zone: str) -> None:
    for step, granularity in (("hour", "hourly"), ("day", "daily")):
        assert rows(connection, COUNTED, granularity=granularity) == rows(connection, PLAIN, step=step, zone=zone), granularity
    assert rows(connection, "select * from farm.stale_metrics") == []


async def hear(world: World, device: Device, *reports: Report) -> None:
    async with transaction(Actor.machine(world.organization_id, "mqtt")) as tx:
        await commands.hear(tx, [DeviceReport(device.id, report) for report in reports])


def warm(device: Device, celsius: float, at: datetime, kind: str = "temperature") -> SensorValue:
    return SensorValue(device.topic, kind, celsius, "°C", at)


def power(device: Device, is_on: bool, at: datetime) -> StateReport:
    return StateReport(device.topic, 1, is_on, at)


@pytest.fixture
async def berlin(world: World) -> FarmWorld:
    return await build_farm(world.owner, time_zone="Europe/Berlin")


READINGS = st.lists(st.tuples(st.integers(0, 40 * 60), st.integers(0, 1000), st.integers(0, 4)), min_size=1, max_size=30)
ZONES = ("Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Phnom_Penh")


@settings(max_examples=20)
@given(said=READINGS, seed=st.integers(0, 99), zone=st.sampled_from(ZONES))
async def test_every_order_of_arrival_leads_to_the_same_counts_in_every_zone(
    world: World, berlin: FarmWorld, owner_connection: psycopg.Connection, said: Sequence[tuple[int, int, int]], seed: int, zone: str
) -> None:
    owner_connection.execute("delete from farm.sensor_readings; delete from farm.reading_metrics; delete from farm.stale_metrics")
    owner_connection.execute("update farm.farms set time_zone = %s", [zone])
    order, start = Random(seed), AUTUMN if zone != "Australia/Lord_Howe" else datetime(2026, 4, 4, 10, tzinfo=UTC)
    batches: dict[int, list[SensorValue]] = {}
    for minute, hundredths, batch in said:
        kind = order.choice(["temperature", "humidity"])
        batches.setdefault(batch, []).append(warm(berlin.probe, 20 + hundredths / 100, start + timedelta(minutes=minute), kind))
    for batch in order.sample(sorted(batches), len(batches)):
        await hear(world, berlin.probe, *batches[batch])
        if order.random() < 0.4:  # the clock strikes in between
            await count_farm_readings()
    await hear(world, berlin.probe, *batches[min(batches)])  # and the device repeats itself
    await count_farm_readings()
    assert_counted(owner_connection, zone)


async def test_a_day_on_which_clocks_are_set_back_has_twenty_five_hours(world: World, berlin: FarmWorld, owner_connection: psycopg.Connection) -> None:
    await hear(world, berlin.probe, *(warm(berlin.probe, 20 + n, AUTUMN + timedelta(hours=n, minutes=5)) for n in range(32)))
    await count_farm_readings()
    assert_counted(owner_connection, "Europe/Berlin")
    assert [row[7] for row in rows(owner_connection, COUNTED, granularity="daily")] == [2, 25, 5]


async def test_a_switchs_hours_are_how_long_it_was_on_also_where_it_said_nothing(
    world: World, berlin: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    at = datetime(2026, 10, 20, 8, tzinfo=UTC)
    await hear(world, berlin.fan, power(berlin.fan, False, at), power(berlin.fan, True, at + timedelta(minutes=50)))
    await count_farm_readings()
    assert rows(owner_connection, ON, granularity="hourly") == [(at, 600, 1)]
    await hear(world, berlin.fan, power(berlin.fan, False, at + timedelta(hours=3, minutes=15)))
    await count_farm_readings()
    hours = rows(owner_connection, ON, granularity="hourly")
    assert [(on_s, cycles) for _, on_s, cycles in hours] == [(600, 1), (3600, 0), (3600, 0), (900, 0)]
    assert rows(owner_connection, ON, granularity="daily") == [(datetime(2026, 10, 19, 22, tzinfo=UTC), 8700, 1)]


async def test_a_late_word_of_a_switch_changes_all_the_hours_that_it_speaks_of(
    world: World, berlin: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    at = datetime(2026, 10, 20, 8, tzinfo=UTC)
    await hear(world, berlin.fan, power(berlin.fan, True, at), power(berlin.fan, True, at + timedelta(hours=4)))
    await count_farm_readings()
    await hear(world, berlin.fan, power(berlin.fan, False, at + timedelta(hours=1)))
    await count_farm_readings()
    assert [on_s for _, on_s, _ in rows(owner_connection, ON, granularity="hourly")][:4] == [3600, 0, 0, 0]
    assert rows(owner_connection, ON, granularity="hourly")[4][2] == 1, "it went on again"


async def test_a_reading_that_is_being_written_while_its_hour_is_counted_is_not_forgotten(
    world: World, berlin: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    await hear(world, berlin.probe, warm(berlin.probe, 20, AUTUMN))
    async with transaction(Actor.machine(world.organization_id, "mqtt")) as slow:  # relies on the mark that stands, and commits only later
        await commands.hear(slow, [DeviceReport(berlin.probe.id, warm(berlin.probe, 30, AUTUMN + timedelta(minutes=2)))])
        async with across_tenants("tests") as tx:
            assert await rollups.claim(tx, AUTUMN + timedelta(days=2)) == 1
        async with across_tenants("tests") as tx:
            assert await rollups.count_up(tx) == 0, "counted although somebody still writes"
    await count_farm_readings()
    assert_counted(owner_connection, "Europe/Berlin")


async def test_readings_that_were_let_go_of_stay_counted(world: World, berlin: FarmWorld, owner_connection: psycopg.Connection) -> None:
    await hear(world, berlin.probe, warm(berlin.probe, 20, AUTUMN), warm(berlin.probe, 22, AUTUMN + timedelta(minutes=10)))
    await count_farm_readings()
    before = [rows(owner_connection, COUNTED, granularity=each) for each in ("hourly", "daily")]
    owner_connection.execute("delete from farm.sensor_readings")
    await hear(world, berlin.probe, warm(berlin.probe, 40, AUTUMN + timedelta(minutes=20)))
    await count_farm_readings()
    assert [rows(owner_connection, COUNTED, granularity=each) for each in ("hourly", "daily")] == before


async def test_a_farm_that_goes_by_another_clock_gets_other_days(world: World, berlin: FarmWorld, owner_connection: psycopg.Connection) -> None:
    await hear(world, berlin.probe, *(warm(berlin.probe, 20 + n, AUTUMN + timedelta(hours=n, minutes=40)) for n in range(40)))
    await count_farm_readings()
    async with transaction(world.owner) as tx:
        await commands.edit_farm(tx, berlin.farm.id, name="Moved", time_zone="Asia/Kolkata")
    await count_farm_readings()
    assert_counted(owner_connection, "Asia/Kolkata")


async def test_hours_are_let_go_of_after_their_time_and_days_stay(world: World, berlin: FarmWorld, owner_connection: psycopg.Connection) -> None:
    await hear(world, berlin.probe, warm(berlin.probe, 20, AUTUMN), warm(berlin.probe, 22, AUTUMN + timedelta(days=3)))
    await count_farm_readings()
    owner_connection.execute(
        "insert into farm.device_metrics select organization_id, id, 'errors', h, farm_id, 0, null from farm.devices,"
        " generate_series(%s::timestamptz, %s::timestamptz, '1 hour') h where id = %s",
        [AUTUMN, AUTUMN + timedelta(hours=30), berlin.fan.id],
    )
    async with across_tenants("tests") as tx:
        await rollups.forget_hours(tx, AUTUMN + timedelta(days=2))
    assert [row[2] for row in rows(owner_connection, COUNTED, granularity="hourly")] == [AUTUMN + timedelta(days=3)]
    assert len(rows(owner_connection, COUNTED, granularity="daily")) == 2
    kept = rows(owner_connection, "select recorded_at from farm.device_metrics order by 1")
    assert [at for (at,) in kept] == [AUTUMN, AUTUMN + timedelta(hours=2), AUTUMN + timedelta(hours=27)], "the first of each day in Berlin"


async def test_what_is_not_counted_yet_is_not_dropped(world: World, berlin: FarmWorld, owner_connection: psycopg.Connection) -> None:
    long_ago = datetime(2026, 3, 10, 8, tzinfo=UTC)
    owner_connection.execute("select platform.make_partitions('farm.sensor_readings', %s, %s)", [long_ago, long_ago])
    await hear(world, berlin.probe, warm(berlin.probe, 20, long_ago))
    await upkeep.drop_partitions(keeping())
    assert rows(owner_connection, "select count(*) from farm.sensor_readings") == [(1,)]
    await count_farm_readings()
    await upkeep.drop_partitions(keeping())
    assert rows(owner_connection, "select count(*) from farm.sensor_readings") == [(0,)]
    assert [row[3] for row in rows(owner_connection, COUNTED, granularity="daily")] == [Decimal(20)]


async def all_is_counted() -> bool:
    """What anybody on this server still writes is waited for, in other databases too."""
    await count_farm_readings()
    async with across_tenants("tests") as tx:
        return bool((await tx.execute(text("select not exists (select from farm.stale_metrics)"))).scalar())


async def test_the_stranger_sees_no_counts_and_no_marks(world: World, berlin: FarmWorld) -> None:
    await hear(world, berlin.probe, warm(berlin.probe, 20, AUTUMN))
    await eventually(all_is_counted)
    await hear(world, berlin.probe, warm(berlin.probe, 21, AUTUMN + timedelta(minutes=1)))
    for who, seen in ((world.owner, 2), (world.stranger, 0)):
        async with transaction(who) as tx:
            assert (await tx.execute(text("select count(*) from farm.reading_metrics"))).scalar() == seen
            assert (await tx.execute(text("select count(*) from farm.stale_metrics"))).scalar() == seen // 2


SWITCHED = st.lists(st.tuples(st.integers(0, 30 * 60), st.booleans(), st.integers(0, 3)), min_size=2, max_size=14, unique_by=lambda one: one[0])


@settings(max_examples=15)
@given(said=SWITCHED, seed=st.integers(0, 99))
async def test_on_time_and_cycles_add_up_whatever_the_order_of_arrival(
    world: World, berlin: FarmWorld, owner_connection: psycopg.Connection, said: Sequence[tuple[int, bool, int]], seed: int
) -> None:
    owner_connection.execute("delete from farm.sensor_readings; delete from farm.reading_metrics; delete from farm.stale_metrics")
    order, words = Random(seed), sorted((minute, is_on) for minute, is_on, _ in said)
    batches: dict[int, list[SensorValue]] = {}
    for minute, is_on, batch in said:  # as values: a state that comes late is kept, but changes no device
        batches.setdefault(batch, []).append(SensorValue(berlin.fan.topic, "power", float(is_on), "", AUTUMN - timedelta(days=3) + timedelta(minutes=minute)))
    for batch in order.sample(sorted(batches), len(batches)):
        await hear(world, berlin.fan, *batches[batch])
        if order.random() < 0.5:
            await count_farm_readings()
    await count_farm_readings()
    end = -(-(words[-1][0] + 1) // 60) * 60  # the last word lasts to the end of its hour
    lasted = [(until - since) * 60 for (since, is_on), (until, _) in zip(words, [*words[1:], (end, False)], strict=True) if is_on]
    cycles = sum(is_on and not was_on for (_, was_on), (_, is_on) in zip(words, words[1:], strict=False))
    for granularity in ("hourly", "daily"):
        found = rows(owner_connection, ON, granularity=granularity)
        assert (sum(on_s for _, on_s, _ in found), sum(count for _, _, count in found)) == (sum(lasted), cycles), granularity
