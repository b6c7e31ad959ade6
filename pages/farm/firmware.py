"""The firmware that somebody vouches for, by model: which devices run it, which run something older, and a new release."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.farm import queries
from data.farm.commands import firmware as commands
from data.farm.commands.firmware_rollouts import start_rollout, stop_rollout
from data.farm.events import DeviceChanged, DeviceRegistered, FirmwareChanged
from data.farm.queries_firmware import Release, Rolled, releases, rollouts
from data.farm.rules.firmware import STAGES, TOLD_BY
from data.farm.tables import Device, Dialect, Farm, RolloutStatus
from pages._shell import Looker, field_errors, screen
from pages.farm._device_words import DIALECT_WORDS
from ui.age import age
from ui.badge import State, badge
from ui.dialog import confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.slowed import Slowed
from ui.words import _, n_, noop, number

MOST_NAMED = 12
ROLLOUT_WORDS: Mapping[RolloutStatus, tuple[State, str]] = {
    RolloutStatus.RUNNING: ("waiting", noop("It is being given")), RolloutStatus.DONE: ("ok", noop("All have it")),
    RolloutStatus.STOPPED: ("critical", noop("Stopped")),
}  # fmt: skip


@screen("/farm/firmware", title="Firmware", place="farm", permission="farm.view")
async def firmware(look: Looker) -> None:
    assert look.frame
    may = look.may("farm.edit")
    if may:
        with look.frame.actions:
            button(_("Add firmware"), lambda: _add(look), kind="primary", icon="add")

    async with look.transaction() as tx:
        farms = {farm.id: farm for farm in await queries.farms(tx) if look.may("farm.edit", farm.id) and look.may("farm.batch", farm.id)}

    async def ask() -> tuple[Sequence[Release], Sequence[Rolled]]:
        async with look.transaction() as tx:
            return await releases(tx), await rollouts(tx)

    topics = look.topic(FirmwareChanged), look.topic(DeviceRegistered), Slowed(look.topic(DeviceChanged), 5.0)
    live(ask, lambda found: _show(look, *found, farms, may), *topics, minimum_interval_s=1.0)


def _show(look: Looker, found: Sequence[Release], given: Sequence[Rolled], farms: Mapping[UUID, Farm], may: bool) -> None:
    if not found:
        text = _("Add a version that was tried, and the address of its file. Devices of its model can then be given it from their own pages.")
        if may:
            empty_state(_("No firmware is listed yet."), text, icon="system_update_alt", action=_("Add firmware"), on_action=lambda: _add(look))
        else:
            empty_state(_("No firmware is listed yet."), icon="system_update_alt")
    for one in found:
        _card(look, one, [rolled for rolled in given if rolled.rollout.release_id == one.release.id], farms, may)


def _card(look: Looker, one: Release, given: Sequence[Rolled], farms: Mapping[UUID, Farm], may: bool) -> None:
    release = one.release
    with ui.element("section").classes("st-card"):
        with ui.element("article").classes("st-item is-flat"):
            with ui.element("div").classes("st-item-main"):
                ui.label(f"{release.model} · {release.version}").classes("st-item-words").props("role=heading aria-level=2")
                with ui.element("div").classes("st-row st-soft"):
                    ui.label(_(DIALECT_WORDS[release.dialect]))
                    if release.size_bytes:
                        ui.label(_("{n} bytes", n=number(release.size_bytes)))
                    if one.by:
                        ui.label(one.by)
                    age(release.created_at)
            if may:
                button(_("Take it off the list"), partial(_remove, look, one), kind="quiet", icon="delete")
        if may:  # an address may have a key in it
            ui.label(release.url).classes("st-soft st-note")
        if release.sha256:
            ui.label(f"SHA-256 {release.sha256}").classes("st-soft st-note")
        if release.notes:
            ui.label(release.notes)
        if one.running:
            with ui.element("div").classes("st-row"):
                badge("ok", n_("{n} device runs it", "{n} devices run it", len(one.running)))
        if one.older:
            with ui.element("div").classes("st-row"):
                badge("waiting", n_("{n} device does not run it yet", "{n} devices do not run it yet", len(one.older)))
            _named(one.older)
        for rolled in given:
            _rolled(look, rolled, may=rolled.farm.id in farms)
        busy = {rolled.farm.id for rolled in given if rolled.rollout.status is RolloutStatus.RUNNING}
        if waiting := [farms[each] for each in dict.fromkeys(device.farm_id for device in one.older) if each in farms and each not in busy]:
            button(_("Give it to all on a farm"), partial(_give_all, look, one, waiting), icon="dynamic_feed")
        if not one.running and not one.older:
            ui.label(_("No device here is of this model.")).classes("st-soft")


def _rolled(look: Looker, one: Rolled, *, may: bool) -> None:
    """How far a roll-out is, and why it is no further."""
    rollout, total = one.rollout, len(one.rollout.boards)
    state, words = ROLLOUT_WORDS[rollout.status]
    with ui.element("div").classes("st-item is-flat").props("role=status"):
        badge(state, _(words)).classes("is-wrapping")
        with ui.element("div").classes("st-item-main"):
            ui.label(one.farm.name).classes("st-item-words")
            ui.label(_("{done} of {total} boards have it", done=number(one.done), total=number(total)))
            if rollout.status is RolloutStatus.RUNNING:
                share = number(STAGES[rollout.stage - 1])
                ui.label(_("Stage {n} of 3: {share} % of the boards", n=number(rollout.stage), share=share)).classes("st-soft")
            elif one.stopped_for:
                ui.label(_("{name} did not come back as it should.", name=one.stopped_for.name))
                ui.link(_("Look at it"), f"/farm/devices/{one.stopped_for.id}/settings")
            age(rollout.ended_at or rollout.created_at, one.farm.time_zone)
        if may and rollout.status is RolloutStatus.RUNNING:
            button(_("Stop it"), lambda: _stop(look, one), kind="danger", icon="stop")


async def _stop(look: Looker, one: Rolled) -> None:
    async with look.command() as tx:
        await stop_rollout(tx, one.rollout.id)


def _give_all(look: Looker, one: Release, farms: Sequence[Farm]) -> None:
    """To a tenth first, then to half, then to all: choose where and when."""
    text = _("A tenth of the boards gets it first, what animals depend on comes last. The next stage begins when all of one have been back for ten minutes; it stops by itself when one does not come back.")
    with panel(_("Give {version} to all?", version=one.release.version), text) as dialog:
        form = Form()
        with form:
            form.select("farm_id", _("Farm"), {farm.id: farm.name for farm in farms}, farms[0].id if len(farms) == 1 else None, required=True)
            form.select(
                "when", _("When"), {"nightly": _("At night, between 02:00 and 04:00"), "now": _("Now")}, "nightly", required=True, help=_("By the farm's clock.")
            )  # fmt: skip
            form.check(
                "may_be_on", _("Also while it is on"), help=_("Where animals live, a board otherwise waits until its outputs are off.")
            )  # fmt: skip

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await start_rollout(tx, values["farm_id"], one.release.id, nightly=values["when"] == "nightly", may_be_on=values["may_be_on"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Begin"), send, on_cancel=dialog.close)
    dialog.open()


def _named(devices: Sequence[Device]) -> None:
    with ui.element("div").classes("st-row"):
        for device in devices[:MOST_NAMED]:
            ui.link(device.name, f"/farm/devices/{device.id}/settings").classes("st-item-words")
        if len(devices) > MOST_NAMED:
            ui.label(_("and {n} more", n=number(len(devices) - MOST_NAMED))).classes("st-soft")


async def _add(look: Looker) -> None:
    async with look.transaction() as tx:
        models = sorted({one.model.strip() for one in await queries.devices(tx) if one.model and TOLD_BY[one.dialect.value]})
    with panel(_("Add firmware"), _("Devices fetch the file themselves from its address. Try it at one device first.")) as dialog:
        form = Form()
        with form:
            form.select("dialect", _("It speaks"), {one: _(DIALECT_WORDS[one]) for one in Dialect if TOLD_BY[one.value]}, Dialect.TASMOTA, required=True)
            known = _("Known here: {models}.", models=", ".join(models[:8])) if models else _("As it stands at the devices.")
            form.text("model", _("Model"), models[0] if len(models) == 1 else "", required=True, help=known)
            form.text("version", _("Version"), required=True, placeholder="14.3.0", help=_("As the device will report it."))
            form.text(
                "url", _("Address of the file"), required=True, placeholder="https://",
                help=_("With https. Tasmota on an ESP8266 mostly cannot fetch so: give it a file in the house's own network, such as http://192.168.1.5/tasmota.bin.gz."),
            )  # fmt: skip
            form.number("size_bytes", _("Size"), unit=_("bytes"), minimum=1, decimals=0, help=_("Needed by devices on Steading's own topics."))
            form.text("sha256", "SHA-256", help=_("Needed by devices on Steading's own topics. Tasmota does not check it."))
            form.text("notes", _("What is new"))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    size = None if values["size_bytes"] is None else int(values["size_bytes"])
                    await commands.add_release(tx, **values | {"dialect": Dialect(values["dialect"]), "size_bytes": size})
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Add it"), send, on_cancel=dialog.close)
    dialog.open()


async def _remove(look: Looker, one: Release) -> None:
    text = _("Nobody is offered it any more. Devices that run it keep it.")
    if await confirm(_("Take it off the list?"), text, action=_("Take it off the list"), goes=[f"{one.release.model} {one.release.version}"]):
        async with look.command() as tx:
            await commands.remove_release(tx, one.release.id)
