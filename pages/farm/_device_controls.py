"""A device is switched, turned down or turned round; what was asked is shown as asked until the device itself says so."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from nicegui import events, ui

from data.core.time import now
from data.farm import commands, queries
from data.farm.events import DeviceChanged, FarmChanged
from data.farm.queries import Asked
from data.farm.queries_device import Seen, seen
from data.farm.rules import COMMANDS, NEVER, Limits
from data.farm.tables import CommandStatus, CommandType, Device, Farm
from data.farm.values import FULL
from pages._shell import Looker
from pages.farm._device_words import asked_words, value_words, who_words
from pages.farm._faces import Faces
from pages.farm._words import STATUS_STATES, STATUS_WORDS, reason_of
from ui.age import age
from ui.badge import badge
from ui.form import button
from ui.live import live_value
from ui.words import _, clock, moment, noop, number, percent

PRESETS = {
    CommandType.SET_VALUE: (0, 64, 128, 191, 255), CommandType.SET_SPEED: (0, 25, 50, 75, 100), CommandType.SET_ANGLE: (0, 45, 90, 135, 180),
}  # fmt: skip
WAY_WORDS = {
    CommandType.SET_SPEED: noop("Speed"), CommandType.SET_VALUE: noop("Value"), CommandType.SET_ANGLE: noop("Angle"),
}  # fmt: skip
WAYS = (CommandType.SET_SPEED, CommandType.SET_VALUE, CommandType.SET_ANGLE)
ANSWERS_WITHIN_S = 2
"""After this an unanswered wish is worth noticing."""


async def controls(look: Looker, device: Device, farm: Farm) -> None:
    """The tile, what is under way, and all else that this kind of device can be asked."""
    faces = Faces(look)

    async def ask_tiles() -> Sequence[queries.Tile]:
        async with look.transaction() as tx:
            return await queries.tiles(tx, device.id)

    for one in await ask_tiles():
        faces.draw(one, farm.time_zone)
    live_value(ask_tiles, faces.push, look.topic(DeviceChanged, device_id=device.id))
    if not COMMANDS[device.device_type]:
        return
    panel = _Panel(look, device.id, farm)

    async def ask() -> Seen:
        async with look.transaction() as tx:
            return await seen(tx, device.id)

    panel.draw(await ask())
    topics = look.topic(DeviceChanged, device_id=device.id), look.topic(FarmChanged, farm_id=farm.id)
    live_value(ask, panel.push, *topics)


class _Panel:
    """What stands below the tile. It is drawn once; afterwards only what changed is put in."""

    def __init__(self, look: Looker, device_id: UUID, farm: Farm) -> None:
        self._look, self._device_id, self._farm = look, device_id, farm
        self._may = look.may("farm.switch", farm.id)
        self._setters: list[_Setter] = []
        self._shown: tuple[Any, ...] = ()
        self._switches: ui.element | None = None

    def draw(self, now_seen: Seen) -> None:
        device = now_seen.device
        with ui.element("section").classes("st-card"):
            self._standing = ui.element("div").classes("st-stack").props("role=status")
            ways = [way for way in WAYS if way.value in COMMANDS[device.device_type]]
            if self._may:
                for way in ways[:1]:
                    self._setters.append(_Setter(self, way, now_seen))
                for way in ways[1:]:
                    with ui.expansion(_("Set it from 0 to 255")).classes("st-fold"):
                        self._setters.append(_Setter(self, way, now_seen))
                if "toggle" in COMMANDS[device.device_type]:
                    with ui.element("div").classes("st-row") as self._switches:  # the tile has them where its switch is not certain
                        button(_("Switch on"), lambda: self.ask(CommandType.ON), kind="quiet", icon="power_settings_new")
                        button(_("Switch off"), lambda: self.ask(CommandType.OFF), kind="quiet", icon="power_off")
                        button(_("Switch over"), lambda: self.ask(CommandType.TOGGLE), kind="quiet", icon="swap_horiz")
            else:
                ui.label(_("You may look at this device. Somebody who looks after the farm may switch it.")).classes("st-soft")
        self.push(now_seen)

    def push(self, now_seen: Seen) -> None:
        """Say what is different now."""
        last = now_seen.last.command if now_seen.last else None
        device = now_seen.device
        key = (
            last and (last.id, last.status, last.attempt_count, last.expires_at), device.is_online, device.is_active,
            now_seen.farm.is_stopped, device.value, device.is_on,
        )  # fmt: skip
        for setter in self._setters:
            setter.push(now_seen)
        if self._switches:
            self._switches.set_visibility(device.is_online and device.is_on is not None and device.is_active)
        if key != self._shown:
            self._shown = key
            with self._standing.clear():
                self._stand(now_seen)

    def _stand(self, now_seen: Seen) -> None:
        device = now_seen.device
        if now_seen.farm.is_stopped:
            badge("critical", _("The farm is stopped: nothing can be switched on."))
        if not device.is_active:
            badge("neutral", _("Out of use: it is asked nothing."), icon="block")
        if now_seen.open:
            self._under_way(now_seen, now_seen.open)
        elif now_seen.last:
            self._ended(now_seen.last)
        else:
            ui.label(_("Nothing has been asked of it yet.")).classes("st-soft")

    def _under_way(self, now_seen: Seen, asked: Asked) -> None:
        command, zone = asked.command, self._farm.time_zone
        with ui.element("div").classes("st-row"):
            badge(STATUS_STATES[command.status], _(STATUS_WORDS[command.status]))
            ui.label(asked_words(command)).classes("st-item-words")
            ui.label(who_words(command, asked.person, asked.schedule)).classes("st-soft")
        with ui.element("div").classes("st-row st-soft"):
            match command.status:
                case CommandStatus.QUEUED if not now_seen.device.is_online and command.expires_at >= NEVER:
                    ui.label(_("The device is away. It is asked as soon as it is back, however late."))
                case CommandStatus.QUEUED if not now_seen.device.is_online:
                    ui.label(_("The device is away. This waits for it until {time}.", time=_until(command.expires_at, zone)))
                case CommandStatus.QUEUED if command.attempt_count:
                    ui.label(_("Its network could not be reached yet; it is tried again."))
                case CommandStatus.QUEUED:
                    ui.label(_("It is handed to its network."))
                case CommandStatus.SENT:
                    ui.label(_("The device has been asked and has not answered yet."))
                    age(command.sent_at or command.requested_at, zone, stale_after_s=ANSWERS_WITHIN_S)
                case CommandStatus.EXECUTING:
                    ui.label(_("The device says that it is at it."))
        if self._may and command.status is CommandStatus.QUEUED:
            button(_("Call it off"), lambda: self._cancel(command.id), icon="undo")

    def _ended(self, asked: Asked) -> None:
        command = asked.command
        with ui.element("div").classes("st-row"):
            badge(STATUS_STATES[command.status], _(STATUS_WORDS[command.status]))
            ui.label(asked_words(command)).classes("st-item-words")
            ui.label(who_words(command, asked.person, asked.schedule)).classes("st-soft")
            age(command.completed_at or command.requested_at, self._farm.time_zone)
        if reason := reason_of(command.error_message, command.error_values):
            ui.label(reason).classes("st-soft" if command.status is CommandStatus.CANCELED else "st-field-error")

    async def ask(self, command_type: CommandType, value: float | None = None) -> None:
        """A wish of the person in front of the screen."""
        async with self._look.command() as tx:
            await commands.command(tx, self._device_id, command_type, value=value)

    async def _cancel(self, command_id: UUID) -> None:
        async with self._look.command() as tx:
            await commands.cancel(tx, command_id)


class _Setter:
    """A slider, a field for the exact number, and a few usual ones: moved here it is a draft, and asked for by the button."""

    def __init__(self, panel: _Panel, way: CommandType, now_seen: Seen) -> None:
        self._panel, self._way = panel, way
        self._least, self._most = _range(way, now_seen.limits.get(way))
        self._confirmed: float | None = None
        word = _(WAY_WORDS[way])
        with ui.element("div").classes("st-stack").props(f'role=group aria-label="{word}"'):
            with ui.element("div").classes("st-row"):
                ui.label(word).classes("st-field-label")
                self._said = ui.label().classes("st-soft")
            start = self._value(now_seen)
            self._slider = ui.slider(min=self._least, max=self._most, step=1, value=start).props(f'aria-label="{word}" label color=primary thumb-size=28px track-size=8px')
            self._slider.on_value_change(self._slid)
            with ui.element("div").classes("st-row"):
                for preset in PRESETS[way]:
                    if self._least <= preset <= self._most or (preset == 0 and way is not CommandType.SET_ANGLE):
                        button(_short(way, preset), lambda preset=preset: panel.ask(way, preset))
            with ui.element("div").classes("st-row"):
                self._field = ui.number(value=start, min=self._least, max=self._most, precision=0)
                self._field.props(f'outlined dense inputmode=decimal aria-label="{word}" suffix="{_unit(way)}"').classes("st-narrow")
                self._field.on_value_change(self._typed)
                self._button = button(_("Set"), self._ask, kind="primary", icon="check")
            if (self._least, self._most) != (0, FULL[way]):
                ui.label(_("It may be set from {low} to {high}.", low=number(self._least), high=number(self._most))).classes("st-field-help")

    def push(self, now_seen: Seen) -> None:
        """What the device says; a draft that somebody is moving stays where it is."""
        confirmed = self._confirmed_by(now_seen)
        self._said.set_text("" if confirmed is None else _("The device says: {value}", value=value_words(self._way, confirmed)))
        if confirmed is not None and confirmed != self._confirmed:
            self._slider.set_value(self._value(now_seen))
        self._confirmed = confirmed

    def _confirmed_by(self, now_seen: Seen) -> float | None:
        """A pwm output says one number, which is the same part of a whole in each of its units."""
        value, unit = now_seen.device.value, now_seen.value_command
        return None if value is None else round(float(value) * FULL[self._way] / FULL[unit], 1)

    def _value(self, now_seen: Seen) -> float:
        value = self._confirmed_by(now_seen)
        return min(max(self._least if value is None else round(value), self._least), self._most)

    def _slid(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if self._field.value != event.value:
            self._field.set_value(event.value)

    def _typed(self, event: events.ValueChangeEventArguments[Any]) -> None:
        value = event.value
        if value is not None and self._least <= value <= self._most and self._slider.value != value:
            self._slider.set_value(value)

    async def _ask(self) -> None:
        await self._panel.ask(self._way, None if self._field.value is None else float(self._field.value))


def _range(way: CommandType, limits: Limits | None) -> tuple[float, float]:
    low, high = (limits.low, limits.high) if limits else (None, None)
    return float(low or Decimal(0)), float(FULL[way] if high is None else high)


def _short(way: CommandType, value: float) -> str:
    """A preset's words: off, a part of the whole, or an angle."""
    if way is CommandType.SET_ANGLE:
        return f"{number(value)}°"
    return _("Off") if value == 0 else percent(value / FULL[way])


def _unit(way: CommandType) -> str:
    return {CommandType.SET_VALUE: _("of 255"), CommandType.SET_SPEED: "%", CommandType.SET_ANGLE: "°"}[way]


def _until(at: Any, zone: str) -> str:
    return clock(at, zone) if (at - now()).total_seconds() < 12 * 3600 else moment(at, zone)
