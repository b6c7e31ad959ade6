"""The phones of the arborists: who asks to be let in, who is in, who is out."""

from collections.abc import Sequence

from nicegui import ui

from data.trees.commands import devices as commands
from data.trees.events import PhoneChanged
from data.trees.queries import devices as known
from data.trees.tables import Device
from data.trees.words import DeviceRole, DeviceStatus
from pages._shell import Looker, screen
from pages.trees._words import DEVICE_STATES, DEVICE_WORDS, ROLE_WORDS
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _


@screen("/trees/devices", title="Phones", place="trees", permission="trees.approve_device")
async def devices(look: Looker) -> None:
    async def ask() -> Sequence[Device]:
        async with look.transaction() as tx:
            return await known.devices(tx)

    def show(found: Sequence[Device]) -> None:
        if not found:
            empty_state(
                _("No phone has asked to be let in."),
                _("Make a secret for tree phones under Machines and enter it in the app with this address; the phone then appears here."),
                icon="phone_android", action=_("Machines"), href="/machines",
            )  # fmt: skip
        for device in found:
            _card(look, device)

    live(ask, show, look.topic(PhoneChanged), minimum_interval_s=0.5)


def _card(look: Looker, device: Device) -> None:
    name = device.device_name or device.device_id
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(name).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.label(" · ".join(filter(None, (device.device_id, device.app_version))))
                age(device.last_seen_at, look.time_zone)
                if device.status is DeviceStatus.APPROVED:
                    ui.label(_(ROLE_WORDS[device.role]))
        badge(DEVICE_STATES[device.status], _(DEVICE_WORDS[device.status]))
        if device.status is not DeviceStatus.APPROVED or device.role is DeviceRole.ADMIN:
            _let_in(look, device, DeviceRole.ARBORIST)
        if device.status is not DeviceStatus.APPROVED or device.role is DeviceRole.ARBORIST:
            _let_in(look, device, DeviceRole.ADMIN)
        if device.status is not DeviceStatus.REVOKED:
            button(_("Lock out"), lambda: _lock_out(look, device, name), kind="quiet")


def _let_in(look: Looker, device: Device, role: DeviceRole) -> None:
    async def approve() -> None:
        async with look.command() as tx:
            await commands.approve(tx, device.id, role=role)

    is_in, is_plain = device.status is DeviceStatus.APPROVED, role is DeviceRole.ARBORIST
    words = (_("Make arborist") if is_in else _("Let in")) if is_plain else (_("Make administrator") if is_in else _("Let in as administrator"))
    button(words, approve, kind="plain" if is_plain and not is_in else "quiet")


async def _lock_out(look: Looker, device: Device, name: str) -> None:
    is_sure = await confirm(
        _("Lock this phone out?"), _("It cannot come in any more, and others may take its open jobs."), action=_("Lock out"), goes=[name]
    )
    if is_sure:
        async with look.command() as tx:
            await commands.revoke(tx, device.id)
