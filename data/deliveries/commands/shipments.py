"""A shipment is ordered, given to exactly one driver, and brought one step after the other."""

import secrets
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import col, select

from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.deliveries import queries, rules
from data.deliveries.events import DriverMoved, ShipmentChanged
from data.deliveries.tables import DeliveryAddress, DriverAssignment, Order, Shipment
from data.deliveries.values import (
    Address,
    AssignmentStatus,
    Channel,
    EmploymentStatus,
    OrderStatus,
    ShipmentStatus,
)


async def create_shipment(
    tx: Transaction,
    *,
    pickup: Address,
    delivery: Address,
    promised_at: datetime | None = None,
    description: str | None = None,
    weight_kg: Decimal | None = None,
    notes: str | None = None,
    client_token: str | None = None,
) -> Shipment:
    """An order and its parcel, ready for a driver. The same `client_token` again answers the first one."""
    tx.actor.require("deliveries.dispatch")
    rules.check_address(pickup, "pickup")
    rules.check_address(delivery, "delivery")
    if weight_kg is not None and weight_kg < 0:
        raise Invalid("weight_kg", "Nothing weighs less than nothing.")
    if client_token and (first := await _made_by(tx, client_token)):
        return first
    places = _row(pickup), _row(delivery)
    tx.add_all(places)
    await tx.flush()
    order = Order(
        delivery_address_id=places[1].id, status=OrderStatus.READY_FOR_DISPATCH, channel=Channel.SYSTEM,
        contact_name=delivery.contact_name, contact_phone=delivery.contact_phone, notes=notes,
        client_token=client_token, promised_at=promised_at, placed_at=now(), created_by=tx.actor.user_id,
    )  # fmt: skip
    tx.add(order)
    await tx.flush()
    shipment = Shipment(
        order_id=order.id, pickup_address_id=places[0].id, delivery_address_id=places[1].id,
        tracking_number=rules.tracking_number(now(), secrets.randbits(30)), status=ShipmentStatus.READY,
        description=description, weight_kg=weight_kg, promised_arrival_at=promised_at,
    )  # fmt: skip
    tx.add(shipment)
    await tx.flush()
    tx.emit(ShipmentChanged(shipment_id=shipment.id))
    return shipment


async def _made_by(tx: Transaction, client_token: str) -> Shipment | None:
    """What this token has made; two that ask at once are served one after the other."""
    only_one = text("select pg_advisory_xact_lock(hashtextextended(:token, 0))")
    await tx.execute(only_one, {"token": f"{tx.organization_id} {client_token}"})
    statement = select(Shipment).join(Order, col(Order.id) == Shipment.order_id)
    return (await tx.exec(statement.where(Order.client_token == client_token))).one_or_none()


def _row(address: Address) -> DeliveryAddress:
    return DeliveryAddress(
        line1=address.line1.strip(), city=address.city, contact_name=address.contact_name,
        contact_phone=address.contact_phone, instructions=address.instructions,
        latitude=address.latitude, longitude=address.longitude,
    )  # fmt: skip


async def _held(tx: Transaction, shipment_id: UUID) -> Shipment:
    """The shipment, nobody else's until this transaction ends."""
    tx.actor.require("deliveries.view")
    found = await tx.get(Shipment, shipment_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("There is no such shipment.")
    return found


async def assign(tx: Transaction, shipment_id: UUID, *, driver_id: UUID) -> DriverAssignment:
    """Give a waiting shipment to a driver. Conflict when somebody has it: of two that try at once, one wins."""
    tx.actor.require("deliveries.dispatch")
    driver = await queries.driver(tx, driver_id)
    if driver.employment_status is not EmploymentStatus.ACTIVE:
        raise Conflict("{name} may not deliver at present.", name=driver.name)
    claimed = await tx.execute(
        update(Shipment)
        .where(
            col(Shipment.id) == shipment_id,
            col(Shipment.status).in_(queries.WAITING),
        )
        .values(status=ShipmentStatus.ASSIGNED)
        .returning(col(Shipment.tracking_number))
    )
    tracking_number = claimed.scalar_one_or_none()
    if tracking_number is None:
        found = await queries.shipment(tx, shipment_id)
        raise Conflict(rules.refusal_to_assign(found.shipment.status) or "A driver already has this shipment.")
    made = DriverAssignment(
        shipment_id=shipment_id, driver_id=driver.id, vehicle_id=driver.vehicle_id, assigned_by=tx.actor.user_id
    )
    tx.add(made)
    await tx.flush()
    tx.record(
        "deliveries.shipments.assigned", "shipment assigned", subject_id=shipment_id,
        tracking_number=tracking_number, driver=driver.name,
    )  # fmt: skip
    _announce(tx, made)
    return made


async def step(tx: Transaction, shipment_id: UUID, *, to: AssignmentStatus) -> None:
    """Write down how far the driver is with a shipment. Conflict unless it is the next step, a refusal or an end."""
    tx.actor.require("deliveries.dispatch")
    shipment = await _held(tx, shipment_id)
    assignment = await queries.assignment(tx, shipment_id)
    if refusal := rules.refusal_to_step(assignment.status, to):
        raise Conflict(refusal)
    order = await tx.get_one(Order, shipment.order_id)
    at = now()
    assignment.status = to
    if to in rules.STAMPS:
        setattr(assignment, rules.STAMPS[to], at)
    if rules.is_end(to):
        assignment.ended_at = at
    shipment.status, order.status = rules.SHIPMENT_AFTER[to]
    if to is AssignmentStatus.EN_ROUTE:
        shipment.dispatched_at = at
    elif to is AssignmentStatus.DELIVERED:
        shipment.delivered_at = at
    elif shipment.status is ShipmentStatus.READY:
        shipment.dispatched_at = None
    tx.add_all((assignment, shipment, order))
    _announce(tx, assignment)


async def cancel_shipment(tx: Transaction, shipment_id: UUID) -> None:
    """Call it off, whoever has it. Conflict when it is over."""
    tx.actor.require("deliveries.dispatch")
    shipment = await _held(tx, shipment_id)
    if shipment.status not in queries.OPEN:
        raise Conflict("This shipment is already over.")
    if shipment.status not in queries.WAITING:
        await step(tx, shipment_id, to=AssignmentStatus.CANCELLED)
    order = await tx.get_one(Order, shipment.order_id)
    shipment.status, shipment.cancelled_at = ShipmentStatus.CANCELLED, now()
    order.status, order.cancelled_at = OrderStatus.CANCELLED, shipment.cancelled_at
    tx.add_all((shipment, order))
    tx.emit(ShipmentChanged(shipment_id=shipment_id))


def _announce(tx: Transaction, assignment: DriverAssignment) -> None:
    tx.emit(ShipmentChanged(shipment_id=assignment.shipment_id))
    tx.emit(DriverMoved(driver_id=assignment.driver_id))  # what they carry shows on the map
