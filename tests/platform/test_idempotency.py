"""Who asks a second time under the same key gets what came of the first time."""

import asyncio
from uuid import UUID

import psycopg
import pytest

from data.core.actor import Actor
from data.core.errors import Conflict, Invalid
from data.core.session import transaction
from data.core.table import uuid7
from data.platform.idempotency import once
from jobs.upkeep import forget_expired
from tests.factories.people import World

ASKED = {"device": "fan", "command": "toggle"}


async def asks(who: Actor, key: str | None, asked: dict[str, str] = ASKED, *, refused: bool = False) -> UUID:
    async def do() -> UUID:
        await asyncio.sleep(0)
        if refused:
            raise Conflict("Not now.")
        return uuid7()

    async with transaction(who) as tx:
        return await once(tx, key, asked, do)


async def test_the_same_key_is_answered_the_same_and_each_person_has_keys_of_their_own(world: World) -> None:
    first = await asks(world.owner, "k-1")
    assert await asks(world.owner, "k-1") == first
    others = [await asks(who, "k-1") for who in (world.colleague, world.stranger)] + [await asks(world.owner, key) for key in ("k-2", None, None)]
    assert len({first, *others}) == 6
    for key, asked in (("k-1", ASKED | {"command": "on"}), ("two words", ASKED), ("x" * 201, ASKED), ("", ASKED)):
        with pytest.raises(Invalid) as refusal:
            await asks(world.owner, key, asked)
        assert refusal.value.field == "Idempotency-Key"


async def test_two_at_the_same_moment_are_one_and_what_was_refused_may_be_asked_again(world: World) -> None:
    with pytest.raises(Conflict):
        await asks(world.owner, "k", refused=True)
    assert len(set(await asyncio.gather(*(asks(world.owner, "k") for _ in range(4))))) == 1


async def test_a_key_is_known_for_a_day(world: World, owner_connection: psycopg.Connection) -> None:
    first = await asks(world.owner, "k")
    await forget_expired()
    assert await asks(world.owner, "k") == first
    owner_connection.execute("update platform.idempotency_keys set created_at = now() - interval '25 hours'")
    await forget_expired()
    assert await asks(world.owner, "k") != first
