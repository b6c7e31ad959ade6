"""Schedules switch devices by themselves; each wish and each run is kept with its answer."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Numeric, SmallInteger, Time, UniqueConstraint, text
from sqlmodel import Field

from data.core.table import (
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
from data.farm.tables._shape import OPEN_COMMAND, SCHEMA, flag, small
from data.farm.tables.words import (
    Commanded,
    CommandStatus,
    CommandType,
    ExecutionStatus,
    MissedPolicy,
    ScheduleType,
    SwitchAction,
)


class Schedule(Tenant, Stamped, SoftDeleted, table=True):
    """Switches a device by itself. `next_run_at` is the run that comes next; None while it is not enabled.

    `sun_event` is sunrise or sunset at the farm, `sun_offset_minutes` before (negative) or after it. `steps` is a sequence of up to 20
    [{"action", "duration_s"}]. `phase` is where a running cycle, sequence or condition stands since `phase_since_at`; `is_met` whether
    its condition held when it was last asked. `silent_after_s` without its sensors' values the device goes to `fail_safe_action`.
    `value` is what "on" means to a device that is set (`value_command` how), `off_value` what "off" means; None: simply off. A
    condition keeps its device for `longest_run_s` at a stretch, then lets it rest.
    """

    __tablename__ = "schedules"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        belongs_to("device_id", "farm.devices"),
        CheckConstraint("priority between 0 and 10", name="priority"),
        CheckConstraint("schedule_type <> 'time_based' or num_nonnulls(cron_expression, start_time, sun_event) > 0", name="time_based"),
        Index("ix_schedules_next_run_at", "next_run_at", postgresql_where=text("is_enabled and deleted_at is null")),
        Index("ix_schedules_device_id", "organization_id", "device_id"),
    )
    quiet: ClassVar[frozenset[str]] = frozenset(
        {"next_run_at", "last_run_at", "is_met", "phase", "phase_since_at", "cycles_done", "failure_count"}
    )

    farm_id: UUID
    device_id: UUID
    name: str = text_column(nullable=False)
    schedule_type: ScheduleType = word(ScheduleType, "schedule_type", SCHEMA, default=ScheduleType.TIME)
    cron_expression: str | None = text_column(nullable=True)
    start_time: time | None = Field(default=None, sa_type=Time)
    end_time: time | None = Field(default=None, sa_type=Time)
    on_duration_s: int | None = None
    off_duration_s: int | None = None
    repeat_count: int | None = None
    condition: dict[str, Any] | None = document(nullable=True)
    action: SwitchAction = word(SwitchAction, "switch_action", SCHEMA)
    weekdays: list[int] | None = document(nullable=True)
    start_date: date | None = None
    end_date: date | None = None
    sun_event: str | None = text_column(nullable=True)
    sun_offset_minutes: int | None = None
    steps: list[dict[str, Any]] | None = document(nullable=True)
    action_duration_s: int | None = None
    value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    value_command: CommandType | None = word(CommandType, "command_type", SCHEMA, nullable=True)
    off_value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    longest_run_s: int | None = None
    minimum_on_s: int | None = None
    minimum_off_s: int | None = None
    fail_safe_action: SwitchAction | None = word(SwitchAction, "switch_action", SCHEMA, nullable=True)
    silent_after_s: int | None = None
    missed_policy: MissedPolicy = word(MissedPolicy, "missed_policy", SCHEMA, default=MissedPolicy.SKIP)
    template: str | None = text_column(nullable=True)
    is_met: bool | None = Field(default=None, sa_type=Boolean)
    phase: str | None = text_column(nullable=True)
    phase_since_at: datetime | None = instant(nullable=True)
    cycles_done: int = 0
    failure_count: int = small(nullable=False, default=0)
    is_enabled: bool = Field(default=True, sa_type=Boolean)
    priority: int = Field(default=0, sa_type=SmallInteger)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    next_run_at: datetime | None = instant(nullable=True)
    last_run_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class DeviceCommand(Tenant, Stamped, SoftDeleted, table=True):
    """A wish to switch. At most one is open a device: a later wish replaces an earlier one that has no answer yet.

    `batch_id` is shared by all that were asked at once. It waits for a device that is away until `expires_at`, and for its answer
    until `answer_until_at`. `error_message` is an English template, `error_values` what goes into it. While `claimed_until_at` lies ahead, a
    process is handing it to the broker; when that process dies, another takes it over.
    """

    __tablename__ = "device_commands"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        belongs_to("device_id", "farm.devices"),
        belongs_to("schedule_id", "farm.schedules"),
        Index("uq_device_commands_open", "organization_id", "device_id", unique=True, postgresql_where=OPEN_COMMAND),
        Index("ix_device_commands_device_id", "organization_id", "device_id", "requested_at"),
        Index("ix_device_commands_queued", "requested_at", postgresql_where=text("status = 'queued'")),
        Index("ix_device_commands_batch_id", "organization_id", "batch_id", postgresql_where=text("batch_id is not null")),
        Index("ix_device_commands_expires_at", "expires_at", postgresql_where=OPEN_COMMAND),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"claimed_until_at", "next_attempt_at", "answer_until_at", "attempt_count"})

    farm_id: UUID
    device_id: UUID
    command_type: CommandType = word(CommandType, "command_type", SCHEMA)
    source: Commanded = word(Commanded, "commanded", SCHEMA, default=Commanded.PERSON)
    batch_id: UUID | None = None
    command_params: dict[str, Any] | None = document(nullable=True)
    priority: int = Field(default=0, sa_type=SmallInteger)
    requested_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    schedule_id: UUID | None = None
    status: CommandStatus = word(CommandStatus, "command_status", SCHEMA, default=CommandStatus.QUEUED)
    response_data: dict[str, Any] | None = document(nullable=True)
    error_message: str | None = text_column(nullable=True)
    error_values: dict[str, Any] = document()
    requested_at: datetime = instant()
    expires_at: datetime = instant()
    attempt_count: int = small(nullable=False, default=0)
    next_attempt_at: datetime | None = instant(nullable=True)
    answer_until_at: datetime | None = instant(nullable=True)
    canceled_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    claimed_until_at: datetime | None = instant(nullable=True)
    sent_at: datetime | None = instant(nullable=True)
    completed_at: datetime | None = instant(nullable=True)


class ScheduleExecution(Tenant, Stamped, SoftDeleted, table=True):
    """What became of one run of a schedule; of one that fell into an outage also by which policy (`missed_policy`). The unique key lets it happen once, whoever crashes or starts twice."""

    __tablename__ = "schedule_executions"
    __table_args__ = tenant_args(
        SCHEMA,
        UniqueConstraint("organization_id", "schedule_id", "scheduled_time", name="uq_schedule_executions_once"),
        belongs_to("schedule_id", "farm.schedules"),
        belongs_to("device_id", "farm.devices"),
        belongs_to("command_id", "farm.device_commands"),
        Index("ix_schedule_executions_scheduled_time", "organization_id", "scheduled_time"),
        Index("ix_schedule_executions_command_id", "organization_id", "command_id"),
    )
    audited: ClassVar[bool] = False

    schedule_id: UUID
    device_id: UUID
    command_id: UUID | None = None
    scheduled_time: datetime = instant()
    executed_at: datetime | None = instant(nullable=True)
    status: ExecutionStatus = word(ExecutionStatus, "execution_status", SCHEMA, default=ExecutionStatus.PENDING)
    command_sent: dict[str, Any] = document()
    device_response: dict[str, Any] | None = document(nullable=True)
    error_message: str | None = text_column(nullable=True)
    error_values: dict[str, Any] = document()
    execution_duration_ms: int | None = None
    is_late: bool = flag(False)
    missed_policy: MissedPolicy | None = word(MissedPolicy, "missed_policy", SCHEMA, nullable=True)
    lag_ms: int | None = None
