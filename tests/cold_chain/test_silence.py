"""What the clock makes of silence: of one unit, of many at once, and of people who were to measure by hand."""

from collections.abc import Sequence
from uuid import UUID

import psycopg
import pytest

from data.alerts.tables import Severity
from data.cold_chain.commands import states
from data.cold_chain.values import UnitStatus
from data.core.session import transaction
from data.core.time import now
from jobs.cold_chain import judge_by_the_clock
from tests.cold_chain.stories import ago, open_alerts, put, rule, take, told, unit_row
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
