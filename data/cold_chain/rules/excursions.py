"""A stretch of time outside the limits has a beginning, a worst moment, a size, an end, and most often a cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from data.cold_chain.rules.settling import Rule
from data.cold_chain.values import Direction, ExcursionCause, UnitType

GAP_INTERVALS = 3
"""Between readings further apart than so many intervals nobody knows how warm it was: such time adds no degree-minutes."""

SHORT_DEFROST, DEFROST_APART, SAME_TIME = timedelta(minutes=60), timedelta(hours=2), timedelta(minutes=25)


@dataclass(slots=True)
class Stretch:
    """An excursion while it is followed; see the table. °C, and °C·min for `degree_minutes`."""

    id: UUID
    started_at: datetime
    low_celsius: float | None
    high_celsius: float | None
    peak_celsius: float
    peak_at: datetime
    last_at: datetime
    last_celsius: float
    degree_minutes: float = 0.0
    reading_count: int = 1
    was_door_open: bool = False
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def direction(self) -> Direction:
        """On which side it was worst."""
        low, high = self.low_celsius, self.high_celsius
        is_below = low is not None and (high is None or self.peak_celsius < (low + high) / 2)
        return Direction.BELOW if is_below else Direction.ABOVE

    def beyond(self, celsius: float) -> float:
        """How far outside the limits of then (°C); negative is inside."""
        over = [] if self.high_celsius is None else [celsius - self.high_celsius]
        return max(over + ([] if self.low_celsius is None else [self.low_celsius - celsius]))

    def see(self, celsius: float, at: datetime, *, interval: timedelta, is_door_open: bool) -> None:
        """One more reading, outside or back inside."""
        apart = at - self.last_at
        if apart <= interval * GAP_INTERVALS:
            self.degree_minutes += area(self.beyond(self.last_celsius), self.beyond(celsius), apart.total_seconds() / 60)
        if self.beyond(celsius) > self.beyond(self.peak_celsius):
            self.peak_celsius, self.peak_at = celsius, at
        self.last_celsius, self.last_at = celsius, at
        self.reading_count += 1
        self.was_door_open = self.was_door_open or is_door_open


def begin(id: UUID, rule: Rule, celsius: float, at: datetime, *, is_door_open: bool) -> Stretch:
    """With the first reading outside."""
    return Stretch(id, at, rule.low_celsius, rule.high_celsius, celsius, at, at, celsius, was_door_open=is_door_open)


def area(before: float, after: float, minutes: float) -> float:
    """What lies above zero of a straight line from one value to another."""
    if before >= 0 and after >= 0:
        return (before + after) / 2 * minutes
    top = max(before, after)
    return 0.0 if top <= 0 else top / 2 * minutes * top / (top - min(before, after))


@dataclass(frozen=True, slots=True)
class Past:
    """An excursion that is looked back upon. `earlier` are when others of the unit began, in the days before."""

    unit_type: UnitType
    direction: Direction
    started_at: datetime
    ended_at: datetime | None
    peak_beyond_celsius: float
    was_door_open: bool
    has_cooling_failure: bool = False
    has_sensor_fault: bool = False
    is_in_outage: bool = False
    earlier: Sequence[datetime] = ()


def suggest_cause(past: Past) -> ExcursionCause:
    """What it most likely was; a person says what it really was."""
    if past.has_sensor_fault:
        return ExcursionCause.SENSOR
    if past.is_in_outage:
        return ExcursionCause.POWER
    if past.has_cooling_failure:
        return ExcursionCause.EQUIPMENT
    if past.was_door_open:
        return ExcursionCause.DOOR
    lasted = None if past.ended_at is None else past.ended_at - past.started_at
    is_short = lasted is not None and lasted <= SHORT_DEFROST
    if past.direction is Direction.ABOVE and is_short and _recurs(past):
        return ExcursionCause.DEFROST
    return ExcursionCause.UNKNOWN


def _recurs(past: Past) -> bool:
    """At least two others were a whole number of the same hours apart: as a defrosting by a clock is, not as doors are."""
    apart = [past.started_at - one for one in past.earlier if past.started_at - one >= DEFROST_APART]
    if len(apart) < 2:
        return False
    shortest = min(apart)
    return sum(abs(one - shortest * round(one / shortest)) <= SAME_TIME for one in apart) >= max(2, 0.6 * len(apart))
