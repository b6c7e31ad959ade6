"""A unit's state in the reader's language, and as a colour."""

from data.cold_chain.queries.units import UnitView
from data.cold_chain.rules import SILENT, Rule
from data.cold_chain.values import UnitStatus, UnitType
from ui.badge import State
from ui.words import _, noop, temperature, temperature_difference

STATUS_WORDS = {
    UnitStatus.OK: noop("In order"),
    UnitStatus.EXCURSION: noop("Out of limits"),
    UnitStatus.ALARM_ACTIVE: noop("Alarm"),
    UnitStatus.MONITORING_INTERRUPTED: noop("Not measured"),
    UnitStatus.MANUAL_REQUIRED: noop("Measure by hand"),
    UnitStatus.RESTORING: noop("Recovering"),
    UnitStatus.OFFLINE: noop("Sensor late"),
}
STATUS_STATES: dict[UnitStatus, State] = {
    UnitStatus.OK: "ok",
    UnitStatus.EXCURSION: "warning",
    UnitStatus.ALARM_ACTIVE: "critical",
    UnitStatus.MONITORING_INTERRUPTED: "offline",
    UnitStatus.MANUAL_REQUIRED: "warning",
    UnitStatus.RESTORING: "ok",
    UnitStatus.OFFLINE: "offline",
}
TYPE_WORDS = {
    UnitType.FRIDGE: noop("Fridge"),
    UnitType.FREEZER: noop("Freezer"),
    UnitType.DISPLAY_CASE: noop("Display case"),
    UnitType.WALK_IN_COOLER: noop("Walk-in cooler"),
    UnitType.WALK_IN_FREEZER: noop("Walk-in freezer"),
    UnitType.BLAST_CHILLER: noop("Blast chiller"),
}


def face(unit: UnitView) -> tuple[State, str]:
    """The badge of a unit: one that has never been measured waits for its first reading."""
    if unit.last_reading_at is None:
        return "waiting", _("Waiting for the first reading")
    return STATUS_STATES[unit.status], _(STATUS_WORDS[unit.status])


def limits(rule: Rule) -> str:
    """What a unit may be, such as '−23.3 °C to −17.8 °C'."""
    if rule.low_celsius is None:
        return _("at most {high}", high=temperature(rule.high_celsius))
    if rule.high_celsius is None:
        return _("at least {low}", low=temperature(rule.low_celsius))
    return _("{low} to {high}", low=temperature(rule.low_celsius), high=temperature(rule.high_celsius))


def trend_words(unit: UnitView) -> str:
    """An arrow and how fast, such as '↗ 0.8 °C/h'; an arrow straight on where it is not sure to go anywhere."""
    if unit.trend is None or unit.last_reading_at is None or unit.status in SILENT:
        return ""
    pace, error = unit.trend.celsius_per_hour, unit.trend.error
    if abs(pace) <= error:
        return "→"
    return _("{arrow} {pace}/h", arrow="↗" if pace > 0 else "↘", pace=temperature_difference(abs(pace)))
