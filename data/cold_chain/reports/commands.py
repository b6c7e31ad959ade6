"""Somebody asks for a report, it is made, and that it left the house is written into the log, with its fingerprint."""

from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from data.cold_chain.queries import units
from data.cold_chain.reports.asked import Asked, check_days
from data.cold_chain.reports.facts import Facts
from data.cold_chain.reports.queries import EXPORT, report
from data.cold_chain.tables import Report
from data.cold_chain.values import ReportKind
from data.core.errors import Forbidden
from data.core.session import Transaction
from data.core.sheet import Paper
from data.core.time import now
from data.identity import queries as identity
from data.platform import background
from data.platform.billing import require_feature
from data.platform.plans import Feature
from data.platform.tables import File

JOB = "cold_chain.report"
EXPORTED = "cold_chain.report.exported"


async def question(
    tx: Transaction, *, kind: ReportKind, first_day: date, last_day: date, site_id: UUID | None = None, unit_id: UUID | None = None,
    as_of: datetime | None = None,
) -> Asked:  # fmt: skip
    """What the actor may ask: of a unit, of a site, or of all that they may export. Invalid names the day that cannot be."""
    tx.actor.require(EXPORT)
    at = as_of or now()
    unit = await units.unit(tx, unit_id) if unit_id else None
    where = unit.site_id if unit else site_id
    site = await units.site(tx, where) if where else None
    if site:
        tx.actor.require(EXPORT, site.id)
    zone = site.time_zone if site else (await identity.organization(tx)).time_zone
    check_days(first_day, last_day, today=at.astimezone(ZoneInfo(zone)).date())
    scopes = tx.actor.scopes(EXPORT)
    if scopes is not None and not scopes:
        raise Forbidden("You do not have the right to do this.")
    return Asked(
        kind, first_day, last_day, at, tx.actor.name, site.id if site else None, unit_id,
        None if scopes is None or site else tuple(sorted(scopes)),
    )  # fmt: skip


async def ask(tx: Transaction, asked: Asked, look: Paper) -> Report:
    """Have a document made of what was asked (see `question`), and go away. Conflict where the plan holds no such reports."""
    await may_be_made(tx, asked)
    zone = await _zone(tx, asked)
    since, until = asked.stretch(zone)
    made = Report(
        kind=asked.kind, site_id=asked.site_id, unit_id=asked.unit_id, title=await _title(tx, asked), since=since,
        until=max(until, since.replace(microsecond=1)), time_zone=zone, language=look.language, units=look.units,
        requested_by=tx.actor.user_id, requested_as=tx.actor.name,
        summary={
            "first_day": asked.first_day.isoformat(), "last_day": asked.last_day.isoformat(), "paper": look.paper,
            "site_ids": None if asked.site_ids is None else [str(one) for one in asked.site_ids],
        },
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


async def may_be_made(tx: Transaction, asked: Asked) -> None:
    """Conflict where the plan holds no such reports."""
    if asked.kind is ReportKind.COMPLIANCE:
        await require_feature(tx, Feature.COMPLIANCE_REPORTS)


async def keep(tx: Transaction, report_id: UUID, facts: Facts, fingerprint: str, file: File) -> None:
    """It is made: its file, and its fingerprint, which goes into the log in the same transaction."""
    made = await report(tx, report_id)
    shares = facts.minutes
    made.generated_at, made.file_id, made.fingerprint = now(), file.id, fingerprint
    made.summary = made.summary | {
        "scope": facts.scope, "scope_name": facts.scope_name, "unit_count": len(facts.units), "size_bytes": file.size_bytes,
        "file_sha256": file.sha256, "excursion_count": sum(len(unit.confirmed) for unit in facts.units),
        "minutes": {"measured": shares.measured, "late": shares.late, "manual": shares.manual, "unknown": shares.unknown},
    }  # fmt: skip
    tx.add(made)
    record(tx, facts, fingerprint, "pdf", report_id=made.id, made_for=made.requested_as, file_sha256=file.sha256)


def record(tx: Transaction, facts: Facts, fingerprint: str, form: str, *, report_id: UUID | None = None, **more: Any) -> None:
    """Write into the log that these facts left the house."""
    tx.record(
        EXPORTED, "report exported", subject_id=report_id, fingerprint=fingerprint, kind=facts.kind, format=form, scope=facts.scope,
        scope_name=facts.scope_name, first_day=facts.first_day, last_day=facts.last_day, as_of=facts.as_of, **more,
    )  # fmt: skip


async def _zone(tx: Transaction, asked: Asked) -> str:
    if asked.site_id:
        return (await units.site(tx, asked.site_id)).time_zone
    return (await identity.organization(tx)).time_zone


async def _title(tx: Transaction, asked: Asked) -> str:
    if asked.unit_id:
        unit = await units.unit(tx, asked.unit_id)
        return f"{unit.name}, {unit.site_name}"
    if asked.site_id:
        return (await units.site(tx, asked.site_id)).name
    return (await identity.organization(tx)).name
