"""The facts of a farm's report: everything that its pages, its table and its screen say, and nothing besides.

Temperatures are °C and other values in their own unit, lengths of time minutes, instants UTC. What is not known is None, never a zero.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from data.farm.reports.asked import Kind, Step

FORMAT = "steading.farm.report/1"


@dataclass(frozen=True, slots=True)
class Statistics:
    """So many values of one stretch of time. `deviation` is the sample's, None of a single value."""

    since: datetime
    count: int
    minimum: float
    maximum: float
    average: float
    deviation: float | None


@dataclass(frozen=True, slots=True)
class MeasuredFact:
    """One quantity of one device: all of it, and step by step."""

    sensor_type: str
    unit: str
    whole: Statistics
    steps: tuple[Statistics, ...]


@dataclass(frozen=True, slots=True)
class UsageFact:
    """`on_minutes` and `cycles` are of a switch only. Of `known_minutes` (since the device was first heard) it was there
    for `online_minutes`. `asked` are wishes that came to an end and that nobody took back; `done` those that it did."""

    on_minutes: float | None
    cycles: int | None
    online_minutes: float
    known_minutes: float
    asked: int
    done: int

    @property
    def uptime(self) -> float | None:
        """The share of the time that it was there, 0 to 1."""
        return self.online_minutes / self.known_minutes if self.known_minutes > 0 else None

    @property
    def reliability(self) -> float | None:
        """0 to 10: ten times the share of the wishes that it did."""
        return 10 * self.done / self.asked if self.asked else None


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """One device."""

    id: UUID
    name: str
    room: str | None
    device_type: str
    is_online: bool
    battery_percent: int | None
    measured: tuple[MeasuredFact, ...] = ()
    usage: UsageFact | None = None


@dataclass(frozen=True, slots=True)
class RaisedFact:
    """Alerts of one severity: how many, how many were answered, are still open, and how long that took on average."""

    severity: str
    count: int
    answered: int
    still_open: int
    minutes_to_answer: float | None
    minutes_to_end: float | None


@dataclass(frozen=True, slots=True)
class ScheduleFact:
    """How often a schedule was due, and what became of that."""

    id: UUID
    name: str
    device: str
    executed: int
    failed: int
    skipped: int

    @property
    def success(self) -> float | None:
        """Of the runs that were tried, the share that was done, 0 to 1."""
        tried = self.executed + self.failed
        return self.executed / tried if tried else None


@dataclass(frozen=True, slots=True)
class Facts:
    """A whole report."""

    as_of: datetime
    kind: Kind
    organization: str
    farm_id: UUID
    farm: str
    first_day: date
    last_day: date
    time_zone: str
    step: Step
    made_for: str
    devices: tuple[DeviceFact, ...]
    raised: tuple[RaisedFact, ...] = ()
    schedules: tuple[ScheduleFact, ...] = ()
    format: str = FORMAT

    @property
    def lines(self) -> int:
        """How many lines there are of hours, days or weeks."""
        return sum(len(one.steps) for device in self.devices for one in device.measured)

    @property
    def automation(self) -> float | None:
        """Of all runs of schedules that were tried, the share that was done."""
        done, tried = sum(one.executed for one in self.schedules), sum(one.executed + one.failed for one in self.schedules)
        return done / tried if tried else None

    @property
    def uptime(self) -> float | None:
        """Of all devices' time, the share that they were there."""
        known = sum(one.usage.known_minutes for one in self.devices if one.usage)
        return sum(one.usage.online_minutes for one in self.devices if one.usage) / known if known > 0 else None
