from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.platform import streams
from jobs import upkeep
from jobs.api.health import health
from tests.factories.people import World
from tests.factories.upkeep import keeping

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
    await upkeep.drop_partitions(keeping(24))
    assert pieces(owner_connection) == ["ticks_default", "ticks_y2020m02"]
    owner_connection.execute("update platform.partition_retention_overrides set expires_at = now() - interval '1 day'")
    await upkeep.drop_partitions(keeping(24))
    assert pieces(owner_connection) == ["ticks_default"]


async def test_what_came_before_its_piece_gets_one_from_the_job(world: World, stream: str, owner_connection: psycopg.Connection) -> None:
    owner_connection.execute("insert into platform.ticks values (gen_random_uuid(), '2019-05-31T23:59:59Z'), (gen_random_uuid(), '2018-02-01T00:00Z')")
    await upkeep.make_partitions()
    assert {"ticks_y2019m05", "ticks_y2018m02"} <= set(pieces(owner_connection))
    assert owner_connection.execute("select count(*) from platform.ticks_default").fetchone() == (0,)
    assert owner_connection.execute("select count(*) from platform.ticks").fetchone() == (2,)


async def test_a_piece_that_will_be_needed_and_is_missing_is_said(world: World, stream: str, owner_connection: psycopg.Connection) -> None:
    with pytest.raises(upkeep.StreamsInTrouble, match=r"ticks_y\d{4}m\d{2} \(missing\), platform.ticks_y\d{4}m\d{2} \(missing\)"):
        await upkeep.check_partitions()
    await upkeep.make_partitions()
    await upkeep.check_partitions()
    at = now()
    next_piece = f"platform.ticks_y{at.year + at.month // 12}m{at.month % 12 + 1:02}"
    owner_connection.execute(f"drop table {next_piece}")
    async with across_tenants("tests") as tx:
        assert await streams.troubles(tx, at) == [streams.Trouble("platform.ticks", "missing", next_piece)]
        assert await streams.troubles(tx, at - timedelta(days=62)) != []


async def test_what_is_written_now_into_the_default_piece_is_said(world: World, stream: str, owner_connection: psycopg.Connection) -> None:
    await upkeep.make_partitions()
    owner_connection.execute("insert into platform.ticks values (gen_random_uuid(), now() - interval '5 years')")
    async with across_tenants("tests") as tx:
        assert await streams.troubles(tx, now()) == []
    owner_connection.execute("insert into platform.ticks values (gen_random_uuid(), now() + interval '5 years')")
    async with across_tenants("tests") as tx:
        (found,) = await streams.troubles(tx, now())
    assert (found.trouble, found.piece) == ("stray", "platform.ticks_default")


async def test_how_long_readings_are_kept_is_a_setting(world: World, owner_connection: psycopg.Connection) -> None:
    def kept() -> object:
        row = owner_connection.execute(
            "select extract(year from retention) * 12 + extract(month from retention) from platform.partitioned_tables"
            " where table_name = 'cold_chain.sensor_readings'"
        ).fetchone()
        return row and row[0]

    assert kept() == 24
    await upkeep.drop_partitions(keeping(36))
    assert kept() == 36
    await upkeep.drop_partitions(keeping(0))
    assert kept() is None
    await upkeep.drop_partitions(keeping(24))
    assert kept() == 24


@pytest.fixture
def admin(world: World) -> Actor:
    return replace(world.owner, is_platform_admin=True)


async def test_a_hold_keeps_a_piece_until_it_is_lifted(
    world: World, admin: Actor, stream: str, owner_connection: psycopg.Connection
) -> None:
    make(owner_connection, "2020-01-01", "2020-02-01")
    async with transaction(admin) as tx:
        hold = await streams.place_hold(tx, "platform.ticks_y2020m01", reason=" A court asked. ", expires_at=None)
    await upkeep.drop_partitions(keeping(24))
    assert pieces(owner_connection) == ["ticks_default", "ticks_y2020m01"]
    async with transaction(admin) as tx:
        assert [(one.reason, one.created_by) for one in await streams.holds(tx)] == [("A court asked.", admin.name)]
        with pytest.raises(Conflict):
            await streams.place_hold(tx, "platform.ticks_y2020m01", reason="Again", expires_at=None)
    async with transaction(admin) as tx:
        with pytest.raises(Invalid, match="Say why"):
            await streams.lift_hold(tx, hold.id, reason=" ")
        await streams.lift_hold(tx, hold.id, reason="The court is done.")
    await upkeep.drop_partitions(keeping(24))
    assert pieces(owner_connection) == ["ticks_default"]
    logged = owner_connection.execute("select event_type from audit.event_logs where event_type like 'platform.partition%' order by sequence").fetchall()
    assert [kind for (kind,) in logged if "overrides" in kind or "released" in kind] == [
        "platform.partition_retention_overrides.created", "platform.partition.released", "platform.partition_retention_overrides.deleted",
    ]  # fmt: skip


async def test_a_hold_that_ran_out_can_be_placed_again(world: World, admin: Actor, stream: str, owner_connection: psycopg.Connection) -> None:
    make(owner_connection, "2020-01-01", "2020-01-01")
    async with transaction(admin) as tx:
        await streams.place_hold(tx, "platform.ticks_y2020m01", reason="One", expires_at=now() + timedelta(days=1))
    owner_connection.execute("update platform.partition_retention_overrides set expires_at = now() - interval '1 hour'")
    async with transaction(admin) as tx:
        await streams.place_hold(tx, "platform.ticks_y2020m01", reason="Two", expires_at=None)
    async with transaction(admin) as tx:
        assert [one.reason for one in await streams.holds(tx)] == ["Two"]


async def test_only_what_there_is_can_be_held_and_not_into_the_past(admin: Actor, stream: str) -> None:
    async with transaction(admin) as tx:
        for name in ("platform.ticks_y1999m01", "platform.ticks", "platform.ticks_default", "identity.users"):
            with pytest.raises(NotFound):
                await streams.place_hold(tx, name, reason="Because", expires_at=None)
        with pytest.raises(Invalid, match="past"):
            await streams.place_hold(tx, "platform.ticks_default", reason="Because", expires_at=now() - timedelta(days=1))


async def test_nobody_of_an_organization_decides_about_pieces(world: World) -> None:
    for actor in (world.owner, world.colleague, world.stranger):
        async with transaction(actor) as tx:
            for refused in (streams.streams(tx), streams.pieces(tx), streams.holds(tx), streams.place_hold(tx, "x", reason="x", expires_at=None)):
                with pytest.raises(Forbidden):
                    await refused


async def test_whoever_runs_the_installation_sees_every_stream(admin: Actor) -> None:
    async with transaction(admin) as tx:
        found = {one.table_name: one for one in await streams.streams(tx)}
    readings = found["cold_chain.sensor_readings"]
    assert readings.piece_count >= 6 and readings.until and readings.until > now() + timedelta(days=60) and readings.size_bytes > 0


async def test_health_is_degraded_while_a_piece_is_missing(world: World, stream: str) -> None:
    found = await health(Settings(_env_file=None))
    assert found["status"] == "degraded" and len(found["streams"]) == 2
    await upkeep.make_partitions()
    found = await health(Settings(_env_file=None))
    assert found["status"] == "ok" and "streams" not in found
