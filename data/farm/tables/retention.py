"""An organization may let go of its farms' past sooner than the installation does."""

from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint

from data.core.table import Stamped, Tenant, instant, tenant_args
from data.farm.tables._shape import SCHEMA


class FarmRetention(Tenant, Stamped, table=True):
    """How many days each value, their hours and their days are kept for this organization; None: as the installation says, without a row
    likewise."""

    __tablename__ = "retentions"
    __table_args__ = tenant_args(
        SCHEMA,
        UniqueConstraint("organization_id", name="uq_retentions_organization"),
        CheckConstraint("least(raw_days, hourly_days, daily_days) > 0", name="days"),
    )

    raw_days: int | None = None
    hourly_days: int | None = None
    daily_days: int | None = None
    updated_at: datetime = instant(default_now=True)
