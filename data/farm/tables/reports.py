"""What left the house about a farm."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from data.core.table import Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column
from data.farm.tables._shape import SCHEMA


class FarmReport(Tenant, Stamped, table=True):
    """A report as it was handed out. `fingerprint` is the SHA-256 of its facts (hex), which also stands in the event log and on each
    of its pages; the file may be made again, the facts may not."""

    __tablename__ = "reports"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        belongs_to("file_id", "platform.files"),
        belongs_to("background_job_id", "platform.background_jobs", on_delete="SET NULL"),
        CheckConstraint("last_day >= first_day", name="last_day"),
        Index("ix_reports_created_at", "organization_id", "created_at"),
        Index("ix_reports_fingerprint", "fingerprint"),
    )

    farm_id: UUID
    kind: str = text_column(nullable=False)
    title: str = text_column(nullable=False)
    first_day: date
    last_day: date
    language: str = text_column(nullable=False, default="en")
    units: str = text_column(nullable=False, default="celsius")
    requested_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    requested_as: str | None = text_column(nullable=True)
    background_job_id: UUID | None = None
    generated_at: datetime | None = instant(nullable=True)
    file_id: UUID | None = None
    fingerprint: str | None = Field(default=None, max_length=64)
    summary: dict[str, Any] = document()
