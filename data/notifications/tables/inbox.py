"""What each person was told in their inbox, and whether they have read it."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, Index, text
from sqlmodel import Field

from data.alerts.tables import SCHEMA as ALERTS
from data.alerts.tables import Severity
from data.core.table import Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column, word

SCHEMA = "notifications"


class Notification(Tenant, Stamped, table=True):
    """One message to one person; `message` is an English template, `message_values` what goes into it."""

    __tablename__ = "notifications"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("alert_id", "alerts.alerts", on_delete="CASCADE"),
        Index("ix_notifications_inbox", "organization_id", "user_id", "created_at"),
        Index("ix_notifications_unread", "organization_id", "user_id", postgresql_where=text("not is_read and deleted_at is null")),
    )
    audited: ClassVar[bool] = False

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    alert_id: UUID | None = None
    notification_type: str = text_column(nullable=False)
    severity: Severity = word(Severity, "severity", ALERTS)
    message: str = text_column(nullable=False)
    message_values: dict[str, Any] = document()
    href: str | None = text_column(nullable=True)
    is_read: bool = Field(default=False, sa_type=Boolean)
    read_at: datetime | None = instant(nullable=True)
    deleted_at: datetime | None = instant(nullable=True)
