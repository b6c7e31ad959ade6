"""How one device's wishes, health, settings and contradictions are said."""

from collections.abc import Mapping
from typing import Any

from data.farm.rules import SETTINGS, USUAL, calibration_name, is_calibration
from data.farm.tables import (
    Commanded,
    CommandType,
    Device,
    DeviceCommand,
    DeviceConfig,
    DeviceType,
    Dialect,
    SwitchAction,
)
from data.farm.values import FULL
from pages.farm._words import COMMAND_WORDS, QUANTITY_WORDS
from ui.badge import State
from ui.words import (
    _,
    celsius_from,
    difference_from,
    difference_value,
    noop,
    number,
    percent,
    span,
    temperature,
    temperature_difference,
    temperature_unit,
    temperature_value,
)

TYPE_WORDS = {
    DeviceType.RELAY: noop("A relay that switches something"), DeviceType.GPIO: noop("A pin that switches something"),
    DeviceType.PWM: noop("A motor or lamp that can be turned down"), DeviceType.SERVO: noop("A servo that turns to an angle"),
    DeviceType.SENSOR: noop("A probe that measures"), DeviceType.ADC: noop("An input that reads a level"),
}  # fmt: skip
DIALECT_WORDS = {
    Dialect.TASMOTA: noop("Tasmota"), Dialect.ESPHOME: noop("ESPHome"), Dialect.HOME_ASSISTANT: noop("Home Assistant's discovery"),
    Dialect.STEADING: noop("Steading's own topics"), Dialect.GATEWAY: noop("Gateway in the house"),
}  # fmt: skip
STARTUP_WORDS = {
    SwitchAction.OFF: noop("Off"), SwitchAction.ON: noop("On"), SwitchAction.TOGGLE: noop("As it was before"),
}  # fmt: skip
SOURCE_WORDS = {
    Commanded.PERSON: noop("Somebody"), Commanded.SCHEDULE: noop("A schedule"), Commanded.EMERGENCY: noop("Emergency stop"),
    Commanded.GUARD: noop("Steading's guard"),
}  # fmt: skip
SETTING_WORDS = {
    "temp_threshold_high": noop("Too hot above"), "temp_threshold_low": noop("Too cold below"),
    "temp_hysteresis": noop("Temperature is fine again when inside by"),
    "humidity_threshold_high": noop("Too humid above"), "humidity_threshold_low": noop("Too dry below"),
    "humidity_hysteresis": noop("Humidity is fine again when inside by"),
    "co2_threshold_high": noop("Stale air above"), "co2_hysteresis": noop("Air is fine again when inside by"),
    "water_level_threshold_low": noop("Little water below"), "water_level_hysteresis": noop("Water is fine again when inside by"),
    "battery_threshold_low": noop("Battery low below"), "polling_interval": noop("It measures every"),
    "wait_offline_s": noop("A wish waits while it is away for"), "offline_alert_s": noop("Tell that it is away after"),
    "safe_angle": noop("In an emergency it turns to"), "is_vital": noop("Animals depend on it"),
    "set_value": noop("Value"), "set_speed": noop("Speed"), "set_angle": noop("Angle"),
}  # fmt: skip
SETTING_HELP = {
    "is_vital": noop("Then it is critical when it does not answer. Fans and heaters are unless you say otherwise."),
    "wait_offline_s": noop("After this it is not done any more, so that yesterday's wish is not obeyed today."),
    "temp_hysteresis": noop("An alert ends only when the value is this far inside the limit again."),
    "safe_angle": noop("Without it an emergency stop leaves the servo where it is."),
}  # fmt: skip
UNITS = {"set_value": "0–255", "set_speed": "%", "set_angle": "°", "polling_interval": "s", "wait_offline_s": "min", "offline_alert_s": "min"}
IN_MINUTES = frozenset({"wait_offline_s", "offline_alert_s"})
DIFFERENCES = frozenset({"temp_hysteresis"})


def asked_words(command: DeviceCommand) -> str:
    """What was asked, with its value."""
    value = (command.command_params or {}).get("value")
    if value is None:
        return _(COMMAND_WORDS[command.command_type])
    return _("Set to {value}", value=value_words(command.command_type, float(value)))


def value_words(command: CommandType, value: float) -> str:
    """A set value as a farmer thinks of it: a part of the whole, or degrees."""
    if command is CommandType.SET_ANGLE:
        return f"{number(value)}°"
    if command is CommandType.SET_SPEED:
        return f"{number(value)} %"
    return f"{number(value, 0)} ({percent(value / FULL['set_value'])})"


def who_words(command: DeviceCommand, person: str | None, schedule: str | None) -> str:
    """On whose behalf it was asked."""
    if command.source is Commanded.SCHEDULE or schedule:
        return _("Schedule {name}", name=schedule or "?")
    if command.source is Commanded.EMERGENCY:
        return " · ".join(filter(None, (_("Emergency stop"), person)))
    if command.source is Commanded.GUARD:
        return _("Steading's guard")
    return person or _("Steading")


def signal_words(dbm: int) -> tuple[State, str]:
    """How well it hears its network."""
    if dbm >= -67:
        return "ok", _("Good signal")
    return ("warning", _("Weak signal")) if dbm >= -78 else ("critical", _("Hardly any signal"))


def battery_words(value: int, low: float) -> tuple[State, str]:
    """How full its battery is, against the limit that is set for it."""
    if value < low:
        return "critical", _("Battery low")
    return ("warning", _("Battery half empty")) if value < 50 else ("ok", _("Battery good"))


def contradiction_words(device: Device, done: DeviceCommand | None) -> tuple[str, str]:
    """(what disagrees, what to do about it) of a contradicted device."""
    match device.contradicted_by:
        case "presence":
            return _("Its network says that it is there, but the device itself says nothing."), _("Look whether it has power and whether it hangs.")
        case "words":
            said = _("One of its messages says that it is on, another that it is off.")
            return said, _("Look at the device itself, and ask it again.")
        case "hand":
            said = _("It is on, but it was last asked to be off.") if device.is_on else _("It is off, but it was last asked to be on.")
            if done and done.command_type not in (CommandType.ON, CommandType.OFF):
                said = _("It is not as it was last asked to be: {asked}.", asked=asked_words(done))
            return said, _("Somebody switched it at the device. Ask who is there before you switch it back.")
        case "meter" if device.is_on:
            return _("The switch says on, its power meter says that nothing flows."), _("Look at the plug, the fuse, and whether it really runs.")
        case "meter":
            return _("The switch says off, its power meter says that something flows."), _("Pull the plug: the relay may be stuck.")
    return _("Two sources disagree about its state."), _("Look at the device itself, and ask it again.")


def quantity_words(sensor_type: str) -> str:
    """What is measured; what nobody named reads as its code."""
    return _(QUANTITY_WORDS[sensor_type]) if sensor_type in QUANTITY_WORDS else sensor_type.replace("_", " ")


def setting_words(name: str) -> str:
    """What a setting is about."""
    if name == calibration_name():
        return _("Calibration of the output")
    if is_calibration(name):
        return _("Calibration: {quantity}", quantity=quantity_words(name.removeprefix("calibration_")))
    return _(SETTING_WORDS.get(name, name))


def setting_value(name: str, value: Any, config: DeviceConfig | None = None) -> str:
    """What a setting is set to, in the reader's units."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if is_calibration(name):
        return calibration_words(name, value)
    if name in FULL and config is not None:
        low, high = (float(limit) if limit is not None else 0.0 for limit in (config.min_value, config.max_value))
        return _("{low} to {high}", low=value_words(CommandType(name), low), high=value_words(CommandType(name), high))
    if name in DIFFERENCES:
        return temperature_difference(float(value))
    if not isinstance(value, int | float):  # of another version
        return str(value)
    unit = SETTINGS[name].unit if name in SETTINGS else ""
    if unit == "°C":
        return temperature(float(value))
    if unit == "seconds":
        return span(float(value))
    return f"{number(float(value))} {unit or ''}".strip()


def calibration_words(name: str, value: Mapping[str, Any]) -> str:
    """How an instrument is brought in tune."""
    if "empty" in value:
        return _("empty at {empty}, full at {full}", empty=number(value["empty"]), full=number(value["full"]))
    offset = float(value.get("offset", 0))
    shown = signed(difference_value(offset), 2) + " " + temperature_unit() if name == calibration_name("temperature") else signed(offset, 2)
    scale = float(value.get("scale", 1))
    return shown if scale == 1 else _("times {scale}, {offset}", scale=number(scale), offset=shown)


def signed(value: float, decimals: int) -> str:
    """A number with its sign and a minus that is as wide as a digit."""
    return f"{'+' if value > 0 else ''}{number(value, decimals)}".replace("-", "−")


def measured_words(sensor_type: str, value: float, unit: str, decimals: int = 1) -> str:
    """A measured value in the reader's unit."""
    if sensor_type == "temperature":
        return temperature(value, decimals=decimals)
    return f"{number(value, decimals)} {unit}".replace("-", "−").strip()


def unit_of(name: str) -> str:
    """The unit in which a reader types a setting."""
    if name in UNITS:
        return UNITS[name]
    unit = SETTINGS[name].unit or ""
    return temperature_unit() if unit == "°C" else unit


def typed(name: str, value: float) -> float:
    """From what a reader typed to what is kept."""
    if name in IN_MINUTES:
        return round(value * 60)
    if name in DIFFERENCES:
        return round(difference_from(value), 2)
    if name in SETTINGS and SETTINGS[name].unit == "°C":
        return round(celsius_from(value), 2)
    return value


def shown(name: str, kept: float) -> float:
    """From what is kept to what a reader sees in the field."""
    if name in IN_MINUTES:
        return round(kept / 60, 1)
    if name in DIFFERENCES:
        return round(difference_value(kept), 2)
    if name in SETTINGS and SETTINGS[name].unit == "°C":
        return round(temperature_value(kept), 1)
    return kept


def usual(name: str) -> str:
    """What holds where nothing is set; '' where that is nothing."""
    return setting_value(name, USUAL[name]) if name in USUAL else ""


def guard_words(device: Device) -> tuple[State, str]:
    """Who ends an "on" that lasts too long."""
    if not device.max_on_s:
        return "neutral", _("It may be on for as long as it takes.")
    own = device.own_max_on_s
    if own and own <= device.max_on_s + TOLERATED_S:
        return "ok", _("The device itself keeps to this, also without Steading.")
    if own:
        return "warning", _("The device itself ends it only after {time}. Until then only Steading does.", time=span(own))
    return "warning", _("Only Steading keeps to this: the device has not confirmed it.")


TOLERATED_S = 1
"""Devices round their own limit."""
