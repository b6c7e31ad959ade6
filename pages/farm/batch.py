"""Several devices at once: chosen one by one, by room or by kind; each then tells by itself what became of it."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.farm import batches, commands, queries
from data.farm.batches import Fate, Progress, fate
from data.farm.events import DeviceChanged
from data.farm.queries import Tile
from data.farm.rules import COMMANDS, Urgency
from data.farm.tables import CommandType, Device, Farm
from data.farm.values import FULL
from pages._shell import Looker, field_errors, screen
from pages.farm._device_words import asked_words
from pages.farm._face import face
from pages.farm._progress import chosen, lines, sum_words
from pages.farm._words import COMMAND_WORDS, PICTURES, icon_of
from ui.dialog import panel
from ui.empty import empty_state, no_permission_state
from ui.form import Form, button
from ui.live import live, live_value
from ui.words import _, n_, noop

URGENCY_WORDS = {
    Urgency.HIGH: noop("Before everything else"), Urgency.NORMAL: noop("As usual"), Urgency.LOW: noop("After everything else"),
}  # fmt: skip
ONCE_MORE = frozenset({Fate.SILENT, Fate.REFUSED, Fate.TOO_LATE, Fate.CALLED_OFF})
UNITS = {CommandType.SET_VALUE: "0–255", CommandType.SET_SPEED: "%", CommandType.SET_ANGLE: "°"}


@screen("/farm/batch", title="Several at once", place="farm", permission="farm.view")
async def batch(look: Looker, farm: UUID | None = None, batch: UUID | None = None) -> None:
    assert look.frame
    async with look.transaction() as tx:
        there = await chosen(tx, farm)
    with look.frame.actions:
        button(_("All devices"), kind="quiet", icon="arrow_back", href=f"/farm?farm={there.id}")
    if batch:
        _result(look, there, batch)
    elif look.may("farm.batch", there.id):
        await _choice(look, there)
    else:
        no_permission_state()


def address(farm: Farm, batch_id: UUID | None = None) -> str:
    return f"/farm/batch?farm={farm.id}" + (f"&batch={batch_id}" if batch_id else "")


async def send(look: Looker, farm: Farm, device_ids: Sequence[UUID], command: CommandType, *, value: float | None, urgency: Urgency) -> None:
    """Ask them all, and go to where each tells what became of it."""
    async with look.transaction() as tx:
        made = await commands.command_many(tx, device_ids, command, value=value, urgency=urgency)
    ui.navigate.to(address(farm, made.batch_id))


class _Picking:
    """Which devices are chosen, and the boxes that say so."""

    def __init__(self, look: Looker, farm: Farm, tiles: Sequence[Tile]) -> None:
        self._look, self._farm = look, farm
        self._tiles = [one for one in tiles if COMMANDS[one.device.device_type] and one.device.is_active]
        self._boxes: dict[UUID, ui.checkbox] = {}
        self._states: dict[UUID, ui.label] = {}
        self._count: ui.label | None = None
        self._buttons: list[ui.button] = []
        self.urgency = Urgency.NORMAL

    @property
    def chosen(self) -> list[Device]:
        return [one.device for one in self._tiles if self._boxes[one.device.id].value]

    def draw(self) -> None:
        if not self._tiles:
            empty_state(_("There is nothing to switch here yet."), icon="checklist", action=_("All devices"), href=f"/farm?farm={self._farm.id}")
            return
        self._chips()
        with ui.element("div").classes("st-pick").props(f'role=group aria-label="{_("Devices")}"'):
            for one in self._tiles:
                self._line(one)
        with ui.element("div").classes("st-field"):
            with ui.element("label").classes("st-field-label").props("for=batch-urgency"):
                ui.label(_("How urgent is it?"))
            urgencies = {urgency: _(words) for urgency, words in URGENCY_WORDS.items()}
            ui.select(urgencies, value=self.urgency, on_change=lambda event: setattr(self, "urgency", event.value)).props("outlined dense for=batch-urgency")
        with ui.element("div").classes("st-stop"):
            self._count = ui.label().classes("st-stop-words").props("role=status")
            with ui.element("div").classes("st-row st-asks"):
                self._ask(_("Switch on"), CommandType.ON)
                self._ask(_("Switch off"), CommandType.OFF)
                if any(COMMANDS[one.device.device_type] & FULL.keys() for one in self._tiles):
                    self._buttons.append(button(_("Set…"), self._set, icon="tune"))
        self._changed()

    def push(self, tiles: Sequence[Tile]) -> None:
        """What each is now, beside its box."""
        for one in tiles:
            if (label := self._states.get(one.device.id)) is not None and label.text != (words := _state(one)):
                label.set_text(words)

    def _chips(self) -> None:
        rooms = dict.fromkeys(one.device.location for one in self._tiles if one.device.location)
        kinds = dict.fromkeys(icon_of(one.device) for one in self._tiles)
        with ui.element("div").classes("st-chips"):
            self._chip(_("All"), "select_all", [one.device for one in self._tiles])
            for room in rooms if len(rooms) > 1 else ():
                self._chip(room, "home", [one.device for one in self._tiles if one.device.location == room])
            for icon in kinds if len(kinds) > 1 else ():
                words = _(PICTURES[icon]) if icon in PICTURES else _("Others")
                self._chip(words, icon, [one.device for one in self._tiles if icon_of(one.device) == icon])

    def _chip(self, words: str, icon: str, devices: Sequence[Device]) -> None:
        """One tap chooses them all, another one none of them."""

        def choose() -> None:
            boxes = [self._boxes[device.id] for device in devices]
            is_wanted = not all(box.value for box in boxes)
            for box in boxes:
                box.value = is_wanted

        button(words, choose, icon=icon)

    def _line(self, one: Tile) -> None:
        with ui.element("div").classes("st-pick-line"):
            ui.icon(icon_of(one.device)).props("aria-hidden=true")
            where = f" · {one.device.location}" if one.device.location else ""
            self._boxes[one.device.id] = ui.checkbox(f"{one.device.name}{where}", on_change=self._changed)
            self._states[one.device.id] = ui.label(_state(one)).classes("st-soft")

    def _changed(self) -> None:
        count = len(self.chosen)
        if self._count:
            self._count.set_text(n_("{n} device is chosen.", "{n} devices are chosen.", count) if count else _("Choose devices first."))
        for one in self._buttons:
            one.set_enabled(count > 0)

    def _ask(self, words: str, command: CommandType) -> None:
        async def ask() -> None:
            try:
                made.disable()
                await send(self._look, self._farm, [one.id for one in self.chosen], command, value=None, urgency=self.urgency)
            except Refusal as reason:
                made.enable()
                ui.notify(next(iter(field_errors(reason).values())), type="negative", position="top")

        made = button(words, ask, kind="primary", icon="power_settings_new" if command is CommandType.ON else "power_off")
        self._buttons.append(made)

    def _set(self) -> None:
        chosen = self.chosen
        able = [command for command in UNITS if any(command.value in COMMANDS[device.device_type] for device in chosen)]
        if not able:
            ui.notify(_("Those that are chosen can only be switched on and off."), type="warning", position="top")
            return
        with panel(_("Set several"), n_("{n} device is chosen.", "{n} devices are chosen.", len(chosen))) as dialog:
            form = Form()
            with form:
                form.select("command", _("What?"), {one: f"{_(COMMAND_WORDS[one])} ({UNITS[one]})" for one in able}, able[0], required=True)
                form.number("value", _("Value"), minimum=0, maximum=255, required=True)

            async def submit(values: dict[str, Any]) -> dict[str, str] | None:
                try:
                    ids = [one.id for one in chosen]
                    await send(self._look, self._farm, ids, values["command"], value=values["value"], urgency=self.urgency)
                except Refusal as reason:
                    return field_errors(reason)
                dialog.close()
                return None

            form.buttons(_("Set"), submit, on_cancel=dialog.close)
        dialog.open()


def _state(one: Tile) -> str:
    shown = face(one, may_switch=False)
    return shown["word"] or (_("Unknown") if shown["is_on"] is None else _("On") if shown["is_on"] else _("Off"))


async def _choice(look: Looker, farm: Farm) -> None:
    async def ask() -> Sequence[Tile]:
        async with look.transaction() as tx:
            return await queries.tiles(tx, farm_id=farm.id)

    picking = _Picking(look, farm, await ask())
    picking.draw()
    live_value(ask, picking.push, look.topic(DeviceChanged, farm_id=farm.id), minimum_interval_s=1.0)


def _result(look: Looker, farm: Farm, batch_id: UUID) -> None:
    async def ask() -> Progress:
        async with look.transaction() as tx:
            return await batches.progress(tx, batch_id)

    def show(found: Progress) -> None:
        first = found.lines[0][1]
        with ui.element("section").classes("st-card"):
            ui.label(asked_words(first)).classes("st-h2").props("role=heading aria-level=2")
            ui.label(sum_words(found, is_stop=False)).classes("st-trouble-words").props("role=status")
            lines(found, farm.time_zone, is_stop=False)
        again = list(_open_ends(found))
        with ui.element("div").classes("st-row"):
            if again and look.may("farm.batch", farm.id):
                words = n_("Ask {n} once more", "Ask {n} once more", len(again))
                button(words, lambda: _ask_again(look, farm, again, found), kind="primary", icon="replay")
            if look.may("farm.batch", farm.id):
                button(_("Choose others"), icon="checklist", href=address(farm))

    live(ask, show, look.topic(DeviceChanged, farm_id=farm.id), minimum_interval_s=0.4)


def _open_ends(found: Progress) -> Iterable[UUID]:
    return (device.id for device, command in found.lines if device.deleted_at is None and fate(device, command) in ONCE_MORE)


async def _ask_again(look: Looker, farm: Farm, device_ids: Sequence[UUID], found: Progress) -> None:
    command = found.lines[0][1]
    value = (command.command_params or {}).get("value")
    try:
        await send(look, farm, device_ids, command.command_type, value=value, urgency=Urgency.HIGH if command.priority > 0 else Urgency.NORMAL)
    except Refusal as reason:
        ui.notify(next(iter(field_errors(reason).values())), type="negative", position="top")
