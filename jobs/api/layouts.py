"""How somebody arranges what they see of a cold chain: their own boards of panels, and whether each panel has anything to show."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from data.cold_chain import boards
from data.cold_chain.boards import LONGEST_NOTE, MOST_PANELS, WIDEST, Board, EntityType, Panel, PanelKind
from data.cold_chain.commands import layouts as commands
from data.cold_chain.queries import layouts as queries
from data.cold_chain.tables import EntityDashboardLayout
from data.core.session import Transaction, transaction
from jobs.api._door import Reader, Setter, answer
from jobs.api._organization import of_organization

router = of_organization("/layouts", "Dashboard layouts")


class PanelGiven(BaseModel):
    """A chart or statistics are of one unit; a note has its own words."""

    id: Annotated[str, Field(max_length=40)] = ""
    kind: PanelKind
    width: Annotated[int, Field(ge=1, le=WIDEST)] = 2
    unit_id: UUID | None = None
    text: Annotated[str, Field(max_length=LONGEST_NOTE)] = ""


class LayoutGiven(BaseModel):
    """What is not said stays; a new layout begins as the usual one."""

    name: str | None = None
    panels: Annotated[list[PanelGiven] | None, Field(max_length=MOST_PANELS)] = None
    range: Literal["24h", "7d", "30d"] | None = None


class NewLayout(LayoutGiven):
    entity_type: EntityType
    entity_id: UUID
    name: str


@router.get("")
async def list_layouts(actor: Reader, entity_type: EntityType, entity_id: UUID) -> dict[str, Any]:
    """One's own layouts of a thing (of the whole organization with its id), and what somebody sees who never arranged anything."""
    async with transaction(actor) as tx:
        await queries.name_of(tx, entity_type, entity_id)
        found = await queries.layouts(tx, entity_type, entity_id)
    return answer({"layouts": [_layout(one) for one in found], "usual": _board(boards.usual(entity_type))})


@router.post("", status_code=201)
async def create_layout(actor: Setter, given: NewLayout) -> dict[str, Any]:
    """One more arrangement; at most ten of a thing."""
    async with transaction(actor) as tx:
        board = _given(given, boards.usual(given.entity_type))
        return answer(_layout(await commands.create_layout(tx, given.entity_type, given.entity_id, name=given.name, board=board)))


@router.get("/{layout_id}")
async def show_layout(actor: Reader, layout_id: UUID) -> dict[str, Any]:
    """One of one's own."""
    async with transaction(actor) as tx:
        return answer(_layout(await queries.layout(tx, layout_id)))


@router.put("/{layout_id}")
async def change_layout(actor: Setter, layout_id: UUID, given: LayoutGiven) -> dict[str, Any]:
    """Call it something else, or keep its panels as they are now."""
    async with transaction(actor) as tx:
        found = await queries.layout(tx, layout_id)
        if given.name is not None:
            await commands.rename_layout(tx, layout_id, name=given.name)
        if given.panels is not None or given.range is not None:
            await commands.save_board(tx, layout_id, _given(given, _of(found)))
        return answer(_layout(found))


@router.post("/{layout_id}/default")
async def show_first(actor: Setter, layout_id: UUID) -> dict[str, Any]:
    """Show this one first."""
    async with transaction(actor) as tx:
        await commands.show_first(tx, layout_id)
        await tx.flush()
        return answer(_layout(await queries.layout(tx, layout_id)))


@router.delete("/{layout_id}")
async def remove_layout(actor: Setter, layout_id: UUID) -> dict[str, Any]:
    """Take it away."""
    async with transaction(actor) as tx:
        await commands.delete_layout(tx, layout_id)
    return answer({"layout_id": layout_id})


@router.get("/{layout_id}/health")
async def show_health(actor: Reader, layout_id: UUID) -> dict[str, Any]:
    """Whether each panel has anything to show: `ok`, `empty`, `stale`, or `gone` where its unit is not there any more."""
    async with transaction(actor) as tx:
        return answer(await _health(tx, await queries.layout(tx, layout_id)))


async def _health(tx: Transaction, layout: EntityDashboardLayout) -> list[dict[str, Any]]:
    found = await queries.health(tx, EntityType(layout.entity_type), layout.entity_id, _of(layout))
    return [{"id": one.panel.id, "kind": one.panel.kind, "health": one.health, "last_reading_at": one.last_reading_at} for one in found]


def _given(given: LayoutGiven, before: Board) -> Board:
    """The panels that were sent, else those that were there."""
    board = Board((), given.range or before.range)
    panels = before.panels if given.panels is None else [Panel(one.kind, one.id, one.width, one.unit_id, one.text) for one in given.panels]
    for panel in panels:
        board = boards.add(board, panel)
    return board


def _of(layout: EntityDashboardLayout) -> Board:
    return boards.read(layout.layout, layout.widget_preferences, layout.timeline_state)


def _board(board: Board) -> dict[str, Any]:
    panels = [{"id": one.id, "kind": one.kind, "width": one.width, "unit_id": one.unit_id, "text": one.text or None} for one in board.panels]
    return {"panels": panels, "range": board.range}


def _layout(layout: EntityDashboardLayout) -> dict[str, Any]:
    return {
        "id": layout.id, "entity_type": layout.entity_type, "entity_id": layout.entity_id, "name": layout.name, "slot": layout.slot_number,
        "is_default": layout.is_user_default, "updated_at": layout.updated_at,
    } | _board(_of(layout))  # fmt: skip
