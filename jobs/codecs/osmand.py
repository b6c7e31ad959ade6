"""Traccar Client, OsmAnd and a hundred trackers put a position into a query, a form or a small JSON document."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from data.core.errors import Invalid
from data.deliveries.values import Fix
from jobs.codecs.fields import (
    Document,
    believable,
    document,
    from_zero,
    instant,
    is_nowhere,
    mapping,
    number,
    text,
    unix_instant,
)

KNOT_IN_MPS = 1852 / 3600
MILLISECONDS_FROM = 1e11  # seconds this large lie beyond the year 5000
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
NOT_VALID = frozenset({"false", "0", "no"})


def fix_from_query(fields: Mapping[str, str], *, now: datetime) -> Fix | None:
    """One position from a GET query or a POST form; None for (0, 0) and where `valid` says that there is no fix.

    Speed comes in knots, battery in percent, and a timestamp as seconds, milliseconds, ISO 8601 with a zone, or
    `yyyy-MM-dd HH:mm:ss` in UTC; without one it is `now`. Unknown keys are left alone. Raises Invalid with the key.
    """
    named = _first(fields, "id", "deviceid")
    if named is None:
        raise Invalid("id", "This message does not say which device it is from.")
    latitude, longitude = _place(fields)
    speed_knots = _from_zero(fields, "speed")
    heading = _from_zero(fields, "bearing", "heading", high=360)
    altitude = _first(fields, "altitude")
    found = Fix(
        device_identifier=named[1],
        recorded_at=_time(fields, now),
        latitude=latitude,
        longitude=longitude,
        accuracy_m=_from_zero(fields, "accuracy") or None,
        speed_mps=None if speed_knots is None else speed_knots * KNOT_IN_MPS,
        heading_deg=None if heading is None else heading % 360,
        altitude_m=None if altitude is None else _number(altitude[1], "altitude"),
        battery_percent=_from_zero(fields, "batt", high=100),
    )
    valid = _first(fields, "valid")
    if valid is not None and valid[1].lower() in NOT_VALID:
        return None
    return None if is_nowhere(latitude, longitude) else found


def fix_from_json(body: bytes | str | Document, *, now: datetime) -> Fix | None:
    """One position from Traccar Client's JSON (text, or already parsed); None for (0, 0) and without coordinates.

    Speed comes in m/s, battery as 0 to 1; -1 is how the app writes "unknown". Raises Invalid with the field's path.
    """
    message = document(body)
    identifier = _identifier(message.get("device_id"))
    location = mapping(message.get("location"), "location")
    coords = mapping(location.get("coords"), "location.coords")
    if not coords:
        return None
    latitude = number(coords.get("latitude"), "location.coords.latitude", -90, 90)
    longitude = number(coords.get("longitude"), "location.coords.longitude", -180, 180)
    heading = from_zero(coords.get("heading"), "location.coords.heading", 360)
    altitude = coords.get("altitude")
    battery = mapping(location.get("battery"), "location.battery")
    level = from_zero(battery.get("level"), "location.battery.level", 1)
    found = Fix(
        device_identifier=identifier,
        recorded_at=_json_time(location.get("timestamp"), now),
        latitude=latitude,
        longitude=longitude,
        accuracy_m=from_zero(coords.get("accuracy"), "location.coords.accuracy") or None,
        speed_mps=from_zero(coords.get("speed"), "location.coords.speed"),
        heading_deg=None if heading is None else heading % 360,
        altitude_m=None if altitude is None else number(altitude, "location.coords.altitude"),
        battery_percent=None if level is None else level * 100,
    )
    return None if is_nowhere(latitude, longitude) else found


def _first(fields: Mapping[str, str], *names: str) -> tuple[str, str] | None:
    """The first of `names` that holds something, as (name, text)."""
    for name in names:
        if value := text(fields.get(name), name):
            return name, value
    return None


def _number(value: str, field: str, low: float = float("-inf"), high: float = float("inf")) -> float:
    if not NUMBER.fullmatch(value):
        raise Invalid(field, "This must be a number.")
    return number(float(value), field, low, high)


def _from_zero(fields: Mapping[str, str], *names: str, high: float = float("inf")) -> float | None:
    found = _first(fields, *names)
    return None if found is None else from_zero(_number(found[1], found[0]), found[0], high)


def _place(fields: Mapping[str, str]) -> tuple[float, float]:
    """(latitude, longitude) from `lat` and `lon`, or from both in one `location`."""
    if (both := _first(fields, "location")) and "lat" not in fields:
        latitude, comma, longitude = both[1].partition(",")
        if not comma:
            raise Invalid("location", "This must be a latitude, a comma and a longitude.")
        return _number(latitude.strip(), "location", -90, 90), _number(longitude.strip(), "location", -180, 180)
    lat, lon = _first(fields, "lat"), _first(fields, "lon")
    return (
        _number(lat[1] if lat else "", "lat", -90, 90),
        _number(lon[1] if lon else "", "lon", -180, 180),
    )


def _time(fields: Mapping[str, str], now: datetime) -> datetime:
    found = _first(fields, "timestamp")
    if found is None:
        return now
    field, written = found
    if NUMBER.fullmatch(written):
        at = _unix(_number(written, field), field)
    elif WITHOUT_ZONE.fullmatch(written):
        at = instant(f"{written}+00:00", field)
    else:
        # A query's "+" arrives as a space.
        at = instant(re.sub(r" (\d\d:?\d\d)$", r"+\1", written) if "T" in written else written, field)
    return believable(at.astimezone(UTC), field, now=now)


def _json_time(value: object, now: datetime) -> datetime:
    field = "location.timestamp"
    if value is None:
        return now
    at = instant(value, field) if isinstance(value, str) else _unix(number(value, field), field)
    return believable(at, field, now=now)


def _unix(value: float, field: str) -> datetime:
    return unix_instant(value / 1000 if value >= MILLISECONDS_FROM else value, field)


def _identifier(value: object) -> str:
    spelled = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    identifier = text(spelled, "device_id")
    if identifier is None:
        raise Invalid("device_id", "This message does not say which device it is from.")
    return identifier
