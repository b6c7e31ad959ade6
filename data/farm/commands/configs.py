"""What is set at a device: its limits, how long it is waited for, and how far its probe is from the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from data.core.errors import Conflict, Invalid
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.events import DeviceChanged, DeviceSettingsWanted
from data.farm.rules import MOST_OFF, calibration, calibration_name, setting
from data.farm.settings import configs_of
from data.farm.tables import Device, DeviceConfig

CALIBRATED_WITHIN = timedelta(minutes=10)
"""A value older than this is not what somebody just compared with a thermometer of theirs."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One setting as somebody wants it; a `value` of None takes it away."""

    parameter_name: str
    value: Any
    unit: str | None = None
    min_value: float | None = None
    max_value: float | None = None


async def set_config(
    tx: Transaction, device_id: UUID, parameter_name: str, value: Any, *, unit: str | None = None, min_value: float | None = None,
    max_value: float | None = None,
) -> None:  # fmt: skip
    """Set one of a device's settings (`data.farm.rules.SETTINGS` has them all); None takes it away. Invalid names the field."""
    await set_configs(tx, device_id, [Chosen(parameter_name, value, unit, min_value, max_value)])


async def set_configs(tx: Transaction, device_id: UUID, chosen: Sequence[Chosen]) -> None:
    """Several settings, all or none."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    known = {config.parameter_name: config for config in await configs_of(tx, device_id)}
    wanted = {name: config.parameter_value for name, config in known.items()} | {one.parameter_name: one.value for one in chosen}
    at, tells = now(), False
    for one in chosen:
        tells = _set(tx, device, known.get(one.parameter_name), one, wanted, at) or tells
    if tells:
        tx.emit(DeviceSettingsWanted(device_id=device_id))
        tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))


async def calibrate(
    tx: Transaction, device_id: UUID, sensor_type: str, true_value: float, *, scale: float = 1, at: datetime | None = None
) -> None:
    """Somebody held a good instrument beside the probe: what it measures is corrected by the difference from now on.

    Conflict when it has measured nothing in the last ten minutes; Invalid('true_value') when it is so far off that it is broken.
    """
    at = at or now()
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    latest = device.latest.get(sensor_type)
    if latest is None or at - datetime.fromisoformat(latest["at"]) > CALIBRATED_WITHIN:
        raise Conflict("The device has measured nothing in the last {minutes} minutes to compare with.", minutes=10)
    name = calibration_name(sensor_type)
    known = next((config for config in await configs_of(tx, device_id) if config.parameter_name == name), None)
    before = calibration(known.parameter_value if known else {})
    measured = (Decimal(str(latest["value"])) - before.offset) / before.scale
    offset = round(Decimal(str(true_value)) - measured * Decimal(str(scale)), 4)
    if abs(offset) > MOST_OFF.get(sensor_type, Decimal(1000)):
        raise Invalid("true_value", "The device is {difference} off. It is broken, or the other instrument is.", difference=float(offset))
    await set_config(tx, device_id, name, {"offset": float(offset), "scale": scale}, unit=latest["unit"])
    tx.record(
        "farm.device.calibrated", f"{device.name} was calibrated", subject_id=device_id, sensor_type=sensor_type,
        measured=float(measured), true_value=true_value, offset=float(offset), scale=scale,
    )  # fmt: skip


def _set(
    tx: Transaction, device: Device, config: DeviceConfig | None, one: Chosen, wanted: Mapping[str, Any], at: datetime
) -> bool:
    """Write it down; whether anything changes."""
    if one.value is None:
        if config is not None:
            config.deleted_at = config.updated_at = at
            tx.add(config)
        return config is not None
    checked = setting(
        device.device_type, one.parameter_name, one.value, unit=one.unit, low=one.min_value, high=one.max_value, others=wanted
    )
    config = config or DeviceConfig(device_id=device.id, parameter_name=one.parameter_name)
    config.parameter_value, config.unit, config.is_calibrated = checked.value, checked.unit, checked.is_calibrated
    config.min_value, config.max_value, config.updated_at = checked.limits.low, checked.limits.high, at
    tx.add(config)
    return True
