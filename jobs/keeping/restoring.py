"""A copy is put back: into an empty database or a fresh folder, with its files, and compared with what was in it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import anyio.to_thread
import psycopg
from psycopg import sql

from data.core.embedded import Embedded, embedded
from jobs.keeping.inventory import differences, taken_of
from jobs.keeping.postgres_tools import conninfo_of, restore
from jobs.keeping.store import FILES, UNREADABLE, Manifest, Store, sha256_of

ROLES = ("steading_app", "steading_sweep")
OWNERS_POLICY = "upkeep"
"""The policy that lets whoever owns the tables see all of their rows."""


class NotRestored(Exception):
    """It could not be put back; why, in one line."""


async def chosen(store: Store, at: datetime | None) -> Manifest:
    """The newest copy, or the newest that is not younger than `at`. NotRestored when there is none."""
    times = await store.times()
    fitting = [time for time in times if at is None or time <= at]
    if not fitting:
        raise NotRestored(f"there is no backup in {store.name}" + (f" that was made until {at:%Y-%m-%d %H:%M} UTC" if at else ""))
    key = times[max(fitting)]
    try:
        return await store.manifest(key)
    except UNREADABLE as reason:
        raise NotRestored(f"the description of the backup {key} is damaged: {reason}") from reason


async def put_back(store: Store, manifest: Manifest, database_url: str, folder: Path) -> dict[str, str]:
    """Restore the database; where it is not what it was, table by table (nothing when all is the same).

    NotRestored when the copy is damaged or the database is not empty. `folder` is where the copy is laid meanwhile.
    """
    await empty_and_ready(database_url)
    file = folder / "database.dump"
    await store.fetch(f"{manifest.key}.dump", file)
    try:
        if (digest := await anyio.to_thread.run_sync(sha256_of, file)) != manifest.sha256:
            raise NotRestored(f"the backup {manifest.key} is damaged: its fingerprint is {digest[:12]}…, not {manifest.sha256[:12]}…")
        await poured(file, database_url, manifest.owner)
    finally:
        file.unlink(missing_ok=True)
    return differences(manifest.tables, await taken_of(database_url))


async def put_back_files(store: Store, folder: Path) -> int:
    """Fetch every file that is not there yet; how many."""
    fetched = 0
    for key in await store.keys(FILES):
        path = folder / key.removeprefix(FILES)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            await store.fetch(key, part)
            part.replace(path)
            fetched += 1
    return fetched


async def missing_files(store: Store, database_url: str) -> Mapping[str, str]:
    """Which files a restored database speaks of that the store does not have whole."""
    there = await store.keys(FILES)
    async with await psycopg.AsyncConnection.connect(conninfo_of(database_url)) as connection:
        rows = await (await connection.execute("select key, size_bytes from platform.files where deleted_at is null")).fetchall()
    sizes = {key: there.get(f"{FILES}{key}") for key, _ in rows}
    return {key: "is missing" if sizes[key] is None else "is cut off" for key, size in rows if sizes[key] != size}


@asynccontextmanager
async def fresh_server(folder: Path) -> AsyncIterator[Embedded]:
    """An embedded server of its own in that folder. EmbeddedFailed when it does not start."""
    server = embedded(folder)
    running = await anyio.to_thread.run_sync(server.__enter__)
    try:
        yield running
    finally:
        await anyio.to_thread.run_sync(partial(server.__exit__, None, None, None))


async def poured(file: Path, database_url: str, owner: str) -> None:
    """Read a dump of a database of that owner's into an empty one."""
    async with _prepared(database_url, owner):
        await restore(database_url, file)


async def empty_and_ready(database_url: str) -> None:
    """NotRestored when there is anything in that database."""
    async with await psycopg.AsyncConnection.connect(conninfo_of(database_url)) as connection:
        found = await (
            await connection.execute(
                "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p')"
                " and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
            )
        ).fetchone()
    if found and found[0]:
        raise NotRestored("the database is not empty; a backup is put back into an empty one")


@asynccontextmanager
async def _prepared(database_url: str, owner: str) -> AsyncIterator[None]:
    """The roles that the copy speaks of are there while it is read; what belonged to its owner then belongs to whoever owns it now.

    The application's two roles cannot sign in before `migrate` or `serve` has given them the passwords that follow from the key.
    """
    async with await psycopg.AsyncConnection.connect(conninfo_of(database_url), autocommit=True) as connection:
        known = {name for (name,) in await (await connection.execute("select rolname from pg_roles")).fetchall()}
        for role in (*ROLES, owner):
            if role not in known:
                await connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        yield
        policies = await connection.execute("select schemaname, tablename from pg_policies where policyname = %s", [OWNERS_POLICY])
        for schema, table in await policies.fetchall():
            await connection.execute(
                sql.SQL("alter policy {} on {} to current_user").format(sql.Identifier(OWNERS_POLICY), sql.Identifier(schema, table))
            )
        if owner not in known:
            await connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(owner)))
            await connection.execute(sql.SQL("drop role {}").format(sql.Identifier(owner)))
