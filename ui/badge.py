"""A state in one glance: an icon, a word and a colour, never the colour alone."""
from __future__ import annotations

from typing import Literal

from nicegui import ui

from ui.words import _, noop

State = Literal['ok', 'warning', 'critical', 'offline', 'waiting', 'neutral']

ICONS: dict[str, str] = {'ok': 'check_circle', 'warning': 'warning', 'critical': 'error', 'offline': 'cloud_off',
                         'waiting': 'schedule', 'neutral': 'circle'}
WORDS: dict[str, str] = {'ok': noop('OK'), 'warning': noop('Warning'), 'critical': noop('Critical'),
                         'offline': noop('Offline'), 'waiting': noop('Waiting'), 'neutral': noop('None')}


def badge(state: State, text: str = '', *, icon: str = '') -> ui.element:
    """One of the five states (or 'neutral' for a mere label); `text` defaults to the state's own word."""
    with ui.element('span').classes(f'st-badge is-{state}') as box:
        ui.icon(icon or ICONS[state]).props('aria-hidden=true')
        ui.label(text or _(WORDS[state]))
    return box


def dot(state: State, text: str = '') -> ui.element:
    """A small coloured shape for dense lists; the word is there for screen readers and as a tooltip."""
    word = text or _(WORDS[state])
    with ui.element('span').classes(f'st-dot is-{state}').props(f'role=img aria-label="{word}" title="{word}"') as box:
        ui.icon(ICONS[state]).props('aria-hidden=true')
    return box
