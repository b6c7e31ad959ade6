import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlmodel import select

from data.core.errors import Busy, Conflict, Refusal
from data.core.intake import Intake
from data.core.session import Transaction, transaction
from data.platform.tables import UnknownDevice
from tests.factories.people import World


def unknown(name: str) -> UnknownDevice:
    return UnknownDevice(network="test", identifier=name, reason="a test")


class Keeper:
    """Stores names as rows; refuses 'refused', breaks the database's rules on 'poison'; remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    async def store(self, tx: Transaction, messages: Sequence[str]) -> Sequence[Any]:
        self.batches.append(list(messages))
        for name in messages:
            if name == "poison":
                await tx.execute(text("select 1/0"))
            if name != "refused":
                tx.add(unknown(name))
        return [Conflict("No.") if name == "refused" else name for name in messages]


@pytest.fixture
async def intake(world: World) -> AsyncIterator[Intake]:
    made = Intake(capacity=50, batch_size=20, writers=1)
    made.start()
    yield made
    await made.stop()


async def kept(world: World) -> set[str]:
    async with transaction(world.owner) as tx:
        return set(await tx.exec(select(UnknownDevice.identifier)))


async def test_whoever_is_answered_finds_the_message_in_the_database(world: World, intake: Intake) -> None:
    keeper = Keeper()
    assert await intake.take(world.organization_id, keeper.store, "one", by="test") == "one"
    assert await kept(world) == {"one"}


async def test_messages_that_wait_together_are_stored_together(world: World, intake: Intake) -> None:
    keeper = Keeper()
    names = [str(n) for n in range(40)]
    await asyncio.gather(*(intake.take(world.organization_id, keeper.store, name, by="test") for name in names))
    assert await kept(world) == set(names)
    assert len(keeper.batches) <= 4


async def test_a_refusal_goes_to_its_own_sender_only(world: World, intake: Intake) -> None:
    keeper = Keeper()
    outcomes = await intake.take_all(world.organization_id, keeper.store, ["a", "refused", "b"], by="test")
    assert outcomes[0] == "a" and isinstance(outcomes[1], Refusal) and outcomes[2] == "b"
    with pytest.raises(Conflict):
        await intake.take(world.organization_id, keeper.store, "refused", by="test")
    assert await kept(world) == {"a", "b"}


async def test_one_message_that_cannot_be_stored_does_not_take_the_others_with_it(world: World, intake: Intake) -> None:
    keeper = Keeper()
    sent = [intake.take(world.organization_id, keeper.store, name, by="test") for name in ("a", "poison", "b", "c")]
    outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert [outcomes[0], *outcomes[2:]] == ["a", "b", "c"] and isinstance(outcomes[1], Exception)
    assert await kept(world) == {"a", "b", "c"}


async def test_a_full_queue_tells_its_senders_to_come_back(world: World) -> None:
    waiting = Intake(capacity=3)
    pending = [asyncio.create_task(waiting.take(world.organization_id, Keeper().store, n, by="test")) for n in "abc"]
    await asyncio.sleep(0)
    with pytest.raises(Busy) as busy:
        await waiting.take(world.organization_id, Keeper().store, "d", by="test")
    assert busy.value.status == 503 and busy.value.retry_after_s > 0
    waiting.start()
    assert await asyncio.gather(*pending) == ["a", "b", "c"]
    await waiting.stop()


async def test_stopping_stores_what_was_waiting(world: World) -> None:
    closing = Intake()
    pending = asyncio.create_task(closing.take(world.organization_id, Keeper().store, "last", by="test"))
    await asyncio.sleep(0)
    closing.start()
    await closing.stop()
    assert await pending == "last" and await kept(world) == {"last"}


async def test_a_lost_connection_is_told_as_busy_and_the_next_message_is_stored(
    world: World, intake: Intake, owner_connection: psycopg.Connection
) -> None:
    class Cut(Keeper):
        async def store(self, tx: Transaction, messages: Sequence[str]) -> Sequence[Any]:
            owner_connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'steading_app' and state <> 'idle' and datname = current_database()")
            return await super().store(tx, messages)

    with pytest.raises(Busy):
        async with transaction(world.owner):  # warms the pool
            pass
        await intake.take(world.organization_id, Cut().store, "cut", by="test")
    assert await intake.take(world.organization_id, Keeper().store, "after", by="test") == "after"
    assert await kept(world) == {"after"}
