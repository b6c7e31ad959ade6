"""Boxes that run ESPHome tell each thing within them on `<box>/<component>/<object>/state` and do what comes on `…/command`.

A box's own presence stands on `<box>/status`. A fan tells its speed apart, on `…/speed_level/state`; a light tells and takes JSON.
There is no way to ask: states are retained, and told anew with each connection.
"""

import json
import math
import re
from datetime import datetime

from data.core.errors import Invalid
from data.farm.values import FULL, Health, Outgoing, Presence, Report, SensorValue, StateReport
from jobs.codecs.fields import document, number

TOPIC = re.compile(r"(?P<box>[^/]+)/(?P<component>switch|light|fan|number|sensor|binary_sensor)/(?P<object>[^/]+)(?P<level>/speed_level)?/state")
STATES = {"ON": True, "OFF": False}
PRESENCES = {"online": True, "offline": False}

QUANTITIES = (
    (re.compile(r"humidity"), "humidity", "%", 0.0, 100.0),
    (re.compile(r"pressure"), "pressure", "hPa", 0.0, 2_000.0),
    (re.compile(r"co2|carbon_dioxide"), "co2", "ppm", 0.0, 1_000_000.0),
    (re.compile(r"illuminance|brightness|lux"), "illuminance", "lx", 0.0, 1_000_000.0),
    (re.compile(r"(^|_)power$"), "active_power", "W", 0.0, 100_000.0),
    (re.compile(r"temp(erature)?(_|$|\d)"), "temperature", "°C", -100.0, 200.0),
)
"""A sensor does not tell its unit here, so what it measures follows from its name; what has another name is left alone."""
SIGNAL, UPTIME, BATTERY = re.compile(r"signal|rssi"), re.compile(r"uptime"), re.compile(r"battery(_level)?$")
SPEEDS = 100
"""As many levels does a fan have unless it was set up otherwise; one that announces itself says how many."""


def reports(topic: str, payload: bytes, *, now: datetime, is_on: bool | None = None) -> list[Report]:
    """What one message says; nothing where the topic is none of ESPHome's.

    A report's `topic` is `<box>/<component>/<object>`, or `<box>` for its presence. `is_on` is what the same thing last said of its
    state, which a fan's speed does not tell. Raises Invalid("body") or with the JSON field.
    """
    box, _, rest = topic.partition("/")
    if rest == "status":
        return _presence(box, _words(payload), now)
    match = TOPIC.fullmatch(topic)
    said = _words(payload) if match else ""
    if match is None or not said:
        return []
    thing = f"{box}/{match['component']}/{match['object']}"
    if match["level"]:
        return _speed(thing, said, is_on, now)
    match match["component"]:
        case "switch" | "fan":
            return [StateReport(thing, 1, _is_on(said), now)]
        case "light":
            return _light(thing, payload, now)
        case "number":
            value = _number(said)
            return [] if value is None else [StateReport(thing, 1, value > 0, now, value)]
        case "sensor":
            return _sensor(thing, match["object"], said, now)
    return []


def instructions(outgoing: Outgoing) -> list[tuple[str, str]]:
    """What tells a thing what was asked, in order; Invalid("value") for what a thing of its kind cannot do. Never retain it."""
    _box, _, rest = outgoing.topic.partition("/")
    component, share = rest.partition("/")[0], outgoing.share
    command, word = f"{outgoing.topic}/command", "ON" if outgoing.is_on else "OFF"
    if component == "number":
        return [(command, _short((FULL["set_speed"] if outgoing.is_on else 0.0) if outgoing.value is None else outgoing.value))]
    if component == "light" and outgoing.command != "set_angle":
        bright = {"brightness": max(round(share * FULL["set_value"]), 1)} if share else {}
        return [(command, json.dumps({"state": word} | bright))]
    if component in ("switch", "fan") and share is None:
        return [(command, word)]
    if component == "fan" and share is not None and outgoing.command != "set_angle":
        level = (f"{outgoing.topic}/speed_level/command", str(max(round(share * SPEEDS), 1)))
        return [level, (command, word)] if share else [(command, word)]
    raise Invalid("value", "This device cannot be set to a value.")


def is_state(topic: str) -> bool:
    """Whether an output tells its state here: such a topic is retained, and stays true for as long as its box is there."""
    match = TOPIC.fullmatch(topic)
    return match is not None and match["component"] not in ("sensor", "binary_sensor")


def thing_of(topic: str) -> str | None:
    """`<box>/<component>/<object>` of a topic on which a state is told."""
    match = TOPIC.fullmatch(topic)
    return f"{match['box']}/{match['component']}/{match['object']}" if match else None


def heard(box: str) -> tuple[str, ...]:
    """What is to be subscribed to, to hear all that a box says: its presence first, for it decides whether the rest is true."""
    return f"{box}/status", f"{box}/+/+/state", f"{box}/fan/+/speed_level/state"


def _presence(box: str, words: str, now: datetime) -> list[Report]:
    if not words:
        return []
    if words.lower() not in PRESENCES:
        raise Invalid("body", "This must be online or offline.")
    return [Presence(box, PRESENCES[words.lower()], now)]


def _speed(thing: str, said: str, is_on: bool | None, now: datetime) -> list[Report]:
    level = _number(said)
    if level is None or is_on is None:
        return []
    if not 0 <= level <= SPEEDS:
        raise Invalid("body", "{value} is not between {low} and {high}.", value=level, low=0, high=SPEEDS)
    return [StateReport(thing, 1, is_on, now, level / SPEEDS * 100 if is_on else 0.0, of="set_speed")]


def _light(thing: str, payload: bytes, now: datetime) -> list[Report]:
    message = document(payload)
    is_on = _is_on(str(message.get("state", "")), "state")
    bright = message.get("brightness")
    if bright is None:
        return [StateReport(thing, 1, is_on, now)]
    value = number(bright, "brightness", 0, FULL["set_value"])
    return [StateReport(thing, 1, is_on, now, value if is_on else 0.0, of="set_value")]


def _sensor(thing: str, name: str, said: str, now: datetime) -> list[Report]:
    value = _number(said)
    if value is None:
        return []
    name = name.lower()
    if UPTIME.search(name):
        return [Health(thing, now, uptime_s=number(value, "body", 0))]
    if SIGNAL.search(name):
        return [Health(thing, now, signal_dbm=number(value, "body", -200, 0))] if "percent" not in name else []
    if BATTERY.search(name):
        return [Health(thing, now, battery_percent=number(value, "body", 0, 100))]
    for pattern, kind, unit, low, high in QUANTITIES:
        if pattern.search(name):
            return [SensorValue(thing, kind, number(value, "body", low, high), unit, now)]
    return []


def _is_on(words: str, field: str = "body") -> bool:
    if words.upper() not in STATES:
        raise Invalid(field, "This must be ON or OFF.")
    return STATES[words.upper()]


def _number(words: str) -> float | None:
    """None where the sensor has no value: it says `nan`, or `None`."""
    if words.lower() in ("nan", "none", "unavailable", "unknown"):
        return None
    try:
        value = float(words)
    except ValueError:
        raise Invalid("body", "This must be a number.") from None
    if not math.isfinite(value):
        raise Invalid("body", "This must be a finite number.")
    return value


def _short(value: float) -> str:
    return format(round(value, 2), "g") if abs(value) < 1e6 else str(value)


def _words(payload: bytes) -> str:
    try:
        return payload.decode().strip()
    except UnicodeDecodeError:
        raise Invalid("body", "This is not text.") from None
