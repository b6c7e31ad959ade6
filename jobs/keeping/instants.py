"""To go back to an instant: the copy of everything before it, and the log from there up to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jobs.keeping.inventory import differences, snapshot, taken, taken_of
from jobs.keeping.postgres_tools import dump, major_of, programs
from jobs.keeping.recovery import Recovered, recovered
from jobs.keeping.restoring import NotRestored, empty_and_ready, poured
from jobs.keeping.segments import number_of
from jobs.keeping.store import UNREADABLE, Store
from jobs.keeping.stretches import Base, Reach, Stretch, bases, reach, stretches

OWN_DATABASE, OWN_OWNER = "steading", "postgres"
"""What the embedded server calls them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy, its stretch and how far the log of it reaches."""

    stretch: Stretch
    base: Base
    reach: Reach
    next: Base | None


async def kept(store: Store) -> list[Kept]:
    """Every copy that the log goes on from, the oldest first. NotRestored when what tells of it is damaged."""
    found: list[Kept] = []
    try:
        for stretch in await stretches(store):
            if goes := await reach(store, stretch.key):
                here = await bases(store, stretch.key)
                found += [Kept(stretch, base, goes, later) for base, later in zip(here, [*here, None][1:], strict=True)]
    except UNREADABLE as reason:
        raise NotRestored(f"what tells of the log in {store.name} is damaged: {reason}") from reason
    return sorted(found, key=lambda one: one.base.at)


async def found_for(store: Store, at: datetime | None) -> Kept | None:
    """What to go back to that instant from (the latest there is, without one); None when an hourly copy is all there is for it.

    NotRestored, saying until when the log goes, when it ends before that instant and there is no later copy either.
    """
    every, dumps = await kept(store), await store.times()
    if at is None:
        newest = max(every, key=lambda one: one.reach.at, default=None)
        return newest if newest and newest.reach.at >= max(dumps, default=newest.reach.at) else None
    covering = [one for one in every if one.base.at <= at <= one.reach.at]
    if covering:
        return covering[-1]
    earlier = max((one.reach.at for one in every if one.base.at <= at), default=None)
    if earlier and earlier > max((time for time in dumps if time <= at), default=datetime.min.replace(tzinfo=UTC)):
        raise NotRestored(f"the log does not reach {at:%Y-%m-%d %H:%M:%S} UTC: it ends at {earlier:%Y-%m-%d %H:%M:%S} UTC (--at {earlier:%Y-%m-%dT%H:%M:%S})")
    return None


@asynccontextmanager
async def as_of(
    store: Store, found: Kept, folder: Path, *, at: datetime | None = None, position: str = "", data: Path | None = None
) -> AsyncIterator[Recovered]:
    """The server as it was then. Of the log only what is needed is fetched: a later copy began when that instant was over."""
    is_enough = at is not None and found.next is not None and found.next.begun_at > at
    before = number_of(found.next.first, found.stretch.segment_bytes) if is_enough and found.next else None
    until = at or (None if position else found.reach.at)
    async with recovered(store, found.stretch, found.base, folder, at=until, position=position, before=before, data=data) as server:
        yield server


def is_own(base: Base) -> bool:
    """Whether it was copied from an embedded server of the kind that comes along, which can go on from its folder."""
    return (base.database, base.owner, base.version // 10_000) == (OWN_DATABASE, OWN_OWNER, major_of(programs() / "postgres"))


async def pour(server: Recovered, base: Base, database_url: str, folder: Path) -> dict[str, str]:
    """Bring the database as it was into an empty one; where it is not the same then, table by table."""
    await empty_and_ready(database_url)
    file = folder / "database.dump"
    async with snapshot(server.url) as seen:
        tables = await taken(seen.connection)
        await dump(server.url, file, snapshot=seen.name)
    await poured(file, database_url, base.owner)
    return differences(tables, await taken_of(database_url))
