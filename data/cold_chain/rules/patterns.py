"""What no single reading shows: a slow way up, too much time as warm as germs like it, and two sensors that disagree."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from data.cold_chain.rules.settling import Rule
from data.cold_chain.rules.trend import Point, Trend, trend
from data.cold_chain.values import UnitType

DRIFT_SPAN, DRIFT_COVERED = timedelta(hours=3), timedelta(hours=2.5)
"""How far back to look, and how much of that must have been heard."""

DANGER_LOW_CELSIUS, DANGER_HIGH_CELSIUS = 5.0, 57.22
"""41 and 135 °F: between them germs multiply."""
DANGER_SPAN = timedelta(hours=24)
DANGER_KINDS = frozenset({UnitType.FRIDGE, UnitType.WALK_IN_COOLER, UnitType.DISPLAY_CASE})
"""Food that is frozen thaws first: there its own limits say enough."""
LONGEST_GAP_INTERVALS = 3

APART_SPAN, APART_READINGS = timedelta(minutes=30), 3


def drift(rule: Rule, points: Sequence[Point]) -> Trend | None:
    """The slow way up that a unit is surely on, by its last three hours; None where there is none, or too little was heard."""
    if rule.drift_celsius_per_hour is None or len(points) < 2 or timedelta(hours=points[-1][0] - points[0][0]) < DRIFT_COVERED:
        return None
    found = trend(points)
    return found if found is not None and found.celsius_per_hour - found.error > rule.drift_celsius_per_hour else None


def is_in_danger(celsius: float) -> bool:
    """Warmer than 5 °C, and not hot."""
    return DANGER_LOW_CELSIUS < celsius < DANGER_HIGH_CELSIUS


def time_in_danger(readings: Sequence[tuple[datetime, float]], interval: timedelta) -> timedelta:
    """For how long altogether, by readings in the order of time: each stretch between two that were both in the zone.

    Between readings more than three intervals apart nobody knows how warm it was: such time counts nothing.
    """
    total = timedelta()
    for (before, was), (after, then) in zip(readings, readings[1:], strict=False):
        if is_in_danger(was) and is_in_danger(then) and after - before <= interval * LONGEST_GAP_INTERVALS:
            total += after - before
    return total


def apart(rule: Rule, means_celsius: Sequence[float]) -> float | None:
    """By how much the sensors of a unit disagree, where that is more than they may; by each one's mean of half an hour."""
    if rule.sensors_apart_celsius is None or len(means_celsius) < 2:
        return None
    found = max(means_celsius) - min(means_celsius)
    return found if found >= rule.sensors_apart_celsius else None


def agree(rule: Rule, means_celsius: Sequence[float]) -> bool:
    """Whether they surely agree again: by well less than they may differ, or nobody watches it any more."""
    most = rule.sensors_apart_celsius
    if most is None:
        return True
    return len(means_celsius) >= 2 and max(means_celsius) - min(means_celsius) < most - min(rule.hysteresis_celsius, most / 2)
