"""A real Mosquitto with the files that mqtt-acl writes: it lets in whom we let in, and our server gets over its death."""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from sqlmodel import func, select
from structlog.testing import capture_logs

from data.core.intake import Intake
from data.core.session import transaction
from data.core.settings import Settings
from data.farm import commands
from data.farm.tables import CommandStatus, SensorReading
from jobs.instructions import Instructions
from jobs.mqtt_acl import CannotWrite, Written, write
from jobs.networks.mqtt import Mqtt
from tests.conftest import SECRET_KEY
from tests.e2e.mosquitto import Running, running
from tests.factories.farm import FarmWorld, build_farm, eventually, tasmota
from tests.factories.people import World
from tests.networks.test_mqtt import completed, has_status, is_on, is_online, wish

SERVER, PASSWORD = "steading", "the server's own"
ACCOUNT = "steading:the%20server%27s%20own"


@dataclass
class Place:
    """A farm, a Mosquitto that knows its devices, and where its files are."""

    farm: FarmWorld
    broker: Running
    files: Path

    async def write(self) -> Written:
        """`main.py mqtt-acl`, as somebody runs it again."""
        settings = Settings(_env_file=None, mqtt_url=f"mqtt://{ACCOUNT}@127.0.0.1", secret_key=SECRET_KEY)  # type: ignore[call-arg]
        return await write(settings, self.files)


@pytest.fixture
async def place(world: World, tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(await build_farm(world.owner), None, tmp_path / "files")  # type: ignore[arg-type]
    await made.write()
    with running(tmp_path, files=made.files) as made.broker:
        yield made


@asynccontextmanager
async def client(place: Place, user: str, password: str) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", place.broker.port, username=user, password=password, timeout=5) as made:
        yield made


async def next_topic(one: aiomqtt.Client) -> str:
    async with asyncio.timeout(30):
        return (await anext(one.messages)).topic.value


async def test_the_files_are_whole_and_ours_alone_and_written_when_something_changed(world: World, place: Place) -> None:
    files = {name: place.files / name for name in ("passwd", "acl")}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files.values())
    assert len(list(place.files.iterdir())) == 2
    assert [line.partition(":")[0] for line in files["passwd"].read_text().splitlines()] == [SERVER, "green-fan", "green-probe", "green-pump"]
    assert await place.write() == Written(place.files, 3, False)
    async with transaction(world.owner) as tx:
        await commands.revoke_login(tx, place.farm.pump.id)
    assert await place.write() == Written(place.files, 2, True)
    assert "green-pump" not in files["acl"].read_text()
    with pytest.raises(CannotWrite, match="no user"):
        await write(Settings(_env_file=None), place.files, "nobody-of-that-name")  # type: ignore[call-arg]
    with pytest.raises(CannotWrite, match="passwd"):
        await write(Settings(_env_file=None), files["passwd"])  # type: ignore[call-arg]


async def test_mosquitto_lets_each_device_speak_for_itself_alone(place: Place) -> None:
    fan, pump = place.farm.fan, place.farm.pump
    for user, password in ((fan.topic, "wrong"), (fan.topic, place.farm.secrets[pump.id]), (SERVER, "guess")):
        with pytest.raises(aiomqtt.MqttError):
            async with client(place, user, password):
                pass
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", place.broker.port, timeout=5):
            pass
    async with client(place, SERVER, PASSWORD) as server, client(place, fan.topic, place.farm.secrets[fan.id]) as device:
        await server.subscribe("#", qos=1)
        for others in (f"stat/{pump.topic}/POWER", f"tele/{pump.topic}/LWT", f"cmnd/{pump.topic}/POWER1", f"cmnd/{fan.topic}/POWER1"):
            await device.publish(others, "ON", qos=1, retain=True)
        await device.publish(f"stat/{fan.topic}/POWER", "ON", qos=1)
        assert await next_topic(server) == f"stat/{fan.topic}/POWER"
        for wanted in ("#", "cmnd/#", f"cmnd/{pump.topic}/#", f"stat/{pump.topic}/#", f"cmnd/{fan.topic}/#"):
            await device.subscribe(wanted, qos=1)  # Mosquitto grants this, and hands over what is allowed
        for topic in (f"cmnd/{pump.topic}/POWER1", f"stat/{pump.topic}/POWER", f"cmnd/{fan.topic}/POWER1"):
            await server.publish(topic, "ON", qos=1)
        assert await next_topic(device) == f"cmnd/{fan.topic}/POWER1"


async def test_a_new_password_holds_as_soon_as_mosquitto_reads_the_files_again(world: World, place: Place) -> None:
    fan = place.farm.fan
    async with client(place, fan.topic, place.farm.secrets[fan.id]) as device:
        async with transaction(world.owner) as tx:
            made = await commands.make_login(tx, fan.id)
        await place.write()
        place.broker.reload()
        with pytest.raises(aiomqtt.MqttError):  # whoever is connected with the old one is hung up on
            async with asyncio.timeout(30):
                async for _ in device.messages:
                    pass
    with pytest.raises(aiomqtt.MqttError):
        async with client(place, fan.topic, place.farm.secrets[fan.id]):
            pass
    async with client(place, made.username, made.password):
        pass


@asynccontextmanager
async def serving(place: Place) -> AsyncIterator[Mqtt]:
    """What the server has at a broker: the intake, its client, and what hands out wishes."""
    intake = Intake()
    mqtt = Mqtt(f"mqtt://{ACCOUNT}@127.0.0.1:{place.broker.port}", intake)
    instructions = Instructions(mqtt.send, look_again_s=0.2)
    intake.start()
    mqtt.start()
    instructions.start()
    try:
        async with asyncio.timeout(30):
            await mqtt.is_connected.wait()
        yield mqtt
    finally:
        await instructions.stop()
        await mqtt.stop()
        await intake.stop()


async def test_a_switch_survives_the_death_of_the_broker(world: World, place: Place) -> None:
    fan, probe, secrets = place.farm.fan, place.farm.probe, place.farm.secrets
    with capture_logs() as told:
        async with serving(place) as mqtt:
            async with tasmota(place.broker.port, fan.topic, secrets[fan.id]), tasmota(place.broker.port, probe.topic, secrets[probe.id]) as measuring:
                await eventually(lambda: is_online(world.owner, fan))
                first = await wish(world.owner, fan, on=True)
                await eventually(lambda: completed(world.owner, first))
                for number in range(20):
                    await measuring.say("tele", "SENSOR", {"DS18B20": {"Temperature": 20 + number / 10}})
                await eventually(lambda: readings(world, 20))
                place.broker.kill()
            await eventually(lambda: not mqtt.is_connected.is_set())
            waits = await wish(world.owner, fan, on=False)
            await eventually(lambda: any(line["event"] == "an instruction could not be sent" for line in told))
            assert await has_status(world.owner, waits, CommandStatus.QUEUED)
            assert await is_on(world.owner, fan)  # what was said last is all that is known
            await eventually(lambda: len(pauses(told)) > 1)
            place.broker.start()
            async with tasmota(place.broker.port, fan.topic, secrets[fan.id], is_on=True) as back:
                await eventually(lambda: completed(world.owner, waits))
                assert (back.asked[0][1], back.is_on) == ("", False)  # asked how it stands, and then obeyed
                assert [payload for _, payload in back.asked if payload].count("OFF") == 1
            async with tasmota(place.broker.port, probe.topic, secrets[probe.id]) as measuring:
                await measuring.say("tele", "SENSOR", {"DS18B20": {"Temperature": 31}})
                await eventually(lambda: readings(world, 21))
    assert pauses(told)[:2] == [0.5, 1.0]


def pauses(told: Iterable[MutableMapping[str, Any]]) -> list[float]:
    """How long the client waited before each try to come back."""
    return [line["again_in_s"] for line in told if line["event"] == "mqtt lost its broker"]


async def readings(world: World, count: int) -> bool:
    async with transaction(world.owner) as tx:
        return (await tx.exec(select(func.count()).where(SensorReading.sensor_type == "temperature"))).one() == count
