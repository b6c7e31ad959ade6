"""What the arborist's phone is told, in the words of its own protocol."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from data.trees.commands.rounds import Submitted
from data.trees.queries.jobs import JobRow
from data.trees.tables import Device, JobRound, RoundImage, RoundRecording
from data.trees.words import RoundStatus

_STATES = {
    RoundStatus.DRAFT: "accepted",
    RoundStatus.SUBMITTED_FOR_PROCESSING: "processing",
    RoundStatus.REVIEW_RETURNED: "completed",
    RoundStatus.FAILED: "failed",
}


def wire(status: StrEnum) -> str:
    """A status as it is written on this wire."""
    return status.value.upper()


def device(of: Device) -> dict[str, Any]:
    return {"device_id": of.device_id, "status": of.status.value, "role": of.role.value}


def job(row: JobRow) -> dict[str, Any]:
    of, latest = row.job, row.round
    return {
        "job_id": str(of.id), "job_number": of.job_number, "status": wire(of.status),
        "latest_round_id": latest.round_id if latest else None,
        "latest_round_status": wire(latest.status) if latest else None,
        "review_ready": latest is not None and latest.status is RoundStatus.REVIEW_RETURNED,
        "server_revision_id": latest.server_revision_id if latest else None,
        "review_note": latest.review_note if latest else None,
        "customer_name": row.customer.name, "project": of.project_id, "tree_number": row.tree.tree_number if row.tree else None,
        "tree_species": of.tree_species, "reason": of.reason, "job_name": of.job_name, "address": of.job_address,
        "job_address": of.job_address, "job_phone": of.job_phone, "contact_preference": of.contact_preference,
        "billing_name": row.billing.billing_name, "billing_address": row.billing.billing_address,
        "billing_contact_name": row.billing.billing_contact_name, "location_notes": of.location_notes,
    }  # fmt: skip


def round_head(of: JobRound) -> dict[str, Any]:
    return {"round_id": of.round_id, "status": wire(of.status)}


def round_whole(of: JobRound, recordings: Sequence[RoundRecording], images: Sequence[RoundImage]) -> dict[str, Any]:
    return {
        **round_head(of), "server_revision_id": of.server_revision_id, "client_revision_id": of.client_revision_id,
        "review_ready": of.status is RoundStatus.REVIEW_RETURNED, "processing_state": _STATES[of.status],
        "error_code": of.error_code, "review_note": of.review_note,
        "recordings": [recording(one) for one in recordings], "images": [image(one) for one in images],
        "accepted_recording_ids": [one.recording_id for one in recordings],
        "accepted_image_ids": [one.image_id for one in images], "failed_artifacts": _failed(of.missing),
        "form": of.form, "narrative": {"text": of.narrative or ""}, "transcript": of.transcript or "",
    }  # fmt: skip


def recording(of: RoundRecording) -> dict[str, Any]:
    return {
        "recording_id": of.recording_id, "section_id": of.section_id, "upload_status": of.upload_status.value,
        "mime_type": of.mime_type, "size_bytes": of.size_bytes, "uploaded_at": of.uploaded_at.isoformat(),
    }  # fmt: skip


def image(of: RoundImage) -> dict[str, Any]:
    gps = None if of.latitude is None else {"latitude": of.latitude, "longitude": of.longitude}
    return {
        "id": of.image_id, "image_id": of.image_id, "section_id": of.section_id, "upload_status": of.upload_status.value,
        "caption": of.caption, "gps": gps, "size_bytes": of.size_bytes, "uploaded_at": of.uploaded_at.isoformat(),
    }  # fmt: skip


def submitted(done: Submitted) -> dict[str, Any]:
    lacking = [line.as_json() for line in done.missing]
    words = f"Still missing: {len(lacking)}." if lacking else "Everything is here."
    return {
        "ok": True, "accepted": True, **round_head(done.round), "server_revision_id": done.round.server_revision_id,
        "tree_number": done.tree_number, "lock_editing": False, "message": words, "transcription_failures": [],
        "processed_count": len(done.round.manifest) - len(lacking), "failed_count": len(lacking),
        "failed_artifacts": _failed(lacking), "can_resubmit_failed": True,
    }  # fmt: skip


def _failed(missing: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"section_id": m["section_id"], "artifact_id": m["artifact_id"], "reason": "not uploaded"} for m in missing]
