"""Somebody wishes something of a device, or of many. The wish is kept; only the device itself says what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.farm import queries
from data.farm.commands.asking import Asking, Wish, ask, lock, refusal_of
from data.farm.events import DeviceChanged, ScheduleChanged
from data.farm.rules import (
    CALLED_OFF,
    FARM_STOPPED,
    NOT_CALLED_OFF,
    OUT_OF_USE,
    STATE_UNKNOWN,
    Limits,
    Urgency,
    check_kind,
    energizes,
    resolved,
    value_asked,
)
from data.farm.tables import FOR_SAFETY, Commanded, CommandStatus, CommandType, Device, DeviceCommand, DeviceConfig
from data.farm.values import FULL

__all__ = ["Asking", "Batch", "Wish", "ask", "cancel", "command", "command_many", "refusal_of", "switch"]

MOST_AT_ONCE = 1_000

_CANCEL_EXECUTION = text("""
    update farm.schedule_executions set status = 'skipped', error_message = :reason
    where organization_id = :organization_id and command_id = :id returning schedule_id""")


async def switch(tx: Transaction, device_id: UUID, *, on: bool) -> DeviceCommand:
    """Ask; the device is only on once it says so itself (see `confirm`). Asked the same twice, the first wish stands.

    While the device is away the wish waits, for ten minutes unless its setting `wait_offline_s` says otherwise.
    """
    return await command(tx, device_id, CommandType.ON if on else CommandType.OFF)


async def command(
    tx: Transaction, device_id: UUID, command_type: CommandType, *, value: float | None = None, urgency: Urgency = Urgency.NORMAL
) -> DeviceCommand:
    """Ask for anything that a device of its type can do. The latest wish of a device replaces an earlier one without an answer.

    Invalid names `command_type` or `value`; Conflict when it is out of use, when its farm is stopped, or when nobody knows
    which way a toggle would go.
    """
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.switch", device.farm_id)
    limits = await _limits(tx, [device], command_type)
    wish = _wish(device, command_type, value, limits.get(device.id))
    if wish.refused:
        raise Conflict(wish.refused)
    if energizes(wish.action.value, wish.value) and (await queries.farm(tx, device.farm_id)).is_stopped:
        raise Conflict(FARM_STOPPED)
    return (await ask(tx, [wish], at=now(), asking=Asking(Commanded.PERSON, urgency)))[0]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was asked of many at once: how many, and of whom it was refused, with the reason; see `data.farm.batches.progress`."""

    batch_id: UUID
    asked: int
    refused: Mapping[UUID, str]


async def command_many(
    tx: Transaction, device_ids: Sequence[UUID], command_type: CommandType, *, value: float | None = None,
    urgency: Urgency = Urgency.NORMAL,
) -> Batch:  # fmt: skip
    """Ask the same of many. Those that cannot do it are written down as failed, with the reason; the others are asked.

    NotFound when one of them is not there for the asker, Forbidden when one is on a farm where they may not ask many at once.
    """
    wanted = dict.fromkeys(device_ids)
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid("device_ids", "Choose {low} to {high} devices.", low=1, high=MOST_AT_ONCE)
    devices = {d.id: d for d in await lock(tx, col(Device.id).in_(wanted), queries.within(tx, Device.farm_id))}
    if devices.keys() != wanted.keys():
        raise NotFound("There is no such device.")
    for farm_id in {device.farm_id for device in devices.values()}:
        tx.actor.require("farm.batch", farm_id)
    value_asked(command_type, value)
    limits = await _limits(tx, list(devices.values()), command_type)
    wishes = [_wish_or_why(devices[one], command_type, value, limits.get(one)) for one in wanted]
    asking = Asking(Commanded.PERSON, urgency, batch_id=uuid7())
    commands = await ask(tx, wishes, at=now(), asking=asking)
    refused = {c.device_id: c.error_message or "" for c in commands if c.status is CommandStatus.FAILED}
    assert asking.batch_id
    return Batch(asking.batch_id, len(commands) - len(refused), refused)


async def cancel(tx: Transaction, command_id: UUID) -> None:
    """Call off a wish that still waits. Conflict once it is under way, when only another wish helps, and for what keeps animals
    and people safe."""
    mine = DeviceCommand.id == command_id, queries.within(tx, DeviceCommand.farm_id)
    known = (await tx.exec(select(DeviceCommand.device_id).where(*mine))).one_or_none()
    if known is None:
        raise NotFound("There is no such command.")
    device = await queries.device(tx, known, for_update=True)  # before the command, in the order of everybody else
    tx.actor.require("farm.switch", device.farm_id)
    statement = select(DeviceCommand).where(*mine).with_for_update().execution_options(populate_existing=True)
    found = (await tx.exec(statement)).one()
    at = now()
    if found.source in FOR_SAFETY:
        raise Conflict(NOT_CALLED_OFF)
    if found.status is not CommandStatus.QUEUED or (found.claimed_until_at and found.claimed_until_at >= at):
        raise Conflict("It is too late to call this off: the device has been asked already.")
    found.status, found.completed_at, found.canceled_by, found.error_message = CommandStatus.CANCELED, at, tx.actor.user_id, CALLED_OFF
    device.last_command_status, device.last_command_at = CommandStatus.CANCELED, at
    tx.add_all((found, device))
    values = {"organization_id": tx.organization_id, "id": command_id, "reason": CALLED_OFF}
    for (schedule_id,) in await tx.execute(_CANCEL_EXECUTION, values):
        tx.emit(ScheduleChanged(schedule_id=schedule_id, farm_id=device.farm_id))
    tx.emit(DeviceChanged(device_id=device.id, farm_id=device.farm_id))


def _wish(device: Device, command_type: CommandType, value: float | None, limits: Limits | None) -> Wish:
    check_kind(device.device_type, command_type)
    asked = value_asked(command_type, value, limits)
    action = resolved(command_type, is_on=device.is_on)
    params = {"toggled": True} if command_type is CommandType.TOGGLE else {}
    refused = OUT_OF_USE if not device.is_active else STATE_UNKNOWN if action is None else None
    return Wish(device, CommandType(action or command_type), value=asked, refused=refused, params=params)


def _wish_or_why(device: Device, command_type: CommandType, value: float | None, limits: Limits | None) -> Wish:
    try:
        return _wish(device, command_type, value, limits)
    except Invalid as refusal:
        return Wish(device, command_type, refused=str(refusal))


async def _limits(tx: Transaction, devices: Sequence[Device], command_type: CommandType) -> dict[UUID, Limits]:
    if command_type.value not in FULL:
        return {}
    statement = select(DeviceConfig).where(
        col(DeviceConfig.device_id).in_([device.id for device in devices]), DeviceConfig.parameter_name == command_type.value,
        col(DeviceConfig.deleted_at).is_(None),
    )  # fmt: skip
    return {config.device_id: Limits(config.min_value, config.max_value) for config in await tx.exec(statement)}
