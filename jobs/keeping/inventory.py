"""What a database holds, said so briefly that two can be compared: each table's rows, counted and summed up."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from jobs.keeping.postgres_tools import conninfo_of

Inventory = Mapping[str, tuple[int, str]]
"""Of each table `schema.name`: how many rows, and a sum over their contents (over their keys in a stream)."""

LOCK = 7_362_002
SAME_WORDS = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex -c statement_timeout=0"
"""Values as text read the same on every server."""

TABLES = """
select n.nspname, c.relname, c.relkind = 'p',
       array(select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
             where i.indrelid = c.oid and i.indisprimary order by a.attnum)::text[]
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of a database, open to be read by several at once."""

    connection: psycopg.AsyncConnection[Any]
    name: str
    at: datetime
    owner: str
    server_version: int


class AnotherIsAtIt(Exception):
    """Another process is making a backup of this database right now."""


@asynccontextmanager
async def snapshot(database_url: str) -> AsyncIterator[Snapshot]:
    """The database as it is now, for as long as this is open. AnotherIsAtIt while somebody else has one."""
    async with (
        await psycopg.AsyncConnection.connect(conninfo_of(database_url), options=SAME_WORDS, application_name="steading backup") as connection
    ):
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await connection.set_read_only(True)
        row = await (
            await connection.execute(
                "select pg_try_advisory_xact_lock(%s), pg_export_snapshot(), now(), current_user, current_setting('server_version_num')::int",
                [LOCK],
            )
        ).fetchone()
        assert row is not None
        if not row[0]:
            raise AnotherIsAtIt("another process is making a backup of this database")
        yield Snapshot(connection, *row[1:])


QUIET_TRIES, QUIET_PAUSE_S = 400, 0.05


class NeverQuiet(Exception):
    """Somebody was always writing: no place in the log could be found that a snapshot agrees with."""


@asynccontextmanager
async def snapshot_in_log(database_url: str) -> AsyncIterator[tuple[psycopg.AsyncConnection[Any], datetime, str]]:
    """The database at a place in its log: all that was committed before it is seen, and nothing else. NeverQuiet when there is none.

    That is certain only in a moment in which nobody's writing is under way, and nothing was written while we looked.
    """
    async with await psycopg.AsyncConnection.connect(conninfo_of(database_url), options=SAME_WORDS, autocommit=True) as connection:
        for _ in range(QUIET_TRIES):
            before = await (await connection.execute("select pg_current_wal_insert_lsn()::text")).fetchone()
            await connection.execute("begin isolation level repeatable read read only")
            seen = await (
                await connection.execute(
                    "select pg_snapshot_xmin(s) = pg_snapshot_xmax(s), pg_current_wal_insert_lsn()::text, now() from pg_current_snapshot() s"
                )
            ).fetchone()
            assert before and seen
            if seen[0] and before[0] == seen[1]:
                yield connection, seen[2].astimezone(UTC), seen[1]
                return
            await connection.execute("rollback")
            await asyncio.sleep(QUIET_PAUSE_S)
    raise NeverQuiet("somebody was always writing, so that there was nothing to compare with")


async def taken(connection: psycopg.AsyncConnection[Any]) -> Inventory:
    """Count everything that this connection sees. Streams are large and never changed: of theirs only the keys are summed up."""
    found: dict[str, tuple[int, str]] = {}
    for schema, name, is_stream, keys in await (await connection.execute(TABLES)).fetchall():
        columns = sql.SQL(", ").join(sql.SQL("t.") + sql.Identifier(key) for key in keys)
        words = sql.SQL("row({})::text").format(columns) if is_stream and keys else sql.SQL("t::text")
        statement = sql.SQL("select count(*), coalesce(sum(hashtextextended({}, 0)::numeric), 0)::text from {} t")
        row = await (await connection.execute(statement.format(words, sql.Identifier(schema, name)))).fetchone()
        assert row is not None
        found[f"{schema}.{name}"] = row[0], row[1]
    return found


async def taken_of(database_url: str) -> Inventory:
    """The same of a database that nobody writes into."""
    async with await psycopg.AsyncConnection.connect(conninfo_of(database_url), options=SAME_WORDS) as connection:
        return await taken(connection)


def differences(wanted: Inventory, found: Inventory) -> dict[str, str]:
    """Where they are not the same, in a few words for each table."""
    told: dict[str, str] = {}
    for table in sorted({*wanted, *found}):
        if table not in found:
            told[table] = "is missing"
        elif table not in wanted:
            told[table] = "was not there"
        elif tuple(wanted[table]) != tuple(found[table]):
            rows, there = wanted[table][0], found[table][0]
            told[table] = f"{there} rows instead of {rows}" if rows != there else "rows have other contents"
    return told
