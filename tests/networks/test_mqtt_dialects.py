"""Boxes of every dialect at the real broker: they sign in, are heard, do what they are asked, and new things in them are taken in."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiomqtt

from data.core.session import transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.commands.discoveries import approve
from data.farm.queries_discoveries import announced
from data.farm.tables import CommandStatus, CommandType, Device, DeviceCommand, DeviceType, Dialect
from tests.factories.farm import FarmWorld, eventually
from tests.factories.people import World


async def hang_up(world: World, farm: FarmWorld, topic: str, kind: DeviceType, dialect: Dialect) -> Device:
    async with transaction(world.owner) as tx:
        return await commands.register_device(tx, farm.farm.id, name=topic, topic=topic, device_type=kind, dialect=dialect)


async def seen(world: World, device: Device) -> Device:
    async with transaction(world.owner) as tx:
        return await queries.device(tx, device.id)


async def ask(world: World, device: Device, command: CommandType, value: float | None = None) -> DeviceCommand:
    async with transaction(world.owner) as tx:
        return await commands.command(tx, device.id, command, value=value)


async def fate(world: World, command: DeviceCommand) -> DeviceCommand:
    async with transaction(world.owner) as tx:
        return await tx.get_one(DeviceCommand, command.id)


async def is_done(world: World, command: DeviceCommand) -> bool:
    return (await fate(world, command)).status is CommandStatus.COMPLETED


@dataclass
class Box:
    """A box at the broker; `asked` is what it was told, in order."""

    client: aiomqtt.Client
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def say(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        await self.client.publish(topic, payload if isinstance(payload, str) else json.dumps(payload), qos=1, retain=retain)

    async def is_told(self, *expected: tuple[str, str]) -> None:
        await eventually(lambda: self.asked == list(expected))
        self.asked.clear()

    async def listen(self) -> None:
        async for message in self.client.messages:
            self.asked.append((message.topic.value, bytes(message.payload).decode()))


@asynccontextmanager
async def connected(world: World, port: int, device: Device, listens: Sequence[str], *, will: str) -> AsyncIterator[Box]:
    async with transaction(world.owner) as tx:
        login = await commands.make_login(tx, device.id)
    last = aiomqtt.Will(will, "offline", qos=1, retain=True)
    async with aiomqtt.Client("127.0.0.1", port, username=login.username, password=login.password, identifier=login.username, will=last) as client:
        box = Box(client)
        for topic in listens:
            await client.subscribe(topic, qos=1)
        task = asyncio.create_task(box.listen())
        try:
            yield box
        finally:
            task.cancel()
            await asyncio.wait([task], timeout=1)


async def test_a_box_that_runs_esphome_turns_its_fan_as_it_is_asked(world: World, farm: FarmWorld, port: int) -> None:
    house = await hang_up(world, farm, "house1", DeviceType.SENSOR, Dialect.ESPHOME)
    fan = await hang_up(world, farm, "house1/fan/exhaust", DeviceType.PWM, Dialect.ESPHOME)
    async with connected(world, port, house, ["house1/fan/exhaust/command", "house1/fan/exhaust/speed_level/command"], will="house1/status") as box:
        await box.say("house1/status", "online", retain=True)
        await box.say("house1/fan/exhaust/state", "OFF", retain=True)
        await box.say("house1/sensor/coop_temperature/state", "31.4", retain=True)
        await eventually(lambda: _is(world, house, lambda one: one.is_online and one.latest.get("temperature", {}).get("value") == 31.4))
        await eventually(lambda: _is(world, fan, lambda one: one.is_online and one.is_on is False))
        command = await ask(world, fan, CommandType.SET_SPEED, 30)
        await box.is_told(("house1/fan/exhaust/speed_level/command", "30"), ("house1/fan/exhaust/command", "ON"))
        for topic, payload in (("state", "ON"), ("speed_level/state", "30")):
            await box.say(f"house1/fan/exhaust/{topic}", payload, retain=True)
        await eventually(lambda: is_done(world, command))
        assert (await seen(world, fan)).value == 30

        pump = await hang_up(world, farm, "house1/switch/pump", DeviceType.PWM, Dialect.ESPHOME)
        await eventually(lambda: _is(world, pump, lambda one: one.is_online))  # the broker tells once more what it keeps
        refused = await ask(world, pump, CommandType.SET_SPEED, 30)
        await eventually(lambda: _has_failed(world, refused))
        assert (await fate(world, refused)).error_message == "This device cannot be set to a value."


async def _is(world: World, device: Device, what: Any) -> bool:
    return bool(what(await seen(world, device)))


async def _has_failed(world: World, command: DeviceCommand) -> bool:
    return (await fate(world, command)).status is CommandStatus.FAILED


async def test_a_state_that_the_broker_keeps_is_believed_while_its_box_is_there(world: World, farm: FarmWorld, port: int) -> None:
    house = await hang_up(world, farm, "house1", DeviceType.SENSOR, Dialect.ESPHOME)
    async with connected(world, port, house, [], will="house1/status") as box:
        await box.say("house1/switch/old/state", "ON", retain=True)
        await box.say("house1/switch/pump/state", "ON", retain=True)
        pump = await hang_up(world, farm, "house1/switch/pump", DeviceType.RELAY, Dialect.ESPHOME)

        async def is_heard() -> bool:
            await box.say("house1/sensor/uptime/state", "12")
            return await _is(world, pump, lambda one: one.is_online)

        await eventually(is_heard)
        assert (await seen(world, pump)).is_on is None  # it has not said yet that it is there
        await box.say("house1/status", "online", retain=True)
        await hang_up(world, farm, "house1/switch/old", DeviceType.RELAY, Dialect.ESPHOME)
        await eventually(lambda: _is(world, pump, lambda one: one.is_on is True))


async def test_a_device_on_the_farms_own_topics_answers_by_the_commands_id(world: World, farm: FarmWorld, port: int) -> None:
    fan = await hang_up(world, farm, "fan-7", DeviceType.RELAY, Dialect.STEADING)
    start = f"farm/{farm.farm.id}/devices/fan-7"
    async with connected(world, port, fan, [f"{start}/command"], will=f"{start}/status") as box:
        await box.say(f"{start}/heartbeat", {"timestamp": now().isoformat(), "online": True, "firmware_version": "2.1.0", "signal_strength": -58})
        await eventually(lambda: _is(world, fan, lambda one: one.is_online and one.firmware_version == "2.1.0" and one.signal_dbm == -58))
        for answer, status, is_on in (({"status": "success", "new_state": "on"}, CommandStatus.COMPLETED, True), ({"status": "failed", "error": "jam"}, CommandStatus.FAILED, True)):
            command = await ask(world, fan, CommandType.ON if status is CommandStatus.COMPLETED else CommandType.OFF)
            await eventually(lambda: box.asked)
            told = json.loads(box.asked.pop()[1])
            assert (told["command_id"], told["action"]) == (str(command.id), command.command_type.value)
            await box.say(f"{start}/response", {"command_id": told["command_id"], "timestamp": now().isoformat()} | answer)
            await eventually(lambda command=command, status=status: _ended_as(world, command, status))
            assert (await seen(world, fan)).is_on is is_on
        assert (await fate(world, command)).error_values == {"reason": "jam"}


async def _ended_as(world: World, command: DeviceCommand, status: CommandStatus) -> bool:
    return (await fate(world, command)).status is status


async def test_a_plug_behind_a_bridge_appears_by_itself_and_is_switched_once_it_was_taken_in(world: World, farm: FarmWorld, port: int) -> None:
    bridge = await hang_up(world, farm, "zigbee2mqtt", DeviceType.SENSOR, Dialect.HOME_ASSISTANT)
    prefix, plug = f"farm/{farm.farm.id}/homeassistant", "zigbee2mqtt/Fan 1"
    config = {
        "stat_t": plug, "cmd_t": f"{plug}/set", "val_tpl": "{{ value_json.state }}", "dev": {"ids": ["0x15"], "name": "Fan 1"},
        "avty": [{"t": "zigbee2mqtt/bridge/state", "val_tpl": "{{ value_json.state }}"}],
    }  # fmt: skip
    async with connected(world, port, bridge, [f"{plug}/set"], will="zigbee2mqtt/bridge/state") as box:
        await box.say("zigbee2mqtt/bridge/state", {"state": "online"}, retain=True)
        await box.say(plug, {"state": "OFF"}, retain=True)
        for _restart in range(2):
            await box.say(f"{prefix}/switch/0x15/switch/config", config, retain=True)
        await box.say(f"{prefix}/switch/0x66/switch/config", config | {"stat_t": "green-fan/x", "dev": {"ids": ["0x66"]}}, retain=True)  # another's topic
        await box.say(f"{prefix}/switch/0x67/switch/config", "x" * 30_000, retain=True)
        [one] = await eventually(lambda: _waiting(world))
        assert one.discovery.identifier == "zigbee2mqtt/0x15"
        async with transaction(world.owner) as tx:
            [fan] = await approve(tx, one.discovery.id, farm_id=farm.farm.id, location="House 1", names={one.outputs[0].id: "Fan"})
        await eventually(lambda: _is(world, fan, lambda one: one.is_online and one.is_on is False))
        command = await ask(world, fan, CommandType.ON)
        await box.is_told((f"{plug}/set", "ON"))
        await box.say(plug, {"state": "ON", "linkquality": 92}, retain=True)
        await eventually(lambda: is_done(world, command))
        await box.say("zigbee2mqtt/bridge/state", {"state": "offline"}, retain=True)
        await eventually(lambda: _is(world, fan, lambda one: not one.is_online))


async def _waiting(world: World) -> list[Any]:
    async with transaction(world.owner) as tx:
        return list(await announced(tx))
