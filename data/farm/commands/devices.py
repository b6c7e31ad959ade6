"""A device is hung up in a farm, gets the secret it speaks with, is moved or renamed, and is taken down."""

from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.core.errors import Invalid
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.events import DeviceChanged, DeviceRegistered, ScheduleChanged
from data.farm.rules import topic_of
from data.farm.tables import OPEN, CommandStatus, Device, DeviceCommand, DeviceConfig, DeviceType, Schedule
from data.identity.commands import make_token, revoke_tokens_of
from data.identity.tables import TokenKind

NETWORK = "mqtt"


async def register_device(
    tx: Transaction, farm_id: UUID, *, name: str, topic: str, device_type: DeviceType, location: str | None = None,
    output: int = 1, model: str | None = None, hardware_id: str | None = None, icon: str | None = None,
) -> Device:  # fmt: skip
    """A new device. Invalid('topic') when the topic is not one device's, or somebody in this installation has it."""
    tx.actor.require("farm.edit", farm_id)
    farm = await queries.farm(tx, farm_id)
    device = Device(
        farm_id=farm.id, topic=topic_of(topic), name="", device_type=device_type, model=model, hardware_id=hardware_id or None
    )
    _describe(device, name, location, output, icon)
    tx.add(device)
    await _flush(tx, device)
    tx.emit(DeviceRegistered(device_id=device.id))
    tx.emit(DeviceChanged(device_id=device.id, farm_id=farm.id))
    return device


async def edit_device(
    tx: Transaction, device_id: UUID, *, name: str, topic: str, location: str | None = None, output: int = 1,
    icon: str | None = None,
) -> None:  # fmt: skip
    """Rename it, move it to another room, or give it another topic."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    device.topic = topic_of(topic)
    _describe(device, name, location, output, icon)
    device.updated_at = now()
    tx.add(device)
    await _flush(tx, device)
    tx.emit(DeviceRegistered(device_id=device_id))
    tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))


async def remove_device(tx: Transaction, device_id: UUID) -> None:
    """Take it down: it may not speak any more, what was asked of it fails, its schedules end. Its past stays."""
    plans = select(Schedule).where(Schedule.device_id == device_id, col(Schedule.deleted_at).is_(None)).with_for_update()
    schedules = (await tx.exec(plans)).all()  # before the device, in the order in which runs lock them
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    at = now()
    device.deleted_at, device.is_online = at, False
    tx.add(device)
    await revoke_tokens_of(tx, device_id)
    await tx.execute(
        update(DeviceCommand)
        .where(col(DeviceCommand.device_id) == device_id, col(DeviceCommand.status).in_(OPEN))
        .values(status=CommandStatus.FAILED, completed_at=at, error_message="The device was removed.")
    )
    for schedule in schedules:
        schedule.deleted_at, schedule.next_run_at = at, None
        tx.add(schedule)
        tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))
    tx.emit(DeviceRegistered(device_id=device_id))
    tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))


async def give_token(tx: Transaction, device_id: UUID) -> str:
    """The secret a device signs in to the broker with, told this once; earlier ones stop working."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    await revoke_tokens_of(tx, device_id)
    _, secret = await make_token(tx, name=device.name, kind=TokenKind.DEVICE, network=NETWORK, subject_id=device_id)
    tx.emit(DeviceRegistered(device_id=device_id))
    return secret


async def set_config(tx: Transaction, device_id: UUID, parameter_name: str, value: Any, *, unit: str | None = None) -> None:
    """Set one of a device's settings; None takes it away."""
    device = await queries.device(tx, device_id)
    tx.actor.require("farm.edit", device.farm_id)
    mine = DeviceConfig.device_id == device_id, DeviceConfig.parameter_name == parameter_name, col(DeviceConfig.deleted_at).is_(None)
    config = (await tx.exec(select(DeviceConfig).where(*mine).with_for_update())).one_or_none()
    if value is None and config is None:
        return
    if config is None:
        config = DeviceConfig(device_id=device_id, parameter_name=parameter_name)
    if value is None:
        config.deleted_at = now()
    else:
        config.parameter_value, config.unit = value, unit
    config.updated_at = now()
    tx.add(config)
    tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))


def _describe(device: Device, name: str, location: str | None, output: int, icon: str | None) -> None:
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    if not 1 <= output <= 32:
        raise Invalid("output", "A device has outputs 1 to {most}.", most=32)
    device.name, device.location = name.strip(), (location or "").strip() or None
    device.output, device.icon = output, icon or None


async def _flush(tx: Transaction, device: Device) -> None:
    try:
        await tx.flush()
    except IntegrityError as reason:
        # The wall hides the other owner, so only the index can tell.
        if "uq_devices_topic" in str(reason.orig):
            raise Invalid("topic", "The topic {topic} is taken. Choose another.", topic=device.topic) from None
        if "uq_devices_hardware_id" in str(reason.orig):
            raise Invalid("hardware_id", "Another device has this serial number.") from None
        raise
