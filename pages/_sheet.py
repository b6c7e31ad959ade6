"""A sheet on the screen: the same blocks that the press sets on paper, as one piece of HTML that follows light and dark."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from data.core.sheet import (
    Block,
    Cell,
    Chart,
    Figures,
    Heading,
    Items,
    Photos,
    Shares,
    Table,
    Verdict,
    Words,
)
from data.core.sheet_chart import Colours, svg

SCREEN = Colours(
    surface="var(--card)", line="var(--waiting)", rule="var(--line)", frame="var(--line-strong)",
    areas={tone: f"var(--{tone}-soft)" for tone in ("ok", "warning", "critical", "offline")} | {"soft": "var(--waiting-soft)", "": "var(--sunken)"},
    marks={"ok": "var(--ok)", "critical": "var(--critical)"},
)  # fmt: skip


def html(blocks: Iterable[Block], *, photo_href: Callable[[str], str] | None = None) -> str:
    """The blocks; a photo is shown where `photo_href` says where it is."""
    return "".join(_MADE[block.block](block) if not isinstance(block, Photos) else _photos(block, photo_href) for block in blocks)


def _tone(tone: str) -> str:
    return f" is-{tone}" if tone else ""


def _heading(block: Heading) -> str:
    at = f' id="{escape(block.id)}"' if block.id else ""
    note = f'<p class="st-soft">{escape(block.note)}</p>' if block.note else ""
    starts = " is-new" if block.starts_page else ""
    return f'<h{block.level} class="st-sheet-h{block.level}{starts}"{at}>{escape(block.text)}</h{block.level}>{note}'


def _verdict(block: Verdict) -> str:
    text = f"<p>{escape(block.text)}</p>" if block.text else ""
    return f'<div class="st-sheet-verdict{_tone(block.tone)}"><strong>{escape(block.headline)}</strong>{text}</div>'


def _words(block: Words) -> str:
    return f'<p class="st-sheet-words{_tone(block.tone)}">{escape(block.text)}</p>'


def _items(block: Items) -> str:
    return f'<ul class="st-sheet-items{_tone(block.tone)}">' + "".join(f"<li>{escape(one)}</li>" for one in block.texts) + "</ul>"


def _figures(block: Figures) -> str:
    made = "".join(
        f'<div class="st-fact"><dt class="st-fact-label">{escape(one.label)}</dt>'
        f'<dd class="st-fact-value st-sheet-figure{_tone(one.tone)}">{escape(one.value)}</dd><dd class="st-soft">{escape(one.note)}</dd></div>'
        for one in block.figures
    )
    return f'<dl class="st-facts">{made}</dl>'


def _shares(block: Shares) -> str:
    bar = "".join(f'<span class="is-{one.tone}" style="flex:{one.share:.5f}"></span>' for one in block.shares if one.share > 0)
    said = "".join(f'<span><i class="is-{one.tone}"></i>{escape(one.label)} <b>{escape(one.shown)}</b></span>' for one in block.shares)
    return f'<div class="st-sheet-bar" aria-hidden="true">{bar}</div><div class="st-sheet-parts">{said}</div>'


def _table(block: Table) -> str:
    head = "".join(f'<th scope="col" class="is-{one.align}">{escape(one.title)}</th>' for one in block.columns)
    rows = "".join(
        "<tr>" + "".join(f'<td class="is-{c.align}">{_cell(cell)}</td>' for c, cell in zip(block.columns, row, strict=True)) + "</tr>"
        for row in block.rows
    )
    note = f'<p class="st-soft">{escape(block.note)}</p>' if block.note else ""
    dense = " is-dense" if block.is_dense else ""
    return f'<div class="st-sheet-scroll" tabindex="0"><table class="st-sheet-table{dense}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{note}'


def _cell(cell: Cell) -> str:
    said = f'<span class="st-sheet-cell{_tone(cell.tone)}">{escape(cell.text)}</span>'
    if cell.href:
        said = f'<a href="#{escape(cell.href)}">{said}</a>'
    break_ = "<br>" if cell.text else ""
    return said + (f'{break_}<span class="st-soft">{escape(cell.note)}</span>' if cell.note else "")


def _chart(block: Chart) -> str:
    across = "".join(f'<span style="bottom:{tick.at * 100:.2f}%">{escape(tick.label)}</span>' for tick in block.across)
    along = "".join(f'<span style="left:{tick.at * 100:.2f}%">{escape(tick.label)}</span>' for tick in block.along)
    legend = "".join(f'<span><i class="is-sign-{kind} is-{tone}"></i>{escape(word)}</span>' for kind, tone, word in block.legend)
    picture = f'<div class="st-sheet-picture" role="img" aria-label="{escape(block.describes)}">{svg(block, SCREEN)}</div>'
    return (
        f'<div class="st-sheet-chart"><div class="st-sheet-across">{across}</div>{picture}<div class="st-sheet-along">{along}</div></div>'
        f'<div class="st-sheet-parts">{legend}</div>'
    )


def _photos(block: Photos, href: Callable[[str], str] | None) -> str:
    if href is None:
        return ""
    made = "".join(
        f'<figure><img src="{escape(href(one.sha256))}" alt="{escape(one.caption)}" loading="lazy"><figcaption>{escape(one.caption)}</figcaption></figure>'
        for one in block.photos
    )
    return f'<div class="st-sheet-photos">{made}</div>'


_MADE: Mapping[str, Callable[[Any], str]] = {
    "heading": _heading, "verdict": _verdict, "words": _words, "items": _items, "figures": _figures, "shares": _shares,
    "table": _table, "chart": _chart,
}  # fmt: skip
