"""What leaves the house: each message to somebody by one channel, and how that went."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, Index, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from data.alerts.tables import SCHEMA as ALERTS
from data.alerts.tables import Severity
from data.core.table import Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column, word

SCHEMA = "notifications"


class Channel(StrEnum):
    """By which way somebody is reached."""

    IN_APP = "in_app"
    PUSH = "push"
    EMAIL = "email"
    SMS = "sms"
    TELEGRAM = "telegram"
    WEBHOOK = "webhook"


class DeliveryStatus(StrEnum):
    """`suppressed`: it was decided not to send it, and `reason` says why; `canceled`: it was no longer needed."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELED = "canceled"


class Purpose(StrEnum):
    """Why a message is sent at all."""

    ALERT = "alert"
    ESCALATION = "escalation"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    DIGEST = "digest"
    TEST = "test"
    CODE = "code"
    EVENT = "event"
    REPORT = "report"


class NotificationDelivery(Tenant, Stamped, table=True):
    """One message to one address. Texts are English templates with their values, put into the reader's words when it is sent.

    `reason` says why this person by this channel; `dedupe_key` makes it once only. A row `sending` whose `leased_until_at` is
    past was left by a process that died.
    """

    __tablename__ = "notification_deliveries"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("alert_id", "alerts.alerts", on_delete="CASCADE"),
        belongs_to("contact_id", "notifications.escalation_contacts", on_delete="SET NULL"),
        belongs_to("endpoint_id", "notifications.webhook_endpoints", on_delete="SET NULL"),
        UniqueConstraint("organization_id", "dedupe_key"),
        Index("ix_notification_deliveries_alert_id", "organization_id", "alert_id"),
        Index("ix_notification_deliveries_created_at", "organization_id", "created_at"),
        Index("ix_notification_deliveries_due", "next_attempt_at", postgresql_where=text("status in ('pending', 'sending')")),
        Index("ix_notification_deliveries_external_id", "external_id", postgresql_where=text("external_id is not null")),
        Index("ix_notification_deliveries_rate", "organization_id", "channel", "sent_at"),
        Index("ix_notification_deliveries_user_id", "organization_id", "user_id", "channel", "created_at"),
    )
    audited: ClassVar[bool] = False

    alert_id: UUID | None = None
    user_id: UUID | None = Field(default=None, foreign_key="identity.users.id", ondelete="SET NULL")
    contact_id: UUID | None = None
    endpoint_id: UUID | None = None
    channel: Channel = word(Channel, "notification_channel", SCHEMA)
    purpose: Purpose = word(Purpose, "purpose", SCHEMA, default=Purpose.ALERT)
    severity: Severity = word(Severity, "severity", ALERTS, default=Severity.INFO)
    recipient: str = text_column(nullable=False)
    subject: str | None = text_column(nullable=True)
    message: str = text_column(nullable=False)
    message_values: dict[str, Any] = document()
    href: str | None = text_column(nullable=True)
    event_type: str | None = text_column(nullable=True)
    payload: dict[str, Any] | None = document(nullable=True)
    level: int = Field(default=0, sa_type=SmallInteger)
    reason: str = text_column(nullable=False)
    reason_values: dict[str, Any] = document()
    dedupe_key: str | None = text_column(nullable=True)
    status: DeliveryStatus = word(DeliveryStatus, "delivery_status", SCHEMA, default=DeliveryStatus.PENDING)
    external_id: str | None = text_column(nullable=True)
    error_message: str | None = text_column(nullable=True)
    scheduled_at: datetime = instant(default_now=True)
    next_attempt_at: datetime | None = instant(nullable=True)
    leased_until_at: datetime | None = instant(nullable=True)
    sent_at: datetime | None = instant(nullable=True)
    delivered_at: datetime | None = instant(nullable=True)
    failed_at: datetime | None = instant(nullable=True)
    retry_count: int = Field(default=0, sa_type=SmallInteger)
    last_retry_at: datetime | None = instant(nullable=True)


class ChannelState(Tenant, table=True):
    """A channel of one organization (of webhooks: one endpoint) that fails again and again rests until `open_until_at`."""

    __tablename__ = "channel_states"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("endpoint_id", "notifications.webhook_endpoints", on_delete="CASCADE"),
        UniqueConstraint(
            "organization_id", "channel", "endpoint_id", name="uq_channel_states_channel", postgresql_nulls_not_distinct=True
        ),
    )
    audited: ClassVar[bool] = False

    channel: Channel = word(Channel, "notification_channel", SCHEMA)
    endpoint_id: UUID | None = None
    consecutive_failures: int = 0
    open_until_at: datetime | None = instant(nullable=True)
    last_error: str | None = text_column(nullable=True)
    last_failure_at: datetime | None = instant(nullable=True)
    last_success_at: datetime | None = instant(nullable=True)


class SmsConfig(Tenant, Stamped, table=True):
    """The organization's account at Telnyx; its key is sealed, the last four are shown."""

    __tablename__ = "sms_configs"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id"))
    secrets: ClassVar[frozenset[str]] = frozenset({"telnyx_api_key_encrypted"})

    telnyx_api_key_encrypted: bytes = Field(sa_type=LargeBinary)
    telnyx_api_key_last_four: str = Field(max_length=4)
    telnyx_public_key: str | None = text_column(nullable=True)
    telnyx_phone_number: str = text_column(nullable=False)
    telnyx_messaging_profile_id: str | None = text_column(nullable=True)
    is_enabled: bool = Field(default=True, sa_type=Boolean)
    last_test_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)
    deleted_at: datetime | None = instant(nullable=True)


class TelegramConfig(Tenant, Stamped, table=True):
    """The organization's own bot; its token is sealed."""

    __tablename__ = "telegram_configs"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id"))
    secrets: ClassVar[frozenset[str]] = frozenset({"bot_token_encrypted", "webhook_secret_hash"})
    quiet: ClassVar[frozenset[str]] = frozenset({"last_update_id"})

    bot_token_encrypted: bytes = Field(sa_type=LargeBinary)
    bot_token_last_four: str = Field(max_length=4)
    bot_username: str | None = text_column(nullable=True)
    webhook_secret_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    last_update_id: int | None = None
    is_enabled: bool = Field(default=True, sa_type=Boolean)
    last_test_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class WebhookEndpoint(Tenant, Stamped, table=True):
    """Where another system of the organization's wants to hear of events; the signing secret is sealed."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = tenant_args(SCHEMA)
    secrets: ClassVar[frozenset[str]] = frozenset({"secret_encrypted", "previous_secret_encrypted"})
    quiet: ClassVar[frozenset[str]] = frozenset({"last_success_at"})

    name: str = text_column(nullable=False)
    url: str = text_column(nullable=False)
    event_types: list[str] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    """Which are wanted; none named means all."""
    secret_encrypted: bytes = Field(sa_type=LargeBinary)
    previous_secret_encrypted: bytes | None = Field(default=None, sa_type=LargeBinary)
    previous_secret_until_at: datetime | None = instant(nullable=True)
    is_enabled: bool = Field(default=True, sa_type=Boolean)
    disabled_reason: str | None = text_column(nullable=True)
    last_success_at: datetime | None = instant(nullable=True)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    deleted_at: datetime | None = instant(nullable=True)
