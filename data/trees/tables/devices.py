"""A phone asks to be let in once; somebody approves it, and may take that back."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from data.core.table import Stamped, Tenant, document, instant, tenant_args, text_column, word
from data.trees.words import DeviceRole, DeviceStatus

SCHEMA = "trees"


class Device(Tenant, Stamped, table=True):
    """One installation of the phone's app; `device_id` is the name it gave itself. Its tokens are `identity.api_tokens`."""

    __tablename__ = "devices"
    __table_args__ = tenant_args(SCHEMA, Index("uq_devices_device_id", "organization_id", "device_id", unique=True))
    quiet: ClassVar[frozenset[str]] = frozenset({"last_seen_at"})

    device_id: str = text_column(nullable=False)
    device_name: str | None = text_column(nullable=True)
    app_version: str | None = text_column(nullable=True)
    profile_summary: dict[str, Any] | None = document(nullable=True)
    status: DeviceStatus = word(DeviceStatus, "device_status", SCHEMA, default=DeviceStatus.PENDING)
    role: DeviceRole = word(DeviceRole, "device_role", SCHEMA, default=DeviceRole.ARBORIST)
    approved_at: datetime | None = instant(nullable=True)
    approved_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    revoked_at: datetime | None = instant(nullable=True)
    revoked_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    last_seen_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)
