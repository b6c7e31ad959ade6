"""A farm's past over any stretch: from readings, hours or days, never behind, and only for those who may see the farm."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import psycopg
import pytest

from data.core.actor import Actor
from data.core.errors import Invalid, NotFound
from data.core.session import transaction
from data.farm import commands
from data.farm.queries_history import History, history
from data.farm.rules.detail import MOST_POINTS, Detail, Kept, Source, detail
from data.farm.tables import Device
from data.farm.values import DeviceReport, Report, SensorValue, StateReport
from data.identity.tables import Role
from pages.farm.history import picture, rows
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World, person
from tests.factories.upkeep import count_farm_readings
from ui.words import Reader, reading_as

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("length", "ago", "lines", "readings", "found"),
    [
        (DAY, DAY, 1, 43_200, Detail(Source.READINGS, timedelta(seconds=120))),
        (HOUR, HOUR, 1, 1_800, Detail(Source.READINGS, timedelta(seconds=5))),
        (DAY, DAY, 100, 500_000, Detail(Source.HOURS, HOUR)),
        (DAY, 40 * DAY, 1, 0, Detail(Source.HOURS, HOUR)),
        (DAY, 400 * DAY, 1, 0, Detail(Source.DAYS, DAY)),
        (7 * DAY, 7 * DAY, 1, 9e9, Detail(Source.HOURS, HOUR)),
        (30 * DAY, 30 * DAY, 100, 0, Detail(Source.HOURS, 4 * HOUR)),
        (365 * DAY, 365 * DAY, 3, 0, Detail(Source.DAYS, 2 * DAY)),
        (1826 * DAY, 1826 * DAY, 100, 0, Detail(Source.DAYS, 14 * DAY)),
    ],
)
def test_a_stretch_is_looked_at_as_closely_as_it_is_kept_and_can_be_seen(
    length: timedelta, ago: timedelta, lines: int, readings: float, found: Detail
) -> None:
    assert detail(NOW - ago, NOW - ago + length, at=NOW, lines=lines, readings=readings) == found


def test_what_is_kept_for_ever_is_read_however_old_and_a_file_is_never_longer_than_it_may_be() -> None:
    old = NOW - 900 * DAY
    assert detail(old, old + DAY, at=NOW, kept=Kept(None, None)).source is Source.READINGS
    for length in (HOUR, DAY, 30 * DAY, 1826 * DAY):
        for lines in (1, 7, 100):
            found = detail(NOW - length, NOW, at=NOW, lines=lines, is_file=True)
            assert lines * length / found.width <= MOST_POINTS
    assert detail(NOW - DAY, NOW, at=NOW, is_file=True).width == timedelta(seconds=1)


def test_a_program_says_how_many_points_it_takes() -> None:
    for length in (HOUR, DAY, 7 * DAY, 30 * DAY):
        for most in (1, 100, 10_000):
            assert length / detail(NOW - length, NOW, at=NOW, most=most).width <= most
    assert Kept.for_days(7, 0) == Kept(timedelta(days=7), None)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def hear(world: World, device: Device, *reports: Report) -> None:
    async with transaction(Actor.machine(world.organization_id, "mqtt")) as tx:
        await commands.hear(tx, [DeviceReport(device.id, report) for report in reports])


def warm(device: Device, celsius: float, at: datetime) -> SensorValue:
    return SensorValue(device.topic, "temperature", celsius, "°C", at)


async def seen(who: Actor, farm: FarmWorld, length: timedelta, *, switches: tuple[UUID, ...] = (), is_file: bool = False) -> History:
    async with transaction(who) as tx:
        return await history(
            tx, farm.farm.id, NOW - length, NOW, of=[farm.probe.id], switches=switches, at=NOW, is_file=is_file
        )


async def test_each_source_tells_the_same_least_most_and_mean(world: World, farm: FarmWorld) -> None:
    said = [20 + (n * 7 % 13) for n in range(40)]
    await hear(world, farm.probe, *(warm(farm.probe, celsius, NOW - timedelta(minutes=30 * n + 1)) for n, celsius in enumerate(said)))
    for length, source in ((DAY, Source.READINGS), (7 * DAY, Source.HOURS), (200 * DAY, Source.DAYS)):
        for _ in range(2):  # before and after it is counted
            found = await seen(world.viewer, farm, length)
            (line,) = found.lines
            assert found.detail.source is source
            assert (line.low.min(), line.high.max(), int(line.counts.sum())) == (min(said), max(said), len(said))
            assert np.average(line.mean, weights=line.counts) == pytest.approx(sum(said) / len(said))
            await count_farm_readings()


async def test_a_late_reading_is_in_the_picture_at_once_and_counted_later(world: World, farm: FarmWorld) -> None:
    await hear(world, farm.probe, *(warm(farm.probe, 25, NOW - 3 * DAY - n * HOUR) for n in range(30)))
    await count_farm_readings()
    await hear(world, farm.probe, warm(farm.probe, 41, NOW - 3 * DAY - timedelta(minutes=7)))
    for _ in range(2):
        for length in (7 * DAY, 100 * DAY):
            (line,) = (await seen(world.viewer, farm, length)).lines
            assert (line.high.max(), line.counts.sum()) == (41, 31)
        await count_farm_readings()


async def test_a_switch_is_on_from_its_word_to_the_next_one_and_shares_add_up(world: World, farm: FarmWorld) -> None:
    for minutes, is_on in ((400, False), (300, True), (120, False), (30, True)):
        await hear(world, farm.fan, StateReport(farm.fan.topic, 1, is_on, NOW - timedelta(minutes=minutes)))
    (lane,) = (await seen(world.viewer, farm, timedelta(minutes=350), switches=(farm.fan.id,))).lanes
    assert lane.shares.tolist() == [0, 1, 0, 1]
    assert ((lane.ends_ms - lane.starts_ms) / 60_000).tolist() == [50, 180, 90, 30]
    await count_farm_readings()
    (lane,) = (await seen(world.viewer, farm, 7 * DAY, switches=(farm.fan.id,))).lanes
    hours_on = (lane.shares * (lane.ends_ms - lane.starts_ms)).sum() / 3_600_000
    assert hours_on == pytest.approx(3.5, abs=0.01) and len(lane.shares) == 7


async def test_who_may_not_see_the_farm_sees_nothing_of_its_past(world: World, farm: FarmWorld) -> None:
    other = await build_farm(world.owner, prefix="other")
    elsewhere = await person(world.organization, "Eli Elsewhere", (Role.KEEPER, other.farm.id))
    for who in (world.stranger, elsewhere, world.driver):
        with pytest.raises(NotFound):
            await seen(who, farm, DAY)
    async with transaction(elsewhere) as tx:
        found = await history(tx, other.farm.id, NOW - DAY, NOW, of=[farm.probe.id], at=NOW)
    assert not found.devices and not found.lines, "a probe of another farm is not shown by naming it"
    with pytest.raises(Invalid):
        async with transaction(world.owner) as tx:
            await history(tx, farm.farm.id, NOW - DAY, NOW, of=[UUID(int=n) for n in range(101)])


async def test_limits_are_drawn_where_all_probes_share_them(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, farm.probe.id, "temp_threshold_high", 35)
    found = await seen(world.viewer, farm, DAY)
    assert found.limits == (None, 35)
    with reading_as(Reader("en", "UTC", "f")):
        assert picture(found, "temperature").limits[0].high == 95
    async with transaction(world.owner) as tx:
        both = await history(tx, farm.farm.id, NOW - DAY, NOW, of=[farm.probe.id, farm.fan.id], at=NOW)
    assert both.limits == (None, None)


async def test_a_picture_says_what_it_was_drawn_from_and_a_file_has_a_line_a_point(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    await hear(world, farm.probe, warm(farm.probe, 25.5, NOW - 2 * HOUR), warm(farm.probe, 26.5, NOW - HOUR))
    assert "single readings" in picture(await seen(world.viewer, farm, DAY), "temperature").note
    assert "hourly" in picture(await seen(world.viewer, farm, 7 * DAY), "temperature").note
    listed = list(rows(await seen(world.viewer, farm, DAY, is_file=True), "temperature", "°C"))
    assert [line[3:6] for line in listed] == [(NOW - 2 * HOUR, NOW - 2 * HOUR, 25.5), (NOW - HOUR, NOW - HOUR, 26.5)]
    (line,) = [one for one in rows(await seen(world.viewer, farm, 200 * DAY, is_file=True), "temperature", "°F", is_fahrenheit=True)]
    assert line[:3] == ("Probe", "temperature", "°F") and line[5:9] == (78.8, 77.9, 79.7, 2)
