"""What somebody wants to know: of what, which days, and as of when."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from data.cold_chain.values import ReportKind
from data.core.errors import Invalid

MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that always has the same answer. With neither site nor unit it is about the whole organization, or those of
    its sites in `site_ids` (None: all). `made_for` is who asked."""

    kind: ReportKind
    first_day: date
    last_day: date
    as_of: datetime
    made_for: str
    site_id: UUID | None = None
    unit_id: UUID | None = None
    site_ids: tuple[UUID, ...] | None = None

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    def stretch(self, zone: str) -> tuple[datetime, datetime]:
        """From the beginning of the first day to the end of the last, by that place's clock, but not beyond `as_of`."""
        there = ZoneInfo(zone)
        start = datetime.combine(self.first_day, time(), there).astimezone(UTC)
        end = datetime.combine(self.last_day + timedelta(days=1), time(), there).astimezone(UTC)
        now = self.as_of.replace(second=0, microsecond=0)
        return start, max(start, min(end, now))

    def as_arguments(self) -> dict[str, Any]:
        """As a background job keeps it."""
        return {
            "kind": self.kind.value, "first_day": self.first_day.isoformat(), "last_day": self.last_day.isoformat(),
            "as_of": self.as_of.isoformat(), "made_for": self.made_for,
            "site_id": str(self.site_id) if self.site_id else None, "unit_id": str(self.unit_id) if self.unit_id else None,
            "site_ids": None if self.site_ids is None else [str(one) for one in self.site_ids],
        }  # fmt: skip

    @classmethod
    def from_arguments(cls, said: dict[str, Any]) -> Self:
        """Back from there."""
        return cls(
            ReportKind(said["kind"]), date.fromisoformat(said["first_day"]), date.fromisoformat(said["last_day"]),
            datetime.fromisoformat(said["as_of"]), said["made_for"],
            UUID(said["site_id"]) if said["site_id"] else None, UUID(said["unit_id"]) if said["unit_id"] else None,
            None if said["site_ids"] is None else tuple(map(UUID, said["site_ids"])),
        )  # fmt: skip


def check_days(first_day: date, last_day: date, *, today: date) -> None:
    """Invalid where these days cannot be reported on."""
    if last_day < first_day:
        raise Invalid("last_day", "The last day cannot be before the first.")
    if (last_day - first_day).days >= MOST_DAYS:
        raise Invalid("last_day", "A report covers at most {days} days.", days=MOST_DAYS)
    if first_day > today:
        raise Invalid("first_day", "This day has not begun yet.")
