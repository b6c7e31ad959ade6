"""How one device is set up: its name and place, its limits, how it is brought in tune, how it signs in, and its end."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nicegui import ui

from data.farm import commands, queries
from data.farm.events import DeviceChanged, DeviceRegistered
from data.farm.queries_device import Kept, any_device, settings_now
from data.farm.rules import SWITCHED
from data.farm.tables import Device, Farm
from pages._shell import Looker, screen
from pages.farm._device_calibration import calibration_card
from pages.farm._device_firmware import firmware_card
from pages.farm._device_parts import still
from pages.farm._device_settings import guard_form, settings_card
from pages.farm._device_state import said
from pages.farm._device_words import DIALECT_WORDS, STARTUP_WORDS, TYPE_WORDS, guard_words
from pages.farm._forms import edit_device
from pages.farm._login import login
from ui.badge import badge
from ui.dialog import confirm
from ui.form import button
from ui.words import _, number, span


@dataclass(frozen=True, slots=True)
class _Known:
    device: Device
    kept: dict[str, Kept]

    def key(self) -> tuple[Any, ...]:
        """What is worth drawing it anew."""
        device = self.device
        return (
            device.updated_at, device.own_max_on_s, sorted(device.latest),
            sorted(one.config.id for one in self.kept.values()),
        )  # fmt: skip


@screen("/farm/devices/{device_id:uuid}/settings", title="Device settings", place="farm", permission="farm.view")
async def device_settings(look: Looker, device_id: UUID) -> None:
    async with look.transaction() as tx:
        found = await any_device(tx, device_id)
        farm = await queries.farm(tx, found.farm_id)
    assert look.frame
    look.frame.set_title(_("Settings of {name}", name=found.name))
    with look.frame.actions:
        button(_("Back to the device"), kind="quiet", icon="arrow_back", href=f"/farm/devices/{device_id}")
    if found.deleted_at:
        ui.navigate.to(f"/farm/devices/{device_id}")
        return

    async def ask() -> _Known:
        async with look.transaction() as tx:
            return _Known(await queries.device(tx, device_id), await settings_now(tx, device_id))

    topics = look.topic(DeviceChanged, device_id=device_id), look.topic(DeviceRegistered, device_id=device_id)
    still(ask, _Known.key, lambda known: _show(look, known, farm), *topics)
    login(look, found)


def _show(look: Looker, known: _Known, farm: Farm) -> None:
    with ui.element("div").classes("st-columns"):
        with ui.element("div").classes("st-stack"):
            _described(look, known.device, farm)
            if known.device.device_type.value in SWITCHED:
                _guarded(look, known.device, farm)
            firmware_card(look, known.device, farm)
        with ui.element("div").classes("st-stack"):
            settings_card(look, known.device, farm, known.kept)
            calibration_card(look, known.device, farm, known.kept)


def _described(look: Looker, device: Device, farm: Farm) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("The device")).classes("st-h2").props("role=heading aria-level=2")
        if not device.is_active:
            badge("neutral", _("Out of use"), icon="block")
        with ui.element("div").classes("st-facts"):
            said(_("Name"), device.name)
            said(_("Room"), device.location)
            said(_("Kind"), _(TYPE_WORDS[device.device_type]))
            said(_("It speaks"), _(DIALECT_WORDS[device.dialect]))
            said(_("Topic"), device.topic)
            said(_("Output"), number(device.output))
            said(_("Model"), device.model)
            said(_("Serial number"), device.hardware_id)
        if look.may("farm.edit", farm.id):
            with ui.element("div").classes("st-row"):
                button(_("Edit"), lambda: edit_device(look, device), icon="edit")
                if device.is_active:
                    button(_("Put it out of use"), lambda: _use(look, device, is_active=False), kind="quiet", icon="block")
                else:
                    button(_("Use it again"), lambda: _use(look, device, is_active=True), kind="primary", icon="play_arrow")
                button(_("Take it down"), lambda: _retire(look, device), kind="quiet", icon="delete")


async def _use(look: Looker, device: Device, *, is_active: bool) -> None:
    text = _("It is asked nothing, and nobody is told that it is away. What its schedules want comes to nothing, which is told.")
    if is_active or await confirm(_("Put {name} out of use?", name=device.name), text, action=_("Put it out of use"), danger=False):
        async with look.command() as tx:
            await commands.use_device(tx, device.id, is_active=is_active)


async def _retire(look: Looker, device: Device) -> None:
    goes = [_("its schedules"), _("its password")]
    text = _("Its past stays, and it can be hung up again. This goes for good:")
    if await confirm(_("Take {name} down?", name=device.name), text, action=_("Take it down"), goes=goes):
        async with look.command() as tx:
            await commands.remove_device(tx, device.id)
            ui.navigate.to(f"/farm/devices/{device.id}")


def _guarded(look: Looker, device: Device, farm: Farm) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("How long it may be on")).classes("st-h2").props("role=heading aria-level=2")
        with ui.element("div").classes("st-facts"):
            said(_("At most at a stretch"), span(device.max_on_s) if device.max_on_s else _("as long as it takes"))
            startup = _(STARTUP_WORDS[device.startup_state]) if device.startup_state else _("the device decides")
            said(_("After it had no power"), startup)
        if device.max_on_s:
            face, words = guard_words(device)
            with ui.element("div"):
                badge(face, words, icon="shield" if face == "ok" else "").classes("is-wrapping")
        if look.may("farm.edit", farm.id):
            button(_("Change"), lambda: guard_form(look, device), icon="timer")
