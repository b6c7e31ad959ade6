"""Where a driver's phone says it is, free of any app's spelling."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fix:
    """One position of one phone. Speed in m/s, heading in degrees from north, accuracy and altitude in metres.

    `recorded_at` is the time of the fix, not of the message. Absent quantities are None.
    """

    device_identifier: str
    recorded_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    battery_percent: float | None = None
    source: str = "background"
