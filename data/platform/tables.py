"""What every domain needs and none owns: files, jobs' notes of their runs, partitions, and strangers at the doors."""

from datetime import date, datetime, time, timedelta
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
from sqlalchemy.dialects.postgresql import JSONB
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
from data.platform.values import BackgroundJobStatus, Every, Plan, RunStatus, SubscriptionStatus

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


class ReportSchedule(Tenant, Stamped, SoftDeleted, table=True):
    """Somebody (`user_id`) ordered a report of the days that have just ended, again and again, for some people by mail.

    `question` is what its domain needs to know besides the days; `scope_id` the one thing that it is about (a site, a farm), whose
    clock counts, or empty for everything. `member_ids` are people here, `addresses` others; who ended it for themselves is in `ended`.
    A paused one is never due.
    """

    __tablename__ = "report_schedules"
    __table_args__ = tenant_args(
        SCHEMA,
        CheckConstraint("case every when 'week' then on_day between 0 and 6 when 'month' then on_day between 1 and 28 else on_day = 0 end", name="on_day"),
        Index("ix_report_schedules_next_due_at", "next_due_at", postgresql_where=text("next_due_at is not null and deleted_at is null")),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"next_due_at"})

    domain: str = text_column(nullable=False)
    kind: str = text_column(nullable=False)
    question: dict[str, Any] = document()
    scope_id: UUID | None = None
    title: str = text_column(nullable=False)
    user_id: UUID = Field(foreign_key="identity.users.id")
    every: Every = word(Every, "every", SCHEMA)
    on_day: int = Field(default=0, sa_type=SmallInteger)
    at_time: time
    language: str = text_column(nullable=False)
    units: str = text_column(nullable=False)
    paper: str = text_column(nullable=False)
    member_ids: list[str] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    addresses: list[str] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    ended: list[str] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    next_due_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class ReportRun(Tenant, Stamped, table=True):
    """What became of a report that was due then: one row for each time, whatever crashes and however often it is looked at.

    `recipients` are those whom it was sent to: [{"to", "key"}] (a name or an address, and the key of the message), or without a key
    `why_not`. `passed_over` are the times before it that nobody kept (an outage).
    """

    __tablename__ = "report_runs"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("schedule_id", "platform.report_schedules", on_delete="CASCADE"),
        belongs_to("background_job_id", "platform.background_jobs", on_delete="SET NULL"),
        UniqueConstraint("organization_id", "schedule_id", "due_at"),
        Index("ix_report_runs_unfinished", "created_at", postgresql_where=text("status in ('making', 'sending')")),
    )

    schedule_id: UUID
    due_at: datetime = instant()
    is_by_hand: bool = Field(default=False, sa_type=Boolean, nullable=False)
    first_day: date
    last_day: date
    passed_over: int = 0
    status: RunStatus = word(RunStatus, "report_run_status", SCHEMA, default=RunStatus.MAKING)
    report_id: UUID | None = None
    background_job_id: UUID | None = None
    recipients: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    error: str | None = text_column(nullable=True)
    error_values: dict[str, Any] = document()
    finished_at: datetime | None = instant(nullable=True)


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


class IdempotencyKey(Tenant, Stamped, table=True):
    """What somebody's program asked under a key of its own, and what came of it (see `platform.idempotency`)."""

    __tablename__ = "idempotency_keys"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id", "user_id", "key"))
    audited: ClassVar[bool] = False

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    key: str = text_column(nullable=False)
    asked_hash: bytes = Field(sa_type=LargeBinary)
    result_id: UUID | None = None


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


class LogStretch(Row, Stamped, table=True):
    """A time in which the database's own log was received without a gap, until when it is kept; or why it is not received."""

    __tablename__ = "log_stretches"
    __table_args__ = (Index("ix_log_stretches_began_at", "began_at"), {"schema": SCHEMA})
    audited: ClassVar[bool] = False

    key: str = text_column(nullable=False, default="")
    store: str = text_column(nullable=False)
    began_at: datetime = instant()
    until_at: datetime | None = instant(nullable=True)
    ended_at: datetime | None = instant(nullable=True)
    refusal: str | None = text_column(nullable=True)
    detail: str | None = text_column(nullable=True)


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
