"""Something needs a person: one life for every alert, whichever domain it comes from."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Numeric, text
from sqlmodel import Field

from data.core.table import Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column, word

SCHEMA = "alerts"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertStatus(StrEnum):
    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


class Alert(Tenant, Stamped, table=True):
    """One open alert a subject and kind. `message` is an English template, `message_values` what goes into it.

    `next_step_at` is when the ladder looks at it again (also once more when it is over), `ladder_from_at` from when its steps
    are counted: empty until somebody was told. `parent_id` is the larger alert that this one is a part of (a site's outage),
    which is told instead. `subject_kind` names the domain's thing (`cold_chain.units`), `scope_id` what rights are limited by
    (its farm), `time_zone` the zone of that place, where it is not the organization's.
    """

    __tablename__ = "alerts"
    __table_args__ = tenant_args(
        SCHEMA,
        Index(
            "uq_alerts_open", "organization_id", "subject_id", "alert_type",
            unique=True, postgresql_where=text("status <> 'resolved'"),
        ),
        belongs_to("parent_id", "alerts.alerts", on_delete="SET NULL"),
        Index("ix_alerts_status", "organization_id", "status", "triggered_at"),
        Index("ix_alerts_subject_id", "organization_id", "subject_id", "triggered_at"),
        Index("ix_alerts_parent_id", "organization_id", "parent_id", postgresql_where=text("parent_id is not null")),
        Index("ix_alerts_next_step", "next_step_at", postgresql_where=text("next_step_at is not null")),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"next_step_at", "ladder_from_at", "last_told_at", "updated_at"})

    subject_kind: str = text_column(nullable=False)
    subject_id: UUID
    subject_name: str = text_column(nullable=False)
    scope_id: UUID | None = None
    permission: str = text_column(nullable=False)
    href: str | None = text_column(nullable=True)
    time_zone: str | None = text_column(nullable=True)
    alert_type: str = text_column(nullable=False)
    severity: Severity = word(Severity, "severity", SCHEMA)
    status: AlertStatus = word(AlertStatus, "alert_status", SCHEMA, default=AlertStatus.ACTIVE)
    message: str = text_column(nullable=False)
    message_values: dict[str, Any] = document()
    threshold_value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    actual_value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    triggered_at: datetime = instant()
    acknowledged_at: datetime | None = instant(nullable=True)
    acknowledged_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    acknowledgement_note: str | None = text_column(nullable=True)
    resolved_at: datetime | None = instant(nullable=True)
    resolved_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    resolution: str | None = text_column(nullable=True)
    escalated_at: datetime | None = instant(nullable=True)
    escalation_level: int = 0
    parent_id: UUID | None = None
    is_suppressed: bool = Field(default=False, sa_type=Boolean)
    snoozed_until_at: datetime | None = instant(nullable=True)
    snoozed_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    next_step_at: datetime | None = instant(nullable=True)
    ladder_from_at: datetime | None = instant(nullable=True)
    last_told_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class Decision(Tenant, table=True):
    """What was decided about an alert and why: told, not told, escalated, snoozed, joined to another… The alert's story.

    `reason` is an English template, `reason_values` what goes into it.
    """

    __tablename__ = "decisions"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("alert_id", "alerts.alerts", on_delete="CASCADE"),
        Index("ix_decisions_alert_id", "organization_id", "alert_id", "decided_at"),
    )
    audited: ClassVar[bool] = False

    alert_id: UUID
    decided_at: datetime = instant(default_now=True)
    decision: str = text_column(nullable=False)
    reason: str = text_column(nullable=False)
    reason_values: dict[str, Any] = document()
    user_id: UUID | None = Field(default=None, foreign_key="identity.users.id")


class Suppression(Tenant, Stamped, table=True):
    """For this time nobody is told of alerts of one thing, of one scope (a site, a farm), of one kind, or of any.

    Alerts are raised all the same, and shown.
    """

    __tablename__ = "suppressions"
    __table_args__ = tenant_args(
        SCHEMA,
        CheckConstraint("ends_at > starts_at", name="ends_after"),
        Index("ix_suppressions_ends_at", "organization_id", "ends_at", postgresql_where=text("lifted_at is null")),
    )

    subject_id: UUID | None = None
    scope_id: UUID | None = None
    alert_type: str | None = text_column(nullable=True)
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    reason: str = text_column(nullable=False)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    lifted_at: datetime | None = instant(nullable=True)
    lifted_by: UUID | None = Field(default=None, foreign_key="identity.users.id")


class CorrectiveAction(Tenant, Stamped, table=True):
    """What was wrong (`description`) and what somebody did about it, with a photo where there is one: evidence, never changed.

    It answers an alert, a temperature written down by hand (`log_id`), or just a thing.
    """

    __tablename__ = "corrective_actions"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("alert_id", "alerts.alerts", on_delete="SET NULL"),
        belongs_to("photo_file_id", "platform.files"),
        Index("ix_corrective_actions_subject_id", "organization_id", "subject_id", "acted_at"),
        Index("ix_corrective_actions_alert_id", "organization_id", "alert_id"),
        Index("uq_corrective_actions_log_id", "organization_id", "log_id", unique=True),
    )

    alert_id: UUID | None = None
    subject_kind: str = text_column(nullable=False)
    subject_id: UUID
    subject_name: str = text_column(nullable=False)
    scope_id: UUID | None = None
    permission: str = text_column(nullable=False)
    log_id: UUID | None = None
    description: str = text_column(nullable=False)
    action_taken: str = text_column(nullable=False)
    photo_file_id: UUID | None = None
    has_resolved_alert: bool = Field(default=False, sa_type=Boolean)
    acted_at: datetime = instant()
    acted_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
