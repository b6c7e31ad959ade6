"""Devices that were built for this farm speak on topics of their own, by its id and their name:

    farm/{farm}/devices/{device}/heartbeat   {"timestamp", "online", "firmware_version", "uptime_seconds", "signal_strength", …}
    farm/{farm}/devices/{device}/status      {"timestamp", "state": "on", "previous_state", "triggered_by", "value"?, "output"?}
    farm/{farm}/devices/{device}/sensor and farm/{farm}/sensors/{device}/data   {"timestamp", "readings": {"temperature": 31.5, …}}
    farm/{farm}/devices/{device}/command     what we ask: {"command_id", "device_id", "action", "value"?, "duration_ms"?, "timestamp"}
    farm/{farm}/devices/{device}/fw_update   new firmware: {"fw_url", "fw_size", "fw_hash", "fw_version"}; the next heartbeats tell what runs
    farm/{farm}/devices/{device}/response    what became of it: {"command_id", "status", "new_state", "timestamp", "error"}

An answer may also stand on …/command/response, or on …/status. Nothing is retained, all with QoS 1.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from data.core.errors import Invalid
from data.farm.values import CommandAnswer, FirmwareOrder, Health, Outgoing, Presence, Report, SensorValue, StateReport
from jobs.codecs.fields import CLOCK_SKEW, Document, document, instant, mapping, number, text

TOPIC = re.compile(r"farm/(?P<farm>[^/]+)/(?:devices/(?P<device>[^/]+)/(?P<kind>heartbeat|status|sensor|response|command/response)|sensors/(?P<probe>[^/]+)/data)")  # fmt: skip
OLDEST_STATE = timedelta(minutes=1)
OLDEST_READING = timedelta(days=30)
CLOCK_SET = datetime(2020, 1, 1, tzinfo=UTC)
"""A device that says an earlier time has not been told the time yet."""

STATES = {"on": True, "off": False, "1": True, "0": False, "true": True, "false": False, "open": True, "closed": False}
STATUSES = {
    "success": "completed", "completed": "completed", "executed": "completed", "executing": "executing", "received": "executing",
    "failed": "failed", "timeout": "failed", "error": "failed",
}  # fmt: skip
QUANTITIES = {
    "temperature": ("temperature", "°C", -100.0, 200.0), "temperature_c": ("temperature", "°C", -100.0, 200.0),
    "humidity": ("humidity", "%", 0.0, 100.0), "humidity_pct": ("humidity", "%", 0.0, 100.0),
    "pressure": ("pressure", "hPa", 0.0, 2_000.0), "co2": ("co2", "ppm", 0.0, 1_000_000.0),
    "illuminance": ("illuminance", "lx", 0.0, 1_000_000.0), "water_level_raw": ("water_level_raw", "", -1e6, 1e6),
    "active_power": ("active_power", "W", 0.0, 100_000.0),
}  # fmt: skip


def place(topic: str) -> tuple[str, str] | None:
    """(farm, device) of a topic of this dialect upon which devices speak; None for all others."""
    match = TOPIC.fullmatch(topic)
    return (match["farm"], match["device"] or match["probe"]) if match else None


def reports(topic: str, payload: bytes, *, now: datetime) -> list[Report]:
    """What one message says. Raises Invalid with the JSON field: also `timestamp`, where a state is older than a minute.

    What a device says of the time is believed where its clock was set; one that goes ahead has said it now.
    """
    match = TOPIC.fullmatch(topic)
    if match is None or not payload.strip():
        return []
    device, message = match["device"] or match["probe"], document(payload)
    match match["kind"]:
        case None | "sensor":
            return _values(device, message, _at(message, now, OLDEST_READING))
        case "heartbeat":
            return _heartbeat(device, message, _at(message, now, OLDEST_STATE))
        case "status" if "command_id" not in message:
            return [_state(device, message, "state", "status", _at(message, now, OLDEST_STATE))]
        case _:
            return _answer(device, message, _at(message, now, OLDEST_STATE))


def instruction(outgoing: Outgoing, *, now: datetime) -> tuple[str, str]:
    """(topic, payload) that asks it. What has a longest time ends by itself after `duration_ms`. Never publish it retained."""
    wish: dict[str, object] = {"command_id": str(outgoing.command_id), "device_id": outgoing.topic, "action": outgoing.command}
    if outgoing.value is not None:
        wish["value"] = outgoing.value
    if outgoing.output > 1:
        wish["output"] = outgoing.output
    if outgoing.is_on and outgoing.max_on_s and outgoing.command != "set_angle":
        wish["duration_ms"] = outgoing.max_on_s * 1000
    wish["timestamp"] = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"farm/{outgoing.farm_id}/devices/{outgoing.topic}/command", json.dumps(wish)


def update(order: FirmwareOrder) -> list[tuple[str, str]]:
    """(topic, payload) that tells it where its new firmware lies, how large it is, and its SHA-256. Never publish it retained."""
    told = {"fw_url": order.url, "fw_size": order.size_bytes, "fw_hash": order.sha256, "fw_version": order.version}
    return [(f"farm/{order.farm_id}/devices/{order.topic}/fw_update", json.dumps(told))]


def _at(message: Document, now: datetime, oldest: timedelta) -> datetime:
    said = message.get("timestamp")
    if said is None:
        return now
    if isinstance(said, int | float) and not isinstance(said, bool):
        seconds = number(said, "timestamp", 0, 1e14)
        at = datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    else:
        at = instant(said, "timestamp")
    if at < CLOCK_SET:
        return now
    if at > now + CLOCK_SKEW:
        raise Invalid("timestamp", "This time is in the future.")
    if at < now - oldest:
        raise Invalid("timestamp", "This time is too long ago.")
    return min(at, now)


def _heartbeat(device: str, message: Document, at: datetime) -> list[Report]:
    is_online = message.get("online", True)
    if not isinstance(is_online, bool):
        raise Invalid("online", "This must be true or false.")
    fares = Health(
        device, at, signal_dbm=_optional(message, "signal_strength", -200, 100), battery_percent=_optional(message, "battery_level", 0, 100),
        firmware_version=text(message.get("firmware_version"), "firmware_version", 100), uptime_s=_optional(message, "uptime_seconds", 0, 1e10),
    )  # fmt: skip
    # Who says good-bye is gone; how it fared before would make it present again.
    return [fares, Presence(device, True, at)] if is_online else [Presence(device, False, at)]


def _state(device: str, message: Document, field: str, source: str, at: datetime) -> StateReport:
    said = message.get(field)
    inner = said if isinstance(said, dict) else message
    state, value = (inner.get("state"), inner.get("value")) if isinstance(said, dict) else (said, message.get("value"))
    set_to = None if value is None else number(value, "value", 0, 255)
    word = str(state).lower() if isinstance(state, str | bool | int) else ""
    if word not in STATES and not (state is None and set_to is not None):
        raise Invalid(field, "This must be on or off.")
    is_on = STATES[word] if word in STATES else bool(set_to)
    return StateReport(device, int(number(inner.get("output", 1), "output", 1, 32)), is_on, at, set_to, source)


def _answer(device: str, message: Document, at: datetime) -> list[Report]:
    said = message.get("status")
    status = STATUSES.get(said.lower()) if isinstance(said, str) else None
    if status is None:
        raise Invalid("status", "This must be success, failed or timeout.")
    try:
        command_id = UUID(str(message.get("command_id")))
    except ValueError:
        raise Invalid("command_id", "This must be an id.") from None
    is_told = message.get("new_state") is not None
    state = _state(device, message, "new_state", "answer", at) if is_told else None
    error = text(message.get("error"), "error", 500) or ("timeout" if said == "timeout" else None)
    answer = CommandAnswer(device, command_id, status, at, state.is_on if state else None, state.value if state else None, error)
    return [state, answer] if state else [answer]


def _values(device: str, message: Document, at: datetime) -> list[Report]:
    readings = mapping(message.get("readings", message), "readings")
    found: list[Report] = []
    for name, (kind, unit, low, high) in QUANTITIES.items():
        if readings.get(name) is not None:
            found.append(SensorValue(device, kind, number(readings[name], f"readings.{name}", low, high), unit, at))
    return found


def _optional(message: Document, name: str, low: float, high: float) -> float | None:
    return None if message.get(name) is None else number(message[name], name, low, high)
