"""What every domain needs and none owns: files, jobs' notes of their runs, partitions, and strangers at the doors."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Index,
    Interval,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from data.core.table import (
    Row,
    SoftDeleted,
    Stamped,
    Tenant,
    belongs_to,
    document,
    instant,
    tenant_args,
    text_column,
    word,
)
from data.platform.values import BackgroundJobStatus, Plan, SubscriptionStatus

SCHEMA = "platform"


class File(Tenant, Stamped, SoftDeleted, table=True):
    """Bytes kept outside the database under a name made of their own fingerprint, so that writing twice is harmless."""

    __tablename__ = "files"
    __table_args__ = tenant_args(SCHEMA, Index("ix_files_sha256", "organization_id", "sha256"))

    key: str = text_column(nullable=False)
    file_name: str = text_column(nullable=False)
    mime_type: str = text_column(nullable=False)
    size_bytes: int
    sha256: str = Field(max_length=64)
    created_by: UUID | None = None


class ScheduledJob(Row, table=True):
    """When a line of the timetable last ran and how it went."""

    __tablename__ = "scheduled_jobs"
    __table_args__ = (UniqueConstraint("name"), {"schema": SCHEMA})
    audited: ClassVar[bool] = False

    name: str = text_column(nullable=False)
    last_run_at: datetime | None = instant(nullable=True)
    last_success_at: datetime | None = instant(nullable=True)
    last_duration_ms: int | None = None
    last_error: str | None = text_column(nullable=True)
    run_count: int = 0


class UnknownDevice(Tenant, table=True):
    """Something that spoke at one of our doors with a valid secret and that nobody has registered."""

    __tablename__ = "unknown_devices"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id", "network", "identifier"))
    audited: ClassVar[bool] = False

    network: str = text_column(nullable=False)
    identifier: str = text_column(nullable=False)
    reason: str = text_column(nullable=False)
    first_seen_at: datetime = instant(default_now=True)
    last_seen_at: datetime = instant(default_now=True)
    message_count: int = 1
    last_message: dict[str, Any] | None = document(nullable=True)


class PartitionedTable(SQLModel, table=True):
    """A stream cut by time: how wide a piece is, how far ahead pieces are made, how long they are kept."""

    __tablename__ = "partitioned_tables"
    __table_args__ = {"schema": SCHEMA}

    table_name: str = text_column(primary_key=True)
    step: str = Field(max_length=5)
    ahead: timedelta = Field(sa_type=Interval)
    retention: timedelta | None = Field(default=None, sa_type=Interval)


class PartitionRetentionOverride(Row, Stamped, table=True):
    """A legal hold: this piece may not be dropped, for this reason, until then (or until it is lifted)."""

    __tablename__ = "partition_retention_overrides"
    __table_args__ = (UniqueConstraint("partition_name"), {"schema": SCHEMA})

    partition_name: str = text_column(nullable=False)
    reason: str = text_column(nullable=False)
    created_by: str = text_column(nullable=False)
    expires_at: datetime | None = instant(nullable=True)


class BackgroundJob(Tenant, Stamped, table=True):
    """Long work that somebody asked for and may leave: claimed by a process, which says how far it is (0–100).

    A running one whose `heartbeat_at` is old was left by a process that died; it is claimed again.
    """

    __tablename__ = "background_jobs"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("result_file_id", "platform.files"),
        CheckConstraint("progress between 0 and 100", name="progress"),
        Index("ix_background_jobs_waiting", "created_at", postgresql_where=text("status in ('queued', 'running')")),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"progress", "step", "step_values", "heartbeat_at"})

    kind: str = text_column(nullable=False)
    status: BackgroundJobStatus = word(
        BackgroundJobStatus, "background_job_status", SCHEMA, default=BackgroundJobStatus.QUEUED
    )
    arguments: dict[str, Any] = document()
    requested_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    progress: int = Field(default=0, sa_type=SmallInteger)
    step: str | None = text_column(nullable=True)
    step_values: dict[str, Any] = document()
    attempt_count: int = 0
    started_at: datetime | None = instant(nullable=True)
    heartbeat_at: datetime | None = instant(nullable=True)
    finished_at: datetime | None = instant(nullable=True)
    error: str | None = text_column(nullable=True)
    result: dict[str, Any] = document()
    result_file_id: UUID | None = None


class Subscription(Tenant, Stamped, SoftDeleted, table=True):
    """What an organization has bought and whether it is paid, as Stripe last said it (`stripe_event_at`)."""

    __tablename__ = "subscriptions"
    __table_args__ = tenant_args(
        SCHEMA,
        Index("uq_subscriptions_organization_id", "organization_id", unique=True, postgresql_where=text("deleted_at is null")),
        Index("uq_subscriptions_stripe_customer_id", "stripe_customer_id", unique=True),
        Index("uq_subscriptions_stripe_subscription_id", "stripe_subscription_id", unique=True),
    )

    plan: Plan = word(Plan, "subscription_plan", SCHEMA, default=Plan.STARTER)
    status: SubscriptionStatus = word(SubscriptionStatus, "subscription_status", SCHEMA, default=SubscriptionStatus.TRIAL)
    stripe_customer_id: str | None = text_column(nullable=True)
    stripe_subscription_id: str | None = text_column(nullable=True)
    current_period_start_at: datetime | None = instant(nullable=True)
    current_period_end_at: datetime | None = instant(nullable=True)
    trial_ends_at: datetime | None = instant(nullable=True)
    past_due_since_at: datetime | None = instant(nullable=True)
    canceled_at: datetime | None = instant(nullable=True)
    stripe_event_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class StripeEvent(Row, table=True):
    """A message of Stripe's that was acted on; the same one again changes nothing."""

    __tablename__ = "stripe_events"
    __table_args__ = (UniqueConstraint("event_id"), {"schema": SCHEMA})
    audited: ClassVar[bool] = False

    event_id: str = text_column(nullable=False)
    event_type: str = text_column(nullable=False)
    occurred_at: datetime | None = instant(nullable=True)
    outcome: str = text_column(nullable=False, default="applied")
    processed_at: datetime = instant(default_now=True)


class DeviceClaim(Row, Stamped, table=True):
    """A gateway that belongs to nobody yet shows a code; whoever types it makes it theirs, and it fetches its token once."""

    __tablename__ = "device_claims"
    __table_args__ = (
        Index("uq_device_claims_code", "code", unique=True, postgresql_where=text("claimed_at is null")),
        Index("ix_device_claims_hardware_id", "hardware_id"),
        {"schema": SCHEMA},
    )
    audited: ClassVar[bool] = False

    code: str = text_column(nullable=False)
    hardware_id: str = text_column(nullable=False)
    poll_hash: bytes = Field(sa_type=LargeBinary)
    description: dict[str, Any] = document()
    expires_at: datetime = instant()
    claimed_at: datetime | None = instant(nullable=True)
    organization_id: UUID | None = None
    gateway_id: UUID | None = None
    token_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)


class SystemMetric(SQLModel, table=True):
    """How the installation itself fares: `api_response_time`, `error_rate`, `uptime`, queues… of one part of it."""

    __tablename__ = "system_metrics"
    __table_args__ = {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"}
    audited: ClassVar[bool] = False

    metric_type: str = text_column(primary_key=True)
    service_name: str = text_column(primary_key=True)
    percentile: str = text_column(primary_key=True, default="")
    recorded_at: datetime = instant(primary_key=True)
    value: Decimal = Field(sa_type=Numeric(16, 4))


class Backup(Row, Stamped, table=True):
    """A copy of everything, and from when on log files reach beyond it (`restorable_until_at`)."""

    __tablename__ = "backups"
    __table_args__ = ({"schema": SCHEMA},)
    audited: ClassVar[bool] = False

    key: str = text_column(nullable=False)
    store: str = text_column(nullable=False)
    started_at: datetime = instant()
    finished_at: datetime | None = instant(nullable=True)
    size_bytes: int | None = Field(default=None, sa_type=BigInteger)
    sha256: str | None = Field(default=None, max_length=64)
    row_counts: dict[str, Any] = document()
    restorable_until_at: datetime | None = instant(nullable=True)
    error: str | None = text_column(nullable=True)
    deleted_at: datetime | None = instant(nullable=True)


class RestoreDrill(Row, Stamped, table=True):
    """A backup was really restored elsewhere and compared, table by table."""

    __tablename__ = "restore_drills"
    __table_args__ = ({"schema": SCHEMA},)
    audited: ClassVar[bool] = False

    backup_id: UUID | None = Field(default=None, foreign_key="platform.backups.id", ondelete="SET NULL")
    started_at: datetime = instant()
    finished_at: datetime | None = instant(nullable=True)
    restored_until_at: datetime | None = instant(nullable=True)
    is_whole: bool | None = Field(default=None, sa_type=Boolean)
    compared: dict[str, Any] = document()
    error: str | None = text_column(nullable=True)
