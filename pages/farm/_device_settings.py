"""What is set at a device: its limits and habits, since when and by whom, taken back, and set at others like it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Invalid, Refusal
from data.farm import commands
from data.farm.commands import Chosen
from data.farm.queries_device import Kept, like, settings_before, settings_now
from data.farm.rules import SETTINGS, fitting, is_calibration, setting
from data.farm.settings import measured_of
from data.farm.tables import Device, DeviceConfig, Farm, SwitchAction
from data.farm.values import FULL
from pages._shell import Looker, field_errors, translated
from pages.farm._device_words import (
    SETTING_HELP,
    STARTUP_WORDS,
    setting_value,
    setting_words,
    shown,
    typed,
    unit_of,
    usual,
)
from ui.age import age
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.words import _, moment, n_, number

LEAST, MOST = ".least", ".most"


def settings_card(look: Looker, device: Device, farm: Farm, kept: Mapping[str, Kept]) -> None:
    """What is set, and what may be."""
    may = look.may("farm.edit", farm.id)
    ordinary = {name: one for name, one in kept.items() if not is_calibration(name)}
    with ui.element("section").classes("st-card"):
        ui.label(_("Limits and habits")).classes("st-h2").props("role=heading aria-level=2")
        if not ordinary:
            empty_state(_("Nothing is set: the usual holds."), icon="tune")
        order = [*SETTINGS, *FULL]
        for name in sorted(ordinary, key=lambda name: (name not in order, order.index(name) if name in order else 0, name)):
            line(look, farm, ordinary[name], may=may)
        with ui.element("div").classes("st-row"):
            if may:
                button(_("Change the settings"), lambda: _describe(look, device), icon="tune", kind="primary")
                if ordinary and look.may("farm.batch", farm.id):
                    button(_("Set the same at others"), lambda: _copy(look, device, list(ordinary)), icon="content_copy")
            button(_("What was set before"), lambda: _past(look, device, farm), kind="quiet", icon="history")


def line(look: Looker, farm: Farm, one: Kept, *, may: bool) -> None:
    """One setting: its value, the range it may have, since when, by whom, and the way back."""
    config = one.config
    with ui.element("article").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            with ui.element("div").classes("st-row"):
                ui.label(setting_words(config.parameter_name)).classes("st-item-words")
                ui.label(setting_value(config.parameter_name, config.parameter_value, config)).classes("st-number")
            with ui.element("div").classes("st-row st-soft"):
                if allowed := _allowed(config.parameter_name):
                    ui.label(allowed)
                age(config.updated_at, farm.time_zone, prefix=_("set") + " ")
                if one.by:
                    ui.label(_("by {name}", name=one.by))
        if may:
            button(_("Take back"), lambda: undo(look, config.device_id, config.parameter_name), kind="quiet", icon="undo")


async def undo(look: Looker, device_id: UUID, name: str) -> None:
    """The setting is as it was before its last change."""
    async with look.command() as tx:
        await commands.undo_config(tx, device_id, name)


def _allowed(name: str) -> str:
    known = SETTINGS.get(name)
    if known is None or known.is_flag:
        return ""
    return _("possible: {low} to {high}", low=setting_value(name, known.low), high=setting_value(name, known.high))


async def _describe(look: Looker, device: Device) -> None:
    async with look.transaction() as tx:
        kept = {name: one.config for name, one in (await settings_now(tx, device.id)).items()}
    names = fitting(device.device_type, measured_of(device))
    with panel(_("Settings of {name}", name=device.name), _("What is left empty is as usual.")) as dialog:
        form = Form()
        with form:
            for name in names:
                _field(form, name, kept.get(name))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            chosen = [_chosen(name, values) for name in names]
            chosen = [one for one in chosen if one.value is not None or one.parameter_name in kept]
            if errors := _errors(device, chosen, {name: config.parameter_value for name, config in kept.items()}):
                return errors
            try:
                async with look.transaction() as tx:
                    await commands.set_configs(tx, device.id, chosen)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _field(form: Form, name: str, config: DeviceConfig | None) -> None:
    words, value = setting_words(name), config.parameter_value if config else None
    if name in FULL:
        limits = (config.min_value, config.max_value) if config else (None, None)
        low, high = (None if limit is None else float(limit) for limit in limits)
        form.number(name + LEAST, _("{what}: at least", what=words), low, unit=unit_of(name), help=_("Off is always possible.") if name != "set_angle" else "")
        form.number(name + MOST, _("{what}: at most", what=words), high, unit=unit_of(name))
        return
    if SETTINGS[name].is_flag:
        options = {True: _("Yes"), False: _("No")}
        form.select(name, words, options, value, help=_(SETTING_HELP[name]) if name in SETTING_HELP else "")
        return
    help_text = [_(SETTING_HELP[name])] if name in SETTING_HELP else []
    help_text += [_allowed(name)] + ([_("usually {value}", value=usual(name))] if usual(name) else [])
    form.number(name, words, None if value is None else shown(name, float(value)), unit=unit_of(name), help=" · ".join(help_text))


def _chosen(name: str, values: Mapping[str, Any]) -> Chosen:
    if name in FULL:
        low, high = values[name + LEAST], values[name + MOST]
        if low is None and high is None:
            return Chosen(name, None)
        most = FULL[name] if high is None else high
        return Chosen(name, most, min_value=low or 0, max_value=most)
    value = values[name]
    return Chosen(name, value if value is None or isinstance(value, bool) else typed(name, value))


def _errors(device: Device, chosen: Sequence[Chosen], known: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, at its field, in the reader's own units."""
    wanted = {**known} | {one.parameter_name: one.value for one in chosen}
    found: dict[str, str] = {}
    for one in chosen:
        name, known_setting = one.parameter_name, SETTINGS.get(one.parameter_name)
        if one.value is None:
            continue
        if known_setting and not known_setting.is_flag and not known_setting.low <= one.value <= known_setting.high:
            low, high = (number(shown(name, limit)) for limit in (known_setting.low, known_setting.high))
            found[name] = _("{value} is not between {low} and {high}.", value=number(shown(name, one.value)), low=low, high=high)
            continue
        try:
            setting(device.device_type, name, one.value, unit=one.unit, low=one.min_value, high=one.max_value, others=wanted)
        except Invalid as reason:
            found[name + (MOST if name in FULL else "")] = translated(reason)
    return found


async def _copy(look: Looker, device: Device, names: Sequence[str]) -> None:
    async with look.transaction() as tx:
        others = [(one, farm) for one, farm in await like(tx, device) if look.may("farm.edit", farm.id) and look.may("farm.batch", farm.id)]
    with panel(_("Set the same at others"), _("Only devices of the same kind. What brings an instrument in tune is never copied.")) as dialog:
        if not others:
            empty_state(_("There is no other device of this kind."), icon="devices")
            button(_("Close"), dialog.close)
            dialog.open()
            return
        form = Form()
        with form:
            form.select("names", _("Which settings"), {name: setting_words(name) for name in names}, list(names), required=True, multiple=True)
            options = {one.id: " · ".join(filter(None, (one.name, one.location, farm.name))) for one, farm in others}
            form.select("to", _("At which devices"), options, required=True, multiple=True)
            form.check("all", _("At all {n} of them", n=number(len(others)))).control.on_value_change(
                lambda event: form.fields["to"].control.set_value(list(options) if event.value else [])
            )

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    count = await commands.copy_configs(tx, device.id, values["names"], to=values["to"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            with look.page:
                ui.notify(n_("{n} device was changed.", "{n} devices were changed.", count), position="top")
            return None

        form.buttons(_("Set it there"), send, on_cancel=dialog.close)
    dialog.open()


async def _past(look: Looker, device: Device, farm: Farm) -> None:
    async with look.transaction() as tx:
        found = await settings_before(tx, device.id)
    with panel(_("What was set at {name}", name=device.name)) as dialog:
        if not found:
            ui.label(_("Nothing was ever set here.")).classes("st-soft")
        for one in found:
            config = one.config
            with ui.element("div").classes("st-item is-flat"), ui.element("div").classes("st-item-main"):
                ui.label(f"{setting_words(config.parameter_name)}: {setting_value(config.parameter_name, config.parameter_value, config)}").classes("st-item-words")
                until = moment(config.deleted_at, farm.time_zone) if config.deleted_at else _("now")
                held = _("{begin} until {end}", begin=moment(config.updated_at, farm.time_zone), end=until)
                ui.label(" · ".join(filter(None, (held, one.by)))).classes("st-soft")
        with ui.element("div").classes("st-panel-buttons"):
            button(_("Close"), dialog.close)
    dialog.open()


def guard_form(look: Looker, device: Device) -> None:
    """How long it may be on, and how it starts after it had no power."""
    with panel(_("How long it may be on"), _("Steading keeps to this, and tells it to the device where its kind can keep to it by itself.")) as dialog:
        form = Form()
        with form:
            minutes = None if device.max_on_s is None else round(device.max_on_s / 60, 2)
            form.number("minutes", _("At most at a stretch"), minutes, unit=_("minutes"), help=_("Empty: as long as it takes."))
            form.select(
                "startup_state", _("After it had no power"), {key: _(words) for key, words in STARTUP_WORDS.items()}, device.startup_state,
                help=_("Empty: the device decides."),
            )  # fmt: skip

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            startup = SwitchAction(values["startup_state"]) if values["startup_state"] else None
            max_on_s = None if values["minutes"] is None else round(values["minutes"] * 60)
            try:
                async with look.transaction() as tx:
                    await commands.set_guard(tx, device.id, max_on_s=max_on_s, startup_state=startup)
            except Invalid as reason:
                if reason.field == "max_on_s":
                    return {"minutes": _("This must be between a second and a week.")}
                return field_errors(reason)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()
