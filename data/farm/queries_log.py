"""Which lines of the event log are about one farm, and what the things in them are called."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, literal, or_, union_all
from sqlalchemy import select as select_columns
from sqlmodel import col

from data.alerts.tables import Alert
from data.audit.tables import EventLog
from data.core.session import Transaction
from data.farm.tables import Device, DeviceCommand, DeviceConfig, Farm, FlockBatch, FlockRecord, Schedule
from data.identity.tables import Invitation, UserRole


def about_farm(farm_id: UUID) -> ColumnElement[bool]:
    """The part of a `where` over the log that keeps what happened on a farm: to it, its devices, schedules, flocks, alerts and people.
    What is gone by now counts too, as long as its row is kept."""
    things = union_all(
        select_columns(literal(farm_id).label("id")),
        *(select_columns(col(table.id)).where(col(table.farm_id) == farm_id) for table in (Device, Schedule, FlockBatch, DeviceCommand)),
        select_columns(col(DeviceConfig.id)).join(Device, col(Device.id) == DeviceConfig.device_id).where(col(Device.farm_id) == farm_id),
        select_columns(col(FlockRecord.id)).join(FlockBatch, col(FlockBatch.id) == FlockRecord.batch_id).where(col(FlockBatch.farm_id) == farm_id),
        *(select_columns(col(table.id)).where(col(table.scope_id) == farm_id) for table in (Alert, UserRole, Invitation)),
    ).subquery()
    return or_(col(EventLog.subject_id).in_(select_columns(things.c.id)), col(EventLog.event_data)["scope_id"].astext == str(farm_id))


async def names_of(tx: Transaction, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What farms, devices, schedules and flocks are called, those that are gone among them."""
    if not ids:
        return {}
    named = union_all(*(
        select_columns(col(table.id), col(table.name)).where(col(table.id).in_(ids)) for table in (Farm, Device, Schedule, FlockBatch)
    ))  # fmt: skip
    return dict((await tx.execute(named)).tuples().all())
