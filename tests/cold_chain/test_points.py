from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from data.cold_chain.queries import points
from data.core.errors import NotFound
from data.core.session import transaction
from data.core.time import now
from tests.factories.cold_chain import ColdStore, cold_store
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
    assert drawn.times_ms.size == 43_200 and np.all(np.diff(drawn.times_ms) == 60_000) and drawn.gap is None


async def test_a_year_is_thinned_by_the_database_and_keeps_its_extremes(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    fill(owner_connection, store, START - timedelta(days=300), 20_000, 1200)
    async with transaction(world.viewer) as tx:
        (drawn,) = await points.points(tx, store.unit_id, START - timedelta(days=300), START)
    assert drawn.times_ms.size <= 2 * points.THINNED_TO + 2 and np.all(np.diff(drawn.times_ms) > 0)
    assert (drawn.celsius.min().round(2), drawn.celsius.max().round(2)) == (-20.0, -10.01)
    assert drawn.gap == timedelta(days=300) / points.THINNED_TO


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


async def test_a_day_becomes_forty_eight_sparks_with_nothing_where_nothing_was_measured(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    at = now()
    fill(owner_connection, store, at - timedelta(hours=26), 60)
    fill(owner_connection, store, at - timedelta(hours=12), 30)
    async with transaction(world.viewer) as tx:
        sparks = await points.sparks(tx, [store.unit_id], at)
    (day,) = sparks.values()
    assert len(day) == points.SPARKS and [n for n, celsius in enumerate(day) if celsius is not None] == [24]
    assert day[24] == pytest.approx(-19.855)


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
        assert all(v is None for v in (await points.sparks(tx, [store.unit_id], START + timedelta(hours=1)))[store.unit_id])
        assert await points.last_readings(tx, store.unit_id, until=START + timedelta(days=1)) == []
