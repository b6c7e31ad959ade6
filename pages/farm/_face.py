"""What a device's tile shows: what it says of itself, how far the last wish has come, and what speaks against it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from data.core.time import now
from data.farm.queries import Tile
from data.farm.rules import COMMANDS, NEVER, SWITCHED, refusal_to_switch, warmth
from data.farm.tables import FOR_SAFETY, OPEN, CommandStatus, CommandType, Device, DeviceCommand, DeviceType
from pages.farm._device_words import asked_words, contradiction_words
from pages.farm._words import QUANTITY_WORDS, WARMTH_STATES, WARMTH_WORDS, degrees, icon_of, reason_of
from ui.words import _, clock, moment, number, temperature_unit

CAME_TO_NOTHING = (CommandStatus.TIMEOUT, CommandStatus.FAILED, CommandStatus.EXPIRED)
BARE = "raw"
"""The unit of a number that means nothing yet: its probe is not calibrated."""
REMEMBERED = timedelta(hours=12)
"""How long a tile tells of a wish that came to nothing."""


def done_of(one: Tile) -> DeviceCommand | None:
    """The last wish, if the device has done it."""
    return one.command if one.command and one.command.status is CommandStatus.COMPLETED else None


def face(one: Tile, *, may_switch: bool, zone: str | None = None) -> dict[str, Any]:
    """What a device's tile shows: the arguments of `ui.tile.tile` and of its `set`. `zone` is the farm's."""
    device = one.device
    shown: dict[str, Any] = {
        "name": device.name, "icon": icon_of(device), "href": f"/farm/devices/{device.id}", "is_on": None, "asked": None,
        "reason": "", "value": "", "unit": "", "word": "", "state": "neutral", "waits": "", "wish_id": "", "asking": "", "asked_s": 0,
        "can_call_off": False, "end": "", "note": "", "note_state": "neutral", "note_icon": "", "is_sure": True,
    }  # fmt: skip
    shown |= _output(one, may_switch, zone) if COMMANDS[device.device_type] else _probe(device)
    if not device.is_online:
        shown |= {"state": "offline", "word": _("Offline"), "at": device.last_heartbeat_at or shown["at"]}
    if device.contradicted_by:
        said, _what_to_do = contradiction_words(device, done_of(one))
        shown |= {"note": said, "note_state": "warning", "note_icon": "help"}
    return shown


def _output(one: Tile, may_switch: bool, zone: str | None) -> dict[str, Any]:
    device, command = one.device, one.command
    is_open = command is not None and command.status in OPEN
    cannot = refusal_to_switch(is_switched=device.device_type in SWITCHED, is_active=device.is_active, is_online=True)
    shown = {
        "is_on": device.is_on, "at": device.state_reported_at, "state": "ok" if device.is_on else "neutral",
        "reason": "" if is_open else unanswered(device, command), "switchable": may_switch and cannot is None,
        "is_sure": device.is_online and device.is_on is not None, "end": command.status.value if command and not is_open else "",
    }  # fmt: skip
    if device.value is not None:
        unit = "°" if device.device_type is DeviceType.SERVO else _("of 255") if one.is_of_255 else "%"
        shown |= {"value": number(float(device.value)), "unit": unit}
    if device.device_type is DeviceType.SERVO:
        shown |= {"word": _("Set to"), "is_on": None} if device.value is not None else {"word": _("Unknown"), "is_on": None}
    if not device.is_active:
        shown |= {"note": _("Out of use"), "note_icon": "block"}
    elif not device.is_online and device.is_on is not None:
        shown |= {"note": _("It was on when it was last heard.") if device.is_on else _("It was off when it was last heard.")}
    if command and is_open:
        may_end = may_switch and command.status is CommandStatus.QUEUED and command.source not in FOR_SAFETY
        shown |= _wish(device, command, zone) | {"can_call_off": may_end}
    return shown


def _wish(device: Device, command: DeviceCommand, zone: str | None) -> dict[str, Any]:
    """What is shown of a wish under way."""
    value = (command.command_params or {}).get("value")
    return {
        "asked": command.command_type is CommandType.ON if value is None else value > 0, "wish_id": str(command.id),
        "asking": "" if value is None else _("Asked: {what}…", what=asked_words(command)),
        "asked_s": round((now() - command.requested_at).total_seconds(), 1),
        "waits": "" if device.is_online or command.status is not CommandStatus.QUEUED else waits(command, zone),
    }  # fmt: skip


def waits(command: DeviceCommand, zone: str | None) -> str:
    """What will come of a wish to a device that is away."""
    if command.expires_at >= NEVER:
        return _("It is done as soon as the device returns, however late that is.")
    is_soon = command.expires_at - now() < timedelta(hours=12)
    until = clock(command.expires_at, zone) if is_soon else moment(command.expires_at, zone)
    return _("It is done when the device returns, until {time}.", time=until)


def unanswered(device: Device, command: DeviceCommand | None) -> str:
    """Why the last wish came to nothing, unless the device has become what was wished since, or it was long ago."""
    if command is None or command.completed_at is None or command.status not in CAME_TO_NOTHING:
        return ""
    is_switch = command.command_type in (CommandType.ON, CommandType.OFF)
    is_so_now = is_switch and device.is_on is (command.command_type is CommandType.ON)
    if is_so_now or command.completed_at < now() - REMEMBERED:
        return ""
    return reason_of(command.error_message, command.error_values)


def _probe(device: Device) -> dict[str, Any]:
    latest = device.latest
    if not latest:
        return {"word": _("No value yet"), "at": device.last_heartbeat_at}
    if "temperature" not in latest:
        kind, known = next(iter(latest.items()))
        return {"word": _(QUANTITY_WORDS.get(kind, kind)), "value": number(known["value"], 1), "unit": "" if known["unit"] == BARE else known["unit"], "at": _at(known)}
    known = latest["temperature"]
    word = warmth(known["value"])
    unit = temperature_unit() + (f" · {number(latest['humidity']['value'], 0)} %" if "humidity" in latest else "")
    return {
        "word": _(WARMTH_WORDS[word]), "state": WARMTH_STATES[word], "at": _at(known), "unit": unit,
        "value": degrees(known["value"]),
    }  # fmt: skip


def _at(known: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(known["at"])
