"""Rows below one another are put in order by dragging them at their grip; beside that there are buttons for whoever does not drag."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import events, ui


class Sortable(ui.element, component=Path(__file__).parent / 'static' / 'ordered.js'):
    """See `sortable`. Its name in the browser is another, for NiceGUI has a part of that name, which boards are arranged with."""

    def __init__(self, on_moved: Callable[[int, int], None]) -> None:
        super().__init__()

        def moved(event: events.GenericEventArguments) -> None:
            sent = event.args if isinstance(event.args, dict) else {}
            start, end = sent.get('from'), sent.get('to')
            count = len(self.default_slot.children)
            if type(start) is int and type(end) is int and 0 <= start < count and 0 <= end < count:
                on_moved(start, end)

        self.on('moved', moved)


def sortable(on_moved: Callable[[int, int], None]) -> Sortable:
    """An ordered list; each row put into it is a `li` with a `grip()`. `on_moved(from, to)` draws the rows anew, in their new order."""
    return Sortable(on_moved)


def grip() -> ui.element:
    """What a row is taken by. It is for pointers only, so a row needs buttons too."""
    with ui.element('span').classes('st-grip').props('aria-hidden=true') as made:
        ui.icon('drag_indicator')
    return made
