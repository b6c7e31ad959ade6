"""What a schedule does at which moments follows from the clock on the farm's wall and from the sun, and from nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim

from data.farm.rules.sun import sun_at

TIME, CYCLE, CONDITION = "time_based", "duration_based", "condition_based"
OPPOSITE = {"on": "off", "off": "on", "toggle": "toggle"}
DARK_DAYS = 400
"""For how many days without any start (a polar night, a date that is over) a start is looked for."""

_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a sequence."""

    action: str
    duration_s: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a schedule says, as values. `weekdays` are 1 for Monday to 7 for Sunday; None: all.

    `anchor` begins it once besides: a run that is made up for or was asked by hand, or where an endless cycle began.
    """

    kind: str
    zone: ZoneInfo
    action: str = "on"
    cron: str | None = None
    start_time: time | None = None
    end_time: time | None = None
    weekdays: frozenset[int] | None = None
    start_date: date | None = None
    end_date: date | None = None
    sun_event: str | None = None
    sun_offset_minutes: int = 0
    latitude: float | None = None
    longitude: float | None = None
    on_s: int | None = None
    off_s: int | None = None
    repeat_count: int | None = None
    action_duration_s: int | None = None
    steps: tuple[Step, ...] = ()
    anchor: datetime | None = None

    @property
    def is_endless_cycle(self) -> bool:
        """A cycle that is not bound to a time of the day."""
        return self.kind == CYCLE and self.cron is None and self.start_time is None and self.sun_event is None

    @property
    def lasts(self) -> timedelta:
        """The longest that one start of it may last."""
        if self.steps:
            return timedelta(seconds=sum(step.duration_s for step in self.steps))
        if self.end_time is not None:
            return 2 * _DAY
        if self.kind == CYCLE and self.repeat_count:
            return timedelta(seconds=self.repeat_count * ((self.on_s or 0) + (self.off_s or 0)))
        return timedelta(seconds=self.action_duration_s or 0)


@dataclass(frozen=True, slots=True)
class Moment:
    """At an instant something is asked of the device. `start` is when what it belongs to began; `is_end`: it ends that.

    `until` is when the schedule asks for something else; to that time it keeps the device. None: it does not care any more.
    """

    at: datetime
    action: str
    start: datetime
    is_end: bool = False
    until: datetime | None = None


def moments(plan: Plan, *, after: datetime) -> Iterator[Moment]:
    """Every moment after an instant, in order. A new start breaks off what still runs of the one before."""
    if plan.is_endless_cycle:
        if plan.anchor is not None:
            yield from _of_cycle(plan, plan.anchor, None, after)
        return
    starts = _starts(plan, since=after - plan.lasts - _INSTANT)
    for (start, end), following in pairwise(_with_none(starts)):
        assert start is not None  # only the last one is, which never comes first of a pair
        stop = following[0]
        for moment in _of(plan, start, end, after):
            if stop is not None and moment.at >= stop:
                break
            if moment.at > after:
                until = moment.until
                yield replace(moment, until=stop) if until and stop and until > stop else moment


def first(plan: Plan, *, after: datetime) -> Moment | None:
    """The next moment, if there will be one."""
    return next(moments(plan, after=after), None)


def first_begin(plan: Plan, *, after: datetime) -> Moment | None:
    """The next moment at which something begins: what was not begun needs no end."""
    return next((one for one in islice(moments(plan, after=after), 100) if not one.is_end and (plan.kind == CYCLE or one.at == one.start)), None)


def between(plan: Plan, since: datetime, until: datetime, *, most: int = 5_000) -> list[Moment]:
    """The moments from `since` to `until`, both included."""
    found: list[Moment] = []
    for moment in islice(moments(plan, after=since - _INSTANT), most):
        if moment.at > until:
            break
        found.append(moment)
    return found


def holding(plan: Plan, at: datetime) -> Moment | None:
    """The moment since which the schedule keeps its device as it is at that instant; None when it does not."""
    back = timedelta(seconds=(plan.on_s or 0) + (plan.off_s or 0)) if plan.is_endless_cycle else plan.lasts
    last = None
    for moment in moments(plan, after=at - back - _INSTANT):
        if moment.at > at:
            break
        last = moment
    return last if last and last.until and last.until > at else None


def wall(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """That time on the farm's wall, in UTC. An hour that is left out in spring begins with the next; of one that comes twice in
    autumn the first counts."""
    naive = datetime.combine(day, clock)
    late, early = naive.replace(tzinfo=zone).astimezone(UTC), naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if late <= early or late.astimezone(zone).replace(tzinfo=None) == naive:
        return late
    while late - early > timedelta(seconds=1):  # the clock is put forward between the two
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset():
            early = middle
        else:
            late = middle
    return late


def _with_none(starts: Iterator[tuple[datetime, datetime | None]]) -> Iterator[tuple[datetime | None, datetime | None]]:
    yield from starts
    yield None, None


def _starts(plan: Plan, *, since: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    """Each start after `since` with the end of its window, if it has one; the anchor among them."""
    extra = plan.anchor if plan.anchor and plan.anchor > since else None
    for start, end in _clocked(plan, since):
        if extra and extra <= start:
            if extra < start:
                yield extra, (extra + (end - start) if end else None)
            extra = None
        yield start, end
    if extra:
        yield extra, None


def _clocked(plan: Plan, since: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    if plan.start_date:
        since = max(since, wall(plan.start_date, time(0), plan.zone) - _INSTANT)
    if plan.cron:
        last = since
        for local in CronSim(plan.cron, since.astimezone(plan.zone)):
            if plan.end_date and local.date() > plan.end_date:
                return
            at = local.astimezone(UTC)
            # In the hour that comes twice the first of both may lie behind; at the hour that never comes two may meet.
            if at > last and _is_day(plan, local.date()):
                last = at
                yield at, None
        return
    day, idle = since.astimezone(plan.zone).date() - _DAY, 0
    while idle < DARK_DAYS and not (plan.end_date and day > plan.end_date):
        idle += 1
        if _is_day(plan, day) and (start := _start_on(plan, day)) and start > since:
            idle = 0
            yield start, _end_after(plan, day, start)
        day += _DAY


def _is_day(plan: Plan, day: date) -> bool:
    return (plan.weekdays is None or day.isoweekday() in plan.weekdays) and not (plan.start_date and day < plan.start_date)


def _start_on(plan: Plan, day: date) -> datetime | None:
    if plan.sun_event is None:
        return wall(day, plan.start_time, plan.zone) if plan.start_time is not None else None
    if plan.latitude is None or plan.longitude is None:
        return None
    at = sun_at(plan.sun_event, day, plan.latitude, plan.longitude)
    return at + timedelta(minutes=plan.sun_offset_minutes) if at else None


def _end_after(plan: Plan, day: date, start: datetime) -> datetime | None:
    if plan.end_time is None:
        return None
    if plan.sun_event is not None:  # hours before sunrise may be on the day before, hours after sunset on the next
        day = start.astimezone(plan.zone).date()
    end = wall(day, plan.end_time, plan.zone)
    return end if end > start else wall(day + _DAY, plan.end_time, plan.zone)


def _of(plan: Plan, start: datetime, end: datetime | None, after: datetime) -> Iterator[Moment]:
    """What one start brings with it."""
    if plan.kind == CYCLE:
        yield from _of_cycle(plan, start, end, after)
    elif plan.steps:
        at = start
        *others, last = plan.steps
        for step in others if last.action == "off" else plan.steps:
            stop = at + timedelta(seconds=step.duration_s)
            yield Moment(at, step.action, start, until=stop)
            at = stop
        yield Moment(at, "off", start, is_end=True)
    else:
        over = start + timedelta(seconds=plan.action_duration_s) if plan.action_duration_s else end
        yield Moment(start, plan.action, start, until=over)
        if over:
            yield Moment(over, OPPOSITE[plan.action], start, is_end=True)


def _of_cycle(plan: Plan, start: datetime, end: datetime | None, after: datetime) -> Iterator[Moment]:
    assert plan.on_s and plan.off_s
    on, whole = timedelta(seconds=plan.on_s), timedelta(seconds=plan.on_s + plan.off_s)
    turn = max(0, (after - start) // whole)
    while (begin := start + turn * whole) and not (end and begin >= end) and not (plan.repeat_count and turn >= plan.repeat_count):
        stop = min(begin + on, end) if end else begin + on
        if begin > after:
            yield Moment(begin, "on", start, until=stop)
        if stop > after:
            yield Moment(stop, "off", start, is_end=True)
        turn += 1
