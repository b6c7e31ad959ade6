"""A sensor's comparisons with a reference: the list, the form that computes the offset, and the striking of a wrong one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from nicegui import events, ui

from data.cold_chain.certificates import MOST_BYTES, Certificate
from data.cold_chain.certificates import certificate as looked_at
from data.cold_chain.commands import calibration
from data.cold_chain.machines import CalibrationState, offset
from data.cold_chain.queries.machines import DEVICES, Calibration, Said, SensorView
from data.core.errors import Invalid, Refusal
from data.core.time import now
from data.core.time import zone as known_zone
from pages._shell import Looker, field_errors
from pages.cold_chain._unit_parts import card, day_of
from ui.badge import State, badge
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Field, Form, button
from ui.words import _, celsius_from, noop, number, temperature, temperature_unit, temperature_value

FACES: dict[CalibrationState, tuple[State, str]] = {
    CalibrationState.VALID: ("ok", noop("Calibrated until {day}")),
    CalibrationState.DUE: ("warning", noop("Calibration ends {day}")),
    CalibrationState.EXPIRED: ("critical", noop("Calibration ended {day}")),
}
GOOD_FOR = timedelta(days=365)
FRESH = timedelta(minutes=15)


def calibrations_card(look: Looker, view: SensorView, found: Sequence[Calibration], said: Sequence[Said]) -> None:
    """What is known, the newest first; the newest applies."""
    zone = view.time_zone or look.time_zone
    may = look.may(DEVICES, view.site_id)
    with card(_("Calibration")):
        if not found:
            empty_state(
                _("Never calibrated"), _("Compare it with a reference thermometer, once a year at least."), icon="straighten",
                action=_("Record a calibration") if may else "", on_action=lambda: _record(look, view, said),
            )  # fmt: skip
            return
        if view.calibration in FACES and view.calibration_expires_at:
            colour, word = FACES[view.calibration]
            with ui.element("div"):
                badge(colour, _(word, day=day_of(view.calibration_expires_at, zone)))
        for place, one in enumerate(found):
            _line(look, view, one, zone, is_newest=place == 0, may=may)
        if may:
            button(_("Record a calibration"), lambda: _record(look, view, said), icon="add")


def _line(look: Looker, view: SensorView, one: Calibration, zone: str, *, is_newest: bool, may: bool) -> None:
    record = one.record
    with ui.element("article").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            ui.label(difference(float(record.temperature_offset_celsius))).classes("st-item-words st-number")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(day_of(record.calibrated_at, zone))
                if one.by:
                    ui.label(one.by)
                if record.reference_temperature_celsius is not None:
                    ui.label(_("at {value}", value=temperature(float(record.reference_temperature_celsius))))
                if record.humidity_offset_percent:
                    ui.label(_("humidity {offset} %", offset=_signed(float(record.humidity_offset_percent), 1)))
                if record.expires_at:
                    ui.label(_("until {day}", day=day_of(record.expires_at, zone)))
            if record.notes:
                ui.label(record.notes).classes("st-soft")
        if is_newest:
            badge("neutral", _("applied"), icon="check")
        if one.certificate:
            button(
                _("Certificate"), kind="quiet", icon="description",
                href=f"/cold-chain/sensors/{view.device.id}/calibrations/{record.id}/certificate",
            )  # fmt: skip
        if may:
            button(_("Strike"), lambda: _strike(look, one, zone), kind="quiet")


def difference(celsius: float) -> str:
    """An offset in the reader's unit, with its sign: '+0.40 °C'."""
    return f"{_signed(celsius * _scale(), 2)} {temperature_unit()}"


def _signed(value: float, decimals: int) -> str:
    return f"{'+' if value > 0 else ''}{number(value, decimals)}".replace("-", "−")


def _scale() -> float:
    """How many of the reader's degrees one degree Celsius is."""
    return temperature_value(1.0) - temperature_value(0.0)


@dataclass(slots=True)
class _Paper:
    """The certificate that was brought, once it was looked at."""

    kept: Certificate | None = None


def _record(look: Looker, view: SensorView, said: Sequence[Said]) -> None:
    zone = view.time_zone or look.time_zone
    at = now().astimezone(known_zone(zone)).replace(tzinfo=None)
    last = next((one for one in said if now() - one.recorded_at < FRESH), None)
    paper = _Paper()
    with panel(_("Record a calibration"), view.name) as dialog:
        with Form() as form:
            form.time("calibrated_at", _("Compared at"), at, zone=zone, required=True)
            reference = form.number("reference_celsius", _("The reference says"), unit=temperature_unit())
            found = form.number(
                "offset_celsius", _("Offset"), unit=temperature_unit(), required=True, help=_("It is added to what the sensor says from then on.")
            )
            form.number("humidity_offset_percent", _("Humidity offset"), unit="%")
            form.text("by", _("By"), placeholder=look.actor.name)
            form.date("expires_at", _("Good until"), (at + GOOD_FOR).date())
            form.text("notes", _("Notes"), lines=2)
            _bring(form, paper)
        if last:
            _compare(reference, found, last)

        async def send(values: Mapping[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await calibration.record(tx, view.device.id, **_typed(values, zone), certificate=paper.kept)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Record it"), send, on_cancel=dialog.close)
    dialog.open()


def _compare(reference: Field, found: Field, last: Said) -> None:
    """The offset follows from the reference and what the sensor itself said last; it can be written over."""
    raw = last.raw_celsius if last.raw_celsius is not None else last.celsius
    with reference.box:
        ui.label(_("The sensor itself says {value} now.", value=temperature(raw, decimals=2))).classes("st-field-help")

    def compute() -> None:
        if reference.value is not None:
            needed = offset(celsius_from(float(reference.value)), raw) * _scale()
            found.control.set_value(round(needed, 2))

    reference.control.on_value_change(compute)


def _bring(form: Form, paper: _Paper) -> None:
    with form.box, ui.element("div").classes("st-field"):
        ui.label(_("Certificate")).classes("st-field-label")
        with ui.element("div").classes("st-row"):
            opener = button(_("Choose a file"), icon="attach_file")
            chosen = ui.label(_("PDF or picture, at most 10 MB")).classes("st-soft")
        refused = ui.label().classes("st-field-error").props("role=alert")
        refused.set_visibility(False)

    def say(problem: str) -> None:
        refused.set_text(problem)
        refused.set_visibility(bool(problem))

    async def brought(event: events.UploadEventArguments) -> None:
        paper.kept = None
        try:
            paper.kept = await looked_at(await event.file.read())
        except Invalid as refusal:
            say(field_errors(refusal)["certificate"])
            chosen.set_text(_("PDF or picture, at most 10 MB"))
        else:
            say("")
            chosen.set_text(event.file.name)
        upload.reset()

    with form.box:
        upload = ui.upload(
            auto_upload=True, max_files=1, max_file_size=MOST_BYTES, on_upload=brought, on_rejected=lambda: say(_("PDF or picture, at most 10 MB"))
        )
        upload.props('accept="application/pdf,image/jpeg,image/png,image/webp"').classes("hidden")
    opener.on("click", js_handler=f"() => runMethod({upload.id}, 'pickFiles', [])")


def _typed(values: Mapping[str, Any], zone: str) -> dict[str, Any]:
    """What was typed, in °C and as instants; a day is good until it ends."""
    there = known_zone(zone)
    reference, until = values["reference_celsius"], values["expires_at"]
    return {
        "calibrated_at": values["calibrated_at"].replace(tzinfo=there),
        "offset_celsius": round(values["offset_celsius"] / _scale(), 2),
        "humidity_offset_percent": values["humidity_offset_percent"] or 0,
        "reference_celsius": None if reference is None else round(celsius_from(reference), 2),
        "by": values["by"],
        "notes": values["notes"],
        "expires_at": None if until is None else datetime.combine(until, time.max, tzinfo=there).replace(microsecond=0),
    }


def _strike(look: Looker, one: Calibration, zone: str) -> None:
    with panel(_("Strike this calibration"), _("It is applied no more. That it was here, and why it was wrong, stays in the event log.")) as dialog:
        ui.label(f"{day_of(one.record.calibrated_at, zone)} · {difference(float(one.record.temperature_offset_celsius))}").classes("st-item-words")
        with Form() as form:
            form.text("because", _("What is wrong with it"), required=True)

        async def send(values: Mapping[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await calibration.strike(tx, one.record.id, because=values["because"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Strike it"), send, on_cancel=dialog.close, kind="danger")
    dialog.open()
