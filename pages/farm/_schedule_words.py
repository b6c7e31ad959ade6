"""A schedule is said in one sentence: when it acts, for how long, and what it looks at."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from data.farm.rules import TEMPLATES, Moment, Plan
from data.farm.tables import MissedPolicy, Schedule, ScheduleType, SwitchAction
from pages.farm._words import ACTION_WORDS, DAY_WORDS, QUANTITY_WORDS, when
from ui.timeline import DayLine
from ui.words import _, noop, number, span, temperature

TEMPLATE_WORDS = {
    "conveyor_cycle": noop("Conveyor: 10 minutes on, 15 minutes off"), "conveyor_times": noop("Conveyor: at 6, 10, 15 and 18 for half an hour"),
    "feeder_times": noop("Feeder: at 6, 12 and 18 for a quarter of an hour"), "feeder_pulse": noop("Feeder: in pulses of 30 seconds"),
}  # fmt: skip
assert TEMPLATE_WORDS.keys() == TEMPLATES.keys()
POLICY_WORDS = {
    MissedPolicy.SKIP: noop("Leave it out"), MissedPolicy.RUN_LATE: noop("Do it late"),
    MissedPolicy.RECONCILE: noop("Bring the device to where it should be"),
}  # fmt: skip
SUN_WORDS = {"sunrise": noop("sunrise"), "sunset": noop("sunset")}
SIGN_WORDS = {
    ">": noop("is above"), ">=": noop("is at least"), "<": noop("is below"), "<=": noop("is at most"), "==": noop("is exactly"),
}  # fmt: skip
PHASE_WORDS = {
    "met": noop("Its condition holds"), "not_met": noop("Its condition does not hold"), "fail_safe": noop("Its probe is silent: safe state"),
    "stopped": noop("Waits: the farm is stopped"), "yields": noop("Waits for a schedule with a higher priority"),
}  # fmt: skip


def said(schedule: Schedule, probes: Mapping[UUID, str] | None = None) -> str:
    """When and how a schedule acts, in words."""
    return " · ".join(part for part in (_timed(schedule), _days(schedule), _dates(schedule), _lasting(schedule, probes or {})) if part)


def does(schedule: Schedule) -> str:
    """What it does to its device."""
    if schedule.steps:
        return _("In steps")
    if schedule.schedule_type is ScheduleType.DURATION:
        return _("In cycles")
    if schedule.value is not None and schedule.action is SwitchAction.ON:
        return _("Set to {value} %", value=number(float(schedule.value), 0))
    return _(ACTION_WORDS[schedule.action])


def condition_words(condition: Mapping[str, Any], probes: Mapping[UUID, str]) -> str:
    """A condition as a sentence."""
    for key, word in (("and", noop("and")), ("or", noop("or"))):
        if key in condition:
            parts = [condition_words(one, probes) for one in condition[key]]
            return f" {_(word)} ".join(f"({p})" if len(parts) > 1 and " (" in p else p for p in parts)
    if "not" in condition:
        return _("not: {what}", what=condition_words(condition["not"], probes))
    what = _(QUANTITY_WORDS.get(condition["sensor_type"], condition["sensor_type"]))
    words = _(
        "{quantity} of {probe} {sign} {value}", quantity=what, probe=probes.get(UUID(condition["device_id"]), "?"),
        sign=_(SIGN_WORDS[condition["operator"]]), value=_measured(condition, "value"),
    )  # fmt: skip
    return words if condition.get("until") is None else _("{condition}, until {value}", condition=words, value=_measured(condition, "until"))


def _measured(leaf: Mapping[str, Any], key: str) -> str:
    return temperature(leaf[key]) if leaf["sensor_type"] == "temperature" else number(leaf[key])


def _timed(schedule: Schedule) -> str:
    start = f"{schedule.start_time:%H:%M}" if schedule.start_time else ""
    if schedule.sun_event:
        minutes = schedule.sun_offset_minutes or 0
        event = _(SUN_WORDS[schedule.sun_event])
        if minutes:
            length = span(timedelta(minutes=abs(minutes)))
            start = _("{span} before {event}", span=length, event=event) if minutes < 0 else _("{span} after {event}", span=length, event=event)
        else:
            start = event
    if start and schedule.end_time:
        return _("From {start} to {end}", start=start, end=f"{schedule.end_time:%H:%M}")
    if start:
        return _("Every day at {time}", time=start) if not schedule.weekdays else _("At {time}", time=start)
    return when(schedule.cron_expression) if schedule.cron_expression else ""


def _days(schedule: Schedule) -> str:
    return ", ".join(_(DAY_WORDS[one]) for one in sorted(schedule.weekdays)) if schedule.weekdays else ""


def _dates(schedule: Schedule) -> str:
    if schedule.start_date and schedule.end_date:
        return f"{schedule.start_date:%d.%m.%Y} – {schedule.end_date:%d.%m.%Y}"
    if schedule.start_date:
        return _("from {date} on", date=f"{schedule.start_date:%d.%m.%Y}")
    return _("until {date}", date=f"{schedule.end_date:%d.%m.%Y}") if schedule.end_date else ""


def _lasting(schedule: Schedule, probes: Mapping[UUID, str]) -> str:
    if schedule.schedule_type is ScheduleType.CONDITION:
        return _("While {condition}", condition=condition_words(schedule.condition or {}, probes))
    if schedule.schedule_type is ScheduleType.DURATION:
        words = _("{on} on, {off} off", on=span(schedule.on_duration_s or 0), off=span(schedule.off_duration_s or 0))
        return words if not schedule.repeat_count else words + " · " + _("{count} times", count=schedule.repeat_count)
    if schedule.steps:
        return " → ".join(f"{_('on') if one['action'] == 'on' else _('off')} {span(one['duration_s'])}" for one in schedule.steps)
    return _("for {span}", span=span(schedule.action_duration_s)) if schedule.action_duration_s else ""


def lines(moments: list[Moment], plan: Plan, days: list[Any]) -> list[DayLine]:
    """The days as they are drawn: a bar for each time in which the device is on because of it, or is asked something."""
    found: list[DayLine] = []
    for begin, end in zip(days, days[1:], strict=False):
        length = (end - begin).total_seconds()
        bars = []
        for one in moments:
            is_on = one.action != "off" and not one.is_end
            stop = one.until or one.at
            if (is_on or (one.action == "off" and not one.is_end and plan.action == "off")) and one.at < end and stop >= begin:
                bars.append((max(0.0, (one.at - begin).total_seconds() / length), min(1.0, (stop - begin).total_seconds() / length)))
        found.append(DayLine(_(DAY_WORDS[begin.astimezone(plan.zone).isoweekday()]), _joined(bars), _("{count} times", count=len(bars))))
    return found


def _joined(bars: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Bars that nobody could tell apart are one."""
    joined: list[tuple[float, float]] = []
    for start, end in bars:
        if joined and start - joined[-1][1] < 0.0005:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
