"""In some zones the clocks on the walls are put forward in spring and back in autumn, and what is planned by them must stay right."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """At an instant the clock goes on by `by` (less than nothing: it is put back)."""

    at: datetime
    by: timedelta

    def shown(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """What the clock showed just before, had it gone on, and what it shows then."""
        after = self.at.astimezone(zone)
        return after.replace(tzinfo=None) - self.by, after.replace(tzinfo=None)


def clock_changes(zone: ZoneInfo, since: datetime, until: datetime) -> list[ClockChange]:
    """Every change of the zone's clock between two instants, to the second."""
    found: list[ClockChange] = []
    early, until = since.replace(microsecond=0), until.replace(microsecond=0)
    while early < until:
        late = min(early + _HOUR, until)
        before, after = _offset(early, zone), _offset(late, zone)
        if before != after:
            low, high = early, late
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
            found.append(ClockChange(high, after - before))
        early = late
    return found


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)
