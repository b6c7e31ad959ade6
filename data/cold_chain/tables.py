"""Food is kept cold in units, which stand in areas of sites; sensors in them say how warm it is."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Double, Index, Numeric, SmallInteger, UniqueConstraint, func, text
from sqlmodel import Field, SQLModel

from data.cold_chain.values import ComplianceMode, DeviceStatus, ReadingSource, UnitStatus, UnitType
from data.core.table import (
    SoftDeleted,
    Stamped,
    Tenant,
    belongs_to,
    celsius,
    instant,
    tenant_args,
    text_column,
    word,
)

SCHEMA = "cold_chain"
LIVING = text("deleted_at is null")


def _small(*, nullable: bool = True, default: int | None = None) -> Any:
    return Field(default=default, sa_type=SmallInteger, nullable=nullable)


def _flag(default: bool) -> Any:
    return Field(default=default, sa_type=Boolean, nullable=False)


class Edited(SQLModel):
    """When a row was last changed by anything but its sensor."""

    updated_at: datetime = instant(sa_column_kwargs={"server_default": text("now()"), "onupdate": func.now()})


class Site(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """One address where food is kept, with its own clock. Rights may be limited to a site."""

    __tablename__ = "sites"
    __table_args__ = tenant_args(
        SCHEMA,
        CheckConstraint("latitude between -90 and 90", name="latitude"),
        CheckConstraint("longitude between -180 and 180", name="longitude"),
        CheckConstraint("num_nonnulls(latitude, longitude) in (0, 2)", name="whole_position"),
        Index("uq_sites_name", "organization_id", text("lower(name)"), unique=True, postgresql_where=LIVING),
    )

    name: str = text_column(nullable=False)
    address: str | None = text_column(nullable=True)
    city: str | None = text_column(nullable=True)
    state: str | None = text_column(nullable=True)
    postal_code: str | None = text_column(nullable=True)
    country: str | None = text_column(nullable=True)
    time_zone: str = text_column(nullable=False)
    compliance_mode: ComplianceMode = word(ComplianceMode, "compliance_mode", SCHEMA, default=ComplianceMode.STANDARD)
    manual_log_cadence_s: int | None = None
    is_corrective_action_required: bool = _flag(False)
    latitude: float | None = Field(default=None, sa_type=Double)
    longitude: float | None = Field(default=None, sa_type=Double)
    is_active: bool = _flag(True)


class Area(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """A part of a site, such as its kitchen or its dock."""

    __tablename__ = "areas"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("site_id", "cold_chain.sites"),
        Index("uq_areas_name", "organization_id", "site_id", text("lower(name)"), unique=True, postgresql_where=LIVING),
    )

    site_id: UUID
    name: str = text_column(nullable=False)
    description: str | None = text_column(nullable=True)
    sort_order: int = 0
    is_active: bool = _flag(True)


class Unit(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """One fridge or freezer: what its sensor last said, and what follows from that.

    Its limits are in `alert_rules`. `out_of_range_since_at` is set from the first reading outside them until one is well
    inside again; `good_readings` counts those since.
    """

    __tablename__ = "units"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("area_id", "cold_chain.areas"),
        Index("uq_units_name", "organization_id", "area_id", text("lower(name)"), unique=True, postgresql_where=LIVING),
    )
    quiet: ClassVar[frozenset[str]] = frozenset(
        {"last_reading_at", "last_temperature_celsius", "good_readings", "door_is_open", "door_changed_at", "door_seen_at"}
    )

    area_id: UUID
    name: str = text_column(nullable=False)
    unit_type: UnitType = word(UnitType, "unit_type", SCHEMA)
    status: UnitStatus = word(UnitStatus, "unit_status", SCHEMA, default=UnitStatus.OK)
    status_changed_at: datetime = instant(default_now=True)
    out_of_range_since_at: datetime | None = instant(nullable=True)
    good_readings: int = _small(nullable=False, default=0)
    last_reading_at: datetime | None = instant(nullable=True)
    last_temperature_celsius: Decimal | None = celsius()
    door_is_open: bool | None = Field(default=None, sa_type=Boolean)
    door_changed_at: datetime | None = instant(nullable=True)
    door_seen_at: datetime | None = instant(nullable=True)
    is_manual_monitoring_required: bool = _flag(False)
    manual_monitoring_interval_minutes: int | None = None
    last_manual_log_at: datetime | None = instant(nullable=True)
    is_active: bool = _flag(True)
    sort_order: int = 0


class Device(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """A sensor. The primary one of a unit speaks for its temperature; others are recorded beside it."""

    __tablename__ = "devices"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("unit_id", "cold_chain.units", on_delete="SET NULL"),
        Index("uq_devices_device_eui", "organization_id", "device_eui", unique=True, postgresql_where=LIVING),
        Index(
            "uq_devices_primary", "organization_id", "unit_id",
            unique=True, postgresql_where=text("is_primary and deleted_at is null"),
        ),
        Index("ix_devices_unit_id", "organization_id", "unit_id"),
    )  # fmt: skip
    quiet: ClassVar[frozenset[str]] = frozenset({"battery_percent", "battery_v", "signal_dbm", "last_seen_at"})

    unit_id: UUID | None = None
    device_eui: str = text_column(nullable=False)
    name: str | None = text_column(nullable=True)
    device_type: str = text_column(nullable=False, default="lora")
    is_primary: bool = _flag(False)
    status: DeviceStatus = word(DeviceStatus, "device_status", SCHEMA, default=DeviceStatus.INACTIVE)
    battery_percent: int | None = _small()
    battery_v: Decimal | None = Field(default=None, sa_type=Numeric(5, 3))
    signal_dbm: int | None = _small()
    firmware_version: str | None = text_column(nullable=True)
    last_seen_at: datetime | None = instant(nullable=True)
    is_active: bool = _flag(True)


class AlertRule(Tenant, Stamped, Edited, table=True):
    """What counts as trouble: one row for a unit, a site, or (with neither) all. An empty field is inherited.

    Who changed what from what to what is in the event log.
    """

    __tablename__ = "alert_rules"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("site_id", "cold_chain.sites", on_delete="CASCADE"),
        belongs_to("unit_id", "cold_chain.units", on_delete="CASCADE"),
        CheckConstraint("num_nonnulls(site_id, unit_id) <= 1", name="one_scope"),
        CheckConstraint("temperature_min_celsius < temperature_max_celsius", name="low_is_below_high"),
        UniqueConstraint(
            "organization_id", "site_id", "unit_id", name="uq_alert_rules_scope", postgresql_nulls_not_distinct=True
        ),
        Index("ix_alert_rules_unit_id", "organization_id", "unit_id"),
    )

    site_id: UUID | None = None
    unit_id: UUID | None = None
    temperature_min_celsius: Decimal | None = celsius()
    temperature_max_celsius: Decimal | None = celsius()
    hysteresis_celsius: Decimal | None = celsius()
    delay_minutes: int | None = None
    delay_door_open_minutes: int | None = None
    door_grace_minutes: int | None = None
    expected_reading_interval_s: int | None = None
    offline_warning_missed_checkins: int | None = None
    offline_critical_missed_checkins: int | None = None
    manual_interval_minutes: int | None = None
    manual_grace_minutes: int | None = None
    manual_log_missed_checkins_threshold: int | None = None
    door_open_warning_minutes: int | None = None
    door_open_critical_minutes: int | None = None
    max_excursion_minutes: int | None = None


class SensorReading(SQLModel, table=True):
    """One measurement, never changed. Its key is what makes it the same one when it arrives twice.

    The time stands before the device in the key, so that the key's own index answers for a stretch of a unit's time.
    """

    __tablename__ = "sensor_readings"
    __table_args__ = (
        CheckConstraint("temperature_celsius between -100 and 200", name="temperature_celsius"),
        {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"},
    )
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    unit_id: UUID = Field(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    temperature_celsius: Decimal = celsius(nullable=False)
    humidity_percent: Decimal | None = Field(default=None, sa_type=Numeric(5, 2))
    battery_percent: int | None = _small()
    signal_dbm: int | None = _small()
    source: ReadingSource = word(ReadingSource, "reading_source", SCHEMA)
    received_at: datetime = instant(default_now=True)
    raw_payload: str | None = text_column(nullable=True)


class DoorEvent(SQLModel, table=True):
    """A door was opened or closed; `duration_s` is how long it had been the other way."""

    __tablename__ = "door_events"
    __table_args__ = {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"}
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    unit_id: UUID = Field(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    is_open: bool = Field(sa_type=Boolean)
    duration_s: int | None = None
    received_at: datetime = instant(default_now=True)
