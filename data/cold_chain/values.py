"""What a sensor says about the air around it, free of any network's spelling."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Measurement:
    """One moment as one sensor saw it. Absent quantities are None, never zero.

    `device_eui` is 16 upper-case hex digits. `battery_percent` is 0–100; a sensor that tells volts only fills
    `battery_v`, because the percent depends on its cells' chemistry. `counter` is the network's frame counter.
    """

    device_eui: str
    recorded_at: datetime
    received_at: datetime
    temperature_celsius: float | None = None
    humidity_percent: float | None = None
    battery_percent: float | None = None
    battery_v: float | None = None
    door_is_open: bool | None = None
    signal_dbm: int | None = None
    counter: int | None = None
    device_name: str | None = None
    raw_payload: str | None = None
    simulated: bool = False
