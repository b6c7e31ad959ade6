"""Somebody arranges what they want to see of a thing as panels on a board; boards are kept as JSON and read with care."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from data.core.errors import Invalid

VERSION = 1
MOST_PANELS, WIDEST, LONGEST_NOTE = 24, 4, 2000


class EntityType(StrEnum):
    """What a board shows a part of."""

    ORGANIZATION = "organization"
    SITE = "site"
    AREA = "area"
    UNIT = "unit"


class PanelKind(StrEnum):
    COUNTS = "counts"
    """How many units are how."""
    ATTENTION = "attention"
    """The units that are not in order, and their open alerts."""
    UNITS = "units"
    """Each unit as a tile."""
    CHART = "chart"
    """One unit's temperature."""
    STATISTICS = "statistics"
    """What one unit's stretch adds up to."""
    EXCURSIONS = "excursions"
    LOGS = "logs"
    """Temperatures written down by hand."""
    SENSORS = "sensors"
    """Batteries and who was not heard."""
    NOTE = "note"
    """Somebody's own words."""


OF_ONE_UNIT = frozenset({PanelKind.CHART, PanelKind.STATISTICS})
RANGES = ("24h", "7d", "30d")


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: how many of the board's four columns it is wide, which unit it is of, and a note's words."""

    kind: PanelKind
    id: str = ""
    width: int = 2
    unit_id: UUID | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """A board's panels in their order, and the stretch of time that they show."""

    panels: tuple[Panel, ...]
    range: str = "24h"


_USUAL_OF_UNIT = (
    (PanelKind.CHART, 4), (PanelKind.STATISTICS, 2), (PanelKind.EXCURSIONS, 2), (PanelKind.LOGS, 2), (PanelKind.SENSORS, 2),
)  # fmt: skip
_USUAL = (
    (PanelKind.COUNTS, 4), (PanelKind.ATTENTION, 2), (PanelKind.EXCURSIONS, 2), (PanelKind.UNITS, 4), (PanelKind.SENSORS, 2),
    (PanelKind.LOGS, 2),
)  # fmt: skip


def usual(entity_type: EntityType) -> Board:
    """What somebody sees who never arranged anything."""
    panels = list(_USUAL_OF_UNIT if entity_type is EntityType.UNIT else _USUAL)
    return Board(tuple(Panel(kind, f"usual-{place}", width) for place, (kind, width) in enumerate(panels)))


def written(board: Board) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The board as its row keeps it: layout, the panels' own preferences, the timeline."""
    layout = {"panels": [{"id": one.id, "kind": one.kind.value, "width": one.width} for one in board.panels]}
    more: dict[str, dict[str, str]] = {}
    for one in board.panels:
        said = ({"unit_id": str(one.unit_id)} if one.unit_id else {}) | ({"text": one.text} if one.text else {})
        if said:
            more[one.id] = said
    return layout, more, {"range": board.range}


def read(layout: Mapping[str, Any], preferences: Mapping[str, Any], timeline: Mapping[str, Any] | None) -> Board:
    """A board from its row. A panel of a kind that nobody knows any more is left out; it stays in the row until it is saved."""
    panels = [_panel(one, preferences) for one in layout.get("panels", []) if isinstance(one, Mapping)]
    chosen = (timeline or {}).get("range")
    return Board(tuple(one for one in panels if one), chosen if chosen in RANGES else RANGES[0])


def _panel(said: Mapping[str, Any], preferences: Mapping[str, Any]) -> Panel | None:
    panel_id, width = str(said.get("id", "")), said.get("width")
    if said.get("kind") not in set(PanelKind) or not panel_id:
        return None
    more = preferences.get(panel_id)
    more = more if isinstance(more, Mapping) else {}
    wide = min(WIDEST, max(1, width)) if isinstance(width, int) else 2
    return Panel(PanelKind(said["kind"]), panel_id, wide, _uuid(more.get("unit_id")), str(more.get("text", ""))[:LONGEST_NOTE])


def _uuid(said: object) -> UUID | None:
    try:
        return UUID(said) if isinstance(said, str) else None
    except ValueError:
        return None


def add(board: Board, panel: Panel) -> Board:
    """One panel more, at the end. Invalid where it lacks its unit or its words, or the board is full."""
    if len(board.panels) >= MOST_PANELS:
        raise Invalid("kind", "A board holds at most {most} panels.", most=MOST_PANELS)
    if panel.kind is PanelKind.NOTE and not panel.text.strip():
        raise Invalid("text", "Write something.")
    if len(panel.text) > LONGEST_NOTE:
        raise Invalid("text", "This is longer than {longest} characters.", longest=LONGEST_NOTE)
    return replace(board, panels=(*board.panels, replace(panel, id=panel.id or uuid4().hex[:12])))


def remove(board: Board, panel_id: str) -> Board:
    return replace(board, panels=tuple(one for one in board.panels if one.id != panel_id))


def move(board: Board, panel_id: str, to: int) -> Board:
    """That panel at that place, counted from 0; beyond either end means the end."""
    moved = [one for one in board.panels if one.id == panel_id]
    rest: Sequence[Panel] = [one for one in board.panels if one.id != panel_id]
    place = min(len(rest), max(0, to))
    return replace(board, panels=(*rest[:place], *moved, *rest[place:]))


def resize(board: Board, panel_id: str, by: int) -> Board:
    """That panel so many columns wider, or narrower."""
    return replace(
        board, panels=tuple(replace(one, width=min(WIDEST, max(1, one.width + by))) if one.id == panel_id else one for one in board.panels)
    )
