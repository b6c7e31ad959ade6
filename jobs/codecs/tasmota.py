"""A farm's relays and probes run Tasmota, which tells MQTT what they do and does what MQTT tells them."""

import math
import re
from datetime import datetime

from data.core.errors import Invalid
from data.farm.values import Outgoing, Presence, Report, SensorValue, StateReport
from jobs.codecs.fields import Document, document, number

MOST_OUTPUTS = 32
LONGEST_PULSE_S = 64_800
TENTHS_UP_TO = 111  # PulseTime counts tenths of a second up to here, and whole seconds plus 100 above

POWER = re.compile(r"POWER([1-9]\d?)?", re.ASCII)
STATES = {"ON": True, "OFF": False, "1": True, "0": False}
PRESENCES = {"ONLINE": True, "OFFLINE": False}
QUANTITIES = {
    "Temperature": ("temperature", "°C", -100.0, 200.0),
    "Humidity": ("humidity", "%", 0.0, 100.0),
    "Pressure": ("pressure", "hPa", 0.0, 2_000.0),
    "CarbonDioxide": ("co2", "ppm", 0.0, 1_000_000.0),
    "Illuminance": ("illuminance", "lx", 0.0, 1_000_000.0),
}


def reports(topic: str, payload: bytes, *, now: datetime) -> list[Report]:
    """What one message says, in the order it says it; nothing where the topic is none of Tasmota's five.

    Topics are `stat/<device>/RESULT|POWER[n]` and `tele/<device>/STATE|SENSOR|LWT`; a report's `topic` is the device's
    own, which may have slashes. Everything is reported `now`, since the device writes its local time without a zone. An
    empty payload, as it clears a retained message, says nothing. Raises Invalid with the JSON field, or with "body".
    """
    prefix, _, rest = topic.partition("/")
    device, _, kind = rest.rpartition("/")
    if not device:
        return []
    if prefix == "stat" and POWER.fullmatch(kind):
        return _power(device, kind, _words(payload), now)
    if (prefix, kind) in (("stat", "RESULT"), ("tele", "STATE")):
        return _states(device, payload, now)
    if (prefix, kind) == ("tele", "SENSOR"):
        return _probes(device, payload, now)
    if (prefix, kind) == ("tele", "LWT"):
        return _presence(device, _words(payload), now)
    return []


def command(device: str, output: int, *, on: bool) -> tuple[str, str]:
    """(topic, payload) that switches one output, counted from 1. Never publish it retained: it would switch again."""
    return _command_topic(device, "POWER", output), "ON" if on else "OFF"


def instruction(outgoing: Outgoing) -> tuple[str, str] | None:
    """What tells a device what was asked; None for what cannot be said in this dialect yet. A fan that shall turn at 30 % is never
    told to be just on."""
    if outgoing.dialect != "tasmota" or outgoing.command not in ("on", "off"):
        return None
    return command(outgoing.topic, outgoing.output, on=outgoing.command == "on")


def ask_state(device: str, output: int = 1) -> tuple[str, str]:
    """(topic, payload) upon which the device says whether the output is on. Never publish it retained."""
    return _command_topic(device, "POWER", output), ""


def pulse_time(device: str, output: int, seconds: float) -> tuple[str, str]:
    """(topic, payload) after which the device itself ends each "on" after `seconds`; 0 lets it run for ever.

    The device keeps tenths up to 11.1 s and whole seconds up to 18 hours; what lies between is rounded up.
    """
    wanted = number(seconds, "seconds", 0, LONGEST_PULSE_S)
    tenths = math.ceil(round(wanted * 10, 6))
    ticks = tenths if tenths <= TENTHS_UP_TO else math.ceil(round(wanted, 6)) + 100
    return _command_topic(device, "PulseTime", output), str(ticks)


def power_on_state(device: str, startup: str) -> tuple[str, str]:
    """(topic, payload) upon which the device starts "on" or "off" after it had no power."""
    return f"cmnd/{device}/PowerOnState", "1" if startup == "on" else "0"


def _command_topic(device: str, name: str, output: int) -> str:
    if not device or re.search(r"[#+\x00-\x1f]|^/|/$", device):
        raise Invalid("topic", "This is not the topic of one device.")
    return f"cmnd/{device}/{name}{_output(output, 'output')}"


def _output(output: int, field: str) -> int:
    if not 1 <= output <= MOST_OUTPUTS:
        raise Invalid(field, "A device has outputs 1 to {most}.", most=MOST_OUTPUTS)
    return output


def _power(device: str, kind: str, words: str, now: datetime) -> list[Report]:
    if words.startswith("{"):
        return _states(device, words.encode(), now)
    return [_state(device, kind, words, now)] if words else []


def _states(device: str, payload: bytes, now: datetime) -> list[Report]:
    message = _message(payload)
    return [_state(device, name, value, now) for name, value in message.items() if POWER.fullmatch(name)]


def _state(device: str, name: str, value: object, now: datetime) -> StateReport:
    is_on = STATES.get(value.strip().upper()) if isinstance(value, str) else None
    if is_on is None:
        raise Invalid(name, "This must be ON or OFF.")
    return StateReport(device, _output(int(name.removeprefix("POWER") or 1), name), is_on, now)


def _probes(device: str, payload: bytes, now: datetime) -> list[Report]:
    message = _message(payload)
    is_fahrenheit = message.get("TempUnit") == "F"
    return [
        _value(device, f"{probe}.{quantity}", fields[quantity], quantity, is_fahrenheit, now)
        for probe, fields in message.items()
        if isinstance(fields, dict)
        for quantity in QUANTITIES
        if fields.get(quantity) is not None
    ]


def _value(device: str, field: str, sent: object, quantity: str, is_fahrenheit: bool, now: datetime) -> SensorValue:
    sensor_type, unit, low, high = QUANTITIES[quantity]
    value = number(sent, field)
    if quantity == "Temperature" and is_fahrenheit:
        value = round((value - 32) / 1.8, 4)
    return SensorValue(device, sensor_type, number(value, field, low, high), unit, now)


def _presence(device: str, words: str, now: datetime) -> list[Report]:
    if not words:
        return []
    if words.upper() not in PRESENCES:
        raise Invalid("body", "This must be Online or Offline.")
    return [Presence(device, PRESENCES[words.upper()], now)]


def _message(payload: bytes) -> Document:
    return document(payload) if payload.strip() else {}


def _words(payload: bytes) -> str:
    try:
        return payload.decode().strip()
    except UnicodeDecodeError:
        raise Invalid("body", "This is not text.") from None
