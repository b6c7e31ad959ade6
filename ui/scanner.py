"""A phone's camera reads the square code on a label, where its browser can; elsewhere one types."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nicegui import events, ui

from ui.words import _


class Scanner(ui.element, component=Path(__file__).parent / 'static' / 'scanner.js'):
    """See `scanner`."""

    def __init__(self, on_scanned: Callable[[str], Any]) -> None:
        super().__init__()
        self.props['words'] = {
            'scan': _('Scan the code'), 'stop': _('Stop the camera'), 'looking': _('What the camera sees'),
            'failed': _('The camera cannot be used. Type the number instead.'),
        }

        async def scanned(event: events.GenericEventArguments) -> None:
            answer = on_scanned(str(event.args)[:500])
            if answer is not None:
                await answer

        self.on('scanned', scanned)


def scanner(on_scanned: Callable[[str], Any]) -> Scanner:
    """A button that opens the camera; `on_scanned(text)` (may be async) gets what the first code says, and the camera closes."""
    return Scanner(on_scanned)
