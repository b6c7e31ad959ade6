"""From the last half hour follows how fast a unit warms or cools, how sure that is, and when it would leave its limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from data.cold_chain.rules.settling import Rule

SPAN = timedelta(minutes=30)
FEWEST, MOST = 6, 30
LONGEST_SPAN = timedelta(hours=3)
"""Where a sensor speaks seldom, six readings may be from so long ago."""
SURE = 2.0
"""So many standard errors to either side."""
FARTHEST = timedelta(hours=12)
"""Nobody plans by a line that is drawn further than that."""
SMALLEST_ERROR_CELSIUS = 0.05
"""No thermometer is surer than this: readings that are all alike do not make a trend exact."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Readings added up: how many, the spread of their hours, of their °C, and of both together (sums of squares about the mean)."""

    count: int
    hours: float
    celsius: float
    both: float


@dataclass(frozen=True, slots=True)
class Trend:
    """°C an hour, and by how much that may be wrong to either side (95 of 100 times)."""

    celsius_per_hour: float
    error: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a unit would be outside its limits if it went on like that. `latest` is None where it may never be."""

    limit_celsius: float
    likely: timedelta
    earliest: timedelta
    latest: timedelta | None


def window(interval: timedelta) -> timedelta:
    """How far back to look: half an hour, or as long as six readings take."""
    return min(max(SPAN, interval * FEWEST * 1.25), LONGEST_SPAN)


def sums(readings: Sequence[tuple[datetime, float]]) -> Sums:
    """Add readings up (the database does the same with its own functions)."""
    count = len(readings)
    if not count:
        return Sums(0, 0.0, 0.0, 0.0)
    hours = [(at - readings[0][0]).total_seconds() / 3600 for at, _ in readings]
    warmths = [celsius for _, celsius in readings]
    mean_h, mean_c = sum(hours) / count, sum(warmths) / count
    return Sums(
        count,
        sum((h - mean_h) ** 2 for h in hours),
        sum((c - mean_c) ** 2 for c in warmths),
        sum((h - mean_h) * (c - mean_c) for h, c in zip(hours, warmths, strict=True)),
    )


def trend(sums: Sums) -> Trend | None:
    """The line of least squares; None where there are too few readings to draw one."""
    if sums.count < FEWEST or sums.hours <= 0:
        return None
    slope = sums.both / sums.hours
    left_over = max(0.0, sums.celsius - slope * sums.both) / (sums.count - 2)
    noise = max(left_over, SMALLEST_ERROR_CELSIUS**2)
    return Trend(slope, SURE * sqrt(noise / sums.hours))


def outlook(rule: Rule, celsius: float, trend: Trend | None) -> Outlook | None:
    """When it would be out of limits; None where it is already, where the trend points nowhere for sure, or too far away."""
    if trend is None or abs(trend.celsius_per_hour) <= trend.error:
        return None
    slope = trend.celsius_per_hour
    limit = rule.high_celsius if slope > 0 else rule.low_celsius
    if limit is None or (celsius > limit if slope > 0 else celsius < limit):
        return None
    left = abs(limit - celsius)
    likely, earliest = _until(left, abs(slope)), _until(left, abs(slope) + trend.error)
    if likely is None or earliest is None:
        return None
    return Outlook(limit, likely, earliest, _until(left, abs(slope) - trend.error))


def is_worth_keeping(rule: Rule, celsius: float, trend: Trend | None) -> bool:
    """Whether anybody wants to know: it leads out of the limits within hours, or is steeper than the rule lets it be."""
    return outlook(rule, celsius, trend) is not None or is_rapid(rule, trend)


def is_rapid(rule: Rule, trend: Trend | None) -> bool:
    """Whether it surely warms faster than the rule lets it."""
    return trend is not None and rule.rise_celsius_per_hour is not None and trend.celsius_per_hour - trend.error > rule.rise_celsius_per_hour


def _until(left: float, pace: float) -> timedelta | None:
    hours = FARTHEST / timedelta(hours=1)
    return timedelta(hours=left / pace) if pace > 0 and left / pace <= hours else None
