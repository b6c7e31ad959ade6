"""Gateways and hubs: who may describe them, and what follows when one is not heard any more."""

from datetime import timedelta
from uuid import uuid4

import pytest

from data.alerts import queries as alerts
from data.alerts.tables import Alert, Severity
from data.cold_chain.commands import gateways
from data.cold_chain.queries import gateways as queries
from data.cold_chain.tables import Gateway, Hub
from data.cold_chain.values import GatewayStatus
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.identity.tables import Role
from jobs import cold_chain as jobs
from tests.factories.cold_chain import ColdStore, cold_store
from tests.factories.people import World, person

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def gateway(who: Actor, store: ColdStore, gateway_id: str = "roof-1", **more: object) -> Gateway:
    async with transaction(who) as tx:
        return await gateways.add_gateway(tx, gateway_id=gateway_id, site_id=store.site_id, **more)  # type: ignore[arg-type]


async def hub(who: Actor, store: ColdStore, mac: str = "c4:7c:8d:6a:12:34") -> Hub:
    async with transaction(who) as tx:
        return await gateways.add_hub(tx, store.site_id, name="Kitchen hub", mac_address=mac)


async def heard(thing: Gateway | Hub, minutes_ago: float) -> None:
    async with across_tenants("tests") as tx:
        row = await tx.get_one(type(thing), thing.id)
        row.last_seen_at = now() - minutes_ago * MINUTE
        if isinstance(row, Gateway):
            row.status = GatewayStatus.ONLINE
        else:
            row.is_online = True


async def open_alerts(who: Actor) -> list[Alert]:
    async with transaction(who) as tx:
        return list(await alerts.open_alerts(tx))


async def test_a_gateway_is_described_and_found_by_those_who_may_look(world: World, store: ColdStore) -> None:
    made = await gateway(
        world.owner, store, " Roof-1 ", gateway_eui="9c-5c-8e-00-00-1a-05-c4", name="Roof", latitude=11.55, longitude=104.9, altitude_m=30,
        description="north mast",
    )  # fmt: skip
    await hub(world.owner, store)
    async with transaction(world.viewer) as tx:
        (seen,), (small,) = await queries.gateways(tx), await queries.hubs(tx)
    assert (seen.name, seen.gateway.gateway_id, seen.gateway.gateway_eui, seen.site_name) == ("Roof", "roof-1", "9C5C8E00001A05C4", "Market hall")
    assert (seen.gateway.status, small.hub.mac_address, small.sensor_count) == (GatewayStatus.UNKNOWN, "C4:7C:8D:6A:12:34", 0)
    async with transaction(world.owner) as tx:
        await gateways.edit_gateway(tx, made.id, site_id=None, name="Mast", latitude=None, longitude=None)
        await gateways.remove_hub(tx, small.hub.id)
        assert (await queries.gateways(tx))[0].name == "Mast" and list(await queries.hubs(tx)) == []
    again = await hub(world.owner, store)
    async with transaction(world.owner) as tx:
        await gateways.edit_hub(tx, again.id, site_id=store.site_id, name="Cellar")
        await gateways.remove_gateway(tx, made.id)
        with pytest.raises(NotFound):
            await gateways.remove_gateway(tx, made.id)


async def test_the_colleague_changes_nothing_the_stranger_finds_nothing_and_a_site_is_a_border(world: World, store: ColdStore) -> None:
    made, small = await gateway(world.owner, store), await hub(world.owner, store)
    other = await cold_store(world.owner, eui="0004A30B001C0777", name="Harbour")
    hugo = await person(world.organization, "Hugo Harbour", (Role.MANAGER, other.site_id))
    for who, refusal in ((world.colleague, Forbidden), (world.stranger, NotFound), (hugo, NotFound)):
        async with transaction(who) as tx:
            for attempt in (
                gateways.edit_gateway(tx, made.id, site_id=None, name="Mine"),
                gateways.remove_gateway(tx, made.id),
                gateways.edit_hub(tx, small.id, site_id=store.site_id, name="Mine"),
                gateways.remove_hub(tx, small.id),
            ):
                with pytest.raises(refusal):
                    await attempt
    async with transaction(hugo) as tx:
        assert list(await queries.gateways(tx)) == [] == list(await queries.hubs(tx))
        with pytest.raises(Forbidden):
            await gateways.add_gateway(tx, gateway_id="floating")
        for attempt in (gateways.add_gateway(tx, gateway_id="theirs", site_id=store.site_id), gateways.add_hub(tx, store.site_id, name="x", mac_address="0" * 12)):
            with pytest.raises(Invalid):
                await attempt
    async with transaction(world.stranger) as tx:
        assert list(await queries.gateways(tx)) == [] == list(await queries.hubs(tx))
        with pytest.raises(Invalid):
            await gateways.add_hub(tx, store.site_id, name="x", mac_address="0" * 12)


@pytest.mark.parametrize(
    ("described", "field"),
    [
        ({"gateway_id": "Up"}, "gateway_id"),
        ({"gateway_id": "double--dash"}, "gateway_id"),
        ({"gateway_eui": "9C5C"}, "gateway_eui"),
        ({"latitude": 11.5}, "longitude"),
        ({"latitude": 91, "longitude": 1}, "latitude"),
        ({"name": "x" * 101}, "name"),
        ({"status": "online"}, "status"),
        ({"site_id": uuid4()}, "site_id"),
    ],
)
async def test_what_cannot_be_is_refused_at_its_field(world: World, store: ColdStore, described: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await gateways.add_gateway(tx, **({"gateway_id": "roof-1", "site_id": store.site_id} | described))  # type: ignore[arg-type]
    assert refusal.value.field == field


async def test_a_number_is_registered_once_in_an_organization(world: World, store: ColdStore) -> None:
    await gateway(world.owner, store, gateway_eui="9C5C8E00001A05C4")
    await hub(world.owner, store)
    for name, eui in (("ROOF-1", None), ("roof-2", "9c5c8e00001a05c4")):
        with pytest.raises(Conflict):
            await gateway(world.owner, store, name, gateway_eui=eui)
    with pytest.raises(Conflict):
        await hub(world.owner, store, "C47C8D6A1234")
    theirs = await cold_store(world.stranger)
    await gateway(world.stranger, theirs, gateway_eui="9C5C8E00001A05C4")


async def test_ten_minutes_of_silence_are_told_once_and_over_when_it_is_heard(world: World, store: ColdStore) -> None:
    theirs = await cold_store(world.stranger)
    roof, kitchen, never = await gateway(world.owner, store), await hub(world.owner, store), await gateway(world.owner, store, "spare")
    fresh, far = await gateway(world.owner, store, "fresh"), await gateway(world.stranger, theirs)
    for thing, minutes in ((roof, 10.5), (kitchen, 11), (fresh, 9), (far, 20)):
        await heard(thing, minutes)
    for _ in range(2):
        await jobs.listen_for_gateways()
    found = {one.subject_name: one for one in await open_alerts(world.owner)}
    assert set(found) == {"roof-1", "Kitchen hub"}
    assert {(one.severity, one.alert_type, one.scope_id) for one in found.values()} == {(Severity.WARNING, "gateway_offline", store.site_id)}
    assert found["roof-1"].message_values == {"name": "roof-1", "minutes": 10} and found["Kitchen hub"].message == gateways.HUB_SILENT
    assert [one.subject_id for one in await open_alerts(world.stranger)] == [far.id]
    async with transaction(world.owner) as tx:
        states = {one.gateway.gateway_id: one.gateway.status for one in await queries.gateways(tx)}
        (small,) = await queries.hubs(tx)
    assert states == {"roof-1": GatewayStatus.OFFLINE, "spare": GatewayStatus.UNKNOWN, "fresh": GatewayStatus.ONLINE} and not small.hub.is_online
    await heard(roof, 0.1)
    await jobs.listen_for_gateways()
    assert [one.subject_name for one in await open_alerts(world.owner)] == ["Kitchen hub"]
    async with transaction(world.owner) as tx:
        await gateways.remove_hub(tx, kitchen.id)
    assert await open_alerts(world.owner) == [] and never.last_seen_at is None


async def test_what_another_system_tells_of_a_gateway_holds_until_it_is_heard(world: World, store: ColdStore) -> None:
    made = await gateway(world.owner, store, name="Roof")
    await heard(made, 2)
    for who, refused in ((world.colleague, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refused):
            async with transaction(who) as tx:
                await gateways.tell_status(tx, made.id, status=GatewayStatus.OFFLINE)
    async with transaction(world.owner) as tx:
        await gateways.tell_status(tx, made.id, status=GatewayStatus.OFFLINE)
    await jobs.listen_for_gateways()
    (alert,) = await open_alerts(world.owner)
    assert (alert.alert_type, alert.message, alert.time_zone) == (gateways.OFFLINE, gateways.TOLD_OFFLINE, "Asia/Phnom_Penh")
    async with transaction(world.owner) as tx:
        await gateways.tell_status(tx, made.id, status=GatewayStatus.ONLINE, last_seen_at=now() - MINUTE, signal_dbm=-90)
        assert (await queries.gateway(tx, made.id)).signal_dbm == -90
    await jobs.listen_for_gateways()
    assert await open_alerts(world.owner) == []
