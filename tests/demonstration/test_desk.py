"""The desk hands out what waits by the commands that people use, and leaves what people decide."""

import asyncio
from uuid import UUID

import httpx
import pytest

from data.core.session import transaction
from data.deliveries import commands, queries
from data.deliveries.values import AssignmentStatus, PhoneApp, ShipmentStatus
from data.identity.tables import Role
from jobs.demonstration import roads
from jobs.demonstration.kept import Carried
from jobs.demonstration.past_roads import CREWS, CUSTOMERS, DEPOT, address_of, depot
from jobs.demonstration.people import Staff
from jobs.demonstration.roads import Courier, Desk
from tests.factories.people import World


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(Staff(world.organization_id, {Role.MANAGER: world.owner}))


async def driver(world: World, name: str = "Vuthy") -> UUID:
    async with transaction(world.owner) as tx:
        return (await commands.create_driver(tx, name=name)).id


async def order(world: World, number: int) -> UUID:
    async with transaction(world.owner) as tx:
        return (await commands.create_shipment(tx, pickup=depot(), delivery=address_of(CUSTOMERS[number]))).id


async def status(world: World, shipment_id: UUID) -> ShipmentStatus:
    async with transaction(world.owner) as tx:
        return (await queries.shipment(tx, shipment_id)).shipment.status


async def test_what_waits_is_given_to_whoever_asks_the_oldest_first_and_not_more_than_fits(world: World, desk: Desk) -> None:
    waiting = [await order(world, number) for number in range(5)]
    loads = await desk.loads(await driver(world), most=3)
    assert [load.shipment_id for load in loads] == waiting[:3]
    assert [load.corner for load in loads] == [customer.corner for customer in CUSTOMERS[:3]]
    assert await status(world, waiting[3]) is ShipmentStatus.READY


async def test_two_drivers_who_ask_at_once_get_different_things(world: World, desk: Desk) -> None:
    await order(world, 0), await order(world, 1)
    one, other = await asyncio.gather(
        desk.loads(await driver(world, "One"), most=1), desk.loads(await driver(world, "Other"), most=1)
    )
    assert {load.shipment_id for load in one}.isdisjoint({load.shipment_id for load in other}) and one and other


async def test_a_driver_keeps_what_they_have_and_an_order_comes_in_only_for_one_with_nothing(world: World, desk: Desk) -> None:
    driver_id = await driver(world)
    [first] = await desk.loads(driver_id, most=1, orders=1)
    assert await desk.loads(driver_id, most=1, orders=1) == [first]


async def test_what_a_person_calls_off_is_not_brought(world: World, desk: Desk) -> None:
    shipment_id = await order(world, 0)
    [load] = await desk.loads(await driver(world), most=1)
    async with transaction(world.owner) as tx:
        await commands.cancel_shipment(tx, shipment_id)
    assert not await desk.step(load, AssignmentStatus.ACCEPTED)
    assert await status(world, shipment_id) is ShipmentStatus.CANCELLED


async def test_a_courier_brings_a_load_and_its_phone_tells_of_the_way(world: World, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roads, "MOVING_EVERY_S", 0.005)
    monkeypatch.setattr(roads, "PARKED_EVERY_S", 0.005)
    monkeypatch.setattr(roads, "HANDING_OVER_S", (0, 0.02))
    monkeypatch.setattr(roads.Drive, "duration_s", 0.05)
    told: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request)
        return httpx.Response(200, json=[])

    driver_id, shipment_id = await driver(world), await order(world, 0)
    loads = await desk.loads(driver_id, most=1)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://steading") as client:
        courier = Courier(Carried(str(driver_id), PhoneApp.OWNTRACKS.value, "vuthy", "token"), desk, client)
        await courier._bring_all(loads)
    assert await status(world, shipment_id) is ShipmentStatus.DELIVERED
    assert len(told) > 3 and {request.url.path for request in told} == {"/feeds/owntracks"}


def test_crews_carry_both_apps_and_customers_live_at_corners() -> None:
    assert [crew.app for crew in CREWS].count(PhoneApp.OWNTRACKS) == [crew.app for crew in CREWS].count(PhoneApp.OSMAND) == 4
    assert DEPOT not in {customer.corner for customer in CUSTOMERS}
    assert len({crew.user for crew in CREWS}) == 8
