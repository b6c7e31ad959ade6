"""A chart's lines and areas as an image of vectors; its words are set beside it, in the document's own letters."""

from typing import Any

WIDTH, HEIGHT = 1500, 480
FILLS = {
    "ok": "#e8f4ec", "warning": "#fdf3dc", "critical": "#f3b6b2", "offline": "#e2e6ea", "soft": "#dce8f3", "": "#eeeeee",
}  # fmt: skip
MARKS = {"ok": "#2f8f57", "critical": "#c0392b"}


def svg(chart: dict[str, Any]) -> bytes:
    """A chart block (data/core/sheet.py, as plain values) as SVG."""
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>')
    for area in chart["areas"]:
        x, width = area["start"] * WIDTH, max(1.5, (area["end"] - area["start"]) * WIDTH)
        y, height = (1 - area["high"]) * HEIGHT, (area["high"] - area["low"]) * HEIGHT
        parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{FILLS[area["tone"]]}"/>')
    parts += [_rule(0, (1 - tick["at"]) * HEIGHT, WIDTH, 0) for tick in chart["across"]]
    parts += [_rule(tick["at"] * WIDTH, 0, 0, HEIGHT) for tick in chart["along"]]
    for line in chart["lines"]:
        if len(line) == 1:
            (x, y) = line[0]
            parts.append(f'<circle cx="{x * WIDTH:.1f}" cy="{(1 - y) * HEIGHT:.1f}" r="3" fill="#23629b"/>')
        else:
            path = "L".join(f"{x * WIDTH:.1f} {(1 - y) * HEIGHT:.1f}" for x, y in line)
            parts.append(f'<path d="M{path}" fill="none" stroke="#23629b" stroke-width="2.6" stroke-linejoin="round"/>')
    for mark in chart["marks"]:
        fill = MARKS.get(mark["tone"], "#333333")
        x, y = mark["x"] * WIDTH, (1 - mark["y"]) * HEIGHT
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{fill}" stroke="#ffffff" stroke-width="2"/>')
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#c3ccd4" stroke-width="2"/></svg>')
    return "".join(parts).encode()


def _rule(x: float, y: float, width: float, height: float) -> str:
    return f'<path d="M{x:.1f} {y:.1f}l{width:.1f} {height:.1f}" stroke="#c9d1d9" stroke-width="1"/>'
