"""Several of a farm's devices are asked at once, or all of them are switched off in an emergency; each tells what became of it."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from data.core.errors import NotFound
from data.core.session import Transaction, transaction
from data.farm import batches, commands, queries
from data.farm.batches import Progress, fate
from data.farm.tables import CommandStatus, Device, DeviceCommand
from data.platform.idempotency import once
from jobs.api._door import Controller, Reader, answer, called, door
from jobs.api._farm import Key
from jobs.api.commands import Wanted, why_of

router = door("/v1/farms/{farm_id}", "Commands")


class WantedOfMany(Wanted):
    """The same of several devices of the farm."""

    device_ids: Annotated[list[UUID], Field(min_length=1, max_length=1_000)]


@router.post("/devices/batch-command", status_code=202)
async def send_batch(actor: Controller, farm_id: UUID, given: WantedOfMany, key: Key = None) -> dict[str, Any]:
    """Ask the same of several devices of a farm; those that cannot do it say why, the others are asked."""

    async def ask() -> UUID:
        made = await commands.command_many(tx, given.device_ids, given.command_type, value=given.value, urgency=given.urgency)
        return made.batch_id

    async with transaction(actor) as tx:
        here = {one.id for one in await queries.devices(tx, farm_id=(await queries.farm(tx, farm_id)).id)}
        if not here.issuperset(given.device_ids):
            raise NotFound("There is no such device.")
        with called(value=f"command_params.{given.parameter}"):
            batch_id = await once(tx, key, given.model_dump(mode="json"), ask)
        return answer(_batch(await batches.progress(tx, batch_id)))


@router.get("/devices/batch-command/{batch_id}")
async def show_batch(actor: Reader, farm_id: UUID, batch_id: UUID) -> dict[str, Any]:
    """How far a batch has come, device by device."""
    async with transaction(actor) as tx:
        found = await batches.progress(tx, batch_id)
    if any(device.farm_id != farm_id for device, _ in found.lines):
        raise NotFound("There is no such batch.")
    return answer(_batch(found))


@router.post("/emergency-stop")
async def stop_all(actor: Controller, farm_id: UUID) -> dict[str, Any]:
    """Switch everything on a farm off before anything else, and let nothing be switched on until that is lifted."""
    async with transaction(actor) as tx:
        stopped = await commands.stop_all(tx, farm_id)
        lines = _batch(await batches.progress(tx, stopped.batch_id)) if stopped.batch_id and (stopped.asked or stopped.unreachable) else {}
        told = {"stopped_devices": len(stopped.asked) + len(stopped.unreachable), "unreachable": list(stopped.unreachable)}
        return answer(await _standing(tx, farm_id) | told | {"devices": lines.get("commands", [])})


@router.get("/emergency-stop")
async def show_stop(actor: Reader, farm_id: UUID) -> dict[str, Any]:
    """Whether a farm is stopped, and how far each of its devices is."""
    async with transaction(actor) as tx:
        found = await batches.last_stop(tx, farm_id)
        return answer(await _standing(tx, farm_id) | {"devices": _batch(found)["commands"] if found else []})


@router.delete("/emergency-stop")
async def go_on(actor: Controller, farm_id: UUID) -> dict[str, Any]:
    """Let a stopped farm go on; what is off stays off until somebody or a schedule switches it on."""
    async with transaction(actor) as tx:
        await commands.go_on(tx, farm_id)
        return answer(await _standing(tx, farm_id))


async def _standing(tx: Transaction, farm_id: UUID) -> dict[str, Any]:
    farm = await queries.farm(tx, farm_id)
    return {"farm_id": farm.id, "is_stopped": farm.is_stopped, "stopped_at": farm.stopped_at, "stopped_by": farm.stopped_by}


def _batch(found: Progress) -> dict[str, Any]:
    """`fate` says of each what somebody would say who stands before it."""
    lines = [_line(device, command) for device, command in found.lines]
    refused = sum(command.status is CommandStatus.FAILED for _, command in found.lines)
    return {"command_batch_id": found.batch_id, "commands": lines, "total": len(lines), "waiting": found.waiting, "completed": found.done, "failed": refused}


def _line(device: Device, command: DeviceCommand) -> dict[str, Any]:
    return {
        "command_id": command.id, "device_id": device.id, "device_name": device.name, "location": device.location, "is_online": device.is_online,
        "status": command.status, "fate": fate(device, command), "error_message": why_of(command),
    }  # fmt: skip


