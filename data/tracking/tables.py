"""Branded goods travel from the factory through storage to a shop, each batch with tags that strangers' phones hear."""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, Index, Interval, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from data.core.table import SoftDeleted, Stamped, Tenant, belongs_to, instant, tenant_args, text_column, word
from data.tracking.values import TrackerStatus

SCHEMA = "tracking"
LIVING = text("deleted_at is null")
DEFAULT_GEOFENCE_M = 100


def _number(**options: Any) -> Any:
    return Field(sa_type=Double, **({"default": None} | options))


def _small(**options: Any) -> Any:
    return Field(sa_type=SmallInteger, **({"default": None} | options))


def _on_earth(*, nullable: bool = False) -> tuple[CheckConstraint, ...]:
    """Latitude and longitude lie where the Earth is; NaN is nowhere."""
    pair = (CheckConstraint("num_nonnulls(latitude, longitude) in (0, 2)", name="whole_position"),) if nullable else ()
    return (
        CheckConstraint("latitude between -90 and 90", name="latitude"),
        CheckConstraint("longitude between -180 and 180", name="longitude"),
        *pair,
    )


class Client(Tenant, Stamped, SoftDeleted, table=True):
    """Whose goods are tracked; a role limited to a client (`user_roles.scope_id`) sees that client's only."""

    __tablename__ = "clients"
    __table_args__ = tenant_args(
        SCHEMA, Index("uq_clients_name", "organization_id", text("lower(name)"), unique=True, postgresql_where=LIVING)
    )

    name: str = text_column(nullable=False)
    logo_url: str | None = text_column(nullable=True)


class Brand(Tenant, Stamped, SoftDeleted, table=True):
    """One of a client's brands."""

    __tablename__ = "brands"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("client_id", "tracking.clients"),
        Index("uq_brands_name", "organization_id", "client_id", text("lower(name)"), unique=True, postgresql_where=LIVING),
    )

    client_id: UUID
    name: str = text_column(nullable=False)
    logo_url: str | None = text_column(nullable=True)


class ProductionRun(Tenant, Stamped, SoftDeleted, table=True):
    """One batch of a brand's goods on its way; its tags are asked for between its start and its end (none: still open)."""

    __tablename__ = "production_runs"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("brand_id", "tracking.brands"),
        CheckConstraint("ends_at > starts_at", name="ends_after_its_start"),
        Index("ix_production_runs_brand_id", "organization_id", "brand_id"),
    )

    brand_id: UUID
    description: str = text_column(nullable=False)
    starts_at: datetime = instant()
    ends_at: datetime | None = instant(nullable=True)
    image_url: str | None = text_column(nullable=True)


class Tracker(Tenant, Stamped, SoftDeleted, table=True):
    """One tag: its keys, what was last heard of it, and what that says about where it stands on its way.

    The private key is sealed. `next_fetch_at` and `failed_fetches` are its place in the queue of tags to ask for.
    """

    __tablename__ = "trackers"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("production_run_id", "tracking.production_runs"),
        belongs_to("storage_location_id", "tracking.storage_locations", on_delete="SET NULL"),
        belongs_to("delivery_location_id", "tracking.delivery_locations", on_delete="SET NULL"),
        *_on_earth(nullable=True),
        CheckConstraint("num_nonnulls(storage_location_id, delivery_location_id) <= 1", name="one_place"),
        Index("uq_trackers_name", "organization_id", text("lower(name)"), unique=True, postgresql_where=LIVING),
        Index(
            "uq_trackers_hashed_advertisement_key", "organization_id", "hashed_advertisement_key",
            unique=True, postgresql_where=LIVING,
        ),
        Index("ix_trackers_production_run_id", "organization_id", "production_run_id"),
        Index("ix_trackers_next_fetch_at", "next_fetch_at", postgresql_where=LIVING),
    )  # fmt: skip
    secrets: ClassVar[frozenset[str]] = frozenset({"sealed_private_key"})
    quiet: ClassVar[frozenset[str]] = frozenset(
        {"last_report_requested_at", "last_report_received_at", "last_status_check_at", "next_fetch_at", "failed_fetches"}
    )

    name: str = text_column(nullable=False)
    mac_address: str | None = text_column(nullable=True)
    advertisement_key: str = text_column(nullable=False)
    hashed_advertisement_key: str = text_column(nullable=False)
    sealed_private_key: bytes = Field(sa_type=LargeBinary)
    production_run_id: UUID | None = None

    current_status: TrackerStatus = word(TrackerStatus, "tracker_status", SCHEMA, default=TrackerStatus.CREATED)
    current_state_start_at: datetime | None = instant(nullable=True)
    storage_location_id: UUID | None = None
    delivery_location_id: UUID | None = None
    total_transit_time: timedelta = Field(default=timedelta(), sa_type=Interval)
    total_storage_time: timedelta = Field(default=timedelta(), sa_type=Interval)
    last_status_check_at: datetime | None = instant(nullable=True)

    last_report_requested_at: datetime | None = instant(nullable=True)
    last_report_received_at: datetime | None = instant(nullable=True)
    positioned_at: datetime | None = instant(nullable=True)
    latitude: float | None = _number(nullable=True)
    longitude: float | None = _number(nullable=True)
    horizontal_accuracy_m: float | None = _number(nullable=True)
    confidence: int | None = _small(nullable=True)
    battery: int | None = _small(nullable=True)
    nearest_city: str | None = text_column(nullable=True)

    next_fetch_at: datetime = instant(default_now=True)
    failed_fetches: int = _small(default=0, nullable=False)


class StorageLocation(Tenant, Stamped, SoftDeleted, table=True):
    """A warehouse on the way; a tag within its circle is in storage."""

    __tablename__ = "storage_locations"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("production_run_id", "tracking.production_runs"),
        *_on_earth(),
        CheckConstraint("geofence_size_m between 10 and 100000", name="geofence_size_m"),
        Index("ix_storage_locations_production_run_id", "organization_id", "production_run_id"),
    )

    name: str = text_column(nullable=False)
    latitude: float = _number(nullable=False)
    longitude: float = _number(nullable=False)
    geofence_size_m: int = DEFAULT_GEOFENCE_M
    production_run_id: UUID | None = None


class DeliveryLocation(Tenant, Stamped, SoftDeleted, table=True):
    """A shop where goods are delivered; a tag within its circle has arrived."""

    __tablename__ = "delivery_locations"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("production_run_id", "tracking.production_runs"),
        *_on_earth(),
        CheckConstraint("geofence_size_m between 10 and 100000", name="geofence_size_m"),
        Index("ix_delivery_locations_production_run_id", "organization_id", "production_run_id"),
    )

    name: str = text_column(nullable=False)
    latitude: float = _number(nullable=False)
    longitude: float = _number(nullable=False)
    geofence_size_m: int = DEFAULT_GEOFENCE_M
    production_run_id: UUID | None = None


class ProductionRunStorageLocation(Tenant, table=True):
    """A warehouse that another run uses too."""

    __tablename__ = "production_run_storage_locations"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("production_run_id", "tracking.production_runs", on_delete="CASCADE"),
        belongs_to("storage_location_id", "tracking.storage_locations", on_delete="CASCADE"),
        UniqueConstraint("organization_id", "production_run_id", "storage_location_id", name="uq_run_storage_location"),
    )

    production_run_id: UUID
    storage_location_id: UUID


class ProductionRunDeliveryLocation(Tenant, table=True):
    """A shop that another run delivers to as well."""

    __tablename__ = "production_run_delivery_locations"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("production_run_id", "tracking.production_runs", on_delete="CASCADE"),
        belongs_to("delivery_location_id", "tracking.delivery_locations", on_delete="CASCADE"),
        UniqueConstraint("organization_id", "production_run_id", "delivery_location_id", name="uq_run_delivery_location"),
    )

    production_run_id: UUID
    delivery_location_id: UUID


class LocationReport(SQLModel, table=True):
    """One report of one tag, as a phone heard it. A second report of the same second is the same report."""

    __tablename__ = "location_reports"
    __table_args__ = (
        CheckConstraint("latitude between -90 and 90", name="latitude"),
        CheckConstraint("longitude between -180 and 180", name="longitude"),
        {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"},
    )
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    tracker_id: UUID = Field(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)
    hashed_advertisement_key: str = text_column(nullable=False)
    latitude: float = _number(nullable=False)
    longitude: float = _number(nullable=False)
    horizontal_accuracy_m: float = _number(nullable=False)
    confidence: int = _small(nullable=False)
    battery: int = _small(nullable=False)
    nearest_city: str | None = text_column(nullable=True)
    received_at: datetime = instant(default_now=True)


class StatusHistory(Tenant, table=True):
    """From `recorded_at` (the report's own time) on, the tag had this status, at this place if any."""

    __tablename__ = "status_history"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("tracker_id", "tracking.trackers", on_delete="CASCADE"),
        belongs_to("storage_location_id", "tracking.storage_locations", on_delete="SET NULL"),
        belongs_to("delivery_location_id", "tracking.delivery_locations", on_delete="SET NULL"),
        UniqueConstraint("organization_id", "tracker_id", "recorded_at", name="uq_status_history_tracker_id"),
    )
    audited: ClassVar[bool] = False

    tracker_id: UUID
    recorded_at: datetime = instant()
    status: TrackerStatus = word(TrackerStatus, "tracker_status", SCHEMA)
    storage_location_id: UUID | None = None
    delivery_location_id: UUID | None = None


__all__ = [
    "DEFAULT_GEOFENCE_M", "SCHEMA", "Brand", "Client", "DeliveryLocation", "LocationReport", "ProductionRun",
    "ProductionRunDeliveryLocation", "ProductionRunStorageLocation", "StatusHistory", "StorageLocation", "Tracker", "TrackerStatus",
]  # fmt: skip
