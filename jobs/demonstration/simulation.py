"""Everything that lives in the demonstration while it runs, as tasks beside the application."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import httpx
import structlog

from data.core.settings import Settings
from data.core.time import now
from jobs.demonstration.arborist import Arborist
from jobs.demonstration.boards import Board, end_if_cancelled
from jobs.demonstration.cold_rooms import ROOMS, WARM, ColdRoom, Fault
from jobs.demonstration.crowd import gathered
from jobs.demonstration.esphome_box import EsphomeBox
from jobs.demonstration.farms import FARMS, HOUSE_2, House
from jobs.demonstration.gateway_box import GatewayBox
from jobs.demonstration.haystack import Haystack, serving
from jobs.demonstration.kept import Kept
from jobs.demonstration.past_farm import is_on
from jobs.demonstration.people import ensure_people
from jobs.demonstration.postal import Postbox, ensure_channels
from jobs.demonstration.roads import Courier, Desk
from jobs.demonstration.sensors import Sensor

log = structlog.get_logger()

SENSOR_EVERY_S = 20.0
FIRST_FAULT_AFTER_S, FAULT_EVERY_S, FAULT_LASTS_S, FAULT_RISE_CELSIUS = 60.0, 1800.0, 300.0, 7.5
AGAIN_AFTER_S, ENDS_WITHIN_S = 5.0, 8.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def living(settings: Settings, postbox: Postbox, *, haystack_port: int) -> AsyncIterator[None]:
    """The simulated devices, from when the doors are open until the context ends."""
    kept = Kept.read(settings.var_dir)
    assert kept, "the world has been made"
    haystack = Haystack(settings.find_my_user, settings.find_my_password)
    async with serving(haystack.app, port=haystack_port), httpx.AsyncClient(base_url=f"http://{settings.host}:{settings.port}", timeout=20) as client:
        task = asyncio.create_task(_live(settings, kept, haystack, postbox, client), name="demonstration")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=ENDS_WITHIN_S)


async def _live(settings: Settings, kept: Kept, haystack: Haystack, postbox: Postbox, client: httpx.AsyncClient) -> None:
    await _open_doors(client)
    staff = await ensure_people()
    await ensure_channels(staff, postbox)
    desk = Desk(staff)
    houses = {device.location + farm.name: House(device.location) for farm in FARMS for device in farm.devices}
    boards = [
        Board(device, houses[device.location + farm.name], port=settings.mqtt_port, token=kept.boards[device.topic], is_on=is_on(device, now()))
        for farm in FARMS
        for device in farm.devices
        if device.topic in kept.boards
    ]
    for house in houses.values():
        house.settle()
    box = EsphomeBox(staff, kept, settings.var_dir, houses[HOUSE_2 + FARMS[0].name], port=settings.mqtt_port)
    crowd = await gathered(haystack, staff)
    arborist = Arborist(client, staff, kept.trees)
    lives = [_sense(room, client, kept.ttn) for room in ROOMS]
    async with asyncio.TaskGroup() as tasks:
        for life in (*lives, *(board.run for board in boards), *(Courier(one, desk, client).run for one in kept.phones)):
            tasks.create_task(_again(life))
        for life in (desk.take_orders, crowd.run, arborist.run, box.run, GatewayBox(client, staff, kept, settings.var_dir).run):
            tasks.create_task(_again(life))


async def _open_doors(client: httpx.AsyncClient) -> None:
    """Wait until the application answers; nobody knocks before."""
    while True:
        try:
            if (await client.get("/health")).is_success:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.2)


async def _again(life: Callable[[], Awaitable[None]]) -> None:
    """Live, and begin again after a while when something went wrong: a device does not die of a database's pause."""
    while True:
        try:
            await life()
            return
        except Exception as reason:  # an edge: whatever befalls one device is its own affair
            end_if_cancelled()
            log.debug("a simulated device begins again", reason=repr(reason))
        await asyncio.sleep(AGAIN_AFTER_S)


def _sense(room: ColdRoom, client: httpx.AsyncClient, secret: str) -> Callable[[], Awaitable[None]]:
    """One sensor's life: a reading now and then, each at its own moment. One room gets too warm soon, and then now and then."""
    chance, loop = Random(room.seed), asyncio.get_running_loop()
    began_s = now().timestamp()

    def faults() -> tuple[Fault, ...]:
        if room is not WARM:
            return ()
        count = int((now().timestamp() - began_s - FIRST_FAULT_AFTER_S) // FAULT_EVERY_S)
        starts_s = began_s + FIRST_FAULT_AFTER_S + max(count, 0) * FAULT_EVERY_S
        return (Fault(starts_s, FAULT_LASTS_S, FAULT_RISE_CELSIUS),)

    async def life() -> None:
        sensor = Sensor(room, first_frame=int(now().timestamp()) % 60_000)
        await asyncio.sleep(chance.uniform(0, 5))
        speaks_at = loop.time()
        while True:
            await client.post("/feeds/ttn", json=sensor.uplink(now(), faults()), headers={"X-Webhook-Secret": secret})
            speaks_at = max(speaks_at + SENSOR_EVERY_S * chance.uniform(0.92, 1.08), loop.time())
            await asyncio.sleep(speaks_at - loop.time())

    return life
