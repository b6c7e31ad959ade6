"""How closely to look at a farm's past: each value of the last hours, the hours of a month, the days of years."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

MOST_POINTS = 100_000
"""Of one question, all its lines together."""
ON_SCREEN = 1_000
"""Pieces of a line that a screen can show."""
ON_CROWDED_SCREEN = 200
"""The same where many lines share it."""
AS_MEASURED = timedelta(days=2)
"""A longer stretch is drawn from its hours…"""
BY_THE_HOUR = timedelta(days=92)
"""…and a longer one than this from its days."""
MOST_READINGS = 400_000
"""So many are drawn together while somebody waits."""

SECONDS = tuple(timedelta(seconds=s) for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600))
HOURS = tuple(timedelta(hours=h) for h in (1, 2, 3, 4, 6, 8, 12, 24))
DAYS = tuple(timedelta(days=d) for d in (1, 2, 7, 14, 28))


class Source(StrEnum):
    READINGS = "readings"
    HOURS = "hours"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Kept:
    """How long each is kept; None is for ever."""

    readings: timedelta | None = timedelta(days=30)
    hours: timedelta | None = timedelta(days=365)

    @classmethod
    def for_days(cls, readings: int, hours: int) -> Self:
        """As settings say it: days, 0 for ever."""
        return cls(*(timedelta(days=days) if days else None for days in (readings, hours)))


@dataclass(frozen=True, slots=True)
class Detail:
    """Where a picture comes from, and how much time one of its pieces covers: seconds, whole hours, or whole days."""

    source: Source
    width: timedelta


def detail(
    start: datetime, end: datetime, *, at: datetime, lines: int = 1, readings: float = 0, kept: Kept = Kept(), is_file: bool = False,
    most: int | None = None,
) -> Detail:  # fmt: skip
    """For a stretch of time as it is asked for at `at`, in which there are about so many readings of all lines together.

    On a screen pieces are as wide as its columns; in a file as narrow as MOST_POINTS allows; for a program so that a line has not
    more than `most` of them.
    """
    length, lines = end - start, max(lines, 1)
    most = most or (MOST_POINTS // lines if is_file else max(ON_CROWDED_SCREEN, ON_SCREEN // lines))
    is_kept = kept.readings is None or start >= at - kept.readings
    if length <= AS_MEASURED and is_kept and readings <= MOST_READINGS:
        return Detail(Source.READINGS, _width(length, SECONDS, most))
    is_kept = kept.hours is None or start >= at - kept.hours
    if length <= BY_THE_HOUR and is_kept:
        return Detail(Source.HOURS, _width(length, HOURS, most))
    return Detail(Source.DAYS, _width(length, DAYS, most))


def _width(length: timedelta, widths: tuple[timedelta, ...], most: int) -> timedelta:
    """The narrowest of which not more than `most` make up that length, or so many of the widest together."""
    widest = widths[-1]
    return next((one for one in widths if length / one <= most), -(-length // (widest * most)) * widest)
