"""Where the tags are, where they were, and what that meant."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, column, func, or_, select, table, tuple_
from sqlmodel import col

from data.core.errors import NotFound
from data.core.session import Transaction
from data.tracking.queries.runs import within_reach
from data.tracking.rules import Standing, spent
from data.tracking.tables import (
    SCHEMA,
    Brand,
    Client,
    DeliveryLocation,
    LocationReport,
    ProductionRun,
    StatusHistory,
    StorageLocation,
    Tracker,
    TrackerStatus,
)

MOST_POSITIONS = 5_000

LOCATION_HISTORY = table(
    "location_history",
    *(column(name) for name in (
        "tracker_id", "recorded_at", "latitude", "longitude", "horizontal_accuracy_m", "confidence", "battery", "nearest_city",
    )),
    schema=SCHEMA,
)  # fmt: skip
"""What screens read: the reports that are sure enough to be believed (a view; see docs/decisions)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A tag in a list or on the map."""

    id: UUID
    name: str
    status: TrackerStatus
    run_id: UUID | None
    run: str | None
    brand: str | None
    client: str | None
    positioned_at: datetime | None
    latitude: float | None
    longitude: float | None
    horizontal_accuracy_m: float | None
    nearest_city: str | None
    battery: int | None
    mac_address: str | None
    last_report_received_at: datetime | None
    place: str | None


@dataclass(frozen=True, slots=True)
class Tracked:
    """All that is known of one tag, its private key excepted."""

    seen: Seen
    client_id: UUID | None
    confidence: int | None
    status_since: datetime
    total_transit_time: timedelta
    total_storage_time: timedelta
    hashed_advertisement_key: str
    last_report_requested_at: datetime | None
    next_fetch_at: datetime
    failed_fetches: int


@dataclass(frozen=True, slots=True)
class Position:
    """One place where a tag was heard."""

    recorded_at: datetime
    latitude: float
    longitude: float
    horizontal_accuracy_m: float
    confidence: int
    battery: int
    nearest_city: str | None


@dataclass(frozen=True, slots=True)
class StatusSince:
    """From when on a tag had which status, at which place."""

    recorded_at: datetime
    status: TrackerStatus
    place: str | None


PLACE: ColumnElement[str] = func.coalesce(StorageLocation.name, DeliveryLocation.name)
SEEN: tuple[Any, ...] = (
    Tracker.id, Tracker.name, Tracker.current_status, Tracker.production_run_id, ProductionRun.description, Brand.name,
    Client.name, Tracker.positioned_at, Tracker.latitude, Tracker.longitude, Tracker.horizontal_accuracy_m,
    Tracker.nearest_city, Tracker.battery, Tracker.mac_address, Tracker.last_report_received_at, PLACE,
)  # fmt: skip
SORTS: dict[str, ColumnElement[Any]] = {
    "name": func.lower(Tracker.name),
    "status": col(Tracker.current_status),  # type: ignore[dict-item]
    "run": func.lower(ProductionRun.description),
    "city": func.lower(Tracker.nearest_city),
    "age": col(Tracker.positioned_at),  # type: ignore[dict-item]
    "accuracy": col(Tracker.horizontal_accuracy_m),  # type: ignore[dict-item]
    "client": func.lower(Client.name),
    "battery": col(Tracker.battery),  # type: ignore[dict-item]
    "mac": col(Tracker.mac_address),  # type: ignore[dict-item]
}

NAMES: tuple[Any, ...] = (
    Tracker.name, ProductionRun.description, Brand.name, Client.name, Tracker.nearest_city, Tracker.mac_address, PLACE,
)  # fmt: skip


def _visible(tx: Transaction, *columns: Any) -> Select[Any]:
    """Living tags that the actor may see; one without a run is seen by those who see every client."""
    return (
        select(*columns)
        .select_from(Tracker)
        .outerjoin(ProductionRun, col(ProductionRun.id) == Tracker.production_run_id)
        .outerjoin(Brand, col(Brand.id) == ProductionRun.brand_id)
        .outerjoin(Client, col(Client.id) == Brand.client_id)
        .outerjoin(StorageLocation, col(StorageLocation.id) == Tracker.storage_location_id)
        .outerjoin(DeliveryLocation, col(DeliveryLocation.id) == Tracker.delivery_location_id)
        .where(within_reach(tx), col(Tracker.deleted_at).is_(None))
    )


async def page(
    tx: Transaction, *, page: int = 1, size: int = 25, sort: str = "name", descending: bool = False, filter: str = "",
    run_id: UUID | None = None, status: TrackerStatus | None = None,
) -> tuple[Sequence[Seen], int]:  # fmt: skip
    """One page of tags and how many there are in all; `sort` is a key of SORTS, `filter` part of any of their names."""
    wanted = []
    for word in filter.split()[:8]:
        part = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        wanted.append(or_(*(name.ilike(f"%{part}%") for name in NAMES)))
    if run_id:
        wanted.append(col(Tracker.production_run_id) == run_id)
    if status:
        wanted.append(col(Tracker.current_status) == status)
    order = SORTS.get(sort, SORTS["name"])
    statement = _visible(tx, *SEEN).where(and_(True, *wanted))
    total = (await tx.execute(_visible(tx, func.count()).where(and_(True, *wanted)))).scalar_one()
    statement = statement.order_by(order.desc().nulls_last() if descending else order.asc().nulls_last(), col(Tracker.id))
    rows = await tx.execute(statement.limit(size).offset((page - 1) * size))
    return [Seen(*row) for row in rows], total


async def on_map(tx: Transaction) -> Sequence[Seen]:
    """Every tag of a run that has not ended and that was ever heard."""
    current = or_(col(ProductionRun.ends_at).is_(None), col(ProductionRun.ends_at) >= func.now())
    statement = _visible(tx, *SEEN).where(col(Tracker.latitude).is_not(None), current).order_by(col(Tracker.id))
    return [Seen(*row) for row in await tx.execute(statement)]


async def summary(tx: Transaction) -> dict[TrackerStatus, int]:
    """How many tags have which status."""
    counted = await tx.execute(_visible(tx, Tracker.current_status, func.count()).group_by(Tracker.current_status))
    found = {TrackerStatus(status): count for status, count in counted}
    return {status: found.get(status, 0) for status in TrackerStatus}


async def tracker(tx: Transaction, tracker_id: UUID, *, at: datetime) -> Tracked:
    """One tag, its sums of time up to `at`; NotFound also where its client is not the actor's."""
    more = (
        Brand.client_id, Tracker.confidence, Tracker.current_state_start_at, Tracker.created_at, Tracker.total_transit_time,
        Tracker.total_storage_time, Tracker.hashed_advertisement_key, Tracker.last_report_requested_at,
        Tracker.next_fetch_at, Tracker.failed_fetches,
    )  # fmt: skip
    row = (await tx.execute(_visible(tx, *SEEN, *more).where(col(Tracker.id) == tracker_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such tracker.")
    seen = Seen(*row[: len(SEEN)])
    client_id, confidence, since, created_at, in_transit, in_storage, *fetching = row[len(SEEN) :]
    sums = spent(Standing(seen.status, None, since, in_transit, in_storage), at)
    return Tracked(seen, client_id, confidence, since or created_at, *sums, *fetching)


async def history(
    tx: Transaction, tracker_id: UUID, *, since: datetime, until: datetime, most: int = MOST_POSITIONS
) -> Sequence[Position]:
    """Where a tag was between two instants, oldest first; the newest `most` of them."""
    found = await _history(tx, tracker_id, since, until, page=1, size=most)
    return found[::-1]


async def history_page(
    tx: Transaction, tracker_id: UUID, *, since: datetime, until: datetime, page: int, size: int, descending: bool = True
) -> tuple[Sequence[Position], int]:
    """One page of the same by time, and how many there are."""
    during = and_(LOCATION_HISTORY.c.tracker_id == tracker_id, LOCATION_HISTORY.c.recorded_at.between(since, until))
    found = await _history(tx, tracker_id, since, until, page=page, size=size, descending=descending)
    total = (await tx.execute(select(func.count()).select_from(LOCATION_HISTORY).where(during))).scalar_one()
    return found, total


async def status_history(tx: Transaction, tracker_id: UUID, *, most: int = 200) -> Sequence[StatusSince]:
    """Each status a tag had, the latest first."""
    await _may_see(tx, tracker_id)
    statement = (
        select(col(StatusHistory.recorded_at), col(StatusHistory.status), PLACE)
        .outerjoin(StorageLocation, col(StorageLocation.id) == StatusHistory.storage_location_id)
        .outerjoin(DeliveryLocation, col(DeliveryLocation.id) == StatusHistory.delivery_location_id)
        .where(col(StatusHistory.tracker_id) == tracker_id)
        .order_by(col(StatusHistory.recorded_at).desc())
        .limit(most)
    )
    return [StatusSince(at, TrackerStatus(status), place) for at, status, place in await tx.execute(statement)]


async def known_times(
    tx: Transaction, trackers: Sequence[tuple[UUID, UUID]], *, since: datetime
) -> dict[UUID, set[datetime]]:
    """When these tags (organization, tag) have reports stored already, by tag (across tenants)."""
    found: dict[UUID, set[datetime]] = defaultdict(set)
    stored = select(col(LocationReport.tracker_id), col(LocationReport.recorded_at)).where(
        tuple_(col(LocationReport.organization_id), col(LocationReport.tracker_id)).in_(trackers),
        col(LocationReport.recorded_at) >= since,
    )
    for tracker_id, at in await tx.execute(stored) if trackers else ():
        found[tracker_id].add(at)
    return found


async def _history(
    tx: Transaction, tracker_id: UUID, since: datetime, until: datetime, *, page: int, size: int, descending: bool = True
) -> Sequence[Position]:
    await _may_see(tx, tracker_id)
    its = LOCATION_HISTORY.c
    order = its.recorded_at.desc() if descending else its.recorded_at.asc()
    columns: tuple[Any, ...] = (
        its.recorded_at, its.latitude, its.longitude, its.horizontal_accuracy_m, its.confidence, its.battery, its.nearest_city,
    )  # fmt: skip
    statement = (
        select(*columns)
        .where(its.tracker_id == tracker_id, its.recorded_at.between(since, until))
        .order_by(order)
        .limit(size)
        .offset((page - 1) * size)
    )
    return [Position(*row) for row in await tx.execute(statement)]


async def _may_see(tx: Transaction, tracker_id: UUID) -> None:
    """NotFound where the tag is not one that the actor may see."""
    if (await tx.execute(_visible(tx, Tracker.id).where(col(Tracker.id) == tracker_id))).first() is None:
        raise NotFound("There is no such tracker.")
