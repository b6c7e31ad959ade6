"""New firmware comes to devices because somebody wants it, when nothing speaks against it, and is there when they say so."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from data.alerts import queries as alerts
from data.audit import queries as audit
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.intake import Intake
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands
from data.farm.commands import firmware
from data.farm.commands.firmware_course import claim_updates, give_up_updates, note_told, organizations_with_stuck
from data.farm.queries_firmware import firmware_of, releases
from data.farm.rules import OFFLINE
from data.farm.rules.firmware import CAME_BACK_OLD, DID_NOT_COME_BACK, IS_ON, WAS_ON
from data.farm.tables import Device, Dialect, FirmwareRelease, FirmwareUpdate, FlockBatch, UpdateStatus
from data.farm.values import FirmwareAnswer, FirmwareOrder, Health
from data.identity.tables import Role
from jobs.firmware import Updates
from jobs.networks.broker import Broker
from jobs.networks.mqtt import Mqtt
from tests.factories.farm import FarmWorld, bring_online, build_farm, eventually, tasmota
from tests.factories.people import World, person
from tests.farm.asking import ago, ask, hear, open_alerts, presence, system

MODEL, URL = "Sonoff Basic", "https://files.example/tasmota.bin"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    async with transaction(world.owner) as tx:
        for device in (made.fan, made.pump):
            await commands.edit_device(tx, device.id, name=device.name, topic=device.topic, model=MODEL)
    await bring_online(world.owner, made.fan, made.pump, is_on=False, at=ago(60))
    await hear(world, made.fan, Health(made.fan.topic, ago(50), firmware_version="14.2.0(tasmota)"))
    return made


async def list_release(who: Actor, version: str = "14.3.0", dialect: Dialect = Dialect.TASMOTA) -> FirmwareRelease:
    async with transaction(who) as tx:
        return await firmware.add_release(tx, model=MODEL, dialect=dialect, version=version, url=URL)


async def update(who: Actor, device: Device, release: FirmwareRelease, *, tonight: bool = False, may_be_on: bool = False) -> FirmwareUpdate:
    async with transaction(who) as tx:
        return await firmware.update_firmware(tx, device.id, release.id, tonight=tonight, may_be_on=may_be_on)


async def fate(world: World, made: FirmwareUpdate) -> FirmwareUpdate:
    async with transaction(world.owner) as tx:
        return await tx.get_one(FirmwareUpdate, made.id)


async def claim(at: datetime | None = None) -> list[FirmwareOrder]:
    async with across_tenants("tests") as tx:
        return await claim_updates(tx, at=at or now())


async def tell(world: World, at: datetime | None = None) -> list[FirmwareOrder]:
    """As the process that tells does."""
    orders = await claim(at)
    async with transaction(system(world)) as tx:
        await note_told(tx, [one.update_id for one in orders], [], {}, at=at or now())
    return orders


async def give_up(world: World, at: datetime) -> int:
    async with across_tenants("tests") as tx:
        whose = await organizations_with_stuck(tx, at=at)
    async with transaction(system(world)) as tx:
        count = await give_up_updates(tx, at=at)
    assert bool(whose) is bool(count)
    return count


async def settle_birds(world: World, farm_id: UUID) -> None:
    async with transaction(world.owner) as tx:
        tx.add(FlockBatch(farm_id=farm_id, name="Chicks", house="Room 1", placed_on=date(2026, 11, 1), placed_count=500))


async def test_only_an_owner_takes_a_device_back_to_older_firmware_and_says_why(world: World, farm: FarmWorld) -> None:
    older, newer = await list_release(world.owner, "14.1.0"), await list_release(world.owner, "14.3.0")
    because = "Version 14.2 forgets its timers."

    async def back(who: Actor, why: str | None) -> FirmwareUpdate:
        async with transaction(who) as tx:
            return await firmware.update_firmware(tx, farm.fan.id, older.id, older_because=why)

    with pytest.raises(Conflict, match="newer"):
        await back(world.owner, None)
    with pytest.raises(Invalid) as refusal:
        await back(world.owner, "because")
    assert refusal.value.field == "older_because"
    for who in (await person(world.organization, "Ann Admin", Role.ADMIN), await person(world.organization, "Mary Manager", Role.MANAGER), world.keeper):
        with pytest.raises(Forbidden):
            await back(who, because)
    with pytest.raises(NotFound):
        await back(world.stranger, because)
    async with transaction(world.owner) as tx:
        found = await firmware_of(tx, farm.fan.id)
    assert [one.id for one in found.older] == [older.id] and found.newest and found.newest.id == newer.id
    made = await back(world.owner, f"  {because}\n")
    assert (made.older_because, made.from_version) == (because, "14.2.0(tasmota)")
    (order,) = await tell(world)
    assert order.version == "14.1.0"
    await hear(world, farm.fan, FirmwareAnswer(farm.fan.topic, now(), is_installed=True))
    await hear(world, farm.fan, Health(farm.fan.topic, now(), firmware_version="14.1.0(tasmota)"))
    assert (await fate(world, made)).status is UpdateStatus.DONE
    async with transaction(world.owner) as tx:
        told = [one.event_data for one in await audit.latest(tx, subject_id=farm.fan.id) if one.event_type == "farm.device.update_asked"]
    assert [one.get("older_because") for one in told] == [because]
    onward = await update(world.owner, farm.fan, newer)  # a reason that is not needed is not kept
    assert onward.older_because is None


async def test_a_device_has_its_new_firmware_when_it_says_so_itself(world: World, farm: FarmWorld) -> None:
    release = await list_release(world.owner)
    made = await update(world.owner, farm.fan, release)
    assert (made.status, made.from_version) == (UpdateStatus.ASKED, "14.2.0(tasmota)")
    with pytest.raises(Conflict, match="already"):
        await update(world.owner, farm.fan, release)
    (order,) = await tell(world)
    assert (order.topic, order.url, order.version) == (farm.fan.topic, URL, "14.3.0")
    assert (await fate(world, made)).status is UpdateStatus.TOLD
    with pytest.raises(Conflict, match="told already"):
        async with transaction(world.owner) as tx:
            await firmware.cancel_update(tx, made.id)
    await hear(world, farm.fan, FirmwareAnswer(farm.fan.topic, now(), is_installed=True))
    assert (await fate(world, made)).status is UpdateStatus.RESTARTING
    await hear(world, farm.fan, Health(farm.fan.topic, now(), firmware_version="14.3.0(minimal)"))
    assert (await fate(world, made)).status is UpdateStatus.RESTARTING
    await hear(world, farm.fan, Health(farm.fan.topic, now(), firmware_version="14.3.0(release-tasmota)"))
    ended = await fate(world, made)
    assert ended.status is UpdateStatus.DONE and ended.ended_at and ended.error_message is None
    assert await open_alerts(world) == [] and await claim() == []
    async with transaction(world.viewer) as tx:
        assert (await firmware_of(tx, farm.fan.id)).newest is None


async def test_who_has_older_firmware_is_told_of_a_release_until_it_is_installed_or_taken_back(world: World, farm: FarmWorld) -> None:
    release = await list_release(world.owner)
    assert await open_alerts(world) == [("firmware_available", "info")]  # what the pump runs nobody knows
    async with transaction(world.viewer) as tx:
        assert (found := (await firmware_of(tx, farm.fan.id)).newest) and found.version == "14.3.0"
        (listed,) = await releases(tx)
    assert [one.name for one in listed.older] == ["Fan", "Pump"] and not listed.running
    async with transaction(world.owner) as tx:
        await firmware.remove_release(tx, release.id)
    assert await open_alerts(world) == []
    with pytest.raises(NotFound):
        await update(world.owner, farm.fan, release)
    await list_release(world.owner)  # it may come back
    with pytest.raises(Invalid, match="already"):
        await list_release(world.owner)
    assert await open_alerts(world) == [("firmware_available", "info")]
    await hear(world, farm.fan, Health(farm.fan.topic, now(), firmware_version="14.3.0(tasmota)"))
    assert await open_alerts(world) == []


async def test_a_device_that_does_not_come_back_is_told_of_and_over_when_it_does(world: World, farm: FarmWorld) -> None:
    release = await list_release(world.owner)
    made = await update(world.owner, farm.pump, release)
    await tell(world)
    assert await give_up(world, now() + 9 * MINUTE) == 0
    assert await give_up(world, now() + 11 * MINUTE) == 1
    ended = await fate(world, made)
    assert (ended.status, ended.error_message, ended.error_values) == (UpdateStatus.TIMEOUT, DID_NOT_COME_BACK, {"minutes": 10})
    assert ("firmware_failed", "warning") in await open_alerts(world)
    await hear(world, farm.pump, Health(farm.pump.topic, now(), firmware_version="14.3.0(tasmota)"))
    assert "firmware_failed" not in dict(await open_alerts(world))


async def test_a_device_that_went_back_or_could_not_fetch_it_has_failed(world: World, farm: FarmWorld) -> None:
    release = await list_release(world.owner)
    made = await update(world.owner, farm.fan, release)
    await tell(world)
    await hear(world, farm.fan, FirmwareAnswer(farm.fan.topic, now(), is_installed=True))
    await hear(world, farm.fan, Health(farm.fan.topic, now(), firmware_version="14.2.0(tasmota)"))
    assert (await fate(world, made)).error_message == CAME_BACK_OLD
    again = await update(world.owner, farm.fan, release)
    await tell(world)
    await hear(world, farm.fan, FirmwareAnswer(farm.fan.topic, now(), is_installed=False, error="HTTP error: 404"))
    ended = await fate(world, again)
    assert (ended.status, ended.error_values) == (UpdateStatus.FAILED, {"reason": "HTTP error: 404"})
    async with transaction(world.owner) as tx:
        kinds = [alert.alert_type for alert in await alerts.open_alerts(tx)]
    assert kinds.count("firmware_failed") == 1


async def test_what_is_on_while_birds_are_there_is_left_alone_unless_somebody_says_that_it_may_stand_still(world: World, farm: FarmWorld) -> None:
    release = await list_release(world.owner)
    await settle_birds(world, farm.farm.id)
    await bring_online(world.owner, farm.fan, is_on=True)
    with pytest.raises(Conflict) as refusal:
        await update(world.owner, farm.fan, release)
    assert refusal.value.message == IS_ON
    tonight = await update(world.owner, farm.fan, release, tonight=True)
    hour = tonight.not_before_at + MINUTE
    assert tonight.expires_at - tonight.not_before_at <= timedelta(hours=2)
    assert await claim(tonight.not_before_at - MINUTE) == [] and await claim(hour) == []
    assert await give_up(world, tonight.expires_at) == 1
    ended = await fate(world, tonight)
    assert (ended.status, ended.error_message) == (UpdateStatus.TIMEOUT, WAS_ON)
    assert ("firmware_failed", "info") in await open_alerts(world)
    await update(world.owner, farm.fan, release, may_be_on=True)
    assert len(await claim()) == 1


async def test_it_waits_for_the_night_for_the_end_of_a_stop_and_for_an_answer(world: World, farm: FarmWorld) -> None:
    release = await list_release(world.owner)
    made = await update(world.owner, farm.fan, release, tonight=True)
    hour = made.not_before_at + MINUTE
    await ask(world.owner, farm.fan)
    assert await claim(hour) == []
    await bring_online(world.owner, farm.fan, is_on=True)
    await presence(world, farm.fan, False)
    assert await claim(hour) == []
    await presence(world, farm.fan, True)
    async with transaction(world.owner) as tx:
        await commands.stop_all(tx, farm.farm.id)
    assert await claim(hour) == []
    await bring_online(world.owner, farm.fan, farm.pump, is_on=False)
    async with transaction(world.owner) as tx:
        await commands.go_on(tx, farm.farm.id)
    assert len(await claim(hour)) == 1 and await claim(hour) == []  # one process tells it
    assert len(await claim(hour + MINUTE)) == 1  # unless that one died


async def test_only_who_looks_after_the_farm_may_give_firmware_and_strangers_see_nothing(world: World, farm: FarmWorld) -> None:
    release = await list_release(world.owner)
    for who in (world.colleague, world.keeper, world.viewer):
        with pytest.raises(Forbidden):
            await update(who, farm.fan, release)
        with pytest.raises(Forbidden):
            await list_release(who, "15.0.0")
        with pytest.raises(Forbidden):
            async with transaction(who) as tx:
                await firmware.remove_release(tx, release.id)
    with pytest.raises(NotFound):
        await update(world.stranger, farm.fan, release)
    made = await update(world.owner, farm.fan, release, tonight=True)
    with pytest.raises(Forbidden):
        async with transaction(world.keeper) as tx:
            await firmware.cancel_update(tx, made.id)
    async with transaction(world.stranger) as tx:
        assert await releases(tx) == []
        with pytest.raises(NotFound):
            await firmware_of(tx, farm.fan.id)
        with pytest.raises(NotFound):
            await firmware.cancel_update(tx, made.id)
        with pytest.raises(NotFound):
            await firmware.remove_release(tx, release.id)
    with pytest.raises(Conflict, match="call it off"):
        async with transaction(world.owner) as tx:
            await firmware.remove_release(tx, release.id)
    async with transaction(world.owner) as tx:
        await firmware.cancel_update(tx, made.id)
    assert (await fate(world, made)).status is UpdateStatus.CANCELED


async def test_a_device_that_is_away_is_not_told_now(world: World, farm: FarmWorld) -> None:
    release = await list_release(world.owner)
    await presence(world, farm.fan, False)
    with pytest.raises(Conflict) as refusal:
        await update(world.owner, farm.fan, release)
    assert refusal.value.message == OFFLINE


@pytest.fixture
async def port(world: World) -> AsyncIterator[int]:
    intake, broker = Intake(), Broker(port=0)
    intake.start()
    await broker.start()
    mqtt = Mqtt(broker.url, intake)
    updates = Updates(mqtt.update, look_again_s=0.2)
    mqtt.start()
    updates.start()
    await mqtt.is_connected.wait()
    yield broker.port
    await updates.stop()
    await mqtt.stop()
    await broker.stop()
    await intake.stop()


async def test_a_relay_at_the_broker_fetches_its_firmware_and_another_never_comes_back(world: World, farm: FarmWorld, port: int) -> None:
    release = await list_release(world.owner)
    fan, pump = farm.fan, farm.pump

    async def stands(made: FirmwareUpdate, status: UpdateStatus) -> bool:
        return (await fate(world, made)).status is status

    async with tasmota(port, fan.topic, farm.secrets[fan.id]) as good, tasmota(port, pump.topic, farm.secrets[pump.id]) as bad:
        first = await update(world.owner, fan, release)
        second = await update(world.owner, pump, release)
        for relay in (good, bad):
            wanted = [(f"cmnd/{relay.topic}/OtaUrl", URL), (f"cmnd/{relay.topic}/Upgrade", "1")]
            await eventually(partial(lambda relay, wanted: [one for one in relay.asked if one in wanted] == wanted, relay, wanted))
        await good.say("stat", "RESULT", {"Upgrade": f"Version 14.2.0 from {URL}"})
        await good.say("stat", "UPGRADE", {"Upgrade": "Successful. Restarting"})
        await eventually(lambda: stands(first, UpdateStatus.RESTARTING))
    await eventually(lambda: stands(second, UpdateStatus.TOLD))
    async with tasmota(port, fan.topic, farm.secrets[fan.id]) as good:
        await good.say("tele", "INFO1", {"Info1": {"Module": MODEL, "Version": "14.3.0(release-tasmota)"}})
        await eventually(lambda: stands(first, UpdateStatus.DONE))
    assert await give_up(world, now() + 11 * MINUTE) == 1
    assert await stands(second, UpdateStatus.TIMEOUT)
