"""What the clock alone makes of units: open doors, failing cooling, low cells, silence of one and of many."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from data.alerts import queries as alerts
from data.alerts.tables import Severity
from data.cold_chain.commands import sensors, states
from data.cold_chain.queries import sweep
from data.cold_chain.values import UnitStatus
from data.core.actor import Actor
from data.core.session import Transaction, across_tenants, transaction
from data.core.time import now
from data.notifications.commands import climb
from jobs.cold_chain import SLICES, draw_trends, in_portions, judge_by_the_clock, portions
from tests.cold_chain.stories import ago, open_alerts, put, rule, take, unit_row
from tests.cold_chain.test_uplink import statements
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, measured
from tests.factories.people import World


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


@pytest.mark.parametrize(
    ("minutes", "severity"), [(2.9, None), (3.1, Severity.WARNING), (9.9, Severity.WARNING), (10.1, Severity.CRITICAL)]
)
async def test_a_door_is_a_warning_after_three_minutes_and_critical_after_ten(
    world: World, store: ColdStore, minutes: float, severity: Severity | None
) -> None:
    await take(world, measured(-20, ago(minutes=minutes), door_is_open=True))
    await judge_by_the_clock()
    found = await open_alerts(world)
    assert (found["door_open"].severity if found else None) is severity


async def test_a_doors_alert_gets_worse_in_place_and_ends_when_it_is_shut(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await take(world, measured(-20, ago(minutes=4), door_is_open=True))
    await judge_by_the_clock()
    first = (await open_alerts(world))["door_open"]
    put(owner_connection, store.unit_id, door_changed_at=ago(minutes=11))
    await judge_by_the_clock()
    second = (await open_alerts(world))["door_open"]
    assert (second.id, second.severity) == (first.id, Severity.CRITICAL)
    await take(world, measured(-20, ago(minutes=1), door_is_open=False))
    assert await open_alerts(world) == {}


async def test_the_minutes_of_a_door_are_those_of_its_rule(world: World, store: ColdStore) -> None:
    await rule(world, store.unit_id, door_open_warning_minutes=20, door_open_critical_minutes=30)
    await take(world, measured(-20, ago(minutes=19), door_is_open=True), measured(-20, ago(minutes=1)))
    await judge_by_the_clock()
    assert await open_alerts(world) == {}


def course(*celsius: float) -> list[tuple[float, float]]:
    """Readings eight minutes apart, the last a minute ago."""
    return [(1 + 8 * back, one) for back, one in enumerate(reversed(celsius))]


@pytest.mark.parametrize(
    ("readings", "is_suspected"),
    [
        (course(-10, -10, -9.9, -9.8, -9.7), True),
        (course(-10, -10, -10, -10, -10.4), True),
        (course(-10, -10, -10, -10, -10.6), False),
        (course(-10, -10, -10, -10), False),
        (course(-18, -10, -10, -10, -10), False),
    ],
)
async def test_cooling_is_suspected_to_fail_after_five_readings_out_that_do_not_get_better(
    world: World, store: ColdStore, readings: Sequence[tuple[float, float]], is_suspected: bool
) -> None:
    await take(world, *(measured(celsius, ago(minutes=minute)) for minute, celsius in readings))
    await judge_by_the_clock()
    assert ("suspected_cooling_failure" in await open_alerts(world)) is is_suspected


async def test_an_open_door_explains_warm_air_so_that_no_cooling_failure_is_suspected(world: World, store: ColdStore) -> None:
    await take(world, *(measured(-10, ago(minutes=minute), door_is_open=True) for minute, _ in course(*[0.0] * 5)))
    await judge_by_the_clock()
    assert "suspected_cooling_failure" not in await open_alerts(world)


async def test_a_cooling_failure_is_a_part_of_its_excursion_and_ends_with_it(world: World, store: ColdStore) -> None:
    await take(world, *(measured(-10, ago(minutes=minute)) for minute, _ in course(*[0.0] * 5)))
    await judge_by_the_clock()
    found = await open_alerts(world)
    assert found["suspected_cooling_failure"].parent_id == found["temp_excursion"].id
    await take(world, measured(-20, ago(seconds=20)))
    assert await open_alerts(world) == {}


async def test_an_open_door_becomes_a_part_of_the_excursion_it_leads_to(world: World, store: ColdStore) -> None:
    await take(world, measured(-20, ago(minutes=40), door_is_open=True))
    await judge_by_the_clock()
    assert set(await open_alerts(world)) >= {"door_open"}
    await take(world, *(measured(-5, ago(minutes=minute)) for minute in (22, 15, 8, 1)))
    await judge_by_the_clock()
    found = await open_alerts(world)
    assert found["door_open"].parent_id == found["temp_excursion"].id


@pytest.mark.parametrize(
    ("percent", "volts", "is_low"),
    [(11, None, False), (10, None, True), (0, None, True), (None, 2.49, True), (None, 2.5, False), (50, 2.4, True)],
)
async def test_a_battery_is_low_at_ten_percent_or_below_two_and_a_half_volts(
    world: World, store: ColdStore, percent: float | None, volts: float | None, is_low: bool
) -> None:
    await take(world, measured(-20, ago(minutes=1), battery_percent=percent, battery_v=volts))
    await judge_by_the_clock()
    assert ("low_battery" in await open_alerts(world, store.sensor_id)) is is_low


async def test_a_low_battery_is_over_only_above_twenty_percent(world: World, store: ColdStore) -> None:
    found = {}
    for percent, minutes in ((9, 4), (15, 3), (20, 2), (21, 1)):
        await take(world, measured(-20, ago(minutes=minutes), battery_percent=percent))
        await judge_by_the_clock()
        found[percent] = "low_battery" in await open_alerts(world)
    assert found == {9: True, 15: True, 20: True, 21: False}


async def test_an_alarm_that_lasts_longer_than_it_may_says_for_how_long(world: World, store: ColdStore) -> None:
    await take(world, measured(-10, ago(minutes=75)), measured(-10, ago(minutes=60)), measured(-9, ago(minutes=2)))
    first = (await open_alerts(world))["temp_excursion"]
    assert "minutes" not in first.message_values
    await judge_by_the_clock()
    second = (await open_alerts(world))["temp_excursion"]
    assert second.id == first.id and second.message_values["minutes"] == 75 and "{minutes}" in second.message
    await judge_by_the_clock()
    assert (await open_alerts(world))["temp_excursion"].message_values["minutes"] == 75


async def test_no_door_excuses_more_than_the_longest_excursion(world: World, store: ColdStore) -> None:
    await rule(world, store.unit_id, max_excursion_minutes=15, delay_door_open_minutes=120, door_grace_minutes=0)
    await take(world, *(measured(-5, ago(minutes=m), door_is_open=True) for m in (16, 8)))
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.EXCURSION
    await judge_by_the_clock()
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.ALARM_ACTIVE
    assert (await open_alerts(world))["temp_excursion"].message_values["minutes"] == 16


async def test_a_broken_sensor_is_an_alert_until_it_measures_again(world: World, store: ColdStore) -> None:
    await take(world, measured(-20, ago(minutes=9)))
    await take(world, measured(None, ago(minutes=5), fault="disconnected"))
    found = await open_alerts(world, store.unit_id)
    assert found["sensor_fault"].severity is Severity.CRITICAL
    await take(world, measured(-20, ago(minutes=1)))
    assert await open_alerts(world) == {}


@pytest.mark.parametrize("is_replaced", [True, False])
async def test_a_broken_sensor_that_speaks_for_nothing_any_more_is_no_alert(world: World, store: ColdStore, is_replaced: bool) -> None:
    await take(world, measured(-20, ago(minutes=9)), measured(None, ago(minutes=5), fault="disconnected"))
    assert "sensor_fault" in await open_alerts(world, store.unit_id)
    async with transaction(world.owner) as tx:
        if is_replaced:
            other = await sensors.create(tx, store.unit_id, device_eui="0004A30B001C0777")
            await sensors.make_primary(tx, other.id)
        else:
            await sensors.take_away(tx, store.sensor_id)
    assert "sensor_fault" not in await open_alerts(world, store.unit_id)


async def test_where_a_unit_is_heading_is_kept_as_long_as_it_leads_out(
    world: World, store: ColdStore
) -> None:
    await rule(world, store.unit_id, rise_celsius_per_hour=3)
    await take(world, *(measured(-22 + 0.07 * (26 - minute), ago(minutes=minute)) for minute in range(26, 0, -2)))
    await _all_slices(world)
    row = await unit_row(world, store.unit_id)
    assert float(row.trend_celsius_per_hour or 0) == pytest.approx(4.2, abs=0.05)
    assert 0 < float(row.trend_error_celsius_per_hour or 0) < 0.5
    assert float((await open_alerts(world))["rapid_rise"].actual_value or 0) == pytest.approx(4.2, abs=0.05)
    await take(world, measured(-22, ago(seconds=30)), measured(-23, ago(seconds=1)))
    await _all_slices(world)
    assert (await unit_row(world, store.unit_id)).trend_celsius_per_hour is None
    assert await open_alerts(world) == {}


async def test_a_rise_that_slows_down_is_over_although_nobody_kept_its_trend(world: World, store: ColdStore) -> None:
    await rule(world, store.unit_id, rise_celsius_per_hour=3, temperature_max_celsius=90)
    await take(world, *(measured(-22 + 0.07 * (56 - minute), ago(minutes=minute)) for minute in range(56, 30, -2)))
    await _all_slices(world)
    assert set(await open_alerts(world)) == {"rapid_rise"}
    slow = [(minute, -20.2 + 0.051 * (30 - minute) + (0.25 if minute % 4 else -0.25)) for minute in range(30, 0, -2)]
    await take(world, *(measured(celsius, ago(minutes=minute)) for minute, celsius in slow))
    await _all_slices(world)
    assert set(await open_alerts(world)) == {"rapid_rise"} and (await unit_row(world, store.unit_id)).trend_celsius_per_hour is None
    await take(world, *(measured(-20.2 + 0.051 * minute, ago(minutes=minute)) for minute in range(29, 0, -2)))
    await _all_slices(world)
    assert await open_alerts(world) == {}


async def _all_slices(world: World) -> None:
    at = now()
    async with across_tenants("tests") as tx:
        found = await sweep.sloping(tx, at, states.RISE, slice=0, slices=1)
    for organization_id, courses in found.items():
        async with transaction(Actor.system(organization_id, "tests")) as tx:
            await states.note_trends(tx, courses, at)


async def test_of_a_unit_that_goes_up_and_down_no_trend_is_kept(world: World, store: ColdStore) -> None:
    wave = [(-20 + 0.6 * abs((minute % 24) - 12) / 12) for minute in range(30)]
    await take(world, *(measured(celsius, ago(minutes=30 - minute)) for minute, celsius in enumerate(wave)))
    await _all_slices(world)
    assert (await unit_row(world, store.unit_id)).trend_celsius_per_hour is None


async def test_each_unit_has_its_minute_in_five_in_which_its_trend_is_drawn(world: World, store: ColdStore) -> None:
    await take(world, *(measured(-22 + 0.07 * (26 - minute), ago(minutes=minute)) for minute in range(26, 0, -2)))
    drawn = []
    for minute in range(SLICES):
        at = now() + timedelta(minutes=minute)
        await draw_trends(at)
        has_trend = (await unit_row(world, store.unit_id)).trend_celsius_per_hour is not None
        drawn.append((has_trend, at.minute % SLICES == store.unit_id.bytes[15] % SLICES))
    assert [has for has, _ in drawn] == [any(is_its for _, is_its in drawn[: n + 1]) for n in range(SLICES)]
    assert drawn[-1][0]


async def test_each_kind_of_trouble_is_one_question_over_all_organizations_and_no_more(world: World, store: ColdStore) -> None:
    theirs = await cold_store(world.stranger, name="Theirs")
    for number in range(5):
        await another_unit(world.owner, store, name=f"Room {number}", eui=f"0004A30B001D000{number}")
    assert theirs.unit_id
    with statements() as seen:
        await judge_by_the_clock()
    asked = [statement for statement in seen if statement.lstrip().lower().startswith("select")]
    assert len(asked) == len(states.KINDS)


async def test_the_clock_tells_nobody_of_what_happened_next_door(world: World, store: ColdStore) -> None:
    await take(world, measured(-20, ago(minutes=60)))
    await judge_by_the_clock()
    async with transaction(world.stranger) as tx:
        assert await alerts.open_of(tx, [store.unit_id]) == []


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])])
def test_many_things_go_in_portions(count: int, sizes: list[int]) -> None:
    found = list(portions(range(count), 3))
    assert [len(one) for one in found] == sizes and [n for one in found for n in one] == list(range(count))


async def test_what_fails_in_one_organization_keeps_no_other_waiting_and_is_known(world: World) -> None:
    done: list[UUID | None] = []

    async def follow(tx: Transaction, things: Sequence[int]) -> None:
        if tx.organization_id == world.organization_id:
            raise RuntimeError("this one is broken")
        done.append(tx.organization_id)

    with pytest.raises(ExceptionGroup) as failed:
        await in_portions("tests", {world.organization_id: [1], world.other.id: [2]}, follow)
    assert done == [world.other.id] and [str(one) for one in failed.value.exceptions] == ["this one is broken"]


async def test_an_alarm_that_lasts_too_long_is_told_once_more(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    async def count() -> int:
        row = owner_connection.execute("select count(*) from alerts.decisions where decision in ('told', 'not_told')").fetchone()
        return row[0] if row else 0

    async def lasts() -> None:
        await judge_by_the_clock()
        async with transaction(Actor.system(world.organization_id, "tests")) as tx:
            await climb(tx, at=now())

    await take(world, measured(-10, ago(minutes=70)), measured(-10, ago(minutes=55)), measured(-9, ago(minutes=2)))
    first = await count()
    await lasts()
    assert await count() > first
    twice = await count()
    await lasts()
    assert await count() == twice
