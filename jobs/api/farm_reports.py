"""How a farm's devices measured, worked and did over some days: read at once, taken as a table, or made as a document."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import anyio.to_thread
from fastapi import Depends, Query
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field

from data.core.actor import Actor
from data.core.errors import Invalid, NotFound
from data.core.fingerprint import as_canonical, fingerprint
from data.core.session import Transaction, transaction
from data.core.sheet import Paper
from data.core.spreadsheet import BYTE_ORDER_MARK, MEDIA, csv_headers, csv_lines
from data.core.time import now, zone
from data.farm import queries as farms
from data.farm.reports import commands, queries, table
from data.farm.reports.asked import Asked, Kind, Step
from data.farm.reports.facts import Facts
from data.farm.reports.queries import ReportView
from data.platform import background
from data.platform.commands import path_of
from jobs.api._door import Paged, Reader, Reporter, answer, door
from jobs.api._farm_figures import metrics, performance, usage

router = door("/v1/farms/{farm_id}/reports", "Reports of a farm")

MOST_POINTS = 10_000
"""That are told at once; a table holds ten times as many."""
USUAL = timedelta(days=7)
Report = Literal["device-metrics", "device-usage", "farm-performance"]
KINDS: Mapping[Report, Kind] = {"device-metrics": Kind.METRICS, "device-usage": Kind.USAGE, "farm-performance": Kind.PERFORMANCE}
NAMES = {kind: name for name, kind in KINDS.items()}
FIGURES: Mapping[Kind, Callable[[Facts], Any]] = {Kind.METRICS: metrics, Kind.USAGE: usage, Kind.PERFORMANCE: performance}


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the farm's own clock; the last seven full ones where nothing is said."""

    first_day: date | None = None
    last_day: date | None = None
    step: Step = Step.DAY
    device_id: Annotated[list[UUID] | None, Query(max_length=100)] = None


class Wanted(BaseModel):
    """A document in a language (`en`, `km`), °C or °F, on A4 or letter paper."""

    report: Report
    first_day: date | None = None
    last_day: date | None = None
    step: Step = Step.DAY
    device_ids: list[UUID] = Field(default_factory=list, max_length=100)
    format: Literal["pdf"] = "pdf"
    language: Literal["en", "km"] | None = None
    units: Literal["celsius", "fahrenheit"] | None = None
    paper: Literal["a4", "letter"] = "a4"


@router.post("/exports", status_code=202)
async def create_export(actor: Reporter, farm_id: UUID, wanted: Wanted) -> dict[str, Any]:
    """Have a document made, of 50 MB at most, and come back for it; a table is to be had at once, with `format=csv`."""
    look = Paper(wanted.language or actor.language, wanted.units or actor.units, wanted.paper)
    async with transaction(actor) as tx:
        asked = await _asked(tx, farm_id, KINDS[wanted.report], wanted.first_day, wanted.last_day, wanted.step, wanted.device_ids)
        made = await commands.ask(tx, asked, look)
        return answer(await _export(tx, farm_id, made.id))


@router.get("/exports")
async def list_exports(actor: Reader, farm_id: UUID, page: Paged) -> dict[str, Any]:
    """The documents of the farm, the latest first."""
    async with transaction(actor) as tx:
        await farms.farm(tx, farm_id)
        return page.of(await queries.reports(tx, farm_id=farm_id, limit=1_000), _shape)


@router.get("/exports/{export_id}")
async def show_export(actor: Reader, farm_id: UUID, export_id: UUID) -> dict[str, Any]:
    """How far it is: `status` queued, running, completed, failed or canceled, and `progress` in percent."""
    async with transaction(actor) as tx:
        return answer(await _export(tx, farm_id, export_id))


@router.delete("/exports/{export_id}")
async def cancel_export(actor: Reporter, farm_id: UUID, export_id: UUID) -> dict[str, Any]:
    """Let it be, while it is being made and one has asked for it oneself."""
    async with transaction(actor) as tx:
        await _export(tx, farm_id, export_id)
        made = await queries.report(tx, export_id)
        if made.background_job_id:
            await background.cancel(tx, made.background_job_id)
    return answer({"id": export_id})


@router.get("/exports/{export_id}/file")
async def export_file(actor: Reporter, farm_id: UUID, export_id: UUID) -> Response:
    """The document itself."""
    async with transaction(actor) as tx:
        await _export(tx, farm_id, export_id)
        file, made = await queries.report_file(tx, export_id), await queries.report(tx, export_id)
        tx.record("farm.report.fetched", "report fetched", subject_id=export_id, fingerprint=made.fingerprint)
    name = f"{made.kind}-{made.first_day}-{(made.fingerprint or '')[:8]}.pdf"
    return FileResponse(path_of(file), media_type=file.mime_type, filename=name, headers={"cache-control": "private, no-store"})


@router.get("/{report}", response_model=None)
async def show_report(
    actor: Reporter, farm_id: UUID, report: Report, days: Annotated[Days, Depends()], format: Literal["json", "csv"] = "json"
) -> Response:
    """Its figures now, or with `format=csv` as a table. `step` is 1h, 1d or 1w; only device-metrics has steps."""
    async with transaction(actor) as tx:
        asked = await _asked(tx, farm_id, KINDS[report], days.first_day, days.last_day, days.step, days.device_id or [])
        if format == "json" and asked.kind is Kind.METRICS:
            await _check_points(tx, asked)
        facts = await queries.draw(tx, asked)
        if format == "csv":
            commands.record(tx, facts, fingerprint(as_canonical(facts)), "csv")
    return await anyio.to_thread.run_sync(_table if format == "csv" else _figures, facts, actor)


async def _asked(
    tx: Transaction, farm_id: UUID, kind: Kind, first_day: date | None, last_day: date | None, step: Step, device_ids: list[UUID]
) -> Asked:
    today = now().astimezone(zone((await farms.farm(tx, farm_id)).time_zone)).date()
    last = last_day or (today - timedelta(days=1) if first_day is None or first_day < today else today)
    first = first_day or last - USUAL + timedelta(days=1)
    return await commands.question(tx, kind=kind, farm_id=farm_id, first_day=first, last_day=last, step=step, device_ids=device_ids)


async def _check_points(tx: Transaction, asked: Asked) -> None:
    if await queries.quantities(tx, asked) * asked.days / asked.step.days > MOST_POINTS:
        raise Invalid("step", "That would be more than {most} lines. Choose longer steps, fewer days or fewer devices.", most=f"{MOST_POINTS:,}")


def _figures(facts: Facts, actor: Actor) -> Response:
    data = {
        "report": NAMES[facts.kind], "farm_id": facts.farm_id, "farm": facts.farm, "first_day": facts.first_day, "last_day": facts.last_day,
        "time_zone": facts.time_zone, "as_of": facts.as_of.isoformat(),
    } | FIGURES[facts.kind](facts)  # fmt: skip
    return Response(json.dumps(answer(data), default=str, ensure_ascii=False), media_type="application/json")


def _table(facts: Facts, actor: Actor) -> Response:
    lines = csv_lines([table.HEADERS[facts.kind], *table.rows(facts, is_fahrenheit=actor.units == "fahrenheit")])
    content = (BYTE_ORDER_MARK + lines).encode()
    commands.check_size(content)
    return Response(content, media_type=MEDIA, headers=csv_headers(f"{facts.kind.value} {facts.farm} {facts.first_day} {facts.last_day}.csv"))


async def _export(tx: Transaction, farm_id: UUID, export_id: UUID) -> dict[str, Any]:
    await farms.farm(tx, farm_id)
    made = await queries.report(tx, export_id)
    if made.farm_id != farm_id:
        raise NotFound("There is no such report.")
    jobs = await background.jobs_of(tx, [made.background_job_id] if made.background_job_id else [])
    return _shape(ReportView(made, jobs.get(made.background_job_id) if made.background_job_id else None))


def _shape(one: ReportView) -> dict[str, Any]:
    made, job = one.report, one.job
    status = "completed" if made.file_id else job.status if job else "failed"
    return {
        "id": made.id, "report": NAMES[Kind(made.kind)], "farm_id": made.farm_id, "format": "pdf", "first_day": made.first_day,
        "last_day": made.last_day, "step": made.summary.get("step"), "status": status,
        "progress": 100 if made.file_id else job.progress if job else None, "error": job.error if job else None,
        "requested_by": made.requested_as, "created_at": made.created_at, "generated_at": made.generated_at,
        "fingerprint": made.fingerprint, "size_bytes": made.summary.get("size_bytes"),
        "file": f"/v1/farms/{made.farm_id}/reports/exports/{made.id}/file" if made.file_id else None,
    }  # fmt: skip
