import asyncio
from datetime import timedelta

import pytest
from sqlmodel import select

from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, NotFound, Unauthenticated
from data.core.session import transaction
from data.deliveries import commands, queries
from data.deliveries.tables import DriverAssignment, Order, Shipment
from data.deliveries.values import (
    AssignmentStatus,
    Availability,
    EmploymentStatus,
    OrderStatus,
    PhoneApp,
    ShipmentStatus,
)
from data.identity import door
from data.identity.tables import TokenKind
from tests.factories import deliveries as factory
from tests.factories.people import World


async def status_of(actor: Actor, shipment: Shipment) -> tuple[ShipmentStatus, OrderStatus]:
    async with transaction(actor) as tx:
        seen = await queries.shipment(tx, shipment.id)
        return seen.shipment.status, seen.order.status


async def step(actor: Actor, shipment: Shipment, *statuses: AssignmentStatus) -> None:
    for status in statuses:
        async with transaction(actor) as tx:
            await commands.step(tx, shipment.id, to=status)


async def test_a_shipment_is_brought_step_by_step_and_each_step_is_stamped(world: World) -> None:
    dara = await factory.driver(world.owner)
    parcel = await factory.shipment(world.owner)
    async with transaction(world.owner) as tx:
        await commands.assign(tx, parcel.id, driver_id=dara.id)
    assert await status_of(world.owner, parcel) == (ShipmentStatus.ASSIGNED, OrderStatus.READY_FOR_DISPATCH)
    await step(world.owner, parcel, AssignmentStatus.ACCEPTED, AssignmentStatus.EN_ROUTE)
    assert await status_of(world.owner, parcel) == (ShipmentStatus.IN_TRANSIT, OrderStatus.IN_TRANSIT)
    await step(world.owner, parcel, AssignmentStatus.ARRIVED, AssignmentStatus.DELIVERED)
    async with transaction(world.colleague) as tx:
        seen = await queries.shipment(tx, parcel.id)
    assert (seen.shipment.status, seen.order.status) == (ShipmentStatus.DELIVERED, OrderStatus.FULFILLED)
    assert seen.assignment is not None and seen.driver_name == "Dara"
    stamps = [seen.assignment.accepted_at, seen.assignment.en_route_at, seen.assignment.arrived_at,
              seen.assignment.completed_at]  # fmt: skip
    assert None not in stamps and stamps == sorted(stamps)  # type: ignore[type-var]
    assert seen.shipment.dispatched_at == seen.assignment.en_route_at
    assert seen.shipment.delivered_at == seen.assignment.ended_at == seen.assignment.completed_at


async def test_a_step_cannot_be_skipped(world: World) -> None:
    dara, parcel = await factory.driver(world.owner), await factory.shipment(world.owner)
    async with transaction(world.owner) as tx:
        await commands.assign(tx, parcel.id, driver_id=dara.id)
    with pytest.raises(Conflict, match="One step after the other"):
        await step(world.owner, parcel, AssignmentStatus.DELIVERED)
    assert (await status_of(world.owner, parcel))[0] is ShipmentStatus.ASSIGNED


async def test_what_one_driver_refuses_another_can_have(world: World) -> None:
    dara, sok = await factory.driver(world.owner), await factory.driver(world.owner, "Sok")
    parcel = await factory.shipment(world.owner)
    async with transaction(world.owner) as tx:
        await commands.assign(tx, parcel.id, driver_id=dara.id)
    await step(world.owner, parcel, AssignmentStatus.REJECTED)
    assert (await status_of(world.owner, parcel))[0] is ShipmentStatus.READY
    async with transaction(world.owner) as tx:
        await commands.assign(tx, parcel.id, driver_id=sok.id)
    async with transaction(world.owner) as tx:
        assert (await queries.shipment(tx, parcel.id)).driver_name == "Sok"
        history = (await tx.exec(select(DriverAssignment.driver_id, DriverAssignment.status))).all()
    assert sorted(history) == sorted([(dara.id, AssignmentStatus.REJECTED), (sok.id, AssignmentStatus.PENDING)])


async def test_of_many_who_assign_at_once_exactly_one_wins(world: World) -> None:
    drivers = [await factory.driver(world.owner, f"Driver {n}") for n in range(5)]
    parcel = await factory.shipment(world.owner)

    async def give(driver: factory.OnTheRoad) -> bool:
        try:
            async with transaction(world.owner) as tx:
                await commands.assign(tx, parcel.id, driver_id=driver.id)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*map(give, drivers))) == [False] * 4 + [True]
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(DriverAssignment))).all()) == 1


async def test_a_suspended_driver_gets_nothing(world: World) -> None:
    dara, parcel = await factory.driver(world.owner), await factory.shipment(world.owner)
    async with transaction(world.owner) as tx:
        driver = await queries.driver(tx, dara.id)
        driver.employment_status = EmploymentStatus.SUSPENDED
        tx.add(driver)
    with pytest.raises(Conflict, match="Dara may not deliver"):
        async with transaction(world.owner) as tx:
            await commands.assign(tx, parcel.id, driver_id=dara.id)
    assert (await status_of(world.owner, parcel))[0] is ShipmentStatus.READY


async def test_calling_it_off_frees_the_driver_and_ends_it_for_good(world: World) -> None:
    dara, parcel = await factory.driver(world.owner), await factory.shipment(world.owner)
    async with transaction(world.owner) as tx:
        await commands.assign(tx, parcel.id, driver_id=dara.id)
    async with transaction(world.owner) as tx:
        await commands.cancel_shipment(tx, parcel.id)
    assert await status_of(world.owner, parcel) == (ShipmentStatus.CANCELLED, OrderStatus.CANCELLED)
    async with transaction(world.owner) as tx:
        assert (await queries.driver_seen(tx, dara.id)).carries == ()
    for again in (commands.cancel_shipment, lambda tx, i: commands.assign(tx, i, driver_id=dara.id)):
        with pytest.raises(Conflict, match="already over"):
            async with transaction(world.owner) as tx:
                await again(tx, parcel.id)


async def test_ordering_twice_with_the_same_token_is_ordering_once(world: World) -> None:
    async def order() -> Shipment:
        async with transaction(world.owner) as tx:
            return await commands.create_shipment(
                tx, pickup=factory.MARKET, delivery=factory.RIVERSIDE, client_token="tapped"
            )

    made = await asyncio.gather(*(order() for _ in range(4)))
    assert len({shipment.id for shipment in made}) == 1
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(Order))).all()) == 1


async def test_a_phone_gets_a_token_that_opens_its_own_door_only(world: World) -> None:
    dara = await factory.driver(world.owner, app=PhoneApp.OSMAND)
    machine = await door.machine(dara.token, TokenKind.DEVICE, network="osmand")
    assert machine.subject_id == dara.device.id
    with pytest.raises(Unauthenticated):
        await door.machine(dara.token, TokenKind.DEVICE, network="owntracks")


async def test_a_renewed_token_replaces_the_old_one_and_a_removed_phone_has_none(world: World) -> None:
    dara = await factory.driver(world.owner)
    async with transaction(world.owner) as tx:
        renewed = await commands.renew_token(tx, dara.device.id)
    with pytest.raises(Unauthenticated):
        await door.machine(dara.token, TokenKind.DEVICE)
    assert (await door.machine(renewed, TokenKind.DEVICE)).subject_id == dara.device.id
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, dara.device.id)
    with pytest.raises(Unauthenticated):
        await door.machine(renewed, TokenKind.DEVICE)
    async with transaction(world.owner) as tx:
        assert await queries.devices(tx, dara.id) == []


async def test_a_driver_leaves_only_with_empty_hands(world: World) -> None:
    dara, parcel = await factory.driver(world.owner), await factory.shipment(world.owner)
    async with transaction(world.owner) as tx:
        await commands.assign(tx, parcel.id, driver_id=dara.id)
    with pytest.raises(Conflict, match="Dara still has a shipment"):
        async with transaction(world.owner) as tx:
            await commands.dismiss_driver(tx, dara.id)
    await step(world.owner, parcel, AssignmentStatus.CANCELLED)
    async with transaction(world.owner) as tx:
        await commands.dismiss_driver(tx, dara.id)
    with pytest.raises(Unauthenticated):
        await door.machine(dara.token, TokenKind.DEVICE)
    async with transaction(world.owner) as tx:
        assert await queries.drivers(tx) == []


async def test_colleagues_look_and_do_not_touch(world: World) -> None:
    dara, parcel = await factory.driver(world.owner), await factory.shipment(world.owner)
    async with transaction(world.colleague) as tx:
        assert [seen.driver.name for seen in await queries.drivers(tx)] == ["Dara"]
        assert (await queries.drivers(tx))[0].availability is Availability.OFFLINE
    forbidden = [
        lambda tx: commands.create_driver(tx, name="Mine"),
        lambda tx: commands.register_device(tx, dara.id, name="mine", app=PhoneApp.OSMAND),
        lambda tx: commands.renew_token(tx, dara.device.id),
        lambda tx: commands.remove_device(tx, dara.device.id),
        lambda tx: commands.dismiss_driver(tx, dara.id),
        lambda tx: commands.create_shipment(tx, pickup=factory.MARKET, delivery=factory.RIVERSIDE),
        lambda tx: commands.assign(tx, parcel.id, driver_id=dara.id),
        lambda tx: commands.step(tx, parcel.id, to=AssignmentStatus.ACCEPTED),
        lambda tx: commands.cancel_shipment(tx, parcel.id),
    ]
    for touch in forbidden:
        with pytest.raises(Forbidden):
            async with transaction(world.colleague) as tx:
                await touch(tx)
    for look in (queries.drivers, queries.shipments, queries.places, queries.unassigned):
        with pytest.raises(Forbidden):
            async with transaction(world.viewer) as tx:
                await look(tx)  # type: ignore[operator]


async def test_the_stranger_finds_nothing(world: World) -> None:
    dara, parcel = await factory.driver(world.owner), await factory.shipment(world.owner)
    own = await factory.driver(world.stranger, "Sam's own")
    async with transaction(world.stranger) as tx:
        assert [seen.driver.name for seen in await queries.drivers(tx)] == ["Sam's own"]
        assert await queries.shipments(tx) == ([], 0)
    attempts = [
        lambda tx: queries.driver(tx, dara.id),
        lambda tx: queries.driver_seen(tx, dara.id),
        lambda tx: queries.shipment(tx, parcel.id),
        lambda tx: commands.renew_token(tx, dara.device.id),
        lambda tx: commands.assign(tx, parcel.id, driver_id=own.id),
        lambda tx: commands.step(tx, parcel.id, to=AssignmentStatus.ACCEPTED),
        lambda tx: commands.cancel_shipment(tx, parcel.id),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            async with transaction(world.stranger) as tx:
                await attempt(tx)
    assert (await status_of(world.owner, parcel))[0] is ShipmentStatus.READY


async def test_drivers_and_shipments_are_found_by_every_word_and_by_nothing_else(world: World) -> None:
    for name in ("Dara Chan", "Dara Sok", "100% Sure"):
        await factory.driver(world.owner, name)
    first, _second = await factory.shipment(world.owner), await factory.shipment(world.owner, delivery=factory.MARKET)
    async with transaction(world.colleague) as tx:

        async def names(search: str) -> list[str]:
            return [seen.driver.name for seen in await queries.drivers(tx, search=search)]

        assert await names("dara") == ["Dara Chan", "Dara Sok"]
        assert await names("dara SOK") == ["Dara Sok"]
        assert await names("%") == ["100% Sure"]
        assert await names("_") == []
        assert await queries.count_drivers(tx, search="dara") == 2
        assert [seen.driver.name for seen in await queries.drivers(tx, offset=1, limit=1)] == ["Dara Chan"]
        found, total = await queries.shipments(tx, search=first.tracking_number.lower())
        assert ([seen.shipment.id for seen in found], total) == ([first.id], 1)
        found, total = await queries.shipments(tx, search="quay central")
        assert ([seen.shipment.id for seen in found], total) == ([first.id], 1)


async def test_shipments_are_paged_sorted_and_filtered_by_the_database(world: World) -> None:
    dara = await factory.driver(world.owner)
    hours = [3, 1, 2]
    made = [await factory.shipment(world.owner, promised_at=factory.START + timedelta(hours=h)) for h in hours]
    undated = await factory.shipment(world.owner)
    async with transaction(world.owner) as tx:
        await commands.assign(tx, made[1].id, driver_id=dara.id)
        await commands.cancel_shipment(tx, undated.id)
    async with transaction(world.owner) as tx:
        first, total = await queries.shipments(tx, sort="promised", descending=False, limit=2)
        second, _total = await queries.shipments(tx, sort="promised", descending=False, offset=2, limit=2)
        assert [seen.shipment.id for seen in (*first, *second)] == [made[1].id, made[2].id, made[0].id, undated.id]
        assert total == 4
        assert (await queries.shipments(tx, status="open"))[1] == 3
        assert [seen.shipment.id for seen in (await queries.shipments(tx, status="assigned"))[0]] == [made[1].id]
        assert [seen.shipment.id for seen in await queries.unassigned(tx)] == [made[0].id, made[2].id]
        late = await queries.late(tx, at=factory.START + timedelta(minutes=150))
        assert [seen.shipment.id for seen in late] == [made[1].id, made[2].id]
