"""What was asked of many devices at once, and how far it has come."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm import queries
from data.farm.tables import OPEN, Commanded, CommandStatus, CommandType, Device, DeviceCommand


class Fate(StrEnum):
    """What has become of a wish, as somebody who stands before the device would say it."""

    DONE = "done"
    WAITING = "waiting"
    AWAY = "away"
    """It still waits, for a device that is offline."""
    SILENT = "silent"
    REFUSED = "refused"
    TOO_LATE = "too_late"
    CALLED_OFF = "called_off"
    UNDONE = "undone"
    """It was switched off, and is on again."""


_ENDS = {
    CommandStatus.COMPLETED: Fate.DONE, CommandStatus.TIMEOUT: Fate.SILENT, CommandStatus.FAILED: Fate.REFUSED,
    CommandStatus.EXPIRED: Fate.TOO_LATE, CommandStatus.CANCELED: Fate.CALLED_OFF,
}  # fmt: skip


def fate(device: Device, command: DeviceCommand) -> Fate:
    """The device's own word counts for more than what became of the message to it."""
    has_spoken = device.is_online and device.state_reported_at is not None and device.state_reported_at >= command.requested_at
    if command.command_type is CommandType.OFF and has_spoken and device.is_on is not None:
        if device.is_on and command.status is CommandStatus.COMPLETED:
            return Fate.UNDONE
        if not device.is_on and command.status is not CommandStatus.CANCELED:
            return Fate.DONE
    if command.status in OPEN:
        return Fate.WAITING if device.is_online else Fate.AWAY
    return _ENDS[command.status]


@dataclass(frozen=True, slots=True)
class Progress:
    """Each device with what became of its wish, by room and name."""

    batch_id: UUID
    lines: Sequence[tuple[Device, DeviceCommand]]

    @property
    def fates(self) -> Mapping[Fate, int]:
        return Counter(fate(device, command) for device, command in self.lines)

    @property
    def counts(self) -> Mapping[CommandStatus, int]:
        return Counter(command.status for _, command in self.lines)

    @property
    def waiting(self) -> int:
        """How many have not ended yet."""
        return sum(self.counts[status] for status in OPEN)

    @property
    def done(self) -> int:
        return self.counts[CommandStatus.COMPLETED]


async def progress(tx: Transaction, batch_id: UUID) -> Progress:
    """How far a batch or an emergency stop has come, of the devices that one may see; one statement."""
    tx.actor.require("farm.view")
    statement = (
        select(Device, DeviceCommand)
        .join(DeviceCommand, col(DeviceCommand.device_id) == Device.id)
        .where(DeviceCommand.batch_id == batch_id, queries.within(tx, DeviceCommand.farm_id))
        .order_by(col(Device.location).nulls_last(), Device.name, col(Device.id))
    )
    lines = [(device, command) for device, command in await tx.exec(statement)]
    if not lines:
        raise NotFound("There is no such batch.")
    return Progress(batch_id, lines)


async def last_stop(tx: Transaction, farm_id: UUID) -> Progress | None:
    """How far the emergency stop has come under which a farm stands; None where it is not stopped, or has nothing to stop."""
    farm = await queries.farm(tx, farm_id)
    if not farm.is_stopped:
        return None
    statement = (
        select(DeviceCommand.batch_id)
        .where(DeviceCommand.farm_id == farm_id, DeviceCommand.source == Commanded.EMERGENCY, col(DeviceCommand.batch_id).is_not(None))
        .order_by(col(DeviceCommand.batch_id).desc())
        .limit(1)
    )
    batch_id = (await tx.exec(statement)).one_or_none()
    return await progress(tx, batch_id) if batch_id else None
