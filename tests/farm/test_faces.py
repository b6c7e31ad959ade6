"""What a tile shows while somebody's tap is under way."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from nicegui import Client, ui
from nicegui.events import GenericEventArguments

from data.core.actor import Actor
from data.core.session import transaction
from data.farm import commands, queries
from data.farm.queries import Tile as Known
from data.farm.rules import FARM_STOPPED
from data.farm.tables import Device
from pages._shell import Looker, explain
from pages.farm._faces import Faces
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import hand_over, hear, state
from ui.live import set_explain
from ui.tile import Tile


@pytest.fixture
def screen() -> Iterator[Client]:
    """A page that nobody looks at."""
    set_explain(explain)
    client = Client(ui.page("/nobody-looks"), request=None)
    yield client
    client.delete()


def draw(screen: Client, who: Actor, one: Known) -> tuple[Faces, Tile]:
    with screen:
        faces = Faces(Looker(who, "Asia/Phnom_Penh"))
        return faces, faces.draw(one, "Asia/Phnom_Penh")


async def known(who: Actor, device: Device) -> Known:
    async with transaction(who) as tx:
        return (await queries.tiles(tx, device.id))[0]


def shown(tile: Tile, *names: str) -> tuple[Any, ...]:
    return tuple(tile.props["value"].get(name) for name in names)


async def tap(tile: Tile, on: bool) -> None:
    await tile._switched(GenericEventArguments(sender=tile, client=tile.client, args={"on": on, "tap": 1}))


async def test_what_was_read_before_a_tap_does_not_end_it(world: World, screen: Client) -> None:
    farm: FarmWorld = await build_farm(world.owner)
    await bring_online(world.owner, farm.fan, is_on=False)
    before = await known(world.keeper, farm.fan)
    faces, tile = draw(screen, world.keeper, before)
    tapping = asyncio.create_task(tap(tile, True))
    await asyncio.sleep(0)
    faces.push([before])  # a neighbour's message made the screen ask again
    assert shown(tile, "asked") == (True,)
    await tapping
    faces.push([before])  # read before the commit, told after it
    assert shown(tile, "asked", "reason") == (True, "")
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    faces.push([await known(world.keeper, farm.fan)])
    assert shown(tile, "asked", "is_on", "end") == (None, True, "completed")


async def test_a_refusal_is_said_and_what_happened_meanwhile_too(world: World, screen: Client) -> None:
    farm = await build_farm(world.owner)
    await bring_online(world.owner, farm.fan, is_on=False)
    async with transaction(world.owner) as tx:
        await commands.stop_all(tx, farm.farm.id)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, False))
    faces, tile = draw(screen, world.keeper, await known(world.keeper, farm.fan))
    await hear(world, farm.fan, state(farm.fan, True))  # a hand at its switch
    meanwhile = await known(world.keeper, farm.fan)
    tapping = asyncio.create_task(tap(tile, True))
    await asyncio.sleep(0)
    faces.push([meanwhile])
    await tapping
    assert shown(tile, "asked", "is_on", "reason") == (None, True, FARM_STOPPED)
