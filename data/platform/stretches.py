"""Whether the database's own log is received, until when it is kept, where it has gaps, and why it is not received."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import col, select

from data.core.session import Transaction
from data.platform.tables import Backup, LogStretch

BEHIND_AFTER, FALLEN_AFTER = timedelta(minutes=15), timedelta(hours=1)
REFUSALS = (
    "is_off", "is_newer", "is_standby", "writes_little", "has_tablespaces", "has_no_senders", "role_may_not", "is_kept_out",
)  # fmt: skip
BASES = "base/"


@dataclass(frozen=True, slots=True)
class Span:
    """Every instant from `since` to `until` can be gone back to."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Log:
    """How it stands now, and the spans that are kept, oldest first."""

    now: LogStretch
    spans: Sequence[Span]

    def is_behind(self, at: datetime) -> bool:
        """Whether it is received and yet did not come for too long."""
        return self.now.refusal is None and at - (self.now.until_at or self.now.began_at) > BEHIND_AFTER

    def stands(self, at: datetime) -> bool:
        """Whether it makes copies by the hour needless. A new stretch has an hour to come by its first copy of everything."""
        return self.now.refusal is None and at - (self.now.until_at or self.now.began_at) <= FALLEN_AFTER


async def log(tx: Transaction) -> Log | None:
    """None where nobody has tried to receive it yet."""
    is_open = col(LogStretch.ended_at).is_(None)
    order = ((is_open & col(LogStretch.refusal).is_not(None)).desc(), is_open.desc(), col(LogStretch.began_at).desc())
    found = (await tx.exec(select(LogStretch).order_by(*order).limit(1))).first()
    return Log(found, await spans(tx)) if found else None


async def spans(tx: Transaction) -> list[Span]:
    """From the first copy of everything that is still kept of each stretch to where its log ends."""
    stretches = (await tx.exec(select(LogStretch).where(LogStretch.key != "", col(LogStretch.until_at).is_not(None)))).all()
    whole = select(Backup.key, Backup.restorable_until_at).where(
        col(Backup.key).startswith(BASES), col(Backup.finished_at).is_not(None), col(Backup.error).is_(None), col(Backup.deleted_at).is_(None)
    )
    first: dict[str, datetime] = {}
    for key, at in (await tx.exec(whole)).all():
        stretch = key.removeprefix(BASES).partition("/")[0]
        if at:
            first[stretch] = min(at, first.get(stretch, at))
    found = [Span(first[s.key], s.until_at) for s in stretches if s.key in first and s.until_at and s.until_at >= first[s.key]]
    return sorted(found, key=lambda span: span.since)


async def begin(tx: Transaction, *, key: str, store: str, at: datetime) -> None:
    """It is received from now on, or again; what was said of it before is over."""
    others = update(LogStretch).where(col(LogStretch.key) != key, col(LogStretch.ended_at).is_(None))
    await tx.execute(others.values(ended_at=at))
    if (await tx.exec(select(LogStretch.id).where(LogStretch.key == key))).first() is None:
        tx.add(LogStretch(key=key, store=store, began_at=at))


async def reached(tx: Transaction, key: str, *, until: datetime) -> None:
    """It is kept until that instant."""
    await tx.execute(update(LogStretch).where(col(LogStretch.key) == key).values(until_at=until))


async def end(tx: Transaction, key: str, *, at: datetime, why: str) -> None:
    """It has a gap from here on, and is never gone on with."""
    await tx.execute(update(LogStretch).where(col(LogStretch.key) == key).values(ended_at=at, detail=why[:500]))
    tx.record("platform.log_gap", "The database's log has a gap", severity="warning", key=key, why=why[:500])


async def has_ended(tx: Transaction, key: str) -> bool:
    found = select(LogStretch.id).where(LogStretch.key == key, col(LogStretch.ended_at).is_not(None))
    return (await tx.exec(found)).first() is not None


async def refuse(tx: Transaction, *, word: str, detail: str, store: str, at: datetime) -> None:
    """It cannot be received; one of REFUSALS. Said again it stays the same row."""
    assert word in REFUSALS, word
    is_open = col(LogStretch.refusal).is_not(None), col(LogStretch.ended_at).is_(None)
    await tx.execute(update(LogStretch).where(*is_open, col(LogStretch.refusal) != word).values(ended_at=at))
    found = (await tx.exec(select(LogStretch).where(*is_open))).first()
    refusal = found or LogStretch(key="", store=store, began_at=at, refusal=word)
    refusal.detail = detail[:500] or None
    tx.add(refusal)


async def forget(tx: Transaction, keys: Sequence[str]) -> None:
    """Nothing is kept of these any more."""
    await tx.execute(update(LogStretch).where(col(LogStretch.key).in_(keys)).values(until_at=None))
