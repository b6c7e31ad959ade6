"""What many screens ask in the same moment, with the same rights and in the same words, is asked once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from data.core.actor import Actor

Answer = TypeVar("Answer")

_waiting: dict[Hashable, "asyncio.Task[Any]"] = {}
_running: dict[Hashable, "asyncio.Task[Any]"] = {}


def eyes(actor: Actor) -> Hashable:
    """The same for all who see the same, and read it in the same words."""
    return actor.organization_id, frozenset(actor.rights.items()), actor.language, actor.time_zone, actor.units


async def together(key: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer to a question of that key that begins from now on: one that runs already may not know what just changed.

    Who asks while one waits for its turn shares it, so there are never more than two of a key under way.
    """
    if key not in _waiting:
        _waiting[key] = asyncio.create_task(_in_turn(key, _running.get(key), ask), name="asked together")
    answer: Answer = await asyncio.shield(_waiting[key])
    return answer


async def _in_turn(key: Hashable, before: "asyncio.Task[Any] | None", ask: Callable[[], Awaitable[Answer]]) -> Answer:
    if before is not None:
        await asyncio.wait([before])
    me = _running[key] = _waiting.pop(key)
    try:
        return await ask()
    finally:
        if _running.get(key) is me:
            del _running[key]
