"""What a screen says when there is nothing, nothing yet, no right, or no luck: an icon, a sentence, and a next step."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import ui

from ui.words import _


def _state(icon: str, title: str, text: str, kind: str) -> ui.element:
    with ui.element('div').classes(f'st-state is-{kind}') as box:
        ui.icon(icon).classes('st-state-icon').props('aria-hidden=true')
        ui.label(title).classes('st-state-title')
        if text:
            ui.label(text).classes('st-state-text')
    return box


def empty_state(title: str, text: str = '', *, icon: str = 'inbox', action: str = '',
                on_action: Callable[[], Any] | None = None, href: str = '') -> ui.element:
    """Nothing here, and what to do next. `action` is the button's word; it runs `on_action` or opens `href`."""
    with _state(icon, title, text, 'empty') as box:
        if action:
            next_step = ui.button(action, on_click=on_action).props('unelevated no-caps')
            if href:
                next_step.props(f'href="{href}" type=a')
    return box


def error_state(text: str, *, retry: Callable[[], Any] | None = None, title: str = '') -> ui.element:
    """It did not work, said in plain words; `retry` offers to try once more."""
    with _state('cloud_off', title or _('This could not be loaded'), text, 'error') as box:
        box.props('role=alert')
        if retry:
            ui.button(_('Try again'), icon='refresh', on_click=lambda: retry()).props('outline no-caps')
    return box


def no_permission_state(text: str = '') -> ui.element:
    """The reader may not see this; says whom to ask rather than what failed."""
    return _state('lock', _('You do not have access to this'),
                  text or _('Ask an administrator of your organization if you need it.'), 'locked')


def loading_state(lines: int = 3) -> ui.element:
    """A quiet placeholder of `lines` bars while the first answer is on its way."""
    with ui.element('div').classes('st-loading').props(f'role=status aria-label="{_("Loading")}"') as box:
        for _line in range(lines):
            ui.element('div').classes('st-loading-bar')
    return box
