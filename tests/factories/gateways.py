"""A gateway as it comes out of its box: it asks for a code, is claimed, fetches its token, and lists what stands behind it."""

from dataclasses import dataclass
from datetime import datetime

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm.commands import gateways
from data.farm.commands.gateways import Code, Fetched
from data.farm.commands.gateways_asked import take_in
from data.farm.commands.gateways_heard import Heard, hear_gateways
from data.farm.rules.gateways import Beat, Inventory, Listed, Measured, Told, model_of
from data.farm.tables import Device, Gateway
from tests.factories.farm import FarmWorld
from tests.factories.people import World


@dataclass(frozen=True, slots=True)
class Box:
    """A claimed gateway, and the token that it has."""

    gateway: Gateway
    token: str


async def ask_for_code(hardware_id: str, *, at: datetime | None = None) -> Code:
    async with across_tenants("tests") as tx:
        return await gateways.ask_for_code(tx, hardware_id, description='{"firmware_version": "1.2"}', at=at or now())


async def fetch(code: Code) -> Fetched:
    async with across_tenants("tests") as tx:
        return await gateways.fetch_token(tx, code.code, code.poll_token, at=now())


async def claim(who: Actor, farm: FarmWorld, code: str, *, house: str = "House 1") -> Gateway:
    async with transaction(who) as tx:
        return await gateways.claim_gateway(tx, code, farm_id=farm.farm.id, house=house)


async def claimed(who: Actor, farm: FarmWorld, *, hardware_id: str = "PI_1", house: str = "House 1") -> Box:
    code = await ask_for_code(hardware_id)
    gateway = await claim(who, farm, code.code, house=house)
    return Box(gateway, (await fetch(code)).token or "")


async def tell(world: World, box: Box, *words: Beat | Measured | Inventory, at: datetime | None = None) -> list[Heard]:
    """As the door does; every one must be taken."""
    async with transaction(Actor.machine(world.organization_id, "gateway")) as tx:
        outcomes = await hear_gateways(tx, [Told(box.gateway.id, word, at or now()) for word in words])
    assert all(isinstance(one, Heard) for one in outcomes), outcomes
    return [one for one in outcomes if isinstance(one, Heard)]


def listed(*models: str) -> tuple[Listed, ...]:
    return tuple(Listed(model, model_of(model).device_type, model, model.replace("_", " ").capitalize()) for model in models)


async def list_devices(world: World, box: Box, *models: str) -> list[Device]:
    """The gateway lists them, and its farmer takes them in; in this order, and present."""
    await tell(world, box, Inventory(now(), None, listed(*models)))
    async with transaction(world.owner) as tx:
        taken = {str(device.model): device for device in await take_in(tx, box.gateway.id)}
    await tell(world, box, Beat(now()))
    return [taken[model] for model in models]
