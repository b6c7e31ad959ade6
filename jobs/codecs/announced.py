"""A device that announced itself tells on the topics that it named, and is told on them, in the words that it named."""

import json
import math
from collections.abc import Sequence
from datetime import datetime

from data.core.errors import Invalid
from data.farm.announced import Availability, Part
from data.farm.values import FULL, Health, Outgoing, Report, SensorValue, StateReport
from jobs.codecs.fields import number

UNKNOWN = frozenset({"none", "unknown", "unavailable", "nan", "null", ""})
LIMITS = {
    "temperature": ("°C", -100.0, 200.0), "humidity": ("%", 0.0, 100.0), "pressure": ("hPa", 0.0, 2_000.0),
    "co2": ("ppm", 0.0, 1_000_000.0), "illuminance": ("lx", 0.0, 1_000_000.0), "active_power": ("W", 0.0, 100_000.0),
}  # fmt: skip
TIMES = {"kPa": 10.0, "Pa": 0.01, "kW": 1000.0}


def reports(device: str, part: Part, topic: str, payload: bytes, *, now: datetime, is_on: bool | None = None) -> list[Report]:
    """What a message on one of its topics says of this part of it. `is_on` is what it last said of its state, where this message does
    not. Raises Invalid("body")."""
    if part.is_output:
        return _state(device, part, topic, payload, now, is_on)
    if part.state_topic != topic or (said := _told(payload, part.state_path)) is None:
        return []
    value = _number(said)
    if value is None:
        return []
    match part.kind:
        case "battery":
            return [Health(device, now, battery_percent=number(value, "body", 0, 100))]
        case "signal":
            return [Health(device, now, signal_dbm=number(value, "body", -200, 100))]
        case "uptime":
            return [Health(device, now, uptime_s=number(value, "body", 0))]
    unit, low, high = LIMITS[part.kind]
    return [SensorValue(device, part.kind, number(round(_converted(value, part.unit), 4), "body", low, high), unit, now)]


def is_here(told: Availability, payload: bytes) -> bool | None:
    """Whether the device is there, as this message says it; None where it says neither."""
    try:
        said = _told(payload, told.path)
    except Invalid:
        return None
    return True if said == told.here else False if said == told.gone else None


def instructions(outgoing: Outgoing, part: Part) -> list[tuple[str, str]]:
    """What tells it what was asked, in order; Invalid("value") for what it cannot do. Never publish it retained."""
    share, word = outgoing.share, part.on if outgoing.is_on else part.off
    if outgoing.command == "set_angle" and part.kind != "servo":
        raise Invalid("value", "This device cannot be set to a value.")
    if part.component == "number":
        return [(part.level_command, _short(_level(part, outgoing.command, outgoing.value, float(outgoing.is_on) if share is None else share)))]
    if part.is_json:
        bright = {"brightness": max(round((share or 0) * part.level_high), 1)} if share and part.level_topic else {}
        if share and not bright:
            raise Invalid("value", "This device cannot be set to a value.")
        return [(part.command_topic, json.dumps({"state": word} | bright))]
    if share and not part.level_command:
        raise Invalid("value", "This device cannot be set to a value.")
    if not share:
        return [(part.command_topic, word)]
    return [(part.level_command, _short(_level(part, outgoing.command, outgoing.value, share))), (part.command_topic, word)]


def _state(device: str, part: Part, topic: str, payload: bytes, now: datetime, is_on: bool | None) -> list[Report]:
    if part.state_topic == topic and (said := _told(payload, part.state_path)) is not None:
        is_on = True if said == part.state_on else False if said == part.state_off else None
        if is_on is None and said.lower() not in UNKNOWN:
            raise Invalid("body", "This must be ON or OFF.")
    level = _number(said) if part.level_topic == topic and (said := _told(payload, part.level_path)) is not None else None
    value, of = (None, "") if level is None else _value(part, level)
    if part.component == "number":
        is_on = None if value is None else value > 0
    if is_on is None:
        return []
    return [StateReport(device, part.output, is_on, now, value if is_on or value is None else 0.0, of=of)]


def _value(part: Part, level: float) -> tuple[float, str]:
    if part.kind == "servo":
        return min(max(level, 0.0), FULL["set_angle"]), "set_angle"
    share = (level - part.level_low) / (part.level_high - part.level_low)
    return round(min(max(share, 0.0), 1.0) * 100, 1), "set_speed"


def _level(part: Part, command: str, value: float | None, share: float) -> float:
    """What it is set to, on its own scale; Invalid where its steps are too coarse for what was asked."""
    if part.kind == "servo" and command == "set_angle":
        return min(max(value or 0.0, part.level_low), part.level_high)
    level = part.level_low + share * (part.level_high - part.level_low)
    if part.component == "number":
        return round(level, 2)
    steps = part.level_high - part.level_low
    if abs(round(level) - level) / steps > 0.01:
        raise Invalid("value", "This device has {count} speeds. The nearest is {nearest} %.", count=round(steps), nearest=round((round(level) - part.level_low) / steps * 100))  # fmt: skip
    return round(level)


def _told(payload: bytes, path: Sequence[str]) -> str | None:
    """The value as a template would write it; None where there is none."""
    try:
        said = payload.decode()
        if not path:
            return said.strip() or None
        found = json.loads(said)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Invalid("body", "This is not JSON." if path else "This is not text.") from None
    for key in path:
        if isinstance(found, dict):
            found = found.get(key)
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return None if found is None or isinstance(found, dict | list) else str(found).strip()


def _number(said: str) -> float | None:
    if said.lower() in UNKNOWN:
        return None
    try:
        value = float(said)
    except ValueError:
        raise Invalid("body", "This must be a number.") from None
    if not math.isfinite(value):
        raise Invalid("body", "This must be a finite number.")
    return value


def _converted(value: float, unit: str) -> float:
    if unit == "°F":
        return (value - 32) / 1.8
    return value - 273.15 if unit == "K" else value * TIMES.get(unit, 1.0)


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
