"""To whom a regular report goes once it is made, and what the mail needs to say so."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from data.alerts.tables import Severity
from data.core.session import Transaction
from data.flows.regular import listing
from data.flows.regular.subjects import SUBJECTS, AnyReport
from data.notifications.outbox import Message
from data.notifications.tables import Channel, Purpose
from data.platform import queries as platform
from data.platform.tables import File, ReportRun, ReportSchedule

MOST_ENCLOSED_BYTES = 5 * 2**20
"""A larger document is a link: mail servers refuse it, and telephones fetch it at their owner's cost."""
COMES = "Regular report of {title}, {first_day} to {last_day}"
ORDERED = "{who} ordered it for you."
LEFT = "Somebody who has left"
GONE = "They may not see what it is about any more."
KEPT_IN = "Reports go to the organization's own people only."

Recipients = list[dict[str, Any]]


async def mails(tx: Transaction, schedule: ReportSchedule, run: ReportRun, made: AnyReport) -> tuple[Sequence[Message], Recipients]:
    """A mail for each, and the list of them: with the key of its message, or the reason why there is none."""
    assert made.file_id and made.fingerprint
    file = await platform.file(tx, made.file_id)
    said = _said(schedule, run, made, file)
    readers = {one.user_id for one in await listing.readers(tx, schedule.domain, schedule.scope_id)} | {schedule.user_id}
    names = await listing.names_of(tx, {UUID(one) for one in schedule.member_ids} | {schedule.user_id})
    ordered_by = names.get(schedule.user_id, LEFT)
    messages: list[Message] = []
    told: Recipients = []
    for member in schedule.member_ids:
        if UUID(member) not in readers:
            told.append({"to": names.get(UUID(member), LEFT), "why_not": GONE})
            continue
        messages.append(_mail(schedule, run, said, ordered_by, member, user_id=UUID(member)))
        told.append({"to": names.get(UUID(member), LEFT), "key": messages[-1].dedupe_key})
    may_leave = not schedule.addresses or await listing.may_leave(tx)
    for address in schedule.addresses:
        if not may_leave:
            told.append({"to": address, "why_not": KEPT_IN})
            continue
        messages.append(_mail(schedule, run, said, ordered_by, address, address=address))
        told.append({"to": address, "key": messages[-1].dedupe_key})
    return messages, told


def _mail(schedule: ReportSchedule, run: ReportRun, said: dict[str, Any], ordered_by: str, who: str, **to: Any) -> Message:
    values = {"title": schedule.title, "first_day": run.first_day, "last_day": run.last_day}
    return Message(
        Channel.EMAIL, COMES, ORDERED, values, {"who": ordered_by}, purpose=Purpose.REPORT, severity=Severity.INFO, href=said["href"],
        payload=said, dedupe_key=f"report run {run.id} {who}", **to,
    )  # fmt: skip


def _said(schedule: ReportSchedule, run: ReportRun, made: AnyReport, file: File) -> dict[str, Any]:
    """`summary` is what the domain kept of the report; `file` is enclosed, or None where it is too large for a mail."""
    is_small = file.size_bytes <= MOST_ENCLOSED_BYTES
    return {
        "schedule_id": str(schedule.id), "domain": schedule.domain, "kind": schedule.kind, "title": schedule.title,
        "first_day": run.first_day.isoformat(), "last_day": run.last_day.isoformat(), "language": schedule.language, "every": schedule.every.value,
        "summary": dict(made.summary), "fingerprint": made.fingerprint, "href": f"{SUBJECTS[schedule.domain].place}/{made.id}/report.pdf",
        "size_bytes": file.size_bytes,
        "file": {"key": file.key, "name": file.file_name, "mime_type": file.mime_type} if is_small else None,
    }  # fmt: skip
