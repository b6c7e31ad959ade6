"""Somebody vouches for a release, and somebody has it installed at a device: now, or tonight while nobody works."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.alerts.commands import raise_alerts, resolve_all_open
from data.alerts.tables import Severity
from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now, zone
from data.farm import queries
from data.farm.commands.asking import lock
from data.farm.commands.judging import FIRMWARE
from data.farm.commands.troubles import FIRMWARE_ALERT, trouble
from data.farm.events import DeviceChanged, FirmwareChanged, FirmwareWanted
from data.farm.queries_firmware import release, standing_of
from data.farm.rules.firmware import (
    BY_HAND,
    Standing,
    fits,
    goes_back,
    hours,
    is_newer,
    reason_to_go_back,
    refusal_to_update,
    runs,
)
from data.farm.rules.firmware import release as checked_release
from data.farm.tables import (
    Device,
    Dialect,
    Farm,
    FirmwareRelease,
    FirmwareRollout,
    FirmwareUpdate,
    RolloutStatus,
    UpdateStatus,
)
from data.notifications.commands import tell

TAKEN_BACK = "The firmware was taken off the list."


async def add_release(
    tx: Transaction, *, model: str, dialect: Dialect, version: str, url: str, size_bytes: int | None = None, sha256: str | None = None,
    notes: str = "",
) -> FirmwareRelease:  # fmt: skip
    """A version that this organization's devices of that model may be given. Whoever looks after older ones is told.

    Invalid names the field: https only, and size and SHA-256 where the devices check them.
    """
    tx.actor.require("farm.edit")
    checked = checked_release(model=model, dialect=dialect.value, version=version, url=url, size_bytes=size_bytes, sha256=sha256)
    made = FirmwareRelease(dialect=dialect, notes=notes.strip() or None, added_by=tx.actor.user_id, **checked)
    tx.add(made)
    try:
        await tx.flush()
    except IntegrityError as reason:
        if "uq_firmware_releases_version" in str(reason.orig):
            raise Invalid("version", "This version is on the list already.") from None
        raise
    await _tell_of(tx, made)
    tx.emit(FirmwareChanged(release_id=made.id))
    return made


async def remove_release(tx: Transaction, release_id: UUID) -> None:
    """Take it off the list: nobody is offered it any more. Conflict while devices are being given it."""
    tx.actor.require("farm.edit")
    found = await release(tx, release_id, for_update=True)
    if await _open(tx, FirmwareUpdate.release_id == release_id):
        raise Conflict("Devices are being given this firmware. Wait until they have it, or call it off there.")
    giving = select(FirmwareRollout.id).where(FirmwareRollout.release_id == release_id, FirmwareRollout.status == RolloutStatus.RUNNING)
    if (await tx.exec(giving.limit(1))).first():
        raise Conflict("This firmware is being given to a farm's devices. Stop that first.")
    found.deleted_at = now()
    tx.add(found)
    offered = {device.id: found.deleted_at for device in await _of_model(tx, found)}
    await resolve_all_open(tx, offered, FIRMWARE_ALERT, because=TAKEN_BACK)
    tx.emit(FirmwareChanged(release_id=release_id))


async def update_firmware(
    tx: Transaction, device_id: UUID, release_id: UUID, *, tonight: bool = False, begins_at: datetime | None = None,
    may_be_on: bool = False, older_because: str | None = None, at: datetime | None = None,
) -> FirmwareUpdate:  # fmt: skip
    """Have a device install a release: at once, between 02:00 and 04:00 by the farm's clock, or within two hours from `begins_at`.

    It is done when the device itself reports the new version. Conflict with the reason where it cannot be told, or where an output
    of its board is on while animals live on the farm and nobody said that it `may_be_on` all the same. What is older than what the
    device runs is for owners only, who say why (`older_because`).
    """
    at = at or now()
    device = await queries.device(tx, device_id)
    tx.actor.require("farm.edit", device.farm_id)
    found = await release(tx, release_id, for_update=True)
    await lock(tx, Device.topic == device.topic)
    farm = await queries.farm(tx, device.farm_id)
    standing = await standing_of(tx, device)
    is_older = older_because is not None and goes_back(standing.runs, found.version)
    if is_older:
        tx.actor.require("farm.downgrade", device.farm_id)
    because = reason_to_go_back(older_because or "") if is_older else None
    refusal = refusal_to_update(
        standing, model=found.model, dialect=found.dialect.value, version=found.version, tonight=tonight or begins_at is not None,
        may_be_on=may_be_on, may_be_older=is_older,
    )  # fmt: skip
    if refusal:
        words, values = refusal
        raise Conflict(words, **values)
    return note_asked(tx, device, found, farm, tonight=tonight, begins_at=begins_at, may_be_on=may_be_on, at=at, because=because)


def note_asked(
    tx: Transaction, device: Device, found: FirmwareRelease, farm: Farm, *, tonight: bool, may_be_on: bool, at: datetime,
    begins_at: datetime | None = None, rollout: FirmwareRollout | None = None, because: str | None = None,
) -> FirmwareUpdate:  # fmt: skip
    """Write down that a device against which nothing speaks shall have it; its board is locked."""
    begins, ends = hours(at, zone(farm.time_zone), tonight=tonight, begins_at=begins_at)
    made = FirmwareUpdate(
        farm_id=farm.id, device_id=device.id, release_id=found.id, version=found.version, from_version=device.firmware_version,
        may_be_on=may_be_on, asked_by=rollout.started_by if rollout else tx.actor.user_id, not_before_at=begins, expires_at=ends,
        rollout_id=rollout.id if rollout else None, older_because=because,
    )  # fmt: skip
    tx.add(made)
    why: dict[str, Any] = {"older_because": because} if because else {}
    tx.record(
        "farm.device.update_asked", f"{device.name} was asked to update", subject_id=device.id, version=found.version,
        from_version=device.firmware_version, tonight=tonight, may_be_on=may_be_on, **why,
    )  # fmt: skip
    tx.emit(DeviceChanged(device_id=device.id, farm_id=farm.id))
    tx.emit(FirmwareWanted(device_id=device.id))
    return made


async def cancel_update(tx: Transaction, update_id: UUID) -> None:
    """Call it off. Conflict once the device was told: nobody can stop it in the middle."""
    update = await _update(tx, update_id)
    tx.actor.require("farm.edit", update.farm_id)
    if update.status is not UpdateStatus.ASKED or update.claimed_until_at is not None:
        raise Conflict("The device has been told already.")
    update.status, update.ended_at, update.error_message = UpdateStatus.CANCELED, now(), BY_HAND
    tx.add(update)
    tx.emit(DeviceChanged(device_id=update.device_id, farm_id=update.farm_id))


async def _update(tx: Transaction, update_id: UUID) -> FirmwareUpdate:
    statement = select(FirmwareUpdate).where(FirmwareUpdate.id == update_id, queries.within(tx, FirmwareUpdate.farm_id))
    found = (await tx.exec(statement.with_for_update().execution_options(populate_existing=True))).one_or_none()
    if found is None:
        raise NotFound("There is no such update.")
    return found


async def _open(tx: Transaction, *where: object) -> bool:
    living = (UpdateStatus.ASKED, UpdateStatus.TOLD, UpdateStatus.RESTARTING)
    statement = select(FirmwareUpdate.id).where(*where, col(FirmwareUpdate.status).in_(living)).limit(1)  # type: ignore[arg-type]
    return (await tx.exec(statement)).first() is not None


async def _of_model(tx: Transaction, found: FirmwareRelease) -> Sequence[Device]:
    statement = select(Device).where(
        func.lower(col(Device.model)) == found.model.lower(), Device.dialect == found.dialect, col(Device.deleted_at).is_(None)
    )
    return (await tx.exec(statement)).all()


async def _tell_of(tx: Transaction, made: FirmwareRelease) -> None:
    """There is something newer for each board of the model that runs something older; a board is told of once."""
    at = now()
    boards = {device.topic: device for device in sorted(await _of_model(tx, made), key=lambda one: -one.output) if device.is_active}
    older = [
        device for device in boards.values()
        if device.firmware_version and not runs(device.firmware_version, made.version) and is_newer(made.version, device.firmware_version)
        and fits(made.model, made.dialect.value, Standing(device.dialect.value, device.model))
    ]  # fmt: skip
    zones = dict((await tx.exec(select(Farm.id, Farm.time_zone).where(col(Farm.id).in_({one.farm_id for one in older})))).all())
    troubles = [
        (trouble(one, FIRMWARE_ALERT, Severity.INFO, FIRMWARE, zone=zones[one.farm_id], name=one.name, version=made.version), at) for one in older
    ]
    await tell(tx, *await raise_alerts(tx, troubles), at=at)
