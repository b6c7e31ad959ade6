"""Hours, days, weeks and months are what a plain question to the readings would answer, whatever the order of arrival."""

import asyncio
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

from data.cold_chain.commands import metrics
from data.cold_chain.commands import rules as rule_commands
from data.cold_chain.kinetic import mean_kinetic_celsius, mean_of_sum
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.table import uuid7
from data.flows import uplink
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, count_readings, measured
from tests.factories.people import World

SUNDAY = datetime(2026, 8, 30, 21, 30, tzinfo=UTC)
"""Two hours and a half before a week, and a day and a bit before a month begins."""

PLAIN = """
select unit_id, device_id, date_trunc(%s, recorded_at, 'UTC'), min(temperature_celsius), max(temperature_celsius),
  round(avg(temperature_celsius), 2), sum(temperature_celsius), min(humidity_percent), max(humidity_percent),
  round(avg(humidity_percent), 2), count(*), count(*) filter (where temperature_celsius not between -23.33 and -17.78)
from cold_chain.sensor_readings group by 1, 2, 3 order by 1, 2, 3
"""
COUNTED = """
select unit_id, device_id, period_start, temp_min_celsius, temp_max_celsius, temp_avg_celsius, temp_sum_celsius,
  humidity_min_percent, humidity_max_percent, humidity_avg_percent, reading_count, anomaly_count
from cold_chain.reading_metrics where granularity = %s::cold_chain.granularity order by 1, 2, 3
"""
STEPS = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


def rows(connection: psycopg.Connection, question: str, *values: object) -> list[tuple[Any, ...]]:
    return connection.execute(question, values).fetchall()


def assert_counted(connection: psycopg.Connection) -> None:
    for step, granularity in STEPS.items():
        assert rows(connection, COUNTED, granularity) == rows(connection, PLAIN, step), granularity
    assert rows(connection, "select * from cold_chain.stale_metrics") == []


async def hear(store: ColdStore, *said: tuple[float, datetime], humidity: float | None = None) -> None:
    async with transaction(machine(store)) as tx:
        await uplink.store(tx, [measured(celsius, at, store.eui, humidity_percent=humidity) for celsius, at in said])


def machine(store: ColdStore) -> Actor:
    return Actor.machine(store.organization_id, "gateway")


Said = tuple[int, int, int]
"""Minutes after SUNDAY, hundredths of a degree above −25 °C, and which batch brings it."""

READINGS = st.lists(st.tuples(st.integers(0, 40 * 60), st.integers(0, 1000), st.integers(0, 5)), min_size=1, max_size=40)


@settings(max_examples=25)
@given(said=READINGS, seed=st.integers(0, 99))
async def test_every_order_of_arrival_leads_to_the_same_counts(
    store: ColdStore, owner_connection: psycopg.Connection, said: Sequence[Said], seed: int
) -> None:
    owner_connection.execute("delete from cold_chain.sensor_readings; delete from cold_chain.reading_metrics")
    order = Random(seed)
    batches: dict[int, list[tuple[float, datetime]]] = {}
    for minute, hundredths, batch in said:
        batches.setdefault(batch, []).append((-25 + hundredths / 100, SUNDAY + timedelta(minutes=minute)))
    for batch in order.sample(sorted(batches), len(batches)):
        await hear(store, *batches[batch], humidity=order.choice([None, 40.0, 55.5]))
        if order.random() < 0.4:  # the clock strikes in between
            await count_readings()
    await hear(store, *batches[min(batches)])  # and the gateway repeats itself
    await count_readings()
    assert_counted(owner_connection)


async def test_a_late_reading_is_added_to_its_hour_day_week_and_month(
    store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await hear(store, (-20.0, SUNDAY + timedelta(days=3)))
    await count_readings()
    await hear(store, (-10.0, SUNDAY), (-22.0, SUNDAY + timedelta(minutes=10)))
    await count_readings()
    assert_counted(owner_connection)
    hour = rows(owner_connection, COUNTED, "hourly")[0]
    assert hour[3:7] == (Decimal(-22), Decimal(-10), Decimal(-16), Decimal(-32)) and hour[-2:] == (2, 1)


async def test_the_kinetic_mean_of_a_month_comes_out_of_its_sums(store: ColdStore, owner_connection: psycopg.Connection) -> None:
    said = [(-20 + n / 7, SUNDAY + timedelta(minutes=17 * n)) for n in range(40)]
    await hear(store, *said)
    await count_readings()
    sums = rows(owner_connection, "select sum(kinetic_sum), sum(reading_count) from cold_chain.reading_metrics where granularity = 'monthly'")
    assert mean_of_sum(*sums[0]) == pytest.approx(mean_kinetic_celsius([round(celsius, 2) for celsius, _ in said]))


async def test_two_processes_that_count_at_once_count_everything_once(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0999")
    for start in range(0, 40, 10):
        await hear(store, *((-20 - n / 100, SUNDAY + timedelta(hours=n)) for n in range(start, start + 10)))
    await asyncio.gather(*(count_readings() for _ in range(3)))
    await count_readings()
    assert_counted(owner_connection)


async def test_whoever_dies_between_claim_and_count_loses_nothing(store: ColdStore, owner_connection: psycopg.Connection) -> None:
    await hear(store, (-20.0, SUNDAY))
    async with across_tenants("tests") as tx:
        assert await metrics.claim(tx, SUNDAY + timedelta(hours=2)) == 1
    await hear(store, (-21.0, SUNDAY + timedelta(minutes=1)))
    assert rows(owner_connection, "select claim > 0 from cold_chain.stale_metrics order by 1") == [(False,), (True,)]
    with pytest.raises(ZeroDivisionError):
        async with across_tenants("tests") as tx:
            assert await metrics.count_up(tx) == 1
            raise ZeroDivisionError
    await count_readings()
    assert_counted(owner_connection)


async def test_a_reading_that_is_being_written_while_its_hour_is_counted_is_not_forgotten(
    store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await hear(store, (-20.0, SUNDAY))
    async with transaction(machine(store)) as slow:  # relies on the mark that stands, and commits only later
        await uplink.store(slow, [measured(-15.0, SUNDAY + timedelta(minutes=2), store.eui)])
        async with across_tenants("tests") as tx:
            assert await metrics.claim(tx, SUNDAY + timedelta(hours=2)) == 1
        async with across_tenants("tests") as tx:
            assert await metrics.count_up(tx) == 0, "counted although somebody still writes"
    await count_readings()
    assert_counted(owner_connection)


async def test_an_hour_that_is_not_over_is_counted_only_now_and_then(store: ColdStore) -> None:
    await hear(store, (-20.0, SUNDAY))
    async with across_tenants("tests") as tx:
        marked_at = (await tx.execute(text("select marked_at from cold_chain.stale_metrics"))).scalar_one()
        await tx.execute(text("update cold_chain.stale_metrics set hour = :hour"), {"hour": marked_at})
        assert await metrics.claim(tx, marked_at + metrics.SETTLE - timedelta(seconds=1)) == 0
        assert await metrics.claim(tx, marked_at + metrics.SETTLE) == 1


async def test_what_was_outside_is_judged_by_the_limits_that_held_then(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await hear(store, (-20.0, SUNDAY), (-19.0, SUNDAY + timedelta(minutes=10)), (-19.0, SUNDAY + timedelta(minutes=20)))
    async with transaction(world.owner) as tx:
        await rule_commands.set_limits(tx, store.unit_id, low_celsius=-30, high_celsius=-19.5, delay_minutes=None)
    owner_connection.execute("delete from cold_chain.alert_rules_history")
    owner_connection.execute(
        "insert into cold_chain.alert_rules_history (id, organization_id, unit_id, change_type, old_values, new_values, changed_at)"
        " values (%s, %s, %s, 'changed', %s, %s, %s)",
        [uuid7(), store.organization_id, store.unit_id, '{"temperature_max_celsius": -18}', '{"temperature_max_celsius": -19.5}',
         SUNDAY + timedelta(minutes=15)],
    )  # fmt: skip
    await count_readings()
    assert rows(owner_connection, COUNTED, "hourly")[0][-2:] == (3, 1)


async def test_readings_that_were_let_go_of_stay_counted(store: ColdStore, owner_connection: psycopg.Connection) -> None:
    await hear(store, (-20.0, SUNDAY), (-21.0, SUNDAY + timedelta(minutes=10)))
    await count_readings()
    before = rows(owner_connection, COUNTED, "hourly")
    owner_connection.execute("delete from cold_chain.sensor_readings")
    await hear(store, (-10.0, SUNDAY + timedelta(minutes=20)))
    await count_readings()
    assert rows(owner_connection, COUNTED, "hourly") == before


async def test_what_was_there_before_is_marked_and_counted(store: ColdStore, owner_connection: psycopg.Connection) -> None:
    await hear(store, *((-20.0 - n / 100, SUNDAY + timedelta(hours=n)) for n in range(5)))
    owner_connection.execute("delete from cold_chain.stale_metrics")
    async with across_tenants("tests") as tx:
        assert await metrics.mark_stretch(tx, SUNDAY, SUNDAY + timedelta(days=1)) == 5
    await count_readings()
    assert_counted(owner_connection)


async def test_the_stranger_sees_no_counts(world: World, store: ColdStore) -> None:
    await hear(store, (-20.0, SUNDAY))
    await count_readings()
    async with transaction(world.stranger) as tx:
        assert (await tx.execute(text("select count(*) from cold_chain.reading_metrics"))).scalar() == 0
        assert (await tx.execute(text("select count(*) from cold_chain.stale_metrics"))).scalar() == 0

