"""To hear and to see: recordings from the field, and photographs that open large."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nicegui import ui

from ui.words import _


@dataclass(frozen=True)
class Photo:
    """An image: the address of the whole, of a small version if there is one, and words for who cannot see it."""

    src: str
    caption: str = ''
    small_src: str = ''


def audio(src: str, *, label: str = '') -> ui.element:
    """A player with the browser's own controls; nothing is loaded before it is pressed."""
    with ui.element('div').classes('st-stack') as box:
        if label:
            ui.label(label).classes('st-soft')
        player = ui.element('audio').classes('st-audio').props('controls preload=none')
        player.props['src'] = src
        player.props['aria-label'] = label or _('Recording')
    return box


class Photos(ui.element, component=Path(__file__).parent / 'static' / 'photos.js'):
    """See `photos`."""

    def __init__(self, pictures: Sequence[Photo], label: str) -> None:
        super().__init__()
        self.props['label'] = label or _('Photographs')
        self.props['words'] = {'close': _('Close'), 'next': _('Next'), 'previous': _('Previous'), 'photo': _('Photograph')}
        self.set(pictures)

    def set(self, pictures: Sequence[Photo]) -> None:
        """Show other pictures."""
        self.props['photos'] = [vars(one) for one in pictures]

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        return [one['caption'] for one in self._props.get('photos', ())]


def photos(pictures: Sequence[Photo], *, label: str = '') -> Photos:
    """A grid of small pictures; one opens over the whole screen, arrow keys move on, Escape closes."""
    return Photos(pictures, label)
