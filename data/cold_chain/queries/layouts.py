"""How somebody has arranged what they see of a thing."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from data.cold_chain.boards import EntityType
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
