"""What somebody wants to know of a farm: which report, which days, how finely, and as of when."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from data.core.errors import Invalid

MOST_DAYS = 1827
MOST_LINES = 100_000
"""Of one question."""


class Kind(StrEnum):
    METRICS = "farm_metrics"
    """What the devices measured: least, most, average and deviation of each hour, day or week."""
    USAGE = "farm_usage"
    """How long and how often switches were on, and whether devices were there and did what was asked."""
    PERFORMANCE = "farm_performance"
    """How healthy the devices are, what was raised and answered, and whether schedules did what they should."""


class Step(StrEnum):
    HOUR = "1h"
    DAY = "1d"
    WEEK = "1w"
    """From Monday."""

    @property
    def days(self) -> float:
        return {"1h": 1 / 24, "1d": 1, "1w": 7}[self.value]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about one farm. `device_ids` narrows it to these (empty: all). Days are those of the farm's own clock."""

    kind: Kind
    farm_id: UUID
    first_day: date
    last_day: date
    as_of: datetime
    made_for: str
    step: Step = Step.DAY
    device_ids: tuple[UUID, ...] = ()

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    def stretch(self, zone: str) -> tuple[datetime, datetime]:
        """From the beginning of the first day to the end of the last, but not beyond `as_of`."""
        there = ZoneInfo(zone)
        start = datetime.combine(self.first_day, time(), there).astimezone(UTC)
        end = datetime.combine(self.last_day + timedelta(days=1), time(), there).astimezone(UTC)
        return start, max(start, min(end, self.as_of))

    def as_arguments(self) -> dict[str, Any]:
        """As a background job keeps it."""
        return {
            "kind": self.kind.value, "farm_id": str(self.farm_id), "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(), "as_of": self.as_of.isoformat(), "made_for": self.made_for, "step": self.step.value,
            "device_ids": [str(one) for one in self.device_ids],
        }  # fmt: skip

    @classmethod
    def from_arguments(cls, said: dict[str, Any]) -> Self:
        """Back from there."""
        return cls(
            Kind(said["kind"]), UUID(said["farm_id"]), date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"]),
            datetime.fromisoformat(said["as_of"]), said["made_for"], Step(said["step"]), tuple(map(UUID, said["device_ids"])),
        )  # fmt: skip


def check(asked: Asked, *, today: date, lines: int) -> None:
    """Invalid where these days cannot be reported on, or would be too many lines. `lines` is how many there are at a time."""
    if asked.last_day < asked.first_day:
        raise Invalid("last_day", "The last day cannot be before the first.")
    if asked.days > MOST_DAYS:
        raise Invalid("last_day", "A report covers at most {days} days.", days=MOST_DAYS)
    if asked.first_day > today:
        raise Invalid("first_day", "This day has not begun yet.")
    if asked.kind is Kind.METRICS and lines * asked.days / asked.step.days > MOST_LINES:
        raise Invalid("step", "That would be more than {most} lines. Choose longer steps, fewer days or fewer devices.", most=f"{MOST_LINES:,}")
