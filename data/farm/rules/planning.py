"""What a schedule may say, what is proposed for a start, and what most people mean by it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from data.core.errors import Invalid
from data.farm.rules.commanding import COMMANDS, NOT_SWITCHED, Limits, value_asked
from data.farm.rules.conditions import SILENT_AFTER_S, condition_of
from data.farm.rules.moments import CONDITION, CYCLE, TIME, Plan, Step
from data.farm.rules.runs import RECONCILE, SKIP
from data.farm.rules.schedules import EVERY_DAY, cron_of
from data.farm.rules.sun import EVENTS

MOST_SCHEDULES = 20
"""Of one device."""
MOST_STEPS, LONGEST_S, LONGEST_CYCLE_S = 20, 3_600, 86_400
MINIMUM_S = 60
"""Unless a condition's schedule says otherwise, it leaves the device on or off for at least this long."""

NOT_BETWEEN = "{value} is not between {low} and {high}."
ONE_WAY = "Say either when it ends or how long it lasts."
PLANNED = tuple(sorted(kind for kind, commands in COMMANDS.items() if commands))
"""The kinds of devices that can have schedules."""
SETTINGS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType({"pwm": ("set_speed", "set_value"), "servo": ("set_angle",)})
"""In which ways a device of a kind is set to a value, the usual one first."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When and how a schedule acts; what does not belong to its kind is None. `missed_policy` None: what suits its kind."""

    schedule_type: str = TIME
    cron_expression: str | None = None
    start_time: time | None = None
    end_time: time | None = None
    weekdays: tuple[int, ...] | None = None
    start_date: date | None = None
    end_date: date | None = None
    sun_event: str | None = None
    sun_offset_minutes: int | None = None
    on_duration_s: int | None = None
    off_duration_s: int | None = None
    repeat_count: int | None = None
    action_duration_s: int | None = None
    steps: tuple[Step, ...] | None = None
    condition: Mapping[str, Any] | None = None
    value: Decimal | None = None
    value_command: str | None = None
    off_value: Decimal | None = None
    longest_run_s: int | None = None
    minimum_on_s: int | None = None
    minimum_off_s: int | None = None
    fail_safe_action: str | None = None
    silent_after_s: int | None = None
    missed_policy: str | None = None
    template: str | None = None

    @property
    def is_by_the_clock(self) -> bool:
        return self.start_time is not None or self.sun_event is not None or self.cron_expression is not None

    @property
    def ends(self) -> bool:
        """Whether what it begins is ended by itself."""
        return self.schedule_type in (CYCLE, CONDITION) or bool(self.steps or self.action_duration_s or self.end_time is not None)

    def plan(self, zone: ZoneInfo, *, action: str, latitude: float | None = None, longitude: float | None = None,
             anchor: datetime | None = None) -> Plan:  # fmt: skip
        """The same by the clock and the sun of a farm."""
        return Plan(
            self.schedule_type, zone, action, self.cron_expression, self.start_time, self.end_time,
            frozenset(self.weekdays) if self.weekdays else None, self.start_date, self.end_date, self.sun_event,
            self.sun_offset_minutes or 0, latitude, longitude, self.on_duration_s, self.off_duration_s, self.repeat_count,
            self.action_duration_s, self.steps or (), anchor,
        )  # fmt: skip


def timing_of(timing: Timing, *, action: str, has_place: bool) -> Timing:
    """The same, tidied, with what suits its kind where nothing was said; Invalid names the field that cannot be."""
    if timing.schedule_type == CONDITION:
        return _condition(timing, action)
    if timing.cron_expression is not None:
        timing = replace(timing, cron_expression=cron_of(timing.cron_expression))
    _clock(timing, has_place)
    if timing.schedule_type == CYCLE:
        return _cycle(timing)
    if not timing.is_by_the_clock:
        raise Invalid("start_time", "Choose a time.")
    if timing.steps is not None:
        _steps(timing)
    _within("action_duration_s", timing.action_duration_s, 1, LONGEST_S)
    if timing.end_time is not None and (timing.action_duration_s or timing.cron_expression):
        raise Invalid("end_time", ONE_WAY)
    if action == "toggle" and timing.ends:
        raise Invalid("action", "What ends by itself is switched on or off, not over.")
    return replace(timing, missed_policy=timing.missed_policy or (RECONCILE if timing.end_time else SKIP))


def with_values(timing: Timing, *, device_type: str, action: str, limits: Mapping[str, Limits] | None = None) -> Timing:
    """The same, with what "on" and "off" mean to a device of that type checked; Invalid names the field.

    A servo is set to an angle and to nothing else; `limits` are the device's own, by setting.
    """
    ways = SETTINGS_OF.get(device_type, ())
    if device_type not in PLANNED:
        raise Invalid("device_id", NOT_SWITCHED)
    is_servo = "off" not in COMMANDS[device_type]
    if timing.value is None and timing.off_value is None and not is_servo:
        return replace(timing, value_command=None)
    if not ways:
        raise Invalid("value", "Only a device that can be set to something takes a value.")
    command = timing.value_command or ways[0]
    if command not in ways:
        raise Invalid("value_command", "A device of this kind is not set in this way.")
    if is_servo and action != "on":
        raise Invalid("action", "This device is set to an angle; it is neither on nor off.")
    if action == "toggle":
        raise Invalid("action", "What is set to a value is switched on or off, not over.")
    if is_servo and timing.ends and timing.off_value is None:
        raise Invalid("off_value", "Say to what it is set when it ends.")
    allowed = (limits or {}).get(command)
    value = None if timing.value is None and not is_servo else value_asked(command, timing.value, allowed)
    try:
        off_value = None if timing.off_value is None else value_asked(command, timing.off_value, allowed)
    except Invalid as refusal:
        raise Invalid("off_value", refusal.message, **refusal.values) from None
    return replace(timing, value_command=command, value=value, off_value=off_value)


def meant(action: str, *, value: Decimal | None, off_value: Decimal | None, value_command: str | None) -> tuple[str, Decimal | None]:
    """What is asked of a device by "on", "off" or "toggle": the command, and its value where it is set to one."""
    to = {"on": value, "off": off_value}.get(action)
    return (action, None) if to is None else (value_command or "set_speed", to)


def _clock(timing: Timing, has_place: bool) -> None:
    if sum(one is not None for one in (timing.cron_expression, timing.start_time, timing.sun_event)) > 1:
        raise Invalid("start_time", "Say in one way when it starts.")
    if timing.end_time is not None and timing.end_time == timing.start_time:
        raise Invalid("end_time", "It would end as it begins.")
    if timing.weekdays is not None and not (timing.weekdays and set(timing.weekdays) <= EVERY_DAY):
        raise Invalid("weekdays", "Choose at least one day.")
    if timing.start_date and timing.end_date and timing.end_date < timing.start_date:
        raise Invalid("end_date", "It would end before it begins.")
    if timing.sun_event is not None:
        if timing.sun_event not in EVENTS:
            raise Invalid("sun_event", "Choose sunrise or sunset.")
        if not has_place:
            raise Invalid("sun_event", "Say first where the farm is, so that it is known when the sun rises there.")
        _within("sun_offset_minutes", timing.sun_offset_minutes, -720, 720)


def _cycle(timing: Timing) -> Timing:
    for field, most in (("on_duration_s", LONGEST_S), ("off_duration_s", LONGEST_CYCLE_S)):
        if getattr(timing, field) is None:
            raise Invalid(field, "Say for how long.")
        _within(field, getattr(timing, field), 1, most)
    _within("repeat_count", timing.repeat_count, 1, 10_000)
    if timing.end_time is not None and not timing.is_by_the_clock:
        raise Invalid("start_time", "Choose a time.")
    if timing.is_by_the_clock and timing.end_time is None and timing.repeat_count is None:
        raise Invalid("end_time", "Say when it ends, or how often it is repeated.")
    if timing.cron_expression and timing.end_time:
        raise Invalid("end_time", ONE_WAY)
    if timing.steps or timing.action_duration_s:
        raise Invalid("steps" if timing.steps else "action_duration_s", "A cycle says itself how long it is on.")
    return replace(timing, missed_policy=timing.missed_policy or RECONCILE)


def _condition(timing: Timing, action: str) -> Timing:
    if action == "toggle":
        raise Invalid("action", "What ends by itself is switched on or off, not over.")
    if timing.cron_expression or timing.sun_event:
        raise Invalid("start_time", "A condition counts between two times of the day, or always.")
    for field, other in (("start_time", timing.end_time), ("end_time", timing.start_time)):
        if getattr(timing, field) is None and other is not None:
            raise Invalid(field, "Choose a time.")
    _clock(timing, True)
    for field in ("minimum_on_s", "minimum_off_s"):
        _within(field, getattr(timing, field), 0, LONGEST_CYCLE_S)
    _within("silent_after_s", timing.silent_after_s, 10, LONGEST_CYCLE_S)
    _within("longest_run_s", timing.longest_run_s, 10, LONGEST_CYCLE_S)
    least = timing.minimum_on_s if action == "on" else timing.minimum_off_s
    if timing.longest_run_s and timing.longest_run_s < (MINIMUM_S if least is None else least):
        raise Invalid("longest_run_s", "This is shorter than the shortest time that it runs.")
    if timing.fail_safe_action == "toggle":
        raise Invalid("fail_safe_action", "A safe state is on or off.")
    return replace(
        timing, condition=condition_of(timing.condition), missed_policy=timing.missed_policy or RECONCILE,
        minimum_on_s=MINIMUM_S if timing.minimum_on_s is None else timing.minimum_on_s,
        minimum_off_s=MINIMUM_S if timing.minimum_off_s is None else timing.minimum_off_s,
        fail_safe_action=timing.fail_safe_action or "off", silent_after_s=timing.silent_after_s or SILENT_AFTER_S,
    )  # fmt: skip


def _steps(timing: Timing) -> None:
    steps = timing.steps or ()
    if not 1 <= len(steps) <= MOST_STEPS:
        raise Invalid("steps", "A sequence has {low} to {high} steps.", low=1, high=MOST_STEPS)
    if timing.end_time is not None or timing.action_duration_s is not None:
        raise Invalid("steps", ONE_WAY)
    for step in steps:
        if step.action not in ("on", "off"):
            raise Invalid("steps", "A step is on or off.")
        _within("steps", step.duration_s, 1, LONGEST_S)


def _within(field: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise Invalid(field, NOT_BETWEEN, value=value, low=low, high=high)


TEMPLATES: Mapping[str, tuple[int, Timing]] = MappingProxyType({
    "conveyor_cycle": (5, Timing(CYCLE, on_duration_s=600, off_duration_s=900, template="conveyor_cycle")),
    "conveyor_times": (7, Timing(cron_expression="0 6,10,15,18 * * *", action_duration_s=1_800, template="conveyor_times")),
    "feeder_times": (10, Timing(cron_expression="0 6,12,18 * * *", action_duration_s=900, template="feeder_times")),
    "feeder_pulse": (10, Timing(
        cron_expression="0 6,12,18 * * *", template="feeder_pulse",
        steps=(Step("on", 30), Step("off", 10), Step("on", 30), Step("off", 10)),
    )),
})  # fmt: skip
"""What most farms want, with the priority that suits it."""
