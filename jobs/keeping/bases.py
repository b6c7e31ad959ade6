"""Everything that a server has is copied while it goes on being used, for its log to go on from."""

import re
import tarfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread
import psycopg
import structlog

from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.platform import backups
from jobs.keeping.files import workspace
from jobs.keeping.postgres_tools import ToolFailed, conninfo_of, whole
from jobs.keeping.replication import Mark, Server, held, mark
from jobs.keeping.store import STORE_FAILED, Store, sha256_of
from jobs.keeping.stretches import BASES, Base, archive_key, name_at

log = structlog.get_logger()

PURPOSE = "backup"
BEGINS = re.compile(rb"START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)")


class LogDidNotCome(Exception):
    """The copy was made, and the log that makes it whole did not come to the store."""


BASE_FAILED: tuple[type[Exception], ...] = (*STORE_FAILED, ToolFailed, LogDidNotCome, psycopg.Error)
Reaching = Callable[[Mark], Awaitable[bool]]
"""Waits until the log is kept until that mark; whether it came to that."""


async def make_base(settings: Settings, store: Store, server: Server, stretch: str, reaching: Reaching) -> Base | None:
    """Make one copy and note it; None when it could not be made, which is noted too."""
    at = now()
    key = f"{BASES}{stretch}/{name_at(at)}"
    async with across_tenants(PURPOSE) as tx:
        backup_id = await backups.begin(tx, key=key, store=store.name, at=at)
    try:
        made = await _made(settings, store, server, stretch, key, reaching)
    except BASE_FAILED as reason:
        why = (str(reason).strip() or type(reason).__name__).splitlines()[0]
        log.warning("no copy for the log to go on from", reason=why)
        async with across_tenants(PURPOSE) as tx:
            await backups.fail(tx, backup_id, at=now(), error=why)
        return None
    async with across_tenants(PURPOSE) as tx:
        await backups.finish(tx, backup_id, at=now(), size_bytes=made.size_bytes, sha256=made.sha256, row_counts={}, until=made.at)
    log.info("copied everything for the log to go on from", key=key, size_bytes=made.size_bytes)
    return made


async def _made(settings: Settings, store: Store, server: Server, stretch: str, key: str, reaching: Reaching) -> Base:
    database, owner = await _named(settings.database_url)
    begun = await mark(settings.database_url)
    async with workspace(settings.var_dir, "backup") as folder:
        async with held(settings.database_url):  # its beginning has the server drop what has just been written
            await whole(settings.database_url, folder)
            await reaching(await mark(settings.database_url))
        archive = folder / "base.tar.gz"
        first = await anyio.to_thread.run_sync(_first_segment, archive)
        digest = await anyio.to_thread.run_sync(sha256_of, archive)
        size = archive.stat().st_size
        await store.put(archive_key(key), archive)
    ended = await mark(settings.database_url)
    if not await reaching(ended):
        await store.drop([archive_key(key)])
        raise LogDidNotCome("the log did not come to the store in time")
    made = Base(key, stretch, begun.at, ended.at, first, server.version, database, owner, size, digest)
    await store.put(f"{key}.json", made.as_json())  # the last: a copy without it was not finished
    return made


async def _named(database_url: str) -> tuple[str, str]:
    async with await psycopg.AsyncConnection.connect(conninfo_of(database_url)) as connection:
        found = await (await connection.execute("select current_database()::text, current_user::text")).fetchone()
    assert found is not None
    return found[0], found[1]


def _first_segment(archive: Path) -> str:
    """From which file of the log on it is whole: so says a label that stands at its beginning."""
    with tarfile.open(archive, "r:gz") as opened:
        for member in opened:
            if member.name == "backup_label" and (label := opened.extractfile(member)) and (found := BEGINS.search(label.read())):
                return found[1].decode()
    raise ToolFailed("the copy does not say from where in the log it goes on")
