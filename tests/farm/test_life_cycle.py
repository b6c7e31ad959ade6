"""Whatever happens in whatever order: a wish goes its way, and one at most is open a device."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from data.core.errors import Conflict
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands
from data.farm.rules import NEXT
from data.farm.tables import OPEN, CommandStatus, CommandType, DeviceCommand
from data.farm.values import CommandAnswer
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import ask, claim, give_up, hear, presence, state

SECOND = timedelta(seconds=1)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, is_on=False)
    return made


STEPS = ("on", "off", "toggle", "claim", "sent", "lost", "says on", "says off", "executing", "failed", "minute", "hour", "cancel", "away", "back")


@given(st.lists(st.sampled_from(STEPS), min_size=1, max_size=14))
@settings(max_examples=40)
def test_no_path_skips_a_state_and_one_wish_at_most_is_open(world: World, farm: FarmWorld, path: list[str]) -> None:
    asyncio.get_event_loop().run_until_complete(_walk(world, farm, path))


async def _walk(world: World, farm: FarmWorld, path: list[str]) -> None:
    at, known, claimed = now(), await _statuses(world), []
    for step in path:
        at += SECOND
        last = max(known, default=None)
        match step:
            case "on" | "off" | "toggle":
                await ask(world.owner, farm.fan, CommandType(step))
            case "claim":
                claimed = await claim(at=at)
            case "sent" | "lost":
                async with across_tenants("tests") as tx:
                    do = commands.mark_sent if step == "sent" else commands.give_back
                    await do(tx, [one.command_id for one in claimed], at=at)
                claimed = []
            case "says on" | "says off":
                await hear(world, farm.fan, state(farm.fan, step == "says on"))
            case "executing" | "failed" if last:
                await hear(world, farm.fan, CommandAnswer(farm.fan.topic, last, step, now()))
            case "minute" | "hour":
                at += timedelta(minutes=1) if step == "minute" else timedelta(hours=1)
                await give_up(world, at)
            case "cancel" if last:
                try:
                    async with transaction(world.owner) as tx:
                        await commands.cancel(tx, last)
                except Conflict:
                    assert known[last] is not CommandStatus.QUEUED or claimed or at > now()
            case "away" | "back":
                await bring_online(world.owner, farm.fan)
                if step == "away":
                    await presence(world, farm.fan, False)
        after = await _statuses(world)
        for command_id, status in after.items():
            before = known.get(command_id, CommandStatus.QUEUED)
            assert status is before or status in NEXT[before], (path, before, status)
        assert sum(status in OPEN for status in after.values()) <= 1
        known = after


async def _statuses(world: World) -> dict[object, CommandStatus]:
    async with transaction(world.owner) as tx:
        return {c.id: c.status for c in await tx.exec(select(DeviceCommand))}
