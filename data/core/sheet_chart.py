"""A chart's lines and areas as an image of vectors; its words are set beside it, in the document's own letters."""

from collections.abc import Mapping
from dataclasses import dataclass

from data.core.sheet import Chart

WIDTH, HEIGHT = 1500, 430


@dataclass(frozen=True, slots=True)
class Colours:
    """Of the surface, the line, the rules across, the frame, and each tone's area and mark."""

    surface: str
    line: str
    rule: str
    frame: str
    areas: Mapping[str, str]
    marks: Mapping[str, str]


def svg(chart: Chart, colours: Colours) -> str:
    """The picture, `WIDTH` by `HEIGHT`, to be stretched to where it stands."""
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">']
    parts.append(f'<rect {size} fill="{colours.surface}"/>')
    for area in chart.areas:
        x, width = area.start * WIDTH, max(1.5, (area.end - area.start) * WIDTH)
        y, height = (1 - area.high) * HEIGHT, (area.high - area.low) * HEIGHT
        parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colours.areas[area.tone]}"/>')
    rules = "".join(f"M0 {(1 - tick.at) * HEIGHT:.1f}h{WIDTH}" for tick in chart.across)
    rules += "".join(f"M{tick.at * WIDTH:.1f} 0v{HEIGHT}" for tick in chart.along)
    parts.append(f'<path d="{rules}" stroke="{colours.rule}" stroke-width="1"/>')
    for line in chart.lines:
        if len(line) == 1:
            ((x, y),) = line
            parts.append(f'<circle cx="{x * WIDTH:.1f}" cy="{(1 - y) * HEIGHT:.1f}" r="3" fill="{colours.line}"/>')
        else:
            path = "L".join(f"{x * WIDTH:.1f} {(1 - y) * HEIGHT:.1f}" for x, y in line)
            parts.append(f'<path d="M{path}" fill="none" stroke="{colours.line}" stroke-width="2.6" stroke-linejoin="round"/>')
    for mark in chart.marks:
        x, y = mark.x * WIDTH, (1 - mark.y) * HEIGHT
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{colours.marks[mark.tone]}" stroke="{colours.surface}" stroke-width="2"/>')
    parts.append(f'<rect {size} fill="none" stroke="{colours.frame}" stroke-width="2"/></svg>')
    return "".join(parts)
