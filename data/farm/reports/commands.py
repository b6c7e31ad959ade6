"""Somebody who may see a farm asks how it did; a document is made, and that it left the house is written into the log."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from data.core.errors import Invalid, TooLarge
from data.core.session import Transaction
from data.core.sheet import Paper
from data.core.time import now, zone
from data.farm import queries as farms
from data.farm.reports.asked import Asked, Kind, Step, check
from data.farm.reports.facts import Facts
from data.farm.reports.queries import quantities, report
from data.farm.tables import FarmReport
from data.platform import background
from data.platform.tables import File

JOB = "farm.report"
EXPORTED = "farm.report.exported"
MOST_PRINTED = 6_000
"""Lines of hours, days or weeks that a document holds."""
MOST_BYTES = 50 * 2**20


async def question(
    tx: Transaction, *, kind: Kind, farm_id: UUID, first_day: date, last_day: date, step: Step = Step.DAY, device_ids: Sequence[UUID] = (),
    as_of: datetime | None = None,
) -> Asked:  # fmt: skip
    """What the actor may ask of a farm they may see. Invalid names the field that cannot be."""
    farm = await farms.farm(tx, farm_id)
    at = as_of or now()
    asked = Asked(kind, farm.id, first_day, last_day, at, tx.actor.name, step, tuple(device_ids))
    check(asked, today=at.astimezone(zone(farm.time_zone)).date(), lines=await quantities(tx, asked) if kind is Kind.METRICS else 0)
    return asked


async def ask(tx: Transaction, asked: Asked, look: Paper) -> FarmReport:
    """Have a document made of what was asked (see `question`), and go away."""
    farm = await farms.farm(tx, asked.farm_id)
    made = FarmReport(
        farm_id=farm.id, kind=asked.kind.value, title=farm.name, first_day=asked.first_day, last_day=asked.last_day,
        language=look.language, units=look.units, requested_by=tx.actor.user_id, requested_as=tx.actor.name,
        summary={"step": asked.step.value, "paper": look.paper},
    )  # fmt: skip
    tx.add(made)
    await tx.flush()
    arguments: dict[str, Any] = asked.as_arguments() | {
        "report_id": str(made.id), "language": look.language, "units": look.units, "paper": look.paper,
    }  # fmt: skip
    job = await background.ask(tx, JOB, arguments)
    made.background_job_id = job.id
    tx.add(made)
    return made


def check_printable(facts: Facts) -> None:
    """Invalid where a document would be a book."""
    if facts.lines > MOST_PRINTED:
        raise Invalid(
            "step", "A document holds at most {most} lines, and these are {count}. Choose longer steps or fewer days, or take the CSV.",
            most=f"{MOST_PRINTED:,}", count=f"{facts.lines:,}",
        )  # fmt: skip


def check_size(document: bytes) -> None:
    """TooLarge where nobody could send it on."""
    if len(document) > MOST_BYTES:
        raise TooLarge("The document would be larger than 50 MB. Choose fewer days.")


async def keep(tx: Transaction, report_id: UUID, facts: Facts, fingerprint: str, file: File) -> None:
    """It is made: its file, and its fingerprint, which goes into the log in the same transaction."""
    made = await report(tx, report_id)
    made.generated_at, made.file_id, made.fingerprint = now(), file.id, fingerprint
    made.summary = made.summary | {
        "device_count": len(facts.devices), "size_bytes": file.size_bytes, "file_sha256": file.sha256, "uptime": facts.uptime,
        "raised_count": sum(one.count for one in facts.raised) if facts.kind is Kind.PERFORMANCE else None,
        "run_count": sum(one.executed + one.failed for one in facts.schedules), "automation": facts.automation,
    }  # fmt: skip
    tx.add(made)
    record(tx, facts, fingerprint, "pdf", report_id=made.id, made_for=made.requested_as, file_sha256=file.sha256)


def record(tx: Transaction, facts: Facts, fingerprint: str, form: str, *, report_id: UUID | None = None, **more: Any) -> None:
    """Write into the log that these facts left the house."""
    tx.record(
        EXPORTED, "report exported", subject_id=report_id or facts.farm_id, fingerprint=fingerprint, kind=facts.kind, format=form,
        farm_id=facts.farm_id, farm=facts.farm, first_day=facts.first_day, last_day=facts.last_day, as_of=facts.as_of, **more,
    )  # fmt: skip
