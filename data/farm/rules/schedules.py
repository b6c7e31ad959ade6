"""A cron expression says when a schedule runs, by the clock on the farm's wall."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from data.core.errors import Invalid


def cron_of(text: str, *, field: str = "cron_expression") -> str:
    """A cron expression of five fields that will ever run, blanks tidied; Invalid(field) otherwise."""
    parts = text.split()
    if len(parts) != 5:
        raise Invalid(field, "Five fields are needed: minute, hour, day, month, weekday. There are {count}.", count=len(parts))
    cron = " ".join(parts)
    try:
        next(CronSim(cron, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as fault:
        raise Invalid(field, _WHICH.get(str(fault), "This is not a cron expression.")) from None
    except StopIteration:
        raise Invalid(field, "No day will ever match this.") from None
    return cron


_WHICH = {
    "Bad minute": "The minute (first field) must be 0 to 59.",
    "Bad hour": "The hour (second field) must be 0 to 23.",
    "Bad day-of-month": "The day of the month (third field) must be 1 to 31 and exist in that month.",
    "Bad month": "The month (fourth field) must be 1 to 12 or JAN to DEC.",
    "Bad day-of-week": "The weekday (fifth field) must be 0 to 7 or SUN to SAT.",
}


def next_runs(cron: str, zone: ZoneInfo, *, after: datetime, count: int = 1) -> list[datetime]:
    """The next runs after an instant, in UTC, by the clock on the farm's wall.

    Where that clock is put forward, a run in the missing hour happens as the new hour begins; where it is put back, a
    run at a fixed time happens once and one that repeats by the hour or minute goes on repeating.
    """
    runs: list[datetime] = []
    for local in CronSim(cron, after.astimezone(zone)):
        run = local.astimezone(UTC)
        # In the hour that comes twice the first of both may lie behind `after`; at the hour that never comes two may meet.
        if run > after and (not runs or run > runs[-1]):
            runs.append(run)
        if len(runs) == count:
            break
    return runs


EVERY_DAY = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Daily:
    """A time on some days of the week, 1 for Monday to 7 for Sunday: what most people mean by a schedule."""

    at: time
    weekdays: frozenset[int] = EVERY_DAY

    @property
    def cron(self) -> str:
        days = "*" if self.weekdays == EVERY_DAY else ",".join(str(day) for day in sorted(self.weekdays))
        return f"{self.at.minute} {self.at.hour} * * {days}"


def as_daily(cron: str) -> Daily | None:
    """The same in simple words, if it is that simple."""
    found = re.fullmatch(r"(\d{1,2}) (\d{1,2}) \* \* (\*|[0-7](?:,[0-7])*)", cron)
    if not found or int(found[1]) > 59 or int(found[2]) > 23:
        return None
    days = EVERY_DAY if found[3] == "*" else frozenset(int(day) or 7 for day in found[3].split(","))
    return Daily(time(int(found[2]), int(found[1])), days)
