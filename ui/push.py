"""Whether this browser may be woken: one button that asks the person, and what stands in the way where something does."""
from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nicegui import events, ui

from ui.live import explain
from ui.words import _


class PushSwitch(ui.element, component=Path(__file__).parent / 'static' / 'push.js'):
    """See `push_switch`."""

    def __init__(self, key: str, on_allowed: Callable[[Mapping[str, Any]], Any]) -> None:
        super().__init__()
        self.props['applicationServerKey'] = key
        self.props['words'] = {
            'allow': _('Allow in this browser'), 'on': _('This browser is woken.'), 'denied': _('This browser was told not to. Change that in its settings for this page.'),
            'unsupported': _('This browser cannot be woken. On an iPhone, put Steading on the home screen first.'),
            'insecure': _('Browsers allow this on secure pages (https) only.'), 'failed': _('The browser could not arrange it: {reason}'),
        }
        self._on_allowed = on_allowed
        self.on('allowed', self._allowed)

    async def _allowed(self, event: events.GenericEventArguments) -> None:
        try:
            done = self._on_allowed(event.args if isinstance(event.args, dict) else {})
            if inspect.isawaitable(done):
                await done
        except Exception as exc:  # an edge: told to the person where they tapped
            self.run_method('fail', explain(exc))


def push_switch(key: str, on_allowed: Callable[[Mapping[str, Any]], Any]) -> PushSwitch:
    """Ask this browser to be woken by messages signed with `key` (65 bytes, base64url).

    `on_allowed({endpoint, keys: {p256dh, auth}})` runs when the person has allowed it, and again whenever the page is opened in
    a browser that is allowed already, so that what the server knows of it stays current.
    """
    return PushSwitch(key, on_allowed)
