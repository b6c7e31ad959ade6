"""How closely to look at a unit's past: every reading of an hour, the hours of a year, and something between."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

PIECES = 1_000
"""A screen has hardly more columns."""
WHOLE_UP_TO = 50_000
"""So many readings are sent through whole; what draws them thins them, extremes kept."""
FROM_READINGS_UP_TO = 500_000
"""So many are drawn together in a tenth of a second."""
HOUR = timedelta(hours=1)

WIDTHS = tuple(
    timedelta(seconds=s)
    for s in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
)
"""Pieces begin and end where people's clocks do."""


class Source(StrEnum):
    WHOLE = "whole"
    """Every reading."""
    READINGS = "readings"
    """The least, the most and the average of each piece of time, from the readings in it."""
    HOURS = "hours"
    """The same from the hours that are counted already, and from readings where an hour is not."""


@dataclass(frozen=True, slots=True)
class Detail:
    """Where a picture comes from, and how much time a piece of it covers (None: each reading stands alone)."""

    source: Source
    width: timedelta | None = None


def detail(length: timedelta, readings: float, *, whole_up_to: int = WHOLE_UP_TO) -> Detail:
    """For a stretch of that length in which there are about so many readings."""
    if readings <= whole_up_to:
        return Detail(Source.WHOLE)
    width = next((one for one in WIDTHS if length / one <= PIECES), None) or -(-length // (PIECES * HOUR)) * HOUR
    if width < HOUR and readings <= FROM_READINGS_UP_TO:
        return Detail(Source.READINGS, width)
    return Detail(Source.HOURS, max(width, HOUR))
