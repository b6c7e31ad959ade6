"""Which reports there are for whoever may export, and the facts that one is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import anyio.to_thread
from sqlalchemy import ColumnElement, and_, cast, or_, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select

from data.cold_chain.reports import statements
from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.drawing_up import draw_unit, draw_up
from data.cold_chain.reports.facts import Facts, UnitFact
from data.cold_chain.reports.gathering import Material, Readings, gather, readings, scope
from data.cold_chain.reports.picture import Picture, picture
from data.cold_chain.tables import Report
from data.core.errors import NotFound
from data.core.session import Transaction
from data.platform import background
from data.platform import queries as platform
from data.platform.tables import BackgroundJob, File

EXPORT = "cold_chain.export"
Far = Callable[[int, int], None]
"""Hears how many units are done, of how many."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The facts, and each unit's picture."""

    facts: Facts
    pictures: Mapping[UUID, Picture]


async def draw(tx: Transaction, asked: Asked, *, far: Far = lambda done, of: None) -> Drawn:
    """The facts of what was asked, as this transaction sees them. What is computed is computed beside the event loop."""
    made = await gather(tx, asked)
    facts: dict[UUID, UnitFact] = {}
    pictures: dict[UUID, Picture] = {}
    by_id = {unit.id: unit for unit in made.units}
    async for found in readings(tx, made, asked):
        for unit_id in found:
            facts[unit_id], pictures[unit_id] = await anyio.to_thread.run_sync(_unit, made, asked, by_id[unit_id].id, found[unit_id])
            far(len(facts), len(made.units))
    for unit in made.units:
        if unit.id not in facts:
            facts[unit.id], pictures[unit.id] = _unit(made, asked, unit.id, None)
    in_use = [facts[unit.id] for unit in made.units if facts[unit.id].minutes.total or asked.unit_id]
    return Drawn(draw_up(made, asked, in_use), pictures)


def _unit(made: Material, asked: Asked, unit_id: UUID, found: Readings | None) -> tuple[UnitFact, Picture]:
    unit = next(one for one in made.units if one.id == unit_id)
    fact, time = draw_unit(made, asked, unit, found)
    return fact, picture(fact, time)


async def unit_count(tx: Transaction, asked: Asked) -> int:
    """How many units it is about."""
    return len((await scope(tx, asked)).units)


async def photo(tx: Transaction, sha256: str) -> File:
    """A picture that stands in a report which the actor may have: evidence of a temperature or of what was done."""
    tx.actor.require(EXPORT)
    scopes = tx.actor.scopes(EXPORT)
    values = {"organization_id": tx.organization_id, "sha256": sha256, "scopes": None if scopes is None else list(scopes)}
    file_id = (await tx.execute(text(statements.PHOTO), values)).scalar_one_or_none()
    if file_id is None:
        raise NotFound("There is no such file.")
    return await platform.file(tx, file_id)


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report as it is listed, and how far its making is."""

    report: Report
    job: BackgroundJob | None


async def reports(tx: Transaction, *, limit: int = 50) -> Sequence[ReportView]:
    """The reports that the actor may see, the latest first."""
    tx.actor.require(EXPORT)
    statement = select(Report).where(_visible(tx)).order_by(col(Report.created_at).desc(), col(Report.id).desc()).limit(limit)
    found = (await tx.exec(statement)).all()
    jobs = await background.jobs_of(tx, [one.background_job_id for one in found if one.background_job_id])
    return [ReportView(one, jobs.get(one.background_job_id) if one.background_job_id else None) for one in found]


async def report(tx: Transaction, report_id: UUID) -> Report:
    tx.actor.require(EXPORT)
    found = (await tx.exec(select(Report).where(Report.id == report_id, _visible(tx)))).one_or_none()
    if found is None:
        raise NotFound("There is no such report.")
    return found


async def report_file(tx: Transaction, report_id: UUID) -> File:
    """The document of a report."""
    made = await report(tx, report_id)
    if made.file_id is None:
        raise NotFound("This report has not been made yet.")
    return await platform.file(tx, made.file_id)


def _visible(tx: Transaction) -> ColumnElement[bool]:
    """Of a site: who may export there. Of more than one: who may export everywhere, or at each of the sites that it is about."""
    scopes = tx.actor.scopes(EXPORT)
    if scopes is None:
        return true()
    about = col(Report.summary)["site_ids"]
    mine = cast([str(scope) for scope in scopes], JSONB)
    return or_(col(Report.site_id).in_(scopes), and_(col(Report.site_id).is_(None), about.is_not(None), about.contained_by(mine)))


