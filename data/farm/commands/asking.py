"""What somebody or something wishes of devices is written down for all of them at once; only a device says what became of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.core import columns
from data.core.session import Transaction
from data.core.table import uuid7
from data.farm.events import CommandQueued, DeviceChanged
from data.farm.rules import FARM_STOPPED, REPLACED, SWITCHED, WAITS, energizes, refusal_to_switch
from data.farm.tables import (
    OPEN,
    Commanded,
    CommandStatus,
    CommandType,
    Device,
    DeviceCommand,
    DeviceConfig,
    Farm,
    SwitchAction,
)

WAIT_SETTING = "wait_offline_s"

_QUEUE = text("""
    insert into farm.device_commands (id, organization_id, farm_id, device_id, command_type, source, batch_id, command_params,
        priority, requested_by, schedule_id, status, error_message, error_values, requested_at, expires_at, completed_at)
    select n.id, :organization_id, n.farm_id, n.device_id, cast(n.command_type as farm.command_type),
        cast(:source as farm.commanded), cast(:batch_id as uuid), cast(n.params as jsonb), :priority, :requested_by, n.schedule_id,
        cast(n.status as farm.command_status), n.error, '{}', :at, n.expires_at, case when n.status = 'failed' then :at end
    from unnest(:ids, :farms, :devices, :kinds, :params, :schedules, :statuses, :errors, :expiries)
        n (id, farm_id, device_id, command_type, params, schedule_id, status, error, expires_at)
    returning *""")

_NOTE = text("""
    update farm.devices d set last_command_status = cast(n.status as farm.command_status), last_command_at = :at
    from unnest(:ids, :statuses) n (id, status)
    where d.organization_id = :organization_id and d.id = n.id""")

_REPLACE = text("""
    with ended as (
        update farm.device_commands set status = 'failed', completed_at = :at, error_message = :reason
        where organization_id = :organization_id and id = any(:ids) returning id
    )
    update farm.schedule_executions e set status = 'skipped', error_message = :reason
    from ended where e.organization_id = :organization_id and e.command_id = ended.id""")

_HURRY = text("""
    update farm.device_commands c set priority = greatest(c.priority, :priority), expires_at = greatest(c.expires_at, n.expires_at),
        source = case when cast(:batch_id as uuid) is null then c.source else cast(:source as farm.commanded) end,
        batch_id = coalesce(cast(:batch_id as uuid), c.batch_id)
    from unnest(:ids, :expiries) n (id, expires_at)
    where c.organization_id = :organization_id and c.id = n.id""")


@dataclass(frozen=True, slots=True)
class Wish:
    """A locked device, what it shall do, and the schedule that wants it, if one does. A wish that is `refused` (a reason for its
    reader) is written down as failed."""

    device: Device
    action: SwitchAction | CommandType
    schedule_id: UUID | None = None
    value: Decimal | None = None
    refused: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """How it is asked: on whose behalf, how urgently, as one of which batch, and until when it waits for a device that is away."""

    source: Commanded
    priority: int = 0
    batch_id: UUID | None = None
    waits_until: datetime | None = None


async def ask(
    tx: Transaction, wishes: Sequence[Wish], *, at: datetime, priority: int = 0, asking: Asking | None = None
) -> list[DeviceCommand]:
    """A command for each wish, in order; a few statements however many. The devices must be locked before.

    An open command that wishes the same stands; one that does not gives way. While a farm is stopped nothing is switched on:
    such a wish is written down as failed. Since the devices are locked, this cannot be overtaken by an emergency stop.
    """
    if not wishes:
        return []
    asking = asking or Asking(Commanded.SCHEDULE if wishes[0].schedule_id else Commanded.PERSON, priority)
    stopped = await _stopped(tx, wishes)
    expiries = await _expiries(tx, wishes, asking, at)
    waiting = {command.device_id: command for command in await open_of(tx, [wish.device.id for wish in wishes])}
    refused = [wish.refused or (FARM_STOPPED if _is_stopped(wish, stopped) else None) for wish in wishes]
    pairs = list(zip(wishes, refused, strict=True))
    stands = {w.device.id: waiting[w.device.id] for w, why in pairs if why is None and _is_same(waiting.get(w.device.id), w)}
    gives_way = [waiting[w.device.id].id for w, why in pairs if why is None and w.device.id in waiting and w.device.id not in stands]
    if gives_way:
        reason = {"organization_id": tx.organization_id, "at": at, "ids": columns.ids(gives_way), "reason": REPLACED}
        await tx.execute(_REPLACE, reason)
    if stands:
        await _hurry(tx, stands, expiries, asking)
    fresh = [(wish, why) for wish, why in pairs if wish.device.id not in stands]
    made = {command.device_id: command for command in await _queue(tx, fresh, expiries, asking, at)}
    return [stands.get(wish.device.id) or made[wish.device.id] for wish in wishes]


async def open_of(tx: Transaction, device_ids: Sequence[UUID]) -> Sequence[DeviceCommand]:
    """What is still open at these devices, locked."""
    statement = select(DeviceCommand).where(col(DeviceCommand.device_id).in_(device_ids), col(DeviceCommand.status).in_(OPEN))
    return (await tx.exec(statement.with_for_update().execution_options(populate_existing=True))).all()


async def lock(tx: Transaction, *where: Any) -> Sequence[Device]:
    """Devices in the order in which everybody locks them, as they are now."""
    statement = select(Device).where(*where, col(Device.deleted_at).is_(None)).order_by(col(Device.id))
    return (await tx.exec(statement.with_for_update(key_share=True).execution_options(populate_existing=True))).all()


def refusal_of(device: Device) -> str | None:
    """Why this device would not switch now."""
    return refusal_to_switch(is_switched=is_switched(device), is_active=device.is_active, is_online=device.is_online)


def is_switched(device: Device) -> bool:
    """Whether it can be on and off."""
    return device.device_type.value in SWITCHED


def value_of(command: DeviceCommand) -> Decimal | None:
    """The value that a setting asks for."""
    value = (command.command_params or {}).get("value")
    return None if value is None else Decimal(str(value))


async def _queue(
    tx: Transaction, pairs: Sequence[tuple[Wish, str | None]], expiries: Mapping[UUID, datetime], asking: Asking, at: datetime
) -> Sequence[DeviceCommand]:
    if not pairs:
        return []
    params = [dict(wish.params) | ({} if wish.value is None else {"value": float(wish.value)}) for wish, _ in pairs]
    statuses = ["queued" if why is None else "failed" for _, why in pairs]
    devices = columns.ids([wish.device.id for wish, _ in pairs])
    rows = await tx.execute(
        select(DeviceCommand).from_statement(_QUEUE),
        {
            "organization_id": tx.organization_id, "source": asking.source.value, "batch_id": asking.batch_id,
            "priority": asking.priority, "requested_by": tx.actor.user_id, "at": at,
            "ids": columns.ids([uuid7() for _ in pairs]), "devices": devices,
            "farms": columns.ids([wish.device.farm_id for wish, _ in pairs]),
            "kinds": columns.texts(wish.action.value for wish, _ in pairs),
            "params": columns.texts(json.dumps(one) if one else None for one in params),
            "schedules": columns.ids([wish.schedule_id for wish, _ in pairs]),
            "statuses": columns.texts(statuses), "errors": columns.texts(why for _, why in pairs),
            "expiries": columns.instants(expiries[wish.device.id] for wish, _ in pairs),
        },
    )  # fmt: skip
    made: Sequence[DeviceCommand] = rows.scalars().all()
    noted = {"organization_id": tx.organization_id, "at": at, "ids": devices, "statuses": columns.texts(statuses)}
    await tx.execute(_NOTE, noted)
    for command in made:
        tx.record(
            "farm.device_commands.created", "device_commands created", subject_id=command.id, device_id=command.device_id,
            farm_id=command.farm_id, command_type=command.command_type, command_params=command.command_params,
            source=command.source, schedule_id=command.schedule_id, batch_id=command.batch_id, status=command.status,
        )  # fmt: skip
        tx.emit(DeviceChanged(device_id=command.device_id, farm_id=command.farm_id))
        if command.status is CommandStatus.QUEUED:
            tx.emit(CommandQueued(device_id=command.device_id))
    return made


async def _hurry(tx: Transaction, stands: Mapping[UUID, DeviceCommand], expiries: Mapping[UUID, datetime], asking: Asking) -> None:
    """What stands waits on, is at least as urgent, and becomes a part of the new batch where there is one."""
    values = {
        "organization_id": tx.organization_id, "ids": columns.ids([command.id for command in stands.values()]),
        "expiries": columns.instants(expiries[device_id] for device_id in stands), "priority": asking.priority,
        "source": asking.source.value, "batch_id": asking.batch_id,
    }  # fmt: skip
    await tx.execute(_HURRY, values)


async def _stopped(tx: Transaction, wishes: Sequence[Wish]) -> set[UUID]:
    """Which of the farms are stopped; asked after the devices were locked, and only where something would run."""
    farms = {wish.device.farm_id for wish in wishes if energizes(wish.action.value, wish.value)}
    if not farms:
        return set()
    return set((await tx.exec(select(Farm.id).where(col(Farm.id).in_(farms), col(Farm.is_stopped)))).all())


def _is_stopped(wish: Wish, stopped: set[UUID]) -> bool:
    is_safe = wish.params.get("is_safe", False)
    return wish.device.farm_id in stopped and not is_safe and energizes(wish.action.value, wish.value)


async def _expiries(tx: Transaction, wishes: Sequence[Wish], asking: Asking, at: datetime) -> dict[UUID, datetime]:
    devices = [wish.device.id for wish in wishes]
    if asking.waits_until:
        return dict.fromkeys(devices, asking.waits_until)
    statement = select(DeviceConfig.device_id, DeviceConfig.parameter_value).where(
        col(DeviceConfig.device_id).in_(devices), DeviceConfig.parameter_name == WAIT_SETTING, col(DeviceConfig.deleted_at).is_(None)
    )
    return dict.fromkeys(devices, at + WAITS) | {one: at + timedelta(seconds=value) for one, value in await tx.exec(statement)}


def _is_same(command: DeviceCommand | None, wish: Wish) -> bool:
    return command is not None and command.command_type == wish.action.value and value_of(command) == wish.value
