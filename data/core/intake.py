"""Machines' messages wait in one bounded queue and are stored in small batches; a sender hears back once it is kept."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
    organization_id: UUID
    store: Store
    actor_name: str
    message: Any
    kept: asyncio.Future[Any]


class Intake:
    """The queue and its few writers. `capacity` is in messages; a batch holds at most `batch_size`."""

    def __init__(self, *, capacity: int = 20_000, batch_size: int = 5_000, writers: int = 2) -> None:
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(capacity)
        self._batch_size, self._writers = batch_size, writers
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Messages not yet taken up."""
        return self._queue.qsize()

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
        if self._queue.maxsize - self._queue.qsize() < len(messages):
            raise Busy("Too many messages are waiting. Send it again in a few seconds.")
        loop = asyncio.get_running_loop()
        waiting = [_Waiting(organization_id, store, by, message, loop.create_future()) for message in messages]
        for one in waiting:
            self._queue.put_nowait(one)
        outcomes = await asyncio.gather(*(one.kept for one in waiting), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and (len(outcomes) == 1 or not isinstance(outcome, Refusal)):
                raise outcome
        return list(outcomes)

    async def _write(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self._batch_size and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            groups: dict[tuple[UUID, Store, str], list[_Waiting]] = defaultdict(list)
            for one in batch:
                groups[one.organization_id, one.store, one.actor_name].append(one)
            for (organization_id, store, name), members in groups.items():
                await self._store(Actor(kind=ActorKind.MACHINE, organization_id=organization_id, name=name), store, members)
            for _ in batch:
                self._queue.task_done()

    async def _store(self, actor: Actor, store: Store, members: list[_Waiting]) -> None:
        try:
            async with current().transaction(actor) as tx:
                outcomes = await store(tx, [one.message for one in members])
                assert len(outcomes) == len(members), "a store answers one outcome a message"
        except UNREACHABLE as reason:
            log.warning("intake could not reach the database", reason=str(reason).splitlines()[0])
            for one in members:
                _settle(one, Busy("The database does not answer. Send it again in a few seconds."))
        except Exception as reason:  # an edge: one message that cannot be stored must not take the others with it
            if len(members) == 1:
                if not isinstance(reason, Refusal):
                    log.exception("a message could not be stored", by=members[0].actor_name)
                _settle(members[0], reason)
                return
            middle = len(members) // 2
            await self._store(actor, store, members[:middle])
            await self._store(actor, store, members[middle:])
        else:
            for one, outcome in zip(members, outcomes, strict=True):
                _settle(one, outcome)


def _settle(one: _Waiting, outcome: Any) -> None:
    if one.kept.done():  # its sender went away
        return
    if isinstance(outcome, BaseException):
        one.kept.set_exception(outcome)
    else:
        one.kept.set_result(outcome)
