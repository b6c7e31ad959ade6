"""How a device's state is said and shown, on a tile and elsewhere."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from data.core.time import now
from data.farm.queries import Tile
from data.farm.rules import Warmth, as_daily, refusal_to_switch, warmth
from data.farm.tables import (
    OPEN,
    CommandStatus,
    CommandType,
    Device,
    DeviceCommand,
    DeviceType,
    ExecutionStatus,
    SwitchAction,
)
from ui.badge import State
from ui.words import _, noop, number, temperature_unit, temperature_value

WARMTH_WORDS = {
    Warmth.SCORCHING: noop("Scorching"), Warmth.HOT: noop("Hot"), Warmth.WARM: noop("Warm"),
    Warmth.NEUTRAL: noop("Pleasant"), Warmth.COOL: noop("Cool"), Warmth.COLD: noop("Cold"),
}  # fmt: skip
WARMTH_STATES: Mapping[Warmth, State] = {
    Warmth.SCORCHING: "critical", Warmth.HOT: "warning", Warmth.WARM: "ok", Warmth.NEUTRAL: "ok", Warmth.COOL: "ok",
    Warmth.COLD: "warning",
}  # fmt: skip
STATUS_WORDS = {
    CommandStatus.QUEUED: noop("Waiting to be sent"), CommandStatus.SENT: noop("Asked"),
    CommandStatus.EXECUTING: noop("The device is at it"), CommandStatus.COMPLETED: noop("Confirmed"),
    CommandStatus.FAILED: noop("Not done"), CommandStatus.TIMEOUT: noop("No answer"),
    CommandStatus.CANCELED: noop("Called off"), CommandStatus.EXPIRED: noop("Too late"),
}  # fmt: skip
STATUS_STATES: Mapping[CommandStatus, State] = {
    CommandStatus.QUEUED: "waiting", CommandStatus.SENT: "waiting", CommandStatus.EXECUTING: "waiting",
    CommandStatus.COMPLETED: "ok", CommandStatus.FAILED: "warning", CommandStatus.TIMEOUT: "critical",
    CommandStatus.CANCELED: "neutral", CommandStatus.EXPIRED: "warning",
}  # fmt: skip
RUN_WORDS = {
    ExecutionStatus.PENDING: noop("Asked"), ExecutionStatus.EXECUTED: noop("Confirmed"), ExecutionStatus.FAILED: noop("Not done"),
    ExecutionStatus.TIMEOUT: noop("No answer"), ExecutionStatus.SKIPPED: noop("Skipped"),
}  # fmt: skip
RUN_STATES: Mapping[ExecutionStatus, State] = {
    ExecutionStatus.PENDING: "waiting", ExecutionStatus.EXECUTED: "ok", ExecutionStatus.FAILED: "critical",
    ExecutionStatus.TIMEOUT: "critical", ExecutionStatus.SKIPPED: "warning",
}  # fmt: skip
ACTION_WORDS = {
    SwitchAction.ON: noop("Switch on"), SwitchAction.OFF: noop("Switch off"), SwitchAction.TOGGLE: noop("Switch over"),
}  # fmt: skip
COMMAND_WORDS = {
    CommandType.ON: noop("Switch on"), CommandType.OFF: noop("Switch off"), CommandType.TOGGLE: noop("Switch over"),
    CommandType.SET_VALUE: noop("Set the value"), CommandType.SET_ANGLE: noop("Set the angle"),
    CommandType.SET_SPEED: noop("Set the speed"),
}  # fmt: skip
QUANTITY_WORDS = {
    "temperature": noop("Temperature"), "humidity": noop("Humidity"), "pressure": noop("Air pressure"),
    "co2": noop("Carbon dioxide"), "illuminance": noop("Brightness"), "power": noop("On (1) and off (0)"),
}  # fmt: skip
DAY_WORDS = {
    1: noop("Monday"), 2: noop("Tuesday"), 3: noop("Wednesday"), 4: noop("Thursday"), 5: noop("Friday"),
    6: noop("Saturday"), 7: noop("Sunday"),
}  # fmt: skip
ICONS = {DeviceType.RELAY: "power_settings_new", DeviceType.SENSOR: "device_thermostat"}
PICTURES = {
    "air": noop("Fan"), "local_fire_department": noop("Heater"), "lightbulb": noop("Light"), "rice_bowl": noop("Feeder"),
    "water_drop": noop("Pump"), "device_thermostat": noop("Probe"), "power_settings_new": noop("Switch"),
}  # fmt: skip
"""Icons that the font has, by what they stand for."""
REMEMBERED = timedelta(hours=12)
"""How long a tile tells of a wish that came to nothing."""


def icon_of(device: Device) -> str:
    return device.icon or ICONS.get(device.device_type, "memory")


def reason_of(message: str | None, values: Mapping[str, Any]) -> str:
    """Why something did not happen, in the reader's language; '' when nothing is wrong."""
    return _(message, **values) if message else ""


def face(one: Tile, *, may_switch: bool) -> dict[str, Any]:
    """What a device's tile shows: the arguments of `ui.tile.tile` and of its `set`."""
    device = one.device
    shown: dict[str, Any] = {
        "name": device.name, "icon": icon_of(device), "href": f"/farm/devices/{device.id}", "is_on": None, "asked": None,
        "reason": "", "value": "", "unit": "", "word": "", "state": "neutral",
    }  # fmt: skip
    shown |= _relay(device, one.command, may_switch) if device.device_type is DeviceType.RELAY else _probe(device)
    if not device.is_online:
        shown |= {"state": "offline", "word": _("Offline"), "at": device.last_heartbeat_at or shown["at"]}
    return shown


def _relay(device: Device, command: DeviceCommand | None, may_switch: bool) -> dict[str, Any]:
    is_open = command is not None and command.status in OPEN
    cannot = refusal_to_switch(is_switched=True, is_active=device.is_active, is_online=device.is_online)
    return {
        "is_on": device.is_on, "at": device.state_reported_at, "state": "ok" if device.is_on else "neutral",
        "asked": command.command_type is CommandType.ON if command and is_open else None,
        "reason": "" if is_open else unanswered(device, command), "switchable": may_switch and cannot is None,
    }  # fmt: skip


def unanswered(device: Device, command: DeviceCommand | None) -> str:
    """Why the last wish came to nothing, unless the device has become what was wished since, or it was long ago."""
    if command is None or command.completed_at is None or command.status not in (CommandStatus.TIMEOUT, CommandStatus.FAILED):
        return ""
    is_so_now = device.is_on is (command.command_type is CommandType.ON)
    if is_so_now or command.completed_at < now() - REMEMBERED:
        return ""
    return reason_of(command.error_message, command.error_values)


def _probe(device: Device) -> dict[str, Any]:
    latest = device.latest
    if not latest:
        return {"word": _("No value yet"), "at": device.last_heartbeat_at}
    if "temperature" not in latest:
        kind, known = next(iter(latest.items()))
        return {"word": _(QUANTITY_WORDS.get(kind, kind)), "value": number(known["value"], 1), "unit": known["unit"], "at": _at(known)}
    known = latest["temperature"]
    word = warmth(known["value"])
    unit = temperature_unit() + (f" · {number(latest['humidity']['value'], 0)} %" if "humidity" in latest else "")
    return {
        "word": _(WARMTH_WORDS[word]), "state": WARMTH_STATES[word], "at": _at(known), "unit": unit,
        "value": number(temperature_value(known["value"]), 1).replace("-", "−"),
    }  # fmt: skip


def _at(known: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(known["at"])


def when(cron: str) -> str:
    """A schedule's time in words where it is simple, else the cron expression itself."""
    daily = as_daily(cron)
    if daily is None:
        return cron
    at = f"{daily.at:%H:%M}"
    if len(daily.weekdays) == 7:
        return _("Every day at {time}", time=at)
    return _("{days} at {time}", days=", ".join(_(DAY_WORDS[day]) for day in sorted(daily.weekdays)), time=at)
