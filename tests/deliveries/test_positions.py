import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import psycopg
import pytest

from data.core.actor import Actor, ActorKind
from data.core.bus import Heard, bus
from data.core.session import across_tenants, transaction
from data.deliveries import commands, queries, rules
from data.deliveries.commands.positions import NAMED_AT_MOST
from data.deliveries.queries.places import AVAILABILITIES
from data.deliveries.tables import ActiveDriverLocation
from data.deliveries.values import Availability, Kept, Report
from tests.factories.deliveries import START, OnTheRoad, driver, report, shipment
from tests.factories.people import World


def phones(world: World) -> Actor:
    return Actor(kind=ActorKind.MACHINE, organization_id=world.organization_id, name="phones")


async def until(condition: Callable[[], bool]) -> None:
    """Events arrive in the order of their commits, a moment later."""
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def record(world: World, *reports: Report) -> list[Kept]:
    async with transaction(phones(world)) as tx:
        return await commands.record_fixes(tx, reports)


async def position(world: World, of: OnTheRoad) -> ActiveDriverLocation | None:
    async with transaction(world.owner) as tx:
        return (await queries.driver_seen(tx, of.id)).position


async def test_a_fix_is_kept_with_all_it_says_and_moves_the_driver(world: World) -> None:
    dara = await driver(world.owner)
    fix = report(
        dara.device.id, latitude=11.57, longitude=104.93, speed_mps=8.5, heading_deg=270.0, battery_percent=81.0
    )
    assert await record(world, fix) == [Kept.STORED]
    async with transaction(world.colleague) as tx:
        (kept,) = await queries.last_positions(tx, dara.id)
        seen = await queries.driver_seen(tx, dara.id)
    assert (kept.latitude, kept.longitude, kept.speed_mps, kept.heading_deg, kept.battery_percent) == (
        11.57,
        104.93,
        8.5,
        270,
        81,
    )
    assert kept.recorded_at == START and kept.is_accurate
    assert seen.position is not None and seen.position.latitude == 11.57
    assert seen.availability is Availability.AVAILABLE


async def test_the_same_fix_twice_is_kept_once(world: World) -> None:
    dara = await driver(world.owner)
    fix = report(dara.device.id)
    assert await record(world, fix, fix) == [Kept.STORED, Kept.REPEATED]
    assert await record(world, fix) == [Kept.REPEATED]
    async with transaction(world.owner) as tx:
        assert len(await queries.last_positions(tx, dara.id)) == 1


async def test_a_late_fix_is_kept_and_does_not_move_the_driver_back(world: World) -> None:
    dara = await driver(world.owner)
    await record(world, report(dara.device.id, after_s=600, latitude=11.6))
    assert await record(world, report(dara.device.id, after_s=60, latitude=11.5)) == [Kept.STORED]
    found = await position(world, dara)
    assert found is not None and found.latitude == 11.6
    async with transaction(world.owner) as tx:
        assert [p.latitude for p in await queries.last_positions(tx, dara.id)] == [11.6, 11.5]


async def test_a_bad_fix_is_kept_marked_and_left_out_of_decisions(world: World) -> None:
    dara = await driver(world.owner)
    await record(world, report(dara.device.id), report(dara.device.id, after_s=10, accuracy_m=900.0, latitude=12.0))
    found = await position(world, dara)
    assert found is not None and found.latitude == 11.5696
    async with transaction(world.owner) as tx:
        assert [p.is_accurate for p in await queries.last_positions(tx, dara.id)] == [False, True]
        assert [d for d, _ in await queries.nearest_drivers(tx, 11.57, 104.92)] == [dara.id]
    await record(world, report(dara.device.id, after_s=300, accuracy_m=None, latitude=12.0))
    found = await position(world, dara)
    assert found is not None and (found.latitude, found.is_accurate) == (12.0, False)
    async with transaction(world.owner) as tx:
        assert await queries.nearest_drivers(tx, 11.57, 104.92) == []


async def test_an_impossible_speed_is_clamped(world: World) -> None:
    dara = await driver(world.owner)
    await record(world, report(dara.device.id, speed_mps=500.0))
    found = await position(world, dara)
    assert found is not None and found.speed_mps == rules.FASTEST_MPS


async def test_the_database_moves_a_driver_as_the_rule_does(world: World) -> None:
    """Whatever the order and however cut into batches, the fix that leads is the one that the rule says."""
    chance = random.Random(7)
    for number in range(12):
        one = await driver(world.owner, f"Driver {number}")
        fixes = [
            report(one.device.id, after_s=chance.choice((0, 30, 90, 150, 200, 400)) + n / 100, latitude=10 + n / 10,
                   accuracy_m=chance.choice((8.0, 8.0, 500.0, None)))
            for n in range(10)
        ]  # fmt: skip
        chance.shuffle(fixes)
        cuts = sorted(chance.sample(range(1, 10), 2))
        leader = None
        for batch in (fixes[: cuts[0]], fixes[cuts[0] : cuts[1]], fixes[cuts[1] :]):
            await record(world, *batch)
            for newer in sorted(batch, key=lambda r: r.fix.recorded_at):
                if leader is None or rules.takes_the_place_of(newer.fix, leader):
                    leader = newer.fix
        found = await position(world, one)
        assert leader is not None and found is not None and found.latitude == leader.latitude


async def test_a_batch_of_many_drivers_is_one_event_without_names_and_few_are_named(world: World) -> None:
    drivers = [await driver(world.owner, f"Driver {n}") for n in range(NAMED_AT_MOST + 1)]
    heard: list[Heard] = []
    stop = bus.listen("DriverMoved", str(world.organization_id), heard.append)
    await record(world, *(report(d.device.id) for d in drivers))
    await record(world, *(report(d.device.id, after_s=60) for d in drivers[:2]))
    await until(lambda: len(heard) >= 3)
    stop()
    assert heard[0].ids == {}
    assert {h.ids["driver_id"] for h in heard[1:]} == {str(d.id) for d in drivers[:2]}


async def test_nothing_is_announced_when_nobody_moved(world: World) -> None:
    dara, sok = await driver(world.owner), await driver(world.owner, "Sok")
    heard: list[str] = []
    stop = bus.listen("DriverMoved", str(world.organization_id), lambda h: heard.append(h.ids["driver_id"]))
    await record(world, report(dara.device.id, after_s=600))
    await record(world, report(dara.device.id, after_s=60))
    await record(world, report(sok.device.id))
    await until(lambda: str(sok.id) in heard)
    stop()
    assert heard == [str(dara.id), str(sok.id)]


async def test_a_phone_that_was_taken_away_is_noted_as_a_stranger(
    world: World, owner_connection: psycopg.Connection
) -> None:
    dara, sok = await driver(world.owner), await driver(world.owner, "Sok")
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, dara.device.id)
    outcomes = await record(world, report(dara.device.id), report(sok.device.id))
    assert outcomes == [Kept.UNKNOWN_DEVICE, Kept.STORED]
    strangers = owner_connection.execute("select network, identifier, message_count from platform.unknown_devices")
    assert strangers.fetchall() == [("deliveries", str(dara.device.id), 1)]


async def test_one_organizations_phone_cannot_speak_for_anothers_driver(world: World) -> None:
    sams = await driver(world.stranger, "Sam's own")
    assert await record(world, report(sams.device.id)) == [Kept.UNKNOWN_DEVICE]
    async with transaction(world.stranger) as tx:
        assert (await queries.driver_seen(tx, sams.id)).position is None


async def test_a_silent_phone_takes_its_driver_off_the_road_until_it_speaks_again(world: World) -> None:
    dara, sams = await driver(world.owner), await driver(world.stranger, "Sam's own")
    parcel = await shipment(world.owner)
    async with transaction(world.owner) as tx:
        await commands.assign(tx, parcel.id, driver_id=dara.id)
    await record(world, report(dara.device.id))

    async def availability() -> Availability:
        async with transaction(world.owner) as tx:
            return (await queries.driver_seen(tx, dara.id)).availability

    assert await availability() is Availability.ON_DELIVERY
    for silence, expected in ((timedelta(minutes=9), 0), (timedelta(minutes=11), 1)):
        async with across_tenants("test") as tx:
            assert await commands.end_silent_sessions(tx, at=START + silence) == expected
    assert await availability() is Availability.OFFLINE
    await record(world, report(dara.device.id, after_s=-100, received_after_s=1200))
    assert await availability() is Availability.ON_DELIVERY
    async with transaction(world.stranger) as tx:
        assert (await queries.driver_seen(tx, sams.id)).availability is Availability.OFFLINE


async def test_all_places_come_packed_in_one_row_of_the_own_organization_only(world: World) -> None:
    dara, sok = await driver(world.owner), await driver(world.owner, "Sok")
    sams = await driver(world.stranger, "Sam's own")
    await driver(world.owner, "Never heard of")
    await record(world, report(dara.device.id, latitude=-11.5696004), report(sok.device.id, longitude=104.5))
    async with transaction(Actor(ActorKind.MACHINE, world.other.id, "phones")) as tx:
        await commands.record_fixes(tx, [report(sams.device.id)])
    async with transaction(world.colleague) as tx:
        places = await queries.places(tx)
    ids = np.frombuffer(places.ids, dtype="V16")
    rows = np.frombuffer(places.rows, dtype=">i8").reshape(-1, 4)
    assert [bytes(one) for one in ids] == [d.id.bytes for d in sorted((dara, sok), key=lambda d: d.id)]
    free, at = AVAILABILITIES.index(Availability.AVAILABLE), int(START.timestamp())
    by_id = dict(zip((bytes(i) for i in ids), rows.tolist(), strict=True))
    assert by_id[dara.id.bytes] == [-11_569_600, 104_921_000, free, at]
    assert by_id[sok.id.bytes] == [11_569_600, 104_500_000, free, at]


async def test_nobody_on_the_road_is_an_empty_row(world: World) -> None:
    async with transaction(world.owner) as tx:
        assert await queries.places(tx) == queries.Places(b"", b"")


async def test_the_nearest_come_first_with_their_distance(world: World) -> None:
    near, far = await driver(world.owner, "Near"), await driver(world.owner, "Far")
    await record(world, report(far.device.id, latitude=11.6), report(near.device.id, latitude=11.571))
    async with transaction(world.owner) as tx:
        found = await queries.nearest_drivers(tx, 11.57, 104.921)
    assert [driver_id for driver_id, _ in found] == [near.id, far.id]
    assert found[0][1] == pytest.approx(111, rel=0.02)
