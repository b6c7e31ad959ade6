from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from data.cold_chain.commands import metrics
from data.cold_chain.queries import hours, points
from data.core.errors import NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from tests.factories.cold_chain import ColdStore, cold_store, count_readings
from tests.factories.people import World

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


def fill(connection: psycopg.Connection, store: ColdStore, start: datetime, count: int, step_s: int = 60) -> None:
    """A reading every `step_s`: −20.00, −19.99, … over and over from −20 to −10."""
    connection.execute(
        "insert into cold_chain.sensor_readings (organization_id, unit_id, device_id, recorded_at, temperature_celsius, source)"
        " select %s, %s, %s, %s + make_interval(secs => n * %s::float8), -20 + (n %% 1000) / 100.0, 'ttn' from generate_series(0, %s - 1) n",
        [store.organization_id, store.unit_id, store.sensor_id, start, step_s, count],
    )


async def counted(since: datetime, until: datetime) -> None:
    """What is there is counted as if it had come through a door."""
    async with across_tenants("tests") as tx:
        await metrics.mark_stretch(tx, since, until)
    await count_readings()


async def test_points_are_the_stored_temperatures_in_the_order_of_time(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    fill(owner_connection, store, START, 1000)
    async with transaction(world.viewer) as tx:
        (drawn,) = await points.points(tx, store.unit_id, START + timedelta(minutes=10), START + timedelta(minutes=13))
    assert drawn.times_ms.tolist() == [int((START + timedelta(minutes=m)).timestamp() * 1000) for m in (10, 11, 12)]
    assert drawn.celsius.round(2).tolist() == [-19.9, -19.89, -19.88] and drawn.device_id == store.sensor_id


async def test_a_month_of_minutes_is_read_whole(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    fill(owner_connection, store, START, 43_200)
    async with transaction(world.viewer) as tx:
        (drawn,) = await points.points(tx, store.unit_id, START, START + timedelta(days=30))
    assert drawn.times_ms.size == 43_200 and np.all(np.diff(drawn.times_ms) == 60_000) and drawn.gap is drawn.band is None


async def test_years_come_from_the_hours_and_keep_their_extremes(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    start = START - timedelta(days=700)
    fill(owner_connection, store, start, 100_000, 600)
    await counted(start, START)
    fill(owner_connection, store, START - timedelta(days=300, seconds=-7), 200, 5)  # late, and not counted yet
    owner_connection.execute("update cold_chain.sensor_readings set temperature_celsius = 31.5 where recorded_at = %s", [START - timedelta(days=300, seconds=-7)])
    async with across_tenants("tests") as tx:
        await metrics.mark_stretch(tx, START - timedelta(days=300, seconds=-7), START - timedelta(days=300, seconds=-9))
    async with transaction(world.viewer) as tx:
        (drawn,) = await points.points(tx, store.unit_id, start, START)
        (summary,) = await hours.summaries(tx, store.unit_id, start, START)
    assert drawn.gap == timedelta(days=1) and drawn.band is not None and drawn.humidity_band is None
    assert drawn.times_ms.size <= 702 and np.all(np.diff(drawn.times_ms) > 0)
    assert (drawn.band.low.min(), drawn.band.high.max()) == (-20.0, 31.5)
    assert np.all((drawn.band.low <= drawn.celsius) & (drawn.celsius <= drawn.band.high))
    assert (summary.reading_count, summary.low, summary.high) == (100_200, -20.0, 31.5)


@pytest.mark.parametrize(("before", "behind"), [(timedelta(), timedelta()), (timedelta(minutes=13), timedelta(minutes=41))])
async def test_a_summary_is_that_of_the_readings_wherever_it_begins_and_ends(
    world: World, store: ColdStore, owner_connection: psycopg.Connection, before: timedelta, behind: timedelta
) -> None:
    start, end = START + before, START + timedelta(hours=9) - behind
    fill(owner_connection, store, START - timedelta(hours=2), 2_000, 20)
    await counted(START - timedelta(days=1), START + timedelta(hours=4))
    async with across_tenants("tests") as tx:
        await metrics.mark_stretch(tx, START + timedelta(hours=3), START + timedelta(days=1))
    plain = owner_connection.execute(
        "select count(*), min(temperature_celsius)::float8, max(temperature_celsius)::float8, avg(temperature_celsius)::float8,"
        " count(*) filter (where temperature_celsius not between -23.33 and -17.78) from cold_chain.sensor_readings"
        " where recorded_at >= %s and recorded_at < %s",
        [start, end],
    ).fetchone()
    assert plain is not None
    async with transaction(world.viewer) as tx:
        (found,) = await hours.summaries(tx, store.unit_id, start, end)
        within_an_hour = await hours.summaries(tx, store.unit_id, START + timedelta(minutes=5), START + timedelta(minutes=6))
    assert (found.reading_count, found.low, found.high, found.anomaly_count) == (*plain[:3], plain[4])
    assert found.average == pytest.approx(plain[3]) and found.share_within == 1 - plain[4] / plain[0]
    assert found.mean_kinetic is not None and found.average < found.mean_kinetic < found.high
    assert within_an_hour[0].reading_count == 3


async def test_pieces_of_readings_are_what_plain_sql_says(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    fill(owner_connection, store, START, 60_000, 10)
    owner_connection.execute("update cold_chain.sensor_readings set humidity_percent = 50 + (extract(minute from recorded_at)) / 10")
    async with transaction(world.viewer) as tx:
        (drawn,) = await points.points(tx, store.unit_id, START, START + timedelta(days=7))
    width = drawn.gap
    assert width == timedelta(minutes=15) and drawn.band is not None and drawn.humidity_percent is not None
    plain = owner_connection.execute(
        "select min(temperature_celsius)::float8, max(temperature_celsius)::float8, avg(temperature_celsius)::float8,"
        " avg(humidity_percent)::float8 from cold_chain.sensor_readings, date_bin(%s, recorded_at, '2001-01-01') piece"
        " group by piece order by piece",
        [width],
    ).fetchall()
    shown = np.array([drawn.band.low, drawn.band.high, drawn.celsius, drawn.humidity_percent]).T
    assert np.allclose(shown, np.array(plain))


async def test_what_is_new_is_what_was_measured_after_the_last_known(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    start = now() - timedelta(minutes=10)
    fill(owner_connection, store, start, 12)
    async with transaction(world.viewer) as tx:
        (news,) = await points.newest(tx, store.unit_id, datetime.fromtimestamp(0, UTC))
        known = datetime.fromtimestamp(int(news.times_ms[-3]) / 1000, UTC)
        (last,) = await points.newest(tx, store.unit_id, known)
        none = await points.newest(tx, store.unit_id, known + timedelta(minutes=2))
    assert news.times_ms.size == 12 and news.gap is None
    assert last.times_ms.tolist() == news.times_ms[-2:].tolist() and list(none) == []


@pytest.mark.parametrize("is_counted", [True, False])
async def test_a_day_becomes_twenty_four_sparks_with_nothing_where_nothing_was_measured(
    world: World, store: ColdStore, owner_connection: psycopg.Connection, is_counted: bool
) -> None:
    at = START + timedelta(hours=5, minutes=20)
    for start, count in ((at - timedelta(hours=26), 60), (at - timedelta(hours=12), 90), (START + timedelta(hours=5), 10)):
        fill(owner_connection, store, start, count)
    async with across_tenants("tests") as tx:
        await metrics.mark_stretch(tx, START - timedelta(days=3), START + timedelta(days=1))
    if is_counted:
        await count_readings()
    async with transaction(world.viewer) as tx:
        (day,) = (await points.sparks(tx, [store.unit_id], at)).values()
    assert len(day) == points.SPARKS and [n for n, celsius in enumerate(day) if celsius is not None] == [11, 12, 23]
    assert [day[n] for n in (11, 12, 23)] == pytest.approx([-19.805, -19.355, -19.955])


async def test_a_file_holds_every_reading_the_oldest_first(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    fill(owner_connection, store, START, 2_500)
    async with transaction(world.viewer) as tx:
        parts = [await points.readings_after(tx, store.unit_id, START, START + timedelta(days=2), limit=1000)]
        while len(parts[-1]) == 1000:
            last = parts[-1][-1]
            parts.append(await points.readings_after(tx, store.unit_id, START, START + timedelta(days=2), after=last, limit=1000))
        newest = await points.last_readings(tx, store.unit_id, until=START + timedelta(days=2), limit=3)
    rows = [row for part in parts for row in part]
    assert len({row.recorded_at for row in rows}) == 2_500
    assert [len(p) for p in parts] == [1000, 1000, 500] and rows[0].recorded_at == START and rows[0].source == "ttn"
    assert [r.recorded_at for r in newest] == [rows[-1 - n].recorded_at for n in range(3)] and newest[0].device_name == store.eui


async def test_the_stranger_gets_no_points(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    fill(owner_connection, store, START, 10)
    async with transaction(world.stranger) as tx:
        with pytest.raises(NotFound):
            await points.points(tx, store.unit_id, START, START + timedelta(days=1))
        with pytest.raises(NotFound):
            await points.readings_after(tx, store.unit_id, START, START + timedelta(days=1))
        assert await hours.summaries(tx, store.unit_id, START, START + timedelta(days=1)) == []
        assert all(v is None for v in (await points.sparks(tx, [store.unit_id], START + timedelta(hours=1)))[store.unit_id])
        assert await points.last_readings(tx, store.unit_id, until=START + timedelta(days=1)) == []
