"""In an emergency everything on a farm is switched off by one tap, stays off, and goes on only when somebody says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import or_, text
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alert, resolve_open
from data.alerts.tables import Severity
from data.core.errors import Conflict, NotFound
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.farm import queries
from data.farm.commands.asking import Asking, Wish, ask, lock
from data.farm.events import DeviceChanged, FarmChanged
from data.farm.rules import GOES_ON, NEVER, SWITCHED, Urgency
from data.farm.tables import Commanded, CommandType, Device, DeviceCommand, DeviceConfig, DeviceType, Farm
from data.notifications.commands import tell

STOPPED_ALERT = "farm_stopped"
SAFE_ANGLE = "safe_angle"
TAPPED_TWICE = timedelta(seconds=5)
"""Another tap within this is a trembling finger, and does nothing."""

_CALL_OFF = text("""
    update farm.device_commands set status = 'canceled', completed_at = :at, canceled_by = :by, error_message = :reason
    where organization_id = :organization_id and farm_id = :farm_id and source = 'emergency' and status = 'queued'
      and (claimed_until_at is null or claimed_until_at < :at)
    returning device_id""")
_CALLED_OFF = text("""
    update farm.devices set last_command_status = 'canceled', last_command_at = :at
    where organization_id = :organization_id and id = any(:ids)""")


@dataclass(frozen=True, slots=True)
class Stopped:
    """What an emergency stop reached, by name, what it could not reach, and the batch under which its progress is seen."""

    asked: tuple[str, ...]
    unreachable: tuple[str, ...]
    batch_id: UUID | None = None


async def stop_all(tx: Transaction, farm_id: UUID) -> Stopped:
    """Ask everything on a farm to switch off before anything else that waits, and let nothing be switched on until `go_on`.

    Those that are away are told by name, and switched off when they come back, however long that takes. A few statements for
    hundreds of devices; a schedule that runs at the same moment comes before it and is replaced, or after it and is refused.
    """
    tx.actor.require("farm.stop_all", farm_id)
    farm, at = await _locked(tx, farm_id), now()
    if farm.is_stopped and farm.stopped_at and at - farm.stopped_at < TAPPED_TWICE and (twice := await _stopped_just_now(tx, farm)):
        return twice
    farm.is_stopped, farm.stopped_at, farm.stopped_by = True, at, tx.actor.user_id
    tx.add(farm)
    await tx.flush()  # before the devices are locked: whoever gets them after us must see it
    angles = await _safe_angles(tx, farm_id)
    mine = Device.farm_id == farm_id, col(Device.is_active)
    is_stoppable = or_(col(Device.device_type).in_([DeviceType(kind) for kind in SWITCHED]), col(Device.id).in_(angles))
    devices = await lock(tx, *mine, is_stoppable)
    batch_id = uuid7()
    asking = Asking(Commanded.EMERGENCY, Urgency.STOP, batch_id, waits_until=NEVER)
    await ask(tx, [_safe(device, angles) for device in devices], at=at, asking=asking)
    stopped = _told(devices, batch_id)
    tx.record(
        "farm.stopped", "Emergency stop of {farm}", subject_id=farm_id, severity="warning", farm=farm.name,
        devices=list(stopped.asked), away=list(stopped.unreachable), batch_id=batch_id,
    )  # fmt: skip
    await _alarm(tx, farm, at)
    tx.emit(FarmChanged(farm_id=farm_id))
    return stopped


async def go_on(tx: Transaction, farm_id: UUID) -> None:
    """Let a stopped farm go on: devices can be switched on again and schedules run. What is off stays off until then.

    Devices that have not come back yet are not switched off any more. Conflict when it is not stopped.
    """
    tx.actor.require("farm.stop_all", farm_id)
    farm, at = await _locked(tx, farm_id), now()
    if not farm.is_stopped:
        raise Conflict("The farm is not stopped.")
    farm.is_stopped = False
    tx.add(farm)
    await tx.flush()
    await lock(tx, Device.farm_id == farm_id)
    values = {"organization_id": tx.organization_id, "farm_id": farm_id, "at": at, "by": tx.actor.user_id, "reason": GOES_ON}
    waiting = [device_id for (device_id,) in await tx.execute(_CALL_OFF, values)]
    if waiting:
        await tx.execute(_CALLED_OFF, {"organization_id": tx.organization_id, "ids": waiting, "at": at})
    for device_id in waiting:
        tx.emit(DeviceChanged(device_id=device_id, farm_id=farm_id))
    tx.record("farm.goes_on", "{farm} goes on", subject_id=farm_id, farm=farm.name, called_off=len(waiting))
    await resolve_open(tx, farm_id, STOPPED_ALERT, at=at, because="The farm goes on.")
    tx.emit(FarmChanged(farm_id=farm_id))


async def _locked(tx: Transaction, farm_id: UUID) -> Farm:
    statement = select(Farm).where(Farm.id == farm_id, col(Farm.deleted_at).is_(None), queries.within(tx, Farm.id))
    locked = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    if (farm := (await tx.exec(locked)).one_or_none()) is None:
        raise NotFound("There is no such farm.")
    return farm


async def _safe_angles(tx: Transaction, farm_id: UUID) -> dict[UUID, Decimal]:
    statement = (
        select(DeviceConfig.device_id, DeviceConfig.parameter_value)
        .join(Device, col(Device.id) == DeviceConfig.device_id)
        .where(
            Device.farm_id == farm_id, Device.device_type == DeviceType.SERVO, DeviceConfig.parameter_name == SAFE_ANGLE,
            col(DeviceConfig.deleted_at).is_(None),
        )
    )  # fmt: skip
    return {device_id: Decimal(str(angle)) for device_id, angle in await tx.exec(statement)}


def _safe(device: Device, angles: Mapping[UUID, Decimal]) -> Wish:
    if device.id in angles:
        return Wish(device, CommandType.SET_ANGLE, value=angles[device.id], params={"is_safe": True})
    return Wish(device, CommandType.OFF)


def _told(devices: Sequence[Device], batch_id: UUID) -> Stopped:
    reached = sorted(device.name for device in devices if device.is_online)
    return Stopped(tuple(reached), tuple(sorted(device.name for device in devices if not device.is_online)), batch_id)


async def _stopped_just_now(tx: Transaction, farm: Farm) -> Stopped | None:
    """The stop that this tap repeats."""
    statement = (
        select(Device, DeviceCommand.batch_id)
        .join(DeviceCommand, col(DeviceCommand.device_id) == Device.id)
        .where(
            DeviceCommand.farm_id == farm.id, DeviceCommand.source == Commanded.EMERGENCY,
            col(DeviceCommand.requested_at) >= farm.stopped_at,
        )
    )  # fmt: skip
    rows = (await tx.exec(statement)).all()
    batch_id = rows[0][1] if rows else None
    return _told([device for device, _ in rows], batch_id) if batch_id else None


async def _alarm(tx: Transaction, farm: Farm, at: datetime) -> None:
    trouble = Trouble(
        subject_kind="farm.farms", subject_id=farm.id, subject_name=farm.name, alert_type=STOPPED_ALERT,
        severity=Severity.CRITICAL, message="{who} stopped everything on {farm}.", permission="farm.view",
        values={"who": tx.actor.name, "farm": farm.name}, href=f"/farm?farm={farm.id}", scope_id=farm.id, time_zone=farm.time_zone,
    )  # fmt: skip
    if alert := await raise_alert(tx, trouble, at=at):
        await tell(tx, alert, at=at)
