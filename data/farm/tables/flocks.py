"""Birds are placed together, fed, watered, weighed and counted until they leave together."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from data.core.table import SoftDeleted, Stamped, Tenant, belongs_to, instant, tenant_args, text_column
from data.farm.tables._shape import SCHEMA


class FlockBatch(Tenant, Stamped, SoftDeleted, table=True):
    """One flock in one house, from the day it was placed. `targets` is the temperature for its age:
    [{"day", "celsius", "within"}], straight lines between; empty takes the usual of its kind."""

    __tablename__ = "flock_batches"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        CheckConstraint("placed_count > 0", name="placed_count"),
        CheckConstraint("closed_on >= placed_on", name="closed_after"),
        Index("ix_flock_batches_farm_id", "organization_id", "farm_id", "placed_on"),
        Index(
            "uq_flock_batches_house", "organization_id", "farm_id", text("lower(house)"),
            unique=True, postgresql_where=text("closed_on is null and deleted_at is null"),
        ),
    )  # fmt: skip

    farm_id: UUID
    name: str = text_column(nullable=False)
    house: str = text_column(nullable=False)
    kind: str = text_column(nullable=False, default="broiler")
    breed: str | None = text_column(nullable=True)
    placed_on: date
    placed_age_days: int = 0
    placed_count: int
    placed_weight_g: Decimal | None = Field(default=None, sa_type=Numeric(8, 1))
    targets: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    closed_on: date | None = None
    closed_count: int | None = None
    closed_weight_kg: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    notes: str | None = text_column(nullable=True)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    updated_at: datetime = instant(default_now=True)


class FlockRecord(Tenant, Stamped, SoftDeleted, table=True):
    """One day of a flock, as its keeper wrote it down; a day has one line, which grows during the day."""

    __tablename__ = "flock_records"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("batch_id", "farm.flock_batches", on_delete="CASCADE"),
        *(CheckConstraint(f"{name} >= 0", name=name) for name in ("dead", "culled", "feed_kg", "water_l", "weight_g")),
        UniqueConstraint("organization_id", "batch_id", "day"),
    )

    batch_id: UUID
    day: date
    dead: int = 0
    culled: int = 0
    feed_kg: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    water_l: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    weight_g: Decimal | None = Field(default=None, sa_type=Numeric(8, 1))
    weighed_count: int | None = None
    cause: str | None = text_column(nullable=True)
    notes: str | None = text_column(nullable=True)
    recorded_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    updated_at: datetime = instant(default_now=True)
