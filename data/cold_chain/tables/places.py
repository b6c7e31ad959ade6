"""Food is kept cold in units, which stand in areas of sites, each with its own clock."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Double, Index, text
from sqlmodel import Field

from data.cold_chain.tables._shape import LIVING, SCHEMA, Edited, flag, small
from data.cold_chain.values import ComplianceMode, UnitStatus, UnitType
from data.core.table import SoftDeleted, Stamped, Tenant, belongs_to, celsius, instant, tenant_args, text_column, word


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
    is_corrective_action_required: bool = flag(False)
    latitude: float | None = Field(default=None, sa_type=Double)
    longitude: float | None = Field(default=None, sa_type=Double)
    is_active: bool = flag(True)


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
    is_active: bool = flag(True)


class Unit(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """One fridge or freezer: what its sensor last said, and what follows from that.

    Its limits are in `alert_rules`. `out_of_range_since_at` is set from the first reading outside them until one is well
    inside again; `good_readings` counts those since. `door_masked_s` is how long an open door has
    excused it on the day `door_masked_on` (the site's own).
    """

    __tablename__ = "units"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("area_id", "cold_chain.areas"),
        Index("uq_units_name", "organization_id", "area_id", text("lower(name)"), unique=True, postgresql_where=LIVING),
    )
    quiet: ClassVar[frozenset[str]] = frozenset(
        {
            "last_reading_at", "last_temperature_celsius", "good_readings", "door_is_open", "door_changed_at", "door_seen_at",
            "door_masked_on", "door_masked_s", "trend_celsius_per_hour", "trend_error_celsius_per_hour",
        }  # fmt: skip
    )

    area_id: UUID
    name: str = text_column(nullable=False)
    unit_type: UnitType = word(UnitType, "unit_type", SCHEMA)
    status: UnitStatus = word(UnitStatus, "unit_status", SCHEMA, default=UnitStatus.OK)
    status_changed_at: datetime = instant(default_now=True)
    out_of_range_since_at: datetime | None = instant(nullable=True)
    good_readings: int = small(nullable=False, default=0)
    last_reading_at: datetime | None = instant(nullable=True)
    last_temperature_celsius: Decimal | None = celsius()
    door_is_open: bool | None = Field(default=None, sa_type=Boolean)
    door_changed_at: datetime | None = instant(nullable=True)
    door_seen_at: datetime | None = instant(nullable=True)
    door_masked_on: date | None = None
    door_masked_s: int = 0
    trend_celsius_per_hour: Decimal | None = celsius()
    trend_error_celsius_per_hour: Decimal | None = celsius()
    is_manual_monitoring_required: bool = flag(False)
    manual_monitoring_interval_minutes: int | None = None
    last_manual_log_at: datetime | None = instant(nullable=True)
    is_active: bool = flag(True)
    sort_order: int = 0
