"""What people themselves write down and take away: temperatures by hand, reports, how they like to look at it, and what they think."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from data.cold_chain.tables._shape import SCHEMA, Edited, flag, percent, small
from data.cold_chain.values import ReportKind
from data.core.table import Stamped, Tenant, belongs_to, celsius, document, instant, tenant_args, text_column, word


class ManualTemperatureLog(Tenant, Stamped, table=True):
    """Somebody (`user_name` as they were called then) read a thermometer at `recorded_at` and it arrived at `created_at`. The
    phone chooses the id, so that sending it twice changes nothing. The limits that held then stand beside the value.

    A mistake stays, and another row that names it in `corrects_id` says what it should have been.
    """

    __tablename__ = "manual_temperature_logs"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("unit_id", "cold_chain.units", on_delete="CASCADE"),
        belongs_to("photo_file_id", "platform.files"),
        belongs_to("corrects_id", "cold_chain.manual_temperature_logs", on_delete="CASCADE"),
        CheckConstraint("temperature_celsius between -100 and 200", name="temperature_celsius"),
        Index("ix_manual_temperature_logs_unit_id", "organization_id", "unit_id", "recorded_at"),
        Index("ix_manual_temperature_logs_recorded_at", "organization_id", "recorded_at"),
        Index("uq_manual_temperature_logs_corrects_id", "organization_id", "corrects_id", unique=True),
    )

    unit_id: UUID
    user_id: UUID | None = Field(default=None, foreign_key="identity.users.id")
    user_name: str = text_column(nullable=False)
    temperature_celsius: Decimal = celsius(nullable=False)
    humidity_percent: Decimal | None = percent()
    low_celsius: Decimal | None = celsius()
    high_celsius: Decimal | None = celsius()
    is_in_range: bool = flag(True)
    notes: str | None = text_column(nullable=True)
    photo_file_id: UUID | None = None
    recorded_at: datetime = instant()
    corrects_id: UUID | None = None


class Report(Tenant, Stamped, table=True):
    """A report as it was handed out. `fingerprint` is the SHA-256 of its facts (hex), which also stands in the event log and
    on each of its pages; the file may be made again, the facts may not."""

    __tablename__ = "reports"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("site_id", "cold_chain.sites", on_delete="SET NULL"),
        belongs_to("unit_id", "cold_chain.units", on_delete="SET NULL"),
        belongs_to("file_id", "platform.files"),
        belongs_to("background_job_id", "platform.background_jobs", on_delete="SET NULL"),
        CheckConstraint("until > since", name="until_after_since"),
        Index("ix_reports_created_at", "organization_id", "created_at"),
        Index("ix_reports_fingerprint", "fingerprint"),
    )

    kind: ReportKind = word(ReportKind, "report_kind", SCHEMA)
    site_id: UUID | None = None
    unit_id: UUID | None = None
    title: str = text_column(nullable=False)
    since: datetime = instant()
    until: datetime = instant()
    time_zone: str = text_column(nullable=False)
    language: str = text_column(nullable=False, default="en")
    units: str = text_column(nullable=False, default="celsius")
    requested_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    requested_as: str | None = text_column(nullable=True)
    background_job_id: UUID | None = None
    generated_at: datetime | None = instant(nullable=True)
    file_id: UUID | None = None
    fingerprint: str | None = Field(default=None, max_length=64)
    summary: dict[str, Any] = document()


class EntityDashboardLayout(Tenant, Stamped, Edited, table=True):
    """How one person arranged the panels of one thing (a site, an area, a unit, or with the organization's id all of it)."""

    __tablename__ = "entity_dashboard_layouts"
    __table_args__ = tenant_args(
        SCHEMA,
        UniqueConstraint("organization_id", "user_id", "entity_type", "entity_id", "slot_number"),
    )
    audited: ClassVar[bool] = False

    entity_type: str = text_column(nullable=False)
    entity_id: UUID
    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    slot_number: int = small(nullable=False, default=1)
    name: str = text_column(nullable=False)
    is_user_default: bool = flag(False)
    layout: dict[str, Any] = document()
    widget_preferences: dict[str, Any] = document()
    timeline_state: dict[str, Any] | None = document(nullable=True)
    layout_version: int = 1


class PilotFeedback(Tenant, Stamped, table=True):
    """What somebody thinks of a week at a site: 1 (poor) to 5 (good), one voice a week and site."""

    __tablename__ = "pilot_feedback"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("site_id", "cold_chain.sites", on_delete="SET NULL"),
        *(
            CheckConstraint(f"{name}_rating between 1 and 5", name=name)
            for name in ("logging_speed", "alert_fatigue", "report_usefulness")
        ),
        UniqueConstraint("organization_id", "site_id", "week_start", name="uq_pilot_feedback_week", postgresql_nulls_not_distinct=True),
    )

    site_id: UUID | None = None
    week_start: date
    logging_speed_rating: int | None = small()
    alert_fatigue_rating: int | None = small()
    report_usefulness_rating: int | None = small()
    notes: str | None = text_column(nullable=True)
    submitted_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
