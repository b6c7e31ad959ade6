"""Who stays connected: each has a short queue of what is still to be told, and whoever is too slow is told to ask anew."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

import structlog

from data.core.actor import Actor
from data.core.bus import Heard, bus
from data.core.errors import TooOften
from data.core.session import UNREACHABLE
from data.identity import programs

log = structlog.get_logger()

MOST_WAITING = 200
"""Messages that wait for one program. They are shared by all who are told the same, so this is a list of references."""
MOST_OF_ONE = 20
"""Connections of one session, or of one gateway."""
LOOK_AGAIN_S, AGAIN_S = 300.0, 5.0
LAST_WORD_S = 3.0
RESYNC, ENDED = "resync", "session:ended"

Say = Callable[[str, Any], Awaitable[None]]
Close = Callable[[], Awaitable[None]]


class Room(Protocol):
    """Where several are told the same."""

    def leave(self, one: "Listener", /) -> None: ...


class Listener:
    """One connected program. `say` hands a message to the line and waits until it has taken it; `close` cuts the line."""

    def __init__(self, actor: Actor, say: Say, close: Close, *, token_id: UUID | None = None) -> None:
        self.actor, self.token_id = actor, token_id
        self.rooms: set[Room] = set()
        self._say, self._close = say, close
        self._waiting: deque[tuple[str, Any]] = deque()
        self._has, self.is_over = asyncio.Event(), False
        self._task = asyncio.create_task(self._tell(), name="push")

    @property
    def key(self) -> UUID:
        """What it came with: a session, or a gateway's token."""
        key = self.token_id or self.actor.session_id
        assert key
        return key

    def tell(self, event: str, data: Any) -> None:
        """Have it told as soon as the line takes it. What is too much is dropped, and it is told that it missed something."""
        if self.is_over:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            self._waiting.append((RESYNC, {"reason": "slow"}))
        self._waiting.append((event, data))
        self._has.set()

    def end(self, reason: str) -> None:
        """Nothing is told any more but this; then the line is cut."""
        if not self.is_over:
            self.gone()
            self._task = asyncio.create_task(self._finish(reason), name="push: the end")

    def gone(self) -> None:
        """The line is cut already."""
        if self.is_over:
            return
        self.is_over = True
        self._waiting.clear()
        self._task.cancel()
        for room in tuple(self.rooms):
            room.leave(self)
        everybody.leave(self)

    async def _tell(self) -> None:
        while True:
            while self._waiting:
                try:
                    await self._say(*self._waiting.popleft())
                except Exception as reason:  # an edge: a line that broke is its own end
                    log.debug("a program's line broke", reason=str(reason))
                    self.gone()
                    return
            self._has.clear()
            await self._has.wait()

    async def _finish(self, reason: str) -> None:
        try:
            async with asyncio.timeout(LAST_WORD_S):
                await self._say(ENDED, {"reason": reason})
        except Exception as why:  # an edge: nobody hears it, and the line is cut all the same
            log.debug("a program did not hear that it is put out", reason=str(why))
        with suppress(Exception):  # an edge: it is cut already
            await self._close()


class Everybody:
    """All who are connected to this process. While there is nobody, nothing is listened to."""

    def __init__(self) -> None:
        self._all: set[Listener] = set()
        self._stops: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._doubted, self._doubts = set[Listener](), asyncio.Event()
        """Whose rights may be others than when they came."""

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, one: Listener) -> None:
        """TooOften where the same session has too many connections."""
        if sum(other.key == one.key for other in self._all) >= MOST_OF_ONE:
            raise TooOften("There are too many connections already. Close one of them.", retry_after_s=60)
        if not self._all:
            self._begin()
        self._all.add(one)

    def leave(self, one: Listener) -> None:
        self._all.discard(one)
        if not self._all:
            self._end()

    def _begin(self) -> None:
        self._stops = [
            bus.listen("SessionEnded", "*", self._session_ended), bus.listen("PeopleChanged", "*", self._people_changed),
            bus.listen("TokensChanged", "*", self._tokens_changed),
        ]  # fmt: skip
        self._task = asyncio.create_task(self._look(), name="push: who may stay")

    def _end(self) -> None:
        for stop in self._stops:
            stop()
        self._stops = []
        if self._task:
            self._task.cancel()

    def _session_ended(self, heard: Heard) -> None:
        if heard.ids:
            _end(one for one in self._all if str(one.actor.session_id) == heard.ids.get("session_id"))
            return
        for one in self._all:  # the bus was away: anything may have changed
            one.tell(RESYNC, {"reason": "missed"})
        self._doubt(self._all)

    def _people_changed(self, heard: Heard) -> None:
        """Who changed only their name stays."""
        user_id = heard.ids.get("user_id")
        self._doubt(one for one in self._all if (user_id or heard.organization_id) in (str(one.actor.user_id), str(one.actor.organization_id)))

    def _tokens_changed(self, heard: Heard) -> None:
        _end(one for one in self._all if one.token_id and heard.ids.get("token_id") in (None, str(one.token_id)))

    def _doubt(self, which: Iterable[Listener]) -> None:
        self._doubted |= {one for one in which if one.token_id is None}
        self._doubts.set()

    async def _look(self) -> None:
        """What nobody announces ends a session too: that its time is over. So all are looked at now and then."""
        while True:
            try:
                await asyncio.wait_for(self._doubts.wait(), LOOK_AGAIN_S)
            except TimeoutError:
                self._doubt(self._all)
            self._doubts.clear()
            people, self._doubted = list(self._doubted & self._all), set()
            try:
                stays = await programs.are_unchanged([one.actor for one in people])
            except UNREACHABLE as reason:
                log.warning("who may stay connected could not be asked", reason=str(reason).splitlines()[0])
                await asyncio.sleep(AGAIN_S)
                self._doubt(people)
            else:
                _end((one for one, is_same in zip(people, stays, strict=True) if not is_same), "rights")


def _end(which: Iterable[Listener], reason: str = "session") -> None:
    for one in tuple(which):
        one.end(reason)


everybody = Everybody()
