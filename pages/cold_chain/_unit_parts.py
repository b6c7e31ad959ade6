"""The parts of a unit's page: how it is now, its alerts, its sensors, what was written down, and when it was out of limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nicegui import ui

from data.alerts import commands as alert_commands
from data.alerts.tables import Alert
from data.cold_chain import rules
from data.cold_chain.machines import CalibrationState, SensorState
from data.cold_chain.queries import logs
from data.cold_chain.queries.excursions import ExcursionView
from data.cold_chain.queries.logs import LogView
from data.cold_chain.queries.machines import SensorView
from data.cold_chain.queries.points import ReadingView
from data.cold_chain.queries.units import UnitView
from data.cold_chain.values import ExcursionCause
from pages._shell import Looker
from pages.alerts._words import SEVERITY_WORDS, state, words
from pages.cold_chain._excursion_words import PATH as EXCURSIONS
from pages.cold_chain._excursion_words import address, cause_words, lasted_words, peak_words
from pages.cold_chain._excursion_words import face as excursion_face
from pages.cold_chain._forms import EDIT, add_sensor
from pages.cold_chain._outlook import outlook_line
from pages.cold_chain._words import TYPE_WORDS, face, limits
from ui.age import age
from ui.badge import State, badge
from ui.empty import empty_state
from ui.form import button
from ui.words import _, moment, noop, number, percent, temperature

LOG = "/cold-chain/log"

SENSOR_WORDS: dict[SensorState, tuple[State, str]] = {
    SensorState.WORKING: ("ok", noop("Working")),
    SensorState.FAULT: ("critical", noop("Cannot measure")),
    SensorState.SILENT: ("offline", noop("Silent")),
    SensorState.WAITING: ("waiting", noop("Not heard yet")),
    SensorState.OUT_OF_SERVICE: ("neutral", noop("Out of service")),
}
CALIBRATION_WORDS: dict[CalibrationState, str] = {
    CalibrationState.NEVER: noop("Never calibrated"),
    CalibrationState.VALID: noop("Calibrated until {day}"),
    CalibrationState.DUE: noop("Calibration ends {day}"),
    CalibrationState.EXPIRED: noop("Calibration ended {day}"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a unit's page shows beside the picture."""

    unit: UnitView
    alerts: Sequence[Alert]
    sensors: Sequence[SensorView]
    readings: Sequence[ReadingView]
    written: Sequence[LogView]
    out: Sequence[ExcursionView]
    out_count: int


def now_card(look: Looker, seen: Seen) -> None:
    """Its open alerts, each with its answer, and how it is."""
    unit = seen.unit
    for alert in seen.alerts:
        _alert(look, alert, unit.time_zone)
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-head"):
            badge(*face(unit))
            if unit.last_reading_at is not None:
                with ui.element("span").classes("st-soft"):
                    age(unit.status_changed_at, unit.time_zone, prefix=_("changed") + " ")
        outlook_line(unit)
        with ui.element("div").classes("st-facts"):
            said(_("Temperature"), temperature(unit.last_celsius))
            with fact(_("Measured")):
                age(unit.last_reading_at, unit.time_zone, stale_after_s=unit.rule.interval.total_seconds() * 1.1 + 30)
            said(_("Limits"), limits(unit.rule))
            said(_("Alarm after"), _("{minutes} min", minutes=number(unit.rule.delay.total_seconds() / 60)))
            if unit.out_of_range_since_at:
                with fact(_("Out of limits since")):
                    age(unit.out_of_range_since_at, unit.time_zone)
            if unit.door_is_open is not None:
                with fact(_("Door open") if unit.door_is_open else _("Door shut")):
                    age(unit.door_changed_at, unit.time_zone)
            said(_("Kind"), _(TYPE_WORDS[unit.unit_type]))
            said(_("Place"), f"{unit.site_name} · {unit.area_name}")


def _alert(look: Looker, alert: Alert, zone: str) -> None:
    async def answer() -> None:
        async with look.command() as tx:
            await alert_commands.acknowledge(tx, alert.id)

    with ui.element("article").classes("st-item"):
        badge(state(alert), _(SEVERITY_WORDS[alert.severity]))
        with ui.element("div").classes("st-item-main"):
            ui.link(words(alert), "/alerts").classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                age(alert.triggered_at, zone)
                if alert.acknowledged_at:
                    ui.label(_("Someone is on it"))
        if not alert.acknowledged_at and look.may("alerts.acknowledge", alert.scope_id):
            button(_("I am on it"), answer, icon="front_hand")


def fact(label: str) -> ui.element:
    """A labelled place for a value."""
    box = ui.element("div").classes("st-fact")
    with box:
        ui.label(label).classes("st-fact-label")
    return box


def said(label: str, value: str) -> None:
    """A value under its label."""
    with fact(label):
        ui.label(value).classes("st-fact-value")


def card(title: str) -> ui.element:
    """A part of the page with its heading."""
    box = ui.element("section").classes("st-card")
    with box:
        ui.label(title).classes("st-h2").props("role=heading aria-level=2")
    return box


def sensors_card(look: Looker, seen: Seen) -> None:
    """Each sensor: how it is, its battery, when it was last heard, and whether it can be believed to the degree."""
    with card(_("Sensors")):
        if not seen.sensors:
            may = look.may(EDIT, seen.unit.site_id)
            empty_state(
                _("No sensor watches this unit yet."), icon="sensors", action=_("Add a sensor") if may else "",
                on_action=lambda: add_sensor(look, seen.unit),
            )  # fmt: skip
        for sensor in seen.sensors:
            _sensor(sensor, seen.unit.time_zone, is_one_of_many=len(seen.sensors) > 1)


def _sensor(view: SensorView, zone: str, *, is_one_of_many: bool) -> None:
    sensor = view.device
    colour, word = SENSOR_WORDS[view.state]
    with ui.element("article").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            ui.link(view.name, f"/cold-chain/sensors/{sensor.id}").classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                if sensor.name:
                    ui.label(sensor.device_eui)
                if sensor.is_primary and is_one_of_many:
                    ui.label(_("speaks for the unit"))
                if sensor.battery_percent is not None:
                    ui.label(_("battery {share}", share=percent(sensor.battery_percent / 100)))
                elif sensor.battery_v is not None:
                    ui.label(_("battery {volts} V", volts=number(float(sensor.battery_v), 2)))
                if sensor.signal_dbm is not None:
                    ui.label(f"{number(sensor.signal_dbm)} dBm")
                if sensor.last_seen_at:
                    age(sensor.last_seen_at, zone, prefix=_("heard") + " ")
                ui.label(_calibration(view, zone))
        badge(colour, _(word))


def _calibration(view: SensorView, zone: str) -> str:
    if view.calibration is CalibrationState.VALID and view.calibration_expires_at is None:
        assert view.calibrated_at
        return _("Calibrated {day}", day=day_of(view.calibrated_at, zone))
    ends = view.calibration_expires_at
    return _(CALIBRATION_WORDS[view.calibration], day=day_of(ends, zone) if ends else "–")


def day_of(at: datetime, zone: str) -> str:
    """'20 Nov 2026' there."""
    return moment(at, zone).rpartition(",")[0]


def readings_card(seen: Seen) -> None:
    """What the sensors said last."""
    with card(_("Last readings")):
        if not seen.readings:
            empty_state(_("Nothing has been measured yet."), _("The first reading appears here by itself."), icon="thermostat")
        for one in seen.readings:
            with ui.element("div").classes("st-head"):
                ui.label(temperature(one.celsius)).classes("st-item-words st-number")
                if one.humidity_percent is not None:
                    ui.label(percent(one.humidity_percent / 100)).classes("st-soft")
                if rules.is_out(seen.unit.rule, one.celsius):
                    badge("warning", _("Out of limits"))
                ui.element("span").classes("st-grow")
                age(one.recorded_at, seen.unit.time_zone)


def written_card(look: Looker, seen: Seen) -> None:
    """What people read off a thermometer last, and the way to write down another one."""
    with card(_("Written down by hand")):
        if not seen.written:
            ui.label(_("Nobody has written down a temperature of this unit yet.")).classes("st-soft")
        for one in seen.written:
            with ui.element("div").classes("st-head"):
                ui.label(temperature(float(one.log.temperature_celsius))).classes("st-item-words st-number")
                ui.label(one.log.user_name).classes("st-soft")
                if not one.log.is_in_range:
                    badge("warning", _("Out of limits"))
                ui.element("span").classes("st-grow")
                age(one.log.recorded_at, seen.unit.time_zone)
            if one.action:
                ui.label(f"“{one.action}”").classes("st-soft")
        if look.may(logs.LOG, seen.unit.site_id):
            button(_("Write down a temperature"), icon="edit_note", href=LOG)


def excursions_card(seen: Seen) -> None:
    """When it was out of limits last, how far and why."""
    with card(_("Excursions")):
        if not seen.out:
            ui.label(_("This unit was never outside its limits.")).classes("st-soft")
        for one in seen.out:
            with ui.element("article").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.link(f"{peak_words(one)} · {lasted_words(one)}", address(one.excursion)).classes("st-item-words")
                    with ui.element("div").classes("st-row st-soft"):
                        age(one.excursion.started_at, one.time_zone)
                        ui.label(cause_words(one.excursion, ExcursionCause.UNKNOWN))
                badge(*excursion_face(one.excursion))
        if seen.out_count > len(seen.out):
            ui.link(_("All {n}", n=number(seen.out_count)), f"{EXCURSIONS}?unit={seen.unit.id}")
