"""The words for what is known of devices, wishes and schedules, and their states and pictures."""

from collections.abc import Mapping
from typing import Any

from data.farm.rules import Warmth, as_daily
from data.farm.tables import (
    CommandStatus,
    CommandType,
    Device,
    DeviceType,
    ExecutionStatus,
    SwitchAction,
)
from ui.badge import State
from ui.words import _, noop, number, temperature_value

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
    "water_level": noop("Water"), "active_power": noop("Power drawn"), "analog": noop("Bare reading"),
    "water_level_raw": noop("Bare reading of the water"), "level": noop("Set to"),
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
WARMTH_ICONS = {
    Warmth.SCORCHING: "local_fire_department", Warmth.HOT: "wb_sunny", Warmth.WARM: "thermostat", Warmth.NEUTRAL: "check_circle",
    Warmth.COOL: "air", Warmth.COLD: "ac_unit",
}  # fmt: skip


def icon_of(device: Device) -> str:
    return device.icon or ICONS.get(device.device_type, "memory")


def reason_of(message: str | None, values: Mapping[str, Any]) -> str:
    """Why something did not happen, in the reader's language; '' when nothing is wrong."""
    return _(message, **values) if message else ""


def degrees(celsius: float) -> str:
    """The bare number in the reader's unit, with a minus that is as wide as a digit."""
    return number(round(temperature_value(celsius), 1) + 0.0, 1).replace("-", "−")


def when(cron: str) -> str:
    """A schedule's time in words where it is simple, else the cron expression itself."""
    daily = as_daily(cron)
    if daily is None:
        return cron
    at = f"{daily.at:%H:%M}"
    if len(daily.weekdays) == 7:
        return _("Every day at {time}", time=at)
    return _("{days} at {time}", days=", ".join(_(DAY_WORDS[day]) for day in sorted(daily.weekdays)), time=at)
