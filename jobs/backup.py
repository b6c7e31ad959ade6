"""Everything is copied, by its log or every hour, kept for thirty days, and once a month put back to see whether it could be."""

import asyncio
from datetime import datetime
from functools import partial

import anyio.to_thread
import psycopg
import structlog
from apscheduler.triggers.cron import CronTrigger

from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.platform import backups, stretches
from jobs.keeping import drill
from jobs.keeping.files import Files, workspace
from jobs.keeping.following import keep_log, slot
from jobs.keeping.inventory import AnotherIsAtIt, snapshot, taken
from jobs.keeping.postgres_tools import ToolFailed, dump
from jobs.keeping.store import DATABASE, STORE_FAILED, Manifest, Store, key_at, sha256_of
from jobs.keeping.thinning import thin
from jobs.timetable import Job, Line

log = structlog.get_logger()

PURPOSE = "backup"


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
    async with workspace(settings.var_dir, "backup") as folder, snapshot(settings.database_url) as seen:
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
        await Files(store, settings.var_dir / "files").copy()  # after the snapshot: a row that it shows has its bytes on the disk by now
        await store.put(f"{key}.dump", file)
        await store.put(f"{key}.json", manifest.as_json())  # the last: a copy without it was not finished
    return manifest


async def back_up_when_due(settings: Settings) -> None:
    """Make one, if none was made since its time came; so also after the machine was off at that time.

    None is needed where the log is received, which has copies of its own.
    """
    async with across_tenants(PURPOSE) as tx:
        followed = await stretches.log(tx)
        is_needed = not (followed and followed.stands(now()))
        is_due = is_needed and await backups.is_due(tx, slot(now(), settings.backup_every_hours), kind=DATABASE)
    if is_due:
        await back_up(settings)
        await thin(settings)


async def drill_newest(settings: Settings) -> None:
    """Put the newest back and compare; `drill.DrillFailed` is noted with the job, in red."""
    await drill.drill(settings)


def while_leading(settings: Settings) -> list[Job]:
    """What goes on for as long as this process leads: the log is followed."""
    return [partial(keep_log, settings)] if settings.backup_every_hours else []


def timetable(settings: Settings) -> list[Line]:
    """When a copy is due, and when one is put back: early on the first of a month."""
    if not settings.backup_every_hours:
        return []
    return [
        Line("backup.back_up", CronTrigger(minute="*/5"), partial(back_up_when_due, settings)),
        Line("backup.drill", CronTrigger(day=1, hour=4, minute=40), partial(drill_newest, settings)),
    ]
