"""What has had its time goes from the store: copies, and the log that nothing that is kept goes on from."""

from datetime import datetime, timedelta

from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.platform import backups
from data.platform import stretches as noted
from jobs.keeping import drill
from jobs.keeping.store import Store
from jobs.keeping.stretches import (
    REACH,
    archive_key,
    bases,
    not_continued,
    not_needed,
    reach_key,
    segments,
    stretch_key,
    stretches,
)

PURPOSE = "backup"


async def thin(settings: Settings) -> None:
    """Drop what has had its time from the store, and what a process that was killed left behind."""
    await drill.clear_away(settings.var_dir)
    store, at, kept_for = Store(settings), now(), timedelta(days=settings.backup_days)
    times = await store.times()
    gone = [times[time] for time in backups.to_drop(list(times), at, kept_for)]
    if gone:
        await store.drop([f"{key}.json" for key in gone])  # first: without it a copy counts for nothing
        await store.drop([f"{key}.dump" for key in gone])
    ended, bases_gone = await _thin_log(store, at, kept_for)
    async with across_tenants(PURPOSE) as tx:
        await backups.forget(tx, [*gone, *bases_gone], at=at, kept_for=kept_for)
        await noted.forget(tx, ended)


async def _thin_log(store: Store, at: datetime, kept_for: timedelta) -> tuple[list[str], list[str]]:
    """Which stretches nothing is kept of any more, and which copies were dropped."""
    found = await stretches(store)
    by_stretch = {stretch.key: await bases(store, stretch.key) for stretch in found}
    gone = not_needed([base for some in by_stretch.values() for base in some], at, kept_for)
    if gone:
        await store.drop([f"{base.key}.json" for base in gone])
        await store.drop([archive_key(base.key) for base in gone])
    ended = []
    for stretch in found:
        needed = [base for base in by_stretch[stretch.key] if base not in gone]
        is_over = not needed and stretch is not found[-1]
        if needed or is_over:
            await _drop(store, not_continued(await segments(store, stretch), needed, stretch.segment_bytes))
        if is_over:
            reaches = [key for key in await store.keys(REACH) if key == reach_key(stretch.key)]
            await store.drop([stretch_key(stretch.key), *reaches])
            ended.append(stretch.key)
    return ended, [base.key for base in gone]


async def _drop(store: Store, keys: list[str]) -> None:
    for first in range(0, len(keys), 1000):
        await store.drop(keys[first : first + 1000])
