"""From a wish to its end: what may be asked, how long it waits, how often it is tried, and what counts as an answer."""

from datetime import timedelta

import pytest

from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.farm import batches, commands
from data.farm.commands.instructions import CLAIM
from data.farm.rules import (
    ANSWER_WITHIN,
    CALLED_OFF,
    DID_SOMETHING_ELSE,
    NO_ANSWER,
    NOT_SENT,
    NOT_SWITCHED,
    NOT_THIS,
    OUT_OF_USE,
    REFUSED_BY_DEVICE,
    REMOVED,
    REPLACED,
    RETRIES_S,
    STATE_UNKNOWN,
    TOO_LATE,
    WAITS,
    Urgency,
)
from data.farm.tables import CommandStatus, CommandType, Device, DeviceType, Dialect
from data.farm.values import CommandAnswer
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import (
    add,
    ago,
    ask,
    claim,
    fail_to_send,
    fate,
    give_up,
    hand_over,
    hear,
    open_alerts,
    presence,
    seen,
    state,
    system,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False)
    return made


async def test_a_wish_goes_its_way_from_queued_to_completed(world: World, farm: FarmWorld) -> None:
    command = await ask(world.keeper, farm.fan)
    assert command.status is CommandStatus.QUEUED
    (outgoing,) = await hand_over()
    assert (outgoing.command, outgoing.is_on, outgoing.value, outgoing.topic) == ("on", True, None, farm.fan.topic)
    assert (await fate(world, command)).status is CommandStatus.SENT
    await hear(world, farm.fan, CommandAnswer(farm.fan.topic, command.id, "executing", now()))
    assert (await fate(world, command)).status is CommandStatus.EXECUTING
    await hear(world, farm.fan, state(farm.fan, True))
    ended = await fate(world, command)
    assert (ended.status, ended.response_data) == (CommandStatus.COMPLETED, {"power": "ON"})
    assert ended.sent_at and ended.completed_at and ended.requested_at <= ended.sent_at <= ended.completed_at


async def test_a_wish_waits_for_a_device_that_is_away_and_goes_out_when_it_is_back(world: World, farm: FarmWorld) -> None:
    await presence(world, farm.fan, False)
    command = await ask(world.owner, farm.fan)
    assert await claim() == []
    assert await give_up(world, now() + WAITS - 5 * SECOND) == []
    await presence(world, farm.fan, True)
    assert [one.command_id for one in await hand_over()] == [command.id]


async def test_yesterdays_on_is_not_obeyed_today(world: World, farm: FarmWorld) -> None:
    await presence(world, farm.fan, False)
    command = await ask(world.owner, farm.fan)
    later = now() + WAITS + SECOND
    await presence(world, farm.fan, True)
    assert await claim(at=later) == []
    (ended,) = await give_up(world, later)
    assert (ended.id, ended.status, ended.error_message, ended.sent_at) == (command.id, CommandStatus.EXPIRED, TOO_LATE, None)
    assert (await seen(world, farm.fan)).last_command_status is CommandStatus.EXPIRED
    assert await open_alerts(world) == [("device_silent", "warning")]


@pytest.mark.parametrize("waits_s", [0, 30, 3600])
async def test_how_long_a_wish_waits_is_set_at_the_device(world: World, farm: FarmWorld, waits_s: int) -> None:
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, farm.fan.id, "wait_offline_s", waits_s)
    command = await ask(world.owner, farm.fan)
    assert (command.expires_at - command.requested_at).total_seconds() == waits_s


async def test_the_latest_wish_of_those_that_wait_wins(world: World, farm: FarmWorld) -> None:
    await presence(world, farm.fan, False)
    first, second = await ask(world.owner, farm.fan), await ask(world.keeper, farm.fan, CommandType.OFF)
    third = await ask(world.colleague, farm.fan)
    await presence(world, farm.fan, True)
    assert [one.command_id for one in await hand_over()] == [third.id]
    assert [((await fate(world, c)).status, (await fate(world, c)).error_message) for c in (first, second)] == [(CommandStatus.FAILED, REPLACED)] * 2


async def test_the_urgent_goes_first(world: World, farm: FarmWorld) -> None:
    low = await add(world, farm, "Light", DeviceType.RELAY)
    await bring_online(world.owner, low)
    async with transaction(world.owner) as tx:
        made = [
            await commands.command(tx, device.id, CommandType.ON, urgency=urgency)
            for device, urgency in ((low, Urgency.LOW), (farm.fan, Urgency.NORMAL), (farm.pump, Urgency.HIGH))
        ]
    assert [one.command_id for one in await claim()] == [command.id for command in reversed(made)]


async def test_what_cannot_be_handed_over_is_tried_five_times_more_and_then_given_up(world: World, farm: FarmWorld) -> None:
    command = await ask(world.owner, farm.fan)
    at = now()
    assert await fail_to_send(command, at=at)
    for wait_s in RETRIES_S:
        assert not await fail_to_send(command, at=at + (wait_s - 0.1) * SECOND)
        assert await give_up(world, at) == []
        at += wait_s * SECOND
        assert await fail_to_send(command, at=at)
    assert not await fail_to_send(command, at=at + 60 * SECOND)
    (ended,) = await give_up(world, at)
    assert (ended.status, ended.error_message, ended.error_values) == (CommandStatus.FAILED, NOT_SENT, {"seconds": 31})
    assert await open_alerts(world) == [("device_unreachable", "warning")]
    again = await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    assert (await fate(world, again)).status is CommandStatus.COMPLETED and await open_alerts(world) == []


async def test_whoever_dies_in_between_loses_nothing(world: World, farm: FarmWorld) -> None:
    command = await ask(world.owner, farm.fan)
    at = now()
    assert len(await claim(at=at)) == 1  # and then the plug is pulled
    assert await give_up(world, at + CLAIM / 2) == []
    assert [one.command_id for one in await hand_over(at=at + CLAIM + SECOND)] == [command.id]
    await hear(world, farm.fan, state(farm.fan, True))
    assert (await fate(world, command)).status is CommandStatus.COMPLETED


async def test_an_answer_is_waited_for_from_when_it_was_sent(world: World, farm: FarmWorld) -> None:
    command = await ask(world.owner, farm.fan)
    at = now() + 5 * SECOND
    await hand_over(at=at)
    assert await give_up(world, at + ANSWER_WITHIN - SECOND) == []
    (ended,) = await give_up(world, at + ANSWER_WITHIN)
    assert (ended.id, ended.status, ended.error_message) == (command.id, CommandStatus.TIMEOUT, NO_ANSWER)
    assert (await seen(world, farm.fan)).error_count == 1


async def test_a_wish_is_called_off_only_while_it_waits(world: World, farm: FarmWorld) -> None:
    await presence(world, farm.fan, False)
    waiting, under_way = await ask(world.owner, farm.fan), await ask(world.owner, farm.pump)
    await claim()
    for who, refusal in ((world.viewer, Forbidden), (world.stranger, NotFound), (world.driver, NotFound)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await commands.cancel(tx, waiting.id)
    async with transaction(world.keeper) as tx:
        await commands.cancel(tx, waiting.id)
    ended = await fate(world, waiting)
    assert (ended.status, ended.canceled_by, ended.error_message) == (CommandStatus.CANCELED, world.keeper.user_id, CALLED_OFF)
    for too_late in (under_way, waiting):
        with pytest.raises(Conflict, match="too late"):
            async with transaction(world.owner) as tx:
                await commands.cancel(tx, too_late.id)
    await presence(world, farm.fan, True)
    assert await claim(at=now() + SECOND) == []


@pytest.mark.parametrize(
    ("kind", "command", "value", "field"),
    [
        (DeviceType.SENSOR, CommandType.OFF, None, "command_type"), (DeviceType.ADC, CommandType.SET_VALUE, 1, "command_type"),
        (DeviceType.RELAY, CommandType.SET_SPEED, 50, "command_type"), (DeviceType.GPIO, CommandType.SET_ANGLE, 50, "command_type"),
        (DeviceType.SERVO, CommandType.ON, None, "command_type"), (DeviceType.PWM, CommandType.SET_ANGLE, 10, "command_type"),
        (DeviceType.PWM, CommandType.SET_VALUE, 256, "value"), (DeviceType.PWM, CommandType.SET_VALUE, -1, "value"),
        (DeviceType.PWM, CommandType.SET_VALUE, 1.5, "value"), (DeviceType.PWM, CommandType.SET_SPEED, 100.5, "value"),
        (DeviceType.PWM, CommandType.SET_SPEED, None, "value"), (DeviceType.SERVO, CommandType.SET_ANGLE, 181, "value"),
        (DeviceType.SERVO, CommandType.SET_ANGLE, float("nan"), "value"), (DeviceType.RELAY, CommandType.ON, 1, "value"),
    ],
)  # fmt: skip
async def test_what_a_device_cannot_do_is_refused_by_name(
    world: World, farm: FarmWorld, kind: DeviceType, command: CommandType, value: float | None, field: str
) -> None:
    device = await add(world, farm, "Thing", kind)
    with pytest.raises(Invalid) as refusal:
        await ask(world.owner, device, command, value)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("kind", "command", "value"),
    [(DeviceType.PWM, CommandType.SET_VALUE, 128), (DeviceType.PWM, CommandType.SET_SPEED, 62.5), (DeviceType.SERVO, CommandType.SET_ANGLE, 90)],
)
async def test_a_setting_is_done_when_the_device_says_that_value(
    world: World, farm: FarmWorld, kind: DeviceType, command: CommandType, value: float
) -> None:
    device = await add(world, farm, "Thing", kind)
    await bring_online(world.owner, device)
    wish = await ask(world.owner, device, command, value)
    assert (await ask(world.colleague, device, command, value)).id == wish.id
    (outgoing,) = await hand_over()
    assert (outgoing.command, outgoing.value, outgoing.device_type) == (command, value, kind)
    for other in (None, value / 2):
        await hear(world, device, state(device, True, value=other))
        assert (await fate(world, wish)).status is CommandStatus.SENT
    await hear(world, device, state(device, True, value=value))
    assert (await fate(world, wish)).status is CommandStatus.COMPLETED
    assert float((await seen(world, device)).value or 0) == value


async def test_a_devices_own_limits_and_calibration_count(world: World, farm: FarmWorld) -> None:
    servo, fan = await add(world, farm, "Flap", DeviceType.SERVO), await add(world, farm, "Blower", DeviceType.PWM)
    await bring_online(world.owner, servo, fan)
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, servo.id, "calibration", {"offset": 5, "scale": 0.5})
        await commands.set_config(tx, fan.id, "set_speed", 60, min_value=30, max_value=80)
    for wrong in (29, 81):
        with pytest.raises(Invalid, match="between 30 and 80"):
            await ask(world.owner, fan, CommandType.SET_SPEED, wrong)
    await ask(world.owner, fan, CommandType.SET_SPEED, 0)  # standing still is always allowed
    turned = await ask(world.owner, servo, CommandType.SET_ANGLE, 90)
    assert {one.command: one.value for one in await hand_over()} == {"set_speed": 0, "set_angle": 50}
    await hear(world, servo, state(servo, True, value=50))
    assert (await fate(world, turned)).status is CommandStatus.COMPLETED and float((await seen(world, servo)).value or 0) == 90


async def test_a_toggle_is_decided_before_it_is_sent_and_twice_is_once(world: World, farm: FarmWorld) -> None:
    light = await add(world, farm, "Light", DeviceType.GPIO)
    with pytest.raises(Conflict) as refusal:
        await ask(world.owner, light, CommandType.TOGGLE)
    assert refusal.value.message == STATE_UNKNOWN
    await bring_online(world.owner, light, is_on=True)
    first, again = await ask(world.owner, light, CommandType.TOGGLE), await ask(world.owner, light, CommandType.TOGGLE)
    assert (first.id, first.command_type) == (again.id, CommandType.OFF)


async def test_many_are_asked_at_once_and_each_has_its_own_end(world: World, farm: FarmWorld) -> None:
    away, idle = await add(world, farm, "Away", DeviceType.RELAY), await add(world, farm, "Idle", DeviceType.RELAY)
    async with transaction(world.owner) as tx:
        row = await tx.get_one(Device, idle.id)
        row.is_active = False
        tx.add(row)
    all_of_them = [farm.fan.id, farm.pump.id, farm.probe.id, away.id, idle.id]
    for who in (world.keeper, world.colleague, world.viewer):
        with pytest.raises(Forbidden):
            async with transaction(who) as tx:
                await commands.command_many(tx, all_of_them, CommandType.ON)
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await commands.command_many(tx, all_of_them, CommandType.ON)
    async with transaction(world.owner) as tx:
        batch = await commands.command_many(tx, [*all_of_them, farm.fan.id], CommandType.ON)
    assert (batch.asked, batch.refused) == (3, {farm.probe.id: NOT_SWITCHED, idle.id: OUT_OF_USE})
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    async with transaction(world.viewer) as tx:
        found = await batches.progress(tx, batch.batch_id)
    assert {device.name: command.status.value for device, command in found.lines} == {
        "Fan": "completed", "Pump": "sent", "Away": "queued", "Probe": "failed", "Idle": "failed",
    }  # fmt: skip
    assert (found.done, found.waiting) == (1, 2)
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await batches.progress(tx, batch.batch_id)


async def test_many_of_the_wrong_kind_are_told_why(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        batch = await commands.command_many(tx, [farm.fan.id], CommandType.SET_SPEED, value=50)
    assert batch.refused == {farm.fan.id: NOT_THIS}
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await commands.command_many(tx, [], CommandType.ON)
    assert refusal.value.field == "device_ids"


async def test_who_comes_and_asks_is_given_what_waits_once_and_the_broker_none_of_it(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        behind = await commands.register_device(
            tx, farm.farm.id, name="Behind a gateway", topic="behind", device_type=DeviceType.RELAY, dialect=Dialect.GATEWAY
        )
    await bring_online(world.owner, behind)
    wish = await ask(world.owner, behind)
    assert await claim() == []
    async with transaction(system(world)) as tx:
        (given,) = await commands.take_waiting(tx, [behind.id, farm.fan.id], at=now())
    assert (given.command_id, given.dialect, given.command) == (wish.id, "gateway", "on")
    async with transaction(system(world)) as tx:
        assert await commands.take_waiting(tx, [behind.id], at=now()) == []
    assert (await fate(world, wish)).status is CommandStatus.SENT
    await hear(world, behind, CommandAnswer("behind", wish.id, "completed", now(), is_on=True))
    assert (await fate(world, wish)).status is CommandStatus.COMPLETED


async def test_what_was_asked_of_a_device_ends_with_it(world: World, farm: FarmWorld) -> None:
    wish = await ask(world.owner, farm.fan)
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, farm.fan.id)
    ended = await fate(world, wish)
    assert (ended.status, ended.error_message) == (CommandStatus.FAILED, REMOVED)


async def test_a_device_may_say_by_its_id_that_it_could_not(world: World, farm: FarmWorld) -> None:
    command = await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.pump, CommandAnswer(farm.pump.topic, command.id, "completed", now(), is_on=True))  # not its own
    assert (await fate(world, command)).status is CommandStatus.SENT
    await hear(world, farm.fan, CommandAnswer(farm.fan.topic, command.id, "failed", now(), error="motor blocked"))
    ended = await fate(world, command)
    assert (ended.status, ended.error_message, ended.error_values) == (CommandStatus.FAILED, REFUSED_BY_DEVICE, {"reason": "motor blocked"})
    assert await open_alerts(world) == [("device_refused", "warning")] and (await seen(world, farm.fan)).error_count == 1


async def test_done_with_the_wrong_state_is_not_done(world: World, farm: FarmWorld) -> None:
    command = await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.fan, CommandAnswer(farm.fan.topic, command.id, "completed", now(), is_on=False))
    ended = await fate(world, command)
    assert (ended.status, ended.error_message) == (CommandStatus.FAILED, DID_SOMETHING_ELSE)


async def test_what_is_old_repeated_or_out_of_order_is_no_answer(world: World, farm: FarmWorld) -> None:
    repeated = state(farm.fan, True, at=ago(5))
    await hear(world, farm.fan, repeated, state(farm.fan, False, at=ago(4)))
    command = await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.fan, repeated)
    off_at = now()
    await hear(world, farm.fan, state(farm.fan, False, at=off_at), state(farm.fan, True, at=off_at - timedelta(milliseconds=1)))
    await hear(world, farm.fan, CommandAnswer(farm.fan.topic, command.id, "completed", ago(61), is_on=True))
    assert (await fate(world, command)).status is CommandStatus.SENT
    assert (await seen(world, farm.fan)).is_on is False
