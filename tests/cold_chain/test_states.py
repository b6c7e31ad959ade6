"""What is written down of a unit's state, whatever order its messages come in."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from data.alerts.tables import Alert
from data.cold_chain.queries.watch import Watched
from data.cold_chain.rules import State, settle
from data.cold_chain.values import UnitStatus, UnitType
from data.core.session import transaction
from jobs.cold_chain import judge_by_the_clock
from tests.cold_chain.stories import ago, excursions, open_alerts, put, rule, take, told, unit_row
from tests.cold_chain.test_rules import FREEZER, after
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, measured
from tests.factories.people import World

Step = tuple[float, float, bool | None]


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


def lived(steps: Sequence[Step], late: Sequence[Step] = ()) -> Watched:
    """A unit after readings (minute, °C, door), each followed by late ones, told as the intake tells them."""
    unit = Watched(UUID(int=1), "Freezer 1", UUID(int=2), "Asia/Phnom_Penh", FREEZER, State(), None, None, None, None, None)
    for step in steps:
        for minute, celsius, is_open in (step, *late):
            at = after(minute)
            if is_open is not None:
                unit.see_door(is_open, at)
            if unit.last_reading_at is None or at > unit.last_reading_at:
                unit.read(celsius, at)
    return unit


def facts(unit: Watched) -> tuple[Any, ...]:
    return (
        unit.state, unit.last_reading_at, unit.last_celsius, unit.door_is_open, unit.door_changed_at, unit.mask,
        [(s.started_at, s.ended_at, s.peak_celsius, s.reading_count, s.degree_minutes) for s in unit.stretches],
    )  # fmt: skip


steps = st.lists(st.tuples(st.floats(0, 300), st.floats(-35, 5), st.sampled_from([None, True, False])), min_size=1, max_size=25, unique_by=lambda step: step[0])


@given(steps, steps)
def test_late_messages_never_move_a_unit(told: list[Step], late: list[Step]) -> None:
    in_order = sorted(told, key=lambda step: step[0])
    first = in_order[0][0]
    before = [(first - 1 - minute, celsius, is_open) for minute, celsius, is_open in late]
    opened = [(first, in_order[0][1], False if in_order[0][2] is None else in_order[0][2]), *in_order[1:]]
    assert facts(lived(opened, late=before)) == facts(lived(opened))


@given(steps, st.integers(1, 6))
def test_a_unit_is_the_same_however_its_messages_were_cut_into_batches(told: list[Step], at_once: int) -> None:
    """Each batch is judged in the order of its own times; what a later batch brings too late is left out."""
    in_order = sorted(told, key=lambda step: step[0])
    batches = [in_order[n : n + at_once] for n in range(0, len(in_order), at_once)]
    shuffled = [step for batch in batches for step in sorted(Random(1).sample(batch, len(batch)), key=lambda step: step[0])]
    assert facts(lived(shuffled)) == facts(lived(in_order))


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000))
async def test_batches_in_any_cut_leave_the_same_in_the_database(
    world: World, store: ColdStore, owner_connection: psycopg.Connection, seed: int
) -> None:
    chance = Random(seed)
    start = ago(minutes=120)
    said = [measured(chance.choice((-20, -19, -16, -14)), start + timedelta(minutes=5 * n), door_is_open=chance.choice((None, True, False))) for n in range(16)]
    left = []
    for _ in range(2):
        for table in ("alerts.decisions", "alerts.alerts", "cold_chain.sensor_readings", "cold_chain.door_events", "cold_chain.excursions", "notifications.notifications"):
            owner_connection.execute(f"delete from {table}")
        put(
            owner_connection, store.unit_id, status="ok", out_of_range_since_at=None, good_readings=0, last_reading_at=None, door_is_open=None,
            door_changed_at=None, door_seen_at=None, door_masked_on=None, door_masked_s=0,
        )  # fmt: skip
        rest = list(said)
        while rest:
            size = chance.randint(1, 6)
            await take(world, *chance.sample(rest[:size], len(rest[:size])))
            rest = rest[size:]
        row = await unit_row(world, store.unit_id)
        found = await excursions(world, store.unit_id)
        left.append((
            row.status, row.out_of_range_since_at, row.good_readings, row.last_reading_at, row.door_masked_on, row.door_masked_s,
            [(e.started_at, e.ended_at, e.confirmed_at, e.peak_at, e.reading_count, e.was_door_open) for e in found],
        ))  # fmt: skip
    assert left[0] == left[1]


async def test_an_open_doors_excuse_is_counted_in_the_sites_own_day(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await rule(world, store.unit_id, door_open_max_mask_minutes_per_day=15, delay_minutes=5)
    for minutes in (16, 11, 6):
        await take(world, measured(-10, ago(minutes=minutes), door_is_open=True))
    row = await unit_row(world, store.unit_id)
    assert (row.status, row.door_masked_s) == (UnitStatus.OK, 600)
    await take(world, measured(-10, ago(minutes=1)))
    row = await unit_row(world, store.unit_id)
    assert (row.status, row.door_masked_s) == (UnitStatus.EXCURSION, 900)
    assert row.door_masked_on is not None


async def test_a_new_day_of_the_site_gives_its_doors_their_share_again(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await take(world, measured(-20, ago(minutes=10)))
    spent = {"door_masked_s": 3600, "door_masked_on": ago(days=2).date()}
    put(owner_connection, store.unit_id, **spent)
    await take(world, measured(-10, ago(minutes=5), door_is_open=True))
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.OK
    there = (ago(minutes=3) + timedelta(hours=7)).date()  # Phnom Penh
    put(owner_connection, store.unit_id, door_masked_s=3600, door_masked_on=there)
    await take(world, measured(-10, ago(minutes=3)))
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.EXCURSION


async def test_too_cold_too_is_told_once_and_ends_well_inside(world: World, store: ColdStore) -> None:
    await take(world, *(measured(-30, ago(minutes=m)) for m in (15, 10, 5)))
    alert = (await open_alerts(world))["temp_excursion"]
    assert "too cold" in alert.message and float(alert.threshold_value or 0) == -23.33
    await take(world, measured(-23, ago(minutes=4)))
    assert "temp_excursion" in await open_alerts(world)
    await take(world, measured(-22.8, ago(minutes=3)))
    assert await open_alerts(world) == {} and await told(world) == ["temp_excursion"]


async def test_limits_that_were_widened_meanwhile_keep_the_clock_from_calling_it_an_alarm(world: World, store: ColdStore) -> None:
    await take(world, measured(-12, ago(minutes=11)))
    await rule(world, store.unit_id, temperature_max_celsius=-5)
    await judge_by_the_clock()
    assert await open_alerts(world) == {} and (await unit_row(world, store.unit_id)).status is UnitStatus.EXCURSION
    await take(world, measured(-12, ago(minutes=1)))
    (one,) = await excursions(world, store.unit_id)
    assert (one.confirmed_at, one.ended_at is None) == (None, False)


async def test_a_unit_that_is_out_of_service_is_left_alone_by_the_clock(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await take(world, measured(-20, ago(hours=3), door_is_open=True, battery_percent=1))
    put(owner_connection, store.unit_id, is_active=False)
    await judge_by_the_clock()
    assert await open_alerts(world) == {}


async def test_two_clocks_at_once_tell_of_everything_once(world: World, store: ColdStore) -> None:
    for number in (1, 2, 3):
        await another_unit(world.owner, store, name=f"Room {number}", eui=f"0004A30B001C077{number}")
    await take(world, *(measured(-20, ago(hours=1 + n / 2), f"0004A30B001C077{n}") for n in (1, 2, 3)), measured(-20, ago(minutes=5), door_is_open=True))
    await asyncio.gather(judge_by_the_clock(), judge_by_the_clock(), judge_by_the_clock())
    async with transaction(world.owner) as tx:
        kinds = sorted(alert.alert_type for alert in (await tx.exec(select(Alert))).all())
    assert kinds == ["door_open", *["monitoring_interrupted"] * 3]


def test_a_rule_is_settled_once_for_all_units_that_share_it() -> None:
    assert settle({"delay_minutes": 7}, UnitType.FRIDGE) is settle({"delay_minutes": 7}, UnitType.FRIDGE)
