"""A relay at the real broker is asked how it is, and told how long it may be on and how it starts."""

import asyncio
from datetime import datetime

from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.commands.guards import ASKED_EVERY
from data.farm.tables import Device, SwitchAction
from tests.factories.farm import FarmWorld, eventually, tasmota
from tests.factories.people import World


async def seen(world: World, device: Device) -> Device:
    async with transaction(world.owner) as tx:
        return await queries.device(tx, device.id)


async def is_known(world: World, device: Device, *, is_on: bool) -> bool:
    return (await seen(world, device)).is_on is is_on


async def is_asked(*, at: datetime) -> bool:
    """Whether the sweep found the one output to ask; it passes over what a message of the device is being written to just then."""
    async with across_tenants("tests") as tx:
        return await commands.want_states(tx, at=at) == 1


async def test_a_relay_that_has_not_spoken_for_a_minute_is_asked(world: World, farm: FarmWorld, port: int) -> None:
    async with tasmota(port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:
        await eventually(lambda: is_known(world, farm.fan, is_on=False))
        relay.is_on = True  # and what it said was lost on the way
        await eventually(lambda: is_asked(at=now() + 2 * ASKED_EVERY))
        await eventually(lambda: is_known(world, farm.fan, is_on=True))


async def test_a_relay_keeps_its_longest_time_and_its_start_by_itself(world: World, farm: FarmWorld, port: int) -> None:
    settings = {f"cmnd/{farm.fan.topic}/PulseTime1": "400", f"cmnd/{farm.fan.topic}/PowerOnState": "0"}
    async with tasmota(port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:
        await eventually(lambda: is_known(world, farm.fan, is_on=False))
        async with transaction(world.owner) as tx:
            await commands.set_guard(tx, farm.fan.id, max_on_s=300, startup_state=SwitchAction.OFF)
        await eventually(lambda: dict(relay.asked).items() >= settings.items())
    async with tasmota(port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:  # another board of the same name is told as well
        await eventually(lambda: dict(relay.asked).items() >= settings.items())


async def test_a_limit_that_is_taken_away_is_taken_away_there_too(world: World, farm: FarmWorld, port: int) -> None:
    async with tasmota(port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:
        await eventually(lambda: is_known(world, farm.fan, is_on=False))
        async with transaction(world.owner) as tx:
            await commands.set_guard(tx, farm.fan.id, max_on_s=None, startup_state=None)
        await eventually(lambda: (f"cmnd/{farm.fan.topic}/PulseTime1", "0") in relay.asked)
    assert not [topic for topic, _ in relay.asked if topic.endswith("PowerOnState")]


async def test_a_wish_that_waited_goes_out_when_the_relay_is_back(world: World, farm: FarmWorld, port: int) -> None:
    async with transaction(world.owner) as tx:
        await commands.switch(tx, farm.fan.id, on=True)
    await asyncio.sleep(0.5)
    async with tasmota(port, farm.fan.topic, farm.secrets[farm.fan.id]):
        await eventually(lambda: is_known(world, farm.fan, is_on=True))
