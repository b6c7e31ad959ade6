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

    def __init__(self, name: str, state: str, *, icon: str, word: str, value: str, unit: str, at: datetime | None,
                 href: str, is_on: bool | None, asked: bool | None, reason: str, zone: str | None,
                 on_switch: Callable[[bool], Any] | None) -> None:
        super().__init__()
        self._zone, self._on_switch = zone, on_switch
        self.props['words'] = {
            'asked_on': _('Asked to switch on…'), 'asked_off': _('Asked to switch off…'), 'on': _('On'), 'off': _('Off'),
            'unknown': _('Unknown'), 'switch_on': _('Switch on'), 'switch_off': _('Switch off'), 'lang': current_language()}
        self.props['value'] = {}
        self.set(name=name, state=state, icon=icon, word=word, value=value, unit=unit, at=at, href=href, is_on=is_on,
                 asked=asked, reason=reason, switchable=on_switch is not None)
        self.on('switch', self._switched)

    def set(self, **changes: Any) -> None:
        """Send only what changed: any of name, state, icon, word, value, unit, at, href, is_on, asked, reason, switchable.

        `asked` is the wished state while the device has not answered (True/False), else None. A `datetime` for `at`.
        """
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
        desired = bool(event.args.get('on')) if isinstance(event.args, dict) else bool(event.args)
        with self._props.suspend_updates():
            self._props['value'] = {**self._props['value'], 'asked': desired}
        try:
            done = self._on_switch(desired)
            if inspect.isawaitable(done):
                await done
        except Exception as exc:  # an edge: the refusal is told on the tile itself
            self.set(asked=None, reason=explain(exc))

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        value = self._props.get('value', {})
        words = self._props.get('words', {})
        shown = [value.get('name'), value.get('word'), value.get('reason'), value.get('value')]
        if value.get('asked') is not None:
            shown.append(words['asked_on' if value['asked'] else 'asked_off'])
        elif value.get('is_on') is not None and not value.get('word'):
            shown.append(words['on' if value['is_on'] else 'off'])
        return shown


def tile(name: str, *, state: str = 'neutral', icon: str = 'device_unknown', word: str = '', value: str = '', unit: str = '',
         at: datetime | None = None, href: str = '', is_on: bool | None = None, asked: bool | None = None, reason: str = '',
         zone: str | None = None, on_switch: Callable[[bool], Any] | None = None) -> Tile:
    """Draw a tile. `state` is a badge state (colour and icon), `word` the big word (default On/Off from `is_on`).

    With `on_switch(desired)` (may be async, may raise a refusal that is then shown) the tile has a switch: pressed, it says
    "asked…" at once and takes no further tap until `set(asked=None, is_on=…)` or a refusal arrives.
    """
    return Tile(name, state, icon=icon, word=word, value=value, unit=unit, at=at, href=href, is_on=is_on, asked=asked,
                reason=reason, zone=zone, on_switch=on_switch)
