"""The ways between the screens of one place, in a row above them; on a phone the row is pushed sideways by a thumb."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from ui.words import _


@dataclass(frozen=True)
class Way:
    """One screen of the place; `label` is in the reader's words."""

    label: str
    icon: str
    href: str


def ways(found: Sequence[Way], here: str) -> None:
    """Draw the row; `here` is the address of the screen that is shown."""
    with ui.element('nav').classes('st-ways').props(f'aria-label="{_("Screens of this place")}"'):
        for way in found:
            link = ui.element('a').classes('st-way')
            link.props['href'] = way.href
            if way.href == here:
                link.classes('is-here').props('aria-current=page')
            with link:
                ui.icon(way.icon).props('aria-hidden=true')
                ui.label(way.label)
