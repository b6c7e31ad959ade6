"""A wish ends when nobody answers it, when it cannot be handed over, or when its device does not come back in time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, text
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts
from data.alerts.tables import Severity
from data.core import columns
from data.core.errors import Refusal
from data.core.session import Transaction
from data.farm.commands.runs_ended import note_ends
from data.farm.commands.troubles import CONNECTION_ALERT, NO_ANSWER_ALERT, REFUSED_ALERT, trouble
from data.farm.events import DeviceChanged, ScheduleChanged
from data.farm.rules import ANSWER_WITHIN, NO_ANSWER, NOT_SENT, RETRIES_S, TOO_LATE
from data.farm.tables import Commanded, CommandStatus, CommandType, Device, DeviceCommand, Farm
from data.notifications.commands import tell

ASKED_ON = "{name} does not answer. It was asked to switch on."
ASKED_OFF = "{name} does not answer. It was asked to switch off."
ASKED_SET = "{name} does not answer. It was asked to change its setting."
CAME_TOO_LATE = "{name} was away for too long. What it was asked is not done any more."
CANNOT_BE_TOLD = "{name} cannot do what it was asked. Look at what was asked of it."
CANNOT_BE_REACHED = "{name} cannot be reached. Steading has no connection to its network."

_END = text("""
    with ended as (
        update farm.device_commands c set status = cast(n.status as farm.command_status), completed_at = :at, claimed_until_at = null,
            error_message = n.error, error_values = cast(n.error_values as jsonb)
        from unnest(:ids, :statuses, :errors, :values) n (id, status, error, error_values)
        where c.organization_id = :organization_id and c.id = n.id
        returning c.*
    ), noted as (
        update farm.devices d set last_command_status = e.status, last_command_at = :at,
            error_count = d.error_count + case when e.status = 'expired' then 0 else 1 end
        from ended e where d.organization_id = e.organization_id and d.id = e.device_id
    ), executed as (
        update farm.schedule_executions x set error_message = e.error_message, error_values = e.error_values,
            status = cast(case when e.status = 'timeout' then 'timeout' else 'failed' end as farm.execution_status)
        from ended e where x.organization_id = e.organization_id and x.command_id = e.id
    )
    select * from ended""")


async def organizations_with_overdue(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has wishes that must be given up."""
    return (await tx.exec(select(DeviceCommand.organization_id).where(_is_over(at)).distinct())).all()


async def time_out(tx: Transaction, *, at: datetime) -> Sequence[DeviceCommand]:
    """Give up what was not answered in time, what could not be handed over, and what waited too long for its device; say why,
    and tell those who look after the farm."""
    whose = select(DeviceCommand.device_id).where(_is_over(at))
    locked = select(Device).where(col(Device.id).in_(whose)).order_by(col(Device.id)).with_for_update(key_share=True)
    devices = {device.id: device for device in await tx.exec(locked.execution_options(populate_existing=True))}
    if not devices:
        return []
    statement = select(DeviceCommand).where(_is_over(at), col(DeviceCommand.device_id).in_(devices)).with_for_update()
    over = (await tx.exec(statement.execution_options(populate_existing=True))).all()
    if not over:
        return []
    return await _end(tx, devices, over, [_ending(command) for command in over], at)


async def refuse(tx: Transaction, reasons: Mapping[UUID, Refusal], *, at: datetime) -> Sequence[DeviceCommand]:
    """These wishes cannot be said to their devices, now or ever, each for a reason that is written for its reader: they have failed.
    Where a person asked, that person sees it; who else asked has those told who look after the farm."""
    whose = select(DeviceCommand.device_id).where(col(DeviceCommand.id).in_(reasons))
    locked = select(Device).where(col(Device.id).in_(whose)).order_by(col(Device.id)).with_for_update(key_share=True)
    devices = {device.id: device for device in await tx.exec(locked.execution_options(populate_existing=True))}
    statement = select(DeviceCommand).where(col(DeviceCommand.id).in_(reasons), DeviceCommand.status == CommandStatus.QUEUED).with_for_update()
    over = (await tx.exec(statement.execution_options(populate_existing=True))).all()
    endings = [_Ending(CommandStatus.FAILED, reasons[command.id].message, dict(reasons[command.id].values)) for command in over]
    return await _end(tx, devices, over, endings, at) if over else []


async def _end(
    tx: Transaction, devices: Mapping[UUID, Device], over: Sequence[DeviceCommand], endings: Sequence["_Ending"], at: datetime
) -> Sequence[DeviceCommand]:
    rows = await tx.execute(
        select(DeviceCommand).from_statement(_END),
        {
            "organization_id": tx.organization_id, "at": at, "ids": columns.ids([command.id for command in over]),
            "statuses": columns.texts(one.status.value for one in endings), "errors": columns.texts(one.error for one in endings),
            "values": columns.texts(json.dumps(one.values) for one in endings),
        },
        execution_options={"populate_existing": True},
    )  # fmt: skip
    ended: Sequence[DeviceCommand] = rows.scalars().all()
    zones = dict((await tx.exec(select(Farm.id, Farm.time_zone).where(col(Farm.id).in_({c.farm_id for c in ended})))).all())
    told = [(_trouble(devices[command.device_id], command, zones[command.farm_id]), command) for command in ended]
    troubles = [(one, at) for one, command in told if one.alert_type != REFUSED_ALERT or command.source is not Commanded.PERSON]
    await tell(tx, *await raise_alerts(tx, troubles), at=at)
    for command in ended:
        tx.emit(DeviceChanged(device_id=command.device_id, farm_id=command.farm_id))
        if command.schedule_id:
            tx.emit(ScheduleChanged(schedule_id=command.schedule_id, farm_id=command.farm_id))
    await note_ends(tx, [command.schedule_id for command in ended if command.schedule_id], at=at)
    return ended


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a wish ends, and why."""

    status: CommandStatus
    error: str
    values: dict[str, Any]


def _ending(command: DeviceCommand) -> _Ending:
    if command.status is not CommandStatus.QUEUED:
        return _Ending(CommandStatus.TIMEOUT, NO_ANSWER, {"seconds": round(ANSWER_WITHIN.total_seconds())})
    if command.attempt_count > len(RETRIES_S):
        return _Ending(CommandStatus.FAILED, NOT_SENT, {"seconds": sum(RETRIES_S)})
    return _Ending(CommandStatus.EXPIRED, TOO_LATE, {})


def _trouble(device: Device, command: DeviceCommand, zone: str) -> Trouble:
    on = command.command_type is CommandType.ON
    if command.status is CommandStatus.FAILED and command.error_message != NOT_SENT:
        return trouble(device, REFUSED_ALERT, Severity.WARNING, CANNOT_BE_TOLD, zone=zone, name=device.name)
    if command.status is CommandStatus.FAILED:
        return trouble(device, CONNECTION_ALERT, Severity.WARNING, CANNOT_BE_REACHED, zone=zone, name=device.name)
    if command.status is CommandStatus.EXPIRED:
        return trouble(device, NO_ANSWER_ALERT, Severity.WARNING, CAME_TOO_LATE, zone=zone, name=device.name, on=on)
    message = ASKED_ON if on else ASKED_OFF if command.command_type is CommandType.OFF else ASKED_SET
    return trouble(device, NO_ANSWER_ALERT, Severity.WARNING, message, zone=zone, name=device.name, on=on)


def _is_over(at: datetime) -> ColumnElement[bool]:
    return or_(
        and_(col(DeviceCommand.status).in_((CommandStatus.SENT, CommandStatus.EXECUTING)), col(DeviceCommand.answer_until_at) <= at),
        and_(
            col(DeviceCommand.status) == CommandStatus.QUEUED,
            or_(col(DeviceCommand.claimed_until_at).is_(None), col(DeviceCommand.claimed_until_at) < at),
            or_(col(DeviceCommand.expires_at) <= at, col(DeviceCommand.attempt_count) > len(RETRIES_S)),
        ),
    )
