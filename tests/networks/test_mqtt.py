"""Real devices at the real broker: what they say is kept, what is asked of them arrives, and nobody speaks for another."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import aiomqtt
import pytest
from sqlmodel import select

from data.alerts import queries as alerts
from data.core.actor import Actor
from data.core.errors import Busy
from data.core.intake import Intake
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.rules import ANSWER_WITHIN
from data.farm.tables import CommandStatus, Device, DeviceCommand, DeviceType, SensorReading
from jobs.instructions import Instructions
from jobs.networks.broker import Broker, CannotListen
from jobs.networks.mqtt import Mqtt
from tests.factories.farm import FarmWorld, build_farm, eventually, tasmota
from tests.factories.people import World


@dataclass
class Network:
    """The broker and everything of ours that speaks through it."""

    port: int
    broker: Broker
    mqtt: Mqtt
    instructions: Instructions


@pytest.fixture
async def network(world: World) -> AsyncIterator[Network]:
    intake, broker = Intake(), Broker(port=0)
    intake.start()
    await broker.start()
    mqtt = Mqtt(broker.url, intake)
    instructions = Instructions(mqtt.send, look_again_s=0.2)
    mqtt.start()
    instructions.start()
    await asyncio.wait_for(mqtt.is_connected.wait(), 5)
    yield Network(broker.port, broker, mqtt, instructions)
    await instructions.stop()
    await mqtt.stop()
    await broker.stop()
    await intake.stop()


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def seen(who: Actor, device: Device) -> Device:
    async with transaction(who) as tx:
        return await queries.device(tx, device.id)


async def is_online(who: Actor, device: Device) -> bool:
    return (await seen(who, device)).is_online


async def wish(who: Actor, device: Device, *, on: bool) -> DeviceCommand:
    async with transaction(who) as tx:
        return await commands.switch(tx, device.id, on=on)


async def fate(who: Actor, command: DeviceCommand) -> DeviceCommand:
    async with transaction(who) as tx:
        return await tx.get_one(DeviceCommand, command.id)


async def alert_types(who: Actor) -> list[str]:
    async with transaction(who) as tx:
        return [alert.alert_type for alert in await alerts.open_alerts(tx)]


async def test_a_relay_confirms_what_it_was_asked(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:
        await eventually(lambda: is_online(world.owner, farm.fan))
        command = await wish(world.colleague, farm.fan, on=True)
        assert command.status is CommandStatus.QUEUED
        assert (await seen(world.owner, farm.fan)).is_on is not True
        done = await eventually(lambda: completed(world.owner, command))
        assert done.response_data == {"power": "ON"} and done.sent_at and done.completed_at
        assert (await seen(world.owner, farm.fan)).is_on is True
        assert relay.asked[-1] == (f"cmnd/{farm.fan.topic}/POWER1", "ON")


async def completed(who: Actor, command: DeviceCommand) -> DeviceCommand | None:
    found = await fate(who, command)
    return found if found.status is CommandStatus.COMPLETED and found.sent_at else None


async def test_two_taps_are_one_command(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:
        await eventually(lambda: is_online(world.owner, farm.fan))
        relay.answers = False
        first, second = await asyncio.gather(wish(world.owner, farm.fan, on=True), wish(world.colleague, farm.fan, on=True))
        assert first.id == second.id
        await eventually(lambda: sum(payload == "ON" for _, payload in relay.asked) == 1)
        await asyncio.sleep(0.5)
        assert sum(payload == "ON" for _, payload in relay.asked) == 1


async def test_silence_becomes_a_timeout_and_somebody_is_told(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:
        await eventually(lambda: is_online(world.owner, farm.fan))
        relay.answers = False
        command = await wish(world.colleague, farm.fan, on=True)
        await eventually(lambda: has_status(world.owner, command, CommandStatus.SENT))
        async with transaction(Actor.system(world.organization_id, "farm.timeouts")) as tx:
            assert await commands.time_out(tx, at=now() + ANSWER_WITHIN - timedelta(seconds=5)) == []
        async with transaction(Actor.system(world.organization_id, "farm.timeouts")) as tx:
            await commands.time_out(tx, at=now() + ANSWER_WITHIN)
        ended = await fate(world.owner, command)
        assert ended.status is CommandStatus.TIMEOUT
        assert (ended.error_message or "").format(**ended.error_values) == "The device did not answer within 30 seconds."
        assert await alert_types(world.owner) == ["device_silent"]
        assert (await seen(world.owner, farm.fan)).is_on is not True

        relay.answers = True  # somebody pressed its reset button
        again = await wish(world.colleague, farm.fan, on=True)
        await eventually(lambda: completed(world.owner, again))
        assert await alert_types(world.owner) == []


async def has_status(who: Actor, command: DeviceCommand, status: CommandStatus) -> bool:
    return (await fate(who, command)).status is status


async def test_a_device_that_drops_out_is_offline_until_it_comes_back(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:
        await eventually(lambda: is_online(world.owner, farm.fan))
        relay.client._client._sock_close()  # the cable is pulled
        await eventually(lambda: is_offline(world.owner, farm.fan))
        assert await alert_types(world.owner) == []  # half an hour must pass before anybody is told
        with pytest.raises(aiomqtt.MqttError):
            await relay.client.publish("tele/x/STATE", "{}")
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]):
        await eventually(lambda: is_online(world.owner, farm.fan))
        assert await alert_types(world.owner) == []


async def is_offline(who: Actor, device: Device) -> bool:
    return not await is_online(who, device)


async def test_a_probe_is_read(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.probe.topic, farm.secrets[farm.probe.id]) as probe:
        await probe.say("tele", "SENSOR", {"Time": "2026-11-20T10:13:52", "DS18B20": {"Temperature": 33.14}})
        device = await eventually(lambda: with_value(world.viewer, farm.probe))
        assert device.latest["temperature"]["value"] == 33.14
    async with transaction(world.owner) as tx:
        assert [(r.sensor_type, float(r.value)) for r in await tx.exec(select(SensorReading))] == [("temperature", 33.14)]


async def with_value(who: Actor, device: Device) -> Device | None:
    found = await seen(who, device)
    return found if found.latest else None


async def test_what_cannot_be_read_is_not_kept_and_harms_nobody(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.probe.topic, farm.secrets[farm.probe.id]) as probe:
        for payload in ("{", '{"DS18B20":{"Temperature":NaN}}', '{"DS18B20":{"Temperature":-300}}', "\x00", "[]"):
            await probe.say("tele", "SENSOR", payload)
        await probe.say("tele", "SENSOR", {"DS18B20": {"Temperature": 21}})
        await eventually(lambda: with_value(world.owner, farm.probe))
    async with transaction(world.owner) as tx:
        assert [float(r.value) for r in await tx.exec(select(SensorReading))] == [21]


async def test_a_relay_that_comes_back_is_asked_how_it_stands(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id], is_on=True) as relay:
        await eventually(lambda: (f"cmnd/{farm.fan.topic}/POWER1", "") in relay.asked)
        await eventually(lambda: is_on(world.owner, farm.fan))


async def test_what_the_broker_remembers_is_no_news(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]) as relay:
        relay.answers = False
        await relay.say("stat", "POWER", "ON", retain=True)
        await eventually(lambda: is_on(world.owner, farm.fan))
        await relay.say("stat", "POWER", "OFF")
        await eventually(lambda: is_off(world.owner, farm.fan))
        intake = Intake()
        intake.start()
        second = Mqtt(network.broker.url, intake)
        second.start()
        await asyncio.wait_for(second.is_connected.wait(), 5)
        await asyncio.sleep(0.5)
        assert await is_off(world.owner, farm.fan)
        await second.stop()
        await intake.stop()


async def is_off(who: Actor, device: Device) -> bool:
    return (await seen(who, device)).is_on is False


async def is_on(who: Actor, device: Device) -> bool | None:
    return (await seen(who, device)).is_on


async def test_nobody_signs_in_without_their_own_secret(world: World, farm: FarmWorld, network: Network) -> None:
    fan, pump = farm.fan, farm.pump
    for user, secret in ((fan.topic, "wrong"), (fan.topic, farm.secrets[pump.id]), ("$steading", "guess"), ("nobody", farm.secrets[fan.id])):
        with pytest.raises(aiomqtt.MqttError):
            async with tasmota(network.port, fan.topic, secret, user=user):
                pass
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", network.port, timeout=3):
            pass


async def test_a_device_speaks_for_itself_alone(world: World, farm: FarmWorld, network: Network) -> None:
    async with (
        tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]) as fan,
        tasmota(network.port, farm.pump.topic, farm.secrets[farm.pump.id]),
    ):
        await eventually(lambda: is_online(world.owner, farm.pump))
        await fan.client.publish(f"stat/{farm.pump.topic}/POWER", "ON", qos=1)
        await fan.client.publish(f"cmnd/{farm.pump.topic}/POWER1", "ON", qos=1)
        for others in (f"cmnd/{farm.pump.topic}/#", "cmnd/#", "#", "stat/#", "+/+/+"):
            granted = await fan.client.subscribe(others)
            assert all(getattr(code, "is_failure", code == 128) for code in granted), others
        fan.is_on = True  # else it answers our question with OFF
        await fan.say("stat", "POWER", "ON")
        await eventually(lambda: is_on(world.owner, farm.fan))
        assert not await is_on(world.owner, farm.pump)


async def test_a_last_will_in_another_ones_name_is_refused_at_the_door(world: World, farm: FarmWorld, network: Network) -> None:
    with pytest.raises(aiomqtt.MqttError):
        async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id], will_topic=f"tele/{farm.pump.topic}/LWT"):
            pass


async def test_a_stranger_cannot_push_a_device_off_the_line(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]) as fan:
        await eventually(lambda: is_online(world.owner, farm.fan))
        for clean in (True, False):
            with pytest.raises(aiomqtt.MqttError):
                async with tasmota(network.port, farm.fan.topic, "wrong", clean_session=clean):
                    pass
        fan.is_on = True  # else it answers our question with OFF
        await fan.say("stat", "POWER", "ON")
        await eventually(lambda: is_on(world.owner, farm.fan))
        assert await is_online(world.owner, farm.fan)


async def test_a_device_that_connects_twice_is_not_declared_dead_by_its_own_past(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]):
        await eventually(lambda: is_online(world.owner, farm.fan))
        async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]) as back:
            await asyncio.sleep(0.3)
            command = await wish(world.owner, farm.fan, on=True)
            await eventually(lambda: completed(world.owner, command))
            assert back.asked[-1][1] == "ON"
            assert await is_online(world.owner, farm.fan)
            async with transaction(world.owner) as tx:
                assert await alerts.page(tx) == ([], 0)


async def test_a_command_is_never_kept_for_a_device_that_is_away(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id], clean_session=False):
        await eventually(lambda: is_online(world.owner, farm.fan))
    await network.mqtt._publish(f"cmnd/{farm.fan.topic}/POWER1", "ON")
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id], clean_session=False) as back:
        await asyncio.sleep(0.5)
        assert all(payload != "ON" for _, payload in back.asked)


async def test_a_revoked_secret_ends_the_connection_at_once(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]):
        await eventually(lambda: is_online(world.owner, farm.fan))
        async with transaction(world.owner) as tx:
            await commands.revoke_login(tx, farm.fan.id)
        await eventually(lambda: is_offline(world.owner, farm.fan))
    with pytest.raises(aiomqtt.MqttError):
        async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]):
            pass


async def test_the_client_comes_back_when_the_broker_does(world: World, farm: FarmWorld, network: Network) -> None:
    await network.broker.stop()
    await eventually(lambda: not network.mqtt.is_connected.is_set())
    network.broker.port = network.port
    await network.broker.start()
    await eventually(lambda: network.mqtt.is_connected.is_set(), within_s=10)
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]):
        await eventually(lambda: is_online(world.owner, farm.fan))
        command = await wish(world.owner, farm.fan, on=True)
        await eventually(lambda: completed(world.owner, command))


async def test_a_taken_port_is_told_in_one_line(network: Network) -> None:
    with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{network.port}: .*in use"):
        await Broker(port=network.port).start()


async def test_what_the_broker_keeps_of_one_device_is_not_told_to_another(world: World, farm: FarmWorld, network: Network) -> None:
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]):
        await eventually(lambda: is_online(world.owner, farm.fan))
        async with tasmota(network.port, farm.pump.topic, farm.secrets[farm.pump.id]) as pump:
            await eventually(lambda: (f"cmnd/{farm.pump.topic}/POWER1", "") in pump.asked)
            assert all(topic.startswith(f"cmnd/{farm.pump.topic}/") for topic, _ in pump.asked)


async def test_a_whole_farm_may_come_back_at_the_same_moment(world: World, farm: FarmWorld, network: Network, caplog: pytest.LogCaptureFixture) -> None:
    async with transaction(world.owner) as tx:
        many = [
            await commands.register_device(tx, farm.farm.id, name=f"Light {n}", topic=f"light-{n}", device_type=DeviceType.RELAY)
            for n in range(16)
        ]
        secrets = {device.id: (await commands.make_login(tx, device.id)).password for device in many}

    async def come_twice(device: Device) -> None:
        async with tasmota(network.port, device.topic, secrets[device.id], timeout_s=30):
            await asyncio.sleep(0.05)
        async with tasmota(network.port, device.topic, secrets[device.id], timeout_s=30):
            await eventually(lambda: is_online(world.owner, device), within_s=30)

    async with asyncio.TaskGroup() as together:
        for device in many:
            together.create_task(come_twice(device))
    assert [record.getMessage() for record in caplog.records if "exception" in record.getMessage()] == []


async def test_stopping_does_not_wait_for_a_database_that_is_away(
    world: World, farm: FarmWorld, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Intake):
        """An intake that never has room."""

        async def take_all(self, *_: object, **__: object) -> list[object]:
            raise Busy("Too many messages are waiting.", retry_after_s=60)

    monkeypatch.setattr("jobs.networks.mqtt.STORE_WITHIN_S", 0.2)
    waiting = Mqtt(network.broker.url, Full())
    waiting.start()
    await asyncio.wait_for(waiting.is_connected.wait(), 5)
    async with tasmota(network.port, farm.fan.topic, farm.secrets[farm.fan.id]):
        await eventually(lambda: waiting._under_way)
        await asyncio.wait_for(waiting.stop(), 5)
