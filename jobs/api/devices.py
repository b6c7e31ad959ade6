"""A farm's devices: hung up, renamed, put out of use and taken down."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from data.core.session import transaction
from data.farm import commands, queries
from data.farm.settings import settings_in_force
from data.farm.tables import Device, DeviceType, Dialect, SwitchAction
from jobs.api._door import Paged, Reader, Setter, answer, called, door
from jobs.api._farm import device_of, device_shape
from jobs.api.device_settings import setting_shape

router = door("/v1/farms/{farm_id}/devices", "Devices")

Short = Annotated[str, Field(max_length=200)]
EMPTIED = frozenset({"model", "hardware_id", "location", "icon"})
"""What a device may have none of."""
GUARD = ("max_on_s", "startup_state")


class DeviceNew(BaseModel):
    """`device_id` is its name at the broker (Tasmota's topic); what it runs and whether it is there it says itself."""

    device_id: Short
    name: Short
    type: DeviceType
    model: Short | None = None
    hardware_id: Short | None = None
    location: Short | None = None
    output: int = 1
    dialect: Dialect = Dialect.TASMOTA
    icon: Short | None = None


class DeviceChange(BaseModel):
    """What is not said stays. `max_on_s` is how long it may be on at a stretch, `startup_state` how it starts after it had no power."""

    model_config = ConfigDict(extra="forbid")

    device_id: Short | None = None
    name: Short | None = None
    model: Short | None = None
    hardware_id: Short | None = None
    location: Short | None = None
    output: int | None = None
    dialect: Dialect | None = None
    icon: Short | None = None
    is_active: bool | None = None
    max_on_s: int | None = None
    startup_state: SwitchAction | None = None


@router.get("")
async def list_devices(
    actor: Reader, farm_id: UUID, page: Paged, only: Annotated[Literal["all", "online", "offline"], Query(alias="filter")] = "all",
    kind: Annotated[DeviceType | None, Query(alias="type")] = None,
) -> dict[str, Any]:  # fmt: skip
    """A farm's devices by room and name; `online_count` counts those of this kind that are there."""
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        found = await queries.devices(tx, farm_id=farm_id, only=kind)
    wanted = [one for one in found if only == "all" or one.is_online is (only == "online")]
    return page.of(wanted, device_shape) | {"online_count": sum(one.is_online for one in found)}


@router.post("", status_code=201)
async def register_device(actor: Setter, farm_id: UUID, given: DeviceNew) -> dict[str, Any]:
    """Hang up a device; `login` is what it signs in to the broker with, told this once."""
    said = given.model_dump(exclude={"device_id", "type"})
    async with transaction(actor) as tx:
        with called(topic="device_id"):
            device = await commands.register_device(tx, farm_id, topic=given.device_id, device_type=given.type, **said)
        login = await commands.first_login(tx, device.id)
    told = {"username": login.username, "password": login.password} if login else None
    return answer(device_shape(device) | {"login": told})


@router.get("/{device_id}")
async def show_device(actor: Reader, farm_id: UUID, device_id: UUID) -> dict[str, Any]:
    """One device with all that is set there."""
    async with transaction(actor) as tx:
        device = await device_of(tx, farm_id, device_id)
        return answer(_details(device) | {"configuration": [setting_shape(one) for one in await settings_in_force(tx, device_id)]})


@router.put("/{device_id}")
async def change_device(actor: Setter, farm_id: UUID, device_id: UUID, given: DeviceChange) -> dict[str, Any]:
    """Rename or move a device, put it out of use or use it again, or say anew how long it may be on."""
    said = given.model_dump(exclude_unset=True)
    async with transaction(actor) as tx:
        device = await device_of(tx, farm_id, device_id)
        guard: dict[str, Any] = {name: said.pop(name) for name in GUARD if name in said}
        is_active = said.pop("is_active", None)
        if said:
            kept = {"name": device.name, "topic": device.topic, "location": device.location, "output": device.output, "icon": device.icon}
            told = {"topic" if name == "device_id" else name: value for name, value in said.items() if value is not None or name in EMPTIED}
            with called(topic="device_id"):
                await commands.edit_device(tx, device_id, **kept | {name: "" if value is None else value for name, value in told.items()})
        if guard:
            await commands.set_guard(tx, device_id, **{name: getattr(device, name) for name in GUARD} | guard)
        if is_active is not None:
            await commands.use_device(tx, device_id, is_active=is_active)
        return answer(_details(await queries.device(tx, device_id)))


@router.delete("/{device_id}")
async def remove_device(actor: Setter, farm_id: UUID, device_id: UUID) -> dict[str, Any]:
    """Take a device down: it may not speak any more, its schedules end, its past stays."""
    async with transaction(actor) as tx:
        await device_of(tx, farm_id, device_id)
        await commands.remove_device(tx, device_id)
    return answer({"id": device_id})


def _details(device: Device) -> dict[str, Any]:
    return device_shape(device) | {
        "farm_id": device.farm_id, "hardware_id": device.hardware_id, "dialect": device.dialect, "icon": device.icon,
        "last_command_at": device.last_command_at, "max_on_s": device.max_on_s, "startup_state": device.startup_state,
        "updated_at": device.updated_at,
    }  # fmt: skip
