"""What was asked is handed to the broker once, taken up again when that failed, and given up when nobody answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import col, select

from data.alerts.commands import raise_alert
from data.alerts.tables import Severity
from data.core.session import Transaction
from data.farm.commands.presence import trouble
from data.farm.commands.reports import NO_ANSWER_ALERT
from data.farm.events import DeviceChanged, ScheduleChanged
from data.farm.rules import ANSWER_WITHIN, NO_ANSWER, NOT_SENT
from data.farm.tables import OPEN, CommandStatus, CommandType, Device, DeviceCommand
from data.farm.values import Outgoing
from data.notifications.commands import tell

ASKED_ON = "{name} does not answer. It was asked to switch on."
ASKED_OFF = "{name} does not answer. It was asked to switch off."

CLAIM = timedelta(seconds=10)
"""How long one process may take to hand a command over before another does it instead."""

# A device's next command waits until its last one has been handed over: two processes must not send them crosswise.
_CLAIM = text("""
    update farm.device_commands c set claimed_until_at = :until
    from farm.devices d
    where d.organization_id = c.organization_id and d.id = c.device_id and c.id in (
        select q.id from farm.device_commands q
        where q.status = 'queued' and q.expires_at > :at and (q.claimed_until_at is null or q.claimed_until_at < :at)
          and not exists (
            select from farm.device_commands o
            where o.organization_id = q.organization_id and o.device_id = q.device_id and o.id <> q.id
              and o.claimed_until_at >= :at)
        order by q.priority desc, q.requested_at
        limit :most for update skip locked)
    returning c.id, c.organization_id, d.topic, d.output, c.command_type, c.priority, c.requested_at""")

_SENT = text("""
    update farm.device_commands set claimed_until_at = null, sent_at = coalesce(sent_at, :at),
        status = case when status = 'queued' then 'sent' else status end
    where id = any(:ids) returning organization_id, device_id, farm_id""")

_TIME_OUT_EXECUTIONS = text("""
    update farm.schedule_executions e set status = 'timeout', error_message = c.error_message, error_values = c.error_values
    from farm.device_commands c
    where e.organization_id = c.organization_id and e.command_id = c.id and c.id = any(:ids)""")


async def claim_queued(tx: Transaction, *, at: datetime, most: int = 100) -> list[Outgoing]:
    """Take up what waits, across tenants: the urgent first, then in the order of asking. Whoever dies loses the claim."""
    rows: Sequence[Any] = (await tx.execute(_CLAIM, {"at": at, "until": at + CLAIM, "most": most})).all()
    ordered = sorted(rows, key=lambda row: (-row.priority, row.requested_at))
    return [Outgoing(row.id, row.organization_id, row.topic, row.output, row.command_type) for row in ordered]


async def mark_sent(tx: Transaction, command_ids: Sequence[UUID], *, at: datetime) -> None:
    """The broker has them. An answer may have come before this, so only what is queued becomes sent."""
    for organization_id, device_id, farm_id in await tx.execute(_SENT, {"ids": list(command_ids), "at": at}):
        tx.emit(DeviceChanged(device_id=device_id, farm_id=farm_id), organization_id=organization_id)


async def give_back(tx: Transaction, command_ids: Sequence[UUID]) -> None:
    """The broker could not be reached: somebody shall try again."""
    await tx.execute(update(DeviceCommand).where(col(DeviceCommand.id).in_(command_ids)).values(claimed_until_at=None))


async def organizations_with_overdue(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has commands that nobody answered in time."""
    statement = select(DeviceCommand.organization_id).where(
        col(DeviceCommand.status).in_(OPEN), DeviceCommand.expires_at <= at
    )
    return (await tx.exec(statement.distinct())).all()


async def time_out(tx: Transaction, *, at: datetime) -> Sequence[DeviceCommand]:
    """Give up what was not answered in time, say why, and tell those who look after the farm."""
    overdue = col(DeviceCommand.status).in_(OPEN), DeviceCommand.expires_at <= at
    whose = select(DeviceCommand.device_id).where(*overdue)
    locked = select(Device).where(col(Device.id).in_(whose)).order_by(col(Device.id)).with_for_update(key_share=True)
    devices = {device.id: device for device in await tx.exec(locked.execution_options(populate_existing=True))}
    statement = select(DeviceCommand).where(*overdue, col(DeviceCommand.device_id).in_(devices)).with_for_update()
    commands = (await tx.exec(statement)).all()
    for command in commands:
        device = devices[command.device_id]
        was_sent = command.status is not CommandStatus.QUEUED
        command.status, command.completed_at, command.claimed_until_at = CommandStatus.TIMEOUT, at, None
        command.error_message = NO_ANSWER if was_sent else NOT_SENT
        command.error_values = {"seconds": round(ANSWER_WITHIN.total_seconds())}
        device.last_command_status, device.last_command_at = CommandStatus.TIMEOUT, at
        tx.add_all((command, device))
        await _tell(tx, device, command, at)
    await tx.flush()
    if commands:
        await tx.execute(_TIME_OUT_EXECUTIONS, {"ids": [command.id for command in commands]})
    return commands


async def _tell(tx: Transaction, device: Device, command: DeviceCommand, at: datetime) -> None:
    on = command.command_type is CommandType.ON
    message = ASKED_ON if on else ASKED_OFF
    alert = await raise_alert(tx, trouble(device, NO_ANSWER_ALERT, Severity.CRITICAL, message, name=device.name, on=on), at=at)
    if alert:
        await tell(tx, alert)
    tx.emit(DeviceChanged(device_id=device.id, farm_id=device.farm_id))
    if command.schedule_id:
        tx.emit(ScheduleChanged(schedule_id=command.schedule_id, farm_id=device.farm_id))
