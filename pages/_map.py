"""Where everything is: each layer of the map is asked once for all who look, and what changed goes out as one message.

A layer is a kind of thing with a place. A domain adds its own as `LAYER` in `pages/<domain>/_layer.py`. People with the
same rights in the same organization share a room and a feeder; whoever enters a room has been checked before.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from data.core.actor import Actor, ActorKind
from data.core.bus import Event, Heard, bus
from data.core.session import Transaction, transaction
from pages._shell import Looker
from ui.live import Merging, live_value, on_connect
from ui.map import STATES, Fleet, Marker, Tiles, broadcast, fleet
from ui.words import _

log = structlog.get_logger()

DOMAINS = ("deliveries", "tracking", "farm", "cold_chain", "trees")
INDEX_BITS = 20
TICK_S = 1.0
FRESH_S = 1.0

Send = Callable[[str, NDArray[np.int32]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Spots:
    """Where all things of a layer are, without a Python object for each: 16 bytes an id, and in the same order rows of
    latitude·1e6, longitude·1e6, the state's place in ui.map.STATES, and when (seconds since 1970, unsigned).

    `looks` is another number when what is said of the things (name, detail, link) is another.
    """

    ids: bytes
    rows: NDArray[np.int32]
    looks: int = 0

    def are_the_same_as(self, others: "Spots") -> bool:
        """The same things, said the same of; they may be elsewhere."""
        return self.ids == others.ids and self.looks == others.looks

    @classmethod
    def unpacked(cls, ids: bytes, rows: bytes, states: Sequence[str]) -> "Spots":
        """From what a database packed: four int8 a row, the third being a place in `states`."""
        wide = np.frombuffer(rows, dtype=">i8").reshape(-1, 4)
        made = wide.astype("<u4").view("<i4")
        made[:, 2] = np.array([STATES.index(state) for state in states], dtype="<i4")[wide[:, 2]]
        return cls(ids, made)

    @classmethod
    def of(cls, markers: Mapping[UUID, Marker]) -> "Spots":
        """The same from drawn markers, for layers of few things."""
        made = np.empty((len(markers), 4), dtype="<i8")
        ordered = sorted(markers.items())
        for row, (_id, one) in enumerate(ordered):
            seconds = int(one.at.timestamp()) if one.at else 0
            made[row] = round(one.latitude * 1e6), round(one.longitude * 1e6), STATES.index(one.state), seconds
        ids = b"".join(thing_id.bytes for thing_id, _one in ordered)
        looks = hash(tuple((one.label, one.detail, one.href) for _id, one in ordered))
        return cls(ids, made.astype("<u4").view("<i4"), looks)

    def each(self) -> Iterator[UUID]:
        """The ids."""
        return (UUID(bytes=self.ids[start : start + 16]) for start in range(0, len(self.ids), 16))


@dataclass(frozen=True)
class Layer:
    """A kind of thing on the map; `label` is translated, `permission` opens it.

    `ask_all` answers (id, thing) pairs and `marker` draws one (its layer is filled in). `changes` are the events after
    which there are others or they look different, `moves` those after which they are elsewhere or in another state.
    Where there are many that move often, `ask_spots` spares making an object of each.
    """

    key: str
    label: str
    permission: str
    ask_all: Callable[[Transaction], Awaitable[Sequence[tuple[UUID, Any]]]]
    marker: Callable[[int, Any], Marker]
    changes: tuple[type[Event], ...]
    moves: tuple[type[Event], ...] = ()
    ask_spots: Callable[[Transaction], Awaitable[Spots]] | None = None


@cache
def layers() -> tuple[Layer, ...]:
    """Every domain's layer, in the order of the switches."""
    modules = [f"pages.{name}._layer" for name in DOMAINS if find_spec(f"pages.{name}")]
    return tuple(import_module(name).LAYER for name in modules if find_spec(name))


class Feeder:
    """One layer for those of one organization who see the same of it. Lives while somebody looks; asks with their right."""

    def __init__(self, layer: Layer, actor: Actor, *, first_index: int = 0, send: Send = broadcast) -> None:
        self.layer, self._actor, self._send = layer, actor, send
        scopes = actor.scopes(layer.permission)
        seen = "all" if scopes is None else hashlib.sha256(b"".join(sorted(s.bytes for s in scopes))).hexdigest()[:16]
        self.room = f"{actor.organization_id}.{layer.key}.{seen}"
        self._indexes: dict[UUID, int] = {}
        self._first_index = first_index
        self._things: list[tuple[int, Any]] = []
        self._spots = Spots(b"", np.empty((0, 4), dtype="<i4"))
        self._spot_indexes = np.empty(0, dtype="<i4")
        self._loaded_at = -1e9
        self._is_stale = True
        self._loading = asyncio.Lock()
        self._lookers: list[Callable[[], None]] = []
        self._stops: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._merging = self._new_merging()

    def _new_merging(self) -> Merging:
        def spawn(run: Coroutine[Any, Any, None]) -> None:
            self._task = asyncio.create_task(run, name=f"map {self.layer.key}")

        return Merging(self._tick, minimum_interval_s=TICK_S, spawn=spawn)

    def subscribe(self, looker: Callable[[], None]) -> Callable[[], None]:
        """Call `looker` when there are other things or they look different, until the returned function is called."""
        if not self._lookers:
            self._listen()
        self._lookers.append(looker)

        def leave() -> None:
            if looker in self._lookers:
                self._lookers.remove(looker)
                if not self._lookers:
                    self._rest()

        return leave

    def _listen(self) -> None:
        organization = str(self._actor.organization_id)
        self._is_stale = True
        self._merging = self._new_merging()
        for events, hearer in ((self.layer.changes, self._changed), (self.layer.moves, self._moved)):
            self._stops += [bus.listen(event.__name__, organization, hearer) for event in events]

    def _rest(self) -> None:
        for stop in self._stops:
            stop()
        self._stops.clear()
        self._merging.close()
        _feeders.pop(self.room, None)

    def _changed(self, heard: Heard) -> None:
        self._is_stale = True
        self._merging.poke()

    def _moved(self, heard: Heard) -> None:
        self._merging.poke()

    def index_of(self, thing_id: UUID) -> int | None:
        """What the markers of this thing are called, for `Fleet.select`."""
        return self._indexes.get(thing_id)

    async def markers(self) -> list[Marker]:
        """Everything of the layer, drawn in the words of whoever asks. Many who ask at once make one question."""
        async with self._loading:
            if self._is_stale or time.monotonic() - self._loaded_at > FRESH_S:
                await self._load()
        return [replace(self.layer.marker(index, thing), layer=self.layer.key) for index, thing in self._things]

    def rows(self) -> NDArray[np.int32]:
        """Where everything was last, as rows for `Fleet.move_markers`: what a screen that was away has missed."""
        return np.column_stack((self._spot_indexes, self._spots.rows))

    async def _load(self) -> None:
        self._is_stale = False
        spots = await self._ask(everything=True)
        is_first, self._loaded_at = self._loaded_at < 0, time.monotonic()
        if spots.are_the_same_as(self._spots):  # what moved since the last tick, the room must still hear
            self._merging.poke()
            return
        self._spot_indexes = np.array([self._index(one) for one in spots.each()], dtype="<i4")
        self._spots = spots
        if not is_first:
            self._tell()

    async def _ask(self, *, everything: bool) -> Spots:
        """Where all are now. With everything, or where a layer knows no shorter question, also what they are."""
        async with transaction(self._actor) as tx:
            if everything or self.layer.ask_spots is None:
                found = await self.layer.ask_all(tx)
                self._things = [(self._index(thing_id), thing) for thing_id, thing in found]
            if self.layer.ask_spots is not None:
                return await self.layer.ask_spots(tx)
        return Spots.of({thing_id: self.layer.marker(0, thing) for thing_id, thing in found})

    def _index(self, thing_id: UUID) -> int:
        return self._indexes.setdefault(thing_id, self._first_index + len(self._indexes))

    async def _tick(self) -> None:
        try:
            if self._is_stale:
                self._tell()
                return
            spots = await self._ask(everything=False)
        except Exception as reason:  # an edge: the map stands still and its ages say so; the next change asks again
            log.warning("a layer of the map could not be asked", layer=self.layer.key, reason=str(reason))
            self._is_stale = True
            return
        if not spots.are_the_same_as(self._spots):
            self._is_stale = True
            self._tell()
            return
        changed = (spots.rows != self._spots.rows).any(axis=1)
        self._spots = spots
        if changed.any():
            await self._send(self.room, np.column_stack((self._spot_indexes[changed], spots.rows[changed])))

    def _tell(self) -> None:
        for looker in tuple(self._lookers):
            looker()


_feeders: dict[str, Feeder] = {}


def _feeder(layer: Layer, actor: Actor) -> Feeder:
    """The feeder of those who see the same of this layer; it has this one right and no other.

    Subscribe to it before anything else is awaited: it is forgotten when the last one leaves.
    """
    rights = MappingProxyType({layer.permission: actor.scopes(layer.permission)})
    eye = Actor(ActorKind.MACHINE, actor.organization_id, "live map", rights=rights)
    made = Feeder(layer, eye, first_index=layers().index(layer) << INDEX_BITS)
    return _feeders.setdefault(made.room, made)


_tiles = Tiles()


def use_tiles(tiles: Tiles) -> None:
    """The installation's base map (main says which)."""
    global _tiles
    _tiles = tiles


def tiles() -> Tiles:
    """The installation's base map, for maps that show one thing only."""
    return _tiles


@dataclass
class LiveMap:
    """A map on a screen, kept current as long as it is there."""

    fleet: Fleet
    feeders: dict[str, Feeder] = field(default_factory=dict)

    def show(self, layer: str, thing_id: UUID) -> None:
        """Bring that thing into view and open what is known of it."""
        index = self.feeders[layer].index_of(thing_id) if layer in self.feeders else None
        if index is not None:
            self.fleet.select(index)


async def live_map(look: Looker, *only: str, height: str = "60vh", fullscreen_href: str = "") -> LiveMap:
    """Draw the map with the layers of these keys (all where none is named) that this person may see."""
    shown = [one for one in layers() if (not only or one.key in only) and look.may(one.permission)]
    feeders = {one.key: _feeder(one, look.actor) for one in shown}
    names = {one.key: _(one.label) for one in shown} if len(shown) > 1 else {}
    drawn = fleet(tiles=_tiles, layers=names, height=height, zone=look.time_zone, fullscreen_href=fullscreen_href)
    made = LiveMap(drawn, feeders)

    async def ask() -> list[Marker]:
        return [marker for feeder in feeders.values() for marker in await feeder.markers()]

    part = live_value(ask, drawn.set_markers, *feeders.values(), minimum_interval_s=TICK_S)
    for feeder in feeders.values():
        drawn.join(feeder.room)
    on_connect(drawn.client, lambda: _catch_up(made))
    await part.first()
    return made


def _catch_up(on: LiveMap) -> None:
    """A screen hears its rooms from when it is connected; what moved before then, it is told now."""
    if on.fleet.is_deleted:
        return
    for feeder in on.feeders.values():
        if len(rows := feeder.rows()):
            on.fleet.move_markers(rows)
