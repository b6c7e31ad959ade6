"""How long an alert may be put off, when silence was agreed on, and when trouble that was over counts as back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

RANK = {"info": 0, "warning": 1, "critical": 2}
BACK_WITHIN = timedelta(minutes=15)
COUNTED_WITHIN = timedelta(hours=1)
LONGEST_SNOOZE = timedelta(days=7)
LONGEST_CRITICAL_SNOOZE = timedelta(hours=1)
MORNING = time(7)


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which nobody is told. Each field that is set narrows it; none is set: it holds for everything."""

    id: UUID
    starts_at: datetime
    ends_at: datetime
    reason: str
    subject_id: UUID | None = None
    scope_id: UUID | None = None
    alert_type: str | None = None

    def covers(self, subject_id: UUID, scope_id: UUID | None, alert_type: str, at: datetime) -> bool:
        """Whether an alert of that kind, about that thing, is not told at that instant."""
        return (
            self.starts_at <= at < self.ends_at
            and self.subject_id in (None, subject_id)
            and self.scope_id in (None, scope_id)
            and self.alert_type in (None, alert_type)
        )


def silence(
    windows: Iterable[Window], subject_id: UUID, scope_id: UUID | None, alert_type: str, at: datetime
) -> Window | None:
    """The window that covers it and ends last, or None."""
    covering = (w for w in windows if w.covers(subject_id, scope_id, alert_type, at))
    return max(covering, key=lambda w: w.ends_at, default=None)


def next_morning(at: datetime, zone: str) -> datetime:
    """The next 07:00 on the clocks of that place."""
    there = at.astimezone(ZoneInfo(zone))
    day = there.date() + timedelta(days=0 if there.time() < MORNING else 1)
    return datetime.combine(day, MORNING, there.tzinfo).astimezone(at.tzinfo)


def refusal_to_snooze(severity: str, *, until: datetime, at: datetime) -> str | None:
    """Why it cannot be put off so long, if so."""
    if until <= at:
        return "Choose a time that is still to come."
    if severity == "critical" and until - at > LONGEST_CRITICAL_SNOOZE:
        return "What is critical can be put off for at most an hour."
    if until - at > LONGEST_SNOOZE:
        return "An alert can be put off for at most a week."
    return None


def told_again_at(severity: str, *, at: datetime, last_told_at: datetime | None) -> datetime:
    """When trouble that comes back soon is told: critical at once, anything else not sooner than a while after the last time."""
    if severity == "critical" or last_told_at is None:
        return at
    return max(at, last_told_at + BACK_WITHIN)
