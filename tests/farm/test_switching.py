import asyncio
from datetime import timedelta

import psycopg
import pytest
from sqlmodel import select

from data.core.actor import Actor
from data.core.bus import bus
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.farm import commands, queries
from data.farm.commands.giving_up import organizations_with_overdue
from data.farm.commands.instructions import CLAIM
from data.farm.events import DeviceChanged
from data.farm.rules import ANSWER_WITHIN, REPLACED, SILENT_AFTER
from data.farm.tables import CommandStatus, DeviceCommand, SensorReading
from data.farm.values import DeviceReport, Outgoing, SensorValue, StateReport
from data.identity.tables import Role
from data.notifications.tables import Notification
from jobs import farm as jobs
from tests.factories.farm import FarmWorld, bring_online, build_farm, eventually
from tests.factories.people import World, person


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False)
    return made


async def switch(who: Actor, farm: FarmWorld, *, on: bool) -> DeviceCommand:
    async with transaction(who) as tx:
        return await commands.switch(tx, farm.fan.id, on=on)


async def report(who: Actor, *messages: DeviceReport) -> list[object]:
    async with transaction(Actor.machine(who.organization_id, "mqtt")) as tx:  # type: ignore[arg-type]
        return list(await commands.hear(tx, messages))


def says(farm: FarmWorld, is_on: bool, *, later_s: float = 0) -> DeviceReport:
    return DeviceReport(farm.fan.id, StateReport(farm.fan.topic, 1, is_on, now() + timedelta(seconds=later_s)))


async def fate(who: Actor, command: DeviceCommand) -> DeviceCommand:
    async with transaction(who) as tx:
        return await tx.get_one(DeviceCommand, command.id)


async def test_owner_and_colleague_may_switch_and_only_a_wish_is_kept(world: World, farm: FarmWorld) -> None:
    for who, on in ((world.owner, True), (world.colleague, False), (world.keeper, True)):
        command = await switch(who, farm, on=on)
        assert (command.status, command.requested_by, command.command_type) == (CommandStatus.QUEUED, who.user_id, "on" if on else "off")
    async with transaction(world.viewer) as tx:
        assert (await queries.device(tx, farm.fan.id)).is_on is False


async def test_a_viewer_may_look_and_not_touch(world: World, farm: FarmWorld) -> None:
    async with transaction(world.viewer) as tx:
        assert [tile.device.name for tile in await queries.tiles(tx)] == ["Fan", "Probe", "Pump"]
    with pytest.raises(Forbidden):
        await switch(world.viewer, farm, on=True)


async def test_for_the_neighbour_there_is_no_such_device(world: World, farm: FarmWorld) -> None:
    with pytest.raises(NotFound):
        await switch(world.stranger, farm, on=True)
    async with transaction(world.stranger) as tx:
        assert await queries.tiles(tx) == [] and await queries.farms(tx) == []
    for nobody in (world.driver, world.assessor):
        with pytest.raises(NotFound):
            await switch(nobody, farm, on=True)


async def test_a_keeper_of_one_farm_has_nothing_to_do_with_another(world: World, farm: FarmWorld) -> None:
    other = await build_farm(world.owner, prefix="hill")
    await bring_online(world.owner, other.fan)
    hired = await person(world.organization, "Hana Hired", (Role.KEEPER, other.farm.id))
    async with transaction(hired) as tx:
        assert [f.id for f in await queries.farms(tx)] == [other.farm.id]
        await commands.switch(tx, other.fan.id, on=True)
    with pytest.raises(NotFound):
        await switch(hired, farm, on=True)


async def test_a_probe_cannot_be_switched(world: World, farm: FarmWorld) -> None:
    with pytest.raises(Invalid, match="only measures") as refusal:
        async with transaction(world.owner) as tx:
            await commands.switch(tx, farm.probe.id, on=True)
    assert refusal.value.field == "command_type"


async def test_the_same_wish_twice_is_one_and_the_opposite_one_replaces_it(world: World, farm: FarmWorld) -> None:
    first, again = await asyncio.gather(switch(world.owner, farm, on=True), switch(world.colleague, farm, on=True))
    assert first.id == again.id
    opposite = await switch(world.owner, farm, on=False)
    assert opposite.id != first.id
    replaced = await fate(world.owner, first)
    assert (replaced.status, replaced.error_message) == (CommandStatus.FAILED, REPLACED)


async def test_only_the_device_itself_says_that_it_is_on(world: World, farm: FarmWorld) -> None:
    command = await switch(world.owner, farm, on=True)
    await report(world.owner, says(farm, False))  # it says what it was before it heard
    assert (await fate(world.owner, command)).status is CommandStatus.QUEUED
    await report(world.owner, says(farm, True))
    assert (await fate(world.owner, command)).status is CommandStatus.COMPLETED
    async with transaction(world.owner) as tx:
        device = await queries.device(tx, farm.fan.id)
    assert device.is_on and device.state_changed_at and device.last_command_status is CommandStatus.COMPLETED


async def test_what_a_device_said_before_it_was_asked_is_no_answer(world: World, farm: FarmWorld) -> None:
    early = says(farm, True, later_s=-1)
    command = await switch(world.owner, farm, on=True)
    await report(world.owner, early)
    assert (await fate(world.owner, command)).status is CommandStatus.QUEUED


async def test_each_value_is_kept_once_and_the_same_again_changes_nothing(world: World, farm: FarmWorld) -> None:
    value = DeviceReport(farm.probe.id, SensorValue(farm.probe.topic, "temperature", 33.333, "°C", now()))
    assert await report(world.owner, value, value) == [None, None]
    await report(world.owner, value)
    async with transaction(world.viewer) as tx:
        kept = (await tx.exec(select(SensorReading).where(SensorReading.device_id == farm.probe.id))).all()
        found = await queries.readings(tx, farm.probe.id, "temperature", since=now() - timedelta(hours=1), until=now())
    assert [float(r.value) for r in kept] == [33.33] and found.values.tolist() == [33.33]
    async with transaction(world.stranger) as tx:
        assert (await tx.exec(select(SensorReading))).all() == []


async def test_a_report_of_a_device_that_is_gone_is_refused_alone(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, farm.pump.id)
    gone = DeviceReport(farm.pump.id, StateReport(farm.pump.topic, 1, True, now()))
    first, second = await report(world.owner, gone, says(farm, True))
    assert isinstance(first, NotFound) and second is None


async def test_every_change_of_state_is_in_the_log(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    await report(world.owner, says(farm, True))
    await report(world.owner, says(farm, True))
    await report(world.owner, says(farm, False))
    titles = owner_connection.execute("select title from audit.event_logs where subject_id = %s and event_type like 'farm.device.switched%%' order by sequence", [farm.fan.id]).fetchall()
    assert [title for (title,) in titles] == ["Fan is off", "Fan is on", "Fan is off"]


async def test_whoever_looks_hears_of_it(world: World, farm: FarmWorld) -> None:
    heard: list[str] = []
    stop = bus.topic(DeviceChanged, world.organization_id, device_id=farm.fan.id).subscribe(lambda: heard.append("fan"))
    await switch(world.owner, farm, on=True)
    await eventually(lambda: set(heard) == {"fan"})  # once or more: what its fixture did may be heard late
    stop()


async def test_a_claim_is_one_processs_until_it_dies(world: World, farm: FarmWorld) -> None:
    command = await switch(world.owner, farm, on=True)
    at = now()
    async with across_tenants("one") as one, across_tenants("two") as two:
        assert [o.command_id for o in await commands.claim_queued(one, at=at)] == [command.id]
        assert await commands.claim_queued(two, at=at) == []
    async with across_tenants("two") as tx:
        assert await commands.claim_queued(tx, at=at + CLAIM / 2) == []
        assert [o.command_id for o in await commands.claim_queued(tx, at=at + CLAIM * 1.1)] == [command.id]


async def test_a_later_wish_waits_until_the_earlier_one_is_out_of_the_house(world: World, farm: FarmWorld) -> None:
    first = await switch(world.owner, farm, on=True)
    async with across_tenants("one") as tx:
        await commands.claim_queued(tx, at=now())
    await switch(world.owner, farm, on=False)
    async with across_tenants("two") as tx:
        assert await commands.claim_queued(tx, at=now()) == []
        await commands.mark_sent(tx, [first.id], at=now())
        assert [o.is_on for o in await commands.claim_queued(tx, at=now())] == [False]
    assert (await fate(world.owner, first)).status is CommandStatus.FAILED


async def test_an_answer_that_overtakes_the_note_of_sending_stands(world: World, farm: FarmWorld) -> None:
    command = await switch(world.owner, farm, on=True)
    await report(world.owner, says(farm, True))
    async with across_tenants("one") as tx:
        await commands.mark_sent(tx, [command.id], at=now())
    assert (await fate(world.owner, command)).status is CommandStatus.COMPLETED


async def test_a_timeout_is_told_to_those_who_may_see_the_farm_and_a_late_answer_ends_the_alert(world: World, farm: FarmWorld) -> None:
    await switch(world.colleague, farm, on=True)
    await hand_over()
    at = now() + ANSWER_WITHIN
    async with across_tenants("tests") as tx:
        assert await organizations_with_overdue(tx, at=at) == [world.organization_id]
    async with transaction(Actor.system(world.organization_id, "farm.timeouts")) as tx:
        assert [c.status for c in await commands.time_out(tx, at=at)] == [CommandStatus.TIMEOUT]
    for who, told in ((world.keeper, 1), (world.owner, 1), (world.driver, 0), (world.stranger, 0)):
        async with transaction(who) as tx:
            mine = await tx.exec(select(Notification).where(Notification.user_id == who.user_id))
            assert len([n for n in mine if n.notification_type == "device_silent"]) == told
    await report(world.owner, says(farm, False))  # it lives, but it is not as it was asked to be
    assert await open_alerts(world) == ["device_silent"]
    await report(world.owner, says(farm, True))
    assert await open_alerts(world) == []


async def hand_over() -> list[Outgoing]:
    """As the process that sends does."""
    async with across_tenants("tests") as tx:
        claimed = await commands.claim_queued(tx, at=now())
        await commands.mark_sent(tx, [one.command_id for one in claimed], at=now())
    return claimed


async def open_alerts(world: World) -> list[str]:
    from data.alerts import queries as alerts

    async with transaction(world.owner) as tx:
        return [alert.alert_type for alert in await alerts.open_alerts(tx)]


async def test_a_device_that_says_nothing_for_long_is_offline_and_its_broker_is_contradicted(world: World, farm: FarmWorld) -> None:
    async with transaction(Actor.system(world.organization_id, "farm.silence")) as tx:
        assert await commands.mark_silent(tx, at=now() + SILENT_AFTER - timedelta(seconds=30)) == []
        assert {d.name for d in await commands.mark_silent(tx, at=now() + SILENT_AFTER)} == {"Fan", "Pump"}
    async with transaction(world.viewer) as tx:
        fan = await queries.device(tx, farm.fan.id)
    assert (fan.is_online, fan.contradicted_by) == (False, "presence")
    await report(world.owner, says(farm, True))
    async with transaction(world.viewer) as tx:
        fan = await queries.device(tx, farm.fan.id)
    assert (fan.is_online, fan.contradicted_by) == (True, None)


async def test_the_timetables_lines_do_nothing_when_there_is_nothing_to_do(world: World, farm: FarmWorld) -> None:
    command = await switch(world.owner, farm, on=True)
    for line in jobs.timetable(Settings(_env_file=None)):
        await line.job()
    assert (await fate(world.owner, command)).status is CommandStatus.QUEUED
