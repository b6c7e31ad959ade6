"""A round is one stretch of field work on a job: what was said into the phone, what it saw, what the form became."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from data.core.table import Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column, word
from data.trees.tables.jobs import ON_EARTH
from data.trees.words import RoundStatus, UploadStatus

SCHEMA = "trees"


class JobRound(Tenant, Stamped, table=True):
    """The n-th round of a job. `manifest` lists what the phone says belongs to it, `missing` what has not come."""

    __tablename__ = "job_rounds"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("job_id", "trees.jobs", on_delete="CASCADE"),
        Index("uq_job_rounds_round_number", "organization_id", "job_id", "round_number", unique=True),
        Index("ix_job_rounds_submitted", "submitted_at", postgresql_where=text("status = 'submitted_for_processing'")),
    )

    job_id: UUID
    round_number: int
    status: RoundStatus = word(RoundStatus, "round_status", SCHEMA, default=RoundStatus.DRAFT)
    manifest: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    missing: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    form: dict[str, Any] = document()
    narrative: str | None = text_column(nullable=True)
    transcript: str | None = text_column(nullable=True)
    server_revision_id: str | None = text_column(nullable=True)
    client_revision_id: str | None = text_column(nullable=True)
    error_code: str | None = text_column(nullable=True)
    submitted_at: datetime | None = instant(nullable=True)
    returned_at: datetime | None = instant(nullable=True)
    review_note: str | None = text_column(nullable=True)
    reviewed_at: datetime | None = instant(nullable=True)
    reviewed_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    updated_at: datetime = instant(default_now=True)

    @property
    def round_id(self) -> str:
        """Its name on the wire, such as round_1."""
        return f"round_{self.round_number}"


class RoundRecording(Tenant, Stamped, table=True):
    """A piece of speech about one section of the form; the phone's own id makes sending it twice harmless."""

    __tablename__ = "round_recordings"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("round_id", "trees.job_rounds", on_delete="CASCADE"),
        belongs_to("file_id", "platform.files"),
        Index("uq_round_recordings_recording_id", "organization_id", "round_id", "section_id", "recording_id", unique=True),
    )

    round_id: UUID
    section_id: str = text_column(nullable=False)
    recording_id: str = text_column(nullable=False)
    issue_id: str | None = text_column(nullable=True)
    upload_status: UploadStatus = word(UploadStatus, "upload_status", SCHEMA, default=UploadStatus.UPLOADED)
    file_id: UUID
    mime_type: str = text_column(nullable=False)
    size_bytes: int
    duration_s: float | None = None
    recorded_at: datetime | None = instant(nullable=True)
    uploaded_at: datetime = instant()
    transcript: str | None = text_column(nullable=True)


class RoundImage(Tenant, Stamped, table=True):
    """A photo as it was taken, and a smaller upright copy for reading and for reports."""

    __tablename__ = "round_images"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("round_id", "trees.job_rounds", on_delete="CASCADE"),
        belongs_to("file_id", "platform.files"),
        belongs_to("report_file_id", "platform.files"),
        Index("uq_round_images_image_id", "organization_id", "round_id", "image_id", unique=True),
        CheckConstraint(ON_EARTH, name="position"),
    )

    round_id: UUID
    section_id: str = text_column(nullable=False)
    image_id: str = text_column(nullable=False)
    upload_status: UploadStatus = word(UploadStatus, "upload_status", SCHEMA, default=UploadStatus.UPLOADED)
    file_id: UUID
    report_file_id: UUID
    mime_type: str = text_column(nullable=False)
    size_bytes: int
    width_px: int
    height_px: int
    caption: str | None = text_column(nullable=True)
    latitude: float | None = None
    longitude: float | None = None
    uploaded_at: datetime = instant()
