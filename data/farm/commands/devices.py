"""A device is hung up in a farm, is moved or renamed, and is taken down."""

from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.alerts.commands import resolve_all_open
from data.core.errors import Conflict, Invalid
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.farms_kept import give_defaults
from data.farm.commands.logins import leave_login
from data.farm.events import DeviceChanged, DeviceRegistered, ScheduleChanged
from data.farm.queries_device import any_device
from data.farm.rules import MOST_DEVICES, OUT_OF_USE, REMOVED
from data.farm.rules.topics import topic_for
from data.farm.tables import Device, DeviceType, Dialect, Farm, Schedule

_FAIL = text("""
    with ended as (
        update farm.device_commands set status = 'failed', completed_at = :at, error_message = :reason
        where organization_id = :organization_id and device_id = :device_id and status in ('queued', 'sent', 'executing')
        returning id
    )
    update farm.schedule_executions e set status = 'failed', error_message = :reason
    from ended where e.organization_id = :organization_id and e.command_id = ended.id""")


async def register_device(
    tx: Transaction, farm_id: UUID, *, name: str, topic: str, device_type: DeviceType, location: str | None = None,
    output: int = 1, model: str | None = None, hardware_id: str | None = None, icon: str | None = None,
    dialect: Dialect = Dialect.TASMOTA,
) -> Device:  # fmt: skip
    """A new device. Invalid('topic') when the topic is not one device's, or somebody in this installation has it.

    Conflict when the farm has as many as it may have.
    """
    tx.actor.require("farm.edit", farm_id)
    farm = await queries.farm(tx, farm_id)
    await _make_room(tx, farm_id)
    device = Device(
        farm_id=farm.id, topic=topic_for(dialect.value, topic), name="", device_type=device_type, model=model or None, hardware_id=hardware_id or None,
        dialect=dialect,
    )  # fmt: skip
    _describe(device, name, location, output, icon)
    tx.add(device)
    await _flush(tx, device)
    await give_defaults(tx, farm, device)
    tx.emit(DeviceRegistered(device_id=device.id))
    tx.emit(DeviceChanged(device_id=device.id, farm_id=farm.id))
    return device


async def edit_device(
    tx: Transaction, device_id: UUID, *, name: str, topic: str, location: str | None = None, output: int = 1,
    icon: str | None = None, dialect: Dialect | None = None, model: str | None = None, hardware_id: str | None = None,
) -> None:  # fmt: skip
    """Rename it, move it to another room, or say anew how it is spoken with. Of the last three, None leaves it as it is."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    device.dialect = dialect or device.dialect
    device.topic = topic_for(device.dialect.value, topic)
    device.model = device.model if model is None else model.strip() or None
    device.hardware_id = device.hardware_id if hardware_id is None else hardware_id.strip() or None
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
    await leave_login(tx, device)
    await tx.execute(_FAIL, {"organization_id": tx.organization_id, "device_id": device_id, "at": at, "reason": REMOVED})
    await resolve_all_open(tx, {device_id: at}, because=REMOVED)
    for schedule in schedules:
        schedule.deleted_at, schedule.next_run_at = at, None
        tx.add(schedule)
        tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))
    tx.emit(DeviceRegistered(device_id=device_id))
    tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))


async def restore_device(tx: Transaction, device_id: UUID) -> None:
    """Hang it up again where it was, with its past; its schedules and its secret do not come back.

    Conflict when it is there, or when the farm has no room; Invalid('topic') when another device has its topic by now.
    """
    device = await any_device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    if device.deleted_at is None:
        raise Conflict("This device is in its place.")
    await queries.farm(tx, device.farm_id)
    await _make_room(tx, device.farm_id)
    device.deleted_at, device.updated_at = None, now()
    tx.add(device)
    await _flush(tx, device)
    tx.emit(DeviceRegistered(device_id=device_id))
    tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))


async def use_device(tx: Transaction, device_id: UUID, *, is_active: bool) -> None:
    """Put it out of use, for a repair: it is asked nothing, and nobody is told that it is away. Or use it again."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    if device.is_active is is_active:
        return
    at = now()
    device.is_active, device.updated_at = is_active, at
    tx.add(device)
    if not is_active:
        await tx.execute(_FAIL, {"organization_id": tx.organization_id, "device_id": device_id, "at": at, "reason": OUT_OF_USE})
        await resolve_all_open(tx, {device_id: at}, because=OUT_OF_USE)
    tx.emit(DeviceRegistered(device_id=device_id))
    tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))


async def _make_room(tx: Transaction, farm_id: UUID) -> None:
    await tx.exec(select(Farm.id).where(Farm.id == farm_id).with_for_update(key_share=True))  # two at once must not both be the last
    living = select(func.count()).select_from(Device).where(col(Device.farm_id) == farm_id, col(Device.deleted_at).is_(None))
    if (await tx.exec(living)).one() >= MOST_DEVICES:
        raise Conflict("A farm has {most} devices at most.", most=MOST_DEVICES)


def _describe(device: Device, name: str, location: str | None, output: int, icon: str | None) -> None:
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    if not 1 <= output <= 32:
        raise Invalid("output", "A device has outputs 1 to {most}.", most=32)
    device.name, device.location = name.strip(), (location or "").strip() or None
    device.output, device.icon = output, icon or None


async def _flush(tx: Transaction, device: Device) -> None:
    topic = device.topic  # a row that could not be written says nothing any more
    try:
        await tx.flush()
    except IntegrityError as reason:
        # The wall hides the other owner, so only the index can tell.
        if "uq_devices_topic" in str(reason.orig) or "ex_devices_box" in str(reason.orig):
            raise Invalid("topic", "The topic {topic} is taken. Choose another.", topic=topic) from None
        if "uq_devices_hardware_id" in str(reason.orig):
            raise Invalid("hardware_id", "Another device has this serial number.") from None
        raise
