"""Who wants to be told what by which way, where they are reached, and who is called when nobody answers."""

from datetime import date, datetime, time
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, LargeBinary, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from data.alerts.tables import SCHEMA as ALERTS
from data.alerts.tables import Severity
from data.core.table import Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column, word
from data.notifications.tables.outbox import SCHEMA, Channel


def _flag(default: bool) -> Any:
    return Field(default=default, sa_type=Boolean, nullable=False)


class NotificationPreference(Tenant, Stamped, table=True):
    """How one person wants to be told in one organization. Quiet hours and the digest's time are in the person's own zone."""

    __tablename__ = "notification_preferences"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id", "user_id"))
    quiet: ClassVar[frozenset[str]] = frozenset({"digest_daily_sent_on", "digest_weekly_sent_on"})

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    is_push_enabled: bool = _flag(True)
    is_email_enabled: bool = _flag(True)
    is_sms_enabled: bool = _flag(False)
    is_telegram_enabled: bool = _flag(True)
    least_severity: Severity = word(Severity, "severity", ALERTS, default=Severity.WARNING)
    quiet_from: time | None = None
    quiet_until: time | None = None
    digest_daily: bool = _flag(False)
    digest_weekly: bool = _flag(False)
    digest_time: time = Field(default=time(9), sa_column_kwargs={"server_default": text("'09:00'")})
    digest_site_ids: list[str] | None = document(nullable=True)
    digest_daily_sent_on: date | None = None
    digest_weekly_sent_on: date | None = None
    updated_at: datetime = instant(default_now=True)


class NotificationSettings(Tenant, Stamped, table=True):
    """What holds for the whole organization: whether mail goes out at all, and who besides its people gets it."""

    __tablename__ = "notification_settings"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id"))

    is_email_enabled: bool = _flag(True)
    email_recipients: list[str] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    sms_per_hour: int = 50
    may_reports_leave: bool = _flag(False)
    """Whether reports are sent to addresses that are nobody's here."""
    updated_at: datetime = instant(default_now=True)


class Policy(Tenant, Stamped, table=True):
    """Who is told of alerts, how soon and how often: for a thing, a scope (a site, a farm) or all, of one kind or any.

    An empty field is inherited: thing > scope > organization, and at each of these the kind's own before that of any kind.
    `steps` are the ladder: [{"after_minutes", "channels", "priority" (contacts up to it), "repeat"}].
    """

    __tablename__ = "policies"
    __table_args__ = tenant_args(
        SCHEMA,
        CheckConstraint("num_nonnulls(scope_id, subject_id) <= 1", name="one_scope"),
        UniqueConstraint(
            "organization_id", "subject_id", "scope_id", "alert_type", "severity",
            name="uq_policies_scope", postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip

    subject_id: UUID | None = None
    scope_id: UUID | None = None
    alert_type: str | None = text_column(nullable=True)
    severity: Severity | None = word(Severity, "severity", ALERTS, nullable=True)
    is_enabled: bool | None = Field(default=None, sa_type=Boolean)
    initial_channels: list[str] | None = document(nullable=True)
    is_acknowledgement_required: bool | None = Field(default=None, sa_type=Boolean)
    acknowledgement_deadline_minutes: int | None = None
    steps: list[dict[str, Any]] | None = document(nullable=True)
    are_reminders_enabled: bool | None = Field(default=None, sa_type=Boolean)
    reminder_minutes: int | None = None
    are_resolved_sent: bool | None = Field(default=None, sa_type=Boolean)
    least_severity: Severity | None = word(Severity, "severity", ALERTS, nullable=True)
    quiet_from: time | None = None
    quiet_until: time | None = None
    schedule: dict[str, Any] | None = document(nullable=True)
    notify_roles: list[str] | None = document(nullable=True)
    are_contacts_told: bool | None = Field(default=None, sa_type=Boolean)
    updated_at: datetime = instant(default_now=True)


class EscalationContact(Tenant, Stamped, table=True):
    """Somebody who is called when it matters: one of the people here, or anybody with a telephone. 0 is called first."""

    __tablename__ = "escalation_contacts"
    __table_args__ = tenant_args(
        SCHEMA,
        CheckConstraint("num_nonnulls(phone, email, user_id) > 0", name="reachable"),
        Index("ix_escalation_contacts_priority", "organization_id", "priority", postgresql_where=text("deleted_at is null")),
    )

    user_id: UUID | None = Field(default=None, foreign_key="identity.users.id", ondelete="SET NULL")
    name: str = text_column(nullable=False)
    phone: str | None = text_column(nullable=True)
    email: str | None = text_column(nullable=True)
    priority: int = Field(default=0, sa_type=SmallInteger)
    is_active: bool = _flag(True)
    scope_id: UUID | None = None
    language: str = text_column(nullable=False, default="en")
    updated_at: datetime = instant(default_now=True)
    deleted_at: datetime | None = instant(nullable=True)


class OnCallShift(Tenant, Stamped, table=True):
    """From then to then this contact is the first to be called, whatever their priority."""

    __tablename__ = "on_call_shifts"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("contact_id", "notifications.escalation_contacts", on_delete="CASCADE"),
        CheckConstraint("ends_at > starts_at", name="ends_after"),
        Index("ix_on_call_shifts_ends_at", "organization_id", "ends_at"),
    )

    contact_id: UUID
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    note: str | None = text_column(nullable=True)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")


class PushSubscription(Tenant, Stamped, table=True):
    """One browser that may be woken, at its maker's push service."""

    __tablename__ = "push_subscriptions"
    __table_args__ = tenant_args(
        SCHEMA,
        Index("uq_push_subscriptions_endpoint", "organization_id", "user_id", text("md5(endpoint)"), unique=True),
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"auth_encrypted", "endpoint"})
    quiet: ClassVar[frozenset[str]] = frozenset({"last_used_at"})

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    endpoint: str = text_column(nullable=False)
    p256dh: str = text_column(nullable=False)
    auth_encrypted: bytes = Field(sa_type=LargeBinary)
    device_name: str | None = text_column(nullable=True)
    last_used_at: datetime | None = instant(nullable=True)
    failure_count: int = 0


class TelegramChat(Tenant, Stamped, table=True):
    """A person's chat with the organization's bot; until they have followed the link there is a code and no chat."""

    __tablename__ = "telegram_chats"
    __table_args__ = tenant_args(
        SCHEMA,
        UniqueConstraint("organization_id", "user_id"),
        Index("uq_telegram_chats_code_hash", "code_hash", unique=True),
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"code_hash"})

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    chat_id: int | None = Field(default=None, sa_type=BigInteger)
    username: str | None = text_column(nullable=True)
    code_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    code_expires_at: datetime | None = instant(nullable=True)
    linked_at: datetime | None = instant(nullable=True)


class PhoneCode(Tenant, Stamped, table=True):
    """Somebody proves that a telephone is theirs by the code that was sent to it; few tries, ten minutes."""

    __tablename__ = "phone_codes"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id", "user_id"))
    secrets: ClassVar[frozenset[str]] = frozenset({"code_hash"})

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    phone: str = text_column(nullable=False)
    code_hash: bytes = Field(sa_type=LargeBinary)
    tries_left: int = Field(default=5, sa_type=SmallInteger)
    expires_at: datetime = instant()


class OptOut(Tenant, Stamped, table=True):
    """Whoever is behind this address has said STOP, and gets no more there."""

    __tablename__ = "opt_outs"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id", "channel", "address"))

    channel: Channel = word(Channel, "notification_channel", SCHEMA)
    address: str = text_column(nullable=False)
    reason: str = text_column(nullable=False)


class AlertSubscription(Tenant, Stamped, table=True):
    """One person's wish about one kind of alert by one channel; what nobody says follows their preferences."""

    __tablename__ = "alert_subscriptions"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id", "user_id", "alert_type", "channel"))

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    alert_type: str = text_column(nullable=False)
    channel: Channel = word(Channel, "notification_channel", SCHEMA)
    is_enabled: bool = _flag(True)
    quiet_from: time | None = None
    quiet_until: time | None = None
    updated_at: datetime = instant(default_now=True)
    deleted_at: datetime | None = instant(nullable=True)
