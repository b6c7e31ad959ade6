"""Who plans on a farm, what its devices are given when they are hung up, and how a whole farm goes and comes back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.alerts.commands import resolve_all_open
from data.core.errors import Conflict, Forbidden, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.configs import Chosen, set_configs
from data.farm.commands.schedules import forget, plan
from data.farm.events import DeviceRegistered, FarmChanged, FlockChanged, ScheduleChanged
from data.farm.rules import REMOVED, setting
from data.farm.tables import Device, DeviceConfig, DeviceType, Farm, FlockBatch, Schedule

UNDO_FOR = timedelta(days=30)
"""How long a farm that was taken away can be brought back."""
EVERYWHERE = ("offline_alert_s", "battery_threshold_low")
OF_PROBES = ("temp_threshold_low", "temp_threshold_high", "humidity_threshold_low", "humidity_threshold_high", "co2_threshold_high")
OF_OUTPUTS = ("wait_offline_s",)

_FAIL = text("""
    with ended as (
        update farm.device_commands set status = 'failed', completed_at = :at, error_message = :reason
        where organization_id = :organization_id and farm_id = :farm_id and status in ('queued', 'sent', 'executing')
        returning id
    )
    update farm.schedule_executions e set status = 'failed', error_message = :reason
    from ended where e.organization_id = :organization_id and e.command_id = ended.id""")


def settled(device_type: DeviceType) -> Sequence[str]:
    """Which of a farm's defaults a device of that kind takes."""
    return (*EVERYWHERE, *(OF_PROBES if device_type in (DeviceType.SENSOR, DeviceType.ADC) else OF_OUTPUTS))


async def let_keepers_plan(tx: Transaction, farm_id: UUID, *, may: bool) -> None:
    """Whether keepers make schedules here and edit their own."""
    tx.actor.require("farm.edit", farm_id)
    farm = await queries.farm(tx, farm_id)
    farm.may_keepers_schedule, farm.updated_at = may, now()
    tx.add(farm)
    tx.emit(FarmChanged(farm_id=farm_id))


async def set_defaults(tx: Transaction, farm_id: UUID, values: Mapping[str, Any]) -> None:
    """What a device that is hung up here from now on is set to; None takes a default away. Invalid names what cannot be."""
    tx.actor.require("farm.edit", farm_id)
    farm = await queries.farm(tx, farm_id)
    kept: dict[str, Any] = {}
    for name in (*EVERYWHERE, *OF_PROBES, *OF_OUTPUTS):
        value = values.get(name)
        if value is not None:
            kept[name] = setting("sensor", name, value, others=kept).value
    farm.device_defaults, farm.updated_at = kept, now()
    tx.add(farm)
    tx.emit(FarmChanged(farm_id=farm_id))


async def give_defaults(tx: Transaction, farm: Farm, device: Device) -> None:
    """A device that was just hung up is set as its farm says."""
    chosen = [Chosen(name, farm.device_defaults[name]) for name in settled(device.device_type) if name in farm.device_defaults]
    if chosen:
        await set_configs(tx, device.id, chosen)


async def give_defaults_to_all(tx: Transaction, farm_id: UUID) -> int:
    """Set what is not set yet at the devices that hang here already, as the farm says; at how many anything changed."""
    tx.actor.require("farm.batch", farm_id)
    farm = await queries.farm(tx, farm_id)
    devices = await queries.devices(tx, farm_id=farm_id)
    known = select(DeviceConfig.device_id, DeviceConfig.parameter_name).where(
        col(DeviceConfig.device_id).in_([device.id for device in devices]), col(DeviceConfig.deleted_at).is_(None)
    )
    held = set((await tx.exec(known)).all())
    changed = 0
    for device in devices:
        missing = [n for n in settled(device.device_type) if n in farm.device_defaults and (device.id, n) not in held]
        if missing:
            await set_configs(tx, device.id, [Chosen(name, farm.device_defaults[name]) for name in missing])
            changed += 1
    return changed


def may_remove(tx: Transaction, farm: Farm) -> bool:
    """The owner of the organization, or the administrator whose farm it is."""
    actor = tx.actor
    return actor.may("farm.delete", farm.id) or (farm.owner_id == actor.user_id and actor.may("people.edit", farm.id))


async def remove_farm(tx: Transaction, farm_id: UUID) -> None:
    """Take it from view with its devices, schedules and flocks: what was asked there fails, and nothing runs there any more. For 30 days
    `restore_farm` brings all of it back. Conflict while anything is still on: nobody would be there to switch it off."""
    farm = await queries.farm(tx, farm_id)
    if not may_remove(tx, farm):
        raise Forbidden("Only the owner may remove a farm.")
    at = now()
    locked = select(Device).where(Device.farm_id == farm_id, col(Device.deleted_at).is_(None)).order_by(col(Device.id)).with_for_update()
    devices = (await tx.exec(locked.execution_options(populate_existing=True))).all()
    if running := [device.name for device in devices if device.is_on]:
        raise Conflict("Still on: {names}. Switch them off first.", names=", ".join(running[:5]))
    schedules = (await tx.exec(select(Schedule).where(Schedule.farm_id == farm_id, col(Schedule.deleted_at).is_(None)))).all()
    flocks = (await tx.exec(select(FlockBatch.id).where(FlockBatch.farm_id == farm_id, col(FlockBatch.deleted_at).is_(None)))).all()
    await tx.execute(_FAIL, {"organization_id": tx.organization_id, "farm_id": farm_id, "at": at, "reason": REMOVED})
    gone = [farm_id, *(d.id for d in devices), *(s.id for s in schedules), *flocks]
    await resolve_all_open(tx, dict.fromkeys(gone, at), because=REMOVED)
    await _stamp(tx, farm_id, None, at)
    farm.deleted_at, farm.updated_at = at, at
    tx.add(farm)
    tx.record("farm.farm.removed", f"{farm.name} was removed", subject_id=farm_id, severity="warning", devices=len(devices))
    _announce(tx, farm_id, [d.id for d in devices], [s.id for s in schedules], list(flocks))


async def restore_farm(tx: Transaction, farm_id: UUID) -> None:
    """Bring a farm back with all that went with it. Its schedules run from now on and make up for nothing. Conflict when another device
    has the topic of one of its own by now."""
    farm = await removed_farm(tx, farm_id)
    at = farm.deleted_at
    assert at
    farm.deleted_at, farm.updated_at = None, now()
    tx.add(farm)
    try:
        await _stamp(tx, farm_id, at, None)
    except IntegrityError as reason:
        raise Conflict("A device of it has been hung up elsewhere meanwhile. Remove it there first.") from reason
    living = select(Schedule).where(Schedule.farm_id == farm_id, col(Schedule.deleted_at).is_(None))
    schedules = (await tx.exec(living.execution_options(populate_existing=True))).all()
    for schedule in schedules:
        forget(schedule)
        schedule.failure_count = 0
        plan(schedule, farm, after=now())
        tx.add(schedule)
    devices = (await tx.exec(select(Device.id).where(Device.farm_id == farm_id, col(Device.deleted_at).is_(None)))).all()
    tx.record("farm.farm.restored", f"{farm.name} was brought back", subject_id=farm_id, devices=len(devices))
    _announce(tx, farm_id, list(devices), [s.id for s in schedules], [])


async def removed_farms(tx: Transaction) -> Sequence[Farm]:
    """The farms that one took away lately and can bring back, the latest first."""
    statement = select(Farm).where(col(Farm.deleted_at) > now() - UNDO_FOR).order_by(col(Farm.deleted_at).desc())
    return [farm for farm in await tx.exec(statement) if may_remove(tx, farm)]


async def removed_farm(tx: Transaction, farm_id: UUID) -> Farm:
    found = next((farm for farm in await removed_farms(tx) if farm.id == farm_id), None)
    if found is None:
        raise NotFound("There is no such farm.")
    return found


async def _stamp(tx: Transaction, farm_id: UUID, before: datetime | None, after: datetime | None) -> None:
    """What is there goes at one instant; what went at that instant comes back."""
    for table in (Device, Schedule, FlockBatch):
        held = (col(table.farm_id) == farm_id, col(table.deleted_at).is_not_distinct_from(before))
        values: dict[str, Any] = {"deleted_at": after}
        if table is Device and after:
            values["is_online"] = False
        if table is Schedule and after:
            values["next_run_at"] = None
        await tx.execute(update(table).where(*held).values(**values).execution_options(synchronize_session=False))


def _announce(tx: Transaction, farm_id: UUID, devices: Sequence[UUID], schedules: Sequence[UUID], flocks: Sequence[UUID]) -> None:
    tx.emit(FarmChanged(farm_id=farm_id))
    for device_id in devices:
        tx.emit(DeviceRegistered(device_id=device_id))
    for schedule_id in schedules:
        tx.emit(ScheduleChanged(schedule_id=schedule_id, farm_id=farm_id))
    for batch_id in flocks:
        tx.emit(FlockChanged(batch_id=batch_id, farm_id=farm_id))
