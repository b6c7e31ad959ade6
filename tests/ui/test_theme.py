"""Every colour and distance comes from the theme, in both lights, and can be read."""
from __future__ import annotations

import re

import pytest

from ui.theme import COLOURS, STATIC, tokens_css

TEXTS = [(text, ground) for text in ('text', 'text-soft', 'accent', 'critical', 'warning', 'ok', 'offline', 'waiting') for ground in ('page', 'card', 'raised')]
TEXTS += [(state, f'{state}-soft') for state in ('ok', 'warning', 'critical', 'offline', 'waiting', 'neutral', 'accent')]
TEXTS += [('on-accent', 'accent'), ('on-critical', 'critical'), ('map-text', 'land'), ('map-text', 'sea'), ('text-soft', 'sunken'), ('text', 'hover')]


def luminance(colour: str) -> float:
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= .03928 else ((part + .055) / 1.055) ** 2.4 for part in parts]
    return .2126 * red + .7152 * green + .0722 * blue


@pytest.mark.parametrize('dark', [0, 1], ids=['light', 'dark'])
@pytest.mark.parametrize(('text', 'ground'), TEXTS)
def test_text_stands_out_from_its_ground(text: str, ground: str, dark: int) -> None:
    bright, dim = sorted((luminance(COLOURS[text][dark]), luminance(COLOURS[ground][dark])), reverse=True)
    assert (bright + .05) / (dim + .05) >= 4.5


def test_style_sheets_and_components_have_no_colour_of_their_own() -> None:
    for path in [*STATIC.glob('*.css'), *STATIC.glob('*.js')]:
        found = re.findall(r'#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?\b|rgb\(', path.read_text(encoding='utf-8'))
        assert not found, f'{path.name}: {found}'


def test_every_variable_used_is_defined() -> None:
    defined = set(re.findall(r'--([a-z0-9-]+):', tokens_css()))
    for path in STATIC.glob('*.css'):
        used = set(re.findall(r'var\(--([a-z0-9-]+)', path.read_text(encoding='utf-8')))
        assert used <= defined, f'{path.name}: {used - defined}'
