"""What the ladder does about one alert at one instant: tell, call more people, remind, or wait, and until when."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from data.alerts.rules import RANK
from data.notifications.policy import Settled, Step, quiet_end

LATE = timedelta(minutes=2)
"""A step that comes later than this was missed; those after it are counted from when it was made up for."""


class Act(StrEnum):
    """What is done now."""

    TELL = "tell"
    INBOX_ONLY = "inbox_only"
    NOBODY = "nobody"
    ESCALATE = "escalate"
    REMIND = "remind"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of an open alert that nobody is on. `ladder_from_at` is empty until somebody was told."""

    severity: str
    triggered_at: datetime
    ladder_from_at: datetime | None = None
    level: int = 0
    last_told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What is done, and when the ladder looks again (None: not by itself). `planned_at` is when it should have been done."""

    act: Act
    planned_at: datetime
    next_at: datetime | None = None
    level: int = 0
    step: Step | None = None
    ladder_from_at: datetime | None = None
    reason: str = ""
    values: dict[str, Any] = field(default_factory=dict)


TOLD = "Told by {channels}: {people}"
SWITCHED_OFF = "Nobody is told: telling is switched off for this."
NOT_SEVERE_ENOUGH = "It is in the inbox and nobody is called: people are called from “{least}” on."
QUIET = "It waits until {until_at}: these are quiet hours there."
STEP = "Nobody has answered for {minutes} minutes, so more people are called (step {level})."
STEPS_AT_ONCE = "Nobody has answered for {minutes} minutes; steps {first} to {level} were due and are done as one."
REMINDER = "Nobody has answered for {minutes} minutes, so those who know are reminded."


def ladder(policy: Settled) -> tuple[Step, ...]:
    """The policy's steps; where an answer is required, the first comes no later than its deadline."""
    deadline = policy.acknowledgement_deadline_minutes if policy.is_acknowledgement_required else None
    if deadline is None:
        return policy.steps
    if not policy.steps:
        outgoing = tuple(channel for channel in policy.initial_channels if channel != "in_app")
        return (Step(deadline, outgoing, 0),)
    first = policy.steps[0]
    if first.after_minutes <= deadline:
        return policy.steps
    return (Step(deadline, first.channels, first.priority, first.repeat), *policy.steps[1:])


def offset(steps: tuple[Step, ...], level: int) -> timedelta | None:
    """How long after the first telling a step comes, counted from 1; None when there is no such step."""
    if level <= len(steps):
        return timedelta(minutes=sum(step.after_minutes for step in steps[:level]))
    if not steps or not steps[-1].repeat:
        return None
    return timedelta(minutes=sum(s.after_minutes for s in steps) + (level - len(steps)) * max(1, steps[-1].after_minutes))


def step_at(steps: tuple[Step, ...], level: int) -> Step | None:
    """That step, or the last one where it is repeated."""
    if level <= len(steps):
        return steps[level - 1]
    return steps[-1] if steps and steps[-1].repeat else None


def take_turn(told: Told, policy: Settled, *, zone: str, at: datetime) -> Turn:
    """What is done about an alert that may be told, at that instant."""
    if not policy.is_enabled:
        return Turn(Act.NOBODY, at, ladder_from_at=at, reason=SWITCHED_OFF)
    if RANK[told.severity] < RANK[policy.least_severity]:
        values = {"least": policy.least_severity}
        return Turn(Act.INBOX_ONLY, at, ladder_from_at=at, reason=NOT_SEVERE_ENOUGH, values=values)
    quiet = None if told.severity == "critical" else quiet_end(policy, zone, at)
    if told.ladder_from_at is None:
        if quiet:
            return Turn(Act.WAIT, at, quiet, reason=QUIET, values={"until_at": quiet})
        return _first(told, policy, at)
    return _next(told, policy, at, quiet)


def _first(told: Told, policy: Settled, at: datetime) -> Turn:
    is_late = at - told.triggered_at > LATE
    began = at if is_late else told.triggered_at
    return Turn(Act.TELL, told.triggered_at, _after(policy, began, 0, at), 0, None, began)


def _next(told: Told, policy: Settled, at: datetime, quiet: datetime | None) -> Turn:
    assert told.ladder_from_at
    steps, began, level = ladder(policy), told.ladder_from_at, told.level
    while (later := offset(steps, level + 1)) is not None and began + later <= at:
        level += 1
    reminded_at = _reminder(policy, told.last_told_at or began)
    is_due = level > told.level or (reminded_at is not None and reminded_at <= at)
    if not is_due:
        return Turn(Act.WAIT, at, _after(policy, began, level, told.last_told_at or began), level, ladder_from_at=began)
    if quiet:
        return Turn(Act.WAIT, at, quiet, told.level, ladder_from_at=began, reason=QUIET, values={"until_at": quiet})
    minutes = int((at - told.triggered_at).total_seconds() // 60)
    if level == told.level:
        return Turn(Act.REMIND, reminded_at or at, _after(policy, began, level, at), level, None, began, REMINDER, {"minutes": minutes})
    passed = offset(steps, level)
    assert passed is not None
    planned = began + passed
    if at - planned > LATE:
        began = at - passed
    values = {"minutes": minutes, "level": level}
    is_one = level == told.level + 1
    return Turn(
        Act.ESCALATE, planned, _after(policy, began, level, at), level, _merged(steps, told.level + 1, level), began,
        STEP if is_one else STEPS_AT_ONCE, values if is_one else values | {"first": told.level + 1},
    )  # fmt: skip


def by_hand(told: Told, policy: Settled, *, at: datetime) -> Turn:
    """Somebody does not want to wait: the next step now; after the last one everybody who can be called."""
    steps, level = ladder(policy), told.level + 1
    channels = tuple(channel for channel in policy.initial_channels if channel != "in_app")
    step = step_at(steps, level) or Step(0, channels or ("push", "email"), None)
    passed = offset(steps, level)
    began = at - passed if passed is not None else told.ladder_from_at or at
    return Turn(Act.ESCALATE, at, _after(policy, began, level, at), level, step, began)


def wake(told: Told, policy: Settled, *, zone: str, at: datetime) -> Turn:
    """A pause has ended in which nobody was told: those who knew are told again, and the next step is as far away as it was."""
    quiet = None if told.severity == "critical" else quiet_end(policy, zone, at)
    if quiet:
        return Turn(Act.WAIT, at, quiet, told.level, None, told.ladder_from_at, QUIET, {"until_at": quiet})
    began = at - (offset(ladder(policy), told.level) or timedelta())
    return Turn(Act.REMIND, at, _after(policy, began, told.level, at), told.level, None, began)


def _after(policy: Settled, began: datetime, level: int, last_told_at: datetime) -> datetime | None:
    following = offset(ladder(policy), level + 1)
    due = (began + following if following is not None else None, _reminder(policy, last_told_at))
    return min((one for one in due if one is not None), default=None)


def _reminder(policy: Settled, last_told_at: datetime) -> datetime | None:
    if not policy.are_reminders_enabled or not policy.reminder_minutes:
        return None
    return last_told_at + timedelta(minutes=policy.reminder_minutes)


def _merged(steps: tuple[Step, ...], first: int, last: int) -> Step:
    """Several steps that are due at once: by every way that one of them names, to everybody whom one of them reaches."""
    due = [step for level in range(first, last + 1) if (step := step_at(steps, level))]
    priorities = [step.priority for step in due]
    widest = None if None in priorities else max(p for p in priorities if p is not None)
    return Step(due[-1].after_minutes, tuple(dict.fromkeys(c for step in due for c in step.channels)), widest, due[-1].repeat)
