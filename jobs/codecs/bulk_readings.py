"""A list of readings as other systems post it: JSON objects that name our units by id."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from data.cold_chain.frames import believed
from data.cold_chain.values import COLDEST_CELSIUS, HOTTEST_CELSIUS, UnitMeasurement
from data.core.errors import Invalid, Refusal
from jobs.codecs.fields import Document, believable, instant, mapping, number, text

OLDEST = timedelta(days=365)


def rows(message: object) -> list[object]:
    """The list itself, or the one under `readings`. Raises Invalid."""
    listed = message if isinstance(message, list) else mapping(message, "body").get("readings")
    if not isinstance(listed, list):
        raise Invalid("readings", "This must be a JSON array.")
    return listed


def measurements(listed: Sequence[object], *, now: datetime) -> list[UnitMeasurement | Refusal]:
    """Each row as a measurement, or the Invalid that names its first wrong field (`readings[3].temperature`)."""
    read: list[UnitMeasurement | Refusal] = []
    for index, row in enumerate(listed):
        try:
            read.append(_measurement(mapping(row, f"readings[{index}]"), f"readings[{index}]", now))
        except Invalid as refusal:
            read.append(refusal)
    return read


def _measurement(row: Document, path: str, now: datetime) -> UnitMeasurement:
    recorded_at = instant(row.get("recordedAt"), f"{path}.recordedAt")
    signal = _optional(row, path, "signalStrength", -200, 100)
    told = number(row.get("temperature"), f"{path}.temperature", COLDEST_CELSIUS, HOTTEST_CELSIUS)
    celsius, fault = believed(told)
    return UnitMeasurement(
        unit_id=_id(row.get("unitId"), f"{path}.unitId"),
        device_id=None if row.get("deviceId") is None else _id(row["deviceId"], f"{path}.deviceId"),
        recorded_at=believable(recorded_at, f"{path}.recordedAt", now=now, oldest=now - OLDEST),
        received_at=now,
        temperature_celsius=celsius,
        fault=fault,
        humidity_percent=_optional(row, path, "humidity", 0, 100),
        battery_percent=_optional(row, path, "battery", 0, 100),
        signal_dbm=None if signal is None else round(signal),
        raw_payload=text(row.get("rawPayload"), f"{path}.rawPayload"),
    )


def _optional(row: Document, path: str, name: str, low: float, high: float) -> float | None:
    return None if row.get(name) is None else number(row[name], f"{path}.{name}", low, high)


def _id(value: object, field: str) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise Invalid(field, "This must be an id.") from None
