"""Our own broker: whoever signs in is who they say, speaks for themselves alone, and is gone when they are silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aiomqtt
import pytest

from data.core.bus import Heard, bus
from data.core.session import transaction
from data.farm import commands
from data.farm.rules.topics import Topics
from data.farm.tables import Device, DeviceType, Dialect
from data.identity.commands import make_token
from data.identity.tables import TokenKind
from jobs.codecs.mqtt import Connect
from jobs.networks._line import Line, Pass
from jobs.networks.broker import Broker
from tests.factories.farm import FarmWorld, build_farm, eventually
from tests.factories.people import World


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


@pytest.fixture
async def broker(world: World) -> AsyncIterator[Broker]:
    made = Broker(port=0)
    await made.start()
    yield made
    await made.stop()


@asynccontextmanager
async def client(broker: Broker, user: str, secret: str, **more: object) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", broker.port, username=user, password=secret, timeout=30, **more) as made:  # type: ignore[arg-type]
        yield made


@asynccontextmanager
async def hearing(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    """The server's own client, which hears everything."""
    user, _, secret = broker.url.removeprefix("mqtt://").partition("@")[0].replace("%24", "$").partition(":")
    async with client(broker, user, secret) as server:
        await server.subscribe("#", qos=1)
        yield server


async def heard(server: aiomqtt.Client) -> tuple[str, bytes, bool]:
    async with asyncio.timeout(30):
        message = await anext(server.messages)
    return message.topic.value, bytes(message.payload), message.retain


async def ended(one: aiomqtt.Client) -> None:
    """Wait until its connection is closed from the other side."""
    with pytest.raises(aiomqtt.MqttError):
        async with asyncio.timeout(30):
            async for _ in one.messages:
                pass


async def granted(one: aiomqtt.Client, wanted: str) -> bool:
    return all(getattr(code, "value", code) < 128 for code in await one.subscribe(wanted, qos=1))


@pytest.mark.parametrize("quality", [0, 1, 2])
async def test_what_a_device_says_of_itself_arrives_once_in_every_quality(farm: FarmWorld, broker: Broker, quality: int) -> None:
    async with hearing(broker) as server, client(broker, farm.fan.topic, farm.secrets[farm.fan.id]) as fan:
        for number in range(3):
            await fan.publish(f"stat/{farm.fan.topic}/POWER", str(number), qos=quality)
        assert [(await heard(server))[1] for _ in range(3)] == [b"0", b"1", b"2"]
        await fan.publish(f"stat/{farm.fan.topic}/RESULT", "last", qos=quality)
        assert (await heard(server))[1] == b"last"


async def test_nothing_is_said_or_kept_at_anothers_topic(farm: FarmWorld, broker: Broker) -> None:
    async with hearing(broker) as server, client(broker, farm.fan.topic, farm.secrets[farm.fan.id]) as fan:
        for topic in (f"tele/{farm.pump.topic}/LWT", f"cmnd/{farm.fan.topic}/POWER1", "tele/LWT", "homeassistant/switch/x/config", "$SYS/x"):
            await fan.publish(topic, "Offline", qos=1, retain=True)
        await fan.publish(f"tele/{farm.fan.topic}/LWT", "Online", qos=1, retain=True)
        assert await heard(server) == (f"tele/{farm.fan.topic}/LWT", b"Online", False)
    async with hearing(broker) as server:
        assert await heard(server) == (f"tele/{farm.fan.topic}/LWT", b"Online", True)


async def test_nobody_listens_wider_than_to_themselves(farm: FarmWorld, broker: Broker) -> None:
    mine, others = farm.fan.topic, farm.pump.topic
    async with client(broker, mine, farm.secrets[farm.fan.id]) as fan:
        assert [await granted(fan, f"cmnd/{mine}/{rest}") for rest in ("#", "+", "POWER1")] == [True] * 3
        wide = (f"cmnd/{others}/#", f"cmnd/{others}/POWER1", "cmnd/+/POWER1", "cmnd/#", "#", f"+/{mine}/#", f"stat/{mine}/#", "$SYS/#")
        assert [await granted(fan, wanted) for wanted in wide] == [False] * len(wide)


async def test_each_dialect_has_places_of_its_own(world: World, farm: FarmWorld, broker: Broker) -> None:
    async with transaction(world.owner) as tx:
        made = await commands.register_device(
            tx, farm.farm.id, name="Board", topic="board-1", device_type=DeviceType.RELAY, dialect=Dialect.STEADING
        )
        login = await commands.make_login(tx, made.id)
    place = f"farm/{farm.farm.id}/devices/board-1"
    async with hearing(broker) as server, client(broker, login.username, login.password) as board:
        assert await granted(board, f"{place}/command")
        assert not await granted(board, f"farm/{farm.farm.id}/devices/+/command")
        await board.publish(f"farm/{farm.farm.id}/devices/board-2/status", "{}", qos=1)
        await board.publish("stat/board-1/POWER", "ON", qos=1)
        await board.publish(f"{place}/status", "{}", qos=1)
        assert (await heard(server))[0] == f"{place}/status"


async def test_a_login_that_is_renewed_or_taken_away_ends_its_connection(world: World, farm: FarmWorld, broker: Broker) -> None:
    for change in (commands.make_login, commands.revoke_login):
        async with transaction(world.owner) as tx:
            login = await commands.make_login(tx, farm.fan.id)
        async with client(broker, login.username, login.password) as fan, client(broker, farm.pump.topic, farm.secrets[farm.pump.id]) as pump:
            async with transaction(world.owner) as tx:
                await change(tx, farm.fan.id)
            await ended(fan)
            await pump.publish(f"stat/{farm.pump.topic}/POWER", "ON", qos=1)  # nobody else is cut off
        with pytest.raises(aiomqtt.MqttError):
            async with client(broker, login.username, login.password):
                pass


async def old_secret(world: World, device: Device) -> str:
    """As it was made before there were logins."""
    async with transaction(world.owner) as tx:
        await commands.revoke_login(tx, device.id)
        _row, secret = await make_token(tx, name=device.name, kind=TokenKind.DEVICE, network="mqtt", subject_id=device.id)
    return secret


async def test_a_secret_of_former_days_still_opens_and_a_farm_may_end_that(world: World, farm: FarmWorld, broker: Broker) -> None:
    secret = await old_secret(world, farm.fan)
    for user in (farm.pump.topic, "nobody"):
        with pytest.raises(aiomqtt.MqttError):
            async with client(broker, user, secret):
                pass
    async with hearing(broker) as server, client(broker, farm.fan.topic, secret) as fan:
        await fan.publish(f"stat/{farm.pump.topic}/POWER", "ON", qos=1)
        await fan.publish(f"stat/{farm.fan.topic}/POWER", "ON", qos=1)
        assert (await heard(server))[0] == f"stat/{farm.fan.topic}/POWER"
        async with transaction(world.owner) as tx:
            await commands.take_old_secrets(tx, farm.farm.id, on=False)
        await ended(fan)
    with pytest.raises(aiomqtt.MqttError):
        async with client(broker, farm.fan.topic, secret):
            pass


async def test_when_news_were_missed_only_those_who_still_may_stay(
    world: World, farm: FarmWorld, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        client(broker, farm.fan.topic, farm.secrets[farm.fan.id]) as fan,
        client(broker, farm.pump.topic, farm.secrets[farm.pump.id]) as pump,
    ):
        with monkeypatch.context() as deaf:
            deaf.setattr(bus, "announce", lambda payload: None)
            async with transaction(world.owner) as tx:
                await commands.revoke_login(tx, farm.fan.id)
            await pump.publish(f"stat/{farm.pump.topic}/POWER", "ON", qos=1)
        broker._changed(Heard("LoginChanged", "*", {}))
        await ended(fan)
        await pump.publish(f"stat/{farm.pump.topic}/POWER", "ON", qos=1)


async def test_whoever_keeps_silent_for_longer_than_they_promised_is_gone() -> None:
    line = Line(Broker(port=0), lambda: 100.0)
    assert not line.is_silent(110, proves_within_s=10)
    assert line.is_silent(110.1, proves_within_s=10)
    line.let_in(Pass("fan", Topics(), device_id=uuid4()), Connect(4, keep_alive_s=30))
    assert not line.is_silent(145, proves_within_s=10)
    assert line.is_silent(145.1, proves_within_s=10)


async def test_while_the_server_is_slow_devices_wait_and_nothing_is_lost(farm: FarmWorld, broker: Broker) -> None:
    topic, payload = f"tele/{farm.fan.topic}/SENSOR", b"x" * 50_000
    async with client(broker, farm.fan.topic, farm.secrets[farm.fan.id]) as fan:
        user, _, secret = broker.url.removeprefix("mqtt://").partition("@")[0].replace("%24", "$").partition(":")
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port, limit=1024)
        body = b"\x00\x04MQTT\x04\xc2\x00\x00" + b"".join(len(one).to_bytes(2, "big") + one.encode() for one in ("slow", user, secret))
        writer.write(b"\x10" + bytes((len(body),)) + body + b"\x82\x06\x00\x01\x00\x01#\x00")
        await reader.readexactly(9)
        speaking = asyncio.create_task(speak(fan, topic, payload, 400))  # 20 MB, and nobody reads
        await eventually(lambda: broker.is_holding)
        assert not speaking.done()
        got = 0
        async with asyncio.timeout(20):
            while got < 400 * len(payload):
                got += len(await reader.read(1 << 20))
            await speaking
        writer.close()
    await eventually(lambda: not broker.is_holding)


async def speak(one: aiomqtt.Client, topic: str, payload: bytes, count: int) -> None:
    for _ in range(count):
        await one.publish(topic, payload, qos=1)


async def test_a_server_that_goes_while_it_is_slow_holds_nobody_up(farm: FarmWorld, broker: Broker) -> None:
    line = Line(broker, asyncio.get_running_loop().time)
    line.let_in(Pass("$steading 1", Topics()), Connect(4))
    line.pause_writing()
    assert broker.is_holding
    line.end()
    assert not broker.is_holding


async def test_a_device_keeps_so_many_messages_and_no_more(farm: FarmWorld, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.networks.broker.MOST_KEPT", 2)
    async with client(broker, farm.fan.topic, farm.secrets[farm.fan.id]) as fan:
        for name, payload in (("A", "1"), ("B", "1"), ("C", "1"), ("A", ""), ("D", "1"), ("B", "2")):
            await fan.publish(f"tele/{farm.fan.topic}/{name}", payload, qos=1, retain=True)
    async with hearing(broker) as server:
        kept = [await heard(server) for _ in range(2)]
    assert sorted((topic[-1], payload) for topic, payload, _ in kept) == [("B", b"2"), ("D", b"1")]


async def test_what_is_no_mqtt_and_what_is_another_mqtt_is_hung_up_on(broker: Broker) -> None:
    for said, answer in ((b"GET / HTTP/1.1\r\n\r\n", b""), (b"\x10\x0c\x00\x04MQTT\x05\x02\x00\x1e\x00\x00", b"\x20\x02\x00\x01"), (b"\xc0\x00", b"")):
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(said)
        async with asyncio.timeout(30):
            assert await reader.read() == answer
        writer.close()
