"""Something is due each day, week or month at an hour of a place's own clock, and is about the days that ended just before."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from data.platform.values import Every

Days = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often, and when. `on_day` is the day of the week (0: Monday) or of the month (1 to 28); of a daily one nothing."""

    every: Every
    at_time: time
    on_day: int = 0

    def latest(self, at: datetime, zone: str) -> datetime:
        """The last time that it was due, at or before that instant."""
        day = self._day_before(at.astimezone(ZoneInfo(zone)).date() + timedelta(days=2))
        while (due := self._instant(day, zone)) > at:
            day = self._day_before(day)
        return due

    def following(self, at: datetime, zone: str) -> datetime:
        """The first time after that instant that it is due."""
        day = self._day_after(at.astimezone(ZoneInfo(zone)).date() - timedelta(days=2))
        while (due := self._instant(day, zone)) <= at:
            day = self._day_after(day)
        return due

    def between(self, first: datetime, last: datetime, zone: str) -> int:
        """How often it was due from `first` on, and before `last`."""
        count = 0
        while first < last:
            count, first = count + 1, self.following(first, zone)
        return count

    def about(self, due: datetime, zone: str) -> Days:
        """The first and the last day of what had just ended then: yesterday, the last whole week from Monday, or the last month."""
        today = due.astimezone(ZoneInfo(zone)).date()
        match self.every:
            case Every.DAY:
                return today - timedelta(days=1), today - timedelta(days=1)
            case Every.WEEK:
                monday = today - timedelta(days=today.weekday() + 7)
                return monday, monday + timedelta(days=6)
            case Every.MONTH:
                last = today.replace(day=1) - timedelta(days=1)
                return last.replace(day=1), last

    def _is_on(self, day: date) -> bool:
        match self.every:
            case Every.DAY:
                return True
            case Every.WEEK:
                return day.weekday() == self.on_day
            case Every.MONTH:
                return day.day == self.on_day

    def _day_before(self, day: date) -> date:
        day -= timedelta(days=1)
        while not self._is_on(day):
            day -= timedelta(days=1)
        return day

    def _day_after(self, day: date) -> date:
        day += timedelta(days=1)
        while not self._is_on(day):
            day += timedelta(days=1)
        return day

    def _instant(self, day: date, zone: str) -> datetime:
        """That hour of that day there: once where clocks show it twice (the first time), and as soon as they may where they skip it."""
        return datetime.combine(day, self.at_time, ZoneInfo(zone)).astimezone(UTC)
