"""How a farm is doing, for those who may look at it."""

from datetime import timedelta

import pytest

from data.core.actor import Actor
from data.core.errors import NotFound
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.overview import Overview, overview, overviews
from data.farm.rules import ANSWER_WITHIN
from data.farm.rules.health import Health
from data.farm.values import SensorValue
from data.identity.tables import Role
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World, person
from tests.farm.asking import ask, give_up, hand_over, hear, presence, state


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False)
    return made


async def seen(who: Actor, farm: FarmWorld) -> Overview:
    async with transaction(who) as tx:
        return await overview(tx, farm.farm.id, at=now())


async def test_a_farm_is_counted_for_owner_colleague_and_keeper_alike_and_not_for_the_neighbour(world: World, farm: FarmWorld) -> None:
    at = now()
    values = [SensorValue(farm.probe.topic, kind, value, unit, at) for kind, value, unit in (("temperature", 31.5, "°C"), ("humidity", 70, "%"))]
    await hear(world, farm.probe, *values)
    for who in (world.owner, world.colleague, world.keeper):
        one = await seen(who, farm)
        assert (one.devices, one.online, one.offline, one.in_error, one.health) == (3, 3, 0, 0, Health.GOOD)
        assert (one.celsius, one.humidity, one.commands_24h, one.alerts_24h) == (31.5, 70, 0, 0)
    async with transaction(world.owner) as tx:
        (later,) = await overviews(tx, [farm.farm], at=at + timedelta(minutes=16))
    assert (later.celsius, later.humidity) == (None, None)
    with pytest.raises(NotFound):
        await seen(world.stranger, farm)
    async with transaction(world.stranger) as tx:
        assert await overviews(tx, [farm.farm], at=at) == []


async def test_what_is_wrong_is_a_warning_until_it_is_critical_and_each_farm_has_its_own(world: World, farm: FarmWorld) -> None:
    other = await build_farm(world.owner, prefix="hill")
    await bring_online(world.owner, other.fan, other.pump, other.probe)
    await presence(world, farm.pump, False)
    assert ((one := await seen(world.viewer, farm)).offline, one.health) == (2, Health.WARNINGS)
    await ask(world.keeper, farm.fan)
    await hand_over()
    await give_up(world, now() + ANSWER_WITHIN)
    one = await seen(world.viewer, farm)
    assert (one.in_error, one.commands_24h, one.alerts_24h, [alert.alert_type for alert in one.troubles]) == (1, 1, 1, ["device_silent"])
    async with transaction(world.owner) as tx:
        await commands.stop_all(tx, farm.farm.id)
    assert (await seen(world.viewer, farm)).health is Health.ERRORS
    async with transaction(world.owner) as tx:
        healths = {one.farm.id: one.health for one in await overviews(tx, await queries.farms(tx), at=now())}
    assert healths == {farm.farm.id: Health.ERRORS, other.farm.id: Health.GOOD}
    hired = await person(world.organization, "Hana Hired", (Role.KEEPER, other.farm.id))
    async with transaction(hired) as tx:
        assert [one.farm.id for one in await overviews(tx, await queries.farms(tx), at=now())] == [other.farm.id]
        assert {one.device.farm_id for one in await queries.tiles(tx, farm_id=other.farm.id)} == {other.farm.id}


async def test_a_device_that_speaks_against_itself_is_an_error(world: World, farm: FarmWorld) -> None:
    asked = await ask(world.keeper, farm.fan)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    await hear(world, farm.fan, state(farm.fan, False, at=now() + timedelta(seconds=20)))  # a hand at its switch
    assert asked.device_id == farm.fan.id and (await seen(world.owner, farm)).in_error == 1
