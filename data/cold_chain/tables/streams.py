"""What sensors said, month by month and never changed, and what is drawn together from it by the hour, day, week and month."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Double, Index, Numeric, SmallInteger, text
from sqlmodel import Field, SQLModel

from data.cold_chain.tables._shape import SCHEMA, percent
from data.cold_chain.values import Granularity, ReadingSource
from data.core.table import celsius, instant, text_column, word


class SensorReading(SQLModel, table=True):
    """One measurement, never changed. Its key is what makes it the same one when it arrives twice.

    `raw_temperature_celsius` is what the sensor itself said, where a calibration corrected it.
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
    humidity_percent: Decimal | None = percent()
    battery_percent: int | None = Field(default=None, sa_type=SmallInteger)
    signal_dbm: int | None = Field(default=None, sa_type=SmallInteger)
    source: ReadingSource = word(ReadingSource, "reading_source", SCHEMA)
    received_at: datetime = instant(default_now=True)
    raw_temperature_celsius: Decimal | None = celsius()
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
    open_count: int | None = None
    received_at: datetime = instant(default_now=True)


class ReadingMetric(SQLModel, table=True):
    """One sensor's readings of a unit in one hour, day, week (from Monday) or month. Days are those of UTC.

    Sums and counts stay exact when periods are added up, and so do the averages that follow from them. `anomaly_count` is how
    many readings were outside the limits that held when they were measured; `kinetic_sum` is what the mean kinetic
    temperature comes from (see kinetic.py).
    """

    __tablename__ = "reading_metrics"
    __table_args__ = (
        Index("ix_reading_metrics_granularity", "organization_id", "granularity", "period_start"),
        {"schema": SCHEMA, "postgresql_partition_by": "RANGE (period_start)"},
    )
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    unit_id: UUID = Field(primary_key=True)
    granularity: Granularity = word(Granularity, "granularity", SCHEMA, primary_key=True)
    period_start: datetime = instant(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    period_end: datetime = instant()
    temp_min_celsius: Decimal = celsius(nullable=False)
    temp_max_celsius: Decimal = celsius(nullable=False)
    temp_avg_celsius: Decimal = celsius(nullable=False)
    temp_sum_celsius: Decimal = Field(sa_type=Numeric(14, 2), nullable=False)
    humidity_min_percent: Decimal | None = percent()
    humidity_max_percent: Decimal | None = percent()
    humidity_avg_percent: Decimal | None = percent()
    humidity_sum_percent: Decimal | None = Field(default=None, sa_type=Numeric(14, 2))
    humidity_count: int = 0
    kinetic_sum: float = Field(default=0, sa_type=Double, nullable=False)
    reading_count: int = 0
    anomaly_count: int = 0
    updated_at: datetime = instant(default_now=True)


class StaleMetric(SQLModel, table=True):
    """An hour of a unit has got readings that its metrics do not know of yet; a late reading makes an old hour stale again.

    `claim` is the transaction that took the mark up for counting (0: none yet). A mark that is being counted does not stand in
    the way of a new one; see commands/metrics.py.
    """

    __tablename__ = "stale_metrics"
    __table_args__ = {"schema": SCHEMA}
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    unit_id: UUID = Field(primary_key=True)
    hour: datetime = instant(primary_key=True)
    claim: int = Field(default=0, sa_type=BigInteger, primary_key=True, sa_column_kwargs={"server_default": text("0")})
    marked_at: datetime = instant(default_now=True)
