from datetime import UTC, datetime

import psycopg
import pytest

from jobs import upkeep
from tests.factories.people import World

PIECES = "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = %s::regclass order by 1"


@pytest.fixture
def stream(owner_connection: psycopg.Connection) -> str:
    """A stream of its own, so that nothing of it is left for others."""
    owner_connection.execute("drop table if exists platform.ticks")
    owner_connection.execute(
        "create table platform.ticks (organization_id uuid, recorded_at timestamptz, primary key (organization_id, recorded_at))"
        " partition by range (recorded_at)"
    )
    owner_connection.execute("create table platform.ticks_default partition of platform.ticks default")
    owner_connection.execute("insert into platform.partitioned_tables values ('platform.ticks', 'month', '3 months', '2 months')")
    yield "platform.ticks"
    owner_connection.execute("delete from platform.partitioned_tables where table_name = 'platform.ticks'")
    owner_connection.execute("drop table platform.ticks")


def pieces(connection: psycopg.Connection) -> list[str]:
    return [name for (name,) in connection.execute(PIECES, ["platform.ticks"])]


def make(connection: psycopg.Connection, since: str, until: str) -> None:
    connection.execute("select platform.make_partitions('platform.ticks', %s, %s)", [since, until])


async def test_the_next_three_months_are_made_by_the_job(world: World, stream: str, owner_connection: psycopg.Connection) -> None:
    await upkeep.make_partitions()
    now = datetime.now(UTC)
    months = [(now.year + (now.month - 1 + n) // 12, (now.month - 1 + n) % 12 + 1) for n in range(4)]
    assert pieces(owner_connection) == sorted(["ticks_default", *(f"ticks_y{y}m{m:02}" for y, m in months)])
    before = pieces(owner_connection)
    await upkeep.make_partitions()
    assert pieces(owner_connection) == before


def test_rows_that_came_before_their_piece_move_into_it(stream: str, owner_connection: psycopg.Connection) -> None:
    owner_connection.execute("insert into platform.ticks values (gen_random_uuid(), '2031-05-31T23:59:59Z'), (gen_random_uuid(), '2031-06-01T00:00Z')")
    make(owner_connection, "2031-05-01", "2031-05-02")
    assert owner_connection.execute("select count(*) from platform.ticks_y2031m05").fetchone() == (1,)
    assert owner_connection.execute("select count(*) from platform.ticks_default").fetchone() == (1,)


async def test_what_is_older_than_its_retention_goes_unless_it_is_held(world: World, stream: str, owner_connection: psycopg.Connection) -> None:
    make(owner_connection, "2020-01-01", "2020-03-01")
    owner_connection.execute(
        "insert into platform.partition_retention_overrides (id, partition_name, reason, created_by)"
        " values (gen_random_uuid(), 'platform.ticks_y2020m02', 'a court asked', 'test')"
    )
    await upkeep.drop_partitions()
    assert pieces(owner_connection) == ["ticks_default", "ticks_y2020m02"]
    owner_connection.execute("update platform.partition_retention_overrides set expires_at = now() - interval '1 day'")
    await upkeep.drop_partitions()
    assert pieces(owner_connection) == ["ticks_default"]
