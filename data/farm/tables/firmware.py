"""What devices run is made anew now and then: the releases that somebody vouches for, and how each device came by one."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from data.core.table import SoftDeleted, Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column, word
from data.farm.tables._shape import LIVING, SCHEMA, flag
from data.farm.tables.words import Dialect

UNDER_WAY = text("status in ('asked', 'told', 'restarting')")


class UpdateStatus(StrEnum):
    """An update's way: waiting for its time, told to the device, installed and starting anew; then one of its ends."""

    ASKED = "asked"
    TOLD = "told"
    RESTARTING = "restarting"
    DONE = "done"
    """The device itself has reported the new version."""
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELED = "canceled"


OPEN_UPDATES = (UpdateStatus.ASKED, UpdateStatus.TOLD, UpdateStatus.RESTARTING)


class FirmwareRelease(Tenant, Stamped, SoftDeleted, table=True):
    """A version for one model, and where devices fetch it; the file itself is not here. `sha256` is hex."""

    __tablename__ = "firmware_releases"
    __table_args__ = tenant_args(
        SCHEMA,
        CheckConstraint("size_bytes > 0", name="size_bytes"),
        Index(
            "uq_firmware_releases_version", "organization_id", "dialect", text("lower(model)"), "version",
            unique=True, postgresql_where=LIVING,
        ),
    )  # fmt: skip

    model: str = text_column(nullable=False)
    dialect: Dialect = word(Dialect, "dialect", SCHEMA)
    version: str = text_column(nullable=False)
    url: str = text_column(nullable=False)
    size_bytes: int | None = Field(default=None, sa_type=BigInteger)
    sha256: str | None = Field(default=None, max_length=64)
    notes: str | None = text_column(nullable=True)
    added_by: UUID | None = Field(default=None, foreign_key="identity.users.id")


class RolloutStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """By somebody, or by itself since a device did not come back."""


class FirmwareRollout(Tenant, Stamped, table=True):
    """One release for all boards of its model on a farm, in stages. `boards` are the devices' ids in their order, as strings; `stage` is
    1, 2 or 3 (see `rules.firmware.STAGES`)."""

    __tablename__ = "firmware_rollouts"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        belongs_to("release_id", "farm.firmware_releases"),
        Index(
            "uq_firmware_rollouts_running", "organization_id", "farm_id", "release_id", unique=True, postgresql_where=text("status = 'running'"),
        ),
    )  # fmt: skip

    farm_id: UUID
    release_id: UUID
    status: RolloutStatus = word(RolloutStatus, "rollout_status", SCHEMA, default=RolloutStatus.RUNNING)
    stage: int = Field(default=1, sa_type=SmallInteger)
    boards: list[str] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    is_nightly: bool = flag(True)
    may_be_on: bool = flag(False)
    started_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    stopped_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    ended_at: datetime | None = instant(nullable=True)
    stopped_for: UUID | None = None
    """The device that did not come back."""


class FirmwareUpdate(Tenant, Stamped, table=True):
    """One device shall come by one release, told between `not_before_at` and `expires_at`. `may_be_on`: somebody said that its
    output may stand still although it is on and animals are there. `older_because`: why it goes back to an older version."""

    __tablename__ = "firmware_updates"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        belongs_to("device_id", "farm.devices", on_delete="CASCADE"),
        belongs_to("release_id", "farm.firmware_releases"),
        belongs_to("rollout_id", "farm.firmware_rollouts"),
        Index("uq_firmware_updates_open", "organization_id", "device_id", unique=True, postgresql_where=UNDER_WAY),
        Index("ix_firmware_updates_device_id", "organization_id", "device_id", "created_at"),
        Index("ix_firmware_updates_open", "not_before_at", postgresql_where=UNDER_WAY),
    )

    farm_id: UUID
    device_id: UUID
    release_id: UUID
    rollout_id: UUID | None = None
    version: str = text_column(nullable=False)
    from_version: str | None = text_column(nullable=True)
    status: UpdateStatus = word(UpdateStatus, "firmware_status", SCHEMA, default=UpdateStatus.ASKED)
    may_be_on: bool = flag(False)
    older_because: str | None = text_column(nullable=True)
    asked_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    not_before_at: datetime = instant()
    expires_at: datetime = instant()
    claimed_until_at: datetime | None = instant(nullable=True)
    told_at: datetime | None = instant(nullable=True)
    restarted_at: datetime | None = instant(nullable=True)
    ended_at: datetime | None = instant(nullable=True)
    error_message: str | None = text_column(nullable=True)
    error_values: dict[str, Any] = document()
