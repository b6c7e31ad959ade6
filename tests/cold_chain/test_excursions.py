"""A time outside the limits is one thing with a beginning, a worst moment, a size, an end and a cause."""

from collections.abc import Sequence
from datetime import timedelta

import psycopg
import pytest

from data.alerts.commands import take_action
from data.cold_chain.commands import editing
from data.cold_chain.commands import excursions as commands
from data.cold_chain.queries import excursions as queries
from data.cold_chain.queries.excursions import Wanted
from data.cold_chain.values import Direction, ExcursionCause, UnitStatus
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from jobs.cold_chain import judge_by_the_clock
from tests.cold_chain.stories import ago, excursions, open_alerts, rule, take, unit_row
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, measured
from tests.factories.people import World, person

OUT = -17.78


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def happen(world: World, *readings: tuple[float, float], **more: object) -> None:
    """Readings (minutes ago, °C), each a message of its own."""
    for minutes, celsius in readings:
        await take(world, measured(celsius, ago(minutes=minutes), **more))


async def test_an_excursion_goes_from_the_first_reading_out_to_the_first_well_in(world: World, store: ColdStore) -> None:
    start = ago(minutes=60)
    for minute, celsius in ((0, -20), (5, -15), (10, -12.5), (15, -14), (20, -18), (25, -19), (30, -20)):
        await take(world, measured(celsius, start + timedelta(minutes=minute)))
    (one,) = await excursions(world, store.unit_id)
    assert (one.started_at, one.ended_at, one.confirmed_at) == tuple(start + timedelta(minutes=m) for m in (5, 25, 15))
    assert (float(one.peak_celsius), one.peak_at, one.direction) == (-12.5, start + timedelta(minutes=10), Direction.ABOVE)
    assert (one.reading_count, float(one.low_celsius or 0), float(one.high_celsius or 0)) == (5, -23.33, OUT)
    beyond = [celsius - OUT for celsius in (-15, -12.5, -14)]
    size = (beyond[0] + beyond[1]) / 2 * 5 + (beyond[1] + beyond[2]) / 2 * 5 + beyond[2] / 2 * 5 * beyond[2] / (beyond[2] + 0.22)
    assert float(one.degree_minutes) == pytest.approx(size, abs=0.05)
    assert (await unit_row(world, store.unit_id)).status is UnitStatus.OK


@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
async def test_it_is_the_same_however_its_readings_were_batched(world: World, store: ColdStore, at_once: int) -> None:
    start = ago(minutes=60)
    said = [measured(c, start + timedelta(minutes=5 * n)) for n, c in enumerate((-20, -15, -12.5, -14, -15, -19, -20))]
    for first in range(0, len(said), at_once):
        await take(world, *reversed(said[first : first + at_once]))
    (one,) = await excursions(world, store.unit_id)
    facts = (
        one.started_at - start, (one.ended_at or start) - start, (one.confirmed_at or start) - start, one.peak_at - start,
        one.reading_count, round(float(one.degree_minutes), 1), (await unit_row(world, store.unit_id)).status,
    )  # fmt: skip
    minutes = [timedelta(minutes=m) for m in (5, 25, 15, 10)]
    assert facts == (*minutes, 5, 64.0, UnitStatus.OK)


async def test_two_in_one_batch_are_two_and_the_second_may_last(world: World, store: ColdStore) -> None:
    start = ago(minutes=40)
    story = (-15, -20, -15, -20, -12)
    await take(world, *(measured(c, start + timedelta(minutes=5 * n)) for n, c in enumerate(story)))
    await take(world, measured(-11, start + timedelta(minutes=25)))
    found = await excursions(world, store.unit_id)
    assert [(e.started_at - start, e.ended_at is None) for e in found] == [
        (timedelta(minutes=0), False), (timedelta(minutes=10), False), (timedelta(minutes=20), True),
    ]  # fmt: skip
    assert float(found[-1].peak_celsius) == -11


async def test_too_cold_is_an_excursion_too(world: World, store: ColdStore) -> None:
    await happen(world, (10, -25), (5, -26))
    (one,) = await excursions(world, store.unit_id)
    assert (one.direction, float(one.peak_celsius)) == (Direction.BELOW, -26)


async def test_a_late_reading_changes_neither_state_nor_excursion(world: World, store: ColdStore) -> None:
    await happen(world, (20, -20), (10, -15), (4, -15))
    before = (await excursions(world, store.unit_id), await unit_row(world, store.unit_id))
    await happen(world, (15, -5), (8, -5), (25, -20))
    after = (await excursions(world, store.unit_id), await unit_row(world, store.unit_id))
    assert [e.model_dump() for e in before[0]] == [e.model_dump() for e in after[0]]
    assert before[1].model_dump(exclude={"updated_at"}) == after[1].model_dump(exclude={"updated_at"})


async def test_the_clock_confirms_it_and_its_alert_is_linked(world: World, store: ColdStore) -> None:
    await happen(world, (11, -10))
    await judge_by_the_clock()
    (one,) = await excursions(world, store.unit_id)
    assert one.confirmed_at is not None and one.ended_at is None
    assert one.alert_id == (await open_alerts(world))["temp_excursion"].id


async def test_the_limits_of_then_stay_with_it(world: World, store: ColdStore) -> None:
    await happen(world, (10, -15))
    await rule(world, store.unit_id, temperature_max_celsius=-16)
    await happen(world, (5, -14))
    (one,) = await excursions(world, store.unit_id)
    assert float(one.high_celsius or 0) == OUT
    assert float(one.degree_minutes) == pytest.approx((2.78 + 3.78) / 2 * 5, abs=0.05)


async def test_an_open_door_is_remembered(world: World, store: ColdStore) -> None:
    await rule(world, store.unit_id, door_grace_minutes=0)
    await happen(world, (10, -15), door_is_open=True)
    await happen(world, (5, -15), door_is_open=False)
    (one,) = await excursions(world, store.unit_id)
    assert one.was_door_open


async def test_a_person_says_what_it_came_from(world: World, store: ColdStore) -> None:
    await happen(world, (10, -15), (5, -20))
    (one,) = await excursions(world, store.unit_id)
    async with transaction(world.colleague) as tx:
        await commands.set_cause(tx, one.id, cause=ExcursionCause.DELIVERY, note=" Six pallets. ")
        view = await queries.excursion(tx, one.id)
    assert (view.excursion.cause, view.excursion.cause_note, view.cause_by) == (ExcursionCause.DELIVERY, "Six pallets.", "Colin Colleague")
    assert view.excursion.cause_at is not None


@pytest.mark.parametrize(("cause", "note"), [(ExcursionCause.OTHER, " "), (ExcursionCause.OTHER, None), (ExcursionCause.DOOR, "x" * 501)])
async def test_another_cause_needs_words_and_not_too_many(
    world: World, store: ColdStore, cause: ExcursionCause, note: str | None
) -> None:
    await happen(world, (10, -15))
    (one,) = await excursions(world, store.unit_id)
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await commands.set_cause(tx, one.id, cause=cause, note=note)
    assert refusal.value.field == "note"


async def test_who_may_only_look_says_nothing_and_a_stranger_sees_nothing(world: World, store: ColdStore) -> None:
    await happen(world, (10, -15))
    (one,) = await excursions(world, store.unit_id)
    async with transaction(world.viewer) as tx:
        assert (await queries.page(tx, Wanted()))[1] == 1
        with pytest.raises(Forbidden):
            await commands.set_cause(tx, one.id, cause=ExcursionCause.DOOR)
    async with transaction(world.stranger) as tx:
        assert await queries.page(tx, Wanted()) == ([], 0)
        for attempt in (queries.excursion(tx, one.id), commands.set_cause(tx, one.id, cause=ExcursionCause.DOOR)):
            with pytest.raises(NotFound):
                await attempt


async def test_a_role_limited_to_a_site_sees_that_sites_excursions(world: World, store: ColdStore) -> None:
    other = await cold_store(world.owner, eui="0004A30B001C0777", name="Harbour")
    await happen(world, (10, -15))
    await happen(world, (10, -15), eui=other.eui)
    manager = await person(world.organization, "Mina Manager", (Role.MANAGER, store.site_id))
    async with transaction(manager) as tx:
        found, total = await queries.page(tx, Wanted())
        assert ([v.site_id for v in found], total) == ([store.site_id], 1)
    (theirs,) = await excursions(world, other.unit_id)
    async with transaction(manager) as tx:
        with pytest.raises(NotFound):
            await queries.excursion(tx, theirs.id)


async def test_they_are_listed_by_place_unit_state_cause_and_time(world: World, store: ColdStore) -> None:
    second = await another_unit(world.owner, store, name="Ice room", eui="0004A30B001C0778")
    await happen(world, (180, -15), (175, -20))
    await happen(world, (10, -12), eui="0004A30B001C0778")
    (old,) = await excursions(world, store.unit_id)
    async with transaction(world.owner) as tx:
        await commands.set_cause(tx, old.id, cause=ExcursionCause.DOOR)

        async def units(wanted: Wanted, **more: object) -> Sequence[str]:
            return [view.unit_name for view in (await queries.page(tx, wanted, **more))[0]]  # type: ignore[arg-type]

        assert await units(Wanted()) == ["Ice room", "Freezer 1"]
        assert await units(Wanted(), sort="unit", descending=False) == ["Freezer 1", "Ice room"]
        assert await units(Wanted(), sort="peak") == ["Ice room", "Freezer 1"]
        assert await units(Wanted(is_open=True)) == ["Ice room"]
        assert await units(Wanted(is_open=False)) == ["Freezer 1"]
        assert await units(Wanted(is_cause_missing=True)) == ["Ice room"]
        assert await units(Wanted(unit_id=second)) == ["Ice room"]
        assert await units(Wanted(site_id=store.site_id)) == ["Ice room", "Freezer 1"]
        assert await units(Wanted(search="ice")) == ["Ice room"]
        assert await units(Wanted(search="%")) == []
        assert await units(Wanted(until=ago(minutes=60))) == ["Freezer 1"]
        assert await units(Wanted(since=ago(minutes=60))) == ["Ice room"]


async def test_what_was_done_stands_beside_it(world: World, store: ColdStore) -> None:
    await happen(world, (20, -10), (9, -10))
    (one,) = await excursions(world, store.unit_id)
    assert one.alert_id
    async with transaction(world.colleague) as tx:
        await take_action(tx, alert_id=one.alert_id, description="Too warm", action_taken="Closed the lid")
    async with transaction(world.colleague) as tx:
        view = await queries.excursion(tx, one.id)
        done = await queries.actions(tx, view)
    assert [(act.action_taken, who) for act, who in done] == [("Closed the lid", "Colin Colleague")] and view.action_count == 1


async def test_a_site_may_ask_what_was_done_before_an_excursion_is_explained(world: World, store: ColdStore) -> None:
    await happen(world, (40, -20), (35, -10), (25, -10), (15, -10), (12, -20), (10, -20))
    (one,) = await excursions(world, store.unit_id)
    assert one.confirmed_at and one.alert_id
    async with transaction(world.owner) as tx:
        await editing.edit_site(tx, store.site_id, name="Market hall", time_zone="UTC", is_corrective_action_required=True)
    with pytest.raises(Invalid, match="Market hall asks for a corrective action") as refused:
        async with transaction(world.colleague) as tx:
            await commands.set_cause(tx, one.id, cause=ExcursionCause.DOOR)
    assert refused.value.field == "cause"
    async with transaction(world.colleague) as tx:
        await take_action(tx, alert_id=one.alert_id, description="Too warm", action_taken="Closed the lid")
    async with transaction(world.colleague) as tx:
        await commands.set_cause(tx, one.id, cause=ExcursionCause.DOOR)
    (one,) = await excursions(world, store.unit_id)
    assert one.cause is ExcursionCause.DOOR


async def test_what_it_came_from_is_suspected_from_what_happened_around_it(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    async def suspected() -> ExcursionCause:
        async with transaction(world.owner) as tx:
            found = (await queries.page(tx, Wanted(), limit=1))[0]
            return (await queries.suggestions(tx, found))[found[0].excursion.id]

    start = now() - timedelta(hours=24, minutes=30)
    for hours in (0, 6, 12, 18, 24):
        at = start + timedelta(hours=hours)
        await take(world, *(measured(c, at + timedelta(minutes=m)) for m, c in ((0, -20), (5, -16), (10, -15), (20, -20), (25, -20))))
    assert await suspected() is ExcursionCause.DEFROST
    owner_connection.execute("update cold_chain.excursions set was_door_open = true")
    assert await suspected() is ExcursionCause.DOOR
    other = await cold_store(world.owner, eui="0004A30B001C0777", name="Harbour")
    await take(world, *(measured(-10, ago(minutes=m), other.eui) for m in (4, 3.5, 3, 2.5, 2)))
    await judge_by_the_clock()
    assert await suspected() is ExcursionCause.EQUIPMENT
