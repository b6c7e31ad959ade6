"""Other things that go wrong: cooling that fails, cells that run low, and a whole site that falls silent at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from data.cold_chain.rules.judging import is_out
from data.cold_chain.rules.settling import Rule
from data.cold_chain.values import BatteryChemistry

COOLING_SPAN, COOLING_READINGS, COOLING_RECOVERY_CELSIUS = timedelta(minutes=45), 5, 0.5
LOW_VOLTS, FULL_PERCENT, FULL_VOLTS = 2.5, 20.0, 2.7
LOW_BY_NATURE = frozenset({BatteryChemistry.ALKALINE_2AA, BatteryChemistry.LIFES2_2AA})
"""Cells that still have much to give at 2.5 V; of these only the percent counts."""

TOGETHER, FEWEST_IN_OUTAGE, FEWEST_OF_ALL = timedelta(minutes=5), 3, 2
STRAGGLERS = timedelta(minutes=15)

Id = TypeVar("Id")


def is_cooling_failing(rule: Rule, celsius: Sequence[float], *, is_door_open: bool | None) -> bool:
    """Whether a unit looks as if it cooled no more, by its readings of the last 45 minutes, the oldest first.

    The door is shut (or nobody knows), there are five readings at least, all on the same side of the limits, and it does
    not get better by half a degree.
    """
    if is_door_open or len(celsius) < COOLING_READINGS or not all(is_out(rule, one) for one in celsius):
        return False
    first, last = celsius[0], celsius[-1]
    if rule.high_celsius is not None and min(celsius) > rule.high_celsius:
        return first - last < COOLING_RECOVERY_CELSIUS
    return False


class Battery(StrEnum):
    LOW = "low"
    FULL = "full"
    BETWEEN = "between"
    """Neither low nor well: what was said of it stays said."""
    UNKNOWN = "unknown"


def battery(
    percent: float | None, volts: float | None, chemistry: BatteryChemistry | None, *, low_percent: float
) -> Battery:
    """How full a sensor's cells are."""
    counts_volts = volts is not None and chemistry not in LOW_BY_NATURE
    if percent is None and not counts_volts:
        return Battery.UNKNOWN
    if (percent is not None and percent <= low_percent) or (counts_volts and volts is not None and volts < LOW_VOLTS):
        return Battery.LOW
    is_full = percent > max(FULL_PERCENT, low_percent) if percent is not None else volts is not None and volts >= FULL_VOLTS
    return Battery.FULL if is_full else Battery.BETWEEN


@dataclass(frozen=True, slots=True)
class Lost(Generic[Id]):
    """A unit that has fallen silent: it was last heard then, and would have spoken again after `interval`."""

    unit_id: Id
    last_reading_at: datetime
    interval: timedelta


def lost_together(lost: Iterable[Lost[Id]]) -> frozenset[Id]:
    """The most units that may have been lost within the same five minutes.

    Each was lost some time between its last reading and the one that never came; a moment that lies in all of these
    stretches, give or take five minutes, is when it happened.
    """
    stretches = [(one.last_reading_at, one.last_reading_at + one.interval + TOGETHER, one.unit_id) for one in lost]
    edges = sorted([(start, 0) for start, _, _ in stretches] + [(end, 1) for _, end, _ in stretches])
    count = most = 0
    moment: datetime | None = None
    for at, is_end in edges:
        count += -1 if is_end else 1
        if count > most:
            most, moment = count, at
    return frozenset(unit_id for start, end, unit_id in stretches if moment is not None and start <= moment <= end)


def is_outage(lost: int, of: int) -> bool:
    """Whether so many units of a site lost at once are the site's trouble rather than theirs: three, or all of two."""
    return lost >= FEWEST_IN_OUTAGE or (lost == of and lost >= FEWEST_OF_ALL)


def has_missed_enough(missed: int, rule: Rule) -> bool:
    """Whether a unit counts as lost when its neighbours are: halfway to being called interrupted, and never for one miss."""
    return missed >= max(2, rule.missed_for_interrupted // 2)
