"""What each field of a rule may be, and which fields must be in order with each other."""

from collections.abc import Mapping

from data.cold_chain.values import COLDEST_CELSIUS, HOTTEST_CELSIUS

DAY_MINUTES = 24 * 60

RANGES: Mapping[str, tuple[float, float]] = {
    "temperature_min_celsius": (COLDEST_CELSIUS, HOTTEST_CELSIUS),
    "temperature_max_celsius": (COLDEST_CELSIUS, HOTTEST_CELSIUS),
    "hysteresis_celsius": (0, 10),
    "delay_minutes": (0, DAY_MINUTES),
    "delay_door_open_minutes": (0, DAY_MINUTES),
    "door_grace_minutes": (0, DAY_MINUTES),
    "expected_reading_interval_s": (10, 24 * 3600),
    "offline_warning_missed_checkins": (1, 100),
    "offline_critical_missed_checkins": (1, 1000),
    "offline_trigger_multiplier": (1, 100),
    "offline_trigger_additional_minutes": (0, DAY_MINUTES),
    "manual_interval_minutes": (1, 7 * DAY_MINUTES),
    "manual_grace_minutes": (0, DAY_MINUTES),
    "manual_log_missed_checkins_threshold": (1, 1000),
    "door_open_warning_minutes": (1, DAY_MINUTES),
    "door_open_critical_minutes": (1, DAY_MINUTES),
    "door_open_max_mask_minutes_per_day": (0, DAY_MINUTES),
    "max_excursion_minutes": (1, 7 * DAY_MINUTES),
    "rise_celsius_per_hour": (0.1, 100),
    "drift_celsius_per_hour": (0.1, 10),
    "danger_minutes": (10, DAY_MINUTES),
    "rising_together_units": (2, 100),
    "sensors_apart_celsius": (0.5, 50),
    "low_battery_percent": (0, 100),
}
"""°C, minutes, seconds, counts and percent, as their names say."""

WITH_FRACTIONS = frozenset({
    "temperature_min_celsius", "temperature_max_celsius", "hysteresis_celsius", "offline_trigger_multiplier", "rise_celsius_per_hour",
    "drift_celsius_per_hour", "sensors_apart_celsius",
})  # fmt: skip
"""Kept with two decimals; all others are whole numbers."""

IN_ORDER = (
    ("door_open_warning_minutes", "door_open_critical_minutes"),
    ("offline_warning_missed_checkins", "offline_critical_missed_checkins"),
)
"""The second of each is worse than the first, and must not come before it."""

OF_SITES = frozenset({"rising_together_units"})
"""Said of a site or of everything, and of no single unit."""
