"""One calm surface and one accent: every colour, distance, radius and type size of the product is written here.

Style sheets under `static/` speak only of these variables, charts and maps read them in the browser, so that light and
dark stay one decision.
"""
from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from nicegui.translations import translations

STATIC = Path(__file__).parent / 'static'
STATIC_URL = '/steading-ui'
YEAR_S = 365 * 24 * 3600

# name: (light, dark). Text colours keep at least 4.5:1 on the surfaces they are used on, in both.
COLOURS: dict[str, tuple[str, str]] = {
    'page': ('#f5f6f3', '#101411'),
    'card': ('#ffffff', '#191e1b'),
    'raised': ('#ffffff', '#212724'),
    'sunken': ('#eceee9', '#0b0e0c'),
    'hover': ('#eef1ec', '#232a26'),
    'line': ('#dfe3dc', '#2c332f'),
    'line-strong': ('#858e87', '#6d7871'),
    'text': ('#18201b', '#e7ece8'),
    'text-soft': ('#55605a', '#a5b0a9'),
    'accent': ('#1d5e42', '#7fcaa3'),
    'accent-hover': ('#174d36', '#95d7b4'),
    'accent-soft': ('#e1ede6', '#1c3528'),
    'on-accent': ('#ffffff', '#0a2216'),
    'ok': ('#1a6e41', '#7fd3a1'),
    'ok-soft': ('#e0f2e7', '#15301f'),
    'warning': ('#855300', '#f2c063'),
    'warning-soft': ('#fcefd3', '#38290b'),
    'critical': ('#b0221b', '#ff9d93'),
    'critical-soft': ('#fce6e4', '#451a17'),
    'on-critical': ('#ffffff', '#3a0a07'),
    'offline': ('#555c63', '#b3bac0'),
    'offline-soft': ('#e9ebed', '#2a2f33'),
    'waiting': ('#21548b', '#9fc5f3'),
    'waiting-soft': ('#e3edf8', '#16293f'),
    'neutral': ('#55605a', '#a5b0a9'),
    'neutral-soft': ('#eceee9', '#262c29'),
    'sea': ('#dbe6ea', '#141d21'),
    'land': ('#f3f3ec', '#222823'),
    'land-line': ('#b9c0b4', '#465048'),
    'water-line': ('#a9c3cd', '#2c434c'),
    'map-text': ('#4a554e', '#a5b0a9'),
    'scrim': ('rgb(20 28 23 / .45)', 'rgb(0 0 0 / .6)'),
    'shadow': ('rgb(20 40 28 / .10)', 'rgb(0 0 0 / .5)'),
}
SERIES: tuple[tuple[str, str], ...] = (
    ('#1d5e42', '#7fcaa3'), ('#21548b', '#9fc5f3'), ('#8a4a12', '#f0b27a'), ('#6a3d8f', '#cfa9ee'), ('#50606b', '#b9c6cf'))

SHAPES = {
    's0': '2px', 's1': '4px', 's2': '8px', 's3': '12px', 's4': '16px', 's5': '24px', 's6': '32px', 's7': '48px',
    'radius-s': '6px', 'radius': '10px', 'radius-l': '14px', 'radius-full': '999px',
    'touch': '44px', 'touch-l': '52px', 'rail': '232px', 'bar': '60px', 'column': '1440px', 'dialog': '520px', 'focus-width': '2px',
    'tile-min': '232px', 'field-max': '480px',
    'weight': '400', 'weight-medium': '520', 'weight-bold': '640',
    'font': '"Inter Variable", "Noto Sans Khmer Variable", system-ui, sans-serif',
    'line-height': '1.5',
}
# The desk is dense; a phone in the sun reads two steps larger.
TYPE_DESK = {'t-xs': '12px', 't-s': '13px', 't-m': '14px', 't-l': '16px', 't-xl': '20px', 't-xxl': '28px'}
TYPE_PHONE = {'t-xs': '14px', 't-s': '15px', 't-m': '16px', 't-l': '18px', 't-xl': '22px', 't-xxl': '32px'}

LATIN = ('U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,U+2000-200B,U+200E-206F,'
         'U+20AC,U+2122,U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD')
LATIN_EXT = ('U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+1D00-1DBF,U+1E00-1E9F,U+1EF2-1EFF,U+2020,'
             'U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF')
KHMER = 'U+1780-17FF,U+19E0-19FF,U+200C-200D,U+25CC'

CONNECTION_WORDS = {
    'en-US': {
        'connection_lost': 'The connection is away.',
        'trying_to_reconnect': 'What you see may be old. It comes back by itself.',
        'message_too_long': 'This is too large to send at once.',
        'message_too_long_body': 'Send a smaller part, or use the file upload.',
    },
    'km': {
        'connection_lost': 'បាត់ការតភ្ជាប់។',
        'trying_to_reconnect': 'អ្វីដែលអ្នកឃើញអាចចាស់ហើយ។ វានឹងភ្ជាប់ឡើងវិញដោយខ្លួនឯង។',
        'message_too_long': 'ទិន្នន័យនេះធំពេកសម្រាប់ផ្ញើម្ដង។',
        'message_too_long_body': 'សូមផ្ញើតិចជាងនេះ ឬផ្ទុកឡើងជាឯកសារ។',
    },
}


def install(app: Any) -> None:
    """Serve fonts, scripts and maps with a long cache, set Quasar's colours, and our words for a lost connection.

    Call once at start with `nicegui.app`; pages then call `page_head()` (the frame does it for them).
    """
    app.add_static_files(STATIC_URL, STATIC, max_cache_age=YEAR_S)
    light = {name: pair[0] for name, pair in COLOURS.items()}
    app.colors(primary=light['accent'], secondary=light['text-soft'], accent=light['accent'], dark=COLOURS['card'][1],
               dark_page=COLOURS['page'][1], positive=light['ok'], negative=light['critical'], info=light['waiting'],
               warning=light['warning'])
    translations['en-GB'] = translations['en-US'] = CONNECTION_WORDS['en-US']
    translations['km'] = CONNECTION_WORDS['km']


def asset(name: str) -> str:
    """The address of a file under `static/`, with its fingerprint, so that a year's cache never shows an old one."""
    return f'{STATIC_URL}/{name}?v={_fingerprint(name)}'


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


@cache
def head_html() -> str:
    """Everything for `<head>`: fonts, tokens, style sheets, what installs it on a phone, and the script that ticks ages and the live dot."""
    from ui.offline import install_tags
    sheets = ''.join(f'<link rel="stylesheet" href="{asset(name)}">' for name in ('base.css', 'frame.css', 'parts.css', 'data.css', 'sheet.css', 'door.css', 'home.css', 'alerts.css', 'farm.css'))
    return f'<style>{tokens_css()}</style>{sheets}{install_tags()}<script defer src="{asset("steading.js")}"></script>'


def page_head() -> None:
    """Add `head_html` to the page being built; a second call on the same page changes nothing."""
    from nicegui import ui
    client = ui.context.client
    if not getattr(client, 'steading_head', False):
        client.steading_head = True  # type: ignore[attr-defined]
        ui.add_head_html(head_html())


@cache
def tokens_css() -> str:
    """The `@font-face` rules and all variables as CSS text; also used by the history map inside its own frame."""
    light = [f'--{name}:{pair[0]}' for name, pair in COLOURS.items()]
    dark = [f'--{name}:{pair[1]}' for name, pair in COLOURS.items()]
    light += [f'--series-{i}:{pair[0]}' for i, pair in enumerate(SERIES)]
    dark += [f'--series-{i}:{pair[1]}' for i, pair in enumerate(SERIES)]
    quasar = {'primary': 'accent', 'dark': 'card', 'dark-page': 'page', 'positive': 'ok', 'negative': 'critical',
              'warning': 'warning', 'info': 'waiting', 'secondary': 'text-soft', 'accent': 'accent'}
    dark_quasar = [f'--q-{name}:var(--{ours}) !important' for name, ours in quasar.items()]
    shapes = [f'--{name}:{value}' for name, value in SHAPES.items()]
    return (
        _font('Inter Variable', 'inter-latin-wght-normal', LATIN)
        + _font('Inter Variable', 'inter-latin-ext-wght-normal', LATIN_EXT)
        + _font('Noto Sans Khmer Variable', 'noto-sans-khmer-khmer-wght-normal', KHMER)
        + f':root{{{";".join(light + shapes + _sizes(TYPE_DESK))}}}'
        + f'body.body--dark,:root.dark-page{{{";".join(dark + dark_quasar)}}}'
        + f'@media (max-width:767px){{:root{{{";".join(_sizes(TYPE_PHONE))}}}}}'
        + 'html[lang^="km"]{--line-height:1.75}'
    )


def _sizes(sizes: dict[str, str]) -> list[str]:
    return [f'--{name}:{value}' for name, value in sizes.items()]


def _font(family: str, file: str, characters: str) -> str:
    return (f'@font-face{{font-family:"{family}";font-style:normal;font-display:swap;font-weight:100 900;'
            f'src:url({asset(f"fonts/{file}.woff2")}) format("woff2");unicode-range:{characters}}}')
