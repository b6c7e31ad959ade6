"""Tree jobs in the reader's language: where they stand, how risky a tree is, and what has happened."""

from data.trees.words import DeviceRole, DeviceStatus, JobStatus, RiskRating
from ui.badge import State
from ui.words import _, n_, noop, number

STATUS_WORDS = {
    JobStatus.NOT_STARTED: noop("Not started"),
    JobStatus.DRAFT: noop("In the field"),
    JobStatus.SUBMITTED_FOR_PROCESSING: noop("Handed in"),
    JobStatus.REVIEW_RETURNED: noop("Waits for review"),
    JobStatus.ARCHIVED: noop("Approved"),
    JobStatus.FAILED: noop("Incomplete"),
}
STATUS_STATES: dict[JobStatus, State] = {
    JobStatus.NOT_STARTED: "neutral",
    JobStatus.DRAFT: "neutral",
    JobStatus.SUBMITTED_FOR_PROCESSING: "waiting",
    JobStatus.REVIEW_RETURNED: "warning",
    JobStatus.ARCHIVED: "ok",
    JobStatus.FAILED: "critical",
}
STATUS_ICONS = {
    JobStatus.NOT_STARTED: "radio_button_unchecked",
    JobStatus.DRAFT: "edit_note",
    JobStatus.SUBMITTED_FOR_PROCESSING: "upload",
    JobStatus.REVIEW_RETURNED: "rate_review",
    JobStatus.ARCHIVED: "verified",
    JobStatus.FAILED: "error",
}
RATING_WORDS = {
    RiskRating.LOW: noop("Low"),
    RiskRating.MODERATE: noop("Moderate"),
    RiskRating.HIGH: noop("High"),
    RiskRating.EXTREME: noop("Extreme"),
}
RATING_STATES: dict[RiskRating, State] = {
    RiskRating.LOW: "ok",
    RiskRating.MODERATE: "warning",
    RiskRating.HIGH: "critical",
    RiskRating.EXTREME: "critical",
}
DEVICE_WORDS = {
    DeviceStatus.PENDING: noop("Asks to be let in"),
    DeviceStatus.APPROVED: noop("May come in"),
    DeviceStatus.REVOKED: noop("Locked out"),
}
DEVICE_STATES: dict[DeviceStatus, State] = {
    DeviceStatus.PENDING: "waiting",
    DeviceStatus.APPROVED: "ok",
    DeviceStatus.REVOKED: "offline",
}
ROLE_WORDS = {DeviceRole.ARBORIST: noop("Arborist: own jobs"), DeviceRole.ADMIN: noop("Administrator: all jobs")}

EVENT_WORDS = {
    "job_created": noop("{who} made the job."),
    "job_changed": noop("{who} changed the job's details."),
    "job_assigned": noop("{who} took the job over."),
    "round_created": noop("{who} began round {round}."),
    "manifest_set": noop("{who} listed what belongs to round {round}."),
    "recording_uploaded": noop("{who} sent a recording: {section}."),
    "image_uploaded": noop("{who} sent a photo."),
    "image_described": noop("{who} described a photo."),
    "round_submitted": noop("{who} handed in round {round}."),
    "review_returned": noop("Round {round} is complete and waits for review."),
    "round_failed": noop("Round {round} failed: not everything arrived within a day."),
    "round_reopened": noop("{who} sent round {round} back."),
    "final_generated": noop("{who} approved the job."),
}


def status_word(status: JobStatus) -> str:
    return _(STATUS_WORDS[status])


def rating_word(rating: RiskRating) -> str:
    return _(RATING_WORDS[rating])


def rating_badge(rating: RiskRating | None) -> tuple[State, str] | None:
    return (RATING_STATES[rating], rating_word(rating)) if rating else None


def size(count_bytes: int) -> str:
    return _("{n} kB", n=number(max(1, count_bytes // 1000)))


def length(duration_s: float | None) -> str:
    if duration_s is None:
        return ""
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes}:{seconds:02d}"


def missing_words(count: int) -> str:
    return n_("{n} recording or photo has not arrived yet.", "{n} recordings or photos have not arrived yet.", count)
