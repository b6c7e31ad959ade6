"""What a probe measures is held against the limits that somebody set for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

SUDDEN_DEATH_CELSIUS = 38.0
"""Above this birds die within the hour."""
TOLD_WITHIN = timedelta(minutes=10)
"""An older value is the past, and nobody is called for it."""

TOO_HOT = "It is too hot at {name}: {value_celsius}. The limit is {limit_celsius}."
TOO_COLD = "It is too cold at {name}: {value_celsius}. The limit is {limit_celsius}."
TOO_HUMID = "The air at {name} is too humid: {value} %. The limit is {limit} %."
TOO_DRY = "The air at {name} is too dry: {value} %. The limit is {limit} %."
STALE_AIR = "There is too much carbon dioxide at {name}: {value} ppm. The limit is {limit} ppm."
WATER_LOW = "There is little water left at {name}: {value} %. The limit is {limit} %."
BATTERY_LOW = "The battery of {name} is low: {value} %."
BATTERY_LOW_AT = 20.0


@dataclass(frozen=True, slots=True)
class _Bound:
    sensor_type: str
    setting: str
    alert_type: str
    message: str
    is_upper: bool
    back_by: float
    """It is over when the value is this far inside again, so that it does not come and go with every breath of wind; its setting
    `…_hysteresis` says otherwise."""

    @property
    def hysteresis(self) -> str:
        """The setting's name."""
        return f"{self.setting.split('_threshold_')[0]}_hysteresis"


_BOUNDS = (
    _Bound("temperature", "temp_threshold_high", "temperature_high", TOO_HOT, True, 0.5),
    _Bound("temperature", "temp_threshold_low", "temperature_low", TOO_COLD, False, 0.5),
    _Bound("humidity", "humidity_threshold_high", "humidity_high", TOO_HUMID, True, 2),
    _Bound("humidity", "humidity_threshold_low", "humidity_low", TOO_DRY, False, 2),
    _Bound("co2", "co2_threshold_high", "co2_high", STALE_AIR, True, 50),
    _Bound("water_level", "water_level_threshold_low", "water_low", WATER_LOW, False, 5),
)
LIMIT_ALERTS = tuple(bound.alert_type for bound in _BOUNDS)
USUAL_HYSTERESIS = {bound.hysteresis: bound.back_by for bound in _BOUNDS}
"""What holds where nobody has set anything else."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a value stands to a limit: beyond it (True), well inside (False), or in between, where nothing changes (None)."""

    alert_type: str
    is_beyond: bool | None
    is_deadly: bool
    message: str
    value: float
    limit: float
    at: datetime

    @property
    def values(self) -> dict[str, Any]:
        """What goes into the message."""
        suffix = "_celsius" if "_celsius}" in self.message else ""
        return {f"value{suffix}": self.value, f"limit{suffix}": self.limit}


def verdicts(latest: Mapping[str, Any], settings: Mapping[str, Any], *, at: datetime) -> Iterator[Verdict]:
    """Each limit that is set, for what was measured lately. `latest` is as in the table."""
    for bound in _BOUNDS:
        limit, known = settings.get(bound.setting), latest.get(bound.sensor_type)
        if limit is None or known is None:
            continue
        measured_at, value = datetime.fromisoformat(known["at"]), float(known["value"])
        if at - measured_at > TOLD_WITHIN:
            continue
        beyond = value - limit if bound.is_upper else limit - value
        is_beyond = True if beyond > 0 else False if beyond <= -float(settings.get(bound.hysteresis, bound.back_by)) else None
        is_deadly = bound.alert_type == "temperature_high" and value > SUDDEN_DEATH_CELSIUS
        yield Verdict(bound.alert_type, is_beyond, is_deadly, bound.message, value, float(limit), measured_at)


def is_battery_low(percent: int, settings: Mapping[str, Any]) -> bool | None:
    """Low, good, or in between, where nothing changes."""
    low = float(settings.get("battery_threshold_low", BATTERY_LOW_AT))
    return True if percent < low else False if percent >= low + 5 else None
