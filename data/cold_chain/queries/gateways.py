"""Which gateways and hubs carry what sensors say, and whether they are heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, true
from sqlmodel import col, select

from data.cold_chain.queries.units import VIEW
from data.cold_chain.tables import Device, Gateway, Hub, Site
from data.core.errors import NotFound
from data.core.session import Transaction


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A gateway and where it stands."""

    gateway: Gateway
    site_name: str | None
    time_zone: str | None

    @property
    def name(self) -> str:
        return self.gateway.name or self.gateway.gateway_id


@dataclass(frozen=True, slots=True)
class HubView:
    """A hub, where it stands, and how many sensors were heard behind it."""

    hub: Hub
    site_name: str
    time_zone: str
    sensor_count: int


def _reach(tx: Transaction, of: Any) -> Any:
    scopes = tx.actor.scopes(VIEW)
    return true() if scopes is None else col(of.site_id).in_(scopes)


async def gateways(tx: Transaction) -> Sequence[GatewayView]:
    """Every gateway, by name; those of no site for those only whose right holds everywhere."""
    tx.actor.require(VIEW)
    statement = (
        select(Gateway, Site.name, Site.time_zone)
        .outerjoin(Site, and_(col(Site.organization_id) == Gateway.organization_id, col(Site.id) == Gateway.site_id))
        .where(col(Gateway.deleted_at).is_(None), _reach(tx, Gateway))
        .order_by(func.lower(func.coalesce(Gateway.name, Gateway.gateway_id)))
    )
    return [GatewayView(*row) for row in await tx.exec(statement)]


async def hubs(tx: Transaction) -> Sequence[HubView]:
    """Every hub, by name."""
    tx.actor.require(VIEW)
    behind = (
        select(func.count())
        .select_from(Device)
        .where(col(Device.organization_id) == Hub.organization_id, col(Device.hub_id) == Hub.id, col(Device.deleted_at).is_(None))
        .correlate(Hub)
        .scalar_subquery()
    )
    statement = (
        select(Hub, Site.name, Site.time_zone, behind)
        .join(Site, and_(col(Site.organization_id) == Hub.organization_id, col(Site.id) == Hub.site_id))
        .where(col(Hub.deleted_at).is_(None), _reach(tx, Hub))
        .order_by(func.lower(Hub.name))
    )
    return [HubView(*row) for row in await tx.exec(statement)]


async def gateway(tx: Transaction, gateway_id: UUID, *, for_update: bool = False) -> Gateway:
    tx.actor.require(VIEW)
    statement = select(Gateway).where(Gateway.id == gateway_id, col(Gateway.deleted_at).is_(None), _reach(tx, Gateway))
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such gateway.")
    return found


async def hub(tx: Transaction, hub_id: UUID, *, for_update: bool = False) -> Hub:
    tx.actor.require(VIEW)
    statement = select(Hub).where(Hub.id == hub_id, col(Hub.deleted_at).is_(None), _reach(tx, Hub))
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such hub.")
    return found
