"""Trouble that no single reading shows: slow ways up, too long in the danger zone, sensors apart, a site that warms together."""

from datetime import datetime, timedelta

import psycopg
import pytest

from data.alerts import commands as alerts
from data.alerts.tables import Severity
from data.cold_chain.commands import places, states
from data.cold_chain.commands import rules as commands
from data.cold_chain.commands.states import KINDS
from data.cold_chain.rules import patterns, settle
from data.cold_chain.values import UnitType
from data.core.actor import Actor
from data.core.errors import Invalid
from data.core.session import transaction
from data.core.time import now
from jobs.cold_chain import judge_by_the_clock
from tests.cold_chain.stories import ago, open_alerts, put, rule, take
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, measured
from tests.factories.people import World

START = datetime.fromisoformat("2026-11-20T08:00:00+00:00")
FRIDGE = settle({"drift_celsius_per_hour": 0.5, "danger_minutes": 120, "sensors_apart_celsius": 2.8}, UnitType.FRIDGE)


def line(pace: float, *, hours: float = 3.0, wave: float = 0.0, begin: float = 2.0) -> list[tuple[float, float]]:
    """A reading each five minutes; `wave` is a compressor's, half an hour long."""
    count = round(hours * 12)
    return [(-hours + k / 12, begin + pace * k / 12 + wave * (1 if (k // 3) % 2 else -1)) for k in range(count + 1)]


@pytest.mark.parametrize(
    ("points", "is_drifting"),
    [
        (line(0.8), True), (line(0.6), True), (line(0.5), False), (line(0.0), False), (line(-0.8), False), (line(0.8, hours=2.0), False),
        (line(0.0, wave=0.8), False), (line(1.0, wave=0.3), True), (line(0.55, wave=0.8), False), ([], False), (line(5.0), True),
    ],
)  # fmt: skip
def test_a_drift_is_a_line_of_three_hours_that_is_surely_steeper_than_allowed(points: list[tuple[float, float]], is_drifting: bool) -> None:
    assert (patterns.drift(FRIDGE, points) is not None) is is_drifting
    assert patterns.drift(settle({}, UnitType.FRIDGE), points) is None, "nobody watches it"


def readings(*celsius: float, apart_min: float = 5) -> list[tuple[datetime, float]]:
    return [(START + timedelta(minutes=apart_min * place), one) for place, one in enumerate(celsius)]


@pytest.mark.parametrize(
    ("rows", "minutes"),
    [
        ([], 0), (readings(8), 0), (readings(8, 8), 5), (readings(8, 8, 4, 8, 8, 8), 15), (readings(5.0, 5.0), 0), (readings(60, 60), 0),
        (readings(8, 8, apart_min=15), 15), (readings(8, 8, apart_min=16), 0), (readings(4, 8, 4, 8), 0),
    ],
)  # fmt: skip
def test_time_in_danger_is_what_lies_between_readings_that_were_both_in_the_zone(rows: list[tuple[datetime, float]], minutes: int) -> None:
    assert patterns.time_in_danger(rows, timedelta(minutes=5)) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("means", "by", "is_over"), [([3.0], None, False), ([3.0, 5.7], None, False), ([3.0, 5.8], 2.8, False), ([3.0, 5.2], None, True), ([3, 4, 9], 6.0, False), ([], None, False)]
)
def test_sensors_disagree_from_so_many_degrees_on_and_agree_well_below(means: list[float], by: float | None, is_over: bool) -> None:
    found = patterns.apart(FRIDGE, means)
    assert (None if found is None else round(found, 6), patterns.agree(FRIDGE, means)) == (by, is_over)


@pytest.fixture
async def fridge(world: World) -> ColdStore:
    return await cold_store(world.owner, unit_type=UnitType.FRIDGE)


async def look(world: World, *names: str) -> None:
    """What the clock does in five minutes, of these kinds of trouble only."""
    for minute in range(5):
        at = now() + timedelta(minutes=minute)
        for kind in KINDS:
            if kind.name in names:
                async with transaction(_system(world)) as tx:
                    found = await kind.find(tx, at)
                for ids in found.values():
                    async with transaction(_system(world)) as tx:
                        await kind.follow(tx, ids, at)


def _system(world: World) -> Actor:
    return Actor.system(world.organization_id, "tests")


async def test_a_slow_way_up_is_told_where_it_is_watched_and_ends_when_it_is_over(world: World, fridge: ColdStore) -> None:
    await take(world, *(measured(1.0 + 0.9 * (180 - minute) / 60, ago(minutes=minute)) for minute in range(178, 1, -6)))
    await look(world, "drift")
    assert "slow_drift" not in await open_alerts(world), "nobody watches it"
    await rule(world, fridge.unit_id, drift_celsius_per_hour=0.5)
    await look(world, "drift")
    found = (await open_alerts(world))["slow_drift"]
    assert found.severity is Severity.WARNING and found.message_values["most_celsius_difference"] in (0.5, "0.5")
    await rule(world, fridge.unit_id, drift_celsius_per_hour=2.0)
    await look(world, "drift")
    assert "slow_drift" not in await open_alerts(world)


async def test_two_hours_of_a_day_in_the_danger_zone_are_told_and_only_a_person_ends_that(world: World, fridge: ColdStore) -> None:
    await rule(world, fridge.unit_id, danger_minutes=130, temperature_max_celsius=30, temperature_min_celsius=0)
    warm = [*range(500, 430, -5), *range(60, 0, -5)]  # 65 minutes, a pause, and 55 minutes
    await take(world, *(measured(8.0, ago(minutes=minute)) for minute in warm), measured(8.0, ago(seconds=30)))
    await look(world, "danger")
    assert "danger_zone" not in await open_alerts(world)
    await rule(world, fridge.unit_id, danger_minutes=120)
    await look(world, "danger")
    found = (await open_alerts(world))["danger_zone"]
    assert found.severity is Severity.CRITICAL
    await take(world, measured(3.0, ago(seconds=10)))
    await look(world, "danger")
    assert "danger_zone" in await open_alerts(world), "the food has not forgotten it"
    async with transaction(world.owner) as tx:
        await alerts.resolve(tx, found.id, because="Thrown away.")
    await take(world, measured(8.0, ago(seconds=5)))
    await look(world, "danger")
    assert "danger_zone" not in await open_alerts(world), "what was answered counts no more"


async def test_two_sensors_of_one_unit_that_disagree_are_told_until_they_agree(world: World, fridge: ColdStore) -> None:
    second = "0004A30B001C0611"
    async with transaction(world.owner) as tx:
        await places.create_sensor(tx, fridge.unit_id, device_eui=second)
    await rule(world, fridge.unit_id, sensors_apart_celsius=2.8)
    await take(world, *(measured(3.0, ago(minutes=m)) for m in (15, 10, 5)), *(measured(5.9, ago(minutes=m), second) for m in (15, 10)))
    await look(world, "sensors_apart")
    assert "sensors_apart" not in await open_alerts(world), "two readings say too little"
    await take(world, measured(5.9, ago(minutes=4), second))
    await look(world, "sensors_apart")
    assert float((await open_alerts(world))["sensors_apart"].actual_value or 0) == 2.9
    await take(world, *(measured(3.1, ago(minutes=m), second) for m in (3, 2.5, 2, 1.5, 1)))
    await look(world, "sensors_apart")
    assert "sensors_apart" not in await open_alerts(world)


async def test_a_freezer_is_not_counted_in_the_danger_zone(world: World) -> None:
    freezer = await cold_store(world.owner)
    await rule(world, freezer.unit_id, danger_minutes=10)
    await take(world, *(measured(8.0, ago(minutes=minute)) for minute in range(60, 0, -5)))
    await look(world, "danger")
    assert "danger_zone" not in await open_alerts(world)


async def test_units_of_a_site_that_warm_together_are_told_as_one(
    world: World, fridge: ColdStore, owner_connection: psycopg.Connection
) -> None:
    others = [await another_unit(world.owner, fridge, name=f"Fridge {n}", eui=f"0004A30B001C060{n}") for n in range(2)]
    async with transaction(world.owner) as tx:
        await commands.set_rule(tx, changes={"rising_together_units": 3}, site_id=fridge.site_id)
    units = [fridge.unit_id, *(getattr(one, "unit_id", one) for one in others)]
    for unit_id in units[:2]:
        put(owner_connection, unit_id, trend_celsius_per_hour=3, trend_error_celsius_per_hour=1)
    await look(world, "together")
    assert await open_alerts(world, fridge.site_id) == {}
    put(owner_connection, units[2], trend_celsius_per_hour=3, trend_error_celsius_per_hour=1)
    await look(world, "together")
    found = (await open_alerts(world, fridge.site_id))["site_warming"]
    assert found.message_values["count"] == 3
    put(owner_connection, units[0], trend_celsius_per_hour=-3)
    await look(world, "together")
    assert await open_alerts(world, fridge.site_id) == {}


async def test_how_many_units_warm_together_is_said_of_sites_and_not_of_one_unit(world: World, fridge: ColdStore) -> None:
    with pytest.raises(Invalid) as refused:
        async with transaction(world.owner) as tx:
            await commands.set_rule(tx, changes={"rising_together_units": 3}, unit_id=fridge.unit_id)
    assert refused.value.field == "rising_together_units"


async def test_every_kind_is_asked_for_by_the_clock_over_all_organizations(world: World, fridge: ColdStore) -> None:
    assert {"drift", "danger", "sensors_apart", "together"} <= {kind.name for kind in states.KINDS}
    await judge_by_the_clock()
