"""What devices run, what there is for them, and what became of giving it to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from data.core.errors import Invalid, NotFound
from data.core.session import Transaction
from data.farm import queries
from data.farm.rules import SWITCHED
from data.farm.rules.firmware import Standing, fits, goes_back, is_newer, newest, runs
from data.farm.tables import (
    OPEN,
    OPEN_UPDATES,
    Device,
    DeviceCommand,
    Farm,
    FirmwareRelease,
    FirmwareRollout,
    FirmwareUpdate,
    FlockBatch,
    UpdateStatus,
)
from data.identity.tables import User


@dataclass(frozen=True, slots=True)
class Release:
    """A release, who added it, and at how many of the devices one may see it would be new or runs."""

    release: FirmwareRelease
    by: str | None
    older: Sequence[Device] = ()
    running: Sequence[Device] = ()


@dataclass(frozen=True, slots=True)
class Firmware:
    """A device's firmware: what there is newer for its model, how it stands, the last update with who asked for it, and what is older."""

    device: Device
    standing: Standing
    newest: FirmwareRelease | None
    last: FirmwareUpdate | None
    asked_by: str | None
    older: Sequence[FirmwareRelease] = ()


async def release(tx: Transaction, release_id: UUID, *, for_update: bool = False) -> FirmwareRelease:
    """NotFound where it was taken off the list."""
    tx.actor.require("farm.view")
    statement = select(FirmwareRelease).where(FirmwareRelease.id == release_id, col(FirmwareRelease.deleted_at).is_(None))
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such firmware on the list.")
    return found


async def release_for(tx: Transaction, device: Device, version: str) -> FirmwareRelease:
    """That version for devices of its model. Invalid('version') where there is none on the list."""
    tx.actor.require("farm.view")
    found = next((one for one in (await tx.exec(_of_model(device))).all() if runs(version, one.version)), None)
    if found is None:
        raise Invalid("version", "There is no such firmware on the list.")
    return found


async def releases(tx: Transaction) -> Sequence[Release]:
    """The organization's list, by model, the newest added first; each with the devices that it concerns."""
    tx.actor.require("farm.view")
    statement = (
        select(FirmwareRelease, User.name)
        .outerjoin(User, col(User.id) == FirmwareRelease.added_by)
        .where(col(FirmwareRelease.deleted_at).is_(None))
        .order_by(func.lower(FirmwareRelease.model), col(FirmwareRelease.id).desc())
    )
    rows = (await tx.exec(statement)).all()
    models = {row[0].model.lower() for row in rows}
    known = select(Device).where(func.lower(col(Device.model)).in_(models), col(Device.deleted_at).is_(None), queries.within(tx, Device.farm_id))
    devices = (await tx.exec(known.order_by(Device.name, col(Device.id)))).all() if rows else []

    def concerned(found: FirmwareRelease) -> list[Device]:
        return [one for one in devices if fits(found.model, found.dialect.value, Standing(one.dialect.value, one.model))]

    return [
        Release(
            found, by, [d for d in concerned(found) if not runs(d.firmware_version, found.version) and is_newer(found.version, d.firmware_version)],
            [d for d in concerned(found) if runs(d.firmware_version, found.version)],
        )
        for found, by in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rolled:
    """A roll-out: where, how many of its boards have the release, and the device for which it stopped by itself."""

    rollout: FirmwareRollout
    farm: Farm
    done: int
    stopped_for: Device | None = None


async def rollouts(tx: Transaction) -> Sequence[Rolled]:
    """The last roll-out of each release on each farm that one may see, the newest first."""
    tx.actor.require("farm.view")
    latest = (
        select(col(FirmwareRollout.id))
        .distinct(col(FirmwareRollout.release_id), col(FirmwareRollout.farm_id))
        .order_by(col(FirmwareRollout.release_id), col(FirmwareRollout.farm_id), col(FirmwareRollout.id).desc())
    )
    done = (
        select(func.count(func.distinct(FirmwareUpdate.device_id)))
        .where(FirmwareUpdate.rollout_id == FirmwareRollout.id, FirmwareUpdate.status == UpdateStatus.DONE)
        .correlate(FirmwareRollout)
        .scalar_subquery()
    )
    statement = (
        select(FirmwareRollout, Farm, done, Device)
        .join(Farm, col(Farm.id) == FirmwareRollout.farm_id)
        .outerjoin(Device, col(Device.id) == FirmwareRollout.stopped_for)
        .where(col(FirmwareRollout.id).in_(latest), queries.within(tx, FirmwareRollout.farm_id))
        .order_by(col(FirmwareRollout.id).desc())
    )
    return [Rolled(*row) for row in (await tx.exec(statement)).all()]


async def firmware_of(tx: Transaction, device_id: UUID) -> Firmware:
    """What somebody in front of this device wants to know before giving it something newer."""
    device = await queries.device(tx, device_id)
    listed = (await tx.exec(_of_model(device).order_by(col(FirmwareRelease.id).desc()))).all()
    older = [found for found in listed if goes_back(device.firmware_version, found.version)]
    best = newest([(found.version, found) for found in listed])
    if best and (runs(device.firmware_version, best.version) or not is_newer(best.version, device.firmware_version)):
        best = None
    board = select(Device.id).where(Device.topic == device.topic, col(Device.deleted_at).is_(None))
    latest = (
        select(FirmwareUpdate, User.name)
        .outerjoin(User, col(User.id) == FirmwareUpdate.asked_by)
        .where(col(FirmwareUpdate.device_id).in_(board))
        .order_by(col(FirmwareUpdate.id).desc())
        .limit(1)
    )
    row = (await tx.exec(latest)).one_or_none()
    return Firmware(device, await standing_of(tx, device), best, row[0] if row else None, row[1] if row else None, older)


def _of_model(device: Device) -> SelectOfScalar[FirmwareRelease]:
    return select(FirmwareRelease).where(
        FirmwareRelease.dialect == device.dialect, func.lower(FirmwareRelease.model) == (device.model or "").strip().lower(),
        col(FirmwareRelease.deleted_at).is_(None),
    )  # fmt: skip


async def standing_of(tx: Transaction, device: Device) -> Standing:
    """How a device's whole board stands, since all its outputs start anew together. An output whose state nobody knows may be on."""
    board = (await tx.exec(select(Device).where(Device.topic == device.topic, col(Device.deleted_at).is_(None)))).all()
    ids = [one.id for one in board]
    asked = select(DeviceCommand.id).where(col(DeviceCommand.device_id).in_(ids), col(DeviceCommand.status).in_(OPEN)).limit(1)
    updates = select(FirmwareUpdate.id).where(col(FirmwareUpdate.device_id).in_(ids), col(FirmwareUpdate.status).in_(OPEN_UPDATES)).limit(1)
    flocks = select(FlockBatch.id).where(
        FlockBatch.farm_id == device.farm_id, col(FlockBatch.closed_on).is_(None), col(FlockBatch.deleted_at).is_(None)
    )
    stopped = (await tx.exec(select(Farm.is_stopped).where(Farm.id == device.farm_id))).one()
    return Standing(
        device.dialect.value, device.model, device.firmware_version, is_active=device.is_active, is_online=device.is_online,
        is_stopped=stopped, is_on=any(one.device_type.value in SWITCHED and one.is_on is not False for one in board),
        has_animals=(await tx.exec(flocks.limit(1))).first() is not None,
        is_asked=(await tx.exec(asked)).first() is not None, is_under_way=(await tx.exec(updates)).first() is not None,
    )  # fmt: skip
