"""When somebody is on call, and when nobody is."""

from collections.abc import Iterable, Sequence
from datetime import datetime

Span = tuple[datetime, datetime]


def gaps(shifts: Iterable[Span], begin: datetime, end: datetime) -> Sequence[Span]:
    """The times between two instants in which no shift runs; shifts may overlap."""
    found, covered = [], begin
    for starts_at, ends_at in sorted(shifts):
        if starts_at > covered:
            found.append((covered, min(starts_at, end)))
        covered = max(covered, ends_at)
        if covered >= end:
            break
    if covered < end:
        found.append((covered, end))
    return [(a, b) for a, b in found if a < b]


def within(shift: Span, begin: datetime, end: datetime) -> Span | None:
    """The part of a shift that lies between two instants, if any."""
    starts_at, ends_at = max(shift[0], begin), min(shift[1], end)
    return (starts_at, ends_at) if starts_at < ends_at else None
