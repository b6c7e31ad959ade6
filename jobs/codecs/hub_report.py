"""A hub collects what BLE sensors around it say and posts it every few minutes, several readings at once:

    {"mac": "AA:BB:CC:00:00:01", "firmware": "1.4.2",
     "readings": [{"mac": "C4:7C:8D:6A:00:01", "recorded_at": "2026-02-12T15:15:45Z", "temperature_celsius": -19.6,
                   "humidity_percent": 41, "battery_percent": 87, "battery_v": 2.9, "rssi": -71, "door_open": false,
                   "model": "…"}, …]}

`mac` and `readings` are needed, and of a reading its `mac`; one without `recorded_at` was made now. A list may be empty: the
hub then only says that it stands. A temperature that no sensor can mean (below −73 or above 149 °C) is a broken sensor's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from data.cold_chain.frames import believed
from data.cold_chain.values import Measurement, normalise_mac
from data.core.errors import Invalid, Refusal, TooLarge
from jobs.codecs.fields import Document, believable, document, instant, mapping, number, text

OLDEST = timedelta(days=365)
MOST_READINGS = 1_000
MOST_VOLTS = 10


@dataclass(frozen=True, slots=True)
class HubReport:
    """One hub's message: each reading, or the Invalid that names its first wrong field (`readings[3].rssi`)."""

    mac: str
    firmware: str | None
    readings: Sequence[Measurement | Refusal]


def report(body: bytes | str | Document, *, now: datetime) -> HubReport:
    """The whole message. Raises Invalid where the hub itself or the list cannot be read, TooLarge past 1,000 readings."""
    message = document(body)
    listed = message.get("readings")
    if not isinstance(listed, list):
        raise Invalid("readings", "This must be a JSON array.")
    if len(listed) > MOST_READINGS:
        raise TooLarge("A request may have at most {most} readings.", most=MOST_READINGS)
    read: list[Measurement | Refusal] = []
    for index, row in enumerate(listed):
        try:
            read.append(_measurement(mapping(row, f"readings[{index}]"), f"readings[{index}]", now))
        except Invalid as refusal:
            read.append(refusal)
    return HubReport(normalise_mac(message.get("mac"), "mac"), text(message.get("firmware"), "firmware", 50), read)


def _measurement(row: Document, path: str, now: datetime) -> Measurement:
    at = now
    if row.get("recorded_at") is not None:
        at = instant(row["recorded_at"], f"{path}.recorded_at")
        at = believable(at, f"{path}.recorded_at", now=now, oldest=now - OLDEST)
    celsius, fault = believed(_number(row, path, "temperature_celsius", -1e6, 1e6))
    signal = _number(row, path, "rssi", -200, 100)
    is_open = row.get("door_open")
    if is_open is not None and not isinstance(is_open, bool):
        raise Invalid(f"{path}.door_open", "This must be true or false.")
    return Measurement(
        device_eui=normalise_mac(row.get("mac"), f"{path}.mac"),
        recorded_at=at,
        received_at=now,
        temperature_celsius=celsius,
        fault=fault,
        humidity_percent=_number(row, path, "humidity_percent", 0, 100),
        battery_percent=_number(row, path, "battery_percent", 0, 100),
        battery_v=_number(row, path, "battery_v", 0, MOST_VOLTS),
        door_is_open=is_open,
        signal_dbm=None if signal is None else round(signal),
        model=text(row.get("model"), f"{path}.model", 100),
    )


def _number(row: Document, path: str, name: str, low: float, high: float) -> float | None:
    return None if row.get(name) is None else number(row[name], f"{path}.{name}", low, high)
