"""A release goes to all boards of its model on a farm: to a tenth first, to half when those are well, and then to all."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.core.errors import Conflict, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.asking import lock
from data.farm.commands.firmware import note_asked
from data.farm.events import DeviceChanged, FirmwareChanged
from data.farm.queries_firmware import release, standing_of
from data.farm.rules.commanding import VITAL
from data.farm.rules.firmware import BY_HAND, STAGES, UNDER_WAY, Member, is_newer, refusal_to_update, runs, stage_size
from data.farm.tables import (
    Device,
    Farm,
    FirmwareRelease,
    FirmwareRollout,
    FirmwareUpdate,
    RolloutStatus,
    UpdateStatus,
)


async def start_rollout(
    tx: Transaction, farm_id: UUID, release_id: UUID, *, nightly: bool = True, may_be_on: bool = False, at: datetime | None = None
) -> FirmwareRollout:
    """Give a release to all boards of its model on a farm, stage by stage; what animals depend on comes last. Conflict where there is
    none that needs it, or while it is going on already."""
    at = at or now()
    farm = await queries.farm(tx, farm_id)
    tx.actor.require("farm.edit", farm_id)
    tx.actor.require("farm.batch", farm_id)
    found = await release(tx, release_id, for_update=True)
    running = select(FirmwareRollout.id).where(
        FirmwareRollout.farm_id == farm_id, FirmwareRollout.release_id == release_id, FirmwareRollout.status == RolloutStatus.RUNNING
    )
    if (await tx.exec(running)).first():
        raise Conflict("This firmware is being given to the farm's devices already.")
    boards = await _boards(tx, farm_id, found)
    if not boards:
        raise Conflict("No device on this farm needs this firmware.")
    made = FirmwareRollout(
        farm_id=farm_id, release_id=release_id, boards=[str(one.id) for one in boards], is_nightly=nightly, may_be_on=may_be_on,
        started_by=tx.actor.user_id,
    )  # fmt: skip
    tx.add(made)
    await tx.flush()
    await _go_on(tx, made, found, farm, at)
    tx.emit(FirmwareChanged(release_id=release_id))
    return made


async def stop_rollout(tx: Transaction, rollout_id: UUID) -> None:
    """Give it to no more devices; those that were told go through with it. Conflict where it is over."""
    statement = select(FirmwareRollout).where(FirmwareRollout.id == rollout_id, queries.within(tx, FirmwareRollout.farm_id))
    found = (await tx.exec(statement.with_for_update().execution_options(populate_existing=True))).one_or_none()
    if found is None:
        raise NotFound("There is no such roll-out.")
    tx.actor.require("farm.edit", found.farm_id)
    if found.status is not RolloutStatus.RUNNING:
        raise Conflict("This is over already.")
    found.stopped_by = tx.actor.user_id
    await _stop(tx, found, now())


async def organizations_with_rollouts(tx: Transaction) -> Sequence[UUID]:
    """Across tenants: who is giving firmware to a farm's devices."""
    return (await tx.exec(select(FirmwareRollout.organization_id).where(FirmwareRollout.status == RolloutStatus.RUNNING).distinct())).all()


async def advance_rollouts(tx: Transaction, *, at: datetime) -> None:
    """Stop where a device did not come back, begin the next stage where all of the last one are well, and ask again whom a night went by."""
    statement = (
        select(FirmwareRollout, FirmwareRelease, Farm)
        .join(FirmwareRelease, col(FirmwareRelease.id) == FirmwareRollout.release_id)
        .join(Farm, col(Farm.id) == FirmwareRollout.farm_id)
        .where(FirmwareRollout.status == RolloutStatus.RUNNING)
        .order_by(col(FirmwareRollout.id))
    )
    for rollout, found, farm in (await tx.exec(statement.with_for_update(of=FirmwareRollout, skip_locked=True))).all():
        await _go_on(tx, rollout, found, farm, at)


async def _go_on(tx: Transaction, rollout: FirmwareRollout, found: FirmwareRelease, farm: Farm, at: datetime) -> None:
    ids = [UUID(one) for one in rollout.boards]
    turn = ids[: stage_size(len(ids), rollout.stage)]
    devices = {one.id: one for one in (await tx.exec(select(Device).where(col(Device.id).in_(turn)))).all()}
    last: dict[UUID, FirmwareUpdate] = {}
    updates = select(FirmwareUpdate).where(FirmwareUpdate.rollout_id == rollout.id).order_by(col(FirmwareUpdate.id))
    for update in (await tx.exec(updates.execution_options(populate_existing=True))).all():
        last[update.device_id] = update
    members = {one: _member(devices.get(one), last.get(one), found) for one in turn}
    if failed := next((one for one, member in members.items() if member.has_failed), None):
        rollout.stopped_for = failed
        await _stop(tx, rollout, at)
        return
    for device_id, member in members.items():
        if member.is_to_be_asked:
            await _ask(tx, rollout, devices[device_id], found, farm, at)
    if not all(member.is_settled(at) for member in members.values()):
        return
    if rollout.stage < len(STAGES) and len(turn) < len(ids):
        rollout.stage += 1
        while stage_size(len(ids), rollout.stage) == len(turn):  # of two boards half is one, which has its turn already
            rollout.stage += 1
        tx.add(rollout)
        await _go_on(tx, rollout, found, farm, at)
    else:
        rollout.status, rollout.ended_at = RolloutStatus.DONE, at
        tx.add(rollout)
    tx.emit(FirmwareChanged(release_id=rollout.release_id))


async def _ask(tx: Transaction, rollout: FirmwareRollout, device: Device, found: FirmwareRelease, farm: Farm, at: datetime) -> None:
    await lock(tx, col(Device.topic) == device.topic)
    standing = await standing_of(tx, device)
    refusal = refusal_to_update(standing, model=found.model, dialect=found.dialect.value, version=found.version, tonight=True)
    if refusal is None:
        note_asked(tx, device, found, farm, tonight=rollout.is_nightly, may_be_on=rollout.may_be_on, at=at, rollout=rollout)
    elif refusal[0] != UNDER_WAY:  # it cannot have it any more, and nobody waits for it
        made = note_asked(tx, device, found, farm, tonight=False, may_be_on=False, at=at, rollout=rollout)
        made.status, made.ended_at, made.error_message, made.error_values = UpdateStatus.CANCELED, at, refusal[0], refusal[1]


def _member(device: Device | None, update: FirmwareUpdate | None, found: FirmwareRelease) -> Member:
    needs_none = device is None or device.deleted_at is not None or not device.is_active or runs(device.firmware_version, found.version)
    if update is None:
        return Member(needs_none=needs_none)
    return Member(update.status.value, update.told_at is not None, update.ended_at, bool(device and device.is_online), needs_none)


async def _stop(tx: Transaction, rollout: FirmwareRollout, at: datetime) -> None:
    rollout.status, rollout.ended_at = RolloutStatus.STOPPED, at
    tx.add(rollout)
    waiting = select(FirmwareUpdate).where(
        FirmwareUpdate.rollout_id == rollout.id, FirmwareUpdate.status == UpdateStatus.ASKED, col(FirmwareUpdate.claimed_until_at).is_(None)
    )
    for update in (await tx.exec(waiting.with_for_update().execution_options(populate_existing=True))).all():
        update.status, update.ended_at, update.error_message = UpdateStatus.CANCELED, at, BY_HAND
        tx.add(update)
        tx.emit(DeviceChanged(device_id=update.device_id, farm_id=update.farm_id))
    tx.emit(FirmwareChanged(release_id=rollout.release_id))


async def _boards(tx: Transaction, farm_id: UUID, found: FirmwareRelease) -> list[Device]:
    """One device of each board that needs it: what animals depend on last, then by name."""
    statement = select(Device).where(
        Device.farm_id == farm_id, func.lower(func.btrim(col(Device.model))) == found.model.lower(), Device.dialect == found.dialect,
        col(Device.deleted_at).is_(None), col(Device.is_active),
    )  # fmt: skip
    devices = sorted((await tx.exec(statement)).all(), key=lambda one: one.output)
    vital = {one.topic for one in devices if one.icon in VITAL}
    first: dict[str, Device] = {}
    for one in devices:
        first.setdefault(one.topic, one)
    needing = [one for one in first.values() if not runs(one.firmware_version, found.version) and is_newer(found.version, one.firmware_version)]
    return sorted(needing, key=lambda one: (one.topic in vital, one.name, one.id))
