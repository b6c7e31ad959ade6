"""A farm and its devices are described in a panel over the tiles."""

import secrets
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.farm import commands
from data.farm.events import DeviceRegistered
from data.farm.queries_device import retired
from data.farm.tables import Device, DeviceType, Dialect, Farm
from pages._shell import Looker, field_errors
from pages.farm._device_words import DIALECT_WORDS, TYPE_WORDS
from pages.farm._login import show_login
from pages.farm._words import PICTURES
from ui.age import age
from ui.dialog import panel
from ui.form import Form, button
from ui.live import live
from ui.words import _, noop, time_zones

TOPIC_HELP = {
    Dialect.TASMOTA: noop("In Tasmota: Configuration, MQTT, Topic."), Dialect.ESPHOME: noop("As it stands in its configuration."),
    Dialect.HOME_ASSISTANT: noop("As it announced itself."), Dialect.STEADING: noop("The device's own name in its topics."),
    Dialect.GATEWAY: noop("The name by which its gateway knows it."),
}  # fmt: skip
EASY = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mistakes for each other on a phone."""


def describe_farm(look: Looker, farm: Farm | None = None) -> None:
    """Add a farm, or say anew what it is and where."""
    with panel(_("Edit the farm") if farm else _("Add a farm")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), farm.name if farm else "", required=True)
            form.text("location", _("Place"), (farm.location or "") if farm else "")
            form.select(
                "time_zone", _("Time zone"), time_zones(farm.time_zone if farm else "Asia/Phnom_Penh"), farm.time_zone if farm else "Asia/Phnom_Penh", required=True, search=True,
                help=_("Schedules run by this clock."),
            )  # fmt: skip
            form.number("latitude", _("Latitude"), farm.latitude if farm else None, unit="°", minimum=-90, maximum=90)
            form.number("longitude", _("Longitude"), farm.longitude if farm else None, unit="°", minimum=-180, maximum=180)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    if farm:
                        await commands.edit_farm(tx, farm.id, description=farm.description, **values)
                    else:
                        await commands.create_farm(tx, **values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
        if farm:
            button(_("Settings of the farm"), kind="quiet", icon="tune", href=f"/farm/settings?farm={farm.id}")
    dialog.open()


def add_device(look: Looker, farm: Farm) -> None:
    """Hang up a new device; what it signs in with is shown at once."""
    with panel(_("Add a device"), farm.name) as dialog:
        form = Form()
        with form:
            kinds = {kind: _(words) for kind, words in TYPE_WORDS.items()}
            form.select("device_type", _("What is it?"), kinds, DeviceType.RELAY, required=True)
            form.text("name", _("Name"), required=True, placeholder=_("Fan"))
            form.text("location", _("Room"), placeholder=_("House 1"))
            _pictured(form, None)
            _spoken(form, f"farm-{''.join(secrets.choice(EASY) for _n in range(6))}", 1, Dialect.TASMOTA, None, None)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    device = await commands.register_device(tx, farm.id, **values)
                    made = await commands.first_login(tx, device.id)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            if made:
                await show_login(device, made)
            return None

        form.buttons(_("Add the device"), send, on_cancel=dialog.close)
        _taken_down(look, farm)
    dialog.open()


def _taken_down(look: Looker, farm: Farm) -> None:
    """What was here before, and may be hung up again with its past."""

    async def ask() -> Sequence[Device]:
        async with look.transaction() as tx:
            return await retired(tx, farm.id)

    def show(found: Sequence[Device]) -> None:
        if found:
            ui.label(_("Taken down, with their past:")).classes("st-soft")
        for one in found:
            with ui.element("div").classes("st-item is-flat"), ui.element("div").classes("st-item-main"):
                ui.link(one.name, f"/farm/devices/{one.id}").classes("st-item-words")
                with ui.element("div").classes("st-soft"):
                    ui.label(one.location or one.topic)
                    age(one.deleted_at, farm.time_zone)

    live(ask, show, look.topic(DeviceRegistered), skeleton=lambda: None)


def edit_device(look: Looker, device: Device) -> None:
    """Rename a device, move it, or say where at the broker it is found."""
    with panel(_("Edit the device")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), device.name, required=True)
            form.text("location", _("Room"), device.location or "")
            _pictured(form, device.icon)
            _spoken(form, device.topic, device.output, device.dialect, device.model, device.hardware_id)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.edit_device(tx, device.id, **values | {"dialect": Dialect(values["dialect"])})
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _pictured(form: Form, icon: str | None) -> None:
    form.select("icon", _("Picture"), {name: _(words) for name, words in PICTURES.items()}, icon if icon in PICTURES else None)


def _spoken(form: Form, topic: str, output: int, dialect: Dialect, model: str | None, hardware_id: str | None) -> None:
    form.select("dialect", _("It speaks"), {one: _(words) for one, words in DIALECT_WORDS.items()}, dialect, required=True)
    form.text("topic", _("Topic"), topic, required=True, help=_(TOPIC_HELP[dialect]))
    form.number("output", _("Output"), output, minimum=1, maximum=32, decimals=0, required=True, help=_("1, unless the board has several."))
    form.text("model", _("Model"), model or "")
    form.text("hardware_id", _("Serial number"), hardware_id or "")
