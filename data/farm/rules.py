"""What a farm's device may be asked, what its reports make of it, and when its schedules run: pure, time is an argument."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from data.core.errors import Invalid
from data.farm.values import Presence, Report, SensorValue, StateReport

ANSWER_WITHIN = timedelta(seconds=30)
"""How long a device may take to confirm what it was asked."""
SILENT_AFTER = timedelta(minutes=11)
"""Devices speak every five minutes; twice missed and a little more is gone, even where the broker has not noticed."""
RUN_LATE_AT_MOST = timedelta(seconds=60)
"""A run that could not happen within this is skipped: a feeder must not start in the night because a link came back."""

NO_ANSWER = "The device did not answer within {seconds} seconds."
NOT_SENT = "The message broker could not be reached for {seconds} seconds."
REPLACED = "Something else was asked before the device answered."
OFFLINE = "The device is offline. Check its power and its network, then try again."
OUT_OF_USE = "The device is out of use."
NOT_SWITCHED = "This device only measures; it cannot be switched."
STATE_UNKNOWN = "It is not known whether the device is on, so it cannot be toggled."
MISSED = "Steading was not running when it was due."
OUTRANKED = "The schedule {name}, with a higher priority, ran at the same time."

TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}", re.ASCII)
COMMON_TOPICS = frozenset({"tasmotas", "sonoffs"})


class Warmth(StrEnum):
    """How a temperature feels to the animals, in the words that people use."""

    SCORCHING = "scorching"
    HOT = "hot"
    WARM = "warm"
    NEUTRAL = "neutral"
    COOL = "cool"
    COLD = "cold"


WARMTHS = ((35, Warmth.SCORCHING), (32, Warmth.HOT), (28, Warmth.WARM), (24, Warmth.NEUTRAL), (20, Warmth.COOL))


def warmth(celsius: float | Decimal) -> Warmth:
    """The word for a temperature: scorching from 35 °C, hot from 32, warm from 28, neutral from 24, cool from 20, else cold."""
    return next((word for least, word in WARMTHS if celsius >= least), Warmth.COLD)


def refusal_to_switch(*, is_switched: bool, is_active: bool, is_online: bool) -> str | None:
    """Why this device cannot be asked to switch now, as a template for its reader; None when it can."""
    if not is_switched:
        return NOT_SWITCHED
    if not is_active:
        return OUT_OF_USE
    return None if is_online else OFFLINE


def topic_of(text: str, *, field: str = "topic") -> str:
    """A topic that names one device and nobody else's; Invalid(field) otherwise. One level, so that it contains no other."""
    topic = text.strip()
    if not TOPIC.fullmatch(topic):
        raise Invalid(field, "A topic has 1 to 50 letters, digits, hyphens and underscores.")
    if topic.lower() in COMMON_TOPICS:
        raise Invalid(field, "All devices listen to {topic}. Choose a topic of its own.", topic=topic)
    return topic


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What is known of a device. `latest` is as in the table: {sensor_type: {value, unit, at}}."""

    output: int
    is_on: bool | None = None
    state_reported_at: datetime | None = None
    is_online: bool = False
    last_heartbeat_at: datetime | None = None
    latest: Mapping[str, Any] = field(default_factory=dict)


def heard(state: DeviceState, report: Report) -> DeviceState:
    """What is known after this report. A report older than what is known moves nothing back."""
    at = report.reported_at
    if isinstance(report, Presence):
        if not _is_newer(at, state.last_heartbeat_at) or (not report.is_online and not state.is_online):
            return state
        return replace(state, is_online=report.is_online, last_heartbeat_at=at)
    if _is_newer(at, state.last_heartbeat_at):  # whoever speaks is there
        state = replace(state, is_online=True, last_heartbeat_at=at)
    if isinstance(report, StateReport):
        if report.output == state.output and _is_newer(at, state.state_reported_at):
            state = replace(state, is_on=report.is_on, state_reported_at=at)
        return state
    return _measured(state, report)


def _measured(state: DeviceState, report: SensorValue) -> DeviceState:
    known = state.latest.get(report.sensor_type)
    if known and not _is_newer(report.reported_at, datetime.fromisoformat(known["at"])):
        return state
    value = {"value": round(report.value, 2), "unit": report.unit, "at": report.reported_at.isoformat()}
    return replace(state, latest={**state.latest, report.sensor_type: value})


def _is_newer(at: datetime, known: datetime | None) -> bool:
    return known is None or at >= known


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
