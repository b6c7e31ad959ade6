"""From the last half hour follows how fast a unit warms or cools, how sure that is, and when it would leave its limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt

from data.cold_chain.rules.settling import Rule

SPAN, LONGEST_SPAN = timedelta(minutes=30), timedelta(hours=3)
"""How far back to look, and how far where a sensor speaks seldom."""
FEWEST = 6
SURE = 2.0
"""So many standard errors to either side."""
FARTHEST = timedelta(hours=12)
"""Nobody plans by a line that is drawn further than that."""
SMALLEST_NOISE_CELSIUS = 0.05
"""No thermometer is surer than this: readings that are all alike do not make a trend exact."""

Point = tuple[float, float]
"""Hours since any moment, and °C."""


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
    return min(max(SPAN, interval * (FEWEST + 1.5)), LONGEST_SPAN)


def trend(points: Sequence[Point]) -> Trend | None:
    """The line of least squares through points in the order of time; None where there are too few.

    What is left over beside the line is seldom mere noise: a compressor's rhythm leaves waves. Their likeness from point to
    point counts against the line, so that half a wave is not taken for a way up.
    """
    count = len(points)
    if count < FEWEST:
        return None
    mean_h, mean_c = sum(h for h, _ in points) / count, sum(c for _, c in points) / count
    spread = sum((h - mean_h) ** 2 for h, _ in points)
    if spread <= 0:
        return None
    slope = sum((h - mean_h) * (c - mean_c) for h, c in points) / spread
    left = [c - mean_c - slope * (h - mean_h) for h, c in points]
    rest = sum(one * one for one in left)
    alike = sum(one * other for one, other in zip(left, left[1:], strict=False)) / rest if rest > 0 else 0.0
    alike = min(max(alike, 0.0), (count - 2) / (count + 2))  # as if there were two points left at least
    noise = max(rest / (count - 2), SMALLEST_NOISE_CELSIUS**2) * (1 + alike) / (1 - alike)
    return Trend(slope, SURE * sqrt(noise / spread))


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
