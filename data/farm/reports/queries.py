"""A farm's report is drawn up from what the database knows; and which reports were made, for whoever may see the farm."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import sqrt
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.core import columns
from data.core.errors import NotFound
from data.core.marks import PLAN_ANEW
from data.core.session import Transaction
from data.farm import queries
from data.farm.reports import statements
from data.farm.reports.asked import Asked, Kind
from data.farm.reports.facts import DeviceFact, Facts, MeasuredFact, RaisedFact, ScheduleFact, Statistics, UsageFact
from data.farm.tables import FarmReport
from data.identity import queries as identity
from data.platform import background
from data.platform import queries as platform
from data.platform.tables import BackgroundJob, File

Far = Callable[[int, int], None]
"""Hears how many quantities are done, of how many."""


async def draw(tx: Transaction, asked: Asked, *, far: Far = lambda done, of: None) -> Facts:
    """The facts of what was asked, as this transaction sees them. NotFound where the farm is not there (for it)."""
    farm = await queries.farm(tx, asked.farm_id)
    since, until = asked.stretch(farm.time_zone)
    values: dict[str, Any] = {
        "organization_id": tx.organization_id, "farm_id": farm.id, "since": since, "until": until, "start": since, "end": until,
        "only": list(asked.device_ids), "zone": farm.time_zone,
    }  # fmt: skip
    rows = [dict(row._mapping) for row in await tx.execute(text(statements.DEVICES), values)]
    values["devices"] = columns.ids([row["id"] for row in rows])
    measured = await _measured(tx, asked, rows, values, far) if asked.kind is Kind.METRICS else {}
    usage = await _usage(tx, values) if asked.kind is not Kind.METRICS else {}
    devices = [
        DeviceFact(
            row["id"], row["name"], row["location"], row["device_type"], row["is_online"], row["battery_percent"],
            tuple(measured.get(row["id"], ())), usage.get(row["id"]),
        )
        for row in rows
    ]  # fmt: skip
    is_whole = asked.kind is Kind.PERFORMANCE
    raised = [RaisedFact(*row) for row in await tx.execute(text(statements.RAISED), values)] if is_whole else []
    schedules = [ScheduleFact(*row) for row in await tx.execute(text(statements.SCHEDULES), values)] if is_whole else []
    return Facts(
        as_of=asked.as_of, kind=asked.kind, organization=(await identity.organization(tx)).name, farm_id=farm.id, farm=farm.name,
        first_day=asked.first_day, last_day=asked.last_day, time_zone=farm.time_zone, step=asked.step, made_for=asked.made_for,
        devices=tuple(devices), raised=tuple(raised), schedules=tuple(schedules),
    )  # fmt: skip


async def quantities(tx: Transaction, asked: Asked) -> int:
    """How many lines there are at a time: what each device measures."""
    devices = await queries.devices(tx, farm_id=asked.farm_id)
    return sum(len(one.latest) for one in devices if not asked.device_ids or one.id in asked.device_ids)


async def _measured(
    tx: Transaction, asked: Asked, rows: Sequence[Mapping[str, Any]], values: Mapping[str, Any], far: Far
) -> dict[UUID, list[MeasuredFact]]:
    kinds = sorted({kind for row in rows for kind in row["kinds"]})
    found: dict[UUID, list[MeasuredFact]] = defaultdict(list)
    await tx.execute(PLAN_ANEW)
    for done, kind in enumerate(kinds):
        steps: dict[UUID, list[tuple[Any, ...]]] = defaultdict(list)
        for row in await tx.execute(text(statements.MEASURED[asked.step.value]), {**values, "kind": kind}):
            steps[row.device_id].append((row.step, row.unit, row.count, row.low, row.high, row.total, row.squares))
        for device_id, each in steps.items():
            found[device_id].append(_fact(kind, each, values["since"]))
        far(done + 1, len(kinds))
    return found


def _fact(kind: str, each: Sequence[tuple[Any, ...]], since: datetime) -> MeasuredFact:
    counts, lows, highs, totals, squares = (list(one) for one in zip(*(row[2:] for row in each), strict=True))
    whole = statistics(since, sum(counts), min(lows), max(highs), sum(totals), sum(squares))
    return MeasuredFact(kind, each[0][1], whole, tuple(statistics(at, *rest) for at, _unit, *rest in each))


def statistics(since: datetime, count: int, low: float, high: float, total: Decimal, squares: Decimal) -> Statistics:
    """From exact sums: the deviation is the sample's."""
    deviation = None
    if count > 1:
        deviation = sqrt(max(Decimal(0), (squares - total * total / count) / (count - 1)))
    return Statistics(since, count, low, high, float(total / count), deviation)


async def _usage(tx: Transaction, values: Mapping[str, Any]) -> dict[UUID, UsageFact]:
    on = {row.device_id: row for row in await tx.execute(text(statements.SWITCHED), values)}
    asked = {row.device_id: row for row in await tx.execute(text(statements.ASKED), values)}
    return {
        row.id: UsageFact(
            float(on[row.id].on_minutes) if row.id in on else None, int(on[row.id].cycles) if row.id in on else None,
            row.online_minutes, row.known_minutes, asked[row.id].asked if row.id in asked else 0, asked[row.id].done if row.id in asked else 0,
        )
        for row in await tx.execute(text(statements.PRESENCE), values)
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report as it is listed, and how far its making is."""

    report: FarmReport
    job: BackgroundJob | None


async def reports(tx: Transaction, *, farm_id: UUID | None = None, limit: int = 50) -> Sequence[ReportView]:
    """The reports of the farms one may see (or of one of them), the latest first."""
    tx.actor.require("farm.view")
    statement = select(FarmReport).where(queries.within(tx, FarmReport.farm_id))
    if farm_id:
        statement = statement.where(FarmReport.farm_id == farm_id)
    found = (await tx.exec(statement.order_by(col(FarmReport.created_at).desc(), col(FarmReport.id).desc()).limit(limit))).all()
    jobs = await background.jobs_of(tx, [one.background_job_id for one in found if one.background_job_id])
    return [ReportView(one, jobs.get(one.background_job_id) if one.background_job_id else None) for one in found]


async def report(tx: Transaction, report_id: UUID) -> FarmReport:
    tx.actor.require("farm.view")
    found = (await tx.exec(select(FarmReport).where(FarmReport.id == report_id, queries.within(tx, FarmReport.farm_id)))).one_or_none()
    if found is None:
        raise NotFound("There is no such report.")
    return found


async def report_file(tx: Transaction, report_id: UUID) -> File:
    """The document of a report."""
    made = await report(tx, report_id)
    if made.file_id is None:
        raise NotFound("This report has not been made yet.")
    return await platform.file(tx, made.file_id)
