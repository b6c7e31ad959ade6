"""Drivers, what they drive, and the phones by which they are found."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Date, Index, Numeric, text
from sqlmodel import Field

from data.core.table import (
    SoftDeleted,
    Stamped,
    Tenant,
    belongs_to,
    document,
    instant,
    tenant_args,
    text_column,
    word,
)  # fmt: skip
from data.deliveries.values import EmploymentStatus, PhoneApp, Platform

SCHEMA = "deliveries"


class Vehicle(Tenant, Stamped, SoftDeleted, table=True):
    """Something to deliver with, and how much fits."""

    __tablename__ = "vehicles"
    __table_args__ = tenant_args(
        SCHEMA,
        Index(
            "uq_vehicles_registration_number", "organization_id", "registration_number",
            unique=True, postgresql_where=text("deleted_at is null"),
        ),
        CheckConstraint("capacity_kg >= 0 and capacity_litres >= 0 and capacity_parcels >= 0", name="capacity"),
    )  # fmt: skip

    name: str = text_column(nullable=False)
    registration_number: str | None = text_column(nullable=True)
    vehicle_type: str | None = text_column(nullable=True)
    capacity_kg: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    capacity_litres: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    capacity_parcels: int | None = None


class Driver(Tenant, Stamped, SoftDeleted, table=True):
    """Somebody who delivers. Whether they are available is seen from their phone, not written down (see rules)."""

    __tablename__ = "drivers"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("vehicle_id", f"{SCHEMA}.vehicles", on_delete="SET NULL"),
        Index(
            "uq_drivers_user_id", "organization_id", "user_id", unique=True, postgresql_where=text("deleted_at is null")
        ),
    )

    user_id: UUID | None = Field(default=None, foreign_key="identity.users.id")
    vehicle_id: UUID | None = None
    name: str = text_column(nullable=False)
    phone: str | None = text_column(nullable=True)
    employment_status: EmploymentStatus = word(
        EmploymentStatus, "employment_status", SCHEMA, default=EmploymentStatus.ACTIVE
    )
    license_number: str | None = text_column(nullable=True)
    license_expires_on: date | None = Field(default=None, sa_type=Date)
    is_license_verified: bool = Field(default=False, sa_type=Boolean)
    is_background_checked: bool = Field(default=False, sa_type=Boolean)
    service_region: dict[str, Any] | None = document(nullable=True)


class DriverDevice(Tenant, Stamped, SoftDeleted, table=True):
    """A phone or tracker that a driver carries. Its token (identity.api_tokens) names it by `subject_id`."""

    __tablename__ = "driver_devices"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("driver_id", f"{SCHEMA}.drivers", on_delete="CASCADE"),
        Index("ix_driver_devices_driver_id", "organization_id", "driver_id"),
        Index(
            "uq_driver_devices_device_identifier", "organization_id", "driver_id", "platform", "device_identifier",
            unique=True, postgresql_where=text("deleted_at is null"),
        ),
    )  # fmt: skip
    secrets: ClassVar[frozenset[str]] = frozenset({"push_token"})

    driver_id: UUID
    name: str = text_column(nullable=False)
    app: PhoneApp = word(PhoneApp, "phone_app", SCHEMA)
    platform: Platform = word(Platform, "platform", SCHEMA)
    device_identifier: str | None = text_column(nullable=True)
    push_token: bytes | None = None


class DriverSession(Tenant, table=True):
    """A stretch of time in which a device kept reporting; it ends when the device has been silent for long."""

    __tablename__ = "driver_sessions"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("driver_id", f"{SCHEMA}.drivers", on_delete="CASCADE"),
        belongs_to("device_id", f"{SCHEMA}.driver_devices", on_delete="CASCADE"),
        Index("ix_driver_sessions_driver_id", "organization_id", "driver_id", "started_at"),
        Index(
            "uq_driver_sessions_open", "organization_id", "device_id",
            unique=True, postgresql_where=text("ended_at is null"),
        ),
        postgresql_with={"fillfactor": 70},
    )  # fmt: skip
    audited: ClassVar[bool] = False

    driver_id: UUID
    device_id: UUID
    started_at: datetime = instant()
    last_seen_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)
    app_version: str | None = text_column(nullable=True)
    is_background_location_enabled: bool | None = Field(default=None, sa_type=Boolean)
