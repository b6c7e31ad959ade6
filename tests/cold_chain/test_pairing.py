"""A sensor is paired at its unit: by whom, with which code, and what happens when it is late, wrong, or never heard."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import col, select

from data.cold_chain.commands import pairing, sensors
from data.cold_chain.machines import SensorState
from data.cold_chain.queries import machines
from data.cold_chain.queries.machines import PairingView
from data.cold_chain.tables import Device, PairingSession
from data.cold_chain.values import DeviceStatus, PairingStatus
from data.core.actor import Actor
from data.core.bus import bus
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.flows import uplink
from data.identity.tables import Role
from tests.factories.cold_chain import EUI, ColdStore, another_unit, cold_store, measured
from tests.factories.people import World, person

SECOND, THIRD = "0004A30B001C0531", "0004A30B001C0532"


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def begun(who: Actor, unit_id: UUID) -> PairingSession:
    async with transaction(who) as tx:
        return await pairing.start(tx, unit_id)


async def choose(who: Actor, session: PairingSession, label: str, *, moves: bool = False) -> Device:
    async with transaction(who) as tx:
        return await pairing.choose(tx, session.id, label=label, moves=moves)


async def seen(who: Actor, session: PairingSession) -> PairingView:
    async with transaction(who) as tx:
        return await machines.pairing(tx, session.id)


async def speak(organization_id: UUID, eui: str, celsius: float | None = -18.2) -> None:
    async with transaction(Actor.machine(organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(celsius, now(), eui=eui)])


async def let_time_pass(session: PairingSession) -> None:
    async with across_tenants("tests") as tx:
        (await tx.get_one(PairingSession, session.id)).expires_at = now() - timedelta(seconds=1)


async def test_a_sensor_is_paired_by_its_first_message_and_the_screen_hears_of_it(world: World, store: ColdStore, until) -> None:  # type: ignore[no-untyped-def]
    heard: list[str] = []
    session = await begun(world.owner, store.unit_id)
    assert len(session.pairing_code) == 6 and session.expires_at - now() > timedelta(minutes=59)
    device = await choose(world.owner, session, "LW:D0:70B3D57ED0000010:0004A30B001C0531:000AF8BE")
    waiting = await seen(world.owner, session)
    assert waiting.sensor and (waiting.session.status, waiting.sensor.state, waiting.said) == (PairingStatus.PENDING, SensorState.WAITING, None)
    stop = bus.listen("PairingChanged", str(world.organization_id), lambda event: heard.append(event.ids["session_id"]), {"session_id": str(session.id)})
    await speak(world.organization_id, SECOND)
    await until(lambda: heard)
    stop()
    done = await seen(world.owner, session)
    assert done.sensor and done.said
    assert (done.session.status, done.said.celsius, done.sensor.device.id) == (PairingStatus.COMPLETED, -18.2, device.id)
    assert done.sensor.device.status is DeviceStatus.ACTIVE and done.session.completed_at


async def test_a_message_without_a_temperature_proves_that_it_is_heard(world: World, store: ColdStore) -> None:
    session = await begun(world.owner, store.unit_id)
    await choose(world.owner, session, SECOND)
    await speak(world.organization_id, SECOND, None)
    assert (await seen(world.owner, session)).session.status is PairingStatus.COMPLETED


async def test_others_messages_complete_nothing(world: World, store: ColdStore) -> None:
    theirs = await cold_store(world.stranger, eui=THIRD)
    session = await begun(world.owner, store.unit_id)
    await choose(world.owner, session, SECOND)
    await speak(world.organization_id, EUI)
    async with transaction(world.stranger) as tx:
        await sensors.create(tx, theirs.unit_id, device_eui=SECOND)
    await speak(theirs.organization_id, SECOND)
    assert (await seen(world.owner, session)).session.status is PairingStatus.PENDING


async def test_who_has_the_code_goes_on_with_it_but_no_stranger_and_nobody_without_the_right(world: World, store: ColdStore) -> None:
    session = await begun(world.owner, store.unit_id)
    other = await cold_store(world.owner, eui=SECOND, name="Harbour")
    mina = await person(world.organization, "Mina Manager", (Role.MANAGER, store.site_id))
    hugo = await person(world.organization, "Hugo Harbour", (Role.MANAGER, other.site_id))
    typed = session.pairing_code.lower()
    async with transaction(mina) as tx:
        assert (await pairing.find(tx, f" {typed[:3]}-{typed[3:]} ")).id == session.id
    for who in (hugo, world.stranger, world.colleague):
        async with transaction(who) as tx:
            for attempt in (pairing.find(tx, typed), machines.pairing(tx, session.id)):
                with pytest.raises(NotFound):
                    await attempt
    with pytest.raises(Forbidden):
        await begun(world.colleague, store.unit_id)
    for stranger in (world.stranger, hugo):
        with pytest.raises(NotFound):
            await begun(stranger, store.unit_id)
        with pytest.raises(NotFound):
            await choose(stranger, session, THIRD)


async def test_a_wrong_number_is_corrected_and_what_it_registered_goes_away(world: World, store: ColdStore) -> None:
    session = await begun(world.owner, store.unit_id)
    with pytest.raises(Invalid) as refusal:
        await choose(world.owner, session, "12")
    assert refusal.value.field == "label"
    wrong = await choose(world.owner, session, SECOND)
    assert (await choose(world.owner, session, SECOND)).id == wrong.id  # a second tap changes nothing
    right = await choose(world.owner, session, THIRD)
    async with transaction(world.owner) as tx:
        left = list(await tx.exec(select(Device.id).where(col(Device.deleted_at).is_(None), Device.unit_id == store.unit_id)))
    assert sorted(left) == sorted([store.sensor_id, right.id])
    await speak(world.organization_id, THIRD)
    assert (await seen(world.owner, session)).session.status is PairingStatus.COMPLETED
    with pytest.raises(Conflict, match="over"):
        await choose(world.owner, session, SECOND)


async def test_a_sensor_of_another_unit_comes_here_only_when_somebody_says_so(world: World, store: ColdStore) -> None:
    here = await another_unit(world.owner, store, name="Freezer 2", eui=SECOND)
    session = await begun(world.owner, here)
    with pytest.raises(Conflict, match="watches Freezer 1 already"):
        await choose(world.owner, session, EUI)
    moved = await choose(world.owner, session, EUI, moves=True)
    assert (moved.id, moved.unit_id) == (store.sensor_id, here)
    await speak(world.organization_id, EUI)
    assert (await seen(world.owner, session)).session.status is PairingStatus.COMPLETED


async def test_one_that_was_in_store_or_out_of_service_is_taken_in(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await sensors.set_active(tx, store.sensor_id, active=False)
        await sensors.move(tx, store.sensor_id, unit_id=None)
    session = await begun(world.owner, store.unit_id)
    taken = await choose(world.owner, session, EUI)
    assert (taken.id, taken.unit_id, taken.is_active, taken.is_primary) == (store.sensor_id, store.unit_id, True, True)


async def test_after_an_hour_it_is_over_and_a_sensor_that_comes_late_works_all_the_same(world: World, store: ColdStore) -> None:
    session, other = await begun(world.owner, store.unit_id), await begun(world.owner, store.unit_id)
    device = await choose(world.owner, session, SECOND)
    await let_time_pass(session)
    assert (await seen(world.owner, session)).is_over
    with pytest.raises(Conflict):
        await choose(world.owner, session, THIRD)
    async with transaction(world.owner) as tx:
        with pytest.raises(NotFound):
            await pairing.find(tx, session.pairing_code)
    async with across_tenants("tests") as tx:
        assert await pairing.expire(tx, now()) == 1
        assert await pairing.expire(tx, now()) == 0
    await speak(world.organization_id, SECOND)
    late = await seen(world.owner, session)
    assert late.session.status is PairingStatus.EXPIRED and late.sensor and late.said
    assert (late.sensor.device.id, late.sensor.state, late.said.celsius) == (device.id, SensorState.WORKING, -18.2)
    assert (await seen(world.owner, other)).session.status is PairingStatus.PENDING


async def test_it_can_be_given_up_and_ends_when_its_sensor_is_taken_away(world: World, store: ColdStore) -> None:
    first, second = await begun(world.owner, store.unit_id), await begun(world.owner, store.unit_id)
    await choose(world.owner, first, SECOND)
    async with transaction(world.owner) as tx:
        await pairing.cancel(tx, first.id)
        with pytest.raises(Conflict):
            await pairing.cancel(tx, first.id)
        assert [one.device.device_eui for one in (await machines.sensors(tx))[0]] == [EUI]
    device = await choose(world.owner, second, THIRD)
    async with transaction(world.owner) as tx:
        await sensors.take_away(tx, device.id)
    ended = (await seen(world.owner, second)).session
    assert (ended.status, ended.details["because"]) == (PairingStatus.FAILED, "deleted")
