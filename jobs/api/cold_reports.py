"""Reports of a cold chain: made as a document that can be proved, or taken as a table at once; both leave their fingerprint in the log."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel

from data.cold_chain.reports import commands, queries, table
from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.facts import Facts
from data.cold_chain.reports.fingerprint import canonical, fingerprint
from data.cold_chain.reports.queries import ReportView
from data.cold_chain.tables import Report
from data.cold_chain.values import ReportKind
from data.core.actor import Actor
from data.core.session import Transaction, transaction
from data.core.sheet import Paper
from data.core.spreadsheet import BYTE_ORDER_MARK, MEDIA, csv_headers, csv_lines
from data.platform import background
from data.platform.commands import path_of
from jobs.api._door import Paged, Reader, Reporter, answer
from jobs.api._organization import ORGANIZATION, of_organization

router = of_organization("/reports", "Reports of a cold chain")
MOST_LISTED = 500


class Question(BaseModel):
    """What of: a unit, a site, or with neither all that one may export; which days, by the place's own clock."""

    kind: ReportKind = ReportKind.COMPLIANCE
    first_day: date
    last_day: date
    site_id: UUID | None = None
    unit_id: UUID | None = None


class Wanted(Question):
    """A document in a language, °C or °F, on A4 or letter paper; one's own unless said."""

    language: Literal["en", "km"] | None = None
    units: Literal["celsius", "fahrenheit"] | None = None
    paper: Literal["a4", "letter"] = "a4"


@router.get("")
async def list_reports(actor: Reader, page: Paged) -> dict[str, Any]:
    """The documents that were made or are being made, the latest first."""
    async with transaction(actor) as tx:
        return page.of(await queries.reports(tx, limit=MOST_LISTED), lambda one: _shape(actor, one))


@router.post("", status_code=202)
async def create_report(actor: Reporter, wanted: Wanted) -> dict[str, Any]:
    """Have a document made, and come back for it."""
    look = Paper(wanted.language or actor.language, wanted.units or actor.units, wanted.paper)
    async with transaction(actor) as tx:
        made = await commands.ask(tx, await _asked(tx, wanted), look)
        return answer(await _shown(tx, made))


@router.get("/table.csv")
async def export_table(actor: Reporter, question: Annotated[Question, Depends()]) -> StreamingResponse:
    """The same as a table; `X-Fingerprint` is that of its facts, as the log has it."""
    async with transaction(actor) as tx:
        asked = await _asked(tx, question)
        facts = (await queries.draw(tx, asked)).facts
        seal = fingerprint(canonical(facts))
        commands.record(tx, facts, seal, "csv", report_id=None)
    headers = csv_headers(f"{asked.kind.value} {asked.first_day} {asked.last_day}.csv") | {"x-fingerprint": seal}
    return StreamingResponse(_lines(actor, asked, facts), media_type=MEDIA, headers=headers)


@router.get("/{report_id}")
async def show_report(actor: Reader, report_id: UUID) -> dict[str, Any]:
    """How far it is: `status` queued, running, completed, failed or canceled, and `progress` in percent."""
    async with transaction(actor) as tx:
        return answer(await _shown(tx, await queries.report(tx, report_id)))


@router.delete("/{report_id}")
async def cancel_report(actor: Reporter, report_id: UUID) -> dict[str, Any]:
    """Let it be, while it is being made and one has asked for it oneself."""
    async with transaction(actor) as tx:
        made = await queries.report(tx, report_id)
        if made.background_job_id:
            await background.cancel(tx, made.background_job_id)
    return answer({"report_id": report_id})


@router.get("/{report_id}/file")
async def report_file(actor: Reporter, report_id: UUID) -> FileResponse:
    """The document itself."""
    async with transaction(actor) as tx:
        file, made = await queries.report_file(tx, report_id), await queries.report(tx, report_id)
    return FileResponse(
        path_of(file), media_type=file.mime_type, filename=file.file_name,
        headers={"cache-control": "private, no-store", "x-fingerprint": made.fingerprint or ""},
    )  # fmt: skip


async def _asked(tx: Transaction, question: Question) -> Asked:
    return await commands.question(
        tx, kind=question.kind, first_day=question.first_day, last_day=question.last_day, site_id=question.site_id, unit_id=question.unit_id
    )


async def _lines(actor: Actor, asked: Asked, facts: Facts) -> AsyncIterator[str]:
    yield BYTE_ORDER_MARK + csv_lines([table.HEADERS[asked.kind]])
    if asked.kind is not ReportKind.DAILY:
        yield csv_lines(table.rows(facts))
        return
    async with transaction(actor) as tx:
        async for rows in table.daily(tx, asked, facts):
            yield csv_lines(rows)


async def _shown(tx: Transaction, made: Report) -> dict[str, Any]:
    jobs = await background.jobs_of(tx, [made.background_job_id] if made.background_job_id else [])
    return _shape(tx.actor, ReportView(made, jobs.get(made.background_job_id) if made.background_job_id else None))


def _shape(actor: Actor, view: ReportView) -> dict[str, Any]:
    made, job = view.report, view.job
    file = f"{ORGANIZATION.format(organization_id=actor.organization_id)}/reports/{made.id}/file"
    return {
        "id": made.id, "kind": made.kind, "title": made.title, "site_id": made.site_id, "unit_id": made.unit_id,
        "first_day": made.summary.get("first_day"), "last_day": made.summary.get("last_day"), "time_zone": made.time_zone,
        "language": made.language, "units": made.units, "status": "completed" if made.file_id else job.status if job else "failed",
        "progress": 100 if made.file_id else job.progress if job else None, "error": job.error if job else None,
        "requested_by": made.requested_as, "created_at": made.created_at, "generated_at": made.generated_at,
        "fingerprint": made.fingerprint, "size_bytes": made.summary.get("size_bytes"), "file": file if made.file_id else None,
    }  # fmt: skip
