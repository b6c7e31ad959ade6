"""The sets of words that tree assessment speaks in: where a job stands, what a device may do, what a file is."""

from enum import StrEnum


class DeviceStatus(StrEnum):
    """A phone registers itself; a person decides."""

    PENDING = "pending"
    APPROVED = "approved"
    REVOKED = "revoked"


class DeviceRole(StrEnum):
    """An arborist's device sees its own jobs, an admin's all of them."""

    ARBORIST = "arborist"
    ADMIN = "admin"


class JobStatus(StrEnum):
    """Where a job stands. On the wire the words are written in capitals."""

    NOT_STARTED = "not_started"
    DRAFT = "draft"
    SUBMITTED_FOR_PROCESSING = "submitted_for_processing"
    REVIEW_RETURNED = "review_returned"
    ARCHIVED = "archived"
    FAILED = "failed"


class RoundStatus(StrEnum):
    """Where one round of field work stands."""

    DRAFT = "draft"
    SUBMITTED_FOR_PROCESSING = "submitted_for_processing"
    REVIEW_RETURNED = "review_returned"
    FAILED = "failed"


class UploadStatus(StrEnum):
    """How far a recording or a photo has come."""

    PENDING = "pending"
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    PROCESSED = "processed"
    FAILED = "failed"


class AssignedBy(StrEnum):
    """How a device came to a job: it made it, it touched it first, or somebody gave it."""

    CREATED = "created"
    CLAIMED = "claimed"
    PERSON = "person"


class FinalKind(StrEnum):
    """The snapshot that archived a job, or the one that corrects it."""

    FINAL = "final"
    CORRECTION = "correction"


class ArtifactKind(StrEnum):
    """What a document of a job is."""

    AUDIO = "audio"
    IMAGE = "image"
    TRANSCRIPT = "transcript_txt"
    REVIEW = "review_json"
    FINAL = "final_json"
    FINAL_PDF = "final_pdf"
    REPORT_PDF = "report_pdf"
    REPORT_DOCX = "report_docx"
    GEOJSON = "geojson"


class RiskRating(StrEnum):
    """The four ratings of a tree's risk, the least first."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    EXTREME = "extreme"
