"""One tap switches a whole farm off, and it stays off until somebody lets it go on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import select

from data.core.errors import Conflict, Forbidden, NotFound
from data.core.session import current, transaction
from data.core.time import now
from data.farm import batches, commands, queries
from data.farm.commands.asking import Asking, Wish, ask, lock
from data.farm.commands.emergency import TAPPED_TWICE
from data.farm.rules import FARM_STOPPED, GOES_ON, NOT_CALLED_OFF, WAITS, Urgency
from data.farm.tables import Commanded, CommandStatus, CommandType, Device, DeviceCommand, DeviceType, SwitchAction
from data.identity.tables import Role
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World, person
from tests.farm.asking import add, claim, fate, give_up, hand_over, hear, open_alerts, presence, seen, state, system
from tests.farm.asking import ask as wish


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=True)
    return made


async def stop(world: World, farm: FarmWorld) -> commands.Stopped:
    async with transaction(world.owner) as tx:
        return await commands.stop_all(tx, farm.farm.id)


async def go_on(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.go_on(tx, farm.farm.id)


async def test_everything_that_is_switched_is_asked_first_and_each_tells_its_own_end(world: World, farm: FarmWorld) -> None:
    await presence(world, farm.pump, False)
    starting, light = await wish(world.keeper, farm.fan), await add(world, farm, "Light", DeviceType.PWM)
    await bring_online(world.owner, light, is_on=True)
    stopped = await stop(world, farm)
    assert (stopped.asked, stopped.unreachable) == (("Fan", "Light"), ("Pump",))
    assert (await fate(world, starting)).status is CommandStatus.FAILED
    assert {(one.command, one.priority) for one in await hand_over()} == {("off", Urgency.STOP)}
    await hear(world, farm.fan, state(farm.fan, False))
    async with transaction(world.viewer) as tx:
        assert stopped.batch_id
        found = await batches.progress(tx, stopped.batch_id)
        again = await batches.last_stop(tx, farm.farm.id)
    assert {device.name: command.status.value for device, command in found.lines} == {"Fan": "completed", "Light": "sent", "Pump": "queued"}
    assert again and again.batch_id == stopped.batch_id
    assert await open_alerts(world) == [("farm_stopped", "critical")]


async def test_only_who_may_stops_a_farm_and_lets_it_go_on(world: World, farm: FarmWorld) -> None:
    limited = await person(world.organization, "Mina Manager", (Role.MANAGER, farm.farm.id))
    for command in (commands.stop_all, commands.go_on):
        for nobody in (world.colleague, world.keeper, world.viewer, world.driver):
            with pytest.raises(Forbidden):
                async with transaction(nobody) as tx:
                    await command(tx, farm.farm.id)  # type: ignore[operator]
        with pytest.raises(NotFound):
            async with transaction(world.stranger) as tx:
                await command(tx, farm.farm.id)  # type: ignore[operator]
        async with transaction(limited) as tx:
            await command(tx, farm.farm.id)  # type: ignore[operator]
    with pytest.raises(Conflict, match="not stopped"):
        await go_on(world, farm)


async def test_while_it_is_stopped_nothing_is_switched_on_and_everything_may_be_switched_off(world: World, farm: FarmWorld) -> None:
    await stop(world, farm)
    for command in (CommandType.ON, CommandType.TOGGLE):
        async with transaction(world.owner) as tx:
            await tx.exec(select(Device))
        if command is CommandType.TOGGLE:
            await hear(world, farm.fan, state(farm.fan, False))
        with pytest.raises(Conflict) as refusal:
            await wish(world.owner, farm.fan, command)
        assert refusal.value.message == FARM_STOPPED
    await wish(world.keeper, farm.fan, CommandType.OFF)
    await go_on(world, farm)
    assert (await wish(world.keeper, farm.fan)).status is CommandStatus.QUEUED
    assert await open_alerts(world) == []


async def test_who_was_away_is_switched_off_when_it_is_back_however_late(world: World, farm: FarmWorld) -> None:
    await presence(world, farm.fan, False)
    await stop(world, farm)
    async with transaction(world.keeper) as tx:
        (waiting,) = [one.command for one in await queries.tiles(tx, farm.fan.id)]
        assert waiting
        with pytest.raises(Conflict) as refusal:
            await commands.cancel(tx, waiting.id)
    assert refusal.value.message == NOT_CALLED_OFF
    later = now() + 100 * WAITS
    assert [c for c in await give_up(world, later) if c.device_id == farm.fan.id] == []
    await presence(world, farm.fan, True)
    assert {one.topic for one in await claim(at=later)} == {farm.fan.topic, farm.pump.topic}


async def test_who_comes_back_after_the_farm_went_on_is_left_alone(world: World, farm: FarmWorld) -> None:
    await presence(world, farm.fan, False)
    await stop(world, farm)
    await hand_over()
    await go_on(world, farm)
    await presence(world, farm.fan, True)
    assert await claim() == []
    async with transaction(world.owner) as tx:
        (waiting,) = await tx.exec(select(DeviceCommand).where(DeviceCommand.device_id == farm.fan.id))
    assert (waiting.status, waiting.error_message, waiting.canceled_by) == (CommandStatus.CANCELED, GOES_ON, world.owner.user_id)


async def test_a_trembling_finger_stops_once(world: World, farm: FarmWorld) -> None:
    first, second = await asyncio.gather(stop(world, farm), stop(world, farm))
    assert first == second
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(DeviceCommand))).all()) == 2
        farm_row = await queries.farm(tx, farm.farm.id)
        farm_row.stopped_at = now() - TAPPED_TWICE - timedelta(seconds=1)
        tx.add(farm_row)
    later = await stop(world, farm)  # what waits already becomes a part of it
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(DeviceCommand))).all()) == 2 and later.batch_id
        assert len((await batches.progress(tx, later.batch_id)).lines) == 2


async def test_a_schedule_at_the_same_moment_is_before_it_and_replaced_or_after_it_and_refused(world: World, farm: FarmWorld) -> None:
    """Whichever comes first, nothing is left that would switch on."""

    async def run() -> list[DeviceCommand]:
        async with transaction(system(world)) as tx:
            (device,) = await lock(tx, Device.id == farm.fan.id)
            await asyncio.sleep(0)
            asking = Asking(Commanded.SCHEDULE)
            return await ask(tx, [Wish(device, SwitchAction.ON)], at=now(), asking=asking)

    for order in (1, -1):
        both = [run(), stop(world, farm)][::order]
        await asyncio.gather(*both)
        async with transaction(world.owner) as tx:
            kept = (await tx.exec(select(DeviceCommand).where(DeviceCommand.device_id == farm.fan.id))).all()
        open_ones = [c.command_type for c in kept if c.status is CommandStatus.QUEUED]
        assert open_ones == [CommandType.OFF], [(c.command_type, c.status, c.error_message) for c in kept]
        await go_on(world, farm)


async def test_a_schedule_on_a_stopped_farm_is_written_down_as_refused(world: World, farm: FarmWorld) -> None:
    await stop(world, farm)
    async with transaction(system(world)) as tx:
        (device,) = await lock(tx, Device.id == farm.fan.id)
        (command,) = await ask(tx, [Wish(device, SwitchAction.ON)], at=now(), asking=Asking(Commanded.SCHEDULE))
    assert (command.status, command.error_message) == (CommandStatus.FAILED, FARM_STOPPED)


async def test_a_servo_turns_to_where_it_is_safe_if_somebody_said_where(world: World, farm: FarmWorld) -> None:
    flap, other = await add(world, farm, "Flap", DeviceType.SERVO), await add(world, farm, "Other", DeviceType.SERVO)
    await bring_online(world.owner, flap, other)
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, flap.id, "safe_angle", 30)
    await stop(world, farm)
    assert {(o.topic, o.command, o.value) for o in await claim() if o.device_type == "servo"} == {("flap", "set_angle", 30.0)}


async def test_a_silent_one_is_told_of_by_name(world: World, farm: FarmWorld) -> None:
    await stop(world, farm)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, False))
    await give_up(world, now() + timedelta(seconds=31))
    assert sorted(await open_alerts(world)) == [("device_silent", "warning"), ("farm_stopped", "critical")]
    assert (await seen(world, farm.pump)).last_command_status is CommandStatus.TIMEOUT


@contextmanager
def counted() -> Iterator[list[str]]:
    """What is said to the database."""
    said: list[str] = []
    engine: AsyncEngine = current()._app

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_a_thousand_devices_are_stopped_in_a_few_statements(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    owner_connection.execute(
        """insert into farm.devices (id, organization_id, farm_id, topic, name, device_type, output, is_active, is_online, is_on, latest)
        select gen_random_uuid(), %s, %s, 'relay-' || n, 'Relay ' || n, 'relay', 1, true, n %% 10 <> 0, true, '{}'
        from generate_series(1, 1000) n""",
        [world.organization_id, farm.farm.id],
    )
    with counted() as said:
        stopped = await stop(world, farm)
    assert (len(stopped.asked), len(stopped.unreachable)) == (902, 100)
    assert len(said) < 60, said
    async with transaction(world.owner) as tx:
        assert stopped.batch_id
        assert (await batches.progress(tx, stopped.batch_id)).waiting == 1002
    with counted() as said:
        await go_on(world, farm)
    assert len(said) < 40, said
    async with transaction(world.owner) as tx:
        assert (await batches.progress(tx, stopped.batch_id)).counts == {CommandStatus.CANCELED: 1002}
