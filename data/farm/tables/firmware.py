"""What devices run is made anew now and then: the releases that somebody vouches for, and how each device came by one."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
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


class FirmwareUpdate(Tenant, Stamped, table=True):
    """One device shall come by one release, told between `not_before_at` and `expires_at`. `may_be_on`: somebody said that its
    output may stand still although it is on and animals are there."""

    __tablename__ = "firmware_updates"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("farm_id", "farm.farms"),
        belongs_to("device_id", "farm.devices", on_delete="CASCADE"),
        belongs_to("release_id", "farm.firmware_releases"),
        Index("uq_firmware_updates_open", "organization_id", "device_id", unique=True, postgresql_where=UNDER_WAY),
        Index("ix_firmware_updates_device_id", "organization_id", "device_id", "created_at"),
        Index("ix_firmware_updates_open", "not_before_at", postgresql_where=UNDER_WAY),
    )

    farm_id: UUID
    device_id: UUID
    release_id: UUID
    version: str = text_column(nullable=False)
    from_version: str | None = text_column(nullable=True)
    status: UpdateStatus = word(UpdateStatus, "firmware_status", SCHEMA, default=UpdateStatus.ASKED)
    may_be_on: bool = flag(False)
    asked_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    not_before_at: datetime = instant()
    expires_at: datetime = instant()
    claimed_until_at: datetime | None = instant(nullable=True)
    told_at: datetime | None = instant(nullable=True)
    restarted_at: datetime | None = instant(nullable=True)
    ended_at: datetime | None = instant(nullable=True)
    error_message: str | None = text_column(nullable=True)
    error_values: dict[str, Any] = document()
