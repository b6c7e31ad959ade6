"""What happened, in one unbroken chain an organization: each line carries the fingerprint of the one before."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, text
from sqlalchemy.dialects.postgresql import INET
from sqlmodel import Field, SQLModel

from data.core.table import document, instant, text_column, uuid7

SCHEMA = "audit"
PLATFORM = UUID(int=0)
"""The chain of what belongs to no organization."""


class EventLog(SQLModel, table=True):
    """One line. `sequence` counts from 1 without gaps in each organization."""

    __tablename__ = "event_logs"
    __table_args__ = (
        Index("ix_event_logs_sequence", "organization_id", "sequence"),
        Index("ix_event_logs_subject_id", "organization_id", "subject_id", "recorded_at"),
        Index(
            "ix_event_logs_acting_user_id", "organization_id", "acting_user_id", "recorded_at",
            postgresql_where=text("acting_user_id is not null"),
        ),
        {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"},
    )
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)
    id: UUID = Field(default_factory=uuid7, primary_key=True)
    sequence: int = Field(sa_type=BigInteger)
    actor_type: str = text_column(nullable=False)
    actor_id: UUID | None = None
    acting_user_id: UUID | None = None
    impersonation_session_id: UUID | None = None
    was_impersonated: bool = Field(default=False, sa_type=Boolean)
    actor_name: str = text_column(nullable=False)
    event_type: str = text_column(nullable=False)
    category: str = text_column(nullable=False)
    severity: str = text_column(nullable=False)
    title: str = text_column(nullable=False)
    subject_id: UUID | None = None
    event_data: dict[str, Any] = document()
    ip_address: str | None = Field(default=None, sa_type=INET)
    user_agent: str | None = text_column(nullable=True)
    previous_hash: str = text_column(nullable=False)
    event_hash: str = text_column(nullable=False)


class Chain(SQLModel, table=True):
    """The end of each organization's chain: how many lines it has and the last fingerprint."""

    __tablename__ = "chains"
    __table_args__ = {"schema": SCHEMA}
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    length: int = Field(sa_type=BigInteger)
    last_hash: str = text_column(nullable=False)
