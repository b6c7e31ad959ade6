"""A gateway in a chicken house speaks for what stands around it over HTTP, in JSON:

    heartbeat   {"status": "online", "response": "…", "firmware_version": "1.2", "uptime_seconds": 5, "signal_strength": -61,
                 "states": {"fan": "on", "vent": {"state": "on", "value": 30}}}
    telemetry   {"hardware_id": "PI_1", "timestamp": "2026-11-21T06:00:00Z", "sensors": {"temperature_c": 31.5, "humidity_pct": 70,
                 "water_level_raw": 1500}, "states": {…}}, or a list of up to 100 of them that were stored without a signal
    report      {"hardware_id": "PI_1", "devices": [{"type": "relay", "model": "fan", "name": "Cooling fan", "active": true,
                 "firmware_version": "1.0", "device_id": "fan_2", "state": "off"}]}
    status      {"status": "executed", "response": "…" or {"state": true, "value": 30}}

Anything may carry a `timestamp`; without one it is of now. A device is known by its `device_id`, else by its model: two of one model
need a `device_id` each.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from data.core.errors import Invalid, Refusal, TooLarge
from data.farm.rules import COMMANDS, MOST_DEVICES
from data.farm.rules.gateways import (
    OLDEST,
    Answer,
    Beat,
    Inventory,
    Listed,
    Measured,
    State,
    hardware_of,
    key_of,
    model_of,
)
from jobs.codecs.fields import Document, believable, document, instant, mapping, number, text

MOST_AT_ONCE = 100

QUANTITIES = {
    "temperature_c": ("temperature", "°C", -60.0, 100.0),
    "humidity_pct": ("humidity", "%", 0.0, 100.0),
    "water_level_raw": ("water_level_raw", "raw", 0.0, 1_000_000.0),
    "co2_ppm": ("co2", "ppm", 0.0, 100_000.0),
    "light_lux": ("illuminance", "lx", 0.0, 1_000_000.0),
}
"""What is measured, in which unit, and between what it can be meant."""

DONE = frozenset({"executed", "success", "succeeded", "completed", "complete", "done", "ok"})
BEGUN = frozenset({"executing", "running", "started", "in_progress", "processing"})
FAILED = frozenset({"failed", "failure", "error", "rejected", "refused", "timeout", "aborted", "unknown_command"})
TAKEN = frozenset({"received", "acknowledged", "accepted", "delivered", "sent", "pending", "queued"})
GONE = frozenset({"offline", "down", "disconnected", "error", "inactive"})
STATES = {"on": True, "off": False, "true": True, "false": False, "1": True, "0": False}


def asking(body: Document) -> tuple[str, dict[str, Any]]:
    """Which box asks for a code, and what it says of itself."""
    hardware_id = hardware_of(_needed(body, "hardware_id", 64))
    said = {name: text(body.get(name), name, 100) for name in ("model", "firmware_version")}
    return hardware_id, {name: value for name, value in said.items() if value}


def heartbeat(body: Document, *, now: datetime, hardware_id: str | None = None) -> Beat:
    """A sign of life, of the gateway itself or of a device behind it."""
    status = (text(body.get("status"), "status", 50) or "online").lower()
    uptime_s = None if body.get("uptime_seconds") is None else number(body["uptime_seconds"], "uptime_seconds", 0, 1e10)
    facts = {"status": status, "response": _words(body.get("response")), "uptime_s": uptime_s}
    signal = body.get("signal_strength")
    return Beat(
        _at(body, "", now), hardware_id, status not in GONE, {name: fact for name, fact in facts.items() if fact is not None},
        text(body.get("firmware_version"), "firmware_version", 50),
        None if signal is None else number(signal, "signal_strength", -200, 100), _states(body.get("states"), "states"),
    )  # fmt: skip


def telemetry(body: Any, *, now: datetime) -> list[Measured | Refusal]:
    """What was measured, in the order in which it came; of a list each entry, or the Invalid that names its first wrong field.

    Raises Invalid where it is a single one, or no list, and TooLarge past 100 entries.
    """
    if not isinstance(body, list):
        return [_measured(document(body), "", now)]
    if len(body) > MOST_AT_ONCE:
        raise TooLarge("A request may have at most {most} readings.", most=MOST_AT_ONCE)
    read: list[Measured | Refusal] = []
    for index, entry in enumerate(body):
        try:
            read.append(_measured(mapping(entry, f"[{index}]"), f"[{index}].", now))
        except Invalid as refusal:
            read.append(refusal)
    return read


def report(body: Document, *, now: datetime) -> Inventory:
    """The list of what stands behind a gateway. Invalid names the field (`devices[3].model`)."""
    listed = body.get("devices")
    if not isinstance(listed, list):
        raise Invalid("devices", "This must be a JSON array.")
    if len(listed) > MOST_DEVICES:
        raise TooLarge("A gateway may list at most {most} devices.", most=MOST_DEVICES)
    devices: dict[str, Listed] = {}
    for index, entry in enumerate(listed):
        one = _listed(mapping(entry, f"devices[{index}]"), f"devices[{index}]")
        if one.key in devices:
            raise Invalid(f"devices[{index}].model", "Two devices are of this model. Give each a device_id of its own.")
        devices[one.key] = one
    return Inventory(_at(body, "", now), _box(body), tuple(devices.values()))


def answer(body: Document, *, now: datetime) -> Answer:
    """What became of a command, in the words that gateways use for it."""
    word = _needed(body, "status", 50).lower()
    at = _at(body, "", now)
    said = body.get("response")
    if isinstance(said, str):
        with suppress(ValueError, RecursionError):
            said = json.loads(said)
    state = _told(said)
    status = next((name for words, name in ((DONE, "completed"), (BEGUN, "executing"), (FAILED, "failed")) if word in words), None)
    if status is None and word not in TAKEN:
        raise Invalid("status", "This status is not known here: {status}.", status=word)
    return Answer(status, at, body.get("timestamp") is not None, state, (_words(body.get("response")) or word) if status == "failed" else None)


def _measured(body: Document, path: str, now: datetime) -> Measured:
    sensors = mapping(body.get("sensors"), f"{path}sensors")
    values = []
    for name, (kind, unit, low, high) in QUANTITIES.items():
        if sensors.get(name) is not None:
            values.append((kind, number(sensors[name], f"{path}sensors.{name}", low, high), unit))
    states = _states(body.get("states"), f"{path}states")
    if not values and not states:
        raise Invalid(f"{path}sensors", "There is nothing here that is known: {names}.", names=", ".join(QUANTITIES))
    return Measured(_at(body, path, now), _box(body, path), tuple(values), states)


def _listed(entry: Document, path: str) -> Listed:
    model = key_of(text(entry.get("model"), f"{path}.model", 64) or text(entry.get("name"), f"{path}.name", 64) or "", f"{path}.model")
    named = text(entry.get("device_id"), f"{path}.device_id", 64)
    kind = (text(entry.get("type"), f"{path}.type", 20) or model_of(model).device_type).lower()
    if kind not in COMMANDS:
        raise Invalid(f"{path}.type", "This must be one of {kinds}.", kinds=", ".join(COMMANDS))
    active = entry.get("active")
    if active is not None and not isinstance(active, bool):
        raise Invalid(f"{path}.active", "This must be true or false.")
    name = text(entry.get("name"), f"{path}.name", 100) or model.replace("_", " ").capitalize()
    state = None if entry.get("state") is None else _state(entry, f"{path}.state")
    return Listed(
        key_of(named, f"{path}.device_id") if named else model, kind, model, name, active is not False,
        text(entry.get("firmware_version"), f"{path}.firmware_version", 50), state,
    )  # fmt: skip


def _states(said: object, path: str) -> dict[str, State]:
    found = mapping(said, path)
    if len(found) > MOST_DEVICES:
        raise Invalid(path, "A gateway may list at most {most} devices.", most=MOST_DEVICES)
    return {key_of(key, f"{path}.{key}"): _state(one if isinstance(one, Mapping) else {"state": one}, f"{path}.{key}") for key, one in found.items()}


def _state(said: Mapping[str, Any], path: str) -> State:
    value = None if said.get("value") is None else number(said["value"], path, 0, 255)
    is_on = STATES.get(str(said.get("state")).strip().lower())
    if is_on is None:
        raise Invalid(path, "This must be on or off.")
    return State(is_on, value)


def _told(said: object) -> State | None:
    """The state in an answer, where there is one; its words are a device's own, and nobody's fault."""
    if not isinstance(said, Mapping) or "state" not in said:
        return None
    try:
        return _state(said, "response")
    except Invalid:
        return None


def _at(body: Document, path: str, now: datetime) -> datetime:
    if body.get("timestamp") is None:
        return now
    return believable(instant(body["timestamp"], f"{path}timestamp"), f"{path}timestamp", now=now, oldest=now - OLDEST)


def _box(body: Document, path: str = "") -> str | None:
    said = text(body.get("hardware_id"), f"{path}hardware_id", 64)
    return hardware_of(said, f"{path}hardware_id") if said else None


def _needed(body: Document, name: str, longest: int) -> str:
    if not (said := text(body.get(name), name, longest)):
        raise Invalid(name, "This is needed.")
    return said


def _words(said: object) -> str | None:
    """A gateway's free words, kept short."""
    if said is None:
        return None
    try:
        plain = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    except RecursionError:
        return None
    return "".join(sign for sign in plain if sign.isprintable())[:200] or None
