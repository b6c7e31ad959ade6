"""When a schedule runs, by the clock on the farm's wall, and which of several gives way."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from data.core.errors import Invalid

RUN_LATE_AT_MOST = timedelta(seconds=60)
"""A run that could not happen within this is skipped: a feeder must not start in the night because a link came back."""

MISSED = "Steading was not running when it was due."
OUTRANKED = "The schedule {name}, with a higher priority, ran at the same time."


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


@dataclass(frozen=True, slots=True)
class Due:
    """The runs of a schedule up to now: those missed for good, the one to do (if any), and the one that comes next."""

    missed: tuple[datetime, ...]
    run: datetime | None
    next: datetime | None


def due(cron: str, zone: ZoneInfo, *, next_run_at: datetime, now: datetime, most: int = 10_000) -> Due:
    """What to do about a schedule whose `next_run_at` has come. Beyond `most` missed runs the rest is left for next time."""
    runs, following = [next_run_at], None
    while len(runs) < most:
        following = next(iter(next_runs(cron, zone, after=runs[-1])), None)
        if following is None or following > now:
            break
        runs.append(following)
        following = None
    if following is None and len(runs) >= most:
        return Due(tuple(runs[:-1]), None, runs[-1])
    last = runs[-1]
    if now - last <= RUN_LATE_AT_MOST:
        return Due(tuple(runs[:-1]), last, following)
    return Due(tuple(runs), None, following)


@dataclass(frozen=True, slots=True)
class Claim:
    """A schedule's run that wants to switch a device now."""

    schedule_id: UUID
    device_id: UUID
    priority: int
    name: str


def outranked(claims: Iterable[Claim]) -> dict[UUID, str]:
    """Which schedules give way to another of the same device, and to whose name: the highest priority wins, then the first."""
    best: dict[UUID, Claim] = {}
    losers: dict[UUID, str] = {}
    for claim in sorted(claims, key=lambda claim: -claim.priority):
        if best.setdefault(claim.device_id, claim) is not claim:
            losers[claim.schedule_id] = best[claim.device_id].name
    return losers


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
