"""The air of a room: one word in its colour and shape, the number, and what else is measured there."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nicegui import ui

from ui.badge import State
from ui.words import _, current_language, full_moment


@dataclass(frozen=True)
class More:
    """Something else that is measured in the room: an icon, what it is, and its value with its unit."""

    icon: str
    label: str
    text: str


class Air(ui.element, component=Path(__file__).parent / 'static' / 'air.js'):
    """See `air`."""

    def __init__(self, name: str, zone: str | None, href: str, link_word: str) -> None:
        super().__init__()
        self._zone = zone
        self._shown: dict[str, Any] = {
            'name': name, 'lang': current_language(), 'old_word': _('This is old.'), 'href': href, 'link_word': link_word}
        self.props['value'] = dict(self._shown)

    def set(self, *, word: str, icon: str, state: State, value: str = '', unit: str = '', more: Sequence[More] = (),
            at: datetime | None = None, is_old: bool = False) -> Air:
        """Say how it is now; only what is different travels. `is_old` where nothing has been measured lately."""
        now: dict[str, Any] = {'word': word, 'icon': icon, 'state': state, 'value': value, 'unit': unit, 'more': [asdict(one) for one in more],
               'at': None, 'at_title': '', 'is_old': is_old}
        if at is not None:
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            now |= {'at': int(at.timestamp() * 1000), 'at_title': full_moment(at, self._zone)}
        changes = {key: value for key, value in now.items() if self._shown.get(key) != value}
        self._shown |= changes
        with self._props.suspend_updates():
            self._props['value'] = dict(self._shown)
        if changes:
            self.run_method('set', changes)
        return self

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        return [self._shown.get('word'), self._shown.get('value'), *(one['text'] for one in self._shown.get('more', ()))]


def air(name: str, *, zone: str | None = None, href: str = '', link_word: str = '') -> Air:
    """Draw it, and say how it is with `set`. `name` is the room's, for screen readers; it may open `href`, called `link_word`."""
    return Air(name, zone, href, link_word)
