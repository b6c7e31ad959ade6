"""Find anything by typing: Ctrl-K opens it, arrows move, Enter goes there."""
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from nicegui import ui

from ui.words import _


@dataclass(frozen=True)
class Found:
    """One answer of a search: what it is called, what kind of thing it is, and where it opens."""

    label: str
    href: str
    detail: str = ''
    icon: str = 'arrow_forward'


Search = Callable[[str], Awaitable[Sequence[Found]]]


def search_field(search: Search) -> None:
    """The field in the top bar and the dialog it opens. `search(text)` gets what was typed, trimmed, at least 1 letter."""
    asked = {'text': ''}

    with ui.dialog().props('position=top').classes('st-palette-dialog') as dialog, \
            ui.element('div').classes('st-palette').props(f'role=search aria-label="{_("Search")}"'):
        field = ui.input(placeholder=_('Search units, devices, orders, people…')).props('outlined dense autofocus clearable debounce=120')
        field.props['aria-label'] = _('Search')
        results = ui.element('div').classes('st-palette-results').props('role=listbox')

    async def look() -> None:
        text = (field.value or '').strip()
        asked['text'] = text
        if not text:
            results.clear()
            return
        try:
            found = await asyncio.wait_for(search(text), 5)
        except TimeoutError:
            found = []
        if asked['text'] != text:
            return
        with results.clear():
            for one in found[:12]:
                link = ui.element('a').classes('st-found').props('role=option')
                link.props['href'] = one.href
                with link:
                    ui.icon(one.icon).props('aria-hidden=true')
                    ui.label(one.label).classes('st-found-label')
                    ui.label(one.detail).classes('st-soft')
            if not found:
                ui.label(_('Nothing found for “{text}”', text=text)).classes('st-soft st-palette-none')

    field.on_value_change(look)
    opener = ui.element('button').classes('st-search').props('type=button aria-haspopup=dialog data-palette')
    opener.props['aria-label'] = _('Search')
    opener.on('click', dialog.open)
    with opener:
        ui.icon('search').props('aria-hidden=true')
        ui.label(_('Search')).classes('st-search-text')
        ui.element('kbd').classes('st-kbd')
