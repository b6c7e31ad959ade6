"""Temperatures that people read off a thermometer: one at a time, or a round at once, each with what was done where it was out of limits."""

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from fastapi.responses import FileResponse
from pydantic import AwareDatetime, BaseModel, Field

from data.cold_chain.by_hand import Written, rounded
from data.cold_chain.commands import logs as commands
from data.cold_chain.queries import logs as queries
from data.cold_chain.queries.logs import LogView, RoundUnit
from data.core.errors import Invalid, Refusal
from data.core.session import Transaction, transaction
from data.core.table import uuid7
from data.core.time import now
from data.platform.commands import path_of
from jobs.api._door import CODES, Paged, Reader, Setter, answer, called, listed
from jobs.api._organization import of_organization
from jobs.api._pictures import uploaded

router = of_organization("/manual-logs", "Manual logs")
MOST_LINES = 100
Celsius = Annotated[Decimal, Field(max_digits=12)]


class Line(BaseModel):
    """One temperature in °C. `id` is a UUID of version 7 that the program chose, so that sending it twice keeps it once; `logged_at`
    is its own clock, now unless said; `photo_id` names an uploaded picture."""

    id: UUID | None = None
    unit_id: UUID
    temperature: Celsius
    humidity: Annotated[Decimal | None, Field(max_digits=12)] = None
    logged_at: AwareDatetime | None = None
    notes: str | None = None
    corrective_action: str | None = None
    photo_id: UUID | None = None


class Round(BaseModel):
    logs: Annotated[list[Line], Field(min_length=1, max_length=MOST_LINES)]


class Correction(BaseModel):
    """What it should have been, and why; `unit_id` where it was of another unit."""

    temperature: Celsius
    notes: str
    unit_id: UUID | None = None
    corrective_action: str | None = None


@router.get("")
async def list_logs(
    actor: Reader, page: Paged, site_id: UUID | None = None, unit_id: Annotated[list[UUID] | None, Query(max_length=100)] = None,
    user_id: UUID | None = None, since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None, out_of_range: bool = False,
    search: Annotated[str, Query(max_length=200)] = "",
) -> dict[str, Any]:  # fmt: skip
    """What was written down, the newest first; `search` looks into the names of units and of who wrote it."""
    wanted = queries.Wanted(site_id, unit_id, user_id, since, until, out_of_range, search)
    async with transaction(actor) as tx:
        found, total = await queries.page(tx, wanted, offset=page.offset, limit=page.limit)
        return listed([_view(one) for one in found], page, total=total)


@router.get("/due")
async def list_due(actor: Reader, page: Paged, site_id: UUID | None = None, only_due: bool = True) -> dict[str, Any]:
    """The units that must be measured by hand now, what must be first before the others; with `only_due=false` a whole round."""
    async with transaction(actor) as tx:
        return page.of(await queries.round_of(tx, now(), site_id=site_id, only_due=only_due, limit=10_000), _due)


@router.post("", status_code=201)
async def create_log(actor: Setter, line: Line) -> dict[str, Any]:
    """Write one down. Out of limits it is refused without what was done about it."""
    async with transaction(actor) as tx:
        written = await _written(tx, line)
        refused = (await commands.write_down(tx, [written], at=now()))[written.id]
        if refused:
            with called(action="corrective_action", recorded_at="logged_at"):
                raise refused
        return answer(_view(await queries.log(tx, written.id)))


@router.post("/batch")
async def create_logs(actor: Setter, sent: Round) -> dict[str, Any]:
    """A round at once: for each line in order whether it is kept, else why not. One that is refused keeps no other from being kept."""
    async with transaction(actor) as tx:
        lines = [await _written(tx, line) for line in sent.logs]
        answers = await commands.write_down(tx, lines, at=now())
    return answer([_result(line.id, answers[line.id]) for line in lines])


@router.get("/{log_id}")
async def show_log(actor: Reader, log_id: UUID) -> dict[str, Any]:
    """One line."""
    async with transaction(actor) as tx:
        return answer(_view(await queries.log(tx, log_id)))


@router.post("/{log_id}/correct", status_code=201)
async def correct_log(actor: Setter, log_id: UUID, given: Correction) -> dict[str, Any]:
    """Say what it should have been: a new line that names it; the mistaken one stays as it is."""
    async with transaction(actor) as tx:
        with called(action="corrective_action"):
            made = await commands.correct(
                tx, log_id, celsius=given.temperature, notes=given.notes, at=now(), unit_id=given.unit_id, action=given.corrective_action
            )
        return answer(_view(await queries.log(tx, made)))


@router.get("/{log_id}/photo")
async def show_photo(actor: Reader, log_id: UUID) -> FileResponse:
    """The picture that was taken of it."""
    async with transaction(actor) as tx:
        file = await queries.photo(tx, log_id)
    return FileResponse(path_of(file), media_type=file.mime_type, headers={"cache-control": "private, no-store"})


async def _written(tx: Transaction, line: Line) -> Written:
    if line.id is not None and line.id.version != 7:
        raise Invalid("id", "This must be a UUID of version 7.")
    return Written(
        line.id or uuid7(), line.unit_id, rounded(line.temperature), line.logged_at or now(), line.humidity, line.notes,
        line.corrective_action, await uploaded(tx, line.photo_id) if line.photo_id else None,
    )  # fmt: skip


def _result(log_id: UUID, refusal: Refusal | None) -> dict[str, Any]:
    if refusal is None:
        return {"id": log_id, "kept": True}
    field = {"action": "corrective_action", "recorded_at": "logged_at"}.get(refusal.field, refusal.field) if isinstance(refusal, Invalid) else None
    return {"id": log_id, "kept": False, "code": CODES[type(refusal)], "message": str(refusal), "field": field}


def _view(view: LogView) -> dict[str, Any]:
    log = view.log
    return {
        "id": log.id, "unit": {"id": log.unit_id, "name": view.unit_name, "area_name": view.area_name},
        "site": {"id": view.site_id, "name": view.site_name, "time_zone": view.time_zone}, "temperature": float(log.temperature_celsius),
        "humidity": _number(log.humidity_percent), "temperature_min": _number(log.low_celsius), "temperature_max": _number(log.high_celsius),
        "is_in_range": log.is_in_range, "notes": log.notes, "corrective_action": view.action, "has_photo": log.photo_file_id is not None,
        "logged_at": log.recorded_at, "received_at": log.created_at, "logged_by": {"id": log.user_id, "name": log.user_name},
        "corrects_id": log.corrects_id, "corrected_by_id": view.corrected_by_id,
    }  # fmt: skip


def _due(one: RoundUnit) -> dict[str, Any]:
    return {
        "unit": {"id": one.id, "name": one.name, "area_name": one.area_name, "unit_type": one.unit_type, "status": one.status},
        "site": {"id": one.site_id, "name": one.site_name, "time_zone": one.time_zone}, "temperature_min": one.rule.low_celsius,
        "temperature_max": one.rule.high_celsius, "last_temperature": one.last_celsius, "last_at": one.last_at,
        "is_last_by_hand": one.is_by_hand, "due_at": one.due_at, "is_due": one.is_due,
    }  # fmt: skip


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
