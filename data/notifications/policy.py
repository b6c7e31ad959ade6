"""Who is told of an alert, how soon and how often: field by field from the nearest place that says it, else from what is built in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
"""Days as ISO counts them: Monday is 1."""


class Origin(StrEnum):
    """Where a value comes from."""

    THING = "thing"
    SCOPE = "scope"
    ORGANIZATION = "organization"
    BUILT_IN = "built_in"


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody more is called. `after_minutes` counts from the step before; `priority` None: every contact.

    With `repeat` the last step is done again and again, each time after as long.
    """

    after_minutes: int
    channels: tuple[str, ...]
    priority: int | None = None
    repeat: bool = False

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Step":
        """From a policy's row."""
        return cls(int(raw["after_minutes"]), tuple(raw["channels"]), raw.get("priority"), bool(raw.get("repeat")))

    def raw(self) -> dict[str, Any]:
        """As a policy's row keeps it."""
        return {"after_minutes": self.after_minutes, "channels": list(self.channels), "priority": self.priority, "repeat": self.repeat}


@dataclass(frozen=True, slots=True)
class Settled:
    """Every field of a policy, whoever said it. `days`: on which days people may be told of what is not critical."""

    is_enabled: bool = True
    least_severity: str = "warning"
    initial_channels: tuple[str, ...] = ("in_app", "push", "email", "telegram")
    notify_roles: tuple[str, ...] = ("owner", "admin", "manager")
    are_contacts_told: bool = True
    steps: tuple[Step, ...] = ()
    is_acknowledgement_required: bool = False
    acknowledgement_deadline_minutes: int | None = None
    are_reminders_enabled: bool = False
    reminder_minutes: int | None = 60
    are_resolved_sent: bool = True
    quiet_from: time | None = None
    quiet_until: time | None = None
    days: tuple[int, ...] = EVERY_DAY


BUILT_IN: Mapping[str, Settled] = {
    "info": Settled(initial_channels=("in_app",)),
    "warning": Settled(
        steps=(Step(30, ("push", "email", "telegram"), 0), Step(30, ("push", "email", "telegram"), 1)),
    ),
    "critical": Settled(
        initial_channels=("in_app", "push", "email", "telegram", "sms"),
        steps=tuple(Step(15, ("push", "email", "telegram", "sms"), priority) for priority in (0, 1, None)),
        is_acknowledgement_required=True,
    ),
}
"""What holds where nobody said anything."""

FIELDS = tuple(f.name for f in fields(Settled))
TOGETHER = {"quiet_until": "quiet_from"}
"""Quiet hours are one thing: whoever says when they begin says when they end (at the same time: there are none)."""


@dataclass(frozen=True, slots=True)
class Said:
    """One policy's row: about what, and only the fields that it says."""

    id: UUID
    subject_id: UUID | None
    scope_id: UUID | None
    alert_type: str | None
    severity: str | None
    values: Mapping[str, Any]

    @property
    def origin(self) -> Origin:
        return Origin.THING if self.subject_id else Origin.SCOPE if self.scope_id else Origin.ORGANIZATION

    def is_about(self, subject_id: UUID, scope_id: UUID | None, alert_type: str, severity: str) -> bool:
        """Whether it says anything about such an alert."""
        return (
            self.subject_id in (None, subject_id)
            and self.scope_id in (None, scope_id)
            and self.alert_type in (None, alert_type)
            and self.severity in (None, severity)
        )

    def nearness(self) -> tuple[int, bool, bool]:
        """The less, the nearer: a thing before its scope before all; a kind's own before any kind's; a severity's own likewise."""
        return list(Origin).index(self.origin), self.alert_type is None, self.severity is None


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds for one alert, and where each field comes from (None: it is built in)."""

    settled: Settled
    origins: Mapping[str, Said | None]

    def origin(self, name: str) -> Origin:
        said = self.origins.get(name)
        return said.origin if said else Origin.BUILT_IN


def settle(
    policies: Iterable[Said], *, subject_id: UUID, scope_id: UUID | None, alert_type: str, severity: str
) -> Effective:
    """The nearest value of each field."""
    near = sorted((p for p in policies if p.is_about(subject_id, scope_id, alert_type, severity)), key=Said.nearness)
    built_in, found, origins = BUILT_IN[severity], dict[str, Any](), dict[str, Said | None]()
    for name in FIELDS:
        leader = TOGETHER.get(name, name)
        said = next((p for p in near if p.values.get(leader) is not None), None)
        value = said.values.get(name) if said else None
        found[name] = getattr(built_in, name) if said is None else value
        origins[name] = said
    return Effective(Settled(**found), origins)


def quiet_end(settled: Settled, zone: str, at: datetime) -> datetime | None:
    """When the quiet that `at` lies in is over, or None; by the clocks of that place, through midnight and changes of the clocks."""
    there, until = ZoneInfo(zone), at
    for _turn in range(2 * len(EVERY_DAY) + 2):
        local = until.astimezone(there)
        if (end := _hours_end(settled, local)) is None:
            if local.isoweekday() in settled.days or not settled.days:
                break
            end = datetime.combine(local.date() + timedelta(days=1), time(0), there)
        until = _after(end, until)
    return until if until > at else None


def _hours_end(settled: Settled, local: datetime) -> datetime | None:
    start, end, clock = settled.quiet_from, settled.quiet_until, local.time()
    if start is None or end is None or start == end:
        return None
    if not (start <= clock < end if start < end else clock >= start or clock < end):
        return None
    day = local.date() + timedelta(days=1 if clock >= end else 0)
    return datetime.combine(day, end, local.tzinfo)


def _after(local: datetime, at: datetime) -> datetime:
    """That time on the wall, as an instant; the second of two where the first is over already."""
    found = local.astimezone(at.tzinfo)
    return found if found > at else local.replace(fold=1).astimezone(at.tzinfo)


def problems(values: Mapping[str, Any]) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
    """What is wrong with what a policy says: (field, sentence, what goes into it)."""
    wrong: list[tuple[str, str, Mapping[str, Any]]] = []
    if (values.get("quiet_from") is None) != (values.get("quiet_until") is None):
        wrong.append(("quiet_until", BOTH_ENDS, {}))
    for name, least, most in (("acknowledgement_deadline_minutes", 1, 1440), ("reminder_minutes", 5, 10080)):
        if (minutes := values.get(name)) is not None and not least <= minutes <= most:
            wrong.append((name, BETWEEN, {"least": least, "most": most}))
    if (days := values.get("days")) is not None and (not days or any(day not in EVERY_DAY for day in days)):
        wrong.append(("days", NO_DAY, {}))
    steps: Sequence[Step] = values.get("steps") or ()
    if len(steps) > MOST_STEPS:
        wrong.append(("steps", TOO_MANY_STEPS, {"most": MOST_STEPS}))
    for number, step in enumerate(steps, 1):
        if not 1 <= step.after_minutes <= 1440:
            wrong.append(("steps", STEP_MINUTES, {"number": number}))
        if not step.channels:
            wrong.append(("steps", STEP_CHANNELS, {"number": number}))
        if step.repeat and number != len(steps):
            wrong.append(("steps", STEP_REPEATS, {}))
    return wrong


MOST_STEPS = 10
BOTH_ENDS = "Say both when the quiet begins and when it ends."
BETWEEN = "Between {least} and {most} minutes."
NO_DAY = "Choose at least one day."
TOO_MANY_STEPS = "At most {most} steps."
STEP_MINUTES = "Step {number} comes 1 to 1440 minutes after the one before it."
STEP_CHANNELS = "Step {number} needs a way of telling people."
STEP_REPEATS = "Only the last step may be repeated."
