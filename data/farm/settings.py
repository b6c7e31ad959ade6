"""What is set at a device, as somebody who may see it sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.core.session import Transaction
from data.farm import queries
from data.farm.queries_device import Kept, settings_now
from data.farm.rules import LEVELS, SETTINGS, USUAL, WATER_LEVEL, fitting
from data.farm.tables import Device, DeviceConfig
from data.farm.values import FULL


async def configs_of(tx: Transaction, device_id: UUID) -> Sequence[DeviceConfig]:
    """What is set at a device one may see, by name."""
    await queries.device(tx, device_id)
    statement = select(DeviceConfig).where(DeviceConfig.device_id == device_id, col(DeviceConfig.deleted_at).is_(None))
    return (await tx.exec(statement.order_by(DeviceConfig.parameter_name))).all()


@dataclass(frozen=True, slots=True)
class Holding:
    """A setting that means something at a device: its value, between which limits it may be, and what its farm gives to new devices.

    `kept` says when and by whom it was set; None where it was not, and `value` is the usual one, or None where nothing holds.
    """

    name: str
    value: Any
    unit: str | None
    low: float | None
    high: float | None
    kept: Kept | None
    of_farm: Any = None


async def settings_in_force(tx: Transaction, device_id: UUID) -> Sequence[Holding]:
    """All that may be set at a device, as it is; what is set besides (its calibration) follows."""
    device = await queries.device(tx, device_id)
    defaults = (await queries.farm(tx, device.farm_id)).device_defaults
    kept = await settings_now(tx, device_id)
    names = fitting(device.device_type, measured_of(device))
    return [_holding(name, kept.get(name), defaults.get(name)) for name in (*names, *sorted(kept.keys() - set(names)))]


def measured_of(device: Device) -> set[str]:
    """What it has measured; a tank's level is known by its counter too."""
    return {*device.latest, WATER_LEVEL} if any(kind in device.latest for kind in LEVELS) else set(device.latest)


def _holding(name: str, kept: Kept | None, of_farm: Any) -> Holding:
    config, known = kept.config if kept else None, SETTINGS.get(name)
    limits: tuple[float | Decimal | None, float | Decimal | None] = (known.low, known.high) if known and not known.is_flag else (None, None)
    if name in FULL:
        limits = (config.min_value or 0 if config else 0, FULL[name] if config is None or config.max_value is None else config.max_value)
    low, high = (None if limit is None else float(limit) for limit in limits)
    value, unit = (config.parameter_value, config.unit) if config else (USUAL.get(name), known.unit if known else None)
    return Holding(name, value, unit, low, high, kept, of_farm)
