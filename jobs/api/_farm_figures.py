"""A farm's report as figures: °C and other values in their own unit, shares from 0 to 1; what is not known is null, never a zero."""

from typing import Any

from data.farm.reports.facts import DeviceFact, Facts, MeasuredFact, Statistics


def metrics(facts: Facts) -> dict[str, Any]:
    """What each device measured, as a whole and hour by hour, day by day or week by week."""
    return {"step": facts.step, "devices": [_device(one) | {"metrics": [_measured(each) for each in one.measured]} for one in facts.devices]}


def usage(facts: Facts) -> dict[str, Any]:
    """How long and often switches were on, whether devices were there, and of what was asked of them, how much they did (0–10)."""
    return {"devices": [_device(one) | _usage(one) for one in facts.devices]}


def performance(facts: Facts) -> dict[str, Any]:
    """How healthy the devices were, what was raised and answered, and how often schedules did what they should."""
    return {
        "uptime": _rounded(facts.uptime), "automation_success": _rounded(facts.automation),
        "devices": [_device(one) | {"is_online": one.is_online, "battery_percent": one.battery_percent} | _usage(one) for one in facts.devices],
        "alerts": [
            {
                "severity": one.severity, "count": one.count, "acknowledged": one.answered, "open": one.still_open,
                "minutes_to_acknowledge": _rounded(one.minutes_to_answer, 1), "minutes_to_resolve": _rounded(one.minutes_to_end, 1),
            }
            for one in facts.raised
        ],
        "schedules": [
            {
                "id": one.id, "name": one.name, "device": one.device, "executed": one.executed, "failed": one.failed, "skipped": one.skipped,
                "success_rate": _rounded(one.success),
            }
            for one in facts.schedules
        ],
    }  # fmt: skip


def _device(one: DeviceFact) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "location": one.room, "type": one.device_type}


def _measured(one: MeasuredFact) -> dict[str, Any]:
    points = [{"at": step.since.isoformat()} | _statistics(step) for step in one.steps]
    return {"metric": one.sensor_type, "unit": one.unit} | _statistics(one.whole) | {"points": points}


def _statistics(of: Statistics) -> dict[str, Any]:
    return {"min": of.minimum, "max": of.maximum, "avg": _rounded(of.average, 2), "stddev": _rounded(of.deviation, 3), "count": of.count}


def _usage(one: DeviceFact) -> dict[str, Any]:
    used = one.usage
    if used is None:
        return dict.fromkeys(("on_hours", "cycles", "uptime", "commands", "commands_completed", "reliability"))
    return {
        "on_hours": None if used.on_minutes is None else round(used.on_minutes / 60, 2), "cycles": used.cycles, "uptime": _rounded(used.uptime),
        "commands": used.asked, "commands_completed": used.done, "reliability": _rounded(used.reliability, 1),
    }  # fmt: skip


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(float(value), digits)
