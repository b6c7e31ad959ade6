"""What is set at a device: its limits, how long it is waited for, and how far its probe is from the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.asking import lock
from data.farm.events import DeviceChanged, DeviceSettingsWanted
from data.farm.rules import (
    MOST_OFF,
    WATER_LEVEL,
    Checked,
    calibration,
    calibration_name,
    is_calibration,
    setting,
)
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
    await _write(tx, [(device, known)], chosen)


async def copy_configs(tx: Transaction, device_id: UUID, names: Sequence[str], *, to: Sequence[UUID]) -> int:
    """Set these of a device's settings at others of the same type too, all or none; at how many anything changed.

    What brings one instrument in tune is not copied: Invalid('names').
    """
    source = await queries.device(tx, device_id)
    tx.actor.require("farm.edit", source.farm_id)
    known = {config.parameter_name: config for config in await configs_of(tx, device_id)}
    if not names or any(is_calibration(name) or name not in known for name in names):
        raise Invalid("names", "Choose settings of this device. A calibration belongs to one device only.")
    wanted = {one for one in to if one != device_id}
    devices = await lock(tx, col(Device.id).in_(wanted), queries.within(tx, Device.farm_id))
    if not wanted or len(devices) != len(wanted):
        raise NotFound("There is no such device.")
    for farm_id in {device.farm_id for device in devices}:
        tx.actor.require("farm.edit", farm_id)
        tx.actor.require("farm.batch", farm_id)
    if any(device.device_type is not source.device_type for device in devices):
        raise Invalid("device_ids", "Choose devices of the same kind.")
    statement = select(DeviceConfig).where(col(DeviceConfig.device_id).in_(wanted), col(DeviceConfig.deleted_at).is_(None))
    theirs: dict[UUID, dict[str, DeviceConfig]] = {device.id: {} for device in devices}
    for config in await tx.exec(statement):
        theirs[config.device_id][config.parameter_name] = config
    return await _write(tx, [(device, theirs[device.id]) for device in devices], [_again(known[name]) for name in names])


async def undo_config(tx: Transaction, device_id: UUID, parameter_name: str) -> None:
    """Take back the last change of a setting: it is as it was before. Conflict when it was never set."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    statement = select(DeviceConfig).where(DeviceConfig.device_id == device_id, DeviceConfig.parameter_name == parameter_name)
    rows = (await tx.exec(statement.order_by(col(DeviceConfig.id).desc()).limit(2))).all()
    if not rows:
        raise Conflict("There is nothing to take back.")
    last, before = rows[0], rows[1] if len(rows) > 1 else None
    if last.deleted_at is not None:
        back: DeviceConfig | None = last
    else:  # what was taken away before it was set again does not come back
        back = before if before and before.deleted_at == last.updated_at else None
    await set_configs(tx, device_id, [_again(back) if back else Chosen(parameter_name, None)])


async def calibrate(
    tx: Transaction, device_id: UUID, sensor_type: str, true_value: float, *, scale: float = 1, unit: str | None = None,
    at: datetime | None = None,
) -> None:  # fmt: skip
    """Somebody held a good instrument beside the probe: what it measures is corrected by the difference from now on.

    Conflict when it has measured nothing in the last ten minutes; Invalid('true_value') when it is so far off that it is broken,
    and 'unit' where somebody says one that it does not measure in.
    """
    at = at or now()
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    latest = device.latest.get(sensor_type)
    if latest is None or at - datetime.fromisoformat(latest["at"]) > CALIBRATED_WITHIN:
        raise Conflict("The device has measured nothing in the last {minutes} minutes to compare with.", minutes=10)
    _check_unit(unit, latest)
    measured = Decimal(str(latest.get("raw", latest["value"])))
    calibration({"offset": 0, "scale": scale})
    offset = round(Decimal(str(true_value)) - measured * Decimal(str(scale)), 4)
    _check_off(sensor_type, Decimal(str(true_value)) - measured)
    await set_config(tx, device_id, calibration_name(sensor_type), {"offset": float(offset), "scale": scale}, unit=latest["unit"])
    tx.record(
        "farm.device.calibrated", f"{device.name} was calibrated", subject_id=device_id, sensor_type=sensor_type,
        measured=float(measured), true_value=true_value, offset=float(offset), scale=scale,
    )  # fmt: skip


async def correct(tx: Transaction, device_id: UUID, sensor_type: str, offset: float, *, unit: str | None = None) -> None:
    """So much is added to what the probe measures of a kind, from now on; as it is multiplied stays. Invalid as at `calibrate`."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    if (latest := device.latest.get(sensor_type)) is None:
        raise Conflict("This device has not measured this yet.")
    _check_unit(unit, latest)
    _check_off(sensor_type, Decimal(str(offset)))
    name = calibration_name(sensor_type)
    before: Mapping[str, Any] = next((one.parameter_value for one in await configs_of(tx, device_id) if one.parameter_name == name), {})
    scale = before.get("scale", 1)
    await set_config(tx, device_id, name, {"offset": offset, "scale": scale}, unit=latest["unit"])
    tx.record(
        "farm.device.calibrated", f"{device.name} was calibrated", subject_id=device_id, sensor_type=sensor_type, offset=offset, scale=scale,
    )  # fmt: skip


async def calibrate_level(tx: Transaction, device_id: UUID, *, empty: float, full: float) -> None:
    """What a tank's counter reads when it is empty and when it is full: percent follow from it. Invalid('parameter_value')."""
    await set_config(tx, device_id, calibration_name(WATER_LEVEL), {"empty": empty, "full": full}, unit="%")
    name = (await queries.device(tx, device_id)).name
    tx.record("farm.device.calibrated", f"{name} was calibrated", subject_id=device_id, sensor_type=WATER_LEVEL, empty=empty, full=full)


def _check_unit(unit: str | None, latest: Mapping[str, Any]) -> None:
    if unit and unit != latest["unit"]:
        raise Invalid("unit", "This is set in {unit}.", unit=latest["unit"])


def _check_off(sensor_type: str, off: Decimal) -> None:
    if abs(off) > MOST_OFF.get(sensor_type, Decimal(1000)):
        raise Invalid("true_value", "The device is {difference} off. It is broken, or the other instrument is.", difference=float(round(off, 2)))


async def _write(tx: Transaction, devices: Sequence[tuple[Device, Mapping[str, DeviceConfig]]], chosen: Sequence[Chosen]) -> int:
    """At how many of these locked devices anything changes; nothing is written where it is so already."""
    at = now()
    fresh: list[DeviceConfig] = []
    changed: list[Device] = []
    for device, known in devices:
        wanted = {name: config.parameter_value for name, config in known.items()} | {one.parameter_name: one.value for one in chosen}
        before_count = len(changed)
        for one in chosen:
            before = known.get(one.parameter_name)
            made = None if one.value is None else _config(tx, device, one, _checked(device, one, wanted), at)
            if _is_same(before, made):
                continue
            if before is not None:
                before.deleted_at = at
                tx.add(before)
            fresh += [made] if made else []
            if len(changed) == before_count:
                changed.append(device)
    await tx.flush()  # a setting has one living row: the old one goes first
    tx.add_all(fresh)
    for device in changed:
        tx.emit(DeviceSettingsWanted(device_id=device.id))
        tx.emit(DeviceChanged(device_id=device.id, farm_id=device.farm_id))
    return len(changed)


def _checked(device: Device, one: Chosen, wanted: Mapping[str, Any]) -> Checked:
    return setting(device.device_type, one.parameter_name, one.value, unit=one.unit, low=one.min_value, high=one.max_value, others=wanted)


def _config(tx: Transaction, device: Device, one: Chosen, checked: Checked, at: datetime) -> DeviceConfig:
    return DeviceConfig(
        device_id=device.id, parameter_name=one.parameter_name, parameter_value=checked.value, unit=checked.unit,
        min_value=checked.limits.low, max_value=checked.limits.high, is_calibrated=checked.is_calibrated, set_by=tx.actor.user_id,
        updated_at=at,
    )  # fmt: skip


def _is_same(before: DeviceConfig | None, made: DeviceConfig | None) -> bool:
    if before is None or made is None:
        return before is made
    return all(getattr(before, name) == getattr(made, name) for name in ("parameter_value", "unit", "min_value", "max_value"))


def _again(config: DeviceConfig) -> Chosen:
    low, high = (None if limit is None else float(limit) for limit in (config.min_value, config.max_value))
    return Chosen(config.parameter_name, config.parameter_value, config.unit, low, high)
