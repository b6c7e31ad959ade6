"""Whether a server gives its log away: it must write enough into it, and let the role in by a door of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import anyio.to_thread
import psycopg

from jobs.keeping.postgres_tools import conninfo_of, major_of, programs

ASKED = """
select current_setting('wal_level'), pg_is_in_recovery(), current_setting('server_version_num')::int,
       (select rolsuper or rolreplication from pg_roles where rolname = current_user),
       (select count(*) from pg_tablespace where spcname not in ('pg_default', 'pg_global')),
       pg_size_bytes(current_setting('wal_segment_size'))::bigint, current_setting('max_wal_senders')::int
"""
WORD = "pg_logical_emit_message(true, 'steading', '')"
"""Is written into the log and nowhere else, and is on the server's disk when it is answered."""
LEAST_SENDERS = 3
"""One to receive the log, one to copy everything beside it, and one that keeps the log meanwhile."""


class Refused(Exception):
    """The server does not give its log: one of the words in data.platform.stretches, and what was said."""

    def __init__(self, word: str, detail: str = "") -> None:
        super().__init__(detail or word)
        self.word, self.detail = word, detail


@dataclass(frozen=True, slots=True)
class Server:
    """Which server it is, which of its lives it is in (a timeline is one), and how far its log has come."""

    system: str
    timeline: int
    position: str
    segment_bytes: int
    version: int


@dataclass(frozen=True, slots=True)
class Mark:
    """An instant, and a place in the log before which something is committed that is not earlier."""

    at: datetime
    position: str


async def server_of(database_url: str) -> Server:
    """Ask it. Refused with the reason when its log cannot be received."""
    async with await psycopg.AsyncConnection.connect(conninfo_of(database_url), autocommit=True) as connection:
        found = await (await connection.execute(ASKED)).fetchone()
    assert found is not None
    level, is_standby, version, may_replicate, places, segment_bytes, senders = found
    ours = await anyio.to_thread.run_sync(major_of, programs() / "postgres")
    for word, is_so in {
        "is_newer": version // 10_000 > (ours or 0), "is_standby": is_standby, "writes_little": level == "minimal",
        "has_tablespaces": places > 0, "has_no_senders": senders < LEAST_SENDERS, "role_may_not": not may_replicate,
    }.items():  # fmt: skip
        if is_so:
            raise Refused(word)
    system, timeline, position = await anyio.to_thread.run_sync(_identified, database_url)
    return Server(system, int(timeline), position, segment_bytes, version)


def _identified(database_url: str) -> tuple[str, str, str]:
    """By the door for replication, which understands nothing but its own few words."""
    try:
        with psycopg.connect(conninfo_of(database_url), autocommit=True, replication="true") as connection:
            found = connection.pgconn.exec_(b"IDENTIFY_SYSTEM")
            if not found.ntuples:
                raise Refused("is_kept_out", found.error_message.decode(errors="replace").strip())
            system, timeline, position = ((found.get_value(0, n) or b"").decode() for n in range(3))
            return system, timeline, position
    except psycopg.OperationalError as reason:
        raise Refused("is_kept_out", str(reason).strip().splitlines()[-1]) from reason


@asynccontextmanager
async def held(database_url: str) -> AsyncIterator[None]:
    """The server keeps its log from now on, for as long as this is open: the slot goes with the connection, however that ends."""
    connection = await anyio.to_thread.run_sync(_holding, database_url)
    try:
        yield
    finally:
        await anyio.to_thread.run_sync(connection.close)


def _holding(database_url: str) -> "psycopg.Connection[tuple[object, ...]]":
    connection = psycopg.connect(conninfo_of(database_url), autocommit=True, replication="true")
    done = connection.pgconn.exec_(f'CREATE_REPLICATION_SLOT "steading_{uuid4().hex}" TEMPORARY PHYSICAL RESERVE_WAL'.encode())
    if not done.ntuples:
        connection.close()
        raise psycopg.OperationalError(done.error_message.decode(errors="replace").strip())
    return connection


async def mark(database_url: str) -> Mark:
    """Write two commits into the log that change nothing: what reaches the second has the first, and so this instant."""
    async with await psycopg.AsyncConnection.connect(conninfo_of(database_url), autocommit=True) as connection:
        committed = await (await connection.execute(f"select clock_timestamp(), {WORD}")).fetchone()
        place = await (await connection.execute("select pg_current_wal_insert_lsn()::text")).fetchone()
        await connection.execute(f"select {WORD}")
    assert committed and place
    return Mark(committed[0].astimezone(UTC), place[0])
