"""A room is asked for once, however many are in it; when nobody is left it hears nothing and asks nothing."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from contextlib import suppress
from time import monotonic
from typing import Any, Self
from uuid import UUID

import structlog
from fastapi.encoders import jsonable_encoder

from data.core.session import UNREACHABLE
from jobs.api.push._listeners import Listener

log = structlog.get_logger()

PAUSE_S = 0.4
"""Between two questions about one room: what happens at once is told at once, a burst is asked for as one."""
AGAIN_S = 5.0

_open: dict[Hashable, "Feed"] = {}


class Feed(ABC):
    """What those in one room are told. Which devices somebody wants to hear of: these, or None for all of the room."""

    def __init__(self, key: Hashable) -> None:
        self._key = key
        self.listeners: dict[Listener, set[UUID] | None] = {}
        self._wakes, self._asked_at = asyncio.Event(), 0.0
        self._stops = self.listen()
        self._task = asyncio.create_task(self._run(), name="push: a room")

    @classmethod
    def of(cls, key: Hashable, *named: Any) -> Self:
        """The room that is open, or a new one."""
        found = _open.get((cls, key))
        if found is None:
            found = _open[cls, key] = cls((cls, key), *named)
        assert isinstance(found, cls)
        return found

    @classmethod
    def if_open(cls, key: Hashable) -> Self | None:
        found = _open.get((cls, key))
        return found if isinstance(found, cls) else None

    @abstractmethod
    def listen(self) -> list[Callable[[], None]]:
        """Hear of what happens here; the ways to stop."""

    @abstractmethod
    async def ask(self) -> None:
        """Find out what is new, and tell it."""

    @property
    def due_in_s(self) -> float | None:
        """After how long it must be asked without anything having happened."""
        return None

    def join(self, one: Listener, devices: set[UUID] | None = None) -> None:
        """Tell them from now on; joined again, they hear of what is named now."""
        self.listeners[one] = devices
        one.rooms.add(self)

    def leave(self, one: Listener) -> None:
        self.listeners.pop(one, None)
        one.rooms.discard(self)
        if not self.listeners and _open.get(self._key) is self:
            del _open[self._key]
            for stop in self._stops:
                stop()
            self._task.cancel()

    def wake(self) -> None:
        self._wakes.set()

    def tell(self, event: str, data: dict[str, Any], *, device_id: UUID | None = None) -> None:
        """Made ready once, for all who want to hear of that device."""
        ready = jsonable_encoder(data)
        for one, wanted in tuple(self.listeners.items()):
            if wanted is None or device_id in wanted:
                one.tell(event, ready)

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wakes.wait(), self.due_in_s)
            await asyncio.sleep(max(0.0, self._asked_at + PAUSE_S - monotonic()))
            self._wakes.clear()
            self._asked_at = monotonic()
            try:
                await self.ask()
            except UNREACHABLE as reason:
                log.warning("what is new could not be asked", reason=str(reason).splitlines()[0])
                self._wakes.set()
                await asyncio.sleep(AGAIN_S)
            except Exception:  # an edge: one room that cannot be asked must not silence it for good
                log.exception("what is new could not be told")
                await asyncio.sleep(AGAIN_S)
