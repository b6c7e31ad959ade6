"""Something needs a person: one life for every alert, whichever domain it comes from."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Numeric, text
from sqlmodel import Field

from data.core.table import Stamped, Tenant, document, instant, tenant_args, text_column, word

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

    `subject_kind` names the domain's thing (`cold_chain.units`), `scope_id` what rights are limited by (its farm).
    """

    __tablename__ = "alerts"
    __table_args__ = tenant_args(
        SCHEMA,
        Index(
            "uq_alerts_open", "organization_id", "subject_id", "alert_type",
            unique=True, postgresql_where=text("status <> 'resolved'"),
        ),
        Index("ix_alerts_status", "organization_id", "status", "triggered_at"),
    )  # fmt: skip

    subject_kind: str = text_column(nullable=False)
    subject_id: UUID
    subject_name: str = text_column(nullable=False)
    scope_id: UUID | None = None
    permission: str = text_column(nullable=False)
    href: str | None = text_column(nullable=True)
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
