"""Somebody wishes a device on or off. The wish is kept; only the device itself says what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import col, select

from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.events import CommandQueued, DeviceChanged
from data.farm.rules import ANSWER_WITHIN, REPLACED, refusal_to_switch
from data.farm.tables import OPEN, CommandStatus, CommandType, Device, DeviceCommand, DeviceType, SwitchAction

STOP_PRIORITY = 10

_FAIL_EXECUTIONS = text(
    "update farm.schedule_executions set status = 'failed', error_message = :reason where command_id = any(:ids)"
)


async def switch(tx: Transaction, device_id: UUID, *, on: bool) -> DeviceCommand:
    """Ask; the device is only on once it says so itself (see `confirm`). Asked the same twice, the first wish stands.

    Conflict when it is offline, out of use, or only measures. A later wish replaces an earlier one without an answer.
    """
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.switch", device.farm_id)
    if refusal := refusal_of(device):
        raise Conflict(refusal)
    return (await ask(tx, [Wish(device, SwitchAction.ON if on else SwitchAction.OFF)], at=now()))[0]


@dataclass(frozen=True, slots=True)
class Stopped:
    """What an emergency stop reached, by name, and what it could not reach."""

    asked: tuple[str, ...]
    unreachable: tuple[str, ...]


async def stop_all(tx: Transaction, farm_id: UUID) -> Stopped:
    """Ask every relay of a farm to switch off, before anything else that waits. The offline ones are told by name."""
    tx.actor.require("farm.stop_all", farm_id)
    farm = await queries.farm(tx, farm_id)
    statement = (
        select(Device)
        .where(
            Device.farm_id == farm_id, Device.device_type == DeviceType.RELAY, col(Device.is_active),
            col(Device.deleted_at).is_(None),
        )
        .order_by(col(Device.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    relays = (await tx.exec(statement)).all()
    reached = [relay for relay in relays if relay.is_online]
    await ask(tx, [Wish(relay, SwitchAction.OFF) for relay in reached], at=now(), priority=STOP_PRIORITY)
    tx.record(
        "farm.stopped", "Emergency stop of {farm}", subject_id=farm_id, severity="warning", farm=farm.name,
        devices=[relay.name for relay in reached],
    )  # fmt: skip
    names = sorted(relay.name for relay in reached), sorted(relay.name for relay in relays if not relay.is_online)
    return Stopped(tuple(names[0]), tuple(names[1]))


def refusal_of(device: Device) -> str | None:
    """Why this device cannot be switched now."""
    return refusal_to_switch(
        is_switched=device.device_type is DeviceType.RELAY, is_active=device.is_active, is_online=device.is_online
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """A locked device that shall be on or off, and the schedule that wants it, if one does."""

    device: Device
    action: SwitchAction
    schedule_id: UUID | None = None


async def ask(tx: Transaction, wishes: Sequence[Wish], *, at: datetime, priority: int = 0) -> list[DeviceCommand]:
    """A queued command for each wish, in order. An open one that wishes the same stands; one that does not gives way."""
    waiting = {command.device_id: command for command in await _open_of(tx, [wish.device.id for wish in wishes])}
    stands = {w.device.id: waiting[w.device.id] for w in wishes if _is_same(waiting.get(w.device.id), w)}
    await _replace(tx, [command.id for device_id, command in waiting.items() if device_id not in stands], at)
    commands = [stands.get(wish.device.id) or _queue(tx, wish, priority, at) for wish in wishes]
    await tx.flush()
    return commands


def _is_same(command: DeviceCommand | None, wish: Wish) -> bool:
    return command is not None and command.command_type == wish.action.value


def _queue(tx: Transaction, wish: Wish, priority: int, at: datetime) -> DeviceCommand:
    device = wish.device
    command = DeviceCommand(
        farm_id=device.farm_id, device_id=device.id, command_type=CommandType(wish.action.value), priority=priority,
        schedule_id=wish.schedule_id, requested_by=tx.actor.user_id, requested_at=at, expires_at=at + ANSWER_WITHIN,
    )  # fmt: skip
    device.last_command_status, device.last_command_at = CommandStatus.QUEUED, at
    tx.add_all((command, device))
    tx.emit(DeviceChanged(device_id=device.id, farm_id=device.farm_id))
    tx.emit(CommandQueued(device_id=device.id))
    return command


async def _replace(tx: Transaction, command_ids: Sequence[UUID], at: datetime) -> None:
    if command_ids:
        await tx.execute(
            update(DeviceCommand)
            .where(col(DeviceCommand.id).in_(command_ids))
            .values(status=CommandStatus.FAILED, completed_at=at, error_message=REPLACED)
        )
        await tx.execute(_FAIL_EXECUTIONS, {"ids": list(command_ids), "reason": REPLACED})


async def _open_of(tx: Transaction, device_ids: Sequence[UUID]) -> Sequence[DeviceCommand]:
    statement = select(DeviceCommand).where(col(DeviceCommand.device_id).in_(device_ids), col(DeviceCommand.status).in_(OPEN))
    return (await tx.exec(statement.with_for_update())).all()

