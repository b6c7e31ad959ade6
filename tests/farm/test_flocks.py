import asyncio
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from data.alerts import commands as alerts_commands
from data.alerts import queries as alerts
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands as farm_commands
from data.farm import queries_flocks as queries
from data.farm.commands import flocks
from data.farm.commands.flocks_judging import judge_flocks, organizations_with_flocks
from data.farm.tables import Device, DeviceType, FlockBatch, FlockRecord
from data.farm.values import DeviceReport, SensorValue
from data.identity.tables import Role
from jobs.farm import judge_all_flocks
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World, person
from tests.farm.asking import hear, open_alerts, system

KHMER = ZoneInfo("Asia/Phnom_Penh")
DAY = timedelta(days=1)


def today() -> date:
    return now().astimezone(KHMER).date()


def noon(day: date) -> datetime:
    return at_hour(day, 12)


def at_hour(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=KHMER)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def place(who: Actor, farm: FarmWorld, *, house: str = "Room 1", days_ago: int = 10, count: int = 1000, **more: Any) -> FlockBatch:
    async with transaction(who) as tx:
        return await flocks.start_batch(
            tx, farm.farm.id, name="Autumn", house=house, placed_on=today() - days_ago * DAY, placed_count=count, **more
        )


async def write(who: Actor, flock: FlockBatch, days_ago: int = 0, *, was: dict[str, Any] | None = None, hour: int = 12, **written: Any) -> FlockRecord:
    day = today() - days_ago * DAY
    async with transaction(who) as tx:
        return await flocks.write_day(tx, flock.id, day, written=written, was=was, at=at_hour(today(), hour))


async def judge(world: World, at: datetime) -> None:
    async with transaction(system(world)) as tx:
        await judge_flocks(tx, at=at)


async def days(who: Actor, flock: FlockBatch) -> list[FlockRecord]:
    async with transaction(who) as tx:
        return [one.record for one in await queries.records(tx, flock.id)]


async def test_a_manager_places_birds_a_keeper_writes_a_viewer_reads_and_a_stranger_sees_nothing(world: World, farm: FarmWorld) -> None:
    for who in (world.keeper, world.viewer, world.colleague, world.driver, world.stranger):
        with pytest.raises((Forbidden, NotFound)):
            await place(who, farm)
    flock = await place(world.owner, farm)
    await write(world.keeper, flock, dead=3, feed_kg=120.5, water_l=260)
    await write(world.colleague, flock, 1, dead=1)
    for who, refusal in ((world.viewer, Forbidden), (world.driver, NotFound), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await write(who, flock, dead=1)
    for who, refusal in ((world.keeper, Forbidden), (world.viewer, Forbidden), (world.stranger, NotFound)):
        for refused in (flocks.remove_batch, flocks.reopen_batch):
            with pytest.raises(refusal):
                async with transaction(who) as tx:
                    await refused(tx, flock.id)
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await flocks.close_batch(tx, flock.id, closed_on=today())
    async with transaction(world.viewer) as tx:
        (standing,) = await queries.batches(tx)
        yesterday, latest = await queries.records(tx, flock.id)
    assert (standing.dead, standing.culled, standing.last_day) == (4, 0, today())
    assert (latest.person, latest.record.feed_kg, yesterday.person) == ("Kim Keeper", Decimal("120.50"), "Colin Colleague")
    async with transaction(world.stranger) as tx:
        assert await queries.batches(tx) == []
        with pytest.raises(NotFound):
            await queries.records(tx, flock.id)
    async with transaction(world.driver) as tx:
        with pytest.raises(Forbidden):
            await queries.batches(tx)


async def test_a_keeper_of_one_farm_has_nothing_to_do_with_the_flocks_of_another(world: World, farm: FarmWorld) -> None:
    elsewhere = await build_farm(world.owner, prefix="far")
    flock, other = await place(world.owner, farm), await place(world.owner, elsewhere)
    keeper = await person(world.organization, "Nary Near", (Role.KEEPER, farm.farm.id))
    manager = await person(world.organization, "Mony Manager", (Role.MANAGER, farm.farm.id))
    await write(keeper, flock, dead=1)
    for who in (keeper, manager):
        with pytest.raises(NotFound):
            await write(who, other, dead=1)
    with pytest.raises((Forbidden, NotFound)):
        await place(manager, elsewhere, house="Room 2")
    async with transaction(keeper) as tx:
        assert [one.batch.id for one in await queries.batches(tx)] == [flock.id]


async def test_a_days_line_grows_and_each_change_is_in_the_log(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    flock = await place(world.owner, farm)
    await write(world.keeper, flock, dead=2)
    await write(world.colleague, flock, feed_kg=80)
    await write(world.keeper, flock, dead=3, was={"dead": 2}, cause=" Heat ")
    (line,) = await days(world.viewer, flock)
    assert (line.dead, line.feed_kg, line.cause, line.recorded_by) == (3, Decimal("80.00"), "Heat", world.keeper.user_id)
    with pytest.raises(Conflict):
        await write(world.colleague, flock, dead=4, was={"dead": 2})
    await write(world.colleague, flock, water_l=150, was={"dead": 2, "water_l": None})
    logged = owner_connection.execute(
        "select actor_name, event_data from audit.event_logs where subject_id = %s order by sequence", [line.id]
    ).fetchall()
    assert [name for name, _ in logged] == ["Kim Keeper", "Colin Colleague", "Kim Keeper", "Colin Colleague"]
    assert "dead" in str(logged[2][1]) and "dead" not in str(logged[3][1])


@pytest.mark.parametrize(
    ("days_ago", "written", "field"),
    [
        (-1, {"dead": 1}, "day"), (11, {"dead": 1}, "day"), (0, {"dead": -1}, "dead"), (0, {"dead": 1001}, "dead"),
        (0, {"dead": 600, "culled": 401}, "culled"), (0, {"feed_kg": 1001}, "feed_kg"), (0, {"water_l": 5001}, "water_l"),
        (0, {"weight_g": 5}, "weight_g"), (0, {"eggs": 5}, "eggs"), (0, {"water_l": float("nan")}, "water_l"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_at_its_field(
    world: World, farm: FarmWorld, days_ago: int, written: dict[str, Any], field: str
) -> None:
    flock = await place(world.owner, farm)
    with pytest.raises(Invalid) as refused:
        await write(world.keeper, flock, days_ago, **written)
    assert refused.value.field == field
    assert await days(world.owner, flock) == []


async def test_a_house_holds_one_flock_and_is_free_when_it_has_left(world: World, farm: FarmWorld) -> None:
    first = await place(world.owner, farm)
    with pytest.raises(Invalid) as refused:
        await place(world.owner, farm, house="room 1 ")
    assert refused.value.field == "house"
    await write(world.keeper, first, 2, dead=50, feed_kg=100)
    for closing, field in (
        ({"closed_on": today() + DAY}, "closed_on"), ({"closed_on": today() - 3 * DAY}, "closed_on"),
        ({"closed_on": today(), "closed_count": 951}, "closed_count"), ({"closed_on": today(), "closed_weight_kg": 20_000}, "closed_weight_kg"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            async with transaction(world.owner) as tx:
                await flocks.close_batch(tx, first.id, **closing)
        assert refused.value.field == field
    async with transaction(world.owner) as tx:
        await flocks.close_batch(tx, first.id, closed_on=today(), closed_weight_kg=1900)
    second = await place(world.owner, farm)
    with pytest.raises(Invalid):
        async with transaction(world.owner) as tx:
            await flocks.reopen_batch(tx, first.id)
    with pytest.raises(Forbidden):
        await write(world.keeper, first, 2, dead=51)
    await write(world.owner, first, 2, dead=49)
    async with transaction(world.owner) as tx:
        await flocks.remove_batch(tx, second.id)
        await flocks.reopen_batch(tx, first.id)
    with pytest.raises(Invalid):
        async with transaction(world.owner) as tx:
            await flocks.restore_batch(tx, second.id)
    async with transaction(world.owner) as tx:
        assert [one.batch.id for one in await queries.batches(tx)] == [first.id]


async def test_what_was_taken_away_comes_back_as_it_was(world: World, farm: FarmWorld) -> None:
    flock = await place(world.owner, farm)
    await write(world.keeper, flock, dead=4, notes="Hot night")
    async with transaction(world.keeper) as tx:
        await flocks.remove_day(tx, flock.id, today())
    assert await days(world.owner, flock) == []
    async with transaction(world.keeper) as tx:
        await flocks.restore_day(tx, flock.id, today())
    async with transaction(world.owner) as tx:
        await flocks.remove_batch(tx, flock.id)
        assert await queries.batches(tx) == []
    async with transaction(world.owner) as tx:
        await flocks.restore_batch(tx, flock.id)
    (line,) = await days(world.viewer, flock)
    assert (line.dead, line.notes) == (4, "Hot night")
    with pytest.raises(Conflict):
        async with transaction(world.keeper) as tx:
            await flocks.restore_day(tx, flock.id, today())
    async with transaction(world.keeper) as tx:
        await flocks.remove_day(tx, flock.id, today())
    await write(world.keeper, flock, feed_kg=1)
    (line,) = await days(world.viewer, flock)
    assert (line.dead, line.notes, line.feed_kg) == (0, None, Decimal(1))


async def test_a_flock_is_described_anew_only_as_its_lines_allow(world: World, farm: FarmWorld) -> None:
    flock = await place(world.owner, farm)
    await write(world.keeper, flock, 5, dead=100)
    same = {"name": "Autumn", "house": "Room 1", "kind": "duck", "placed_on": flock.placed_on, "placed_count": 1000}
    for changed, field in (
        ({"placed_on": today()}, "placed_on"), ({"placed_count": 99}, "placed_count"), ({"kind": "goose"}, "kind"), ({"house": " "}, "house"),
        ({"targets": [{"day": 1}]}, "targets"), ({"targets": [{"day": 1, "celsius": 20}, {"day": 1, "celsius": 21}]}, "targets"),
        ({"placed_on": today() + DAY}, "placed_on"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            async with transaction(world.owner) as tx:
                await flocks.edit_batch(tx, flock.id, **(same | changed))  # type: ignore[arg-type]
        assert refused.value.field == field
    async with transaction(world.owner) as tx:
        wanted = [{"day": 7, "celsius": 28}, {"day": 0, "celsius": "31.5", "within": 1}]
        await flocks.edit_batch(tx, flock.id, **same, targets=wanted)  # type: ignore[arg-type]
    async with transaction(world.viewer) as tx:
        found = await queries.batch(tx, flock.id)
    assert found.targets == [{"day": 0, "celsius": 31.5, "within": 1.0}, {"day": 7, "celsius": 28.0, "within": 2.0}]


async def test_too_many_deaths_are_told_at_once_and_are_over_when_a_day_is_good_again(world: World, farm: FarmWorld) -> None:
    flock = await place(world.owner, farm)
    await write(world.keeper, flock, dead=5)
    assert await open_alerts(world) == []
    await write(world.keeper, flock, dead=6)
    assert await open_alerts(world) == [("flock_mortality", "warning")]
    async with transaction(world.viewer) as tx:
        (alert,) = await alerts.open_alerts(tx)
    assert (alert.subject_kind, alert.subject_id, alert.scope_id, alert.time_zone) == ("farm.flock_batches", flock.id, farm.farm.id, "Asia/Phnom_Penh")
    assert (alert.message_values["dead"], alert.message_values["percent"], alert.href) == (6, 0.6, f"/farm/flocks/{flock.id}")
    await write(world.keeper, flock, dead=30)
    assert await open_alerts(world) == [("flock_mortality", "critical")]
    await judge(world, noon(today()))
    assert await open_alerts(world) == [("flock_mortality", "critical")]
    await write(world.keeper, flock, dead=2)
    await judge(world, noon(today() + DAY))
    assert await open_alerts(world) == []


async def test_what_somebody_has_answered_is_not_told_again_for_that_day(world: World, farm: FarmWorld) -> None:
    flock = await place(world.owner, farm)
    await write(world.keeper, flock, dead=8)
    async with transaction(world.owner) as tx:
        (alert,) = await alerts.open_alerts(tx)
        await alerts_commands.resolve(tx, alert.id, because="A fox.")
    await judge(world, now() + timedelta(minutes=10))
    await write(world.keeper, flock, dead=9)
    assert await open_alerts(world) == []
    await write(world.keeper, flock, 1, dead=1)
    await judge(world, noon(today() + DAY))
    assert await open_alerts(world) == []


async def test_birds_that_drink_less_are_told_of_when_the_day_is_over(world: World, farm: FarmWorld) -> None:
    flock = await place(world.owner, farm, days_ago=12)
    for days_ago, litres in ((4, 100), (3, 105), (2, 110), (1, 60), (0, 1)):
        await write(world.keeper, flock, days_ago, water_l=litres, hour=5)
    await judge(world, at_hour(today(), 5, 59))
    assert await open_alerts(world) == []
    await judge(world, at_hour(today(), 6))
    assert await open_alerts(world) == [("flock_drinking_less", "warning")]
    await write(world.keeper, flock, 1, water_l=118)
    await judge(world, noon(today()))
    assert await open_alerts(world) == []


async def test_a_house_is_held_against_the_age_of_its_birds(world: World, farm: FarmWorld) -> None:
    chicks = await place(world.owner, farm, days_ago=0)
    async with transaction(world.owner) as tx:
        second = await farm_commands.register_device(
            tx, farm.farm.id, name="Far end", topic="far-end", device_type=DeviceType.SENSOR, location="room 1"
        )

    async def measure(device: Device, celsius: float) -> None:
        await hear(world, device, SensorValue(device.topic, "temperature", celsius, "°C", now()))

    await measure(farm.probe, 33)
    await judge(world, now())
    assert await open_alerts(world) == []
    await measure(second, 27)  # together 30, where 31 is the least
    await judge(world, now())
    assert await open_alerts(world) == [("house_temperature", "warning")]
    await measure(farm.probe, 26)
    await judge(world, now())
    assert await open_alerts(world) == [("house_temperature", "critical")]
    await judge(world, now() + timedelta(minutes=20))
    assert await open_alerts(world) == [("house_temperature", "critical")]
    async with transaction(world.owner) as tx:
        found = await queries.warmth(tx, chicks.id, since=now() - DAY, until=now() + DAY)
    assert (found.low.min(), found.high.max()) == (26, 33)
    async with transaction(world.owner) as tx:
        await flocks.close_batch(tx, chicks.id, closed_on=today())
    assert await open_alerts(world) == []


async def test_only_who_has_birds_is_judged_and_nobodys_neighbour(world: World, farm: FarmWorld) -> None:
    async with across_tenants("tests") as tx:
        assert await organizations_with_flocks(tx) == []
    await place(world.owner, farm)
    theirs = await build_farm(world.stranger, prefix="other")
    flock = await place(world.stranger, theirs)
    await write(world.stranger, flock, dead=100)
    async with across_tenants("tests") as tx:
        assert set(await organizations_with_flocks(tx)) == {world.organization_id, world.other.id}
    assert await open_alerts(world) == []


async def test_the_timetable_judges_each_business_by_its_own_probes(world: World, farm: FarmWorld) -> None:
    theirs = await build_farm(world.stranger, prefix="other")
    mine, other = await place(world.owner, farm, days_ago=0), await place(world.stranger, theirs, days_ago=30)
    for organization_id, device in ((world.organization_id, farm.probe), (world.other.id, theirs.probe)):
        async with transaction(Actor.machine(organization_id, "mqtt")) as tx:
            await farm_commands.hear(tx, [DeviceReport(device.id, SensorValue(device.topic, "temperature", 24, "°C", now()))])
    await judge_all_flocks()
    async with transaction(world.owner) as tx:
        assert [(one.subject_id, one.severity.value) for one in await alerts.open_of(tx, [mine.id, other.id])] == [(mine.id, "critical")]
    async with transaction(world.stranger) as tx:
        assert await alerts.open_of(tx, [mine.id, other.id]) == []  # 24 is right for birds of 30 days
    await hear(world, farm.probe, SensorValue(farm.probe.topic, "temperature", 33, "°C", now()))
    await judge_all_flocks()
    assert await open_alerts(world) == []


async def test_a_house_is_placed_once_however_many_try_at_once(world: World, farm: FarmWorld) -> None:
    made = await asyncio.gather(*(place(world.owner, farm) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(one, FlockBatch) for one in made) == 1
    assert all(isinstance(one, FlockBatch | Refusal) for one in made)
