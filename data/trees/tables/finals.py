"""What a reviewer approved stays as it was, with its documents and the story of how it came about."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from data.core.table import Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column, uuid7, word
from data.trees.words import ArtifactKind, FinalKind

SCHEMA = "trees"


class JobFinal(Tenant, Stamped, table=True):
    """The snapshot of an approved job. There is one final, never replaced, and at most one correction of it."""

    __tablename__ = "job_finals"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("job_id", "trees.jobs"),
        belongs_to("round_id", "trees.job_rounds", on_delete="SET NULL"),
        Index("uq_job_finals_kind", "organization_id", "job_id", "kind", unique=True),
    )

    job_id: UUID
    round_id: UUID | None = None
    kind: FinalKind = word(FinalKind, "final_kind", SCHEMA, default=FinalKind.FINAL)
    server_revision_id: str | None = text_column(nullable=True)
    client_revision_id: str | None = text_column(nullable=True)
    archived_at: datetime = instant()
    transcript: str | None = text_column(nullable=True)
    form: dict[str, Any] = document()
    narrative: str | None = text_column(nullable=True)
    user_name: str = text_column(nullable=False)
    profile: dict[str, Any] = document()
    report_images: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)


class JobGeojsonExport(Tenant, Stamped, table=True):
    """The job for maps of others: one feature, without who the customer is."""

    __tablename__ = "job_geojson_exports"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("job_id", "trees.jobs"),
        Index("uq_job_geojson_exports_kind", "organization_id", "job_id", "export_kind", unique=True),
    )

    job_id: UUID
    export_kind: FinalKind = word(FinalKind, "final_kind", SCHEMA, default=FinalKind.FINAL)
    payload: dict[str, Any] = document()


class Artifact(Tenant, Stamped, table=True):
    """A document of a job that was kept as a file."""

    __tablename__ = "artifacts"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("job_id", "trees.jobs"),
        belongs_to("round_id", "trees.job_rounds", on_delete="SET NULL"),
        belongs_to("file_id", "platform.files"),
        Index("ix_artifacts_job_id", "organization_id", "job_id", "kind"),
    )

    job_id: UUID
    round_id: UUID | None = None
    kind: ArtifactKind = word(ArtifactKind, "artifact_kind", SCHEMA)
    file_id: UUID


class JobEvent(SQLModel, table=True):
    """The story of jobs and devices, for the people who work with them; the event log proves the same."""

    __tablename__ = "job_events"
    __table_args__ = (
        Index("ix_job_events_job_id", "organization_id", "job_id", "recorded_at"),
        {"schema": SCHEMA, "postgresql_partition_by": "RANGE (recorded_at)"},
    )
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True)
    recorded_at: datetime = instant(primary_key=True)
    id: UUID = Field(default_factory=uuid7, primary_key=True)
    job_id: UUID | None = None
    device_id: UUID | None = None
    round_number: int | None = None
    event_type: str = text_column(nullable=False)
    actor_name: str = text_column(nullable=False)
    event_data: dict[str, Any] = document()
