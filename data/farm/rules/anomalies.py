"""What is within its limits can still be odd: warmer, colder, wetter than this probe is at this hour on other days."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

DAYS = 14
"""How far back the same hour is looked at."""
LEAST_DAYS = 7
"""Fewer say nothing about what is usual."""
SPREADS = 4.0
"""So many robust spreads (1.4826 × the median distance from the median) away is odd: of a bell curve one hour in 16,000."""
BACK_WITHIN = 0.75
FLOORS = {"temperature": 3.0, "humidity": 12.0, "co2": 400.0}
"""Less than this is never odd, however steady the days before were."""

ODD_WARMTH = "{name} measures {value_celsius} in the last hour. On other days it is {usual_celsius} at this hour."
ODD_HUMIDITY = "{name} measures {value} % humidity in the last hour. On other days it is {usual} % at this hour."
ODD_AIR = "{name} measures {value} ppm in the last hour. On other days it is {usual} ppm at this hour."
SENTENCES = {"temperature": ODD_WARMTH, "humidity": ODD_HUMIDITY, "co2": ODD_AIR}


@dataclass(frozen=True, slots=True)
class Odd:
    """How an hour stands to the same hour of other days: odd (True), usual (False), or in between, where nothing changes (None)."""

    is_odd: bool | None
    usual: float
    limit: float
    """How far from the usual is odd."""


def odd(sensor_type: str, value: float, same_hours: Sequence[float]) -> Odd | None:
    """An hour's mean against those of the same hour on days before; None where too little is known. The median and its spread are
    moved little by the few days that were odd themselves, so that a week of heat does not hide the next trouble at once."""
    if len(same_hours) < LEAST_DAYS or sensor_type not in FLOORS:
        return None
    usual = median(same_hours)
    spread = 1.4826 * median(abs(one - usual) for one in same_hours)
    limit = max(FLOORS[sensor_type], SPREADS * spread)
    away = abs(value - usual)
    return Odd(True if away > limit else False if away <= BACK_WITHIN * limit else None, usual, limit)
