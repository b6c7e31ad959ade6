"""How a job goes on: who may change it when, what a round still lacks, and which tree it is about."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from data.core.errors import Invalid
from data.trees.form import PHOTOS, SECTIONS
from data.trees.words import JobStatus, RoundStatus

MAX_PHOTOS = 5
MAX_ARTIFACTS = 200
PATIENCE = timedelta(hours=24)
"""How long a submitted round waits for what its manifest names."""
EARLIEST = datetime.fromisoformat("2015-01-01T00:00:00+00:00")
AHEAD = timedelta(hours=24)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
}  # fmt: skip

Artifact = tuple[str, str, str]
"""What identifies an upload: kind (recording or image), section, id."""


def stable_id(value: object, field: str) -> str:
    """An id that a phone made up: letters, digits and . _ : - (at most 100)."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Invalid(field, "An id has letters, digits and . _ : - only, at most 100.")
    return value


def tree_number(value: object) -> int | None:
    """A tree's number as people give it: 3, "3", "three"; None for anything else, so that the next one is taken."""
    if isinstance(value, str):
        text = value.strip().lower().removeprefix("#")
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else _NUMBERS.get(text)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1_000_000:
        return None
    return value


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a manifest: something that belongs to the round."""

    artifact_id: str
    section_id: str
    kind: str
    client_order: int
    issue_id: str | None
    recorded_at: datetime | None

    @property
    def artifact(self) -> Artifact:
        return self.kind, self.section_id, self.artifact_id

    @classmethod
    def from_json(cls, line: dict[str, Any]) -> Self:
        """A line that was kept."""
        at = line["recorded_at"]
        return cls(**{**line, "recorded_at": datetime.fromisoformat(at) if at else None})

    def as_json(self) -> dict[str, Any]:
        return {
            "artifact_id": self.artifact_id, "section_id": self.section_id, "kind": self.kind,
            "client_order": self.client_order, "issue_id": self.issue_id,
            "recorded_at": self.recorded_at.isoformat() if self.recorded_at else None,
        }  # fmt: skip


def manifest(raw: object, *, at: datetime, path: str = "manifest") -> list[Entry]:
    """The lines of a manifest, in their order. Invalid names what is wrong with which."""
    if not isinstance(raw, list):
        raise Invalid(path, "This must be a list.")
    if len(raw) > MAX_ARTIFACTS:
        raise Invalid(path, "The form has room for {limit} of these.", limit=MAX_ARTIFACTS)
    lines = [_entry(line, at, f"{path}.{index}") for index, line in enumerate(raw)]
    if len({line.artifact for line in lines}) < len(lines):
        raise Invalid(path, "The same thing stands here twice.")
    return sorted(lines, key=lambda line: line.client_order)


def _entry(raw: object, at: datetime, path: str) -> Entry:
    if not isinstance(raw, dict):
        raise Invalid(path, "This must be an object.")
    kind = raw.get("kind") or "recording"
    if kind not in ("recording", "image"):
        raise Invalid(f"{path}.kind", "Choose one of {choices}.", choices="recording, image")
    section_id, order = raw.get("section_id"), raw.get("client_order", 0)
    if section_id not in (SECTIONS if kind == "recording" else {PHOTOS}):
        raise Invalid(f"{path}.section_id", "The form has no such section.")
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order < 100_000:
        raise Invalid(f"{path}.client_order", "This must be a whole number.")
    issue_id = raw.get("issue_id")
    return Entry(
        stable_id(raw.get("artifact_id"), f"{path}.artifact_id"), str(section_id), kind, order,
        None if issue_id is None else stable_id(issue_id, f"{path}.issue_id"),
        recorded_at(raw.get("recorded_at"), at, f"{path}.recorded_at"),
    )  # fmt: skip


def recorded_at(value: object, at: datetime, field: str) -> datetime | None:
    """When something was recorded, by the phone's clock: ISO 8601 with its offset, neither long ago nor ahead."""
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Invalid(field, "This must be a time with its offset, such as 2026-11-20T08:00:00+07:00.")
    if not EARLIEST <= found <= at + AHEAD:
        raise Invalid(field, "This time cannot be.")
    return found


def missing(lines: Sequence[Entry], arrived: Collection[Artifact]) -> list[Entry]:
    """What the manifest names and nobody has received."""
    return [line for line in lines if line.artifact not in arrived]


def refusal_to_change_job(status: JobStatus, *, is_admin: bool = False) -> str | None:
    """Why a phone may not change the job's own words now."""
    if status is JobStatus.ARCHIVED and not is_admin:
        return "This job is archived."
    if status is JobStatus.SUBMITTED_FOR_PROCESSING:
        return "The last round is being processed."
    return None


def refusal_to_start_round(job: JobStatus, latest: RoundStatus | None) -> str | None:
    """Why no further round may begin."""
    if job is JobStatus.ARCHIVED:
        return "This job is archived."
    if latest is RoundStatus.SUBMITTED_FOR_PROCESSING:
        return "The last round is being processed."
    return None


def refusal_to_edit_round(status: RoundStatus) -> str | None:
    """Why a phone may not change the round: only a draft is open, and one that failed may be mended."""
    if status in (RoundStatus.DRAFT, RoundStatus.FAILED):
        return None
    return "This round has been submitted; it can be changed only when it is a draft again."


def refusal_to_upload(status: RoundStatus, artifact: Artifact, lines: Sequence[Entry]) -> str | None:
    """Why this may not be uploaded. A submitted round still takes what its manifest names: it waits for that."""
    if status is RoundStatus.SUBMITTED_FOR_PROCESSING and any(line.artifact == artifact for line in lines):
        return None
    return refusal_to_edit_round(status)


def refusal_to_review(status: JobStatus, round_status: RoundStatus | None) -> str | None:
    """Why nobody may approve or return it now."""
    if status is JobStatus.ARCHIVED:
        return "This job is archived."
    if round_status is not RoundStatus.REVIEW_RETURNED:
        return "There is no round that waits for review."
    return None


def verdict(waiting_for: Sequence[Entry], submitted_at: datetime, at: datetime) -> RoundStatus:
    """What becomes of a submitted round now: reviewed when complete, failed when its patience is over, else it waits."""
    if not waiting_for:
        return RoundStatus.REVIEW_RETURNED
    return RoundStatus.FAILED if at - submitted_at > PATIENCE else RoundStatus.SUBMITTED_FOR_PROCESSING
