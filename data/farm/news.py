"""What is new on one farm, of the things that were said to have changed: asked once for everybody who wants to be told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts import queries as alerts
from data.alerts.tables import Alert
from data.core import columns
from data.core.session import Transaction
from data.farm import queries
from data.farm.tables import Device, DeviceCommand, Schedule, ScheduleExecution

LAST = 5
"""So many wishes of a device and runs of a schedule are looked at: more do not happen between two questions."""

_COMMANDS = text("""
    select c.* from unnest(:ids) d (id) cross join lateral (
        select * from farm.device_commands x where x.organization_id = :organization_id and x.device_id = d.id
        order by x.requested_at desc limit :last) c
    order by c.requested_at""")
_RUNS = text("""
    select e.* from unnest(:ids) s (id) cross join lateral (
        select * from farm.schedule_executions x where x.organization_id = :organization_id and x.schedule_id = s.id
        order by x.scheduled_time desc limit :last) e
    order by e.scheduled_time""")


@dataclass(frozen=True, slots=True)
class News:
    """Devices as they are now (those that were taken down among them), their last wishes, the last runs of schedules with their names, and alerts; the oldest first."""

    devices: Sequence[Device]
    commands: Sequence[DeviceCommand]
    runs: Sequence[tuple[ScheduleExecution, str]]
    alerts: Sequence[Alert]


async def news(
    tx: Transaction, farm_id: UUID, *, devices: Collection[UUID], schedules: Collection[UUID], alert_ids: Collection[UUID]
) -> News:
    """Of these things, those that are on this farm. At most five short statements, none where nothing is named."""
    tx.actor.require("farm.view", farm_id)
    there = Device.farm_id == farm_id, queries.within(tx, Device.farm_id)
    found = (await tx.exec(select(Device).where(col(Device.id).in_(devices), *there))).all() if devices else []
    wishes: Sequence[DeviceCommand] = []
    if found:
        asked = {"organization_id": tx.organization_id, "ids": columns.ids([one.id for one in found]), "last": LAST}
        wishes = (await tx.execute(select(DeviceCommand).from_statement(_COMMANDS), asked)).scalars().all()
    return News(found, wishes, await _runs(tx, farm_id, schedules), await _alerts(tx, farm_id, alert_ids))


async def _runs(tx: Transaction, farm_id: UUID, schedules: Collection[UUID]) -> Sequence[tuple[ScheduleExecution, str]]:
    if not schedules:
        return []
    of = select(Schedule.id, Schedule.name).where(col(Schedule.id).in_(schedules), Schedule.farm_id == farm_id)
    names = dict((await tx.exec(of)).all())
    asked = {"organization_id": tx.organization_id, "ids": columns.ids(list(names)), "last": LAST}
    runs = (await tx.execute(select(ScheduleExecution).from_statement(_RUNS), asked)).scalars() if names else ()
    return [(run, names[run.schedule_id]) for run in runs]


async def _alerts(tx: Transaction, farm_id: UUID, alert_ids: Collection[UUID]) -> Sequence[Alert]:
    found = await alerts.alerts(tx, alert_ids) if alert_ids else []
    return sorted((one for one in found if one.scope_id == farm_id), key=lambda one: one.created_at)
