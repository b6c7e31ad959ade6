"""Every farm with its rooms: a tile a device, one tap to switch it, one button to stop everything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from nicegui import ui

from data.farm import commands, queries
from data.farm.events import DeviceChanged, DeviceRegistered, FarmChanged
from data.farm.queries import Tile as Known
from data.farm.tables import DeviceType, Farm
from pages._shell import Looker, screen
from pages.farm import _downloads  # noqa: F401 - its route
from pages.farm._forms import add_device, describe_farm
from pages.farm._words import face
from ui.badge import badge
from ui.dialog import confirm
from ui.empty import empty_state
from ui.form import button
from ui.live import live, live_value
from ui.tile import Tile, tile
from ui.words import _, n_


@dataclass(frozen=True, slots=True)
class _Seen:
    farms: Sequence[Farm]
    tiles: Sequence[Known]


class Faces:
    """The tiles on one screen and what each shows, so that only what changed is sent."""

    def __init__(self, look: Looker) -> None:
        self._look = look
        self._shown: dict[UUID, tuple[Tile, dict[str, Any]]] = {}

    def draw(self, one: Known, zone: str) -> Tile:
        """A new tile."""
        shown = self._face(one)
        drawn = {key: value for key, value in shown.items() if key != "switchable"}
        is_relay = one.device.device_type is DeviceType.RELAY
        made = tile(**drawn, zone=zone, on_switch=self._switch(one.device.id) if is_relay else None)
        if is_relay and not shown["switchable"]:
            made.set(switchable=False)
        self._shown[one.device.id] = made, shown
        return made

    def push(self, tiles: Sequence[Known]) -> None:
        """Tell the tiles what is different now."""
        for one in tiles:
            if (held := self._shown.get(one.device.id)) is None:
                continue
            made, before = held
            shown = self._face(one)
            if changes := {key: value for key, value in shown.items() if before.get(key) != value}:
                made.set(**changes)
            self._shown[one.device.id] = made, shown

    def _face(self, one: Known) -> dict[str, Any]:
        return face(one, may_switch=self._look.may("farm.switch", one.device.farm_id))

    def _switch(self, device_id: UUID) -> Callable[[bool], Any]:
        async def switch(on: bool) -> None:
            shown = self._shown[device_id][1]
            shown |= {"asked": on, "reason": ""}  # the browser shows it already
            try:
                async with self._look.transaction() as tx:
                    await commands.switch(tx, device_id, on=on)
            except Exception:  # an edge: the tile takes it back and says why
                shown["asked"] = None
                raise

        return switch


@screen("/farm", title="Farm", place="farm", permission="farm.view")
async def devices(look: Looker, farm: UUID | None = None) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("Schedules"), icon="schedule", href="/farm/schedules")
        if look.actor.scopes("farm.edit") is None:
            button(_("Add a farm"), lambda: describe_farm(look), icon="add")

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            farms = [await queries.farm(tx, farm)] if farm else await queries.farms(tx)
            return _Seen(farms, await queries.tiles(tx))

    def show(seen: _Seen) -> None:
        if not seen.farms:
            _nothing_yet(look)
            return
        faces = Faces(look)
        for one in seen.farms:
            _farm(look, one, [known for known in seen.tiles if known.device.farm_id == one.id], faces)

        async def ask_again() -> Sequence[Known]:
            async with look.transaction() as tx:
                return await queries.tiles(tx)

        live_value(ask_again, faces.push, look.topic(DeviceChanged), minimum_interval_s=0.3)

    if farm:
        button(_("All farms"), kind="quiet", icon="arrow_back", href="/farm")
    live(ask, show, look.topic(FarmChanged), look.topic(DeviceRegistered), minimum_interval_s=0.5)


def _nothing_yet(look: Looker) -> None:
    if look.actor.scopes("farm.edit") is None:
        empty_state(
            _("There are no farms yet."), _("Add the first one, then its relays and probes."), icon="agriculture",
            action=_("Add a farm"), on_action=lambda: describe_farm(look),
        )  # fmt: skip
    else:
        empty_state(_("There is no farm that you look after yet."), _("Ask a manager to add you to one."), icon="agriculture")


def _farm(look: Looker, farm: Farm, tiles: Sequence[Known], faces: Faces) -> None:
    with ui.element("section").classes("st-stack"):
        with ui.element("div").classes("st-head"):
            with ui.element("div").classes("st-stack").style("gap: 0; flex: 1 1 200px"):
                ui.label(farm.name).classes("st-h2").props("role=heading aria-level=2")
                if farm.location:
                    ui.label(farm.location).classes("st-soft")
            if look.may("farm.edit", farm.id):
                button(_("Add a device"), lambda: add_device(look, farm), kind="quiet", icon="add")
                button(_("Edit"), lambda: describe_farm(look, farm), kind="quiet", icon="edit")
            relays = [known for known in tiles if known.device.device_type is DeviceType.RELAY]
            if farm.is_stopped and look.may("farm.stop_all", farm.id):
                button(_("Let the farm go on"), lambda: _go_on(look, farm), kind="primary", icon="play_arrow")
            elif relays and look.may("farm.stop_all", farm.id):
                names = sorted(known.device.name for known in relays)
                button(_("Emergency stop"), lambda: _stop(look, farm, names), kind="danger", icon="dangerous")
        if farm.is_stopped:
            with ui.element("div").classes("st-row").props("role=status"):
                badge("critical", _("Stopped"))
                ui.label(_("The farm is stopped. Nothing is switched on until somebody lets it go on."))
        if not tiles:
            can = look.may("farm.edit", farm.id)
            empty_state(
                _("No devices here yet."), _("Add a relay or a probe that runs Tasmota.") if can else "", icon="sensors",
                action=_("Add a device") if can else "", on_action=lambda: add_device(look, farm),
            )  # fmt: skip
        has_rooms = any(known.device.location for known in tiles)
        for room, members in groupby(tiles, key=lambda known: known.device.location or ""):
            if has_rooms:
                ui.label(room or _("Elsewhere")).classes("st-soft").props("role=heading aria-level=3")
            with ui.element("div").classes("st-tiles"):
                for known in members:
                    faces.draw(known, farm.time_zone)


async def _go_on(look: Looker, farm: Farm) -> None:
    if await confirm(
        _("Let {farm} go on?", farm=farm.name), _("Devices can be switched on again, and schedules run. What is off stays off until then."),
        action=_("Let the farm go on"), danger=False,
    ):  # fmt: skip
        async with look.command() as tx:
            await commands.go_on(tx, farm.id)


async def _stop(look: Looker, farm: Farm, names: Sequence[str]) -> None:
    is_sure = await confirm(
        _("Switch off everything on {farm}?", farm=farm.name), _("Every relay is asked to switch off at once:"),
        action=_("Switch everything off"), goes=names,
    )  # fmt: skip
    if not is_sure:
        return
    stopped = commands.Stopped((), ())
    async with look.command() as tx:
        stopped = await commands.stop_all(tx, farm.id)
    if stopped.asked:
        ui.notify(n_("{n} device is asked to switch off.", "{n} devices are asked to switch off.", len(stopped.asked)), position="top")
    if stopped.unreachable:
        ui.notify(
            _("Offline, switch off by hand: {names}", names=", ".join(stopped.unreachable)), type="warning", position="top",
            timeout=0, close_button=_("Close"),
        )  # fmt: skip

