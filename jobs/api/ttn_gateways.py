"""LoRaWAN gateways: which are ours, where they stand, and whether they are heard."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from data.cold_chain.commands import connections as network
from data.cold_chain.commands import gateways as commands
from data.cold_chain.queries import connections
from data.cold_chain.queries import gateways as queries
from data.cold_chain.queries.gateways import GatewayView
from data.cold_chain.tables import Gateway
from data.cold_chain.values import GatewayStatus
from data.core.errors import Conflict
from data.core.session import transaction
from jobs.api._door import Paged, Reader, Setter, answer
from jobs.api._organization import of_organization

router = of_organization("/ttn/gateways", "Gateways")
NAMED = ("name", "description", "frequency_plan_id", "latitude", "longitude", "altitude_m")


class GatewayGiven(BaseModel):
    """What is said of a gateway; in a change, what is not said stays, and `site_id: null` is of no site."""

    site_id: UUID | None = None
    name: str | None = None
    description: str | None = None
    frequency_plan_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude_m: Annotated[int | None, Field(ge=-500, le=9_000)] = None


class NewGateway(GatewayGiven):
    """`gateway_id` is how its network calls it."""

    gateway_id: str
    gateway_eui: Annotated[str | None, Field(max_length=40)] = None
    connection_id: UUID | None = None


class Told(BaseModel):
    """What another system knows of it; `online` was heard now, unless `last_seen_at` says when."""

    status: GatewayStatus
    last_seen_at: AwareDatetime | None = None
    signal_strength: Annotated[int | None, Field(ge=-200, le=100)] = None


@router.get("")
async def list_gateways(actor: Reader, page: Paged) -> dict[str, Any]:
    """Every gateway, by name."""
    async with transaction(actor) as tx:
        return page.of(await queries.gateways(tx), _view)


@router.post("", status_code=201)
async def create_gateway(actor: Setter, given: NewGateway) -> dict[str, Any]:
    """A gateway that is ours: one is told when it falls silent."""
    async with transaction(actor) as tx:
        if given.connection_id:
            await connections.connection(tx, given.connection_id)
        made = await commands.add_gateway(
            tx, gateway_id=given.gateway_id, gateway_eui=given.gateway_eui, site_id=given.site_id, ttn_connection_id=given.connection_id,
            **_described(given),
        )  # fmt: skip
        return answer(_gateway(made))


@router.post("/bootstrap", status_code=202)
async def bootstrap_gateways(actor: Setter) -> dict[str, Any]:
    """Have the gateways that the connected applications' owners know at their network taken in; `/ttn/connections` says how that goes."""
    async with transaction(actor) as tx:
        found = await connections.connections(tx)
        if not found:
            raise Conflict("No application is connected yet.")
        for one in found:
            await network.provision(tx, one.id)
        return answer({"connection_ids": [one.id for one in found]})


@router.get("/{gateway_id}")
async def show_gateway(actor: Reader, gateway_id: UUID) -> dict[str, Any]:
    """One gateway."""
    async with transaction(actor) as tx:
        return answer(_gateway(await queries.gateway(tx, gateway_id)))


@router.put("/{gateway_id}")
async def change_gateway(actor: Setter, gateway_id: UUID, given: GatewayGiven) -> dict[str, Any]:
    """Where it stands and what people call it."""
    async with transaction(actor) as tx:
        gateway = await queries.gateway(tx, gateway_id)
        site_id = given.site_id if "site_id" in given.model_fields_set else gateway.site_id
        await commands.edit_gateway(tx, gateway_id, site_id=site_id, **_described(given))
        return answer(_gateway(gateway))


@router.delete("/{gateway_id}")
async def remove_gateway(actor: Setter, gateway_id: UUID) -> dict[str, Any]:
    """Take it away; nobody is told of its silence any more."""
    async with transaction(actor) as tx:
        await commands.remove_gateway(tx, gateway_id)
    return answer({"gateway_id": gateway_id})


@router.post("/{gateway_id}/status")
async def tell_status(actor: Setter, gateway_id: UUID, told: Told) -> dict[str, Any]:
    """Tell that it was heard, or that it is gone (which is an alert at once); what it does not say itself is found out by us."""
    async with transaction(actor) as tx:
        await commands.tell_status(tx, gateway_id, status=told.status, last_seen_at=told.last_seen_at, signal_dbm=told.signal_strength)
        return answer(_gateway(await queries.gateway(tx, gateway_id)))


def _described(given: GatewayGiven) -> dict[str, Any]:
    return {name: getattr(given, name) for name in NAMED if name in given.model_fields_set}


def _gateway(one: Gateway) -> dict[str, Any]:
    return {
        "id": one.id, "gateway_id": one.gateway_id, "gateway_eui": one.gateway_eui, "name": one.name, "description": one.description,
        "site_id": one.site_id, "connection_id": one.ttn_connection_id, "frequency_plan_id": one.frequency_plan_id, "status": one.status,
        "latitude": one.latitude, "longitude": one.longitude, "altitude_m": one.altitude_m, "signal_strength": one.signal_dbm,
        "last_seen_at": one.last_seen_at,
    }  # fmt: skip


def _view(view: GatewayView) -> dict[str, Any]:
    return _gateway(view.gateway) | {"site_name": view.site_name}
