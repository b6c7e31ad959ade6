"""Streams are cut by time: which pieces there are, what is wrong with them, and which must not be thrown away by order of law."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.platform.tables import PartitionRetentionOverride

VIEW = "operations.view"
READINGS = ("cold_chain.sensor_readings", "cold_chain.door_events")
"""What READINGS_RETENTION_MONTHS speaks of."""
LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Trouble:
    """A stream's piece is `missing`, or what is written now falls into its default piece (`stray`)."""

    table_name: str
    trouble: str
    piece: str


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: how many pieces it has, how far back and ahead they reach, and how much room they take."""

    table_name: str
    piece_count: int
    since: datetime | None
    until: datetime | None
    size_bytes: int
    row_estimate: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a stream; a default piece has no bounds."""

    table_name: str
    piece: str
    since: datetime | None
    until: datetime | None
    size_bytes: int
    row_estimate: int


async def troubles(tx: Transaction, at: datetime) -> Sequence[Trouble]:
    """What is wrong with any stream; nothing where all is well."""
    rows = await tx.execute(text("select table_name, trouble, piece from platform.stream_troubles(:at)"), {"at": at})
    return [Trouble(*row) for row in rows]


async def streams(tx: Transaction) -> Sequence[Stream]:
    """Every stream by name."""
    _require_platform_admin(tx)
    rows = await tx.execute(
        text("""
select table_name, count(*), min(since), max(until), sum(size_bytes)::bigint, sum(row_estimate)::bigint
from platform.stream_pieces() group by table_name order by table_name
""")
    )
    return [Stream(*row) for row in rows]


async def pieces(tx: Transaction) -> Sequence[Piece]:
    """Every piece that could be held, the newest of each stream first."""
    _require_platform_admin(tx)
    rows = await tx.execute(
        text("select * from platform.stream_pieces() where until is not null order by table_name, since desc")
    )
    return [Piece(*row) for row in rows]


async def holds(tx: Transaction) -> Sequence[PartitionRetentionOverride]:
    """Every legal hold, also those that have run out."""
    _require_platform_admin(tx)
    return (await tx.exec(select(PartitionRetentionOverride).order_by(col(PartitionRetentionOverride.partition_name)))).all()


async def place_hold(
    tx: Transaction, piece: str, *, reason: str, expires_at: datetime | None
) -> PartitionRetentionOverride:
    """Keep a piece past its retention, until `expires_at` or until the hold is lifted."""
    _require_platform_admin(tx)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid("reason", "Say why, in at most {n} characters.", n=LONGEST_REASON)
    if expires_at is not None and expires_at <= now():
        raise Invalid("expires_at", "This is in the past.")
    if piece not in {one.piece for one in await pieces(tx)}:
        raise NotFound("There is no such piece.")
    found = (await tx.exec(select(PartitionRetentionOverride).where(PartitionRetentionOverride.partition_name == piece))).first()
    if found is not None:
        if found.expires_at is None or found.expires_at > now():
            raise Conflict("This piece is held already.")
        await tx.delete(found)
        await tx.flush()
    hold = PartitionRetentionOverride(partition_name=piece, reason=reason, created_by=tx.actor.name, expires_at=expires_at)
    tx.add(hold)
    return hold


async def lift_hold(tx: Transaction, hold_id: UUID, *, reason: str) -> None:
    """Let a piece go when its time comes; why stands in the event log."""
    _require_platform_admin(tx)
    if not reason.strip():
        raise Invalid("reason", "Say why, in at most {n} characters.", n=LONGEST_REASON)
    hold = await tx.get(PartitionRetentionOverride, hold_id)
    if hold is None:
        raise NotFound("There is no such hold.")
    tx.record("platform.partition.released", hold.partition_name, severity="warning", subject_id=hold.id, reason=reason.strip()[:LONGEST_REASON])
    await tx.delete(hold)


async def keep_readings_for(tx: Transaction, months: int) -> None:
    """How long readings are kept (across tenants); 0 is for ever."""
    await tx.execute(
        text(
            "update platform.partitioned_tables set retention = case when :months > 0 then make_interval(months => :months) end"
            " where table_name = any(:streams)"
        ),
        {"months": months, "streams": list(READINGS)},
    )


async def keep_for(tx: Transaction, table_name: str, retention: timedelta | None) -> None:
    """How long a stream's pieces are kept (across tenants); None is for ever."""
    values = {"table_name": table_name, "retention": retention}
    await tx.execute(
        text("update platform.partitioned_tables set retention = cast(:retention as interval) where table_name = :table_name"), values
    )


def _require_platform_admin(tx: Transaction) -> None:
    """Pieces hold what belongs to everybody: no organization's own people decide about them."""
    if not tx.actor.is_platform_admin and tx.actor.kind != "system":
        raise Forbidden("You do not have the right to do this.")
