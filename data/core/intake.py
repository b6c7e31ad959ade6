"""Machines' messages wait in one bounded queue and are stored in small batches; a sender hears back once it is kept."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

import structlog

from data.core.actor import Actor, ActorKind
from data.core.errors import Busy, Refusal
from data.core.session import UNREACHABLE, Transaction, current

log = structlog.get_logger()

Store = Callable[[Transaction, Sequence[Any]], Awaitable[Sequence[Any]]]
"""Stores a batch of one organization's messages in one transaction; answers one outcome a message, in order. An
outcome that is a Refusal is raised to that message's sender alone."""


@dataclass(slots=True)
class _Waiting:
    """What one sender brought at once, and where to tell what became of each message."""

    organization_id: UUID
    store: Store
    by: str
    messages: Sequence[Any]
    kept: asyncio.Future[list[Any]]


class Intake:
    """The queue and its few writers. `capacity` is in messages; a batch is closed once it holds `batch_size`."""

    def __init__(self, *, capacity: int = 20_000, batch_size: int = 5_000, writers: int = 2) -> None:
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._capacity, self._waiting = capacity, 0
        self._batch_size, self._writers = batch_size, writers
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Messages not yet taken up."""
        return self._waiting

    @property
    def has_room(self) -> bool:
        """Whether another message may come."""
        return self._waiting < self._capacity

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._write(), name=f"intake-{n}") for n in range(self._writers)]

    async def stop(self) -> None:
        """Store what is waiting, then stop."""
        if self._tasks:
            await self._queue.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def take(self, organization_id: UUID, store: Store, message: Any, *, by: str) -> Any:
        """Queue one message and wait until it is committed; its outcome. Busy when the queue is full."""
        return (await self.take_all(organization_id, store, [message], by=by))[0]

    async def take_all(self, organization_id: UUID, store: Store, messages: Sequence[Any], *, by: str) -> list[Any]:
        """Queue several messages of one sender, all or none, and wait for all of them.

        An outcome is what `store` answered for it, or the Refusal itself; with a single message a Refusal is raised.
        """
        if self._waiting + len(messages) > self._capacity:
            raise Busy("Too many messages are waiting. Send it again in a few seconds.")
        self._waiting += len(messages)
        one = _Waiting(organization_id, store, by, messages, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(one)
        outcomes = await one.kept
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and (len(outcomes) == 1 or not isinstance(outcome, Refusal)):
                raise outcome
        return outcomes

    async def _write(self) -> None:
        while True:
            batch = [await self._queue.get()]
            size = len(batch[0].messages)
            while size < self._batch_size and not self._queue.empty():
                batch.append(self._queue.get_nowait())
                size += len(batch[-1].messages)
            self._waiting -= size
            groups: dict[tuple[UUID, Store, str], list[_Waiting]] = defaultdict(list)
            for one in batch:
                groups[one.organization_id, one.store, one.by].append(one)
            for (organization_id, store, name), members in groups.items():
                actor = Actor(ActorKind.MACHINE, organization_id, name)
                outcomes = iter(await _outcomes(actor, store, [m for one in members for m in one.messages]))
                for one in members:
                    mine = list(islice(outcomes, len(one.messages)))
                    if not one.kept.done():  # else its sender went away
                        one.kept.set_result(mine)
            for _ in batch:
                self._queue.task_done()


async def _outcomes(actor: Actor, store: Store, messages: Sequence[Any]) -> Sequence[Any]:
    """What became of each message. Where the whole batch cannot be stored, halves of it are tried: one message that cannot
    be stored must not take the others with it."""
    try:
        async with current().transaction(actor) as tx:
            outcomes = await store(tx, messages)
            assert len(outcomes) == len(messages), "a store answers one outcome a message"
    except UNREACHABLE as reason:
        log.warning("intake could not reach the database", reason=str(reason).splitlines()[0])
        return [Busy("The database does not answer. Send it again in a few seconds.")] * len(messages)
    except Exception as reason:  # an edge
        if len(messages) == 1:
            if not isinstance(reason, Refusal):
                log.exception("a message could not be stored", by=actor.name)
            return [reason]
        middle = len(messages) // 2
        return [*await _outcomes(actor, store, messages[:middle]), *await _outcomes(actor, store, messages[middle:])]
    return outcomes
