"""What is new of the units that were said to have changed: asked once for everybody who wants to be told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.alerts import queries as alerts
from data.alerts.tables import Alert
from data.cold_chain.queries.units import VIEW, visible_sites
from data.cold_chain.tables import Area, Site, Unit
from data.cold_chain.values import UnitStatus
from data.core.session import Transaction


@dataclass(frozen=True, slots=True)
class UnitNews:
    """A unit as it is now."""

    id: UUID
    name: str
    site_id: UUID
    status: UnitStatus
    status_changed_at: datetime
    last_reading_at: datetime | None
    celsius: float | None
    door_is_open: bool | None


async def units(tx: Transaction, unit_ids: Collection[UUID] | None = None) -> Sequence[UnitNews]:
    """These units (all without any named), as far as the actor may see them."""
    tx.actor.require(VIEW)
    statement: Any = (
        select(  # type: ignore[call-overload]
            Unit.id, Unit.name, Site.id, Unit.status, Unit.status_changed_at, Unit.last_reading_at, Unit.last_temperature_celsius,
            Unit.door_is_open,
        )
        .join(Area, (col(Area.organization_id) == Unit.organization_id) & (col(Area.id) == Unit.area_id))
        .join(Site, (col(Site.organization_id) == Area.organization_id) & (col(Site.id) == Area.site_id))
        .where(visible_sites(tx), col(Unit.deleted_at).is_(None))
    )  # fmt: skip
    if unit_ids is not None:
        statement = statement.where(col(Unit.id).in_(unit_ids))
    return [
        UnitNews(unit_id, name, site_id, status, changed_at, read_at, None if celsius is None else float(celsius), door_is_open)
        for unit_id, name, site_id, status, changed_at, read_at, celsius, door_is_open in await tx.exec(statement)
    ]


async def news(tx: Transaction, *, unit_ids: Collection[UUID], alert_ids: Collection[UUID]) -> tuple[Sequence[UnitNews], Sequence[Alert]]:
    """Of these units and alerts, those that the actor may see: two short statements at most."""
    found = await units(tx, unit_ids) if unit_ids else []
    raised = await alerts.alerts(tx, alert_ids) if alert_ids else []
    return found, sorted((one for one in raised if one.permission == VIEW), key=lambda one: one.triggered_at)
