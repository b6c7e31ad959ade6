"""Drivers as a dispatcher sees them: where, how long ago, with what."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, text
from sqlalchemy import select as columns
from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.core.time import now
from data.deliveries import rules
from data.deliveries.queries._search import matching
from data.deliveries.tables import (
    ActiveDriverLocation,
    Driver,
    DriverAssignment,
    DriverDevice,
    DriverLocationEvent,
    DriverSession,
    Shipment,
    Vehicle,
)
from data.deliveries.values import AssignmentStatus, Availability
from data.identity import queries as identity
from data.identity.tables import ApiToken


@dataclass(frozen=True, slots=True)
class Carried:
    """A shipment that a driver has."""

    driver_id: UUID
    shipment_id: UUID
    tracking_number: str
    status: AssignmentStatus
    promised_arrival_at: datetime | None


@dataclass(frozen=True, slots=True)
class DriverSeen:
    """A driver, the fix that says where they are (None: never heard of), and what they carry."""

    driver: Driver
    vehicle_name: str | None
    position: ActiveDriverLocation | None
    carries: tuple[Carried, ...]
    availability: Availability


@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """A phone with its living token (None: revoked) and when it was last heard of."""

    device: DriverDevice
    token: ApiToken | None
    last_seen_at: datetime | None


async def driver(tx: Transaction, driver_id: UUID) -> Driver:
    """NotFound when there is none, or no more."""
    tx.actor.require("deliveries.view")
    found = await tx.get(Driver, driver_id)
    if found is None or found.deleted_at:
        raise NotFound("There is no such driver.")
    return found


async def device(tx: Transaction, device_id: UUID) -> DriverDevice:
    """NotFound when there is none, or no more."""
    tx.actor.require("deliveries.view")
    found = await tx.get(DriverDevice, device_id)
    if found is None or found.deleted_at:
        raise NotFound("There is no such phone.")
    return found


async def drivers(tx: Transaction, *, offset: int = 0, limit: int | None = None, search: str = "") -> list[DriverSeen]:
    """Drivers by name: all, or a page of those whose name or phone number holds `search`."""
    return await _seen(tx, matching(search, Driver.name, Driver.phone), offset=offset, limit=limit)


async def count_drivers(tx: Transaction, *, search: str = "") -> int:
    """How many match."""
    tx.actor.require("deliveries.view")
    living = col(Driver.deleted_at).is_(None), *matching(search, Driver.name, Driver.phone)
    return (await tx.exec(select(func.count()).select_from(Driver).where(*living))).one()


async def driver_seen(tx: Transaction, driver_id: UUID) -> DriverSeen:
    """One driver; NotFound when there is none."""
    found = await _seen(tx, [col(Driver.id) == driver_id])
    if not found:
        raise NotFound("There is no such driver.")
    return found[0]


async def _seen(
    tx: Transaction, where: Sequence[ColumnElement[bool]] = (), *, offset: int = 0, limit: int | None = None
) -> list[DriverSeen]:
    tx.actor.require("deliveries.view")
    is_heard = (
        select(DriverSession.id)
        .where(DriverSession.driver_id == Driver.id, col(DriverSession.ended_at).is_(None))
        .exists()
    )
    statement = (
        columns(Driver, col(Vehicle.name), ActiveDriverLocation, is_heard)
        .outerjoin(Vehicle, col(Vehicle.id) == Driver.vehicle_id)
        .outerjoin(ActiveDriverLocation, col(ActiveDriverLocation.driver_id) == Driver.id)
        .where(col(Driver.deleted_at).is_(None), *where)
        .order_by(col(Driver.name), col(Driver.id))
    )
    found = (await tx.execute(statement.offset(offset).limit(limit))).all()
    carried = await _carried(tx, [one.id for one, *_ in found])
    return [
        DriverSeen(
            one, vehicle, position, carried[one.id], rules.availability(is_heard=heard, carries=len(carried[one.id]))
        )
        for one, vehicle, position, heard in found
    ]


async def _carried(tx: Transaction, driver_ids: Sequence[UUID]) -> dict[UUID, tuple[Carried, ...]]:
    statement = (
        columns(
            col(DriverAssignment.driver_id),
            col(Shipment.id),
            col(Shipment.tracking_number),
            col(DriverAssignment.status),
            col(Shipment.promised_arrival_at),
        )
        .join(Shipment, col(Shipment.id) == DriverAssignment.shipment_id)
        .where(col(DriverAssignment.ended_at).is_(None), col(DriverAssignment.driver_id).in_(driver_ids))
        .order_by(col(Shipment.promised_arrival_at).nulls_last(), col(Shipment.tracking_number))
    )
    held: dict[UUID, tuple[Carried, ...]] = defaultdict(tuple)
    for row in (await tx.execute(statement)).all():
        held[row[0]] += (Carried(*row),)
    return held


async def devices(tx: Transaction, driver_id: UUID) -> list[DeviceSeen]:
    """A driver's phones, the newest first."""
    tx.actor.require("deliveries.view")
    heard = (
        select(func.max(DriverSession.last_seen_at)).where(DriverSession.device_id == DriverDevice.id).scalar_subquery()
    )
    statement = (
        select(DriverDevice, heard)
        .where(DriverDevice.driver_id == driver_id, col(DriverDevice.deleted_at).is_(None))
        .order_by(col(DriverDevice.created_at).desc())
    )
    found = (await tx.execute(statement)).all()
    tokens = {token.subject_id: token for token in await identity.tokens_of(tx, [one.id for one, _ in found])}
    return [DeviceSeen(one, tokens.get(one.id), at) for one, at in found]


async def last_positions(tx: Transaction, driver_id: UUID, *, limit: int = 50) -> Sequence[DriverLocationEvent]:
    """A driver's last fixes, good and bad, the latest first."""
    tx.actor.require("deliveries.view")
    statement = select(DriverLocationEvent).where(
        DriverLocationEvent.driver_id == driver_id, DriverLocationEvent.recorded_at > now() - rules.KEPT_FOR
    )
    return (await tx.exec(statement.order_by(col(DriverLocationEvent.recorded_at).desc()).limit(limit))).all()


_NEAREST = text(
    """
    select l.driver_id, earth_distance(ll_to_earth(l.latitude, l.longitude), ll_to_earth(:latitude, :longitude))
    from deliveries.active_driver_locations l join deliveries.drivers d on d.id = l.driver_id
    where l.is_accurate and d.deleted_at is null and d.employment_status = 'active'
      and exists (select from deliveries.driver_sessions s where s.driver_id = l.driver_id and s.ended_at is null)
    order by ll_to_earth(l.latitude, l.longitude) <-> ll_to_earth(:latitude, :longitude) limit :limit
    """
)


async def nearest_drivers(
    tx: Transaction, latitude: float, longitude: float, *, limit: int = 10
) -> list[tuple[UUID, float]]:
    """Who is near, as (driver, metres), nearest first; only drivers that are heard of and whose place can be trusted."""
    tx.actor.require("deliveries.view")
    rows = await tx.execute(_NEAREST, {"latitude": latitude, "longitude": longitude, "limit": limit})
    return [(driver_id, metres) for driver_id, metres in rows]
