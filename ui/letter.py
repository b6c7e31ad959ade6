"""A mail as HTML: one card on a calm ground, styled in the lines themselves, for mail programs heed nothing else."""
from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ui.theme import COLOURS, SHAPES

State = str


def _light(name: str) -> str:
    return COLOURS[name][0]


def letter(title: str, parts: Iterable[str], footer: Iterable[str], *, language: str = 'en', state: State = 'neutral') -> str:
    """The whole document. `parts` and `footer` are pieces made by the functions below; `state` colours the edge."""
    edge = _light(state) if state in COLOURS else _light('neutral')
    body = ''.join(parts)
    small = f'font-size:13px;color:{_light("text-soft")}'
    lines = ''.join(f'<p style="margin:{SHAPES["s1"]} 0;{small}">{line}</p>' for line in footer)
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title></head>'
        f'<body style="margin:0;background:{_light("page")};color:{_light("text")};font:16px/1.5 system-ui,sans-serif">'
        f'<div style="max-width:560px;margin:0 auto;padding:{SHAPES["s5"]} {SHAPES["s4"]}">'
        f'<div style="background:{_light("card")};border:1px solid {_light("line")};border-left:4px solid {edge};'
        f'border-radius:{SHAPES["radius"]};padding:{SHAPES["s5"]}">'
        f'<h1 style="font-size:20px;margin:0 0 {SHAPES["s3"]}">{escape(title)}</h1>{body}</div>'
        f'<div style="padding:{SHAPES["s4"]} {SHAPES["s1"]}">{lines}</div></div></body></html>')


def paragraph(text: str, *, soft: bool = False) -> str:
    """A paragraph; `soft` for what matters less."""
    colour = f'color:{_light("text-soft")};' if soft else ''
    return f'<p style="{colour}margin:0 0 {SHAPES["s3"]}">{escape(text)}</p>'


def heading(text: str) -> str:
    """A heading between parts of a long mail."""
    return f'<h2 style="font-size:16px;margin:{SHAPES["s5"]} 0 {SHAPES["s2"]}">{escape(text)}</h2>'


def line(text: str, aside: str, state: State) -> str:
    """One line of a list with a coloured edge; the state's own word belongs into `aside`, for colour alone says nothing."""
    return (
        f'<p style="margin:0 0 {SHAPES["s2"]};padding-left:{SHAPES["s2"]};border-left:3px solid {_light(state)}">{escape(text)}'
        f'<br><span style="font-size:13px;color:{_light("text-soft")}">{escape(aside)}</span></p>')


def call(label: str, href: str) -> str:
    """The one button of a mail."""
    return (
        f'<p style="margin:{SHAPES["s4"]} 0 0"><a href="{escape(href, quote=True)}" style="display:inline-block;'
        f'background:{_light("accent")};color:{_light("on-accent")};padding:{SHAPES["s3"]} {SHAPES["s4"]};'
        f'border-radius:{SHAPES["radius-s"]};text-decoration:none">{escape(label)}</a></p>')


def link(label: str, href: str) -> str:
    """A link in the footer."""
    return f'<a href="{escape(href, quote=True)}" style="color:{_light("accent")}">{escape(label)}</a>'


def small(text: str) -> str:
    """Plain words for the footer."""
    return escape(text)
