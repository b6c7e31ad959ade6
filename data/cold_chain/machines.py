"""Machines are heard, or not, and are compared with a reference, or should be; how that stands follows from the clock."""

from datetime import datetime, timedelta
from enum import StrEnum

DEFAULT_INTERVAL_S = 300
SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S = 60, 86_400
SILENT_AFTER_INTERVALS = 3
"""A sensor that missed this many times is called silent. Radio loses single messages all the time."""
LOW_BATTERY_PERCENT = 20
WEAK_SIGNAL_DBM = -115

GATEWAY_SILENT_AFTER = timedelta(minutes=10)
PAIRING_LIFE = timedelta(hours=1)
CALIBRATION_NOTICE = timedelta(days=14)
LARGEST_OFFSET_CELSIUS = 20.0
"""A sensor that is further off than that is broken, not badly adjusted."""


class SensorState(StrEnum):
    """How a sensor is."""

    WORKING = "working"
    FAULT = "fault"
    """It is heard, and tells nothing one can believe."""
    SILENT = "silent"
    WAITING = "waiting"
    """It was never heard."""
    OUT_OF_SERVICE = "out_of_service"


class CalibrationState(StrEnum):
    """Whether a sensor can be believed to the degree."""

    NEVER = "never"
    VALID = "valid"
    DUE = "due"
    EXPIRED = "expired"


def calibration_state(calibrated_at: datetime | None, expires_at: datetime | None, at: datetime) -> CalibrationState:
    """From the newest record that was not struck. One without an end stays valid."""
    if calibrated_at is None:
        return CalibrationState.NEVER
    if expires_at is None or expires_at - at > CALIBRATION_NOTICE:
        return CalibrationState.VALID
    return CalibrationState.EXPIRED if expires_at <= at else CalibrationState.DUE


def silent_after(interval_s: int | None) -> timedelta:
    """How long a sensor may say nothing before it is called silent."""
    return timedelta(seconds=(interval_s or DEFAULT_INTERVAL_S) * SILENT_AFTER_INTERVALS)


def offset(reference_celsius: float, said_celsius: float, applied_celsius: float = 0.0) -> float:
    """What must be added to what the sensor itself says, given what it says after the offset that is applied now."""
    return round(reference_celsius - (said_celsius - applied_celsius), 2)
