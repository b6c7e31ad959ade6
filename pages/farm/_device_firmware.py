"""What a device runs, what there is newer for it, and how it comes by that: now, or in the night when nobody works."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.core.time import now, zone
from data.farm.commands import firmware as commands
from data.farm.events import DeviceChanged, DeviceRegistered, FirmwareChanged
from data.farm.queries_device import firmware_available
from data.farm.queries_firmware import Firmware, firmware_of
from data.farm.rules.firmware import CANNOT, goes_back, night
from data.farm.tables import Device, Farm, FirmwareRelease, FirmwareUpdate, UpdateStatus
from pages._shell import Looker, field_errors
from pages.farm._device_parts import still
from pages.farm._device_state import said
from pages.farm._words import reason_of
from ui.age import age
from ui.badge import State, badge
from ui.dialog import panel
from ui.form import Form, button
from ui.slowed import Slowed
from ui.words import _, clock, moment, noop

UPDATE_WORDS: dict[UpdateStatus, tuple[State, str]] = {
    UpdateStatus.ASKED: ("waiting", noop("Waits for its time")), UpdateStatus.TOLD: ("waiting", noop("The device was told")),
    UpdateStatus.RESTARTING: ("waiting", noop("Installed, it starts anew")), UpdateStatus.DONE: ("ok", noop("Installed")),
    UpdateStatus.FAILED: ("warning", noop("Not installed")), UpdateStatus.TIMEOUT: ("critical", noop("Not installed in time")),
    UpdateStatus.CANCELED: ("neutral", noop("Called off")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Known:
    found: Firmware
    told_of: str | None

    def key(self) -> tuple[Any, ...]:
        """What is worth drawing it anew."""
        last, newest, device = self.found.last, self.found.newest, self.found.device
        return (
            device.firmware_version, device.model, device.dialect, self.told_of, newest and newest.id, last and (last.id, last.status, last.claimed_until_at),
            tuple(one.id for one in self.found.older), self.found.standing.is_under_way,
        )  # fmt: skip


def firmware_card(look: Looker, device: Device, farm: Farm) -> None:
    """A card that keeps itself current."""

    async def ask() -> _Known:
        async with look.transaction() as tx:
            return _Known(await firmware_of(tx, device.id), await firmware_available(tx, device.id))

    own = look.topic(DeviceChanged, device_id=device.id), look.topic(DeviceRegistered, device_id=device.id)
    board = Slowed(look.topic(DeviceChanged, farm_id=farm.id), 5.0)
    still(ask, _Known.key, lambda known: _show(look, known, farm), *own, board, look.topic(FirmwareChanged))


def _show(look: Looker, known: _Known, farm: Farm) -> None:
    found, may = known.found, look.may("farm.edit", farm.id)
    device, best = found.device, found.newest
    with ui.element("section").classes("st-card"):
        ui.label(_("Firmware")).classes("st-h2").props("role=heading aria-level=2")
        with ui.element("div").classes("st-facts"):
            said(_("Runs now"), device.firmware_version)
            said(_("Newer one"), best.version if best else known.told_of or _("none known"))
        with ui.element("div").classes("st-soft"):
            age(device.last_heartbeat_at, farm.time_zone, prefix=_("Last heard") + " ")
        if found.last:
            _update(look, found, found.last, farm, may)
        if words := CANNOT.get(device.dialect.value):
            ui.label(_(words)).classes("st-soft")
            return
        if best and best.notes:
            ui.label(best.notes).classes("st-soft")
        if not device.model:
            ui.label(_("Say first of which model it is: firmware is listed by model.")).classes("st-soft")
        with ui.element("div").classes("st-row"):
            if best and may and device.is_active and not found.standing.is_under_way:
                button(_("Install {version}", version=best.version), lambda: _give(look, device, [best], farm), icon="system_update_alt")
            if found.older and look.may("farm.downgrade", farm.id) and device.is_active and not found.standing.is_under_way:
                button(_("Go back to an older version"), lambda: _give(look, device, found.older, farm), kind="quiet", icon="history")
            button(_("List of firmware"), kind="quiet", icon="list", href="/farm/firmware")


def _update(look: Looker, found: Firmware, last: FirmwareUpdate, farm: Farm, may: bool) -> None:
    """The last update of its board, under way or ended."""
    state, words = UPDATE_WORDS[last.status]
    with ui.element("div").classes("st-item is-flat").props("role=status"):
        badge(state, _(words)).classes("is-wrapping")
        with ui.element("div").classes("st-item-main"):
            ui.label(_("Firmware {version}", version=last.version)).classes("st-item-words")
            if last.status is UpdateStatus.ASKED and last.not_before_at > now():
                ui.label(_times(last, farm)).classes("st-soft")
            if last.older_because:
                ui.label(_("An older version, because: {reason}", reason=last.older_because)).classes("st-soft")
            if reason := reason_of(last.error_message, last.error_values):
                ui.label(reason)
            with ui.element("div").classes("st-row st-soft"):
                if found.asked_by:
                    ui.label(found.asked_by)
                age(last.ended_at or last.restarted_at or last.told_at or last.created_at, farm.time_zone)
        if may and last.status is UpdateStatus.ASKED and last.claimed_until_at is None:
            button(_("Call it off"), lambda: _cancel(look, last), kind="quiet", icon="close")


def _times(last: FirmwareUpdate, farm: Farm) -> str:
    begin, end = moment(last.not_before_at, farm.time_zone), clock(last.expires_at, farm.time_zone)
    return _("Between {begin} and {end}, when nothing speaks against it.", begin=begin, end=end)


async def _cancel(look: Looker, last: FirmwareUpdate) -> None:
    async with look.command() as tx:
        await commands.cancel_update(tx, last.id)


async def _give(look: Looker, device: Device, offered: Sequence[FirmwareRelease], farm: Farm) -> None:
    """Say what happens to its output meanwhile, and when it shall be; of what is older, which of them and why."""
    async with look.transaction() as tx:
        standing = (await firmware_of(tx, device.id)).standing
    begins, ends = night(now(), zone(farm.time_zone))
    text = _("It fetches the file itself and starts anew. For a few minutes it does nothing that it is asked, and all outputs of its board may be off.")
    is_older = goes_back(device.firmware_version, offered[0].version)
    question = _("Go back to an older version at {name}?", name=device.name) if is_older else _("Install {version} at {name}?", version=offered[0].version, name=device.name)
    with panel(question, text) as dialog:
        if standing.is_on:
            with ui.element("div").classes("st-row"):
                badge("warning", _("An output of its board is on, or may be"), icon="bolt").classes("is-wrapping")
        tonight = _("Tonight, between {begin} and {end}", begin=moment(begins, farm.time_zone), end=clock(ends, farm.time_zone))
        form = Form()
        with form:
            if is_older:
                form.select("release", _("Version"), {one.id: one.version for one in offered}, offered[0].id, required=True)
                form.text(
                    "older_because", _("Why"), required=True, lines=2,
                    help=_("Older firmware may have faults that were mended since. What you write stays in the event log."),
                )  # fmt: skip
            form.select(
                "when", _("When"), {"tonight": tonight, "now": _("Now")}, "tonight", required=True,
                help=_("By the farm's clock. It waits for the device, for the end of an emergency stop, and for an answer to what was asked."),
            )  # fmt: skip
            if standing.has_animals:
                form.check(
                    "may_be_on", _("Also while it is on"), help=_("Animals live on this farm. Without this it waits until its outputs are off.")
                )  # fmt: skip

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.update_firmware(
                        tx, device.id, values.get("release") or offered[0].id, tonight=values["when"] == "tonight",
                        may_be_on=bool(values.get("may_be_on")), older_because=values.get("older_because"),
                    )  # fmt: skip
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Install it"), send, on_cancel=dialog.close)
    dialog.open()
