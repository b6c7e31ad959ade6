"""When something changes, whoever is looking hears that it did, and asks again under their own rights."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import structlog

log = structlog.get_logger()

CHANNEL = "steading"
_as_text = json.JSONEncoder(sort_keys=True).encode  # json.dumps would make an encoder each time
Hearer = Callable[[], None]
EventHearer = Callable[["Heard"], None]


@dataclass(frozen=True)
class Event:
    """Something that happened, told by ids only. Subclasses are frozen dataclasses of UUIDs, named in the past tense."""

    def ids(self) -> dict[str, str]:
        return {name: str(value) for name in self.__dataclass_fields__ if (value := getattr(self, name)) is not None}

    def payload(self, organization_id: UUID | None) -> str:
        """The text that PostgreSQL carries (well under its 8,000 bytes)."""
        return _as_text({"e": type(self).__name__, "i": self.ids(), "o": str(organization_id)})


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as it arrived: its name, organization and ids as text."""

    name: str
    organization_id: str
    ids: dict[str, str]


@dataclass(frozen=True)
class Topic:
    """What somebody listens to: one kind of event in one organization, optionally about one thing."""

    bus: "Bus"
    event: str
    organization_id: str
    ids: tuple[tuple[str, str], ...] = ()

    def subscribe(self, hearer: Hearer) -> Callable[[], None]:
        """Call `hearer` on each matching event until the returned function is called."""
        return self.bus.listen(self.event, self.organization_id, lambda heard: hearer(), dict(self.ids))


@dataclass(eq=False, slots=True)
class _Listener:
    hearer: EventHearer
    ids: dict[str, str]


class Bus:
    """One listening connection a process. After a lost connection every hearer is called once: anything may have changed."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, str], set[_Listener]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self.is_connected = asyncio.Event()

    def topic(self, event: type[Event], organization_id: UUID | str, **ids: UUID) -> Topic:
        """The topic of that event in that organization; ids narrow it to one thing."""
        return Topic(self, event.__name__, str(organization_id), tuple((k, str(v)) for k, v in ids.items()))

    def listen(
        self, event: str, organization_id: str, hearer: EventHearer, ids: dict[str, str] | None = None
    ) -> Callable[[], None]:
        """Subscribe; `organization_id` '*' hears every organization (jobs only). Returns the way to stop."""
        key, listener = (event, organization_id), _Listener(hearer, ids or {})
        self._listeners[key].add(listener)

        def stop() -> None:
            self._listeners[key].discard(listener)
            if not self._listeners[key]:
                self._listeners.pop(key, None)

        return stop

    def announce(self, payload: str) -> None:
        """Tell the hearers of one payload (called by the listening connection)."""
        data: dict[str, Any] = json.loads(payload)
        heard = Heard(data["e"], data["o"], data["i"])
        for organization_id in (heard.organization_id, "*"):
            for listener in tuple(self._listeners.get((heard.name, organization_id), ())):
                if all(heard.ids.get(k, v) == v for k, v in listener.ids.items()):
                    self._call(listener.hearer, heard)

    def _call(self, hearer: EventHearer, heard: Heard) -> None:
        try:
            hearer(heard)
        except Exception:  # an edge: one broken hearer must not silence the others
            log.exception("hearer failed", heard=heard.name)

    def _resynchronize(self) -> None:
        for (name, organization_id), listeners in tuple(self._listeners.items()):
            for listener in tuple(listeners):
                self._call(listener.hearer, Heard(name, organization_id, {}))

    def start(self, conninfo: str) -> None:
        """Listen until `stop`; reconnects by itself."""
        self._task = asyncio.create_task(self._run(conninfo), name="bus")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self.is_connected.clear()

    async def _run(self, conninfo: str) -> None:
        is_first, wait_s = True, 0.5
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
                    await connection.execute(f"listen {CHANNEL}")
                    self.is_connected.set()
                    if not is_first:
                        self._resynchronize()
                    is_first, wait_s = False, 0.5
                    async for notification in connection.notifies():
                        self.announce(notification.payload)
            except (psycopg.Error, OSError) as reason:
                self.is_connected.clear()
                log.warning("bus lost its connection", reason=str(reason).strip(), again_in_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 10)


bus = Bus()
