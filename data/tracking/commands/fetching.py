"""Tags are asked for in turn; one that cannot be asked for waits twice as long each time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, update

from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now
from data.tracking import queries
from data.tracking.events import TrackerChanged
from data.tracking.rules import wait_before_next_fetch
from data.tracking.tables import Tracker

CLAIM = text("""
    update tracking.trackers t set last_report_requested_at = :at, next_fetch_at = :lease_until
    from (
        select t.id from tracking.trackers t
        join tracking.production_runs r on r.organization_id = t.organization_id and r.id = t.production_run_id
        where t.deleted_at is null and r.deleted_at is null and t.next_fetch_at <= :due
          and r.starts_at <= :at and (r.ends_at is null or r.ends_at >= :at)
        order by t.next_fetch_at, t.id limit :most for update of t skip locked
    ) due
    where t.id = due.id
    returning t.id, t.organization_id, t.hashed_advertisement_key, t.sealed_private_key, t.failed_fetches
""")
SETTLE = text("""
    update tracking.trackers t set next_fetch_at = n.next_fetch_at, failed_fetches = n.failed_fetches
    from unnest(cast(:ids as uuid[]), cast(:next_fetch_at as timestamptz[]), cast(:failed_fetches as int[]))
        as n (id, next_fetch_at, failed_fetches)
    where t.id = n.id
""")
LEASE = timedelta(minutes=15)
MOST_FAILURES = 1000


@dataclass(frozen=True, slots=True)
class Due:
    """A tag to ask for now; nobody else asks for it until it is settled, or until its lease runs out."""

    tracker_id: UUID
    organization_id: UUID
    hashed_advertisement_key: str
    sealed_private_key: bytes = field(repr=False)
    failed_fetches: int


async def claim_due(tx: Transaction, *, at: datetime, most: int, slack: timedelta = timedelta()) -> Sequence[Due]:
    """Claim the tags of current runs that are due, the longest waiting first (across tenants).

    `slack` counts a tag as due that much early, so that a clock that ticks a little early skips no turn.
    """
    found = await tx.execute(CLAIM, {"at": at, "due": at + slack, "lease_until": at + LEASE, "most": most})
    return [Due(*row) for row in found]


async def settle(tx: Transaction, asked: Iterable[tuple[Due, bool]], *, at: datetime, interval: timedelta) -> None:
    """Put tags back into the queue, each with whether asking for it went well; `at` is when they were claimed."""
    rows = []
    for due, went_well in asked:
        failures = 0 if went_well else min(due.failed_fetches + 1, MOST_FAILURES)
        rows.append((due.tracker_id, at + wait_before_next_fetch(failures, interval), failures))
    if rows:
        ids, times, failures_each = map(list, zip(*rows, strict=True))
        await tx.execute(SETTLE, {"ids": ids, "next_fetch_at": times, "failed_fetches": failures_each})


async def ask_soon(tx: Transaction, tracker_id: UUID) -> None:
    """Put a tag at the head of the queue. Conflict when its run is over or it has none, for then nobody asks."""
    found = await queries.tracker(tx, tracker_id, at=now())
    tx.actor.require("tracking.edit", found.client_id)
    if found.seen.run_id is None or not (await queries.run(tx, found.seen.run_id)).is_current(now()):
        raise Conflict("This tracker's run is not under way, so it is not asked for.")
    tx.record("tracking.tracker.asked", "Tracker asked for", subject_id=tracker_id)
    await tx.execute(update(Tracker).where(col(Tracker.id) == tracker_id).values(next_fetch_at=now(), failed_fetches=0))
    tx.emit(TrackerChanged(tracker_id=tracker_id))
