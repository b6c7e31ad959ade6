"""How somebody has arranged what they see of a thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from data.cold_chain import rules
from data.cold_chain.boards import OF_ONE_UNIT, Board, EntityType, Panel
from data.cold_chain.queries import units
from data.cold_chain.tables import EntityDashboardLayout
from data.core.errors import NotFound
from data.core.session import Transaction


async def name_of(tx: Transaction, entity_type: EntityType, entity_id: UUID) -> str:
    """What the thing is called; empty for the whole organization. NotFound where the actor may not see it."""
    match entity_type:
        case EntityType.SITE:
            return (await units.site(tx, entity_id)).name
        case EntityType.AREA:
            return (await units.area(tx, entity_id)).name
        case EntityType.UNIT:
            return (await units.unit(tx, entity_id)).name
        case EntityType.ORGANIZATION:
            tx.actor.require(units.VIEW)
            if entity_id != tx.organization_id:
                raise NotFound("There is no such organization.")
            return ""


async def layouts(tx: Transaction, entity_type: EntityType, entity_id: UUID) -> Sequence[EntityDashboardLayout]:
    """The actor's own layouts of a thing, by slot."""
    statement = select(EntityDashboardLayout).where(
        EntityDashboardLayout.user_id == tx.actor.user_id,
        EntityDashboardLayout.entity_type == entity_type.value,
        EntityDashboardLayout.entity_id == entity_id,
    )
    return (await tx.exec(statement.order_by(col(EntityDashboardLayout.slot_number)))).all()


async def layout(tx: Transaction, layout_id: UUID, *, for_update: bool = False) -> EntityDashboardLayout:
    """One of the actor's own; NotFound for anybody else's."""
    statement = select(EntityDashboardLayout).where(
        EntityDashboardLayout.id == layout_id, EntityDashboardLayout.user_id == tx.actor.user_id
    )
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such layout.")
    return found


class Health(StrEnum):
    """Whether a panel has anything to show."""

    OK = "ok"
    EMPTY = "empty"
    """Its unit has not been measured yet."""
    STALE = "stale"
    """Its unit is silent: what it shows is old."""
    GONE = "gone"
    """It names no unit, or one that is not there any more for whoever looks."""


@dataclass(frozen=True, slots=True)
class PanelHealth:
    """How a panel is, and when its unit was last measured, where it is of one."""

    panel: Panel
    health: Health
    last_reading_at: datetime | None = None


async def health(tx: Transaction, entity_type: EntityType, entity_id: UUID, board: Board) -> Sequence[PanelHealth]:
    """How each panel of a board is, in their order; what is of no single unit is always well."""
    return [await _health(tx, entity_id if entity_type is EntityType.UNIT else None, panel) for panel in board.panels]


async def _health(tx: Transaction, unit_id: UUID | None, panel: Panel) -> PanelHealth:
    if panel.kind not in OF_ONE_UNIT:
        return PanelHealth(panel, Health.OK)
    unit_id = panel.unit_id or unit_id
    try:
        unit = await units.unit(tx, unit_id) if unit_id else None
    except NotFound:
        unit = None
    if unit is None:
        return PanelHealth(panel, Health.GONE)
    if unit.last_reading_at is None:
        return PanelHealth(panel, Health.EMPTY)
    return PanelHealth(panel, Health.STALE if unit.status in rules.SILENT else Health.OK, unit.last_reading_at)
