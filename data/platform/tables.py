"""What every domain needs and none owns: files, jobs' notes of their runs, partitions, and strangers at the doors."""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, Interval, UniqueConstraint
from sqlmodel import Field, SQLModel

from data.core.table import Row, SoftDeleted, Stamped, Tenant, document, instant, tenant_args, text_column

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
