"""Clients, their brands, the runs of a brand, and the places that matter to a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, true, union_all
from sqlalchemy import literal as value
from sqlmodel import col

from data.core.errors import NotFound
from data.core.session import Transaction
from data.tracking.rules import Place, PlaceKind
from data.tracking.tables import (
    Brand,
    Client,
    DeliveryLocation,
    ProductionRun,
    ProductionRunDeliveryLocation,
    ProductionRunStorageLocation,
    StorageLocation,
    Tracker,
)

PLACES = (
    (PlaceKind.STORAGE, StorageLocation, ProductionRunStorageLocation, ProductionRunStorageLocation.storage_location_id),
    (PlaceKind.DELIVERY, DeliveryLocation, ProductionRunDeliveryLocation, ProductionRunDeliveryLocation.delivery_location_id),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setting:
    """A client or brand that something can be put under."""

    id: UUID
    name: str
    client_id: UUID
    client_name: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run with whose it is and how many tags it has."""

    id: UUID
    description: str
    brand_name: str
    client_id: UUID
    client_name: str
    starts_at: datetime
    ends_at: datetime | None
    tracker_count: int

    def is_current(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at <= self.ends_at)


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place as people know it."""

    place: Place
    name: str
    run_id: UUID


def within_reach(tx: Transaction, permission: str = "tracking.view") -> ColumnElement[bool]:
    """Which brands an actor may reach: all, or those of the clients their role is limited to."""
    tx.actor.require(permission)
    scopes = tx.actor.scopes(permission)
    return true() if scopes is None else col(Brand.client_id).in_(scopes)


async def clients(tx: Transaction) -> Sequence[Setting]:
    """Clients by name."""
    tx.actor.require("tracking.view")
    scopes = tx.actor.scopes("tracking.view")
    statement = select(col(Client.id), col(Client.name)).where(col(Client.deleted_at).is_(None)).order_by(func.lower(Client.name))
    if scopes is not None:
        statement = statement.where(col(Client.id).in_(scopes))
    return [Setting(id, name, id, name) for id, name in await tx.execute(statement)]


async def brands(tx: Transaction) -> Sequence[Setting]:
    """Brands by client and name."""
    statement = (
        select(col(Brand.id), col(Brand.name), col(Client.id), col(Client.name))
        .join(Client, col(Client.id) == Brand.client_id)
        .where(within_reach(tx), col(Brand.deleted_at).is_(None), col(Client.deleted_at).is_(None))
        .order_by(func.lower(Client.name), func.lower(Brand.name))
    )
    return [Setting(*row) for row in await tx.execute(statement)]


def _runs(tx: Transaction) -> Select[Any]:
    columns: tuple[Any, ...] = (
        ProductionRun.id, ProductionRun.description, Brand.name, Client.id, Client.name, ProductionRun.starts_at, ProductionRun.ends_at,
    )  # fmt: skip
    count = (
        select(func.count())
        .where(col(Tracker.production_run_id) == ProductionRun.id, col(Tracker.deleted_at).is_(None))
        .scalar_subquery()
    )
    return (
        select(*columns, count)
        .join(Brand, col(Brand.id) == ProductionRun.brand_id)
        .join(Client, col(Client.id) == Brand.client_id)
        .where(within_reach(tx), col(ProductionRun.deleted_at).is_(None))
    )


async def runs(tx: Transaction) -> Sequence[Run]:
    """Runs, the latest start first."""
    statement = _runs(tx).order_by(col(ProductionRun.starts_at).desc(), col(ProductionRun.id))
    return [Run(*row) for row in await tx.execute(statement)]


async def run(tx: Transaction, run_id: UUID) -> Run:
    """One run; NotFound also where its client is not the actor's."""
    row = (await tx.execute(_runs(tx).where(col(ProductionRun.id) == run_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such run.")
    return Run(*row)


async def places_of(tx: Transaction, *run_ids: UUID) -> Sequence[NamedPlace]:
    """The places of these runs as far as they are seen, their own and those they share, storage first, by name."""
    if not run_ids:
        return []
    its_runs = select(col(ProductionRun.id)).join(Brand, col(Brand.id) == ProductionRun.brand_id)
    its_runs = its_runs.where(within_reach(tx), col(ProductionRun.id).in_(run_ids))
    parts = []
    for kind, table, junction, shared in PLACES:
        columns: tuple[Any, ...] = (value(kind.value).label("kind"), table.id, table.name, table.latitude, table.longitude, table.geofence_size_m)
        own = select(*columns, col(table.production_run_id).label("run_id")).where(
            col(table.production_run_id).in_(its_runs), col(table.deleted_at).is_(None)
        )
        also = (
            select(*columns, col(junction.production_run_id).label("run_id"))
            .join(junction, col(shared) == table.id)
            .where(
                col(junction.production_run_id).in_(its_runs),
                col(table.deleted_at).is_(None),
                col(table.production_run_id).is_distinct_from(junction.production_run_id),
            )
        )
        parts += [own, also]
    found = [_place(*row) for row in await tx.execute(union_all(*parts))]
    return sorted(found, key=lambda each: (each.place.kind != PlaceKind.STORAGE, each.name.casefold(), str(each.place.id)))


async def sharable_places(tx: Transaction, run_id: UUID) -> Sequence[NamedPlace]:
    """Places of the same client's other runs that this run could use too."""
    client_id = (await run(tx, run_id)).client_id
    own = {each.place.id for each in await places_of(tx, run_id)}
    siblings = (
        select(col(ProductionRun.id))
        .join(Brand, col(Brand.id) == ProductionRun.brand_id)
        .where(col(Brand.client_id) == client_id, col(ProductionRun.id) != run_id, col(ProductionRun.deleted_at).is_(None))
    )
    found = await places_of(tx, *(row.id for row in await tx.execute(siblings)))
    return list({each.place.id: each for each in found if each.place.id not in own}.values())


def _place(kind: str, id: UUID, name: str, latitude: float, longitude: float, size_m: int, run_id: UUID) -> NamedPlace:
    return NamedPlace(Place(id, PlaceKind(kind), latitude, longitude, size_m), name, run_id)
