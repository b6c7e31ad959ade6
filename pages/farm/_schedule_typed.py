"""Times are written as people write them, and a schedule that is there is said in the simplest way that the form has."""

from datetime import time
from typing import Any

from data.core.errors import Invalid
from data.farm.rules import Timing
from ui.words import noop

TIMES, BETWEEN, SUN, CYCLE, CONDITION, STEPS, CRON = "times", "between", "sun", "cycle", "condition", "steps", "cron"
KIND_WORDS = {
    TIMES: noop("Every day at certain times"), BETWEEN: noop("Between two times of the day"), SUN: noop("From sunrise or sunset"),
    CYCLE: noop("In cycles, on and off"), CONDITION: noop("When it is too hot, too cold, too damp…"), STEPS: noop("Step by step"),
    CRON: noop("By a cron expression"),
}  # fmt: skip
BY_THE_CLOCK = "clock"
START_WORDS = {BY_THE_CLOCK: noop("By the clock"), "sunrise": noop("By the sunrise"), "sunset": noop("By the sunset")}
"""How a cycle or a sequence may begin."""
TOO_SIMPLE = "Write times such as 06:00, 12:00, 18:00, all at the same minute of their hour."


def kind_of(timing: Timing) -> str:
    """Which of the form's kinds says it in the simplest way."""
    if timing.schedule_type == "condition_based":
        return CONDITION
    if timing.schedule_type == "duration_based":
        return CYCLE
    if timing.steps and (timing.sun_event or times_words(timing)):
        return STEPS
    if timing.sun_event:
        return SUN
    if timing.end_time:
        return BETWEEN
    return TIMES if times_words(timing) else CRON


def times_words(timing: Timing) -> str:
    """The times of the day, where a cron expression says nothing but these."""
    if timing.start_time:
        return f"{timing.start_time:%H:%M}"
    minute, hours, *rest = (timing.cron_expression or "").split() or ("", "")
    if not (minute.isdigit() and hours and all(hour.isdigit() for hour in hours.split(",")) and rest[:2] == ["*", "*"]):
        return ""
    if rest[2] != "*" and not all(day.isdigit() for day in rest[2].split(",")):
        return ""
    return ", ".join(f"{int(hour):02}:{int(minute):02}" for hour in hours.split(","))


def days_of(timing: Timing) -> set[int] | None:
    """The weekdays that a simple cron expression says, 1 for Monday."""
    rest = (timing.cron_expression or "").split()[4:]
    return {int(day) or 7 for day in rest[0].split(",")} if rest and rest[0] != "*" and times_words(timing) else None


def times_of(text: str) -> dict[str, Any]:
    """`start_time` for one time of the day, a cron expression for several."""
    try:
        times = sorted({time.fromisoformat(part.strip().zfill(5)) for part in text.replace(";", ",").split(",") if part.strip()})
    except ValueError:
        raise Invalid("times", TOO_SIMPLE) from None
    if not times or len({one.minute for one in times}) > 1:
        raise Invalid("times", TOO_SIMPLE)
    if len(times) == 1:
        return {"start_time": times[0].replace(second=0, microsecond=0)}
    return {"cron_expression": f"{times[0].minute} {','.join(str(one.hour) for one in times)} * * *"}


def minutes(seconds: int | None) -> float | None:
    """Seconds as the form shows them."""
    return None if seconds is None else round(seconds / 60, 3)


def seconds(minutes: float | None) -> int | None:
    """And back."""
    return None if minutes is None else round(minutes * 60)
