"""A schedule is said in one sentence: when it acts, for how long, and what it looks at."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from data.farm.rules import TEMPLATES, Moment, Plan
from data.farm.tables import CommandType, MissedPolicy, Schedule, ScheduleExecution, ScheduleType, SwitchAction
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
POLICY_HELP = {
    MissedPolicy.SKIP: noop("A run that is missed while Steading is not running is left out. Right for feeding: nobody wants breakfast at midnight."),
    MissedPolicy.RUN_LATE: noop("The last run that was missed is done when Steading is back, for as long as it should have been."),
    MissedPolicy.RECONCILE: noop("When Steading is back, the device is brought to where it should be at that time: on if it should be on, else off."),
}  # fmt: skip
DONE_WORDS = {
    MissedPolicy.SKIP: noop("Left out"), MissedPolicy.RUN_LATE: noop("Done late"),
    MissedPolicy.RECONCILE: noop("Brought to where it should be"),
}  # fmt: skip
MOST_TIMES = 8
"""Of a day, that are said one by one."""
SUN_WORDS = {"sunrise": noop("sunrise"), "sunset": noop("sunset")}
SIGN_WORDS = {
    ">": noop("is above"), ">=": noop("is at least"), "<": noop("is below"), "<=": noop("is at most"), "==": noop("is exactly"),
}  # fmt: skip
PHASE_WORDS = {
    "met": noop("Its condition holds"), "not_met": noop("Its condition does not hold"), "fail_safe": noop("Its probe is silent: safe state"),
    "stopped": noop("Waits: the farm is stopped"), "yields": noop("Waits for a schedule with a higher priority"),
    "rests": noop("Rests: it has run for as long as it may"),
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
    value = {SwitchAction.ON: schedule.value, SwitchAction.OFF: schedule.off_value}.get(schedule.action)
    if value is None:
        return _(ACTION_WORDS[schedule.action])
    words = {CommandType.SET_ANGLE: noop("Set to {value}°"), CommandType.SET_VALUE: noop("Set to {value} of 255")}
    way = schedule.value_command or CommandType.SET_SPEED
    return _(words.get(way, "Set to {value} %"), value=number(float(value)))


def done_words(run: ScheduleExecution) -> str:
    """What was done about a run that fell into an outage; '' for all others."""
    if run.missed_policy is None:
        return ""
    return _(DONE_WORDS[run.missed_policy]) if run.is_late or run.missed_policy is MissedPolicy.SKIP else _("What came later was done instead")


def condition_words(condition: Mapping[str, Any], probes: Mapping[UUID, str]) -> str:
    """A condition as a sentence."""
    for key, word in (("and", noop("and")), ("or", noop("or"))):
        if key in condition:
            return f" {_(word)} ".join(_grouped(one, probes) for one in condition[key])
    if "not" in condition:
        return _("not: {what}", what=_grouped(condition["not"], probes))
    what = _(QUANTITY_WORDS.get(condition["sensor_type"], condition["sensor_type"]))
    words = _(
        "{quantity} of {probe} {sign} {value}", quantity=what, probe=probes.get(UUID(condition["device_id"]), "?"),
        sign=_(SIGN_WORDS[condition["operator"]]), value=_measured(condition, "value"),
    )  # fmt: skip
    return words if condition.get("until") is None else _("{condition}, until {value}", condition=words, value=_measured(condition, "until"))


def _grouped(condition: Mapping[str, Any], probes: Mapping[UUID, str]) -> str:
    """In brackets where it is put together itself, so that nobody has to guess what belongs to what."""
    words = condition_words(condition, probes)
    return f"({words})" if len(condition.get("and") or condition.get("or") or ()) > 1 else words


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
    return _by_cron(schedule.cron_expression) if schedule.cron_expression else ""


def _by_cron(cron: str) -> str:
    """Its times in words, where it has not too many of them on each day; else the expression itself."""
    minute, hours, *rest = cron.split()
    found = hours_of(hours)
    if minute.isdigit() and found and rest == ["*", "*", "*"]:
        return _("Every day at {time}", time=", ".join(f"{hour:02}:{int(minute):02}" for hour in found))
    return when(cron)


def hours_of(text: str) -> list[int]:
    """The hours that a cron expression's second field names; [] where it names no hours, or too many to be read."""
    hours: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"(?:(\d{1,2})(?:-(\d{1,2}))?|\*)(?:/(\d{1,2}))?", part)
        if not found:
            return []
        first, last, step = (int(one) if one else None for one in found.groups())
        end = last if last is not None else 23 if first is None or step else first
        hours.update(range(first or 0, end + 1, step or 1))
    return sorted(hours) if len(hours) <= MOST_TIMES else []


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
        words = _("While {condition}", condition=condition_words(schedule.condition or {}, probes))
        return words if not schedule.longest_run_s else words + " · " + _("for {span} at most at a stretch", span=span(schedule.longest_run_s))
    if schedule.schedule_type is ScheduleType.DURATION:
        words = _("{on} on, {off} off", on=span(schedule.on_duration_s or 0), off=span(schedule.off_duration_s or 0))
        return words if not schedule.repeat_count else words + " · " + _("{count} times", count=schedule.repeat_count)
    if schedule.steps:
        return " → ".join(f"{_('on') if one['action'] == 'on' else _('off')} {span(one['duration_s'])}" for one in schedule.steps)
    return _("for {span}", span=span(schedule.action_duration_s)) if schedule.action_duration_s else ""


def lines(moments: Sequence[Moment], plan: Plan, days: Sequence[datetime]) -> list[DayLine]:
    """The days as they are drawn: a bar for each time in which the device is on because of it, or is asked something."""
    return bars_of(moments, days, plan.zone, shows_off=plan.action == "off")


def bars_of(moments: Sequence[Moment], days: Sequence[datetime], zone: ZoneInfo, *, shows_off: bool = False) -> list[DayLine]:
    """The same of several schedules together; `days` are the midnights between which they lie."""
    found: list[DayLine] = []
    for begin, end in pairwise(days):
        length = (end - begin).total_seconds()
        bars = []
        for one in moments:
            stop = one.until or one.at
            if not one.is_end and (one.action != "off" or shows_off) and one.at < end and stop >= begin:
                bars.append((max(0.0, (one.at - begin).total_seconds() / length), min(1.0, (stop - begin).total_seconds() / length)))
        found.append(DayLine(_(DAY_WORDS[begin.astimezone(zone).isoweekday()]), _joined(sorted(bars)), _("{count} times", count=len(bars))))
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
