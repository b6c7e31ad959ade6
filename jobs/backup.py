"""Everything is copied every hour, kept for thirty days, and once a month put back to see whether it could be."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import anyio.to_thread
import psycopg
import structlog
from apscheduler.triggers.cron import CronTrigger

from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.platform import backups
from jobs.keeping import drill
from jobs.keeping.inventory import AnotherIsAtIt, snapshot, taken
from jobs.keeping.postgres_tools import ToolFailed, dump
from jobs.keeping.store import FILES, STORE_FAILED, Manifest, Store, key_at, sha256_of
from jobs.timetable import Line

log = structlog.get_logger()

PURPOSE = "backup"
NIGHTLY = timedelta(hours=2)


COPY_FAILED: tuple[type[Exception], ...] = (*STORE_FAILED, ToolFailed, AnotherIsAtIt, psycopg.Error)


class BackupFailed(Exception):
    """The copy could not be made; why."""


async def back_up(settings: Settings) -> Manifest:
    """Make one copy now: the database as of one moment, and every file that is not in the store yet."""
    at = now()
    store, key = Store(settings), key_at(at)
    async with across_tenants(PURPOSE) as tx:
        backup_id = await backups.begin(tx, key=key, store=store.name, at=at)
    try:
        manifest = await _copy(settings, store, key, at)
    except COPY_FAILED as reason:
        why = (str(reason).strip() or type(reason).__name__).splitlines()[0]
        async with across_tenants(PURPOSE) as tx:
            await backups.fail(tx, backup_id, at=now(), error=why)
        raise BackupFailed(why) from reason
    async with across_tenants(PURPOSE) as tx:
        await backups.finish(
            tx, backup_id, at=now(), size_bytes=manifest.size_bytes, sha256=manifest.sha256, until=manifest.at,
            row_counts={table: rows for table, (rows, _) in manifest.tables.items()},
        )  # fmt: skip
    log.info("backup made", key=key, size_bytes=manifest.size_bytes)
    return manifest


async def _copy(settings: Settings, store: Store, key: str, at: datetime) -> Manifest:
    async with _workspace(settings.var_dir) as folder, snapshot(settings.database_url) as seen:
        file = folder / "database.dump"
        dumping = asyncio.create_task(dump(settings.database_url, file, snapshot=seen.name))
        try:
            tables = await taken(seen.connection)
            await dumping
        finally:
            dumping.cancel()
            await asyncio.gather(dumping, return_exceptions=True)
        digest = await anyio.to_thread.run_sync(sha256_of, file)
        manifest = Manifest(key, seen.at, seen.owner, seen.server_version, file.stat().st_size, digest, tables)
        await copy_files(store, settings.var_dir / "files")  # after the snapshot: a row that it shows has its bytes on the disk by now
        await store.put(f"{key}.dump", file)
        await store.put(f"{key}.json", manifest.as_json())  # the last: a copy without it was not finished
    return manifest


async def copy_files(store: Store, folder: Path) -> int:
    """Copy the files that the store does not have yet; their keys are their fingerprints, so each goes once."""
    here = await anyio.to_thread.run_sync(_files_in, folder)
    there = await store.keys(FILES)
    missing = [key for key in here if f"{FILES}{key}" not in there]
    for key in missing:
        await store.put(f"{FILES}{key}", folder / key)
    return len(missing)


def _files_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".part"]


@asynccontextmanager
async def _workspace(var_dir: Path) -> AsyncIterator[Path]:
    """A folder for as long as something is being made, on the disk that has the room."""
    await anyio.to_thread.run_sync(lambda: var_dir.mkdir(parents=True, exist_ok=True))
    folder = Path(await anyio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix=".unfinished-backup-", dir=var_dir)))
    try:
        yield folder
    finally:
        await anyio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))


async def back_up_when_due(settings: Settings) -> None:
    """Make one, if none was made since its time came; so also after the machine was off at that time."""
    async with across_tenants(PURPOSE) as tx:
        is_due = await backups.is_due(tx, slot(now(), settings.backup_every_hours))
    if is_due:
        await back_up(settings)
        await thin(settings)


def slot(at: datetime, every_hours: int) -> datetime:
    """When the latest copy was to be begun: at 02:00 UTC, and each so many hours after it."""
    night = at.replace(hour=0, minute=0, second=0, microsecond=0) + NIGHTLY
    night -= timedelta(days=1) if night > at else timedelta(0)
    step = timedelta(hours=every_hours)
    return night + (at - night) // step * step


async def thin(settings: Settings) -> None:
    """Drop what has had its time from the store, and what a process that was killed left behind."""
    await drill.clear_away(settings.var_dir)
    store, at = Store(settings), now()
    times = await store.times()
    gone = [times[time] for time in backups.to_drop(list(times), at)]
    if gone:
        await store.drop([f"{key}.json" for key in gone])  # first: without it a copy counts for nothing
        await store.drop([f"{key}.dump" for key in gone])
    async with across_tenants(PURPOSE) as tx:
        await backups.forget(tx, gone, at=at)


async def drill_newest(settings: Settings) -> None:
    """Put the newest back and compare; `drill.DrillFailed` is noted with the job, in red."""
    await drill.drill(settings)


def timetable(settings: Settings) -> list[Line]:
    """When a copy is due, and when one is put back: early on the first of a month."""
    if not settings.backup_every_hours:
        return []
    return [
        Line("backup.back_up", CronTrigger(minute="*/5"), partial(back_up_when_due, settings)),
        Line("backup.drill", CronTrigger(day=1, hour=4, minute=40), partial(drill_newest, settings)),
    ]
