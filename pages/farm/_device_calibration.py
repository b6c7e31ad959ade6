"""A probe is held against a good instrument, a tank is seen empty and full: from then on what it says is corrected."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.core.time import now
from data.farm import commands, queries
from data.farm.commands import Chosen
from data.farm.queries_device import Kept
from data.farm.rules import COMMANDS, LEVELS, WATER_LEVEL, calibration_name, is_calibration
from data.farm.settings import configs_of
from data.farm.tables import Device, Farm
from data.farm.values import FULL
from pages._shell import Looker, field_errors
from pages.farm._device_settings import line
from pages.farm._device_words import measured_words, quantity_words
from ui.age import age
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Field, Form, button
from ui.words import _, celsius_from, difference_value, number, temperature_unit

UNCORRECTED = frozenset({"power", "active_power", "level"})


def measured(device: Device, kept: Mapping[str, Kept]) -> list[str]:
    """What of this device can be brought in tune."""
    kinds = [kind for kind in device.latest if kind not in UNCORRECTED and kind not in LEVELS and kind != WATER_LEVEL]
    is_tank = WATER_LEVEL in device.latest or calibration_name(WATER_LEVEL) in kept or any(kind in device.latest for kind in LEVELS)
    return kinds + ([WATER_LEVEL] if is_tank else [])


def calibration_card(look: Looker, device: Device, farm: Farm, kept: Mapping[str, Kept]) -> None:
    """What is corrected, since when, by whom; and how to correct it anew."""
    may = look.may("farm.edit", farm.id)
    has_value = any(name in FULL for name in COMMANDS[device.device_type])
    kinds = measured(device, kept)
    if COMMANDS[device.device_type] and not has_value and not kinds:
        return
    with ui.element("section").classes("st-card"):
        ui.label(_("Calibration")).classes("st-h2").props("role=heading aria-level=2")
        tuned = [one for name, one in kept.items() if is_calibration(name)]
        for one in tuned:
            line(look, farm, one, may=may)
        if not tuned:
            empty_state(_("Nothing is corrected: what it says is taken as it is."), icon="straighten")
        if may:
            with ui.element("div").classes("st-row"):
                for kind in kinds:
                    words = _("Calibrate: {quantity}", quantity=quantity_words(kind))
                    opens = _tank if kind == WATER_LEVEL else _compare
                    button(words, lambda kind=kind, opens=opens: opens(look, device, farm, kind), icon="straighten")
                if has_value:
                    button(_("Calibrate the output"), lambda: _output(look, device, kept), icon="straighten")


async def _compare(look: Looker, device: Device, farm: Farm, kind: str) -> None:
    """A good instrument is held beside the probe; or the difference is typed in."""
    async with look.transaction() as tx:
        device = await queries.device(tx, device.id)
    latest = device.latest[kind]
    unit = temperature_unit() if kind == "temperature" else latest["unit"]
    with panel(_("Calibrate: {quantity}", quantity=quantity_words(kind)), _("Hold a good instrument beside it until both are steady.")) as dialog:
        with ui.element("div").classes("st-row"):
            raw = latest.get("raw", latest["value"])
            ui.label(_("It says {value}", value=measured_words(kind, raw, latest["unit"], 2))).classes("st-item-words")
            age(datetime.fromisoformat(latest["at"]), farm.time_zone)
        form = Form()
        with form:
            form.number("true_value", _("The good instrument says"), unit=unit, required=True)
            form.number("scale", _("Multiply by"), 1, minimum=0.1, maximum=10, help=_("1, unless it is off by more the higher it is."))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            true = celsius_from(values["true_value"]) if kind == "temperature" else values["true_value"]
            try:
                async with look.transaction() as tx:
                    await commands.calibrate(tx, device.id, kind, true, scale=1 if values["scale"] is None else values["scale"], at=now())
            except Refusal as reason:
                return _at_field(reason, kind, unit)
            dialog.close()
            return None

        form.buttons(_("Correct it from now on"), send, on_cancel=dialog.close)
    dialog.open()


def _at_field(reason: Refusal, kind: str, unit: str) -> dict[str, str]:
    """The refusal, with a difference in the reader's unit."""
    off = reason.values.get("difference")
    if kind == "temperature" and isinstance(off, float):
        words = _("The device is {difference} off. It is broken, or the other instrument is.", difference=f"{number(difference_value(off), 1)} {unit}")
        return {"true_value": words.replace("-", "−")}
    found = field_errors(reason)
    return {"scale" if field == "parameter_value" else field: words for field, words in found.items()}


async def _tank(look: Looker, device: Device, farm: Farm, kind: str) -> None:
    """Two points: what the counter reads when the tank is empty, and when it is full."""
    async with look.transaction() as tx:
        device = await queries.device(tx, device.id)
        sets = {one.parameter_name: one.parameter_value for one in await configs_of(tx, device.id)}
    points = sets.get(calibration_name(kind), {})
    reading = _reading(device)
    with panel(_("Calibrate: {quantity}", quantity=quantity_words(kind)), _("What does it read when the tank is empty, and when it is full?")) as dialog:
        form = Form()
        with form:
            for key, words in (("empty", _("When it is empty")), ("full", _("When it is full"))):
                field = form.number(key, words, points.get(key), required=True)
                if reading is not None:
                    _take(field, reading)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.calibrate_level(tx, device.id, empty=values["empty"], full=values["full"])
            except Refusal as reason:
                return {"full" if field == "parameter_value" else field: words for field, words in field_errors(reason).items()}
            dialog.close()
            return None

        form.buttons(_("Correct it from now on"), send, on_cancel=dialog.close)
    dialog.open()


def _reading(device: Device) -> float | None:
    """What the counter itself says now."""
    known = device.latest.get(WATER_LEVEL, {})
    if "raw" in known:
        return float(known["raw"])
    return next((float(device.latest[kind]["value"]) for kind in LEVELS if kind in device.latest), None)


def _take(field: Field, reading: float) -> None:
    with field.box:
        button(_("It is so now: {value}", value=number(reading)), lambda: field.control.set_value(reading), kind="quiet", icon="arrow_downward")


def _output(look: Looker, device: Device, kept: Mapping[str, Kept]) -> None:
    """What is sent to an output is what is wanted, times something, plus something."""
    one = kept.get(calibration_name())
    value = one.config.parameter_value if one else {}
    with panel(_("Calibrate the output"), _("What is sent is what is wanted, multiplied and shifted.")) as dialog:
        form = Form()
        with form:
            form.number("scale", _("Multiply by"), value.get("scale", 1), minimum=0.1, maximum=10, required=True)
            form.number("offset", _("Then add"), value.get("offset", 0), required=True)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            chosen = Chosen(calibration_name(), {"offset": values["offset"], "scale": values["scale"]})
            try:
                async with look.transaction() as tx:
                    await commands.set_configs(tx, device.id, [chosen])
            except Refusal as reason:
                return {"scale" if field == "parameter_value" else field: words for field, words in field_errors(reason).items()}
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()
