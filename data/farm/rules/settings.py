"""What can be set at a device, within which limits."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from data.core.errors import Invalid
from data.farm.rules.commanding import COMMANDS, WAITS, Limits
from data.farm.rules.limits import BATTERY_LOW_AT, USUAL_HYSTERESIS
from data.farm.values import FULL, Calibration

_CALIBRATION = "calibration"
WATER_LEVEL = "water_level"
MOST_OFF = {"temperature": Decimal(10), "humidity": Decimal(20)}
"""A probe further from the truth than this is broken, not out of tune."""
MISSED_AFTER_S = 1_800
"""How long a device may be away before somebody is told, unless its setting `offline_alert_s` says otherwise."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A number of this unit between these; `is_whole` has no fraction. A flag has no unit and no limits.

    `of` is what a device must measure for it to mean anything; `kinds` are the types of device that it is for, None for all.
    """

    unit: str | None = None
    low: float = 0
    high: float = 1
    is_whole: bool = False
    is_flag: bool = False
    of: str | None = None
    kinds: frozenset[str] | None = None


_PROBES = frozenset({"adc", "sensor"})
_OUTPUTS = frozenset(COMMANDS) - _PROBES


SETTINGS: Mapping[str, Setting] = MappingProxyType({
    "temp_threshold_high": Setting("°C", 20, 50, of="temperature"),
    "temp_threshold_low": Setting("°C", 0, 45, of="temperature"),
    "temp_hysteresis": Setting("°C", 0.1, 5, of="temperature"),
    "humidity_threshold_high": Setting("%", 0, 100, of="humidity"),
    "humidity_threshold_low": Setting("%", 0, 100, of="humidity"),
    "humidity_hysteresis": Setting("%", 0.5, 20, of="humidity"),
    "co2_threshold_high": Setting("ppm", 400, 10_000, of="co2"),
    "co2_hysteresis": Setting("ppm", 10, 1_000, of="co2"),
    "water_level_threshold_low": Setting("%", 1, 99, of="water_level"),
    "water_level_hysteresis": Setting("%", 0.5, 20, of="water_level"),
    "battery_threshold_low": Setting("%", 1, 90),
    "polling_interval": Setting("seconds", 5, 3600, is_whole=True, kinds=_PROBES),
    "wait_offline_s": Setting("seconds", 0, 86_400, is_whole=True, kinds=_OUTPUTS),
    "offline_alert_s": Setting("seconds", 60, 86_400, is_whole=True),
    "safe_angle": Setting("°", 0, 180, kinds=frozenset({"servo"})),
    "is_vital": Setting(is_flag=True, kinds=_OUTPUTS),
})  # fmt: skip
"""`…_hysteresis`: how far inside a limit a value must be again before it is over. `wait_offline_s`: how long a wish waits for the
device while it is away. `offline_alert_s`: how long it may be away before somebody is told. `safe_angle`: where an emergency stop
turns a servo."""

USUAL: Mapping[str, float] = MappingProxyType({
    "wait_offline_s": WAITS.total_seconds(), "offline_alert_s": MISSED_AFTER_S, "battery_threshold_low": BATTERY_LOW_AT, **USUAL_HYSTERESIS,
})  # fmt: skip
"""What holds where nothing is set; of the others nothing does."""

PAIRS = (("temp_threshold_low", "temp_threshold_high"), ("humidity_threshold_low", "humidity_threshold_high"))


@dataclass(frozen=True, slots=True)
class Checked:
    """A setting as it is kept."""

    value: Any
    unit: str | None
    limits: Limits = Limits()
    is_calibrated: bool = False


def setting(
    device_type: str, name: str, value: Any, *, unit: str | None = None, low: float | None = None, high: float | None = None,
    others: Mapping[str, Any] = MappingProxyType({}),
) -> Checked:  # fmt: skip
    """The setting, if it can be. Invalid names `parameter_name`, `parameter_value`, `unit`, `min_value` or `max_value`.

    `set_value`, `set_speed` and `set_angle` are the usual value of an output, with the limits within which it may be set.
    """
    if name == calibration_name(WATER_LEVEL):
        level(value)
        return Checked({end: float(value[end]) for end in ("empty", "full")}, unit, is_calibrated=True)
    if is_calibration(name):
        by = calibration(value)
        return Checked({"offset": float(by.offset), "scale": float(by.scale)}, unit, is_calibrated=True)
    if name in FULL:
        return _range(device_type, name, value, low, high)
    if (known := SETTINGS.get(name)) is None:
        raise Invalid("parameter_name", "There is no setting {name}.", name=name)
    if known.is_flag:
        if not isinstance(value, bool):
            raise Invalid("parameter_value", "This must be yes or no.")
        return Checked(value, None)
    if unit not in (None, "", known.unit):
        raise Invalid("unit", "This is set in {unit}.", unit=known.unit)
    number = _number(value, "parameter_value", known.low, known.high)
    if known.is_whole and number != int(number):
        raise Invalid("parameter_value", "A whole number is needed here.")
    for below, above in PAIRS:
        other = others.get(above if name == below else below) if name in (below, above) else None
        if other is not None and (number >= other if name == below else number <= other):
            raise Invalid("parameter_value", "The lower limit must be below the upper one.")
    return Checked(int(number) if known.is_whole else number, known.unit)


def fitting(device_type: str, measured: Collection[str]) -> tuple[str, ...]:
    """The settings that mean something at a device of this type which measures this. A probe that has said nothing yet is taken
    for one of the air."""
    known = set(measured) or ({"temperature", "humidity"} if device_type in _PROBES else set())
    own = (name for name, one in SETTINGS.items() if (one.of is None or one.of in known) and (one.kinds is None or device_type in one.kinds))
    return (*own, *(name for name in FULL if name in COMMANDS[device_type]))


def is_calibration(name: str) -> bool:
    """Whether a setting is about this very instrument, and about no other."""
    return name == _CALIBRATION or name.startswith(_CALIBRATION + "_")


def calibration_name(sensor_type: str | None = None) -> str:
    """The setting that brings a device in tune: an output has one, a probe one for each thing that it measures."""
    return f"{_CALIBRATION}_{sensor_type}" if sensor_type else _CALIBRATION


def level(value: Any) -> Calibration:
    """{"empty", "full"}, what a counter reads at both ends, as what makes percent of it; Invalid('parameter_value')."""
    if not isinstance(value, Mapping) or value.keys() != {"empty", "full"}:
        raise Invalid("parameter_value", "A level needs what is read when it is empty and when it is full.")
    empty, full = (Decimal(str(_number(value[end], "parameter_value", -1e6, 1e6))) for end in ("empty", "full"))
    if abs(full - empty) < 1:
        raise Invalid("parameter_value", "Empty and full must not read the same.")
    scale = 100 / (full - empty)
    return Calibration(-empty * scale, scale)


def calibration(value: Any) -> Calibration:
    """{"offset", "scale"} as it is kept; Invalid('parameter_value')."""
    if not isinstance(value, Mapping) or not value.keys() <= {"offset", "scale"}:
        raise Invalid("parameter_value", "A calibration has an offset and a scale.")
    offset = _number(value.get("offset", 0), "parameter_value", -1000, 1000)
    return Calibration(Decimal(str(offset)), Decimal(str(_number(value.get("scale", 1), "parameter_value", 0.1, 10))))


def _range(device_type: str, name: str, value: Any, low: float | None, high: float | None) -> Checked:
    if name not in COMMANDS[device_type]:
        raise Invalid("parameter_name", "A device of this kind cannot do this.")
    full = FULL[name]
    least = _number(0 if low is None else low, "min_value", 0, full)
    most = _number(full if high is None else high, "max_value", 0, full)
    if not least < most:
        raise Invalid("max_value", "The lower limit must be below the upper one.")
    unit = {"set_speed": "%", "set_angle": "°"}.get(name)
    return Checked(_number(value, "parameter_value", least, most), unit, Limits(Decimal(str(least)), Decimal(str(most))))


def _number(value: Any, field: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise Invalid(field, "This is not a number.")
    if not low <= value <= high:
        raise Invalid(field, "{value} is not between {low} and {high}.", value=value, low=low, high=high)
    return float(value)
