"""Devices that have announced themselves: taken into a room with a name, or left alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.farm import queries
from data.farm.commands import discoveries as commands
from data.farm.events import DeviceAnnounced, DeviceRegistered
from data.farm.queries_discoveries import Announced, announced
from data.farm.rules.topics import discovery_of
from data.farm.tables import Farm
from pages._shell import Looker, field_errors, screen
from pages.farm._words import QUANTITY_WORDS
from ui.age import age
from ui.badge import badge
from ui.dialog import copyable, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, n_, noop, number

KIND_WORDS = {"relay": noop("Switch"), "pwm": noop("Adjustable"), "servo": noop("Flap")}
KIND_ICONS = {"relay": "power_settings_new", "pwm": "tune", "servo": "settings"}


@dataclass(frozen=True, slots=True)
class _Seen:
    waiting: Sequence[Announced]
    dismissed: Sequence[Announced]


@screen("/farm/discoveries", title="New devices", place="farm", permission="farm.edit")
async def discoveries(look: Looker, farm: UUID | None = None) -> None:
    async with look.transaction() as tx:
        farms = [one for one in await queries.farms(tx) if look.may("farm.edit", one.id)]
    shown = [one for one in farms if farm in (None, one.id)]

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            waiting, dismissed = await announced(tx), await announced(tx, are_dismissed=True)
        of_these = {one.id for one in shown}
        return _Seen([one for one in waiting if one.farm.id in of_these], [one for one in dismissed if one.farm.id in of_these])

    def show(seen: _Seen) -> None:
        if not seen.waiting:
            empty_state(
                _("No new device waits."), _("What announces itself as Home Assistant has it (Zigbee2MQTT, ESPHome and others) appears here."),
                icon="travel_explore",
            )  # fmt: skip
        for one in seen.waiting:
            _card(look, one, farms)
        if seen.dismissed:
            ui.label(_("Not wanted")).classes("st-h2").props("role=heading aria-level=2")
            for one in seen.dismissed:
                _dismissed(look, one)

    live(ask, show, look.topic(DeviceAnnounced), look.topic(DeviceRegistered), minimum_interval_s=1.0)
    for one in shown:
        _how(one, several=len(shown) > 1)


def _card(look: Looker, one: Announced, farms: Sequence[Farm]) -> None:
    with ui.element("section").classes("st-card"), ui.element("article").classes("st-item is-flat"):
        badge("waiting", _("Waits"))
        with ui.element("div").classes("st-item-main"):
            ui.label(one.discovery.name or one.discovery.identifier).classes("st-item-words").props("role=heading aria-level=2")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(" · ".join(filter(None, (one.described.model, one.farm.name))))
                age(one.discovery.first_seen_at, one.farm.time_zone, prefix=_("since") + " ")
            for part in one.outputs:
                with ui.element("div").classes("st-row"):
                    ui.icon(KIND_ICONS[part.kind]).classes("st-matter-icon").props("aria-hidden=true")
                    ui.label(" · ".join(filter(None, (_(KIND_WORDS[part.kind]), part.name))))
            if one.measures:
                with ui.element("div").classes("st-row"):
                    ui.icon("device_thermostat").classes("st-matter-icon").props("aria-hidden=true")
                    ui.label(_("Measures {things}", things=_measured(one)))
            if left_out := [name for names in one.described.left_out.values() for name in names]:
                ui.label(_("Cannot be used here: {things}", things=", ".join(left_out))).classes("st-soft")
        button(_("Not wanted"), partial(_dismiss, look, one), kind="quiet", icon="close")
        button(_("Take in"), partial(_take_in, look, one, farms), kind="primary", icon="check")


def _dismissed(look: Looker, one: Announced) -> None:
    async def again() -> None:
        async with look.command() as tx:
            await commands.want_again(tx, one.discovery.id)

    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(one.discovery.name or one.discovery.identifier).classes("st-item-words")
            ui.label(" · ".join(filter(None, (one.described.model, one.farm.name)))).classes("st-soft")
        button(_("Let it wait again"), again, kind="quiet", icon="undo")


async def _dismiss(look: Looker, one: Announced) -> None:
    async with look.command() as tx:
        await commands.dismiss(tx, one.discovery.id)
        with look.page:
            ui.notify(_("{name} will not be offered again. It stands below.", name=one.discovery.name or one.discovery.identifier), position="top")


def _take_in(look: Looker, one: Announced, farms: Sequence[Farm]) -> None:
    name = one.discovery.name or ""
    with panel(_("Take in {name}", name=name), _("What is left without a name stays out.")) as dialog:
        form, keys = Form(), {f"part_{n}": part.id for n, part in enumerate(one.outputs)}
        with form:
            if len(farms) > 1:
                form.select("farm_id", _("Farm"), {farm.id: farm.name for farm in farms}, one.farm.id, required=True, search=len(farms) > 8)
            form.text("location", _("Room"), one.described.area, placeholder=_("House 1"))
            for n, (key, part) in enumerate(zip(keys, one.outputs, strict=True), start=1):
                usual = f"{name} {part.name}".strip() if part.name else name if len(one.outputs) == 1 else f"{name} {number(n)}"
                form.text(key, _("Name of the switch {part}", part=part.name) if part.name else _("Name of the switch"), usual)
            if one.measures:
                usual = f"{name} · {_measured(one)}" if one.outputs else name
                form.text(commands.MEASURED, _("Name of the probe"), usual, help=_("Measures {things}", things=_measured(one)))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            names = {part_id: values[key] for key, part_id in keys.items()} | {commands.MEASURED: values.get(commands.MEASURED, "")}
            try:
                async with look.transaction() as tx:
                    made = await commands.approve(
                        tx, one.discovery.id, farm_id=values.get("farm_id", one.farm.id), location=values["location"], names=names
                    )
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            with look.page:
                ui.notify(n_("{n} device was taken in.", "{n} devices were taken in.", len(made)), type="positive", position="top")
            return None

        form.buttons(_("Take in"), send, on_cancel=dialog.close)
    dialog.open()


def _measured(one: Announced) -> str:
    return ", ".join(_(QUANTITY_WORDS.get(kind, kind)).lower() for kind in one.measures)


def _how(farm: Farm, *, several: bool) -> None:
    """What somebody types into a bridge, so that what is behind it appears here."""
    title = _("How devices of {farm} get here", farm=farm.name) if several else _("How devices get here")
    with ui.expansion(title, icon="help").classes("st-card"):
        with ui.element("ol"):
            for step in (
                _("Add the bridge or the box itself as a device that speaks Home Assistant or ESPHome. Its topic is the first word of all its topics."),
                _("Type its user and password into it."),
                _("Set its discovery prefix to this:"),
            ):
                with ui.element("li"):
                    ui.label(step)
        copyable(discovery_of(farm.id))
