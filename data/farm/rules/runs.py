"""A run that is due happens once; of one that fell into an outage it is said what was done about it, and nothing that was begun goes
on for ever."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from data.farm.rules.moments import CYCLE, Moment, Plan, first, first_begin, moments

RUN_LATE_AT_MOST = timedelta(seconds=60)
"""A run that could not happen within this fell into an outage: a feeder must not start in the night because a link came back."""
STEP_LATE_AT_MOST = timedelta(seconds=5)
"""A step of a sequence that comes later than this would shorten the next: the sequence is broken off, and the device left off."""

SKIP, RUN_LATE, RECONCILE = "skip", "run_late", "reconcile"

MISSED = "Steading was not running when it was due."
MISSED_BUT_LATER = "Steading was not running when it was due. What came later was done instead."
ENDED_LATE = "Steading was not running when it was to end. It was ended late."
RAN_LATE = "Steading was not running when it was due. It was run late."
RECONCILED = "Steading was not running when it was due. The device was brought to where it should be by now."
BROKEN_OFF = "A step came too late, so the sequence was broken off and the device left off."
OUTRANKED = "The schedule {name}, with a higher priority, ran at the same time."


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger: the run that was due at `at`, what is asked now (None: nothing), and why it is as it is."""

    at: datetime
    action: str | None
    is_end: bool = False
    reason: str | None = None
    policy: str | None = None

    @property
    def is_late(self) -> bool:
        """Whether it is done although it fell into an outage."""
        return self.action is not None and self.policy is not None


@dataclass(frozen=True, slots=True)
class Todo:
    """What to do about a schedule whose time has come: a line for each run, and when it is to be looked at again.

    `anchor` is where a run that is made up for begins; it is kept until that run is over.
    """

    entries: tuple[Entry, ...]
    next: datetime | None
    anchor: datetime | None = None

    @property
    def act(self) -> Entry | None:
        """The line that asks something of the device; there is at most one."""
        return next((entry for entry in self.entries if entry.action), None)


def due(plan: Plan, *, next_run_at: datetime, now: datetime, policy: str = SKIP, most: int = 2_000) -> Todo:
    """What is to be done about every moment from `next_run_at` to now. Beyond `most` the rest is left for the next time."""
    ahead = moments(plan, after=next_run_at - timedelta(microseconds=1))
    past: list[Moment] = []
    following: Moment | None = None
    for moment in islice(ahead, most):
        if moment.at > now:
            following = moment
            break
        past.append(moment)
    if not past:
        return Todo((), following.at if following else None, plan.anchor)
    if following is None and len(past) == most and (left := next(ahead, None)) and left.at <= now:
        return Todo(tuple(_skipped(past, SKIP)), left.at, plan.anchor)
    following = following or left_after(plan, past[-1])
    upcoming = following.at if following else None
    last = past[-1]
    if plan.steps and _is_within(last) and now - last.at > STEP_LATE_AT_MOST and (len(past) == 1 or past[0].start == last.start or policy == SKIP):
        return _broken_off(plan, past, now, policy)
    if now - last.at <= RUN_LATE_AT_MOST:
        return Todo((*_skipped(past[:-1], policy), Entry(last.at, last.action, last.is_end)), upcoming, plan.anchor)
    return _after_outage(plan, past, upcoming, now, policy)


def left_after(plan: Plan, moment: Moment) -> Moment | None:
    """The moment after this one, if there will be one."""
    return first(plan, after=moment.at)


def _is_within(moment: Moment) -> bool:
    """Whether it belongs to something that had begun before it."""
    return moment.at > moment.start


def _broken_off(plan: Plan, past: Sequence[Moment], now: datetime, policy: str) -> Todo:
    last = past[-1]
    entries = (*_skipped(past[:-1], policy), Entry(last.at, "off", True, BROKEN_OFF, RECONCILE))
    after = next((one for one in islice(moments(plan, after=now), 100) if one.start > last.start), None)
    return Todo(entries, after.at if after else None, plan.anchor)


def _after_outage(plan: Plan, past: Sequence[Moment], upcoming: datetime | None, now: datetime, policy: str) -> Todo:
    last = past[-1]
    if policy == RECONCILE or (policy == RUN_LATE and plan.kind == CYCLE):
        if plan.steps:
            return Todo((*_skipped(past[:-1], policy), Entry(last.at, "off", True, RECONCILED, RECONCILE)), upcoming, plan.anchor)
        return Todo((*_skipped(past[:-1], policy), Entry(last.at, last.action, last.is_end, RECONCILED, RECONCILE)), upcoming, plan.anchor)
    begun = next((one for one in reversed(past) if one.at == one.start), None)
    if policy == RUN_LATE and begun is not None:
        entry = Entry(begun.at, plan.steps[0].action if plan.steps else begun.action, False, RAN_LATE, RUN_LATE)
        entries = tuple(entry if one is begun else _missed(one, policy, True) for one in past)
        if not plan.steps and (begun.until is None or begun.until > now):
            return Todo(entries, upcoming, plan.anchor)  # its end is still ahead, where it was planned
        anchor = now.replace(microsecond=0)
        follows = first(replace(plan, anchor=anchor), after=anchor)
        return Todo(entries, follows.at if follows else None, anchor)
    if _is_within(past[0]):  # it was under way when the outage began
        entries = (Entry(past[0].at, "off" if plan.steps else past[0].action, True, ENDED_LATE, RECONCILE), *_skipped(past[1:], policy))
        if plan.steps and past[0].start == last.start:
            return _broken_off(plan, past, now, policy)
        return Todo(entries, upcoming, plan.anchor)
    begins = first_begin(plan, after=now)
    return Todo(tuple(_skipped(past, policy)), begins.at if begins else None, plan.anchor)


def _skipped(past: Sequence[Moment], policy: str) -> list[Entry]:
    return [_missed(one, policy, policy != SKIP) for one in past]


def _missed(moment: Moment, policy: str, is_later: bool) -> Entry:
    return Entry(moment.at, None, moment.is_end, MISSED_BUT_LATER if is_later else MISSED, policy)


@dataclass(frozen=True, slots=True)
class Claim:
    """A schedule's run that wants to switch a device now."""

    schedule_id: UUID
    device_id: UUID
    priority: int
    name: str


def outranked(claims: Iterable[Claim], holders: Mapping[UUID, Claim] | None = None) -> dict[UUID, str]:
    """Which schedules give way to another of the same device, and to whose name: the highest priority wins, then the first.

    `holders` are those that keep a device as it is by now, by device; only a higher priority keeps others away.
    """
    best: dict[UUID, Claim] = {}
    losers: dict[UUID, str] = {}
    for claim in sorted(claims, key=lambda claim: -claim.priority):
        holder = (holders or {}).get(claim.device_id)
        if holder and holder.schedule_id != claim.schedule_id and holder.priority > claim.priority:
            losers[claim.schedule_id] = holder.name
        elif best.setdefault(claim.device_id, claim) is not claim:
            losers[claim.schedule_id] = best[claim.device_id].name
    return losers


@dataclass(frozen=True, slots=True)
class Clash:
    """From `at` to `until` two schedules of one device want different things of it. `name` is the other one, `wins` the name of the
    one that gets its way."""

    at: datetime
    until: datetime
    name: str
    wins: str


def clashes(
    mine: Sequence[Moment], others: Sequence[Moment], *, name: str, other: str, priority: int, other_priority: int, is_first: bool = False
) -> Iterator[Clash]:
    """The times at which they do, in order, as the runs themselves will decide it. `is_first`: mine was there before the other.

    The higher priority has its way. Of the same priority whoever begins later takes over, and at the same instant the one
    that was there first. What merely ends is kept from it by whoever still wants the device.
    """
    here = there = 0
    while here < len(mine) and there < len(others):
        one, two = mine[here], others[there]
        if one.action != two.action and _overlap(one, two):
            if one.is_end or two.is_end:
                wins = other if one.is_end else name
            elif priority != other_priority:
                wins = name if priority > other_priority else other
            else:
                wins = (name if is_first else other) if one.at == two.at else name if one.at > two.at else other
            at = max(one.at, two.at)
            yield Clash(at, max(at, min(one.until or one.at, two.until or two.at)), other, wins)
        if (one.until or one.at) <= (two.until or two.at):
            here += 1
        else:
            there += 1


def _overlap(one: Moment, two: Moment) -> bool:
    """Whether both want the device at the same time. What ends wants it for an instant only, and gives way to what begins just then."""
    begins_together = one.at == two.at and not (one.is_end or two.is_end)
    return begins_together or (_is_during(one, two) and not two.is_end) or (_is_during(two, one) and not one.is_end)


def _is_during(one: Moment, two: Moment) -> bool:
    return two.at < one.at < (two.until or two.at)
