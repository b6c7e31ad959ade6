"""The product on a phone's home screen, and its pages that need neither a socket nor a signal."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

from ui.theme import COLOURS, STATIC, asset, tokens_css

SHEETS = ('base.css', 'parts.css', 'plain.css')
SCRIPTS = ('offline/theme.js', 'offline/shown.js', 'offline/queue.js', 'offline/log.js', 'offline/known.js', 'offline/farm.js')
FONTS = ('fonts/inter-latin-wght-normal.woff2', 'fonts/noto-sans-khmer-khmer-wght-normal.woff2')
ICONS = (('app-192', 192, 'any'), ('app-512', 512, 'any'), ('app-maskable-192', 192, 'maskable'), ('app-maskable-512', 512, 'maskable'))
PUSH = '/_steading/push.js'
"""What a message from the server does on the phone, where the product has that."""


def manifest(name: str, description: str, language: str) -> dict[str, Any]:
    """How a phone installs it: name, icons, colours, and where it begins."""
    return {
        'id': '/', 'name': name, 'short_name': name, 'description': description, 'lang': language, 'dir': 'ltr',
        'start_url': '/', 'scope': '/', 'display': 'standalone',
        'background_color': COLOURS['page'][0], 'theme_color': COLOURS['accent'][0],
        'icons': [{'src': asset(f'icons/{file}.png'), 'sizes': f'{size}x{size}', 'type': 'image/png', 'purpose': purpose}
                  for file, size, purpose in ICONS],
    }


@cache
def worker(kept: tuple[str, ...], *, has_push: bool) -> str:
    """The service worker: `kept` are the paths of a person's pages that it keeps; `has_push` says whether PUSH is served.

    Its version is the fingerprint of all that it stands on, so that a browser takes a new one whenever anything changed.
    """
    assets = [asset(name) for name in (*SHEETS, *SCRIPTS, *FONTS, 'icons/app-192.png', 'favicon.svg')]
    body = (STATIC / 'offline/worker.js').read_text(encoding='utf-8')
    version = version_of(assets, kept, body, has_push, tokens_css())
    imports = [asset('offline/queue.js'), *([PUSH] if has_push else [])]
    return '\n'.join((
        f'const VERSION = {json.dumps(version)};', f'const ASSETS = {json.dumps(assets)};', f'const KEPT = {json.dumps(kept)};',
        *(f'importScripts({json.dumps(path)});' for path in imports), body))


def version_of(*parts: Any) -> str:
    """The same for the same parts, and another as soon as one of them differs."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def plain_page(title: str, body: str, *, language: str, theme: str = 'system', said: Mapping[str, Any] | None = None,
               scripts: Sequence[str] = ()) -> str:
    """A whole HTML page; `body` is markup, `said` what its scripts (of SCRIPTS) read: their words and their settings."""
    sheets = ''.join(f'<link rel="stylesheet" href="{asset(name)}">' for name in SHEETS)
    data = json.dumps(said or {}, ensure_ascii=False).replace('<', '\\u003c')
    loaded = ''.join(f'<script src="{asset(name)}" defer></script>' for name in scripts)
    return (
        f'<!doctype html><html lang="{"km" if language == "km" else "en-GB"}" data-theme="{escape(theme)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)} · Steading</title>'
        f'<link rel="icon" href="{asset("favicon.svg")}">{install_tags()}<style>{tokens_css()}</style>{sheets}'
        f'<script src="{asset("offline/theme.js")}"></script></head><body class="plain">{body}'
        f'<script type="application/json" id="said">{data}</script>{loaded}</body></html>')


@cache
def install_tags() -> str:
    """For `<head>`: what a phone needs to put the product on its home screen, and the script that brings the worker."""
    light, dark = COLOURS['page']
    return (
        '<link rel="manifest" href="/manifest.webmanifest" crossorigin="use-credentials">'
        f'<link rel="apple-touch-icon" href="{asset("icons/apple-touch-180.png")}">'
        '<meta name="apple-mobile-web-app-capable" content="yes"><meta name="mobile-web-app-capable" content="yes">'
        '<meta name="apple-mobile-web-app-title" content="Steading"><meta name="apple-mobile-web-app-status-bar-style" content="default">'
        f'<meta name="theme-color" media="(prefers-color-scheme: light)" content="{light}">'
        f'<meta name="theme-color" media="(prefers-color-scheme: dark)" content="{dark}">'
        f'<script defer src="{asset("offline/install.js")}"></script>')
