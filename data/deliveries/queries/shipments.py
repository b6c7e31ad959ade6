"""What is on its way, to whom, and who has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.deliveries.queries._search import matching
from data.deliveries.tables import DeliveryAddress, Driver, DriverAssignment, Order, Shipment
from data.deliveries.values import ShipmentStatus


@dataclass(frozen=True, slots=True)
class ShipmentSeen:
    """A shipment with where from and to, and the driver who has it now or had it last."""

    shipment: Shipment
    order: Order
    pickup: DeliveryAddress
    delivery: DeliveryAddress
    assignment: DriverAssignment | None
    driver_name: str | None


_PICKUP, _DELIVERY = aliased(DeliveryAddress), aliased(DeliveryAddress)
_SORTS: Mapping[str, Any] = MappingProxyType(
    {
        "tracking_number": col(Shipment.tracking_number),
        "status": col(Shipment.status),
        "promised": col(Shipment.promised_arrival_at),
        "created": col(Shipment.created_at),
        "driver": col(Driver.name),
        "to": col(_DELIVERY.line1),
    }
)
_SEARCHED = (
    Shipment.tracking_number, Driver.name, _DELIVERY.line1, _DELIVERY.city, _DELIVERY.contact_name, _PICKUP.line1,
)  # fmt: skip
WAITING = (ShipmentStatus.PENDING, ShipmentStatus.READY)
OPEN = (*WAITING, ShipmentStatus.ASSIGNED, ShipmentStatus.IN_TRANSIT)


def _seen() -> Any:
    latest = (
        select(DriverAssignment.id)
        .where(DriverAssignment.shipment_id == Shipment.id)
        .order_by(col(DriverAssignment.ended_at).is_not(None), col(DriverAssignment.created_at).desc())
        .limit(1)
        .correlate(Shipment)
        .scalar_subquery()
    )
    return (
        columns(Shipment, Order, _PICKUP, _DELIVERY, DriverAssignment, col(Driver.name))
        .join(Order, col(Order.id) == Shipment.order_id)
        .join(_PICKUP, col(_PICKUP.id) == Shipment.pickup_address_id)
        .join(_DELIVERY, col(_DELIVERY.id) == Shipment.delivery_address_id)
        .outerjoin(DriverAssignment, col(DriverAssignment.id) == latest)
        .outerjoin(Driver, col(Driver.id) == DriverAssignment.driver_id)
    )


async def shipments(
    tx: Transaction,
    *,
    offset: int = 0,
    limit: int = 25,
    sort: str = "created",
    descending: bool = True,
    status: str | None = None,
    search: str = "",
) -> tuple[list[ShipmentSeen], int]:
    """A page of shipments and how many match. `status`: 'open' or one of ShipmentStatus. `search` looks into the
    tracking number, the addresses, the people at them and the driver."""
    tx.actor.require("deliveries.view")
    statement = _seen()
    if status == "open":
        statement = statement.where(col(Shipment.status).in_(OPEN))
    elif status:
        statement = statement.where(Shipment.status == ShipmentStatus(status))
    statement = statement.where(*matching(search, *_SEARCHED))
    total = (await tx.execute(select(func.count()).select_from(statement.subquery()))).scalar_one()
    key = _SORTS.get(sort, _SORTS["created"])
    order = key.desc().nulls_last() if descending else key.asc().nulls_last()
    rows = await tx.execute(statement.order_by(order, col(Shipment.id)).offset(offset).limit(limit))
    return [ShipmentSeen(*row) for row in rows], total


async def shipment(tx: Transaction, shipment_id: UUID) -> ShipmentSeen:
    """NotFound when there is none."""
    tx.actor.require("deliveries.view")
    row = (await tx.execute(_seen().where(Shipment.id == shipment_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such shipment.")
    return ShipmentSeen(*row)


async def unassigned(tx: Transaction, *, limit: int = 50) -> Sequence[ShipmentSeen]:
    """What waits for a driver, the oldest first."""
    return await _first(tx, col(Shipment.status).in_(WAITING), order=col(Shipment.created_at), limit=limit)


async def late(tx: Transaction, *, at: datetime, limit: int = 50) -> Sequence[ShipmentSeen]:
    """What is still on its way after it was promised, the most overdue first."""
    promised = col(Shipment.promised_arrival_at)
    return await _first(tx, col(Shipment.status).in_(OPEN), promised < at, order=promised, limit=limit)


async def _first(tx: Transaction, *where: ColumnElement[bool], order: Any, limit: int) -> list[ShipmentSeen]:
    tx.actor.require("deliveries.view")
    rows = await tx.execute(_seen().where(*where).order_by(order).limit(limit))
    return [ShipmentSeen(*row) for row in rows]


async def assignment(tx: Transaction, shipment_id: UUID) -> DriverAssignment:
    """The open assignment of a shipment, held until this transaction ends. NotFound when no driver has it."""
    tx.actor.require("deliveries.view")
    found = (
        await tx.exec(
            select(DriverAssignment)
            .where(DriverAssignment.shipment_id == shipment_id, col(DriverAssignment.ended_at).is_(None))
            .with_for_update()
        )
    ).one_or_none()
    if found is None:
        raise NotFound("No driver has this shipment.")
    return found
