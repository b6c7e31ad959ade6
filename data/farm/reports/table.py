"""The facts as rows for a spreadsheet: °C, minutes, and the farm's own clock."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from data.farm.reports.asked import Kind
from data.farm.reports.facts import DeviceFact, Facts

Row = Sequence[object]
HEADERS: Mapping[Kind, Sequence[str]] = {
    Kind.METRICS: ("from", "device", "room", "quantity", "unit", "readings", "minimum", "maximum", "average", "deviation"),
    Kind.USAGE: ("device", "room", "type", "on_hours", "cycles", "uptime_percent", "asked", "done", "reliability"),
    Kind.PERFORMANCE: ("section", "name", "device", "figure", "value"),
}


def rows(facts: Facts, *, is_fahrenheit: bool = False) -> Iterator[Row]:
    """Every line of it; temperatures in the reader's unit."""
    if facts.kind is Kind.METRICS:
        yield from _metrics(facts, is_fahrenheit)
    elif facts.kind is Kind.USAGE:
        yield from (_usage(device) for device in facts.devices)
    else:
        yield from _performance(facts)


def _metrics(facts: Facts, is_fahrenheit: bool) -> Iterator[Row]:
    there = ZoneInfo(facts.time_zone)
    for device in facts.devices:
        for one in device.measured:
            turns = is_fahrenheit and one.unit == "°C"
            for step in one.steps:
                values = [value * 9 / 5 + 32 if turns else value for value in (step.minimum, step.maximum, step.average)]
                spread = None if step.deviation is None else step.deviation * 9 / 5 if turns else step.deviation
                yield (
                    _local(step.since, there), device.name, device.room, one.sensor_type, "°F" if turns else one.unit, step.count,
                    *(round(value, 2) for value in values), None if spread is None else round(spread, 3),
                )  # fmt: skip


def _usage(device: DeviceFact) -> Row:
    used = device.usage
    if used is None:
        return (device.name, device.room, device.device_type, *[None] * 6)
    return (
        device.name, device.room, device.device_type, _rounded(used.on_minutes, 60), used.cycles, _rounded(used.uptime, 0.01), used.asked,
        used.done, _rounded(used.reliability),
    )  # fmt: skip


def _performance(facts: Facts) -> Iterator[Row]:
    yield "farm", facts.farm, "", "uptime_percent", _rounded(facts.uptime, 0.01)
    yield "farm", facts.farm, "", "automation_percent", _rounded(facts.automation, 0.01)
    for device in facts.devices:
        if device.usage:
            yield "device", device.name, device.name, "uptime_percent", _rounded(device.usage.uptime, 0.01)
            yield "device", device.name, device.name, "reliability", _rounded(device.usage.reliability)
    for raised in facts.raised:
        for figure, value in (
            ("count", raised.count), ("answered", raised.answered), ("still_open", raised.still_open),
            ("minutes_to_answer", _rounded(raised.minutes_to_answer)), ("minutes_to_end", _rounded(raised.minutes_to_end)),
        ):  # fmt: skip
            yield "alerts", raised.severity, "", figure, value
    for schedule in facts.schedules:
        for figure, value in (
            ("executed", schedule.executed), ("failed", schedule.failed), ("skipped", schedule.skipped),
            ("success_percent", _rounded(schedule.success, 0.01)),
        ):  # fmt: skip
            yield "schedule", schedule.name, schedule.device, figure, value


def _rounded(value: float | None, unit: float = 1) -> float | None:
    return None if value is None else round(value / unit, 2)


def _local(at: datetime, there: ZoneInfo) -> str:
    return at.astimezone(there).strftime("%Y-%m-%d %H:%M")
