"""Somebody arranges their own boards; nobody else sees or changes them."""

from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from data.cold_chain.boards import VERSION, Board, EntityType, usual, written
from data.cold_chain.queries import layouts
from data.cold_chain.queries.units import VIEW
from data.cold_chain.tables import EntityDashboardLayout
from data.core.errors import Conflict, Invalid
from data.core.session import Transaction

MOST_LAYOUTS = 10
LONGEST_NAME = 60


async def create_layout(
    tx: Transaction, entity_type: EntityType, entity_id: UUID, *, name: str, board: Board | None = None
) -> EntityDashboardLayout:
    """One more arrangement of a thing that the actor may see, beginning as the usual one or as `board`."""
    tx.actor.require(VIEW)
    assert tx.actor.user_id
    await layouts.name_of(tx, entity_type, entity_id)
    there = await layouts.layouts(tx, entity_type, entity_id)
    if len(there) >= MOST_LAYOUTS:
        raise Conflict("There are {most} layouts of this already; delete one first.", most=MOST_LAYOUTS)
    taken = {one.slot_number for one in there}
    made = EntityDashboardLayout(
        entity_type=entity_type.value, entity_id=entity_id, user_id=tx.actor.user_id, name=_named(name),
        slot_number=next(slot for slot in range(1, MOST_LAYOUTS + 1) if slot not in taken),
        is_user_default=not there, layout_version=VERSION,
    )  # fmt: skip
    _write(made, board or usual(entity_type))
    tx.add(made)
    await tx.flush()
    return made


async def save_board(tx: Transaction, layout_id: UUID, board: Board) -> None:
    """Keep the panels as they are now."""
    tx.actor.require(VIEW)
    found = await layouts.layout(tx, layout_id, for_update=True)
    _write(found, board)
    tx.add(found)


async def rename_layout(tx: Transaction, layout_id: UUID, *, name: str) -> None:
    tx.actor.require(VIEW)
    found = await layouts.layout(tx, layout_id, for_update=True)
    found.name = _named(name)
    tx.add(found)


async def show_first(tx: Transaction, layout_id: UUID) -> None:
    """This one is shown when the board is opened without naming one."""
    tx.actor.require(VIEW)
    found = await layouts.layout(tx, layout_id, for_update=True)
    others = (
        col(EntityDashboardLayout.user_id) == tx.actor.user_id,
        col(EntityDashboardLayout.entity_type) == found.entity_type,
        col(EntityDashboardLayout.entity_id) == found.entity_id,
    )
    await tx.execute(update(EntityDashboardLayout).where(*others).values(is_user_default=False))
    await tx.refresh(found)
    found.is_user_default = True
    tx.add(found)


async def delete_layout(tx: Transaction, layout_id: UUID) -> None:
    """Take it away; the next one of the same thing is then shown first."""
    tx.actor.require(VIEW)
    found = await layouts.layout(tx, layout_id, for_update=True)
    await tx.delete(found)
    await tx.flush()
    left = await layouts.layouts(tx, EntityType(found.entity_type), found.entity_id)
    if found.is_user_default and left:
        left[0].is_user_default = True
        tx.add(left[0])


def _write(row: EntityDashboardLayout, board: Board) -> None:
    row.layout, row.widget_preferences, row.timeline_state = written(board)
    row.layout_version = VERSION


def _named(name: str) -> str:
    name = name.strip()
    if not name:
        raise Invalid("name", "This needs a name.")
    if len(name) > LONGEST_NAME:
        raise Invalid("name", "This is longer than {longest} characters.", longest=LONGEST_NAME)
    return name
