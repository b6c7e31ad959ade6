"""What the clock alone makes of units: open doors, failing cooling, low cells, silence of one and of many."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from data.alerts import queries as alerts
from data.alerts.tables import Severity
from data.cold_chain.commands import states
from data.cold_chain.queries import sweep
from data.cold_chain.values import UnitStatus
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.time import now
from jobs.cold_chain import SLICES, draw_trends, judge_by_the_clock, portions
from tests.cold_chain.stories import ago, open_alerts, put, rule, take, told, unit_row
from tests.cold_chain.test_uplink import statements
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, measured
from tests.factories.people import World


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def more_units(world: World, store: ColdStore, count: int) -> list[tuple[UUID, str]]:
    made = [(store.unit_id, store.eui)]
    for number in range(1, count):
        eui = f"0004A30B001D{number:04X}"
        made.append((await another_unit(world.owner, store, name=f"Freezer {number + 1}", eui=eui), eui))
    return made


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


async def test_after_so_long_without_any_measuring_somebody_must_measure_by_hand(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await take(world, measured(-20, ago(hours=3.9)))
    await judge_by_the_clock()
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.MONITORING_INTERRUPTED
    first = (await open_alerts(world))["monitoring_interrupted"]
    assert first.severity is Severity.WARNING
    put(owner_connection, store.unit_id, last_reading_at=ago(hours=4.1))
    await judge_by_the_clock()
    found = await open_alerts(world)
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.MANUAL_REQUIRED
    assert {kind: alert.severity for kind, alert in found.items()} == {
        "monitoring_interrupted": Severity.CRITICAL, "missed_manual_entry": Severity.WARNING,
    }  # fmt: skip
    assert found["monitoring_interrupted"].id == first.id


async def test_a_temperature_written_by_hand_ends_the_demand_and_not_the_silence(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await take(world, measured(-20, ago(hours=5)))
    await judge_by_the_clock()
    assert "missed_manual_entry" in await open_alerts(world)
    put(owner_connection, store.unit_id, last_manual_log_at=ago(minutes=1))
    async with transaction(world.colleague) as tx:
        await states.note_manual_logs(tx, [store.unit_id], now())
    assert set(await open_alerts(world)) == {"monitoring_interrupted"}
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.MONITORING_INTERRUPTED
    await judge_by_the_clock()
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.MONITORING_INTERRUPTED


async def test_a_temperature_written_hours_ago_and_sent_now_does_not_end_the_demand(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await take(world, measured(-20, ago(hours=9)))
    put(owner_connection, store.unit_id, last_manual_log_at=ago(hours=5))
    await judge_by_the_clock()
    async with transaction(world.colleague) as tx:
        await states.note_manual_logs(tx, [store.unit_id], now())
    assert "missed_manual_entry" in await open_alerts(world)


async def test_the_sensors_return_ends_the_demand_too(world: World, store: ColdStore) -> None:
    await take(world, measured(-20, ago(hours=5)))
    await judge_by_the_clock()
    await take(world, measured(-20, ago(minutes=1)))
    assert await open_alerts(world) == {}
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.RESTORING


async def test_a_unit_that_is_to_be_measured_by_hand_asks_for_it_whatever_its_sensor_says(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    put(
        owner_connection, store.unit_id, is_manual_monitoring_required=True, manual_monitoring_interval_minutes=60,
        last_manual_log_at=ago(minutes=59), created_at=ago(days=3),
    )  # fmt: skip
    await take(world, measured(-20, ago(minutes=1)))
    await judge_by_the_clock()
    assert await open_alerts(world) == {}
    put(owner_connection, store.unit_id, last_manual_log_at=ago(minutes=61))
    await judge_by_the_clock()
    assert set(await open_alerts(world)) == {"missed_manual_entry"}
    await take(world, measured(-20, ago(seconds=1)))
    assert set(await open_alerts(world)) == {"missed_manual_entry"}
    put(owner_connection, store.unit_id, last_manual_log_at=now())
    async with transaction(world.colleague) as tx:
        await states.note_manual_logs(tx, [store.unit_id], now())
    assert await open_alerts(world) == {}


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


async def silence(world: World, these: Sequence[tuple[UUID, str]], *minutes: float) -> None:
    """Each was heard for the last time so many minutes ago."""
    await take(world, *(measured(-20, ago(minutes=m), eui) for (_, eui), m in zip(these, minutes, strict=True)))


async def test_three_units_of_a_site_that_fall_silent_at_once_are_one_alert_of_the_site(world: World, store: ColdStore) -> None:
    these = await more_units(world, store, 4)
    await silence(world, these, 26, 27, 29, 1)
    await judge_by_the_clock()
    site = await open_alerts(world, store.site_id)
    assert site["site_outage"].severity is Severity.CRITICAL and site["site_outage"].message_values["count"] == 3
    for unit_id, _ in these[:3]:
        (alert,) = (await open_alerts(world, unit_id)).values()
        assert (alert.alert_type, alert.parent_id) == ("monitoring_interrupted", site["site_outage"].id)
    assert await told(world) == ["site_outage"]


async def test_units_that_are_lost_one_after_the_other_are_alerts_of_their_own(world: World, store: ColdStore) -> None:
    these = await more_units(world, store, 4)
    await silence(world, these, 27, 60, 120, 1)
    await judge_by_the_clock()
    assert await open_alerts(world, store.site_id) == {}
    assert await told(world) == ["monitoring_interrupted"]


async def test_all_units_of_a_small_site_are_an_outage_and_two_of_three_are_not(world: World, store: ColdStore) -> None:
    these = await more_units(world, store, 2)
    await silence(world, these, 26, 27)
    await judge_by_the_clock()
    assert set(await open_alerts(world, store.site_id)) == {"site_outage"}
    small = await cold_store(world.owner, name="Harbour", eui="0004A30B00AA0000")
    others = [(small.unit_id, small.eui)]
    for number in (1, 2):
        eui = f"0004A30B00AA000{number}"
        others.append((await another_unit(world.owner, small, name=f"Cooler {number}", eui=eui), eui))
    await silence(world, others, 26, 27, 1)
    await judge_by_the_clock()
    assert await open_alerts(world, small.site_id) == {}


async def test_a_unit_that_is_found_silent_later_joins_the_outage_it_belongs_to(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    these = await more_units(world, store, 5)
    await silence(world, these, 26, 26, 26, 23, 1)
    await judge_by_the_clock()
    outage = (await open_alerts(world, store.site_id))["site_outage"]
    assert outage.message_values["count"] == 4 and await open_alerts(world, these[3][0]) == {}
    put(owner_connection, these[3][0], last_reading_at=ago(minutes=26))
    await judge_by_the_clock()
    (late,) = (await open_alerts(world, these[3][0])).values()
    assert late.parent_id == outage.id and await told(world) == ["site_outage"]


async def test_an_alert_from_before_anybody_could_know_is_put_below_the_outage(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    these = await more_units(world, store, 3)
    await rule(world, these[0][0], expected_reading_interval_s=60)
    await silence(world, these, 7, 8, 9)
    await judge_by_the_clock()
    (first,) = (await open_alerts(world, these[0][0])).values()
    assert first.parent_id is None
    for unit_id, _ in these[1:]:
        put(owner_connection, unit_id, last_reading_at=ago(minutes=27))
    put(owner_connection, these[0][0], last_reading_at=ago(minutes=25))
    await judge_by_the_clock()
    outage = (await open_alerts(world, store.site_id))["site_outage"]
    assert (await open_alerts(world, these[0][0]))["monitoring_interrupted"].parent_id == outage.id


async def test_an_outage_ends_when_its_units_are_heard_again_and_a_straggler_is_told_by_itself(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    these = await more_units(world, store, 4)
    await silence(world, these, 26, 27, 28, 26)
    await judge_by_the_clock()
    await silence(world, these[:3], 1, 1, 1)
    await judge_by_the_clock()
    assert "site_outage" in await open_alerts(world, store.site_id)
    owner_connection.execute("update alerts.alerts set resolved_at = resolved_at - interval '16 minutes' where status = 'resolved'")
    await judge_by_the_clock()
    assert await open_alerts(world, store.site_id) == {}
    (left,) = (await open_alerts(world, these[3][0])).values()
    assert left.parent_id is None
    await silence(world, these[3:], 0.5)
    assert await open_alerts(world) == {}


async def test_an_outage_of_which_everybody_is_back_ends_at_the_next_minute(world: World, store: ColdStore) -> None:
    these = await more_units(world, store, 3)
    await silence(world, these, 26, 27, 28)
    await judge_by_the_clock()
    await silence(world, these, 1, 1, 1)
    await judge_by_the_clock()
    assert await open_alerts(world) == {}


async def test_a_message_that_was_long_on_its_way_does_not_end_a_silence(world: World, store: ColdStore) -> None:
    await take(world, measured(-20, ago(hours=3)))
    await judge_by_the_clock()
    await take(world, measured(-10, ago(hours=2)))
    row = await unit_row(world, store.unit_id)
    assert row.status is UnitStatus.MONITORING_INTERRUPTED and row.out_of_range_since_at is not None
    assert "monitoring_interrupted" in await open_alerts(world)
    await take(world, measured(-20, ago(minutes=2)))
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.RESTORING


@pytest.mark.parametrize(
    ("said", "minutes", "status"),
    [
        ({"offline_trigger_multiplier": 3}, 16, UnitStatus.OK),
        ({"offline_trigger_multiplier": 3}, 17.1, UnitStatus.OFFLINE),
        ({"offline_trigger_additional_minutes": 0}, 9.9, UnitStatus.OK),
        ({"offline_trigger_additional_minutes": 0}, 10.1, UnitStatus.OFFLINE),
        ({"offline_trigger_multiplier": 1, "offline_trigger_additional_minutes": 1}, 6.1, UnitStatus.OFFLINE),
        ({"offline_warning_missed_checkins": 2}, 10.4, UnitStatus.OK),
        ({"offline_warning_missed_checkins": 2}, 10.6, UnitStatus.OFFLINE),
    ],
)
async def test_when_a_sensor_is_late_may_be_said_in_missed_check_ins_or_the_older_way(
    world: World, store: ColdStore, said: dict[str, float], minutes: float, status: UnitStatus
) -> None:
    await rule(world, store.unit_id, **said)
    await take(world, measured(-20, ago(minutes=minutes)))
    await judge_by_the_clock()
    assert (await unit_row(world, store.unit_id)).status is status


async def test_a_broken_sensor_is_an_alert_until_it_measures_again(world: World, store: ColdStore) -> None:
    await take(world, measured(-20, ago(minutes=9)))
    await take(world, measured(None, ago(minutes=5), fault="disconnected"))
    found = await open_alerts(world, store.unit_id)
    assert found["sensor_fault"].severity is Severity.CRITICAL
    await take(world, measured(-20, ago(minutes=1)))
    assert await open_alerts(world) == {}


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


async def _all_slices(world: World) -> None:
    at = now()
    async with across_tenants("tests") as tx:
        found = await sweep.sloping(tx, at, slice=0, slices=1)
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
    await more_units(world, store, 6)
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
