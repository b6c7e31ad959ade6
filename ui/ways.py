"""The ways between the screens of one place, in a row above them; a phone shows the first of them and "More"."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from ui.words import _

FIRST = 3
"""How many a narrow screen shows beside the one that is open; one more than these would not be worth a menu."""


@dataclass(frozen=True)
class Way:
    """One screen of the place; `label` is in the reader's words."""

    label: str
    icon: str
    href: str


def ways(found: Sequence[Way], here: str) -> None:
    """Draw the row; `here` is the address of the screen that is shown."""
    has_more = len(found) > FIRST + 1
    with ui.element('nav').classes('st-ways').props(f'aria-label="{_("Screens of this place")}"'):
        for number, way in enumerate(found):
            is_first = number < FIRST or not has_more or way.href == here
            _way(way, here).classes('' if is_first else 'is-rest')
        if has_more:
            _more(found, here)


def _way(way: Way, here: str) -> ui.element:
    link = ui.element('a').classes('st-way')
    link.props['href'] = way.href
    if way.href == here:
        link.classes('is-here').props('aria-current=page')
    with link:
        ui.icon(way.icon).props('aria-hidden=true')
        ui.label(way.label)
    return link


def _more(found: Sequence[Way], here: str) -> None:
    with ui.dialog().props('position=bottom') as sheet, ui.element('div').classes('st-sheet').props(f'role=dialog aria-modal=true aria-label="{_("Screens of this place")}"'):
        for way in found:
            _way(way, here)
    opener = ui.element('button').classes('st-way is-more').props('type=button aria-haspopup=dialog')
    opener.on('click', sheet.open)
    with opener:
        ui.icon('more_horiz').props('aria-hidden=true')
        ui.label(_('More')).classes('st-sr')
