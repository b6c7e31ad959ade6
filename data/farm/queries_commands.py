"""What was asked of one device, or of all on a farm: by whom, what became of it, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm import queries
from data.farm.tables import CommandStatus, Device, DeviceCommand, Schedule
from data.identity.tables import User


@dataclass(frozen=True, slots=True)
class Told:
    """A wish, of which device, and the name of the person or schedule that asked."""

    command: DeviceCommand
    device: Device
    person: str | None
    schedule: str | None


async def command(tx: Transaction, command_id: UUID) -> Told:
    """One wish on a farm that one may see."""
    tx.actor.require("farm.view")
    row = (await tx.exec(_told(DeviceCommand.id == command_id, queries.within(tx, DeviceCommand.farm_id)))).one_or_none()
    if row is None:
        raise NotFound("There is no such command.")
    return Told(*row)


async def commands(
    tx: Transaction, farm_id: UUID, *, device_id: UUID | None = None, status: CommandStatus | None = None, since: datetime | None = None,
    offset: int = 0, limit: int = 20,
) -> tuple[Sequence[Told], int]:  # fmt: skip
    """A page of what was asked on a farm, the latest first, and how many there are; also of devices that were taken down."""
    await queries.farm(tx, farm_id)
    devices = [device_id] if device_id else select(Device.id).where(Device.farm_id == farm_id)
    where: list[ColumnElement[bool]] = [col(DeviceCommand.device_id).in_(devices), col(DeviceCommand.farm_id) == farm_id]
    if status:
        where.append(col(DeviceCommand.status) == status)
    if since:
        where.append(col(DeviceCommand.requested_at) >= since)
    total = (await tx.exec(select(func.count()).select_from(DeviceCommand).where(*where))).one()
    ordered = _told(*where).order_by(col(DeviceCommand.requested_at).desc(), col(DeviceCommand.id).desc())
    return [Told(*row) for row in await tx.exec(ordered.offset(offset).limit(limit))], total


def _told(*where: Any) -> Any:
    return (
        select(DeviceCommand, Device, User.name, Schedule.name)
        .select_from(DeviceCommand)
        .join(Device, col(Device.id) == DeviceCommand.device_id)
        .outerjoin(User, col(User.id) == DeviceCommand.requested_by)
        .outerjoin(Schedule, col(Schedule.id) == DeviceCommand.schedule_id)
        .where(*where)
    )
