"""Programs that stay connected are told of a cold chain where they may look: of an organization, of a site, of a unit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest

from data.alerts.commands import raise_alerts, resolve_open
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert, AlertStatus
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from data.identity.tables import Role
from jobs.api.push._asking import answered
from jobs.api.push._feed import _open
from jobs.api.push._listeners import Listener
from tests.factories.alerts import system, trouble
from tests.factories.cold_chain import EUI, cold_store, measured
from tests.factories.people import World, person

SECOND = "0004A30B001C0777"


class Told:
    """A connected program, and all it was told."""

    def __init__(self, actor: Actor) -> None:
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.line = Listener(actor, self._hear, self._cut, token_id=uuid4())

    async def _hear(self, event: str, data: Any) -> None:
        self.heard.put_nowait((event, data))

    async def _cut(self) -> None: ...

    async def ask(self, name: str, **said: object) -> dict[str, Any]:
        return await answered(self.line, name, {key: str(value) for key, value in said.items()})

    async def until(self, event: str) -> Any:
        async with asyncio.timeout(10):
            while True:
                name, data = await self.heard.get()
                if name == event:
                    return data

    async def warm(self, units: int) -> list[float]:
        """What so many units measured: together, or one after the other where the first was told at once."""
        read: list[float] = []
        while len(read) < units:
            read += [one["temperature"] for one in (await self.until("unit:readings"))["readings"]]
        return sorted(read)


@pytest.fixture
async def connected(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[Actor], Told]]:
    """Programs, which leave in the end."""
    monkeypatch.setattr("jobs.api.push._feed.PAUSE_S", 0.01)
    monkeypatch.setattr("jobs.api.push._cold_feed.READINGS_EVERY_S", 0.2)
    came: list[Told] = []

    def come(actor: Actor) -> Told:
        came.append(Told(actor))
        return came[-1]

    yield come
    for one in came:
        one.line.gone()
    assert not _open, "when nobody is left nothing is asked"


async def store_of(world: World, **celsius_by_eui: float) -> None:
    async with transaction(Actor.machine(world.organization_id, "ttn")) as tx:
        await uplink.store(tx, [measured(celsius, now(), eui.removeprefix("x")) for eui, celsius in celsius_by_eui.items()])


async def test_whoever_may_see_a_site_hears_of_its_units_and_alerts(world: World, connected: Callable[[Actor], Told]) -> None:
    store, other = await cold_store(world.owner), await cold_store(world.owner, name="Harbour", eui=SECOND)
    limited = connected(await person(world.organization, "Lim", (Role.VIEWER, store.site_id)))
    whole, unit, stranger, driver = [connected(who) for who in (world.viewer, world.colleague, world.stranger, world.driver)]
    assert (await limited.ask("site:subscribe", site_id=other.site_id))["error"]["code"] == "SITE_NOT_FOUND"
    assert (await limited.ask("org:subscribe"))["is_subscribed"] and (await whole.ask("org:subscribe"))["is_subscribed"]
    assert (await unit.ask("unit:subscribe", unit_id=other.unit_id))["site_id"] == str(other.site_id)
    assert (await driver.ask("org:subscribe"))["error"]["code"] == "FORBIDDEN"
    for name, said in (("site:subscribe", {"site_id": store.site_id}), ("unit:subscribe", {"unit_id": store.unit_id})):
        assert (await stranger.ask(name, **said))["error"]["code"].endswith("NOT_FOUND")
    assert (await unit.ask("unit:subscribe", unit_id="x"))["error"]["details"]["field"] == "unit_id"

    await store_of(world, **{f"x{EUI}": -20.5, f"x{SECOND}": -5.0})
    changed = await unit.until("unit:state:changed")
    assert (changed["unit_id"], changed["from"], changed["to"], changed["temperature"]) == (str(other.unit_id), "ok", "excursion", -5.0)
    assert (await unit.warm(1), await whole.warm(2), await limited.warm(1)) == ([-5.0], [-20.5, -5.0], [-20.5])

    async with transaction(system(world)) as tx:
        [alert] = await raise_alerts(tx, [(trouble(store.unit_id, scope=store.site_id), now())])
    told = await limited.until("alert:triggered")
    assert (told["unit_id"], told["alert"]["message"]) == (str(store.unit_id), "Freezer 3 is too warm: -4.0")
    async with transaction(system(world)) as tx:
        row = await tx.get_one(Alert, alert.id)
        row.status, row.escalation_level, row.escalated_at = AlertStatus.ESCALATED, 1, now()  # as the ladder writes it
        tx.add(row)
        tx.emit(AlertChanged(alert_id=alert.id))
    assert (await limited.until("alert:escalated"))["alert"]["escalation_level"] == 1
    async with transaction(system(world)) as tx:
        await resolve_open(tx, store.unit_id, "temp_excursion", at=now(), because="Cold again.")
    assert (await limited.until("alert:resolved"))["alert"]["resolution"] == "Cold again."
    assert (await whole.until("alert:resolved"))["site_id"] == str(store.site_id)
    assert unit.heard.empty() and stranger.heard.empty()


async def test_whoever_has_left_hears_nothing_and_nobody_hears_twice(world: World, connected: Callable[[Actor], Told]) -> None:
    store = await cold_store(world.owner)
    one = connected(world.viewer)
    await one.ask("unit:subscribe", unit_id=store.unit_id)
    await one.ask("site:subscribe", site_id=store.site_id)
    await one.ask("org:subscribe")
    await one.ask("site:subscribe", site_id=store.site_id)
    assert len(one.line.rooms) == 1
    await store_of(world, **{f"x{EUI}": -21.0})
    assert len((await one.until("unit:readings"))["readings"]) == 1
    assert (await one.ask("org:unsubscribe"))["is_subscribed"] is False and not _open
    await one.ask("unit:subscribe", unit_id=store.unit_id)
    assert (await one.ask("unit:unsubscribe", unit_id=store.unit_id))["is_subscribed"] is False and not _open
    await one.ask("site:subscribe", site_id=store.site_id)
    assert (await one.ask("site:unsubscribe", site_id=store.site_id))["is_subscribed"] is False and not _open
