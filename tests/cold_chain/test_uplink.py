"""A batch of messages on its way through the flow, and what the clock does when none come."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, event
from sqlmodel import select

from data.alerts import queries as alerts
from data.alerts.tables import Alert, AlertStatus
from data.cold_chain.commands import places, rules, states
from data.cold_chain.queries import points, sweep, units
from data.cold_chain.queries.units import UnitView
from data.cold_chain.values import Measurement, UnitMeasurement, UnitStatus
from data.core.actor import Actor
from data.core.bus import bus
from data.core.errors import NotFound, Refusal
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.flows import uplink
from data.flows.uplink import Fate, Outcome
from data.notifications.tables import Notification
from jobs.cold_chain import judge_by_the_clock
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, measured
from tests.factories.people import World


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def take(world: World, *messages: Measurement) -> list[Outcome]:
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        return [o for o in await uplink.store(tx, messages) if isinstance(o, Outcome)]


async def look(world: World, unit_id: UUID) -> UnitView:
    async with transaction(world.colleague) as tx:
        return await units.unit(tx, unit_id)


async def open_kinds(world: World, unit_id: UUID) -> list[str]:
    async with transaction(world.colleague) as tx:
        return sorted(a.alert_type for a in await alerts.open_of(tx, [unit_id]))


def ago(**since: float) -> datetime:
    return now() - timedelta(**since)


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_batch_takes_as_many_statements_however_many_messages_and_units_it_has(world: World, store: ColdStore) -> None:
    euis = [f"0004A30B001D{number:04X}" for number in range(30)]
    for number, eui in enumerate(euis):
        await another_unit(world.owner, store, name=f"Room {number}", eui=eui)

    def messages(some: Sequence[str], start: datetime) -> list[Measurement]:
        steps = [(0, -20.0), (5, -10.0), (16, -9.0)]
        return [measured(c, start + timedelta(minutes=m), eui, door_is_open=c > -15) for m, c in steps for eui in some]

    async def count(some: Sequence[str], start: datetime) -> int:
        async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
            with statements() as seen:
                await uplink.store(tx, [*messages(some, start), measured(1, start, f"FFFF{len(some):012X}")])
            return len(seen)

    few = await count(euis[:1], ago(hours=1))
    many = await count(euis[1:], ago(hours=1))
    assert few == many and few < 15


async def test_readings_are_judged_in_the_order_they_were_measured_not_the_order_they_came(world: World, store: ColdStore) -> None:
    start = ago(minutes=40)
    story = [(20, -20), (10, -10), (0, -10), (15, -20)]
    outcomes = await take(world, *(measured(c, start + timedelta(minutes=m)) for m, c in story))
    assert {o.fate for o in outcomes} == {Fate.STORED}
    assert (await look(world, store.unit_id)).status is UnitStatus.OK
    async with transaction(world.owner) as tx:
        (alert,) = (await tx.exec(select(Alert))).all()
        told = (await tx.exec(select(Notification))).all()
    assert (alert.triggered_at, alert.resolved_at) == (start + timedelta(minutes=10), start + timedelta(minutes=15))
    assert told == [], "nobody is woken for what is over"


async def test_everybody_who_may_see_it_is_told_of_an_alert_once(world: World, store: ColdStore) -> None:
    start = ago(minutes=30)
    await take(world, *(measured(-5, start + timedelta(minutes=m)) for m in (0, 5, 10, 15, 20)))
    async with transaction(world.owner) as tx:
        told = (await tx.exec(select(Notification.user_id))).all()
    assert set(told) == {world.owner.user_id, world.colleague.user_id, world.viewer.user_id} and len(told) == 3


async def test_repeats_within_a_batch_and_across_batches_are_kept_once(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    at = ago(minutes=3)
    fates = [o.fate for o in await take(world, measured(-20, at), measured(-20, at), measured(-19, at - timedelta(minutes=1)))]
    assert sorted(fates) == [Fate.REPEATED, Fate.STORED, Fate.STORED]
    again = await take(world, measured(-20, at), measured(-19, at - timedelta(minutes=1)), measured(-18, at - timedelta(minutes=2)))
    assert [o.fate for o in again] == [Fate.REPEATED, Fate.REPEATED, Fate.LATE]
    assert owner_connection.execute("select count(*) from cold_chain.sensor_readings").fetchone() == (3,)


async def test_only_the_primary_sensor_speaks_for_the_unit_and_the_other_is_recorded_beside_it(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await places.create_sensor(tx, store.unit_id, device_eui="0004A30B001C0AAA", name="Lid")
    at = ago(minutes=2)
    await take(world, measured(-20, at), measured(30, at + timedelta(seconds=1), "0004A30B001C0AAA"))
    assert (await look(world, store.unit_id)).last_celsius == -20
    async with transaction(world.colleague) as tx:
        drawn = await points.points(tx, store.unit_id, ago(hours=1), now())
    assert sorted(p.celsius.tolist() for p in drawn) == [[-20.0], [30.0]]


async def test_a_door_is_noted_when_it_moves_with_how_long_it_had_been_the_other_way(world: World, store: ColdStore) -> None:
    start = ago(minutes=20)
    for minute, is_open in [(0, False), (1, True), (2, True), (4, False)]:
        await take(world, measured(-20, start + timedelta(minutes=minute), door_is_open=is_open))
    await take(world, measured(-20, start + timedelta(minutes=3), door_is_open=True))
    async with transaction(world.colleague) as tx:
        moved = await points.doors(tx, store.unit_id, ago(hours=1), now())
    assert [(d.is_open, d.duration_s) for d in moved] == [(False, 180), (True, 60), (False, None)]
    assert (await look(world, store.unit_id)).door_is_open is False


async def test_each_step_from_state_to_state_is_in_the_event_log(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    start = ago(minutes=40)
    await take(world, *(measured(c, start + timedelta(minutes=m)) for m, c in [(0, -5), (10, -5), (15, -20), (20, -20)]))
    steps = owner_connection.execute(
        "select event_data->>'before', event_data->>'after' from audit.event_logs"
        " where event_type = 'cold_chain.units.state_changed' order by sequence"
    ).fetchall()
    assert steps == [("ok", "excursion"), ("excursion", "alarm_active"), ("alarm_active", "restoring"), ("restoring", "ok")]


async def test_an_open_screen_of_the_unit_hears_of_its_reading(world: World, store: ColdStore, until: Callable[..., Any]) -> None:
    from data.cold_chain.events import UnitChanged

    heard: list[str] = []
    stop = bus.topic(UnitChanged, world.organization_id, unit_id=store.unit_id).subscribe(lambda: heard.append("changed"))
    await take(world, measured(-20, ago(minutes=1)))
    await until(lambda: heard)
    stop()
    assert set(heard) == {"changed"}


async def test_trouble_that_nobody_reports_on_becomes_an_alert_by_the_clock(world: World, store: ColdStore) -> None:
    await take(world, measured(-10, ago(minutes=11)))
    assert (await look(world, store.unit_id)).status is UnitStatus.EXCURSION
    assert await open_kinds(world, store.unit_id) == []
    await judge_by_the_clock()
    assert (await look(world, store.unit_id)).status is UnitStatus.ALARM_ACTIVE
    assert await open_kinds(world, store.unit_id) == ["temp_excursion"]
    await judge_by_the_clock()
    assert await open_kinds(world, store.unit_id) == ["temp_excursion"]


async def test_a_rule_with_a_shorter_delay_is_heeded_by_the_clock_too(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await rules.set_rule(tx, changes={"delay_minutes": 2})
    await take(world, measured(-10, ago(minutes=3)))
    await judge_by_the_clock()
    assert await open_kinds(world, store.unit_id) == ["temp_excursion"]


@pytest.mark.parametrize(
    ("minutes", "status", "kinds"),
    [
        (5, UnitStatus.OK, []),
        (6, UnitStatus.OFFLINE, []),
        (25, UnitStatus.OFFLINE, []),
        (26, UnitStatus.MONITORING_INTERRUPTED, ["monitoring_interrupted"]),
    ],
)
async def test_a_silent_sensor_is_offline_and_after_five_missed_check_ins_an_alert(
    world: World, store: ColdStore, minutes: int, status: UnitStatus, kinds: list[str]
) -> None:
    await take(world, measured(-20, ago(minutes=minutes)))
    await judge_by_the_clock()
    assert (await look(world, store.unit_id)).status is status
    assert await open_kinds(world, store.unit_id) == kinds


async def test_a_sensor_that_comes_back_ends_its_alert_and_the_unit_is_in_order_after_two_good_readings(
    world: World, store: ColdStore
) -> None:
    await take(world, measured(-20, ago(minutes=60)))
    await judge_by_the_clock()
    await take(world, measured(-20, ago(minutes=2)))
    assert (await look(world, store.unit_id)).status is UnitStatus.RESTORING
    assert await open_kinds(world, store.unit_id) == []
    await take(world, measured(-20, ago(minutes=1)))
    assert (await look(world, store.unit_id)).status is UnitStatus.OK


async def test_a_late_reading_does_not_end_a_silence(world: World, store: ColdStore) -> None:
    await take(world, measured(-20, ago(minutes=60)))
    await judge_by_the_clock()
    await take(world, measured(-20, ago(minutes=90)))
    assert await open_kinds(world, store.unit_id) == ["monitoring_interrupted"]


async def test_too_warm_then_silent_keeps_both_alerts_until_each_has_reason_to_end(world: World, store: ColdStore) -> None:
    await take(world, measured(-10, ago(minutes=60)), measured(-10, ago(minutes=50)))
    await judge_by_the_clock()
    assert await open_kinds(world, store.unit_id) == ["monitoring_interrupted", "temp_excursion"]
    await take(world, measured(-10, ago(minutes=3)))
    assert await open_kinds(world, store.unit_id) == ["temp_excursion"]
    await take(world, measured(-21, ago(minutes=2)))
    assert await open_kinds(world, store.unit_id) == []


async def test_the_clock_judges_every_organization_and_leaves_units_alone_that_never_spoke(world: World, store: ColdStore) -> None:
    theirs = await cold_store(world.stranger, name="Theirs")
    quiet = await another_unit(world.owner, store, name="Empty", eui="0004A30B001C0BBB")
    await take(world, measured(-20, ago(minutes=60)))
    async with transaction(Actor.machine(world.other.id, "feed")) as tx:
        await uplink.store(tx, [measured(-20, ago(minutes=60))])
    async with across_tenants("tests") as tx:
        assert dict(await sweep.states(tx, now())) == {world.organization_id: [store.unit_id], world.other.id: [theirs.unit_id]}
    await judge_by_the_clock()
    assert await open_kinds(world, store.unit_id) == ["monitoring_interrupted"]
    assert (await look(world, quiet)).status is UnitStatus.OK
    async with transaction(world.stranger) as tx:
        assert [a.alert_type for a in await alerts.open_of(tx, [theirs.unit_id])] == ["monitoring_interrupted"]


async def test_the_clock_finds_nothing_to_do_in_a_unit_it_has_just_judged(world: World, store: ColdStore) -> None:
    await take(world, measured(-20, ago(minutes=60)))
    await judge_by_the_clock()
    async with across_tenants("tests") as tx:
        assert await sweep.states(tx, now()) == {}
    async with transaction(Actor.system(world.organization_id, "tests")) as tx:
        assert list(await states.pass_time(tx, [store.unit_id], now())) == []


async def test_an_alert_closed_by_hand_leaves_the_unit_as_it_is(world: World, store: ColdStore) -> None:
    from data.alerts.commands import resolve

    await take(world, measured(-5, ago(minutes=20)), measured(-5, ago(minutes=5)))
    async with transaction(world.owner) as tx:
        (alert,) = await alerts.open_of(tx, [store.unit_id])
        await resolve(tx, alert.id, because="We are defrosting.")
    assert (await look(world, store.unit_id)).status is UnitStatus.ALARM_ACTIVE
    async with transaction(world.owner) as tx:
        assert (await tx.get_one(Alert, alert.id)).status is AlertStatus.RESOLVED


async def test_another_system_tells_units_by_id_and_is_refused_what_is_not_ours(world: World, store: ColdStore) -> None:
    theirs = await cold_store(world.stranger, name="Theirs")
    at = ago(minutes=2)

    def told(unit_id: UUID, device_id: UUID | None = None, *, minutes: int = 0) -> UnitMeasurement:
        return UnitMeasurement(unit_id, at + timedelta(minutes=minutes), at, -20.0, device_id)

    async with transaction(Actor.machine(world.organization_id, "api")) as tx:
        outcomes = await uplink.store_of_units(
            tx,
            [
                told(store.unit_id), told(store.unit_id), told(store.unit_id, store.sensor_id, minutes=1),
                told(theirs.unit_id), told(store.unit_id, theirs.sensor_id),
            ],
        )  # fmt: skip
    assert [o.fate if isinstance(o, Outcome) else type(o) for o in outcomes] == [
        Fate.STORED, Fate.REPEATED, Fate.STORED, NotFound, NotFound,
    ]  # fmt: skip
    assert all(isinstance(o, Outcome | Refusal) for o in outcomes)
    assert (await look(world, store.unit_id)).last_reading_at == at + timedelta(minutes=1)


async def test_two_writers_with_the_same_readings_both_finish_and_each_is_kept_once(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    messages = [measured(-20, ago(minutes=minute)) for minute in range(60, 0, -1)]
    outcomes = await asyncio.gather(take(world, *messages), take(world, *reversed(messages)), take(world, *messages))
    assert owner_connection.execute("select count(*) from cold_chain.sensor_readings").fetchone() == (60,)
    assert sum(o.fate is Fate.REPEATED for batch in outcomes for o in batch) == 120
    assert (await look(world, store.unit_id)).last_reading_at == messages[-1].recorded_at


async def test_a_door_seen_by_one_sensor_is_not_moved_back_by_what_another_said_before(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await places.create_sensor(tx, store.unit_id, device_eui="0004A30B001C0AAA", name="Door")
    at = ago(minutes=5)
    await take(world, measured(-20, at + timedelta(seconds=30)))
    await take(world, measured(None, at, "0004A30B001C0AAA", door_is_open=True))
    assert (await look(world, store.unit_id)).door_is_open is True
    await take(world, measured(None, at - timedelta(minutes=1), door_is_open=False))
    assert (await look(world, store.unit_id)).door_is_open is True
