"""A probe that is out of tune is corrected before anybody looks at it: limits, conditions and charts know only what is true."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from data.farm.rules.commanding import calibrated, uncalibrated
from data.farm.rules.settings import calibration, calibration_name, level
from data.farm.values import Calibration, Report, SensorValue, StateReport

LEVELS: Mapping[str, str] = {"water_level_raw": "water_level", "analog": "water_level"}
"""What a bare counter becomes once somebody has said what it reads when the tank is empty and when it is full."""
SHARES = frozenset({"humidity", "water_level"})
"""What lies between 0 and 100 %, however far out of tune."""


def tuned(report: Report, settings: Mapping[str, Any]) -> Report:
    """The report as it would be if the device were in tune; what a probe itself said is kept in `raw`."""
    if isinstance(report, SensorValue):
        return _measured(report, settings)
    if isinstance(report, StateReport) and report.value is not None and (by := settings.get(calibration_name())):
        return replace(report, value=float(uncalibrated(Decimal(str(report.value)), calibration(by))))
    return report


def in_tune(sensor_type: str, value: float, by: Calibration) -> float:
    """What is true when a probe measures this."""
    true = float(calibrated(Decimal(str(value)), by))
    return min(max(true, 0.0), 100.0) if sensor_type in SHARES else true


def _measured(report: SensorValue, settings: Mapping[str, Any]) -> SensorValue:
    kind = LEVELS.get(report.sensor_type)
    if kind and (points := settings.get(calibration_name(kind))):
        return replace(report, sensor_type=kind, unit="%", value=in_tune(kind, report.value, level(points)), raw=report.value)
    if (by := settings.get(calibration_name(report.sensor_type))) and "offset" in by:
        return replace(report, value=in_tune(report.sensor_type, report.value, calibration(by)), raw=report.value)
    return report
