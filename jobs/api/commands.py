"""A farm's device is asked something, and what became of each wish."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from data.alerts.values import in_english
from data.core.errors import Invalid, NotFound
from data.core.session import Transaction, transaction
from data.core.time import now
from data.farm import commands, queries_commands
from data.farm.queries_commands import Told
from data.farm.rules import Urgency
from data.farm.tables import CommandStatus, CommandType, DeviceCommand
from data.platform.idempotency import once
from jobs.api._door import Controller, Paged, Reader, answer, called, door, listed
from jobs.api._farm import Key, device_of

router = door("/v1/farms/{farm_id}", "Commands")

PARAMETERS = {CommandType.SET_VALUE: "value", CommandType.SET_SPEED: "speed", CommandType.SET_ANGLE: "angle"}
"""What the value is called that each setting takes; `value` is understood by all."""
Number = Annotated[float, Field(strict=True)]
Status = Annotated[Literal["all"] | CommandStatus, Query()]


class Parameters(BaseModel):
    """To what an output is set: `value` 0–255, `speed` 0–100 %, `angle` 0–180°."""

    model_config = ConfigDict(extra="forbid")

    value: Number | None = None
    speed: Number | None = None
    angle: Number | None = None


class Wanted(BaseModel):
    """What is asked; what is urgent goes before what waits."""

    model_config = ConfigDict(extra="forbid")

    command_type: CommandType
    command_params: Parameters = Parameters()
    priority: Literal["high", "normal", "low"] = "normal"

    @property
    def urgency(self) -> Urgency:
        return Urgency[self.priority.upper()]

    @property
    def parameter(self) -> str:
        """The name under which its value was, or would have been, written."""
        given = self.command_params.model_dump(exclude_none=True)
        own = PARAMETERS.get(self.command_type, "value")
        other = next((name for name in given if name not in (own, "value")), None)
        if other or len(given) > 1:
            raise Invalid(f"command_params.{other or own}", "There is no setting {name}.", name=other or own)
        return next(iter(given), own)

    @property
    def value(self) -> float | None:
        value: float | None = getattr(self.command_params, self.parameter)
        return value


@router.post("/devices/{device_id}/commands", status_code=202)
async def send_command(actor: Controller, farm_id: UUID, device_id: UUID, given: Wanted, key: Key = None) -> dict[str, Any]:
    """Ask something of a device; what became of it is at its `command_id`. The latest wish replaces one that has no answer yet."""

    async def ask() -> UUID:
        made = await commands.command(tx, device_id, given.command_type, value=given.value, urgency=given.urgency)
        return made.id

    async with transaction(actor) as tx:
        await device_of(tx, farm_id, device_id)
        with called(value=f"command_params.{given.parameter}"):
            command_id = await once(tx, key, {"device_id": device_id} | given.model_dump(mode="json"), ask)
        return answer(_command(await queries_commands.command(tx, command_id)))


@router.get("/devices/{device_id}/commands")
async def list_commands(
    actor: Reader, farm_id: UUID, device_id: UUID, page: Paged, status: Status = "all", since: AwareDatetime | None = None
) -> dict[str, Any]:
    """What was asked of a device, the latest first."""
    wanted = None if status == "all" else status
    async with transaction(actor) as tx:
        await device_of(tx, farm_id, device_id)
        found, total = await queries_commands.commands(
            tx, farm_id, device_id=device_id, status=wanted, since=since, offset=page.offset, limit=page.limit
        )
    return listed([_command(one) for one in found], page, total=total)


@router.get("/devices/{device_id}/commands/{command_id}")
async def show_command(actor: Reader, farm_id: UUID, device_id: UUID, command_id: UUID) -> dict[str, Any]:
    """What became of a wish."""
    async with transaction(actor) as tx:
        return answer(_command(await _of(tx, farm_id, device_id, command_id)))


@router.delete("/devices/{device_id}/commands/{command_id}")
async def cancel_command(actor: Controller, farm_id: UUID, device_id: UUID, command_id: UUID) -> dict[str, Any]:
    """Call off a wish that still waits."""
    async with transaction(actor) as tx:
        await _of(tx, farm_id, device_id, command_id)
        await commands.cancel(tx, command_id)
        return answer(_command(await queries_commands.command(tx, command_id)))


@router.get("/commands")
async def list_farm_commands(
    actor: Reader, farm_id: UUID, page: Paged, status: Status = "all", since: AwareDatetime | None = None,
    hours: Annotated[int, Query(ge=1, le=8_760)] = 24, device_id: UUID | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What was asked of all devices on a farm `since` then, or in the last hours; the latest first."""
    wanted = None if status == "all" else status
    async with transaction(actor) as tx:
        found, total = await queries_commands.commands(
            tx, farm_id, device_id=device_id, status=wanted, since=since or now() - timedelta(hours=hours), offset=page.offset, limit=page.limit
        )
    return listed([_command(one) for one in found], page, total=total)


async def _of(tx: Transaction, farm_id: UUID, device_id: UUID, command_id: UUID) -> Told:
    found = await queries_commands.command(tx, command_id)
    if (found.device.id, found.command.farm_id) != (device_id, farm_id):
        raise NotFound("There is no such command.")
    return found


def _command(one: Told) -> dict[str, Any]:
    command = one.command
    return {
        "command_id": command.id, "device_id": command.device_id, "device_name": one.device.name, "command_type": command.command_type,
        "command_params": command.command_params or {}, "priority": _priority(command.priority), "status": command.status,
        "source": command.source, "requested_by": command.requested_by, "requested_by_name": one.person, "schedule_id": command.schedule_id,
        "schedule_name": one.schedule, "command_batch_id": command.batch_id, "requested_at": command.requested_at, "sent_at": command.sent_at,
        "completed_at": command.completed_at, "expires_at": command.expires_at, "device_response": command.response_data,
        "error_message": why_of(command),
    }  # fmt: skip


def _priority(value: int) -> str:
    return next((one.name.lower() for one in Urgency if value >= one), "low")


def why_of(command: DeviceCommand) -> str | None:
    """Why it was not done."""
    return in_english(command.error_message, command.error_values) if command.error_message else None
