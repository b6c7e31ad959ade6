"""From a tap to the relay and back to what everybody sees, through the real broker; and how fast a thousand devices are stopped."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from urllib.parse import unquote, urlsplit

import aiomqtt
import psycopg

from data.core.bus import bus
from data.core.intake import Intake
from data.core.session import transaction
from data.farm import commands, queries
from data.farm.events import DeviceChanged
from data.farm.tables import Device
from jobs.instructions import Instructions
from jobs.networks.broker import Broker
from jobs.networks.mqtt import AT_ONCE, Mqtt
from tests.bench.figures import AtMost, Figure, Reference, p95
from tests.bench.stage import Installation, Stage
from tests.factories.farm import FarmWorld, build_farm, eventually, tasmota

RELAYS = """
    insert into farm.devices (id, organization_id, farm_id, topic, name, device_type, output, is_active, is_online, is_on, latest)
    select gen_random_uuid(), %s, %s, 'bench-relay-' || n, 'Relay ' || n, 'relay', 1, true, true, true, '{}' from generate_series(1, %s) n"""


async def figures(stage: Stage) -> list[Figure]:
    async with stage.installation("tap") as here:
        farm = await build_farm(here.world.owner)
        async with _announcing(here), _network() as broker, tasmota(broker.port, farm.fan.topic, farm.secrets[farm.fan.id]):
            await eventually(lambda: _is_there(here, farm.fan))
            taps = await _taps(here, farm, stage.size(300, 20))
            echoes = await _echoes(broker.url, farm.fan.topic, stage.size(300, 20))
        count = stage.size(1_000, 50)
        with here.owner() as owner:
            owner.execute(RELAYS, [here.world.organization_id, farm.farm.id, count])
            stopping = await _stopping(here, farm)
            bare = _bare_insert(owner)
    return [
        Figure("tap to relay and back, median", median(taps), "ms", Reference("MQTT echo", median(echoes))),
        Figure("tap to relay and back, p95", p95(taps), "ms", Reference("MQTT echo", p95(echoes)), aim=AtMost(300)),
        Figure(f"emergency stop of {count} devices", stopping, "ms", Reference("inserting their rows alone", bare), aim=AtMost(2_000)),
    ]


@asynccontextmanager
async def _announcing(here: Installation) -> AsyncIterator[None]:
    """What is announced is heard, as in the served process."""
    bus.start(here.url)
    await bus.is_connected.wait()
    try:
        yield
    finally:
        await bus.stop()


@asynccontextmanager
async def _network() -> AsyncIterator[Broker]:
    """The embedded broker and everything of ours that speaks through it."""
    intake, broker = Intake(), Broker(port=0)
    intake.start()
    await broker.start()
    mqtt = Mqtt(broker.url, intake)
    instructions = Instructions(mqtt.send)
    mqtt.start()
    instructions.start()
    await asyncio.wait_for(mqtt.is_connected.wait(), 10)
    try:
        yield broker
    finally:
        await instructions.stop()
        await mqtt.stop()
        await broker.stop()
        await intake.stop()


async def _taps(here: Installation, farm: FarmWorld, count: int) -> list[float]:
    """Milliseconds from the tap until a reader sees the state that the relay itself has told."""
    took, changed = [], asyncio.Event()
    stop = bus.topic(DeviceChanged, here.world.organization_id, device_id=farm.fan.id).subscribe(changed.set)
    for number in range(count + 5):
        on = number % 2 == 0
        started = time.perf_counter()
        async with transaction(here.world.owner) as tx:
            await commands.switch(tx, farm.fan.id, on=on)
        while (await _seen(here, farm.fan)).is_on is not on:
            async with asyncio.timeout(10):
                await changed.wait()
            changed.clear()
        took.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0.02)
    stop()
    return took[5:]  # the first ones warm everything up


async def _echoes(url: str, topic: str, count: int) -> list[float]:
    """Milliseconds from a client's message to the relay until the relay's answer is with that client: nothing is kept."""
    parts, took = urlsplit(url), []
    client = aiomqtt.Client(parts.hostname or "", parts.port or 0, username=unquote(parts.username or ""), password=unquote(parts.password or ""), socket_options=AT_ONCE)
    async with client:
        await client.subscribe(f"stat/{topic}/POWER", qos=1)
        for number in range(count + 5):
            started = time.perf_counter()
            await client.publish(f"cmnd/{topic}/POWER1", "ON" if number % 2 else "OFF", qos=1)
            async with asyncio.timeout(10):
                await anext(client.messages)
            took.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.02)
    return took[5:]


async def _stopping(here: Installation, farm: FarmWorld) -> float:
    started = time.perf_counter()
    async with transaction(here.world.owner) as tx:
        await commands.stop_all(tx, farm.farm.id)
    return (time.perf_counter() - started) * 1000


def _bare_insert(owner: psycopg.Connection) -> float:
    """The same rows again, with no rule, no log and nobody told."""
    owner.execute("create temporary table again (like farm.device_commands)")
    started = time.perf_counter()
    owner.execute("insert into again select * from farm.device_commands where source = 'emergency'")
    return (time.perf_counter() - started) * 1000


async def _seen(here: Installation, device: Device) -> Device:
    async with transaction(here.world.owner) as tx:
        return await queries.device(tx, device.id)


async def _is_there(here: Installation, device: Device) -> bool:
    return (await _seen(here, device)).is_online
