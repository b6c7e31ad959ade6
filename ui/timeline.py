"""Days below one another, each from midnight to midnight, with bars for what happens in them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

HOURS = (0, 6, 12, 18, 24)
NARROWEST = 0.003
"""What lasts for a moment is still seen."""


@dataclass(frozen=True)
class DayLine:
    """One day: its name, and its bars as (from, to) in parts of the day, 0 to 1. `words` says the same for those who do not see it."""

    name: str
    bars: Sequence[tuple[float, float]]
    words: str


def timeline(days: Sequence[DayLine]) -> ui.element:
    """Draw them, the hours beneath."""
    box = ui.element('div').classes('st-days')
    with box:
        for one in days:
            with ui.element('div').classes('st-days-line'):
                ui.label(one.name).classes('st-days-name')
                bars = ''.join(
                    f'<rect x="{start * 1000:.1f}" width="{max(end - start, NARROWEST) * 1000:.1f}" y="0" height="16"></rect>'
                    for start, end in one.bars
                )
                ui.html(f'<svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true">{bars}</svg>', sanitize=False) \
                    .classes('st-days-bar').props(f'role=img aria-label="{one.name}: {one.words}"')
        with ui.element('div').classes('st-days-line').props('aria-hidden=true'):
            ui.label('').classes('st-days-name')
            with ui.element('div').classes('st-days-hours'):
                for hour in HOURS:
                    ui.label(f'{hour:02}')
    return box
