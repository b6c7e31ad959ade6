"""How the copies of everything fare: when the last one was made, and whether one was put back lately and was whole."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col, select

from data.core.session import Transaction
from data.core.time import now
from data.platform.stretches import Log, log
from data.platform.tables import Backup, RestoreDrill

STALE_AFTER = timedelta(hours=26)
KEPT_ALL, KEPT = timedelta(hours=48), timedelta(days=30)
NIGHT = timedelta(hours=2)
"""A day's own copy is the first that was begun after this hour, in UTC."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The last copy that was finished, the last attempt that failed since, and the last time one was put back."""

    last: Backup | None
    failed: Backup | None
    drill: RestoreDrill | None
    log: Log | None = None

    def troubles(self, at: datetime) -> list[str]:
        """What is wrong with it: `backup_stale`, `backup_failed`, `log_behind`, `drill_failed`. An installation without any copy yet has none."""
        found = []
        if self.last and at - self.last.started_at > STALE_AFTER:
            found.append("backup_stale")
        if self.failed:
            found.append("backup_failed")
        if self.log and self.log.is_behind(at):
            found.append("log_behind")
        if self.drill and self.drill.finished_at and not self.drill.is_whole:
            found.append("drill_failed")
        return found


async def keeping(tx: Transaction) -> Keeping:
    """How it stands."""
    tx.actor.require("operations.view")
    newest = select(Backup).order_by(col(Backup.started_at).desc()).limit(1)
    last = (await tx.exec(newest.where(col(Backup.finished_at).is_not(None), col(Backup.error).is_(None)))).first()
    failed = (await tx.exec(newest.where(col(Backup.error).is_not(None)))).first()
    drills = select(RestoreDrill).where(col(RestoreDrill.finished_at).is_not(None))
    drill = (await tx.exec(drills.order_by(col(RestoreDrill.started_at).desc()).limit(1))).first()
    return Keeping(last, failed if failed and (last is None or failed.started_at > last.started_at) else None, drill, await log(tx))


async def is_due(tx: Transaction, slot: datetime, *, kind: str = "") -> bool:
    """Whether nothing was begun since that time that was finished, or that failed within the last quarter of an hour.

    Only those count whose keys begin with `kind`.
    """
    is_of_it = col(Backup.key).startswith(kind)
    since = select(Backup.id).where(Backup.started_at >= slot, col(Backup.finished_at).is_not(None), is_of_it)
    return (await tx.exec(since.where((col(Backup.error).is_(None)) | (Backup.started_at > now() - timedelta(minutes=15))))).first() is None


async def begin(tx: Transaction, *, key: str, store: str, at: datetime) -> UUID:
    """A copy is begun; one of its kind that was begun before and has no end never will have one."""
    is_of_it = col(Backup.key).startswith(key.partition("/")[0])
    lost = update(Backup).where(col(Backup.finished_at).is_(None), is_of_it).values(finished_at=at, error="It was broken off.")
    await tx.execute(lost)
    backup = Backup(key=key, store=store, started_at=at)
    tx.add(backup)
    await tx.flush()
    return backup.id


async def finish(
    tx: Transaction, backup_id: UUID, *, at: datetime, size_bytes: int, sha256: str, row_counts: Mapping[str, int], until: datetime
) -> None:
    """It is made, and reaches until that moment."""
    backup = await tx.get_one(Backup, backup_id)
    backup.finished_at, backup.size_bytes, backup.sha256 = at, size_bytes, sha256
    backup.row_counts, backup.restorable_until_at = dict(row_counts), until
    tx.add(backup)


async def fail(tx: Transaction, backup_id: UUID, *, at: datetime, error: str) -> None:
    """It could not be made; why."""
    backup = await tx.get_one(Backup, backup_id)
    backup.finished_at, backup.error = at, error[:500]
    tx.add(backup)


async def forget(tx: Transaction, keys: Collection[str], *, at: datetime, kept_for: timedelta = KEPT) -> None:
    """These were dropped from the store; attempts that failed long ago are forgotten."""
    await tx.execute(update(Backup).where(col(Backup.key).in_(keys)).values(deleted_at=at))
    await tx.execute(delete(Backup).where(col(Backup.error).is_not(None), col(Backup.started_at) < at - kept_for))


async def note_drill(
    tx: Transaction, *, key: str | None, started_at: datetime, at: datetime, until: datetime | None, is_whole: bool,
    compared: Mapping[str, Any], error: str | None,
) -> None:  # fmt: skip
    """One was put back; what came of it."""
    backup_id = (await tx.exec(select(Backup.id).where(Backup.key == key))).first() if key else None
    tx.add(
        RestoreDrill(
            backup_id=backup_id, started_at=started_at, finished_at=at, restored_until_at=until, is_whole=is_whole,
            compared=dict(compared), error=error[:500] if error else None,
        )
    )  # fmt: skip
    severity, title = ("info", "A backup was put back and is whole") if is_whole else ("critical", "A backup could not be put back whole")
    tx.record("platform.restore_drill", title, severity=severity, key=key)


def to_drop(times: Sequence[datetime], at: datetime, kept_for: timedelta = KEPT) -> list[datetime]:
    """Which copies have had their time: two days all are kept, thirty days the first of each night; the newest always."""
    kept: dict[object, datetime] = {}
    for time in sorted(times):
        kept.setdefault((time - NIGHT).date(), time)
    nightly = set(kept.values())
    old = [time for time in sorted(times) if at - time > KEPT_ALL and (time not in nightly or at - time > kept_for)]
    return [time for time in old if time != max(times)]
