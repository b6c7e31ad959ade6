"""Where drivers have been, a piece a day for a month, and where each of them is now."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import REAL, Boolean, CheckConstraint, Double, Index, text
from sqlmodel import Field, SQLModel

from data.core.table import belongs_to, instant, word
from data.deliveries.tables.shipments import PLACE_EXISTS, SCHEMA
from data.deliveries.values import PositionSource


class _Position(SQLModel):
    """What a phone says of itself. Metres, metres a second, degrees from north, percent; unknown is None.

    `is_accurate` is ours: whether a decision may rest on it (see rules).
    """

    device_id: UUID
    received_at: datetime = instant(default_now=True)
    latitude: float = Field(sa_type=Double)
    longitude: float = Field(sa_type=Double)
    accuracy_m: float | None = Field(default=None, sa_type=REAL)
    speed_mps: float | None = Field(default=None, sa_type=REAL)
    heading_deg: float | None = Field(default=None, sa_type=REAL)
    altitude_m: float | None = Field(default=None, sa_type=REAL)
    battery_percent: float | None = Field(default=None, sa_type=REAL)
    source: PositionSource = word(PositionSource, "position_source", SCHEMA)
    is_accurate: bool = Field(sa_type=Boolean)


class DriverLocationEvent(_Position, table=True):
    """One fix. A driver is at one place at a time, so a second one for the same instant is a repetition."""

    __tablename__ = "driver_location_events"
    __table_args__ = (
        CheckConstraint(PLACE_EXISTS, name="place"),
        {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"},
    )
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    driver_id: UUID = Field(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)


class ActiveDriverLocation(_Position, table=True):
    """The fix that says where a driver is; only a newer one that is not worse takes its place (see rules)."""

    __tablename__ = "active_driver_locations"
    __table_args__ = (
        belongs_to("driver_id", "deliveries.drivers", on_delete="CASCADE"),
        CheckConstraint(PLACE_EXISTS, name="place"),
        Index("ix_active_driver_locations_place", text("ll_to_earth(latitude, longitude)"), postgresql_using="gist"),
        {"schema": SCHEMA, "postgresql_with": {"fillfactor": 70}},
    )
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    driver_id: UUID = Field(primary_key=True)
    recorded_at: datetime = instant()
