"""The fields of a rule in the reader's words and units."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from data.cold_chain.queries.rules import Place, Source
from data.cold_chain.rules.ranges import RANGES
from ui.words import (
    _,
    celsius_from,
    difference_from,
    difference_value,
    noop,
    number,
    temperature,
    temperature_difference,
    temperature_unit,
    temperature_value,
)

Measure = Literal["temperature", "difference", "pace", "minutes", "seconds", "count", "factor", "percent"]


@dataclass(frozen=True, slots=True)
class Told:
    """How a field is called, what it means, and in what it is measured. English, translated when shown."""

    label: str
    help: str
    measure: Measure


GROUPS: Mapping[str, tuple[str, ...]] = {
    noop("Temperature"): (
        "temperature_min_celsius", "temperature_max_celsius", "hysteresis_celsius", "delay_minutes", "max_excursion_minutes",
        "rise_celsius_per_hour",
    ),
    noop("Patterns over time"): (
        "drift_celsius_per_hour", "danger_minutes", "rising_together_units", "sensors_apart_celsius",
    ),
    noop("Door"): (
        "door_open_warning_minutes", "door_open_critical_minutes", "door_grace_minutes", "delay_door_open_minutes",
        "door_open_max_mask_minutes_per_day",
    ),
    noop("Sensor"): (
        "expected_reading_interval_s", "offline_warning_missed_checkins", "offline_critical_missed_checkins",
        "offline_trigger_multiplier", "offline_trigger_additional_minutes", "low_battery_percent",
    ),
    noop("By hand"): ("manual_interval_minutes", "manual_grace_minutes", "manual_log_missed_checkins_threshold"),
}  # fmt: skip

FIELDS: Mapping[str, Told] = {
    "temperature_min_celsius": Told(noop("Not colder than"), noop("The lower limit; the limit itself is within."), "temperature"),
    "temperature_max_celsius": Told(noop("Not warmer than"), noop("The upper limit; the limit itself is within."), "temperature"),
    "hysteresis_celsius": Told(
        noop("Well within from"), noop("So far inside the limit a reading must be before trouble counts as over."), "difference"
    ),
    "delay_minutes": Told(noop("Alarm after"), noop("So long it may be out of limits before anybody is called."), "minutes"),
    "max_excursion_minutes": Told(
        noop("Out of limits at most"), noop("Past this no open door is an excuse, and the alert says for how long."), "minutes"
    ),
    "rise_celsius_per_hour": Told(noop("Warms at most by"), noop("Empty: how fast it warms is not watched."), "pace"),
    "drift_celsius_per_hour": Told(
        noop("Drifts at most by"), noop("For three hours, well below what is fast. Empty: a slow drift is not watched."), "pace"
    ),
    "danger_minutes": Told(
        noop("In the danger zone at most"),
        noop("Within 24 hours, in all: between 5 and 57 °C (41 and 135 °F). Counts for fridges, walk-in coolers and display cases."), "minutes"
    ),
    "rising_together_units": Told(
        noop("Told as one when so many warm together"), noop("Units of one site that surely head out of their limits at the same time."), "count"
    ),
    "sensors_apart_celsius": Told(
        noop("Two sensors apart by"), noop("On average over half an hour. Then one of them is wrong, or air does not move."), "difference"
    ),
    "door_open_warning_minutes": Told(noop("Door open: warning after"), "", "minutes"),
    "door_open_critical_minutes": Told(noop("Door open: critical after"), "", "minutes"),
    "door_grace_minutes": Told(
        noop("Door open: warm air excused for"), noop("From the opening on. Warm air within it is no excursion."), "minutes"
    ),
    "delay_door_open_minutes": Told(noop("Door open: alarm after"), noop("In place of the shorter time for a shut door."), "minutes"),
    "door_open_max_mask_minutes_per_day": Told(
        noop("Door excuses at most"), noop("In one day of the site. Then an open door excuses nothing more until midnight there."), "minutes"
    ),
    "expected_reading_interval_s": Told(noop("Sensor speaks every"), "", "seconds"),
    "offline_warning_missed_checkins": Told(noop("Late after missed readings"), "", "count"),
    "offline_critical_missed_checkins": Told(noop("Not measured after missed readings"), noop("Then somebody is told."), "count"),
    "offline_trigger_multiplier": Told(
        noop("Late after times its interval"), noop("An older way to say when a sensor is late; used in place of the count where set."), "factor"
    ),
    "offline_trigger_additional_minutes": Told(
        noop("… and so much more"), noop("Belongs to the line above; where only one is set, the other is 2."), "minutes"
    ),
    "low_battery_percent": Told(noop("Battery low at"), "", "percent"),
    "manual_interval_minutes": Told(
        noop("Measured by hand every"), noop("Demanded where a sensor is silent, or the unit asks for it."), "minutes"
    ),
    "manual_grace_minutes": Told(noop("By hand: so much later at most"), "", "minutes"),
    "manual_log_missed_checkins_threshold": Told(noop("By hand only after missed readings"), "", "count"),
}


WATCHED_WHERE_SAID = frozenset({"rise_celsius_per_hour", *GROUPS["Patterns over time"]})
"""Nobody looks at these unless somebody says how much is too much."""


def value_words(name: str, value: float | None) -> str:
    """What a field holds, such as '−18.0 °C', '10 min', '3 times'."""
    if value is None:
        return _("no limit") if name.startswith("temperature_m") else _("not watched") if name in WATCHED_WHERE_SAID else _("not used")
    match FIELDS[name].measure:
        case "temperature":
            return temperature(value)
        case "difference":
            return temperature_difference(value)
        case "pace":
            return _("{pace} an hour", pace=temperature_difference(value))
        case "minutes":
            return _("{minutes} min", minutes=number(value))
        case "seconds":
            return _("{minutes} min", minutes=number(value / 60)) if value % 60 == 0 else _("{seconds} s", seconds=number(value))
        case "percent":
            return f"{number(value)} %"
        case _:
            return number(value)


def unit_words(name: str) -> str:
    """What stands beside the field where it is typed."""
    match FIELDS[name].measure:
        case "temperature" | "difference":
            return temperature_unit()
        case "pace":
            return _("{unit} an hour", unit=temperature_unit())
        case "minutes":
            return _("min")
        case "seconds":
            return _("s")
        case "percent":
            return "%"
        case _:
            return ""


def shown(name: str, value: float | None) -> float | None:
    """The number to type in the reader's unit."""
    if value is None:
        return None
    measure = FIELDS[name].measure
    if measure == "temperature":
        return round(temperature_value(value), 2)
    return round(difference_value(value), 2) if measure in ("difference", "pace") else value


def typed(name: str, value: float | None) -> float | None:
    """Back from what was typed."""
    if value is None:
        return None
    measure = FIELDS[name].measure
    if measure == "temperature":
        return round(celsius_from(value), 2)
    return round(difference_from(value), 2) if measure in ("difference", "pace") else value


def range_words(name: str) -> str:
    """Between which values a field may be."""
    least, most = RANGES[name]
    return _("Between {low} and {high}.", low=value_words(name, least), high=value_words(name, most))


def source_words(source: Source, place: Place) -> str:
    """Who says so."""
    match source:
        case "unit":
            return _("said for {name}", name=place.name)
        case "unit_itself":
            return _("how often {name} is to be measured by hand", name=place.name)
        case "site":
            return _("said for {name}", name=place.site_name)
        case "site_itself":
            return _("how often {name} is to be measured by hand", name=place.site_name)
        case "organization":
            return _("said for the whole organization")
        case "type":
            return _("usual for this kind of unit")
        case "default":
            return _("usual")
