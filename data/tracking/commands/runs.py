"""A client has brands, a brand has runs, and a run has the places it goes to."""

from datetime import datetime
from math import isfinite
from typing import TypeVar
from uuid import UUID

from sqlmodel import SQLModel, col, func, select

from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.tracking import queries
from data.tracking.events import RunChanged
from data.tracking.rules import PlaceKind
from data.tracking.tables import (
    DEFAULT_GEOFENCE_M,
    Brand,
    Client,
    DeliveryLocation,
    ProductionRun,
    ProductionRunDeliveryLocation,
    ProductionRunStorageLocation,
    StorageLocation,
)

SMALLEST_GEOFENCE_M, LARGEST_GEOFENCE_M = 10, 100_000
Made = TypeVar("Made", bound=SQLModel)
TABLES: dict[PlaceKind, type[StorageLocation] | type[DeliveryLocation]] = {
    PlaceKind.STORAGE: StorageLocation,
    PlaceKind.DELIVERY: DeliveryLocation,
}


def named(name: str, *, field: str = "name") -> str:
    """A name fit to show; Invalid when it is empty or longer than 200 characters."""
    name = name.strip()
    if not name:
        raise Invalid(field, "Please fill this in.")
    if len(name) > 200:
        raise Invalid(field, "This is longer than {longest} characters.", longest=200)
    return name


async def add_client(tx: Transaction, *, name: str) -> Client:
    """A new client; its name is nobody else's. For those who may edit every client."""
    client = Client(name=named(name))
    tx.actor.require("tracking.edit", client.id)
    taken = select(Client.id).where(func.lower(Client.name) == client.name.lower(), col(Client.deleted_at).is_(None))
    if (await tx.exec(taken)).first():
        raise Invalid("name", "There is already a client of this name.")
    return await _added(tx, client)


async def add_brand(tx: Transaction, client_id: UUID, *, name: str) -> Brand:
    """A new brand of a client."""
    tx.actor.require("tracking.edit", client_id)
    if client_id not in {each.id for each in await queries.clients(tx)}:
        raise NotFound("There is no such client.")
    brand = Brand(client_id=client_id, name=named(name))
    taken = select(Brand.id).where(
        Brand.client_id == client_id, func.lower(Brand.name) == brand.name.lower(), col(Brand.deleted_at).is_(None)
    )
    if (await tx.exec(taken)).first():
        raise Invalid("name", "This client already has a brand of this name.")
    return await _added(tx, brand)


async def add_run(
    tx: Transaction, brand_id: UUID, *, description: str, starts_at: datetime, ends_at: datetime | None = None
) -> ProductionRun:
    """A new run of a brand; without an end it stays open."""
    brand = next((each for each in await queries.brands(tx) if each.id == brand_id), None)
    if brand is None:
        raise NotFound("There is no such brand.")
    tx.actor.require("tracking.edit", brand.client_id)
    if ends_at and ends_at <= starts_at:
        raise Invalid("ends_at", "A run ends after it starts.")
    run = ProductionRun(
        brand_id=brand_id, description=named(description, field="description"), starts_at=starts_at, ends_at=ends_at
    )
    return await _added(tx, run)


async def add_place(
    tx: Transaction, run_id: UUID, kind: PlaceKind, *, name: str, latitude: float, longitude: float,
    geofence_size_m: int = DEFAULT_GEOFENCE_M,
) -> StorageLocation | DeliveryLocation:  # fmt: skip
    """A new place of a run, with the radius of the circle around it."""
    tx.actor.require("tracking.edit", (await queries.run(tx, run_id)).client_id)
    for field, degrees, bound in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if not (isfinite(degrees) and abs(degrees) <= bound):
            raise Invalid(field, "{value} is not between {low} and {high}.", value=degrees, low=-bound, high=bound)
    if not SMALLEST_GEOFENCE_M <= geofence_size_m <= LARGEST_GEOFENCE_M:
        raise Invalid(
            "geofence_size_m", "{value} is not between {low} and {high}.",
            value=geofence_size_m, low=SMALLEST_GEOFENCE_M, high=LARGEST_GEOFENCE_M,
        )  # fmt: skip
    place = TABLES[kind](
        name=named(name), latitude=latitude, longitude=longitude, geofence_size_m=geofence_size_m, production_run_id=run_id
    )
    return await _added(tx, place, run_id)


async def share_place(tx: Transaction, run_id: UUID, place_id: UUID) -> None:
    """Let a run use a place that another run of the same client has. Conflict when it already does."""
    tx.actor.require("tracking.edit", (await queries.run(tx, run_id)).client_id)
    found = next((each for each in await queries.sharable_places(tx, run_id) if each.place.id == place_id), None)
    if found is None:
        raise Conflict("This run cannot use that place, or already does.")
    shared: SQLModel
    if found.place.kind is PlaceKind.STORAGE:
        shared = ProductionRunStorageLocation(production_run_id=run_id, storage_location_id=place_id)
    else:
        shared = ProductionRunDeliveryLocation(production_run_id=run_id, delivery_location_id=place_id)
    await _added(tx, shared, run_id)


async def _added(tx: Transaction, row: Made, run_id: UUID | None = None) -> Made:
    tx.add(row)
    await tx.flush()
    tx.emit(RunChanged(run_id=run_id))
    return row
