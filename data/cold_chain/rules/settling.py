"""What counts as trouble is said by a unit, its site or its organization, field by field, and else is what is usual."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from data.cold_chain.values import UnitType

CHECK_IN_SLACK = timedelta(seconds=30)
LIMITS = ("temperature_min_celsius", "temperature_max_celsius")

STARTING_LIMITS: Mapping[UnitType, tuple[float, float]] = {
    UnitType.FRIDGE: (0.56, 5.0),
    UnitType.WALK_IN_COOLER: (0.56, 5.0),
    UnitType.DISPLAY_CASE: (0.56, 5.0),
    UnitType.FREEZER: (-23.33, -17.78),
    UnitType.WALK_IN_FREEZER: (-23.33, -17.78),
    UnitType.BLAST_CHILLER: (-40.0, -23.33),
}
"""°C; the round numbers they come from are °F (33–41, −10–0, −40–−10)."""

DEFAULTS: Mapping[str, float | None] = {
    "hysteresis_celsius": 0.5,
    "delay_minutes": 10,
    "delay_door_open_minutes": 20,
    "door_grace_minutes": 20,
    "expected_reading_interval_s": 300,
    "offline_warning_missed_checkins": 1,
    "offline_critical_missed_checkins": 5,
    "offline_trigger_multiplier": None,
    "offline_trigger_additional_minutes": None,
    "manual_interval_minutes": 240,
    "manual_grace_minutes": 0,
    "manual_log_missed_checkins_threshold": 5,
    "door_open_warning_minutes": 3,
    "door_open_critical_minutes": 10,
    "door_open_max_mask_minutes_per_day": 60,
    "max_excursion_minutes": 60,
    "rise_celsius_per_hour": None,
    "drift_celsius_per_hour": None,
    "danger_minutes": None,
    "rising_together_units": None,
    "sensors_apart_celsius": None,
    "low_battery_percent": 10,
}
"""What holds where neither the unit nor its site nor its organization says otherwise; None is not watched at all."""

INHERITED = (*LIMITS, *DEFAULTS)

OLD_MULTIPLIER, OLD_EXTRA_MINUTES = 2.0, 2.0
"""An older way to say when a sensor is late: interval × this + so many minutes. One of the two is enough to ask for it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one unit, every field settled. A limit of None is open."""

    low_celsius: float | None
    high_celsius: float | None
    hysteresis_celsius: float
    delay: timedelta
    delay_door_open: timedelta
    door_grace: timedelta
    interval: timedelta
    missed_for_offline: int
    missed_for_interrupted: int
    offline_after: timedelta
    """How long a sensor may be silent before it is late."""
    manual_after: timedelta
    """How long nobody and nothing may measure before somebody must."""
    missed_for_manual: int
    door_warning: timedelta
    door_critical: timedelta
    door_mask: timedelta
    """For how long in one day an open door is an excuse."""
    max_excursion: timedelta
    rise_celsius_per_hour: float | None
    low_battery_percent: float
    drift_celsius_per_hour: float | None = None
    danger: timedelta | None = None
    """How long in a day it may be as warm as what spoils food likes."""
    rising_together: float | None = None
    """From how many units of its site on their warming is one trouble."""
    sensors_apart_celsius: float | None = None


def settle(said: Mapping[str, Any], unit_type: UnitType) -> Rule:
    """The rule from what unit, site and organization say together (absent or None: nobody does), field by field."""
    return settled(unit_type, *(said.get(name) for name in INHERITED))


@lru_cache(maxsize=4096)
def settled(unit_type: UnitType, low: Any, high: Any, *more: Any) -> Rule:
    """The same from the fields in the order of INHERITED. Units share few rules, and a batch asks for hundreds at once."""
    low_celsius, high_celsius = limits(low, high, unit_type)
    said = dict(zip(DEFAULTS, more, strict=True))

    def field(name: str) -> float:
        value = said[name] if said[name] is not None else DEFAULTS[name]
        assert value is not None, f"{name} has no default"
        return float(value)

    def minutes(name: str) -> timedelta:
        return timedelta(minutes=field(name))

    def watched(name: str) -> float | None:
        return None if said[name] is None else float(said[name])

    danger = watched("danger_minutes")
    interval, missed_for_offline = timedelta(seconds=field("expected_reading_interval_s")), int(field("offline_warning_missed_checkins"))
    return Rule(
        low_celsius=low_celsius,
        high_celsius=high_celsius,
        hysteresis_celsius=field("hysteresis_celsius"),
        delay=minutes("delay_minutes"),
        delay_door_open=minutes("delay_door_open_minutes"),
        door_grace=minutes("door_grace_minutes"),
        interval=interval,
        missed_for_offline=missed_for_offline,
        missed_for_interrupted=int(field("offline_critical_missed_checkins")),
        offline_after=_offline_after(
            interval, missed_for_offline, said["offline_trigger_multiplier"], said["offline_trigger_additional_minutes"]
        ),
        manual_after=minutes("manual_interval_minutes") + minutes("manual_grace_minutes"),
        missed_for_manual=int(field("manual_log_missed_checkins_threshold")),
        door_warning=minutes("door_open_warning_minutes"),
        door_critical=minutes("door_open_critical_minutes"),
        door_mask=minutes("door_open_max_mask_minutes_per_day"),
        max_excursion=minutes("max_excursion_minutes"),
        rise_celsius_per_hour=watched("rise_celsius_per_hour"),
        low_battery_percent=field("low_battery_percent"),
        drift_celsius_per_hour=watched("drift_celsius_per_hour"),
        danger=None if danger is None else timedelta(minutes=danger),
        rising_together=watched("rising_together_units"),
        sensors_apart_celsius=watched("sensors_apart_celsius"),
    )


def _offline_after(interval: timedelta, missed: int, multiplier: Any, extra_minutes: Any) -> timedelta:
    """Late after so many missed check-ins, unless somebody says it the older way: that then takes their place."""
    if multiplier is None and extra_minutes is None:
        return CHECK_IN_SLACK + missed * interval
    factor = OLD_MULTIPLIER if multiplier is None else float(multiplier)
    return interval * factor + timedelta(minutes=OLD_EXTRA_MINUTES if extra_minutes is None else float(extra_minutes))


def limits(low: Any, high: Any, unit_type: UnitType) -> tuple[float | None, float | None]:
    """A limit that nobody says is the type's, unless it contradicts the one that somebody does: then that end is open."""
    type_low, type_high = STARTING_LIMITS[unit_type]
    if low is None and high is None:
        return type_low, type_high
    if low is None:
        return type_low if type_low < float(high) else None, float(high)
    if high is None:
        return float(low), type_high if float(low) < type_high else None
    return float(low), float(high)
