"""A farm has devices that are switched or that measure, schedules that switch them, and a record of each wish and answer."""

from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Double, Index, Numeric, SmallInteger, Time, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

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

SCHEMA = "farm"
_LIVING = text("deleted_at is null")
_OPEN = text("status in ('queued', 'sent', 'executing')")


class DeviceType(StrEnum):
    """How a device acts or measures; relays and sensors are spoken with today."""

    GPIO = "gpio"
    RELAY = "relay"
    PWM = "pwm"
    ADC = "adc"
    SERVO = "servo"
    SENSOR = "sensor"


class CommandStatus(StrEnum):
    """A wish's way: waiting, handed to the broker, taken up by the device, and one of three ends."""

    QUEUED = "queued"
    SENT = "sent"
    EXECUTING = "executing"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"


OPEN = (CommandStatus.QUEUED, CommandStatus.SENT, CommandStatus.EXECUTING)


class ScheduleType(StrEnum):
    TIME = "time_based"
    DURATION = "duration_based"
    CONDITION = "condition_based"


class SwitchAction(StrEnum):
    ON = "on"
    OFF = "off"
    TOGGLE = "toggle"


class ExecutionStatus(StrEnum):
    PENDING = "pending"
    EXECUTED = "executed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"


class Farm(Tenant, Stamped, SoftDeleted, table=True):
    """One farm; rights may be limited to it (`identity.user_roles.scope_id`). `time_zone` is what its schedules mean."""

    __tablename__ = "farms"
    __table_args__ = tenant_args(
        SCHEMA,
        CheckConstraint("latitude between -90 and 90", name="latitude"),
        CheckConstraint("longitude between -180 and 180", name="longitude"),
    )

    owner_id: UUID | None = Field(default=None, foreign_key="identity.users.id")
    name: str = text_column(nullable=False)
    location: str | None = text_column(nullable=True)
    time_zone: str = text_column(nullable=False, default="Asia/Phnom_Penh")
    latitude: float | None = Field(default=None, sa_type=Double)
    longitude: float | None = Field(default=None, sa_type=Double)
    description: str | None = text_column(nullable=True)
    image_url: str | None = text_column(nullable=True)
    is_active: bool = Field(default=True, sa_type=Boolean)
    updated_at: datetime = instant(default_now=True)


class Device(Tenant, Stamped, SoftDeleted, table=True):
    """A relay or a probe. What it last said of itself is here, so that a tile is one row; only `confirm` sets `is_on`.

    `topic` is its name at the broker, one owner in the whole installation; `output` counts from 1 on boards with several.
    `latest` is {sensor_type: {"value": number, "unit": text, "at": ISO instant}}.
    """

    __tablename__ = "devices"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        Index("uq_devices_topic", "topic", unique=True, postgresql_where=_LIVING),
        Index("uq_devices_hardware_id", "organization_id", "hardware_id", unique=True, postgresql_where=_LIVING),
        Index("ix_devices_farm_id", "organization_id", "farm_id"),
        CheckConstraint("output between 1 and 32", name="output"),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"last_heartbeat_at", "state_reported_at", "latest"})

    farm_id: UUID
    topic: str = text_column(nullable=False)
    output: int = Field(default=1, sa_type=SmallInteger)
    name: str = text_column(nullable=False)
    device_type: DeviceType = word(DeviceType, "device_type", SCHEMA)
    model: str | None = text_column(nullable=True)
    firmware_version: str | None = text_column(nullable=True)
    hardware_id: str | None = text_column(nullable=True)
    location: str | None = text_column(nullable=True)
    icon: str | None = text_column(nullable=True)
    is_active: bool = Field(default=True, sa_type=Boolean)
    is_online: bool = Field(default=False, sa_type=Boolean)
    last_heartbeat_at: datetime | None = instant(nullable=True)
    is_on: bool | None = Field(default=None, sa_type=Boolean)
    state_reported_at: datetime | None = instant(nullable=True)
    state_changed_at: datetime | None = instant(nullable=True)
    latest: dict[str, Any] = document()
    last_command_status: CommandStatus | None = word(CommandStatus, "command_status", SCHEMA, nullable=True)
    last_command_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class DeviceConfig(Tenant, Stamped, SoftDeleted, table=True):
    """One setting of a device, such as `temp_threshold_high` = 35 °C."""

    __tablename__ = "device_configs"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("device_id", "farm.devices", on_delete="CASCADE"),
        Index(
            "uq_device_configs_parameter", "organization_id", "device_id", "parameter_name",
            unique=True, postgresql_where=_LIVING,
        ),
    )  # fmt: skip

    device_id: UUID
    parameter_name: str = text_column(nullable=False)
    parameter_value: Any = Field(default=None, sa_type=JSONB, nullable=False)
    unit: str | None = text_column(nullable=True)
    min_value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    max_value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    is_calibrated: bool = Field(default=False, sa_type=Boolean)
    updated_at: datetime = instant(default_now=True)


class Schedule(Tenant, Stamped, SoftDeleted, table=True):
    """Switches a device by itself. `next_run_at` is the run that comes next; None while it is not enabled."""

    __tablename__ = "schedules"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        belongs_to("device_id", "farm.devices"),
        CheckConstraint("priority between 0 and 10", name="priority"),
        CheckConstraint("schedule_type <> 'time_based' or cron_expression is not null or start_time is not null", name="time_based"),
        Index("ix_schedules_next_run_at", "next_run_at", postgresql_where=text("is_enabled and deleted_at is null")),
        Index("ix_schedules_device_id", "organization_id", "device_id"),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"next_run_at", "last_run_at"})

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
    is_enabled: bool = Field(default=True, sa_type=Boolean)
    priority: int = Field(default=0, sa_type=SmallInteger)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    next_run_at: datetime | None = instant(nullable=True)
    last_run_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class DeviceCommand(Tenant, Stamped, SoftDeleted, table=True):
    """A wish to switch. At most one is open a device: a later wish replaces an earlier one that has no answer yet.

    `error_message` is an English template, `error_values` what goes into it. While `claimed_until_at` lies ahead, a
    process is handing it to the broker; when that process dies, another takes it over.
    """

    __tablename__ = "device_commands"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        belongs_to("device_id", "farm.devices"),
        belongs_to("schedule_id", "farm.schedules"),
        Index("uq_device_commands_open", "organization_id", "device_id", unique=True, postgresql_where=_OPEN),
        Index("ix_device_commands_device_id", "organization_id", "device_id", "requested_at"),
        Index("ix_device_commands_queued", "requested_at", postgresql_where=text("status = 'queued'")),
        Index("ix_device_commands_expires_at", "expires_at", postgresql_where=_OPEN),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"claimed_until_at"})

    farm_id: UUID
    device_id: UUID
    command_type: SwitchAction = word(SwitchAction, "switch_action", SCHEMA)
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
    claimed_until_at: datetime | None = instant(nullable=True)
    sent_at: datetime | None = instant(nullable=True)
    completed_at: datetime | None = instant(nullable=True)


class ScheduleExecution(Tenant, Stamped, SoftDeleted, table=True):
    """What became of one run of a schedule. The unique key lets it happen once, whoever crashes or starts twice."""

    __tablename__ = "schedule_executions"
    __table_args__ = tenant_args(
        SCHEMA,
        UniqueConstraint("organization_id", "schedule_id", "scheduled_time", name="uq_schedule_executions_once"),
        belongs_to("schedule_id", "farm.schedules"),
        belongs_to("device_id", "farm.devices"),
        belongs_to("command_id", "farm.device_commands"),
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


class SensorReading(SQLModel, table=True):
    """One value of a probe in its own unit; a relay's state is kept too, as `power` 0 or 1. Quality 0 is as measured."""

    __tablename__ = "sensor_readings"
    __table_args__ = {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"}
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    device_id: UUID = Field(primary_key=True)
    sensor_type: str = text_column(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)
    farm_id: UUID
    unit: str = text_column(nullable=False)
    value: Decimal = Field(sa_type=Numeric(10, 2))
    quality: int = Field(default=0, sa_type=SmallInteger)

