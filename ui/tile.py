"""A device as a tile: its name, one big word for its state, its newest value, and a switch that answers at once."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nicegui import events, ui

from ui.live import explain
from ui.words import _, current_language, full_moment


class Tile(ui.element, component=Path(__file__).parent / 'static' / 'device_tile.js'):
    """See `tile`."""

    def __init__(self, shown: dict[str, Any], *, zone: str | None, on_switch: Callable[[bool], Any] | None,
                 on_call_off: Callable[[], Any] | None) -> None:
        super().__init__()
        self._zone, self._on_switch, self._on_call_off = zone, on_switch, on_call_off
        self.props['words'] = {
            'asked_on': _('Asked to switch on…'), 'asked_off': _('Asked to switch off…'), 'on': _('On'), 'off': _('Off'),
            'unknown': _('Unknown'), 'switch_on': _('Switch on'), 'switch_off': _('Switch off'), 'confirmed': _('The device has confirmed it.'),
            'slow': _('No answer from the device yet, {seconds} s.'), 'unheard': _('Steading has not heard it yet, {seconds} s.'),
            'lost': _('No connection. Nobody knows whether it was asked. Look, and tap again.'),
            'away': _('No connection. It was not asked.'), 'call_off': _('Call it off'), 'lang': current_language()}
        self.props['value'] = {}
        self.set(**shown)
        self.on('switch', self._switched)
        self.on('call_off', self._called_off)

    def set(self, **changes: Any) -> None:
        """Send only what changed: anything that `tile` takes, and `switchable`. A `datetime` for `at`."""
        if isinstance(at := changes.get('at'), datetime):
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            changes['at'] = int(at.timestamp() * 1000)
            changes['at_title'] = full_moment(at, self._zone)
        with self._props.suspend_updates():
            self._props['value'] = {**self._props['value'], **changes}
        self.run_method('set', changes)

    async def _switched(self, event: events.GenericEventArguments) -> None:
        if self._on_switch is None:
            return
        sent = event.args if isinstance(event.args, dict) else {'on': event.args}
        desired = bool(sent.get('on'))
        with self._props.suspend_updates():
            self._props['value'] = {**self._props['value'], 'asked': desired}
        if await self._done(lambda: self._on_switch(desired) if self._on_switch else None):
            self.run_method('heard', sent.get('tap'))

    async def _called_off(self) -> None:
        if self._on_call_off is not None:
            await self._done(self._on_call_off)

    async def _done(self, handler: Callable[[], Any]) -> bool:
        try:
            done = handler()
            if inspect.isawaitable(done):
                await done
        except Exception as exc:  # an edge: the refusal is told on the tile itself
            self.set(asked=None, reason=explain(exc))
            return False
        return True

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        value = self._props.get('value', {})
        words = self._props.get('words', {})
        shown = [value.get('name'), value.get('word'), value.get('reason'), value.get('value'), value.get('waits'), value.get('note')]
        if value.get('asked') is not None:
            shown.append(words['asked_on' if value['asked'] else 'asked_off'])
        elif value.get('is_on') is not None and not value.get('word'):
            shown.append(words['on' if value['is_on'] else 'off'])
        return shown


def tile(name: str, *, state: str = 'neutral', icon: str = 'device_unknown', word: str = '', value: str = '', unit: str = '',
         at: datetime | None = None, href: str = '', is_on: bool | None = None, asked: bool | None = None, reason: str = '',
         zone: str | None = None, on_switch: Callable[[bool], Any] | None = None, on_call_off: Callable[[], Any] | None = None,
         **more: Any) -> Tile:
    """Draw a tile. `state` is a badge state (colour and icon), `word` the big word (default On/Off from `is_on`).

    With `on_switch(desired)` (may be async, may raise a refusal that is then shown) the tile has a switch: pressed, it says
    "asked…" in the same frame and takes no further tap until `set(asked=None, is_on=…)` or a refusal arrives; after two
    seconds it says that there is no answer yet, and another tap asks for the opposite. `more` may hold `asked_s` (for how many
    seconds it has been asked), `asking` (other words for the wish), `waits` (it waits for a device that is away, and until when),
    `can_call_off`, `is_sure=False` (nobody knows whether it is on: two buttons instead of a switch), `is_row` (a line, not a
    tile) and `note` with its `note_state` and `note_icon`.
    """
    return Tile({'name': name, 'state': state, 'icon': icon, 'word': word, 'value': value, 'unit': unit, 'at': at, 'href': href,
                 'is_on': is_on, 'asked': asked, 'reason': reason, 'switchable': on_switch is not None, **more},
                zone=zone, on_switch=on_switch, on_call_off=on_call_off)
