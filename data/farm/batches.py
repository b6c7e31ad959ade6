"""What was asked of many devices at once, and how far it has come."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm import queries
from data.farm.tables import OPEN, Commanded, CommandStatus, Device, DeviceCommand


@dataclass(frozen=True, slots=True)
class Progress:
    """Each device with what became of its wish, by room and name."""

    batch_id: UUID
    lines: Sequence[tuple[Device, DeviceCommand]]

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
