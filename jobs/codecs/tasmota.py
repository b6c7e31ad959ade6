"""A farm's relays and probes run Tasmota, which tells MQTT what they do and does what MQTT tells them."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from data.core.errors import Invalid
from data.farm.values import (
    FULL,
    FirmwareAnswer,
    FirmwareOrder,
    Health,
    Outgoing,
    Presence,
    Report,
    SensorValue,
    StateReport,
)
from jobs.codecs.fields import Document, document, mapping, number, text

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
    "Power": ("active_power", "W", 0.0, 100_000.0),
    "A0": ("analog", "", 0.0, 1_000_000.0),
}
"""`Power` is that of a meter for the whole board."""

DIMMER, CHANNEL, PWM, FAN = "Dimmer", "Channel", "PWM", "FanSpeed"
SETTING_WORDS = {DIMMER: b'"Dimmer"', CHANNEL: b'"Channel1"', PWM: b'"PWM"', FAN: b'"FanSpeed"'}
CHANNEL_NAME, PWM_NAME, PULSE = re.compile(r"Channel([1-9])"), re.compile(r"PWM([1-9]\d?)"), re.compile(r"PulseTime([1-9]\d?)?")
FULL_PWM = 1023
INSTALLED, NOT_INSTALLED = "Successful", "Failed"
FAN_OUTPUT, FAN_STEPS = 2, 3
"""An iFan's output 1 is its light."""
PULSE_EVERY_MS, SHORTEST_PULSE_MS, LONGEST_PULSE_MS = 20.0, 0.5, 2.5
"""A servo is told by the length of a pulse where it shall stand, fifty times a second (PwmFrequency 50)."""


def reports(topic: str, payload: bytes, *, now: datetime) -> list[Report]:
    """What one message says, in the order it says it; nothing where the topic is none of Tasmota's seven.

    Topics are `stat/<device>/RESULT|POWER[n]|UPGRADE` and `tele/<device>/STATE|SENSOR|LWT|INFO1`; a report's `topic` is the device's
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
        message = _message(payload)
        return [*_states(device, message, prefix, now), *_limits(device, message, now), *_health(device, message, now)]
    if (prefix, kind) == ("tele", "SENSOR"):
        return _probes(device, payload, now)
    if (prefix, kind) == ("tele", "LWT"):
        return _presence(device, _words(payload), now)
    if (prefix, kind) == ("tele", "INFO1"):
        return _firmware(device, _message(payload), now)
    if (prefix, kind) == ("stat", "UPGRADE"):
        return _upgraded(device, _message(payload), now)
    return []


def vocabulary(payload: bytes) -> frozenset[str]:
    """By which words an output of this device is set, as far as one of its messages shows: each has those that it was set up for."""
    return frozenset(word for word, sign in SETTING_WORDS.items() if sign in payload)


def command(device: str, output: int, *, on: bool) -> tuple[str, str]:
    """(topic, payload) that switches one output, counted from 1. Never publish it retained: it would switch again."""
    return _command_topic(device, "POWER", output), "ON" if on else "OFF"


def instruction(outgoing: Outgoing, knows: frozenset[str] = frozenset()) -> tuple[str, str]:
    """What tells a device what was asked, by the words that it `knows` (see `vocabulary`); a light's where nothing is known.

    Raises Invalid("value") for what it cannot do: a fan that shall turn at 30 % is never told to be just on, nor at 33 %.
    """
    device, output, share = outgoing.topic, outgoing.output, outgoing.share
    if outgoing.command == "set_angle":
        return _command_topic(device, "PWM", output), str(round(_pulse_share(outgoing.value or 0.0) * FULL_PWM))
    if FAN in knows and output == FAN_OUTPUT:
        return _command_topic(device, FAN), str(_fan_step(1.0 if outgoing.is_on and share is None else share or 0.0))
    if PWM in knows and not knows & {DIMMER, CHANNEL} and outgoing.device_type == "pwm":
        return _command_topic(device, PWM, output), str(round((float(outgoing.is_on) if share is None else share) * FULL_PWM))
    if share is None or share == 0:  # a light that is dimmed to nothing goes off
        return command(device, output, on=outgoing.is_on)
    percent = str(max(round(share * 100), 1))
    if CHANNEL in knows:
        return _command_topic(device, CHANNEL, output), percent
    return _command_topic(device, DIMMER), percent


def angle_of(report: StateReport) -> StateReport:
    """The same, of an output that a servo hangs on: how long its pulse is says where it stands."""
    if report.of != "set_value" or report.value is None:
        return report
    angle = (report.value / FULL["set_value"] * PULSE_EVERY_MS - SHORTEST_PULSE_MS) / (LONGEST_PULSE_MS - SHORTEST_PULSE_MS) * FULL["set_angle"]
    return replace(report, value=round(min(max(angle, 0.0), FULL["set_angle"]), 1), of="set_angle")


def ask_state(device: str, output: int = 1, device_type: str = "relay") -> tuple[str, str]:
    """(topic, payload) upon which the device says whether the output is on, and to what it is set. Never publish it retained."""
    return (_command_topic(device, "State") if device_type in ("pwm", "servo") else _command_topic(device, "POWER", output)), ""


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


def update(order: FirmwareOrder) -> list[tuple[str, str]]:
    """(topic, payload) of what makes a device fetch its new firmware, in this order. Never publish it retained. It checks no SHA-256."""
    return [(_command_topic(order.topic, "OtaUrl"), order.url), (_command_topic(order.topic, "Upgrade"), "1")]


def _command_topic(device: str, name: str, output: int | None = None) -> str:
    if not device or re.search(r"[#+\x00-\x1f]|^/|/$", device):
        raise Invalid("topic", "This is not the topic of one device.")
    return f"cmnd/{device}/{name}{'' if output is None else _output(output, 'output')}"


def _pulse_share(angle: float) -> float:
    """The part of its time that a servo's pulse lasts."""
    return (SHORTEST_PULSE_MS + angle / FULL["set_angle"] * (LONGEST_PULSE_MS - SHORTEST_PULSE_MS)) / PULSE_EVERY_MS


def _fan_step(share: float) -> int:
    step = round(share * FAN_STEPS)
    if abs(share - step / FAN_STEPS) > 0.01:
        raise Invalid("value", "This fan has three speeds: 33 %, 67 % and 100 %.")
    return step


def _output(output: int, field: str) -> int:
    if not 1 <= output <= MOST_OUTPUTS:
        raise Invalid(field, "A device has outputs 1 to {most}.", most=MOST_OUTPUTS)
    return output


def _power(device: str, kind: str, words: str, now: datetime) -> list[Report]:
    if words.startswith("{"):
        return _states(device, _message(words.encode()), "stat", now)
    return [StateReport(device, _number_of(kind), _is_on(kind, words), now, source="stat")] if words else []


def _states(device: str, message: Document, source: str, now: datetime) -> list[Report]:
    """Each output once. A level belongs to the output that was named last before it; without one, to the output of its number."""
    found: dict[int, StateReport] = {}
    last = None
    for name, value in message.items():
        if POWER.fullmatch(name):
            last = _number_of(name)
            found[last] = StateReport(device, last, _is_on(name, value), now, source=source)
        elif name == DIMMER or CHANNEL_NAME.fullmatch(name):
            output = last or _number_of(name)
            found[output] = _set(device, output, number(value, name, 0, 100), "set_speed", source, now, found.get(output))
        elif name == FAN:
            step = number(value, name, 0, FAN_STEPS)
            found[FAN_OUTPUT] = _set(device, FAN_OUTPUT, round(step / FAN_STEPS * 100, 1), "set_speed", source, now, None)
        elif name == PWM:
            for output, raw in _pwm(value):
                found[output] = _set(device, output, round(raw / FULL_PWM * FULL["set_value"], 2), "set_value", source, now, None)
    return list(found.values())


def _set(device: str, output: int, value: float, of: str, source: str, now: datetime, known: StateReport | None) -> StateReport:
    """An output that is off is set to nothing, whatever it will be when it is on again."""
    is_on = value > 0 if known is None else known.is_on
    return StateReport(device, output, is_on, now, value if is_on else 0.0, source, of)


def _pwm(value: object) -> Iterator[tuple[int, float]]:
    for name, raw in mapping(value, PWM).items():
        if match := PWM_NAME.fullmatch(name):
            yield _output(int(match[1]), name), number(raw, f"{PWM}.{name}", 0, FULL_PWM)


def _limits(device: str, message: Document, now: datetime) -> list[Report]:
    """After how long it ends each "on" by itself, as it says when it is told or asked."""
    told = [(PULSE.fullmatch(name), value) for name, value in message.items()]
    return [
        Health(device, now, max_on_s=_seconds(number(value["Set"], f"{match[0]}.Set", 0, LONGEST_PULSE_S + 100)), output=_output(int(match[1] or 1), match[0]))
        for match, value in told
        if match and isinstance(value, dict) and isinstance(value.get("Set"), int)
    ]  # fmt: skip


def _seconds(ticks: float) -> float:
    return ticks / 10 if ticks <= TENTHS_UP_TO else ticks - 100


def _health(device: str, message: Document, now: datetime) -> list[Report]:
    wifi = message.get("Wifi")
    signal = wifi.get("Signal") if isinstance(wifi, dict) else None
    uptime = message.get("UptimeSec")
    if signal is None and uptime is None:
        return []
    return [
        Health(
            device, now, signal_dbm=None if signal is None else number(signal, "Wifi.Signal", -200, 100),
            uptime_s=None if uptime is None else number(uptime, "UptimeSec", 0),
        )
    ]  # fmt: skip


def _firmware(device: str, message: Document, now: datetime) -> list[Report]:
    inner = message.get("Info1", message)
    version = text(inner.get("Version"), "Version", 100) if isinstance(inner, dict) else None
    return [Health(device, now, firmware_version=version)] if version else []


def _upgraded(device: str, message: Document, now: datetime) -> list[Report]:
    """What became of an upgrade, as it says when the file was fetched, or when it gave up."""
    words = text(message.get("Upgrade"), "Upgrade", 300) or ""
    if words.startswith(INSTALLED):
        return [FirmwareAnswer(device, now, is_installed=True)]
    failed = words.startswith(NOT_INSTALLED)
    return [FirmwareAnswer(device, now, is_installed=False, error=words[len(NOT_INSTALLED) :].strip() or None)] if failed else []


def _is_on(name: str, value: object) -> bool:
    is_on = STATES.get(value.strip().upper()) if isinstance(value, str) else None
    if is_on is None:
        raise Invalid(name, "This must be ON or OFF.")
    return is_on


def _number_of(name: str) -> int:
    digits = re.search(r"\d+$", name)
    return _output(int(digits[0]) if digits else 1, name)


def _probes(device: str, payload: bytes, now: datetime) -> list[Report]:
    message = _message(payload)
    is_fahrenheit = message.get("TempUnit") == "F"
    return [
        _value(device, f"{probe}.{quantity}", fields[quantity], quantity, is_fahrenheit, now)
        for probe, fields in message.items()
        if isinstance(fields, dict)
        for quantity in QUANTITIES
        if fields.get(quantity) is not None and (quantity != "Power" or (probe == "ENERGY" and not isinstance(fields[quantity], list)))
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
