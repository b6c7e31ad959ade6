"""A farm has devices that are switched or that measure; new ones announce themselves or are claimed by a code."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Double,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
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
from data.farm.tables._shape import LIVING, SCHEMA, flag, small
from data.farm.tables.words import CommandStatus, DeviceType, Dialect, SwitchAction


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
    may_keepers_schedule: bool = flag(True)
    device_defaults: dict[str, Any] = document()
    """{parameter_name: value} that a device gets when it is hung up here (see `rules.SETTINGS`)."""
    takes_old_secrets: bool = flag(True)
    """Whether devices that have no login of their own yet are still let in at the broker with the token they were given before."""
    is_stopped: bool = flag(False)
    """Everything was stopped in an emergency: schedules stay silent until somebody lets them go on."""
    stopped_at: datetime | None = instant(nullable=True)
    stopped_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    is_active: bool = Field(default=True, sa_type=Boolean)
    updated_at: datetime = instant(default_now=True)


BOX = text("split_part(topic, '/', 1)")
"""The first level of a topic is a box with a connection of its own; all its devices are one organization's (see rules.topics)."""


class Device(Tenant, Stamped, SoftDeleted, table=True):
    """A relay or a probe. What it last said of itself is here, so that a tile is one row; only `confirm` sets `is_on`.

    `topic` is its name at the broker, one owner in the whole installation; `output` counts from 1 on boards with several, each of
    which is a device here.
    `max_on_s` is how long it may be on at a stretch; `value` what a pwm or servo output says it is set to. `state_source` is which of
    its own words its state is from, and `contradicted_by` what says something else: the broker's presence, another of its words, a
    hand at the device. `on_total_s` is how long it has been on before it was last switched on, in all its life. `own_max_on_s` is after
    how long the device says that it ends an "on" by itself, 0 for never. `latest` is {sensor_type: {"value": number, "unit": text,
    "at": ISO instant}}, with "raw" where a calibration corrected it.
    """

    __tablename__ = "devices"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        Index("uq_devices_topic", "topic", "output", unique=True, postgresql_where=LIVING),
        ExcludeConstraint((BOX, "="), ("organization_id", "<>"), name="ex_devices_box", using="gist", where=LIVING),
        Index("uq_devices_hardware_id", "organization_id", "hardware_id", unique=True, postgresql_where=LIVING),
        Index("ix_devices_farm_id", "organization_id", "farm_id"),
        Index("ix_devices_guarded", "on_since_at", postgresql_where=text("is_on and max_on_s is not null")),
        CheckConstraint("output between 1 and 32", name="output"),
        CheckConstraint("max_on_s > 0", name="max_on_s"),
    )
    quiet: ClassVar[frozenset[str]] = frozenset(
        {
            "last_heartbeat_at", "state_reported_at", "latest", "battery_percent", "signal_dbm", "contradicted_at", "contradicted_by",
            "state_source", "on_since_at", "on_total_s", "on_cycles", "error_count", "asked_state_at", "started_at",
        }
    )

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
    dialect: Dialect = word(Dialect, "dialect", SCHEMA, default=Dialect.TASMOTA)
    battery_percent: int | None = small()
    signal_dbm: int | None = small()
    startup_state: SwitchAction | None = word(SwitchAction, "switch_action", SCHEMA, nullable=True)
    max_on_s: int | None = None
    on_since_at: datetime | None = instant(nullable=True)
    value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    contradicted_by: str | None = text_column(nullable=True)
    contradicted_at: datetime | None = instant(nullable=True)
    is_on: bool | None = Field(default=None, sa_type=Boolean)
    state_reported_at: datetime | None = instant(nullable=True)
    state_changed_at: datetime | None = instant(nullable=True)
    state_source: str | None = text_column(nullable=True)
    asked_state_at: datetime | None = instant(nullable=True)
    on_total_s: Decimal = Field(default=Decimal(0), sa_type=Numeric(14, 3), nullable=False)
    on_cycles: int = 0
    error_count: int = 0
    started_at: datetime | None = instant(nullable=True)
    own_max_on_s: int | None = None
    latest: dict[str, Any] = document()
    last_command_status: CommandStatus | None = word(CommandStatus, "command_status", SCHEMA, nullable=True)
    last_command_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class DeviceConfig(Tenant, Stamped, SoftDeleted, table=True):
    """One setting of a device, such as `temp_threshold_high` = 35 °C. A change makes a new row; the one before stays, deleted, so
    that it is known what was set when, by whom, and can be taken back."""

    __tablename__ = "device_configs"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("device_id", "farm.devices", on_delete="CASCADE"),
        Index(
            "uq_device_configs_parameter", "organization_id", "device_id", "parameter_name",
            unique=True, postgresql_where=LIVING,
        ),
    )  # fmt: skip

    device_id: UUID
    parameter_name: str = text_column(nullable=False)
    parameter_value: Any = Field(default=None, sa_type=JSONB, nullable=False)
    unit: str | None = text_column(nullable=True)
    min_value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    max_value: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    is_calibrated: bool = Field(default=False, sa_type=Boolean)
    set_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    updated_at: datetime = instant(default_now=True)


class Discovery(Tenant, table=True):
    """A device announced itself (Home Assistant's discovery, a gateway's list); it is taken in when somebody says so."""

    __tablename__ = "discoveries"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms", on_delete="CASCADE"),
        belongs_to("device_id", "farm.devices", on_delete="SET NULL"),
        UniqueConstraint("organization_id", "dialect", "identifier"),
    )
    audited: ClassVar[bool] = False

    farm_id: UUID | None = None
    dialect: Dialect = word(Dialect, "dialect", SCHEMA)
    identifier: str = text_column(nullable=False)
    name: str | None = text_column(nullable=True)
    description: dict[str, Any] = document()
    first_seen_at: datetime = instant(default_now=True)
    last_seen_at: datetime = instant(default_now=True)
    device_id: UUID | None = None
    dismissed_at: datetime | None = instant(nullable=True)


class Gateway(Tenant, Stamped, table=True):
    """A box in a chicken house that speaks for the devices around it over HTTP. Before somebody has typed its code it is
    nobody's; see `platform.device_claims`."""

    __tablename__ = "gateways"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        Index("uq_gateways_hardware_id", "organization_id", "hardware_id", unique=True, postgresql_where=LIVING),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"last_heartbeat_at", "status"})

    farm_id: UUID
    hardware_id: str = text_column(nullable=False)
    name: str = text_column(nullable=False)
    house: str | None = text_column(nullable=True)
    firmware_version: str | None = text_column(nullable=True)
    is_online: bool = flag(False)
    last_heartbeat_at: datetime | None = instant(nullable=True)
    status: dict[str, Any] = document()
    claimed_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    deleted_at: datetime | None = instant(nullable=True)


class BrokerLogin(Tenant, Stamped, table=True):
    """What a device signs in with at the broker, as the broker keeps it (Mosquitto's `$7$` hash); it may speak for itself only."""

    __tablename__ = "broker_logins"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("device_id", "farm.devices", on_delete="CASCADE"),
        Index("uq_broker_logins_username", "username", unique=True, postgresql_where=text("revoked_at is null")),
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"password_hash", "token_hash"})

    device_id: UUID
    username: str = text_column(nullable=False)
    password_hash: str = text_column(nullable=False)
    token_hash: bytes = Field(sa_type=LargeBinary)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    revoked_at: datetime | None = instant(nullable=True)
