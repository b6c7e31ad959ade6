"""The button that stops everything: at the thumb at all times, guarded against a thumb that slipped."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nicegui import ui

from ui.live import explain
from ui.words import _


class StopButton(ui.element, component=Path(__file__).parent / 'static' / 'stop_button.js'):
    """See `stop_button`."""

    def __init__(self, stop: str, sure: str, do_it: str, on_stop: Callable[[], Any]) -> None:
        super().__init__()
        self._on_stop = on_stop
        self.props['words'] = {
            'stop': stop, 'sure': sure, 'do_it': do_it, 'no': _('No, leave it as it is'), 'sent': _('It is being stopped…'),
            'away': _('No connection. Nothing was stopped: switch off by hand, or try again.'),
            'lost': _('No answer. Nobody knows whether it was stopped: look, switch off by hand, or try again.')}
        self.on('stop', self._stopped)

    async def _stopped(self) -> None:
        try:
            done = self._on_stop()
            if inspect.isawaitable(done):
                await done
        except Exception as exc:  # an edge: the person with the finger on it reads why not
            self.run_method('fail', explain(exc))
        else:
            self.run_method('done')


def stop_button(stop: str, *, sure: str, do_it: str, on_stop: Callable[[], Any]) -> StopButton:
    """Draw it at the end of a page. A tap asks (`sure`) at once, in the browser; `do_it` is the verb that does it, and lies
    where the first tap was not, so that tapping twice is no answer. `on_stop` may be async and may raise a refusal.
    """
    return StopButton(stop, sure, do_it, on_stop)
