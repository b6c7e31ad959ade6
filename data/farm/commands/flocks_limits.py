"""What is right for birds of their age becomes the limits of the probes in their house, when somebody says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.core.session import Transaction
from data.core.time import now, zone
from data.farm import queries
from data.farm import queries_flocks as flocks
from data.farm.commands.configs import Chosen, set_configs
from data.farm.flocks import Target, target
from data.farm.queries_flocks import flock_of
from data.farm.rules import SETTINGS
from data.farm.tables import Device, DeviceConfig, DeviceType

LOW, HIGH = "temp_threshold_low", "temp_threshold_high"
STEP = 0.5


@dataclass(frozen=True, slots=True)
class Proposal:
    """A probe of the house, its limits now (None: not set) and as they should be for the birds' age."""

    device: Device
    low: float | None
    high: float | None
    right_low: float
    right_high: float

    @property
    def is_right(self) -> bool:
        return (self.low, self.high) == (self.right_low, self.right_high)


def limits(right: Target) -> tuple[float, float]:
    """A target as limits that can be set: in half degrees, within what a probe takes."""
    low = min(max(round(right.low / STEP) * STEP, SETTINGS[LOW].low), SETTINGS[LOW].high)
    return low, min(max(round(right.high / STEP) * STEP, SETTINGS[HIGH].low, low + STEP), SETTINGS[HIGH].high)


async def proposals(tx: Transaction, batch_id: UUID, *, at: datetime | None = None) -> Sequence[Proposal]:
    """The probes in a flock's house, with what is set and what should be for its age today. None of a flock that has left."""
    batch = await flocks.batch(tx, batch_id)
    if batch.closed_on:
        return []
    farm = await queries.farm(tx, batch.farm_id)
    flock = flock_of(batch)
    today = (at or now()).astimezone(zone(farm.time_zone)).date()
    low, high = limits(target(flock, flock.age(today)))
    probes = select(Device).where(
        Device.farm_id == farm.id, func.lower(Device.location) == batch.house.lower(), col(Device.deleted_at).is_(None),
        col(Device.device_type).in_((DeviceType.SENSOR, DeviceType.ADC)), col(Device.latest)["temperature"].is_not(None),
    )  # fmt: skip
    found = (await tx.exec(probes.order_by(Device.name, col(Device.id)))).all()
    held = select(DeviceConfig.device_id, DeviceConfig.parameter_name, DeviceConfig.parameter_value).where(
        col(DeviceConfig.device_id).in_([device.id for device in found]), col(DeviceConfig.parameter_name).in_((LOW, HIGH)),
        col(DeviceConfig.deleted_at).is_(None),
    )  # fmt: skip
    is_set = {(device_id, name): float(value) for device_id, name, value in await tx.exec(held)}
    return [Proposal(device, is_set.get((device.id, LOW)), is_set.get((device.id, HIGH)), low, high) for device in found]


async def take(tx: Transaction, batch_id: UUID, *, at: datetime | None = None) -> int:
    """Set the limits of the house's probes to what is right for the birds' age today; at how many anything changed."""
    batch = await flocks.batch(tx, batch_id)
    tx.actor.require("farm.edit", batch.farm_id)
    wrong = [one for one in await proposals(tx, batch_id, at=at) if not one.is_right]
    for one in wrong:
        await set_configs(tx, one.device.id, [Chosen(LOW, one.right_low), Chosen(HIGH, one.right_high)])
    return len(wrong)
