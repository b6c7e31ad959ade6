"""What the parts that are about one farm have in common: what is named in their paths, and how a device reads."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Header

from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm import queries
from data.farm.tables import Device, Schedule
from data.platform.idempotency import HEADER

Key = Annotated[str | None, Header(alias=HEADER, description="Asked again under the same key within a day, it is answered and not done again.")]


async def device_of(tx: Transaction, farm_id: UUID, device_id: UUID) -> Device:
    """The device of that farm; what stands on another one is not there."""
    device = await queries.device(tx, device_id)
    if device.farm_id != farm_id:
        raise NotFound("There is no such device.")
    return device


async def schedule_of(tx: Transaction, farm_id: UUID, schedule_id: UUID) -> Schedule:
    """The schedule of that farm."""
    schedule = await queries.schedule(tx, schedule_id)
    if schedule.farm_id != farm_id:
        raise NotFound("There is no such schedule.")
    return schedule


def device_shape(device: Device) -> dict[str, Any]:
    """A line of the list. `device_id` is its name at the broker, which a board's outputs share."""
    return {
        "id": device.id, "device_id": device.topic, "output": device.output, "name": device.name, "type": device.device_type,
        "model": device.model, "firmware_version": device.firmware_version, "location": device.location, "is_active": device.is_active,
        "is_online": device.is_online, "is_on": device.is_on, "last_heartbeat": device.last_heartbeat_at,
        "battery_level": device.battery_percent, "last_command_status": device.last_command_status, "created_at": device.created_at,
    }  # fmt: skip
