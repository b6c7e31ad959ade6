"""Which firmware a farm's device runs, what there is newer for it, and how it comes by that."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from data.alerts.values import in_english
from data.core.session import transaction
from data.farm.commands import firmware as commands
from data.farm.queries_firmware import Firmware, firmware_of, release_for
from data.farm.rules.firmware import CANNOT
from data.farm.tables import OPEN_UPDATES, FirmwareUpdate
from jobs.api._door import Reader, Setter, answer, called, door
from jobs.api._farm import device_of

router = door("/v1/farms/{farm_id}/devices/{device_id}/firmware", "Devices")


class Update(BaseModel):
    """Which version of those on the list, from when on (at once where nothing is said), and whether its outputs may be on."""

    model_config = ConfigDict(extra="forbid")

    target_version: Annotated[str, Field(max_length=100)]
    schedule_at: AwareDatetime | None = None
    may_be_on: bool = False


@router.get("")
async def show_firmware(actor: Reader, farm_id: UUID, device_id: UUID) -> dict[str, Any]:
    """What a device runs, what there is newer for its model, and what became of its last update."""
    async with transaction(actor) as tx:
        await device_of(tx, farm_id, device_id)
        return answer(_firmware(await firmware_of(tx, device_id)))


@router.post("/update", status_code=202)
async def update_firmware(actor: Setter, farm_id: UUID, device_id: UUID, given: Update) -> dict[str, Any]:
    """Have a device install a version; it is done when the device itself reports it."""
    async with transaction(actor) as tx:
        device = await device_of(tx, farm_id, device_id)
        with called(version="target_version", begins_at="schedule_at"):
            release = await release_for(tx, device, given.target_version)
            made = await commands.update_firmware(tx, device_id, release.id, begins_at=given.schedule_at, may_be_on=given.may_be_on)
        return answer(_update(made))


@router.delete("/update/{update_id}")
async def cancel_update(actor: Setter, farm_id: UUID, device_id: UUID, update_id: UUID) -> dict[str, Any]:
    """Call an update off that the device was not told of yet."""
    async with transaction(actor) as tx:
        await device_of(tx, farm_id, device_id)
        await commands.cancel_update(tx, update_id)
        return answer(_firmware(await firmware_of(tx, device_id)))


def _firmware(found: Firmware) -> dict[str, Any]:
    """`update_status` is `idle` where nothing is under way; `why_not` says why a device of its kind is never told."""
    device, last = found.device, found.last
    return {
        "device_id": device.id, "model": device.model, "current_version": device.firmware_version,
        "available_version": found.newest and found.newest.version, "update_available": found.newest is not None,
        "release_notes": found.newest and found.newest.notes, "update_status": last.status if last and last.status in OPEN_UPDATES else "idle",
        "last_update": last and _update(last) | {"asked_by": found.asked_by}, "why_not": CANNOT.get(device.dialect.value),
        "last_checked": device.last_heartbeat_at,
    }  # fmt: skip


def _update(one: FirmwareUpdate) -> dict[str, Any]:
    return {
        "update_id": one.id, "device_id": one.device_id, "target_version": one.version, "from_version": one.from_version, "status": one.status,
        "scheduled_at": one.not_before_at, "expires_at": one.expires_at, "told_at": one.told_at, "ended_at": one.ended_at,
        "error_message": in_english(one.error_message, one.error_values) if one.error_message else None,
    }  # fmt: skip
