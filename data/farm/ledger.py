"""What was due on a farm and what became of it: run by run, and outage by outage, so that nothing fails in silence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, text
from sqlmodel import col, or_, select

from data.core import columns
from data.core.session import Transaction
from data.farm.queries import within
from data.farm.tables import Device, ExecutionStatus, Farm, Schedule, ScheduleExecution

REMEMBERED = timedelta(days=30)
"""For how long outages are listed one by one."""
APART = timedelta(minutes=10)
"""What is written down later than this after the line before belongs to another outage."""


class Only(StrEnum):
    """Which lines somebody wants to see."""

    OUTAGE = "outage"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of which farm and schedule, from when to when, and whose schedule or device has this in its name."""

    farm_id: UUID | None = None
    schedule_id: UUID | None = None
    only: Only | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One run: what was due of which schedule, and what became of it."""

    run: ScheduleExecution
    schedule: Schedule
    device: Device
    farm: Farm


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which nothing ran: when the first and the last of the missed runs were due, when that was noticed, and what was
    done: how many were done late, brought to where they should be, and left out."""

    farm: Farm
    first_at: datetime
    last_at: datetime
    noticed_at: datetime
    late: int
    reconciled: int
    left_out: int

    @property
    def runs(self) -> int:
        return self.late + self.reconciled + self.left_out


SORTS = {"at": col(ScheduleExecution.scheduled_time), "schedule": col(Schedule.name), "device": col(Device.name), "status": col(ScheduleExecution.status)}

# Lines of one restart are written within moments of one another; what was done about each is kept with it.
_OUTAGES = text("""
    with missed as (
        select s.farm_id, e.scheduled_time, e.created_at, e.is_late, e.missed_policy,
            e.created_at - lag(e.created_at) over (partition by s.farm_id order by e.created_at) > cast(:apart as interval) as is_new
        from farm.schedule_executions e
        join farm.schedules s on s.organization_id = e.organization_id and s.id = e.schedule_id
        where e.organization_id = :organization_id and e.missed_policy is not null and e.created_at > cast(:since as timestamptz)
          and (cast(:everywhere as boolean) or s.farm_id = any(:farms))
    ), numbered as (
        select m.*, count(*) filter (where m.is_new) over (partition by m.farm_id order by m.created_at) as nth from missed m
    )
    select farm_id, min(scheduled_time) as first_at, max(scheduled_time) as last_at, min(created_at) as noticed_at,
        count(*) filter (where is_late and missed_policy = 'run_late') as late,
        count(*) filter (where is_late and missed_policy <> 'run_late') as reconciled,
        count(*) filter (where not is_late) as left_out
    from numbered group by farm_id, nth order by noticed_at desc limit :most""")


async def page(
    tx: Transaction, wanted: Wanted, *, offset: int = 0, limit: int = 25, sort: str = "at", descending: bool = True
) -> tuple[Sequence[Line], int]:
    """Some of the lines on the farms one may see, and how many there are in all."""
    tx.actor.require("farm.view")
    where = _where(tx, wanted)
    base = (
        select(ScheduleExecution, Schedule, Device, Farm)
        .join(Schedule, col(Schedule.id) == ScheduleExecution.schedule_id)
        .join(Device, col(Device.id) == ScheduleExecution.device_id)
        .join(Farm, col(Farm.id) == Schedule.farm_id)
        .where(*where)
    )
    by = SORTS.get(sort, SORTS["at"])
    ordered = base.order_by(by.desc() if descending else by.asc(), col(ScheduleExecution.id)).offset(offset).limit(limit)
    counted = (
        select(func.count())
        .select_from(ScheduleExecution)
        .join(Schedule, col(Schedule.id) == ScheduleExecution.schedule_id)
        .join(Device, col(Device.id) == ScheduleExecution.device_id)
        .where(*where)
    )
    return [Line(*row) for row in await tx.exec(ordered)], (await tx.exec(counted)).one()


async def outages(tx: Transaction, *, at: datetime, farm_id: UUID | None = None, most: int = 5) -> Sequence[Outage]:
    """The latest outages of the farms one may see (or of one), the latest first."""
    tx.actor.require("farm.view")
    scopes = tx.actor.scopes("farm.view")
    farms = {farm.id: farm for farm in await tx.exec(select(Farm).where(col(Farm.deleted_at).is_(None), within(tx, Farm.id)))}
    chosen = set(farms) if farm_id is None else {farm_id} & set(farms)
    values = {
        "organization_id": tx.organization_id, "since": at - REMEMBERED, "apart": APART, "most": most,
        "everywhere": scopes is None and farm_id is None, "farms": columns.ids(list(chosen)),
    }  # fmt: skip
    rows = (await tx.execute(_OUTAGES, values)).all()
    return [
        Outage(farms[row.farm_id], row.first_at, row.last_at, row.noticed_at, row.late, row.reconciled, row.left_out)
        for row in rows
        if row.farm_id in farms
    ]


def _where(tx: Transaction, wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [within(tx, Schedule.farm_id)]
    if wanted.farm_id:
        found.append(col(Schedule.farm_id) == wanted.farm_id)
    if wanted.schedule_id:
        found.append(col(ScheduleExecution.schedule_id) == wanted.schedule_id)
    if wanted.only is Only.OUTAGE:
        found.append(col(ScheduleExecution.missed_policy).is_not(None))
    elif wanted.only is Only.UNDONE:
        found.append(col(ScheduleExecution.status).in_((ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT, ExecutionStatus.SKIPPED)))
    if wanted.since:
        found.append(col(ScheduleExecution.scheduled_time) >= wanted.since)
    if wanted.until:
        found.append(col(ScheduleExecution.scheduled_time) < wanted.until)
    if wanted.search:
        found.append(or_(col(Schedule.name).icontains(wanted.search, autoescape=True), col(Device.name).icontains(wanted.search, autoescape=True)))
    return found
