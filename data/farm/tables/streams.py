"""What probes and devices measured, month by month, and what is drawn together from it by the hour and the day."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Index, Numeric, SmallInteger, text
from sqlmodel import Field, SQLModel

from data.core.table import instant, text_column, word
from data.farm.tables._shape import SCHEMA
from data.farm.tables.words import Granularity


class SensorReading(SQLModel, table=True):
    """One value of a probe in its own unit; a relay's state is kept too, as `power` 0 or 1. Quality 0 is as measured. `raw_value` is what
    the probe itself said, where a calibration corrected it."""

    __tablename__ = "sensor_readings"
    __table_args__ = {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"}
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    sensor_type: str = text_column(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)
    farm_id: UUID
    unit: str = text_column(nullable=False)
    value: Decimal = Field(sa_type=Numeric(10, 2))
    quality: int = Field(default=0, sa_type=SmallInteger)
    raw_value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))


class DeviceMetric(SQLModel, table=True):
    """How a device itself fares: `runtime_hours`, `on_cycles`, `errors`, `signal_dbm`, `battery_percent`…"""

    __tablename__ = "device_metrics"
    __table_args__ = {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"}
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    metric_type: str = text_column(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)
    farm_id: UUID
    value: Decimal = Field(sa_type=Numeric(12, 3))
    status: str | None = text_column(nullable=True)


class ReadingMetric(SQLModel, table=True):
    """A probe's values of one hour or one day by its farm's clock. Sums stay exact when periods are added up; hours are kept a year,
    days five.

    Of a switch (`power`), `on_s` is how long it was on in that time, also where nothing was said in it and a state just lasted
    (`reading_count` 0), and `cycle_count` how often it went on. Days have an index that answers for years of them by itself.
    """

    __tablename__ = "reading_metrics"
    __table_args__ = (
        Index(
            "ix_reading_metrics_days", "organization_id", "device_id", "sensor_type", "period_start",
            postgresql_include=["minimum", "maximum", "total", "reading_count"], postgresql_where=text("granularity = 'daily'"),
        ),
        {"schema": SCHEMA, "postgresql_partition_by": "RANGE (period_start)"},
    )  # fmt: skip
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    sensor_type: str = text_column(primary_key=True)
    granularity: Granularity = word(Granularity, "granularity", SCHEMA, primary_key=True)
    period_start: datetime = instant(primary_key=True)
    farm_id: UUID
    unit: str = text_column(nullable=False)
    minimum: Decimal = Field(sa_type=Numeric(10, 2))
    maximum: Decimal = Field(sa_type=Numeric(10, 2))
    total: Decimal = Field(sa_type=Numeric(16, 2))
    square_total: Decimal = Field(sa_type=Numeric(20, 4))
    reading_count: int = 0
    on_s: int | None = None
    cycle_count: int | None = None
    updated_at: datetime = instant(default_now=True)


class StaleMetric(SQLModel, table=True):
    """An hour of a probe has got values that its metrics do not know of yet; `claim` as in core/marks.py."""

    __tablename__ = "stale_metrics"
    __table_args__ = {"schema": SCHEMA}
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    sensor_type: str = text_column(primary_key=True)
    hour: datetime = instant(primary_key=True)
    claim: int = Field(default=0, sa_type=BigInteger, primary_key=True, sa_column_kwargs={"server_default": text("0")})
    marked_at: datetime = instant(default_now=True)
