"""To what an output is set: devices tell it in units of their own, people ask for it in theirs, and one of them is kept."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from data.farm.values import FULL, StateReport


def unit_of(device_type: str, settings: Mapping[str, Any]) -> str:
    """The setting in whose unit a device's value is kept: a servo's angle; a speed in percent, unless only a value (0–255) was set up."""
    if device_type == "servo":
        return "set_angle"
    return "set_value" if "set_value" in settings and "set_speed" not in settings else "set_speed"


def in_unit(report: StateReport, unit: str) -> StateReport:
    """The same in the unit of this setting. An angle is no part of a whole, and neither is what has no unit: they stay as they are."""
    if report.value is None or not report.of or report.of == unit or "set_angle" in (report.of, unit) or unit not in FULL:
        return report
    return replace(report, value=round(report.value * FULL[unit] / FULL[report.of], 2), of=unit)
