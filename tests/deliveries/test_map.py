"""The live map's server side: who is asked what, how often, and what goes to whom."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from uuid_utils.compat import uuid7

from data.core.actor import Actor, ActorKind
from data.core.bus import Event
from data.core.errors import Forbidden
from data.core.session import Transaction, transaction
from data.deliveries import commands
from pages import _map
from pages._map import Feeder, Layer, Spots
from pages.deliveries._layer import LAYER
from tests.factories import deliveries as factory
from tests.factories.people import World
from ui.map import STATES, Marker


@dataclass(frozen=True)
class BuoyDrifted(Event):
    buoy_id: UUID


@dataclass(frozen=True)
class BuoySet(Event):
    buoy_id: UUID


@dataclass
class Sea:
    """Buoys that a test moves; counts how often it was asked, and keeps what was sent."""

    places: dict[UUID, tuple[float, float, str]] = field(default_factory=dict)
    asked: int = 0
    sent: list[tuple[str, list[list[int]]]] = field(default_factory=list)
    told: int = 0
    name: str = "buoy"

    async def ask(self, tx: Transaction) -> Sequence[tuple[UUID, Any]]:
        tx.actor.require("tracking.view")
        self.asked += 1
        return list(self.places.items())

    async def send(self, room: str, rows: NDArray[np.int32]) -> None:
        self.sent.append((room, rows.tolist()))

    def tell(self) -> None:
        self.told += 1

    def layer(self) -> Layer:
        return Layer("buoys", "Buoys", "tracking.view", self.ask, self.marker, changes=(BuoySet,), moves=(BuoyDrifted,))

    def marker(self, index: int, place: tuple[float, float, str]) -> Marker:
        return Marker(index, self.name, place[0], place[1], state=place[2])


async def emit(world: World, event: Event, *, by: Actor | None = None) -> None:
    async with transaction(by or world.owner) as tx:
        tx.emit(event)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(150):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


@pytest.fixture
async def sea() -> AsyncIterator[Sea]:
    yield Sea({uuid7(): (11.0, 104.0, "ok"), uuid7(): (12.0, 105.0, "offline")})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_map, "TICK_S", 0.05)


def feeder(sea: Sea, actor: Actor) -> Feeder:
    return Feeder(sea.layer(), actor, first_index=1000, send=sea.send)


async def test_only_what_moved_is_sent_and_once_for_all(world: World, sea: Sea, quick: None) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    assert [(m.index, m.latitude, m.layer) for m in await eye.markers()] == [
        (1000, 11.0, "buoys"),
        (1001, 12.0, "buoys"),
    ]
    first, second = sea.places
    sea.places[second] = (12.5, 105.5, "warning")
    await emit(world, BuoyDrifted(second))
    await until(lambda: bool(sea.sent))
    assert sea.sent == [(eye.room, [[1001, 12_500_000, 105_500_000, STATES.index("warning"), 0]])]
    assert sea.told == 0
    leave()


async def test_a_burst_is_asked_about_once_or_twice(world: World, sea: Sea) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    await eye.markers()
    await asyncio.sleep(0.1)
    sea.asked = 0
    for _ in range(30):
        await emit(world, BuoyDrifted(uuid7()))
    await asyncio.sleep(0.3)
    assert sea.asked <= 1
    leave()


async def test_nothing_is_sent_when_nothing_changed(world: World, sea: Sea, quick: None) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    await eye.markers()
    before = sea.asked
    await emit(world, BuoyDrifted(uuid7()))
    await until(lambda: sea.asked > before)
    await asyncio.sleep(0.1)
    assert sea.sent == []
    leave()


async def test_when_there_is_another_thing_everybody_draws_anew_and_old_things_keep_their_index(
    world: World, sea: Sea, quick: None
) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    await eye.markers()
    before = {(m.latitude, m.index) for m in await eye.markers()}
    earliest = UUID(int=1)
    sea.places = {earliest: (13.0, 106.0, "ok"), **sea.places}
    await emit(world, BuoySet(earliest))
    await until(lambda: sea.told > 0)
    after = {(m.latitude, m.index) for m in await eye.markers()}
    assert after == before | {(13.0, 1002)}
    assert eye.index_of(earliest) == 1002
    leave()


async def test_a_thing_that_came_without_a_word_is_noticed_when_another_moves(
    world: World, sea: Sea, quick: None
) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    await eye.markers()
    sea.places[uuid7()] = (13.0, 106.0, "ok")
    await emit(world, BuoyDrifted(uuid7()))
    await until(lambda: sea.told > 0)
    assert len(await eye.markers()) == 3
    leave()


async def test_when_something_else_is_said_of_a_thing_everybody_draws_anew(world: World, sea: Sea, quick: None) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    await eye.markers()
    sea.name = "old buoy"
    await emit(world, BuoyDrifted(uuid7()))
    await until(lambda: sea.told > 0)
    assert {marker.label for marker in await eye.markers()} == {"old buoy"}
    leave()


async def test_a_newcomers_question_does_not_swallow_what_the_room_must_hear(
    world: World, sea: Sea, quick: None
) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    await eye.markers()
    first, _second = sea.places
    sea.places[first] = (11.5, 104.5, "ok")
    eye._loaded_at -= 10
    await eye.markers()
    await until(lambda: bool(sea.sent))
    assert sea.sent[0][1] == [[1000, 11_500_000, 104_500_000, STATES.index("ok"), 0]]
    leave()


async def test_many_who_open_the_map_at_once_make_one_question(world: World, sea: Sea) -> None:
    eye = feeder(sea, world.owner)
    found = await asyncio.gather(*(eye.markers() for _ in range(20)))
    assert sea.asked == 1 and all(markers == found[0] for markers in found)


async def test_when_the_last_one_leaves_nothing_is_asked_any_more(world: World, sea: Sea, quick: None) -> None:
    eye = feeder(sea, world.owner)
    stay, leave = eye.subscribe(sea.tell), eye.subscribe(sea.tell)
    await eye.markers()
    leave()
    leave()
    stay()
    asked = sea.asked
    await asyncio.sleep(0.1)
    await emit(world, BuoyDrifted(uuid7()))
    await asyncio.sleep(0.3)
    assert sea.asked <= asked + 1 and sea.sent == []


async def test_the_neighbours_events_wake_nobody(world: World, sea: Sea, quick: None) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    await eye.markers()
    await asyncio.sleep(0.2)
    asked = sea.asked
    await emit(world, BuoyDrifted(uuid7()), by=world.stranger)
    await asyncio.sleep(0.2)
    assert sea.asked == asked
    leave()


def test_people_share_a_room_only_in_one_organization_and_with_the_same_rights(world: World, sea: Sea) -> None:
    def sees(organization_id: UUID, scopes: frozenset[UUID] | None) -> str:
        rights = {"tracking.view": scopes}
        return feeder(sea, Actor(ActorKind.PERSON, organization_id, "eye", rights=rights)).room

    one, two = UUID(int=1), UUID(int=2)
    rooms = [
        sees(world.organization_id, None),
        sees(world.other.id, None),
        sees(world.organization_id, frozenset({one})),
        sees(world.organization_id, frozenset({two})),
        sees(world.organization_id, frozenset({one, two})),
    ]
    assert len(set(rooms)) == 5
    assert sees(world.organization_id, frozenset({two, one})) == rooms[4]


async def test_a_feeder_asks_with_the_rights_of_those_who_look(world: World, sea: Sea) -> None:
    with pytest.raises(Forbidden):
        await feeder(sea, world.keeper).markers()


async def test_a_question_that_fails_is_asked_again(world: World, sea: Sea, quick: None) -> None:
    eye = feeder(sea, world.owner)
    leave = eye.subscribe(sea.tell)
    await eye.markers()
    places, sea.places = sea.places, None  # type: ignore[assignment]
    await emit(world, BuoyDrifted(uuid7()))
    await asyncio.sleep(0.2)
    sea.places = places
    await emit(world, BuoyDrifted(uuid7()))
    await until(lambda: sea.told > 0)
    assert len(await eye.markers()) == 2
    leave()


async def test_drivers_move_on_the_map_in_packed_rows(world: World, quick: None) -> None:
    sent: list[NDArray[np.int32]] = []

    async def send(room: str, rows: NDArray[np.int32]) -> None:
        sent.append(rows)

    async def report(device_id: UUID, **fix: float) -> None:
        async with transaction(Actor(ActorKind.MACHINE, world.organization_id, "phones")) as tx:
            await commands.record_fixes(tx, [factory.report(device_id, **fix)])

    dara, sok = await factory.driver(world.owner), await factory.driver(world.owner, "Sok")
    await report(dara.device.id)
    await report(sok.device.id, longitude=-104.5)
    eye = Feeder(LAYER, world.colleague, send=send)
    asking: list[asyncio.Task[list[Marker]]] = []
    leave = eye.subscribe(lambda: asking.append(asyncio.create_task(eye.markers())))
    assert {(m.label, m.longitude, m.state, m.kind) for m in await eye.markers()} == {
        ("Dara", 104.921, "waiting", "driver"),
        ("Sok", -104.5, "waiting", "driver"),
    }
    await asyncio.sleep(0.1)
    await report(sok.device.id, after_s=5, longitude=-104.6)
    await until(lambda: bool(sent))
    at = int(factory.START.timestamp()) + 5
    assert sent[0].dtype == np.int32
    assert sent[0].tolist() == [[eye.index_of(sok.id), 11_569_600, -104_600_000, STATES.index("waiting"), at]]
    leave()


def test_rows_survive_their_packing_whatever_the_time_and_the_side_of_the_globe() -> None:
    wide = np.array([[-11_000_000, -104_000_000, 1, 4_000_000_000], [89_999_999, 179_999_999, 0, 0]], dtype=">i8")
    spots = Spots.unpacked(bytes(32), wide.tobytes(), ["offline", "critical"])
    assert spots.rows[:, :3].tolist() == [
        [-11_000_000, -104_000_000, STATES.index("critical")],
        [89_999_999, 179_999_999, STATES.index("offline")],
    ]
    assert spots.rows[:, 3].astype("u4").tolist() == [4_000_000_000, 0]
    assert len(list(spots.each())) == 2
