"""Sensors of a LoRaWAN network: registered with the keys by which they join, described, moved, and made known to the network."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from data.cold_chain.commands import connections as network
from data.cold_chain.commands import sensors as commands
from data.cold_chain.networks import STEPS, servers
from data.cold_chain.queries import connections
from data.cold_chain.queries import machines as queries
from data.cold_chain.queries.machines import SensorView, Show, Sort
from data.cold_chain.tables import TtnConnection
from data.cold_chain.values import BatteryChemistry, DecodeMode
from data.core.errors import Conflict
from data.core.session import Transaction, transaction
from jobs.api._door import Paged, Reader, Setter, answer, listed
from jobs.api._organization import of_organization

router = of_organization("/ttn", "Sensors")
DESCRIBED = ("name", "model", "notes", "uplink_interval_s", "battery_chemistry", "decode_mode")


class DeviceGiven(BaseModel):
    """What is said of a sensor; in a change, what is not said stays, and `unit_id: null` takes it off its unit."""

    unit_id: UUID | None = None
    name: str | None = None
    model: str | None = None
    notes: str | None = None
    uplink_interval_s: int | None = None
    battery_chemistry: BatteryChemistry | None = None
    decode_mode: DecodeMode | None = None
    join_eui: Annotated[str | None, Field(max_length=40)] = None
    app_key: Annotated[str | None, Field(max_length=80)] = None
    lorawan_version: str = "1.0.3"


class NewDevice(DeviceGiven):
    """`device_eui` may also be the square code on its label (`LW:D0:…`)."""

    device_eui: Annotated[str, Field(max_length=200)]


class DeviceChange(DeviceGiven):
    is_active: bool | None = None
    is_primary: Literal[True] | None = None


class Bootstrap(NewDevice):
    """`connection_id` may be left out where one application is connected."""

    join_eui: Annotated[str, Field(max_length=40)]
    app_key: Annotated[str, Field(max_length=80)]
    connection_id: UUID | None = None


@router.get("/devices")
async def list_devices(
    actor: Reader, page: Paged, search: Annotated[str, Query(max_length=200)] = "", show: Show = "all", sort: Sort = "name",
    descending: bool = False, site_id: UUID | None = None, unit_id: UUID | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The sensors one may see; `search` looks into names, numbers, models and places."""
    async with transaction(actor) as tx:
        found, total = await queries.sensors(
            tx, offset=page.offset, limit=page.limit, sort=sort, descending=descending, search=search, show=show, site_id=site_id, unit_id=unit_id
        )
        return listed([_device(one) for one in found], page, total=total)


@router.post("/devices", status_code=201)
async def create_device(actor: Setter, given: NewDevice) -> dict[str, Any]:
    """A new sensor; the first of a unit speaks for its temperature. 409 where the plan holds no further one."""
    async with transaction(actor) as tx:
        return answer(await _created(tx, given))


@router.post("/devices/bootstrap", status_code=202)
async def bootstrap_device(actor: Setter, given: Bootstrap) -> dict[str, Any]:
    """A new sensor with its keys, and have the connected application know it: see `/ttn/connections` for how that goes."""
    async with transaction(actor) as tx:
        made = await _created(tx, given)
        connection = await _connected(tx, given.connection_id)
        await network.provision(tx, connection.id)
        return answer({"device": made, "connection": _connection(connection)})


@router.get("/devices/{device_id}")
async def show_device(actor: Reader, device_id: UUID) -> dict[str, Any]:
    """One sensor, and for those who may change it what the network must know of it; its key is never told."""
    async with transaction(actor) as tx:
        return answer(await _shown(tx, device_id))


@router.put("/devices/{device_id}")
async def change_device(actor: Setter, device_id: UUID, given: DeviceChange) -> dict[str, Any]:
    """Describe it anew, move it to another unit, exchange its keys, take it out of service or back, let it speak for its unit."""
    async with transaction(actor) as tx:
        said = given.model_fields_set
        await _describe(tx, device_id, given)
        if "unit_id" in said:
            await commands.move(tx, device_id, unit_id=given.unit_id)
        if given.is_active is not None:
            await commands.set_active(tx, device_id, active=given.is_active)
        if given.is_primary:
            await commands.make_primary(tx, device_id)
        return answer(await _shown(tx, device_id))


@router.delete("/devices/{device_id}")
async def remove_device(actor: Setter, device_id: UUID) -> dict[str, Any]:
    """Take it away; its readings stay."""
    async with transaction(actor) as tx:
        await commands.take_away(tx, device_id)
    return answer({"device_id": device_id})


@router.get("/connections")
async def list_connections(actor: Reader, page: Paged) -> dict[str, Any]:
    """The applications that are connected, and how far setting each up came; of keys the last four signs."""
    async with transaction(actor) as tx:
        return page.of(await connections.connections(tx), _connection)


async def _created(tx: Transaction, given: NewDevice) -> dict[str, Any]:
    made = await commands.create(tx, given.unit_id, device_eui=given.device_eui, name=given.name, model=given.model)
    await _describe(tx, made.id, given)
    return await _shown(tx, made.id)


async def _describe(tx: Transaction, device_id: UUID, given: DeviceGiven) -> None:
    said = {name: getattr(given, name) for name in DESCRIBED if name in given.model_fields_set}
    if said.get("decode_mode", "") is None:
        del said["decode_mode"]
    if said:
        await commands.describe(tx, device_id, **said)
    if given.join_eui or given.app_key:
        join = given.join_eui or (lora.join_eui if (lora := await queries.lora(tx, await queries.sensor(tx, device_id))) else "")
        await commands.set_keys(tx, device_id, join_eui=join or "", app_key=given.app_key, lorawan_version=given.lorawan_version)


async def _connected(tx: Transaction, connection_id: UUID | None) -> TtnConnection:
    if connection_id:
        return await connections.connection(tx, connection_id)
    found = await connections.connections(tx)
    if len(found) != 1:
        raise Conflict("Name one of the {count} connections.", count=len(found)) if found else Conflict("No application is connected yet.")
    return found[0]


async def _shown(tx: Transaction, device_id: UUID) -> dict[str, Any]:
    await tx.flush()
    view = await queries.sensor(tx, device_id)
    said = _device(view)
    if tx.actor.may(queries.DEVICES, view.site_id) and (lora := await queries.lora(tx, view)):
        said["lorawan"] = {
            "join_eui": lora.join_eui, "app_key_last_four": lora.app_key_last_four, "version": lora.lorawan_version,
            "is_registered": lora.network_server_id is not None, "last_join_at": lora.last_join_at,
        }  # fmt: skip
    return said


def _device(view: SensorView) -> dict[str, Any]:
    device = view.device
    place = {"id": device.unit_id, "name": view.unit_name, "area_name": view.area_name, "site_id": view.site_id, "site_name": view.site_name}
    return {
        "id": device.id, "device_eui": device.device_eui, "name": device.name, "device_type": device.device_type, "model": device.model,
        "state": view.state, "status": device.status, "fault": device.fault, "unit": place if device.unit_id else None,
        "is_primary": device.is_primary, "is_active": device.is_active, "battery": device.battery_percent,
        "battery_v": None if device.battery_v is None else float(device.battery_v), "battery_chemistry": device.battery_chemistry,
        "signal_strength": device.signal_dbm, "firmware_version": device.firmware_version, "decode_mode": device.decode_mode,
        "uplink_interval_s": device.uplink_interval_s, "notes": device.notes, "last_seen_at": device.last_seen_at,
        "calibration": {"state": view.calibration, "calibrated_at": view.calibrated_at, "expires_at": view.calibration_expires_at},
    }  # fmt: skip


def _connection(one: TtnConnection) -> dict[str, Any]:
    steps = {step: one.provisioning_step_details.get(step) for step in STEPS}
    return {
        "id": one.id, "application_id": one.ttn_application_id, "region": one.ttn_region, "host": servers(one.ttn_region, one.server_url).host,
        "frequency_plan_id": one.frequency_plan_id, "status": one.provisioning_status, "step": one.provisioning_step, "steps": steps,
        "error": one.provisioning_error, "attempts": one.provisioning_attempt_count, "api_key_last_four": one.ttn_api_key_last_four,
        "org_api_key_last_four": one.ttn_org_api_key_last_four, "webhook_secret_last_four": one.ttn_webhook_secret_last_four,
        "last_used_at": one.last_used_at,
    }  # fmt: skip
