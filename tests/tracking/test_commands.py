"""Setting up, importing and taking in reports, against a real database, by those who may and those who may not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from data.core.actor import Actor
from data.core.bus import bus
from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.identity.secrets import seal
from data.identity.tables import Role
from data.tracking import commands, queries
from data.tracking.commands import RowsRefused
from data.tracking.events import TrackerChanged, TrackerMoved
from data.tracking.rules import PlaceKind
from data.tracking.tables import TrackerStatus
from data.tracking.tags import csv_template, numbered_rows
from tests.factories.people import World, person
from tests.factories.tracking import FACTORY, ROAD, SHOP, WAREHOUSE, build_shipping, heard, report, tag

HOUR = timedelta(hours=1)


async def seen(actor: Actor) -> list[str]:
    async with transaction(actor) as tx:
        return [each.name for each in (await queries.page(tx))[0]]


async def status(actor: Actor, tracker_id: Any) -> tuple[TrackerStatus, str | None]:
    async with transaction(actor) as tx:
        found = await queries.tracker(tx, tracker_id, at=now())
        return found.seen.status, found.seen.place


async def test_colleagues_see_what_the_owner_set_up_and_strangers_see_nothing(world: World) -> None:
    shipping = await build_shipping(world.owner)
    assert await seen(world.colleague) == ["Tag 1", "Tag 2"]
    assert await seen(world.stranger) == []
    async with transaction(world.stranger) as tx:
        assert await queries.runs(tx) == [] and await queries.clients(tx) == [] and await queries.on_map(tx) == []
        assert await queries.places_of(tx, shipping.run_id) == []
        for asked in (queries.run(tx, shipping.run_id), queries.tracker(tx, shipping.trackers[1], at=now())):
            with pytest.raises(NotFound):
                await asked


async def test_a_driver_has_no_business_with_tracking(world: World) -> None:
    with pytest.raises(Forbidden):
        await seen(world.driver)


async def test_a_role_limited_to_a_client_sees_that_client_only(world: World) -> None:
    lotus = await build_shipping(world.owner, 1)
    mango = await build_shipping(world.owner, 2, client="Mango House")
    guest = await person(world.organization, "Gita Guest", (Role.VIEWER, lotus.client_id))
    assert await seen(guest) == ["Tag 1"]
    async with transaction(guest) as tx:
        assert [run.client_name for run in await queries.runs(tx)] == ["Lotus Foods"]
        assert [client.name for client in await queries.clients(tx)] == ["Lotus Foods"]
        assert await queries.places_of(tx, mango.run_id) == []
        at = now()
        for asked in (
            queries.tracker(tx, mango.trackers[2], at=at),
            queries.history(tx, mango.trackers[2], since=at, until=at),
            queries.status_history(tx, mango.trackers[2]),
            queries.run(tx, mango.run_id),
        ):
            with pytest.raises(NotFound):
                await asked


async def test_a_role_limited_to_a_client_edits_that_client_only(world: World) -> None:
    lotus = await build_shipping(world.owner, 1)
    mango = await build_shipping(world.owner, 2, client="Mango House")
    deputy = await person(world.organization, "Devi Deputy", (Role.ADMIN, lotus.client_id))
    async with transaction(deputy) as tx:
        await commands.add_brand(tx, lotus.client_id, name="Silver Rice")
        await commands.import_trackers(tx, lotus.run_id, [(2, tag(7))])
    with pytest.raises(Forbidden):
        async with transaction(deputy) as tx:
            await commands.add_client(tx, name="Their own")
    with pytest.raises(Refusal):
        async with transaction(deputy) as tx:
            await commands.import_trackers(tx, mango.run_id, [(2, tag(8))])


Change = Callable[[Any, Any], Awaitable[Any]]


@pytest.mark.parametrize(
    "change",
    [
        lambda tx, its: commands.add_client(tx, name="Another"),
        lambda tx, its: commands.add_brand(tx, its.client_id, name="Another"),
        lambda tx, its: commands.add_run(tx, its.brand_id, description="Another", starts_at=now()),
        lambda tx, its: commands.add_place(tx, its.run_id, PlaceKind.STORAGE, name="A", latitude=1, longitude=1),
        lambda tx, its: commands.share_place(tx, its.run_id, its.shop_id),
        lambda tx, its: commands.import_trackers(tx, its.run_id, [(2, tag(9))]),
        lambda tx, its: commands.ask_soon(tx, its.trackers[1]),
        lambda tx, its: commands.record(tx, [], at=now()),
    ],
)
async def test_only_owners_and_admins_change_anything(world: World, change: Change) -> None:
    shipping = await build_shipping(world.owner)
    for actor in (world.colleague, world.viewer, world.driver):
        with pytest.raises(Forbidden):
            async with transaction(actor) as tx:
                await change(tx, shipping)


@pytest.mark.parametrize(
    "change",
    [
        lambda tx, its: commands.add_brand(tx, its.client_id, name="Another"),
        lambda tx, its: commands.add_run(tx, its.brand_id, description="Another", starts_at=now()),
        lambda tx, its: commands.add_place(tx, its.run_id, PlaceKind.STORAGE, name="A", latitude=1, longitude=1),
        lambda tx, its: commands.import_trackers(tx, its.run_id, [(2, tag(9))]),
        lambda tx, its: commands.ask_soon(tx, its.trackers[1]),
    ],
)
async def test_a_stranger_cannot_reach_through_the_wall(world: World, change: Change) -> None:
    shipping = await build_shipping(world.owner)
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await change(tx, shipping)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", lambda tx, its: commands.add_client(tx, name="LOTUS foods")),
        ("name", lambda tx, its: commands.add_client(tx, name="  ")),
        ("name", lambda tx, its: commands.add_client(tx, name="x" * 201)),
        ("name", lambda tx, its: commands.add_brand(tx, its.client_id, name="golden rice")),
        ("ends_at", lambda tx, its: commands.add_run(tx, its.brand_id, description="A", starts_at=now(), ends_at=now() - HOUR)),
        ("latitude", lambda tx, its: place(tx, its, latitude=91)),
        ("latitude", lambda tx, its: place(tx, its, latitude=float("nan"))),
        ("longitude", lambda tx, its: place(tx, its, longitude=-180.5)),
        ("geofence_size_m", lambda tx, its: place(tx, its, geofence_size_m=9)),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field(world: World, field: str, change: Change) -> None:
    shipping = await build_shipping(world.owner)
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await change(tx, shipping)
    assert refusal.value.field == field


def place(tx: Any, its: Any, **said: Any) -> Awaitable[Any]:
    words: dict[str, Any] = {"name": "A", "latitude": 1.0, "longitude": 1.0} | said
    return commands.add_place(tx, its.run_id, PlaceKind.DELIVERY, **words)


async def test_a_private_key_is_sealed_and_told_to_nobody(world: World, owner_connection: psycopg.Connection) -> None:
    await build_shipping(world.owner, 1)
    (stored,) = owner_connection.execute("select sealed_private_key from tracking.trackers").fetchone() or (b"",)
    assert tag(1).private_key.encode() not in stored and seal().open(stored) == tag(1).private_key
    log = owner_connection.execute("select string_agg(event_data::text || title, ' ') from audit.event_logs").fetchone()
    assert log and tag(1).private_key not in log[0]


async def test_a_file_is_imported_whole_or_not_at_all(world: World) -> None:
    shipping = await build_shipping(world.owner, 1, 2)
    again = [tag(3), tag(1, "Another name"), tag(4, "TAG 2")]
    lines = [f"{t.name},{t.advertisement_key},{t.private_key},," for t in again] + [",x,y,,"]
    with pytest.raises(RowsRefused) as refused:
        async with transaction(world.owner) as tx:
            await commands.import_trackers(tx, shipping.run_id, list(numbered_rows(csv_template() + "\r\n".join(lines))))
    assert [refusal.field for refusal in refused.value.refusals] == [
        "row 3: Advertisement Key", "row 4: ID/Name", "row 5: ID/Name",
    ]  # fmt: skip
    assert await seen(world.owner) == ["Tag 1", "Tag 2"]


async def test_a_file_without_tags_is_refused(world: World) -> None:
    shipping = await build_shipping(world.owner)
    with pytest.raises(Invalid):
        async with transaction(world.owner) as tx:
            await commands.import_trackers(tx, shipping.run_id, [])


async def test_two_who_import_the_same_file_at_once_import_it_once(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)

    async def bring() -> int:
        async with transaction(world.owner) as tx:
            return await commands.import_trackers(tx, shipping.run_id, [(n, tag(n)) for n in range(2, 40)])

    outcomes = await asyncio.gather(bring(), bring(), return_exceptions=True)
    assert sorted(str(type(each).__name__) for each in outcomes) in (["Conflict", "int"], ["RowsRefused", "int"])
    async with transaction(world.owner) as tx:
        assert (await queries.page(tx))[1] == 39


async def test_a_report_puts_a_tag_on_the_map_with_its_city_and_says_so(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)
    events: list[str] = []
    stops = [
        bus.topic(kind, world.organization_id, tracker_id=shipping.trackers[1]).subscribe(lambda k=kind: events.append(k.__name__))
        for kind in (TrackerMoved, TrackerChanged)
    ]
    at = now() - HOUR
    recorded = await report(world.organization_id, [heard(shipping.trackers[1], WAREHOUSE, at)])
    assert (recorded.stored, recorded.changes) == (1, 1)
    async with transaction(world.colleague) as tx:
        (found,) = await queries.on_map(tx)
    assert (found.latitude, found.longitude, found.nearest_city, found.positioned_at) == (*WAREHOUSE, "Phnom Penh", at)
    assert (found.status, found.place) == (TrackerStatus.IN_STORAGE, "Riverside warehouse")
    for _ in range(100):
        if len(events) == 2:
            break
        await asyncio.sleep(0.02)
    for stop in stops:
        stop()
    assert sorted(events) == ["TrackerChanged", "TrackerMoved"]


async def test_the_same_report_twice_is_stored_once_and_changes_nothing_more(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)
    one = heard(shipping.trackers[1], WAREHOUSE, now() - HOUR)
    assert (await report(world.organization_id, [one, one])).stored == 1
    again = await report(world.organization_id, [one])
    assert (again.stored, again.duplicates, again.changes) == (0, 1, 0)
    async with transaction(world.owner) as tx:
        assert len(await queries.status_history(tx, shipping.trackers[1])) == 1


async def test_a_journey_becomes_history_sums_and_a_status(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)
    one, start = shipping.trackers[1], now() - 40 * HOUR
    journey = [(ROAD, 0), (WAREHOUSE, 2), (WAREHOUSE, 9), (ROAD, 10), (SHOP, 13)]
    await report(world.organization_id, [heard(one, where, start + hours * HOUR) for where, hours in reversed(journey)])
    async with transaction(world.colleague) as tx:
        history = await queries.status_history(tx, one)
        positions = await queries.history(tx, one, since=start, until=now())
        found = await queries.tracker(tx, one, at=now())
    assert [(each.status, each.place, each.recorded_at) for each in reversed(history)] == [
        (TrackerStatus.IN_TRANSIT, None, start),
        (TrackerStatus.IN_STORAGE, "Riverside warehouse", start + 2 * HOUR),
        (TrackerStatus.IN_TRANSIT, None, start + 10 * HOUR),
        (TrackerStatus.DELIVERED, "Central market", start + 13 * HOUR),
    ]
    assert [(each.latitude, each.longitude) for each in positions] == [where for where, _ in journey]
    assert (found.total_transit_time, found.total_storage_time) == (5 * HOUR, 8 * HOUR)
    assert (found.seen.status, found.status_since) == (TrackerStatus.DELIVERED, start + 13 * HOUR)


async def test_a_late_report_is_kept_but_moves_nothing_back(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)
    one = shipping.trackers[1]
    await report(world.organization_id, [heard(one, SHOP, now() - HOUR)])
    late = await report(world.organization_id, [heard(one, WAREHOUSE, now() - 5 * HOUR)])
    assert (late.stored, late.changes) == (1, 0)
    assert await status(world.owner, one) == (TrackerStatus.DELIVERED, "Central market")
    async with transaction(world.owner) as tx:
        assert (await queries.on_map(tx))[0].latitude == SHOP[0]
        assert len(await queries.history(tx, one, since=now() - 9 * HOUR, until=now())) == 2


async def test_a_vague_report_is_kept_but_neither_shown_nor_judged(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)
    one = shipping.trackers[1]
    recorded = await report(world.organization_id, [heard(one, WAREHOUSE, now() - HOUR, confidence=1)])
    assert (recorded.stored, recorded.changes) == (1, 0)
    async with transaction(world.owner) as tx:
        assert await queries.on_map(tx) == []
        assert await queries.history(tx, one, since=now() - 9 * HOUR, until=now()) == []
        assert (await queries.tracker(tx, one, at=now())).seen.last_report_received_at


async def test_factories_and_what_is_too_old_are_left_out_and_counted(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)
    one = shipping.trackers[1]
    recorded = await report(
        world.organization_id, [heard(one, FACTORY, now() - HOUR), heard(one, ROAD, now() - timedelta(days=7, minutes=1))]
    )
    assert (recorded.stored, recorded.skipped) == (0, 2)
    assert (await status(world.owner, one))[0] == TrackerStatus.CREATED


async def test_another_organizations_tag_cannot_be_reported_about(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)
    recorded = await report(world.other.id, [heard(shipping.trackers[1], ROAD, now() - HOUR)])
    assert recorded.stored == 0
    assert (await status(world.owner, shipping.trackers[1]))[0] == TrackerStatus.CREATED


async def test_many_tags_take_no_more_statements_than_one(world: World) -> None:
    shipping = await build_shipping(world.owner, *range(1, 151))
    ids, counts = list(shipping.trackers.values()), []
    for some, place in ((ids[:1], ROAD), (ids[1:], ROAD), (ids, WAREHOUSE)):
        statements: list[str] = []
        async with transaction(Actor.system(world.organization_id, "tracking.fetch")) as tx:
            connection = (await tx.connection()).sync_connection
            event.listen(connection, "before_cursor_execute", lambda *a, said=statements: said.append(a[2]))
            at = now() - (HOUR if place == WAREHOUSE else 20 * HOUR)
            found = [heard(id, place, at + n * timedelta(minutes=1)) for id in some for n in range(20)]
            recorded = await commands.record(tx, found, at=now())
        assert (recorded.stored, recorded.changes) == (20 * len(some), len(some))
        counts.append(len(statements))
    assert counts[0] == counts[1] == counts[2] <= 8


async def test_a_place_shared_by_two_runs_counts_for_both(world: World) -> None:
    lotus = await build_shipping(world.owner, 1)
    async with transaction(world.owner) as tx:
        second = await commands.add_run(tx, lotus.brand_id, description="Second run", starts_at=now() - 9 * HOUR)
        await commands.import_trackers(tx, second.id, [(2, tag(2))])
    (two,) = [each.id for each in await all_of(world.owner) if each.name == "Tag 2"]
    await report(world.organization_id, [heard(two, WAREHOUSE, now() - 3 * HOUR)])
    assert (await status(world.owner, two))[0] == TrackerStatus.IN_TRANSIT
    async with transaction(world.owner) as tx:
        assert lotus.warehouse_id in {each.place.id for each in await queries.sharable_places(tx, second.id)}
        await commands.share_place(tx, second.id, lotus.warehouse_id)
    await report(world.organization_id, [heard(two, WAREHOUSE, now() - 2 * HOUR)])
    assert await status(world.owner, two) == (TrackerStatus.IN_STORAGE, "Riverside warehouse")
    with pytest.raises(Conflict):
        async with transaction(world.owner) as tx:
            await commands.share_place(tx, second.id, lotus.warehouse_id)


async def all_of(actor: Actor) -> Any:
    async with transaction(actor) as tx:
        return (await queries.page(tx))[0]


async def test_lists_are_paged_sorted_and_filtered_by_the_server(world: World) -> None:
    shipping = await build_shipping(world.owner, *range(1, 31))
    await report(world.organization_id, [heard(shipping.trackers[7], SHOP, now() - HOUR), heard(shipping.trackers[9], ROAD, now() - 2 * HOUR, city="Siem Reap")])
    async with transaction(world.viewer) as tx:
        rows, total = await queries.page(tx, page=2, size=10, sort="name")
        assert total == 30 and [row.name for row in rows][:2] == ["Tag 19", "Tag 2"]
        rows, _ = await queries.page(tx, sort="age", descending=True)
        assert [row.name for row in rows][:2] == ["Tag 7", "Tag 9"]
        assert [row.name for row in (await queries.page(tx, filter="siem"))[0]] == ["Tag 9"]
        assert [row.name for row in (await queries.page(tx, filter="central market tag"))[0]] == ["Tag 7"]
        assert (await queries.page(tx, filter="%"))[1] == 0
        assert (await queries.page(tx, status=TrackerStatus.DELIVERED))[1] == 1
        assert (await queries.page(tx, run_id=shipping.run_id, sort="no such column"))[1] == 30
        assert (await queries.summary(tx))[TrackerStatus.IN_TRANSIT] == 1


async def test_due_tags_of_current_runs_are_claimed_once_until_their_lease_runs_out(world: World) -> None:
    current = await build_shipping(world.owner, 1, 2)
    await build_shipping(world.owner, 3, client="Past", starts_at=now() - 9 * HOUR, ends_at=now() - HOUR)
    await build_shipping(world.owner, 4, client="Future", starts_at=now() + 2 * HOUR)
    at = now()
    async with across_tenants("tests") as tx:
        first = await commands.claim_due(tx, at=at, most=1)
        rest = await commands.claim_due(tx, at=at, most=10)
        assert await commands.claim_due(tx, at=at + timedelta(minutes=1), most=10) == []
    assert {due.tracker_id for due in (*first, *rest)} == set(current.trackers.values()) and len(first) == 1
    assert "sealed" not in repr(first[0])
    async with across_tenants("tests") as tx:
        assert len(await commands.claim_due(tx, at=at + HOUR, most=10)) == 2


async def test_a_tag_that_fails_waits_longer_each_time_and_one_that_answers_does_not(world: World) -> None:
    await build_shipping(world.owner, 1)
    five, at = timedelta(minutes=5), now()
    waits = []
    for went_well in (True, False, False, False, False, False, True):
        async with across_tenants("tests") as tx:
            claimed = await commands.claim_due(tx, at=at, most=10)
            assert claimed
            await commands.settle(tx, [(due, went_well) for due in claimed], at=at, interval=five)
        async with across_tenants("tests") as tx:
            early = await commands.claim_due(tx, at=at, most=10)
            assert early == []
        async with transaction(world.owner) as tx:
            ((tracker,), _) = await queries.page(tx)
            following = (await queries.tracker(tx, tracker.id, at=at)).next_fetch_at
        waits.append((following - at) / five)
        at = following
    assert waits == [1, 2, 4, 8, 16, 16, 1]


async def test_somebody_may_ask_for_a_tag_at_once_while_its_run_lasts(world: World) -> None:
    shipping = await build_shipping(world.owner, 1)
    over = await build_shipping(world.owner, 2, client="Past", starts_at=now() - 9 * HOUR, ends_at=now() - HOUR)
    async with across_tenants("tests") as tx:
        claimed = await commands.claim_due(tx, at=now(), most=10)
        await commands.settle(tx, [(due, False) for due in claimed], at=now(), interval=HOUR)
    async with transaction(world.owner) as tx:
        await commands.ask_soon(tx, shipping.trackers[1])
    async with across_tenants("tests") as tx:
        assert len(await commands.claim_due(tx, at=now(), most=10)) == 1
    with pytest.raises(Conflict):
        async with transaction(world.owner) as tx:
            await commands.ask_soon(tx, over.trackers[2])
