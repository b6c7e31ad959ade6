"""Each part of the records as lines: what the page's table shows of it, and what its file holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from data.alerts.tables import Severity
from data.cold_chain.queries.inspection import Fact, Inspected, Temperature
from data.cold_chain.values import ExcursionCause
from pages.alerts._words import KIND_WORDS, SEVERITY_STATE, SEVERITY_WORDS, sentence
from pages.cold_chain._report_words import CAUSE_WORDS
from ui.table import Column
from ui.words import _, moment, noop, span, temperature, temperature_unit, temperature_value

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """How the lines of a part of the records are shown, and how they stand in a file."""

    columns: Callable[[str], list[Column]]
    row: Callable[[Fact, Inspected], Row]
    header: tuple[str, ...]
    cells: Callable[[Fact], tuple[object, ...]]


def _moment(key: str, label: str, zone: str) -> Column:
    return Column(key, label, "moment", sortable=False, zone=zone)


def _plain(key: str, label: str, *, hidden: bool = False) -> Column:
    return Column(key, label, sortable=False, hidden=hidden)


def _degrees(key: str, label: str) -> Column:
    return Column(key, label, "number", sortable=False, decimals=1, unit=temperature_unit())


def temperature_columns(zone: str) -> list[Column]:
    return [
        _moment("at", _("Read at"), zone), _plain("unit", _("Unit")), _degrees("temperature", _("Temperature")), _plain("source", _("By")),
        Column("state", _("State"), "badge", sortable=False), _plain("action", _("What was done")), _plain("notes", _("Note"), hidden=True),
        _moment("arrived", _("Arrived"), zone),
    ]  # fmt: skip


def temperature_row(one: Temperature, unit: Inspected) -> Row:
    state: tuple[str, str] | None = None
    if one.is_corrected:
        state = "neutral", _("Corrected")
    elif one.is_in_range is not None:
        state = ("ok", _("Within limits")) if one.is_in_range else ("warning", _("Out of limits"))
    who = one.who or _("Sensor")
    return {
        "id": f"{one.unit_id}{one.recorded_at}{who}", "at": one.recorded_at, "unit": unit_words(unit), "temperature": temperature_value(one.celsius),
        "source": _("{name}, by hand", name=who) if one.is_by_hand else who, "state": state, "action": one.action or "",
        "notes": one.notes or "", "arrived": one.arrived_at,
    }  # fmt: skip


TEMPERATURE_HEADER = (
    "site", "area", "unit", "recorded_at", "local_time", "temperature_celsius", "humidity_percent", "source", "by", "in_range",
    "corrective_action", "notes", "corrected", "arrived_at",
)  # fmt: skip


def temperature_cells(one: Temperature, unit: Inspected) -> tuple[object, ...]:
    return (
        *place(unit), one.recorded_at, local(one.recorded_at, unit), one.celsius, one.humidity_percent, "manual" if one.is_by_hand else "sensor",
        one.who, None if one.is_in_range is None else "yes" if one.is_in_range else "no", one.action, one.notes,
        "yes" if one.is_corrected else "", one.arrived_at,
    )  # fmt: skip


def place(unit: Inspected) -> tuple[str, str, str]:
    return unit.site_name, unit.area_name, unit.name


def local(at: datetime | None, unit: Inspected) -> str | None:
    """By the clock of the unit's own site."""
    return at.astimezone(ZoneInfo(unit.time_zone)).strftime("%Y-%m-%d %H:%M:%S") if at else None


def unit_words(unit: Inspected) -> str:
    return f"{unit.name} · {unit.site_name}"


def _base(fact: Fact, unit: Inspected) -> Row:
    return {"id": f"{fact.unit_id}{fact.since}", "unit": unit_words(unit), "since": fact.since, "until": fact.until}


def _exception(fact: Fact, unit: Inspected) -> Row:
    known, severity = fact.known, Severity(fact.known["severity"])
    answered = ""
    if known["acknowledged_at"]:
        answered = f"{known['acknowledged_by'] or '–'}, {moment(known['acknowledged_at'], unit.time_zone)}"
    return _base(fact, unit) | {
        "severity": (SEVERITY_STATE[severity], _(SEVERITY_WORDS[severity])), "kind": _(KIND_WORDS.get(known["alert_type"], known["alert_type"])),
        "what": sentence(known["message"], known["message_values"]), "answered": answered, "note": known["acknowledgement_note"] or "",
    }  # fmt: skip


def _excursion(fact: Fact, unit: Inspected) -> Row:
    known = fact.known
    return _base(fact, unit) | {
        "which": _("Too warm") if known["direction"] == "above" else _("Too cold"), "peak": temperature_value(known["peak_celsius"]),
        "limits": f"{temperature(known['low_celsius'])} – {temperature(known['high_celsius'])}", "degree_minutes": known["degree_minutes"],
        "cause": _(CAUSE_WORDS[ExcursionCause(known["cause"])]), "note": known["cause_note"] or "",
    }  # fmt: skip


def _calibration(fact: Fact, unit: Inspected) -> Row:
    known = fact.known
    step = known["offset_celsius"] * (9 / 5 if temperature_unit() == "°F" else 1)
    return _base(fact, unit) | {
        "sensor": known["sensor"], "by": known["calibrated_by"] or "", "offset": step,
        "state": ("critical", _("Expired")) if known["is_expired"] else ("ok", _("Valid")),
        "certificate": _("yes") if known["has_certificate"] else _("no"),
    }  # fmt: skip


def _gap(fact: Fact, unit: Inspected) -> Row:
    length = span(fact.until - fact.since) if fact.until else _("still so")
    return _base(fact, unit) | {"length": length, "by_hand": str(fact.known["lines_by_hand"])}


def _action(fact: Fact, unit: Inspected) -> Row:
    known = fact.known
    return _base(fact, unit) | {"what": known["description"], "action": known["action_taken"], "by": known["acted_by"] or ""}


def _known(*names: str) -> Callable[[Fact], tuple[object, ...]]:
    return lambda fact: tuple(fact.known[name] for name in names)


def _since(label: str, more: Callable[[str], list[Column]]) -> Callable[[str], list[Column]]:
    return lambda zone: [_moment("since", _(label), zone), _plain("unit", _("Unit")), *more(zone)]


EXCEPTION = ("severity", "alert_type", "message", "acknowledged_at", "acknowledged_by", "acknowledgement_note", "resolved_by", "resolution")
ACTION = ("description", "action_taken", "acted_by", "is_for_alert", "is_for_log", "has_photo")
EXCURSION = ("direction", "peak_celsius", "peak_at", "low_celsius", "high_celsius", "degree_minutes", "confirmed_at", "cause", "cause_note", "cause_by")
CALIBRATION = ("sensor", "calibrated_by", "offset_celsius", "reference_celsius", "notes", "has_certificate", "is_expired")
GAP = ("lines_by_hand",)
FACTS: Mapping[str, Part] = {
    "exceptions": Part(
        _since(noop("Since"), lambda zone: [
            _moment("until", _("Until"), zone), Column("severity", _("Severity"), "badge", sortable=False), _plain("kind", _("Kind")),
            _plain("what", _("What was wrong")), _plain("answered", _("Answered by")), _plain("note", _("Note"), hidden=True),
        ]), _exception, EXCEPTION, _known(*EXCEPTION),
    ),
    "actions": Part(
        _since(noop("Done at"), lambda zone: [_plain("what", _("What was wrong")), _plain("action", _("What was done")), _plain("by", _("Who"))]),
        _action, ACTION, _known(*ACTION),
    ),
    "excursions": Part(
        _since(noop("Since"), lambda zone: [
            _moment("until", _("Until"), zone), _plain("which", _("Kind")), _degrees("peak", _("Furthest")), _plain("limits", _("Limits then")),
            Column("degree_minutes", _("Degree-minutes"), "number", sortable=False, decimals=0, unit="°C·min"), _plain("cause", _("Cause")),
            _plain("note", _("Note"), hidden=True),
        ]), _excursion, EXCURSION, _known(*EXCURSION),
    ),
    "gaps": Part(
        _since(noop("Since"), lambda zone: [_moment("until", _("Until"), zone), _plain("length", _("Length")), _plain("by_hand", _("Written by hand meanwhile"))]),
        _gap, GAP, _known(*GAP),
    ),
    "calibration": Part(
        _since(noop("Calibrated at"), lambda zone: [
            _plain("sensor", _("Sensor")), Column("state", _("State"), "badge", sortable=False), _moment("until", _("Valid until"), zone),
            _plain("by", _("Who")), Column("offset", _("Correction"), "number", sortable=False, decimals=2, unit=temperature_unit()),
            _plain("certificate", _("Certificate"), hidden=True),
        ]), _calibration, CALIBRATION, _known(*CALIBRATION),
    ),
}  # fmt: skip
