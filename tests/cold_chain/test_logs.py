"""Temperatures that people write down: once each, with the limits that held, and never without an action when outside them."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest

from data.alerts import queries as alerts
from data.cold_chain.by_hand import Written, is_in_range, refusal
from data.cold_chain.commands import logs as commands
from data.cold_chain.commands.rules import set_limits
from data.cold_chain.commands.states import KINDS
from data.cold_chain.queries import logs
from data.cold_chain.queries.logs import LogView, Wanted
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from data.identity.tables import Role
from data.platform.commands import path_of
from data.platform.pictures import picture
from tests.factories.by_hand import jpeg, line, write
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, measured
from tests.factories.people import World, person

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def lines_of(who: Actor, **wanted: object) -> list[LogView]:
    async with transaction(who) as tx:
        found, total = await logs.page(tx, Wanted(**wanted))  # type: ignore[arg-type]
    assert total == len(found)
    return list(found)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, None),
        ({"celsius": Decimal("-100.01")}, "temperature"),
        ({"celsius": Decimal("200.01")}, "temperature"),
        ({"humidity_percent": Decimal(101)}, "humidity"),
        ({"recorded_at": AT + timedelta(minutes=10)}, None),
        ({"recorded_at": AT + timedelta(minutes=10, seconds=1)}, "recorded_at"),
        ({"recorded_at": AT - timedelta(days=30)}, None),
        ({"recorded_at": AT - timedelta(days=30, seconds=1)}, "recorded_at"),
        ({"recorded_at": AT - timedelta(days=99), "corrects_id": uuid4()}, None),
        ({"celsius": Decimal("5.01")}, "action"),
        ({"celsius": Decimal("-0.01"), "action": "  "}, "action"),
        ({"celsius": Decimal("5.01"), "action": "Moved the food."}, None),
        ({"notes": "x" * 1001}, "notes"),
        ({"celsius": Decimal(9), "action": "x" * 1001}, "action"),
    ],
)
def test_a_line_is_refused_at_the_field_that_cannot_be(change: dict[str, object], field: str | None) -> None:
    values: dict[str, object] = {"id": uuid4(), "unit_id": uuid4(), "celsius": Decimal(5), "recorded_at": AT} | change
    found = refusal(Written(**values), low=0.0, high=5.0, at=AT)  # type: ignore[arg-type]
    assert (found.field if found else None) == field


@pytest.mark.parametrize(
    ("celsius", "low", "high", "is_in"),
    [("5", 0, 5, True), ("0", 0, 5, True), ("5.01", 0, 5, False), ("-0.01", 0, 5, False), ("99", None, None, True), ("-40", None, 5, True)],
)
def test_the_limits_are_inside(celsius: str, low: float | None, high: float | None, is_in: bool) -> None:
    assert is_in_range(Decimal(celsius), low, high) is is_in


async def test_a_colleague_writes_a_round_down_and_the_time_of_each_reading_is_kept(world: World, store: ColdStore) -> None:
    second = await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    an_hour_ago = now() - timedelta(hours=1)
    answers = await write(world.colleague, line(store.unit_id, -20.5, an_hour_ago, notes="after lunch"), line(second, -19, humidity_percent=Decimal(60)))
    assert answers == [None, None]
    later, earlier = await lines_of(world.viewer)
    assert (earlier.log.temperature_celsius, earlier.log.recorded_at, earlier.log.notes) == (Decimal("-20.50"), an_hour_ago, "after lunch")
    assert (earlier.log.low_celsius, earlier.log.high_celsius, earlier.log.is_in_range) == (Decimal("-23.33"), Decimal("-17.78"), True)
    assert (later.unit_name, later.log.user_name, later.log.humidity_percent) == ("Freezer 2", "Colin Colleague", 60)


async def test_neither_a_viewer_nor_a_stranger_can_write_here(world: World, store: ColdStore) -> None:
    with pytest.raises(Forbidden):
        await write(world.viewer, line(store.unit_id))
    (answer,) = await write(world.stranger, line(store.unit_id))
    assert isinstance(answer, Invalid) and answer.field == "unit_id"
    assert await lines_of(world.owner) == [] == await lines_of(world.stranger)


async def test_somebody_whose_right_is_limited_to_a_site_writes_only_there(world: World, store: ColdStore) -> None:
    other = await cold_store(world.owner, eui="0004A30B001C0539", name="Station")
    cook = await person(world.organization, "Chan Cook", (Role.STAFF, other.site_id))
    refused, kept = await write(cook, line(store.unit_id), line(other.unit_id))
    assert isinstance(refused, Invalid) and refused.field == "unit_id" and kept is None
    assert [one.site_name for one in await lines_of(cook)] == ["Station"]


async def test_what_is_out_of_limits_is_kept_only_with_what_was_done_and_the_rest_of_the_round_all_the_same(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    too_warm, good = line(store.unit_id, -9), line(store.unit_id, -20)
    refused, kept = await write(world.colleague, too_warm, good)
    assert isinstance(refused, Invalid) and refused.field == "action" and kept is None
    mended = line(store.unit_id, -9, too_warm.recorded_at, id=too_warm.id, action="Moved the food to freezer 2.", photo=await picture(jpeg()))
    assert await write(world.colleague, mended, good) == [None, None]
    (found,) = await lines_of(world.viewer, is_out_only=True)
    assert (found.log.id, found.action, found.log.is_in_range) == (too_warm.id, "Moved the food to freezer 2.", False)
    async with transaction(world.viewer) as tx:
        assert path_of(await logs.photo(tx, found.log.id)).read_bytes() == jpeg()
    async with transaction(world.stranger) as tx:
        with pytest.raises(NotFound):
            await logs.photo(tx, found.log.id)
    actions = owner_connection.execute(
        "select a.subject_id, a.log_id, a.acted_by, f.sha256 from alerts.corrective_actions a join platform.files f on f.id = a.photo_file_id"
    ).fetchall()
    assert actions == [(store.unit_id, too_warm.id, world.colleague.user_id, hashlib.sha256(jpeg()).hexdigest())]


async def test_a_line_that_is_sent_again_changes_nothing(world: World, store: ColdStore) -> None:
    sent = line(store.unit_id, -20)
    assert await write(world.colleague, sent, sent) == [None, None]
    assert await write(world.colleague, line(store.unit_id, -21, id=sent.id)) == [None]
    (kept,) = await lines_of(world.owner)
    assert kept.log.temperature_celsius == -20


async def test_the_page_and_its_worker_sending_the_same_queue_at_once_keep_it_once(world: World, store: ColdStore) -> None:
    sent = [line(store.unit_id, -9, action="Called the technician.") for _ in range(5)]
    answers = await asyncio.gather(*(write(world.colleague, *sent) for _ in range(4)))
    assert [a for answer in answers for a in answer] == [None] * 20
    assert len(await lines_of(world.owner)) == 5


async def test_an_id_that_another_business_has_used_is_refused_and_tells_nothing(world: World, store: ColdStore) -> None:
    theirs = await cold_store(world.stranger)
    sent = line(theirs.unit_id)
    assert await write(world.stranger, sent) == [None]
    (answer,) = await write(world.colleague, line(store.unit_id, id=sent.id))
    assert isinstance(answer, Conflict)
    assert await lines_of(world.owner) == []


async def test_a_line_can_be_neither_changed_nor_deleted_even_by_the_application(
    world: World, store: ColdStore, app_conninfo: str
) -> None:
    await write(world.colleague, line(store.unit_id))
    with psycopg.connect(app_conninfo) as connection:
        for attempt in ("update cold_chain.manual_temperature_logs set notes = 'x'", "delete from cold_chain.manual_temperature_logs"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attempt)
            connection.rollback()


async def test_a_mistake_is_corrected_by_another_line_and_stays(world: World, store: ColdStore) -> None:
    wrong = line(store.unit_id, -2, action="Shut the door.")
    await write(world.colleague, wrong)
    async with transaction(world.colleague) as tx:
        with pytest.raises(Invalid, match="what was wrong"):
            await commands.correct(tx, wrong.id, celsius=Decimal(-20), notes=" ", at=now())
    async with transaction(world.colleague) as tx:
        new_id = await commands.correct(tx, wrong.id, celsius=Decimal(-20), notes="It was −20, not −2.", at=now())
    found = {one.log.id: one for one in await lines_of(world.owner)}
    assert found[wrong.id].corrected_by_id == new_id and found[wrong.id].log.temperature_celsius == -2
    assert (found[new_id].log.corrects_id, found[new_id].log.recorded_at) == (wrong.id, found[wrong.id].log.recorded_at)
    async with transaction(world.owner) as tx:
        with pytest.raises(Conflict):
            await commands.correct(tx, wrong.id, celsius=Decimal(-21), notes="Again.", at=now())
        (unit,) = await logs.round_of(tx, now())
    assert unit.last_celsius == -20 and unit.is_by_hand


async def test_only_who_wrote_it_or_a_manager_corrects_a_line(world: World, store: ColdStore) -> None:
    wrong = line(store.unit_id)
    await write(world.colleague, wrong)
    other = await person(world.organization, "Chan Cook", Role.STAFF)
    for who, refusal_kind in ((other, Forbidden), (world.viewer, Forbidden), (world.stranger, NotFound)):
        async with transaction(who) as tx:
            with pytest.raises(refusal_kind):
                await commands.correct(tx, wrong.id, celsius=Decimal(-20), notes="No.", at=now())
    async with transaction(world.owner) as tx:
        await commands.correct(tx, wrong.id, celsius=Decimal(-19), notes="Read from the photo.", at=now())
    assert len(await lines_of(world.owner)) == 2


async def test_a_round_begins_with_what_must_be_written_down(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    """Freezer 1 is measured by its sensor; 2 must be written down by hand each hour; 3 has never been heard of."""
    second = await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    third = await another_unit(world.owner, store, name="Freezer 3", eui="0004A30B001C0532")
    owner_connection.execute("update cold_chain.units set is_manual_monitoring_required = true, manual_monitoring_interval_minutes = 60 where id = %s", [second])
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(-20, now() - timedelta(minutes=1)), measured(-20, now() - timedelta(minutes=1), "0004A30B001C0531")])

    async def round_at(ahead: timedelta) -> list[tuple[str, bool]]:
        async with transaction(world.colleague) as tx:
            found = await logs.round_of(tx, now() + ahead)
            assert await logs.due_count(tx, now() + ahead) == sum(one.is_due for one in found)
            assert [one.name for one in await logs.round_of(tx, now() + ahead, only_due=True)] == [one.name for one in found if one.is_due]
        return [(one.name, one.is_due) for one in found]

    assert await round_at(timedelta()) == [("Freezer 1", False), ("Freezer 2", False), ("Freezer 3", False)]
    assert await round_at(timedelta(minutes=61)) == [("Freezer 2", True), ("Freezer 1", False), ("Freezer 3", False)]
    assert await round_at(timedelta(minutes=241)) == [("Freezer 2", True), ("Freezer 1", True), ("Freezer 3", True)]
    owner_connection.execute("update cold_chain.units set status = 'manual_required' where id = %s", [third])
    assert await round_at(timedelta(minutes=61)) == [("Freezer 3", True), ("Freezer 2", True), ("Freezer 1", False)]
    await write(world.colleague, line(second))
    assert ("Freezer 2", False) in await round_at(timedelta(minutes=59))
    async with transaction(world.stranger) as tx:
        assert await logs.round_of(tx, now()) == []


async def test_lines_are_found_by_place_person_and_day(world: World, store: ColdStore) -> None:
    second = await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    yesterday = now() - timedelta(days=1)
    await write(world.colleague, line(store.unit_id, at=yesterday), line(second))
    await write(world.owner, line(second, -21))
    async with transaction(world.viewer) as tx:
        assert [name for _id, name in await logs.writers(tx)] == ["Colin Colleague", "Olga Owner"]
    assert len(await lines_of(world.viewer, unit_ids=[second])) == 2
    assert len(await lines_of(world.viewer, user_id=world.colleague.user_id)) == 2
    assert len(await lines_of(world.viewer, until=yesterday + timedelta(hours=1))) == 1
    assert len(await lines_of(world.viewer, search="freezer 1")) == 1
    assert len(await lines_of(world.viewer, search="olga")) == 1
    assert await lines_of(world.viewer, search="%") == [] == await lines_of(world.viewer, site_id=uuid4())


async def test_what_was_written_about_a_unit_that_is_gone_is_still_there(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    await write(world.colleague, line(store.unit_id))
    owner_connection.execute("update cold_chain.units set deleted_at = now()")
    assert len(await lines_of(world.owner)) == 1
    (answer,) = await write(world.colleague, line(store.unit_id))
    assert isinstance(answer, Invalid) and answer.field == "unit_id"


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", jpeg()[:-40], b"\xff\xd8" + b"x" * 50])
async def test_only_a_picture_that_opens_to_its_end_is_one(content: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        await picture(content)
    assert refused.value.field == "photo"


async def test_a_line_is_held_against_the_limits_of_the_time_it_was_read(world: World, store: ColdStore) -> None:
    an_hour_ago = now() - timedelta(hours=1)
    async with transaction(world.owner) as tx:
        await set_limits(tx, store.unit_id, low_celsius=-15, high_celsius=-10, delay_minutes=None)
    refused, earlier = await write(world.colleague, line(store.unit_id, -20), line(store.unit_id, -20, an_hour_ago))
    assert isinstance(refused, Invalid) and refused.field == "action" and earlier is None
    assert await write(world.colleague, line(store.unit_id, -12)) == [None]
    newest, oldest = await lines_of(world.owner)
    assert (newest.log.low_celsius, newest.log.high_celsius) == (-15, -10)
    assert (oldest.log.low_celsius, oldest.log.high_celsius) == (Decimal("-23.33"), Decimal("-17.78"))


async def test_what_was_missed_is_over_when_it_is_written_down(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    """A unit that only a thermometer in somebody's hand measures."""
    owner_connection.execute(
        "update cold_chain.units set is_manual_monitoring_required = true, manual_monitoring_interval_minutes = 60, created_at = now() - interval '2 hours'"
    )
    async with transaction(Actor.system(world.organization_id, "clock")) as tx:
        for kind in KINDS:
            await kind.follow(tx, [store.unit_id], now())

    async def open_kinds() -> list[str]:
        async with transaction(world.owner) as tx:
            return [alert.alert_type for alert in await alerts.open_of(tx, [store.unit_id])]

    assert "missed_manual_entry" in await open_kinds()
    assert await write(world.colleague, line(store.unit_id, -20)) == [None]
    assert "missed_manual_entry" not in await open_kinds()
