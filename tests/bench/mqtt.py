"""A thousand devices tell their temperature every two seconds, at our own broker and at Mosquitto: nothing is lost, and a screen shows
it soon."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiomqtt
import psutil
import psycopg
from playwright.async_api import Page

from data.core.session import transaction
from data.core.settings import Settings
from data.farm import commands
from data.farm.rules import MOST_DEVICES
from data.farm.rules.logins import mosquitto_hash
from data.identity.secrets import token_hash
from jobs import mqtt_acl
from jobs.networks.broker import Broker
from jobs.networks.mqtt import AT_ONCE
from tests.bench.figures import AtMost, Figure, Reference, p95
from tests.bench.herd import Herd, Told, herd
from tests.bench.looking import chromium_page, opened, session_token
from tests.bench.stage import SECRET_KEY, Installation, Stage
from tests.e2e.mosquitto import running
from tests.factories.served import Server, serving

EVERY_S = 2.0
PASSWORD, SERVER_PASSWORD = "bench-password", "server-password"
KEPT_WITHIN_S = 120

DEVICES = """
    with made as (
        insert into farm.devices (id, organization_id, farm_id, topic, name, device_type, output, is_active, is_online, latest)
        select gen_random_uuid(), %(organization)s, %(farm)s, %(prefix)s || n, 'Probe ' || n, 'sensor', 1, true, false, '{}'
        from generate_series(1, %(count)s) n returning id, topic
    )
    insert into farm.broker_logins (id, organization_id, device_id, username, password_hash, token_hash)
    select gen_random_uuid(), %(organization)s, id, topic, %(stretched)s, %(hashed)s from made"""

# Written down the moment the text is there; both clocks are this machine's.
WATCH = """() => {
  window.shown = {};
  const look = () => {
    const text = document.querySelector('.st-tile-value')?.textContent?.match(/^[^0-9]?[0-9.]+/)?.[0];
    if (text && !(text in window.shown)) window.shown[text] = Date.now();
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


@dataclass(frozen=True, slots=True)
class Place:
    """Devices that have a login, the one that is looked at, and somebody who looks."""

    accounts: Sequence[tuple[str, str]]
    watched: UUID
    watched_topic: str
    token: str


async def figures(stage: Stage) -> list[Figure]:
    seconds = stage.size(60, 6)
    async with stage.installation("mqtt") as here:
        place = await _place(here, stage.size(1_000, 60))
        broker = Broker(port=0)
        await broker.start()
        ours = await _echoes(broker.url, stage.size(300, 20))
        await broker.stop()
        with here.served() as server:
            found = await _measured("our broker", here, place, server, server.mqtt_port, seconds, ours)
        with running(stage.folder) as bare:
            theirs = await _echoes(f"mqtt://127.0.0.1:{bare.port}", stage.size(300, 20))
        files = stage.folder / "mosquitto"
        account = f"steading:{SERVER_PASSWORD}@127.0.0.1"
        settings = Settings(_env_file=None, secret_key=SECRET_KEY, mqtt_url=f"mqtt://{account}")  # type: ignore[call-arg]
        await mqtt_acl.write(settings, files)
        with running(stage.folder, files=files) as mosquitto:
            more = {"MQTT_URL": f"mqtt://{account}:{mosquitto.port}"}
            with serving(here.url, SECRET_KEY, here.folder, more) as server:
                found += await _measured("Mosquitto", here, place, server, mosquitto.port, seconds, theirs)
    return found


async def _place(here: Installation, count: int) -> Place:
    """Farms with as many devices as a farm may have."""
    hashed = {"stretched": mosquitto_hash(PASSWORD, b"0123456789ab"), "hashed": token_hash(PASSWORD)}
    topics = []
    with here.owner() as owner:
        for number, start in enumerate(range(0, count, MOST_DEVICES)):
            async with transaction(here.world.owner) as tx:
                farm = await commands.create_farm(tx, name=f"Farm {number}")
            these = {"organization": here.world.organization_id, "farm": farm.id, "prefix": f"probe-{number}-", "count": min(MOST_DEVICES, count - start)}
            owner.execute(DEVICES, hashed | these)
        topics = [row[0] for row in owner.execute("select topic from farm.devices order by topic")]
        watched = owner.execute("select id from farm.devices where topic = %s", [topics[0]]).fetchone()
        owner.execute("vacuum analyze farm.devices, farm.broker_logins")
    assert watched
    return Place([(topic, PASSWORD) for topic in topics[1:]], watched[0], topics[0], await session_token(here.world.owner))


async def _measured(
    name: str, here: Installation, place: Place, server: Server, port: int, seconds: int, echoes: Sequence[float]
) -> list[Figure]:
    with closing(here.owner()) as owner:
        before = _rows(owner)
        async with herd(port, place.accounts, every_s=EVERY_S) as devices, _watching(server, place) as page:
            began, worked_s = time.monotonic(), _worked_s(server)
            watched, told = await asyncio.gather(_to_screen(page, port, place, seconds), devices.speak(seconds))
            ended = time.monotonic()
            share = (_worked_s(server) - worked_s) / (ended - began) * 100
            sent = told.sent + len(watched)
            while (kept := _rows(owner) - before) < sent and time.monotonic() - ended < KEPT_WITHIN_S:
                await asyncio.sleep(0.1)
            behind_s = time.monotonic() - ended
    crowd = f"{len(place.accounts) + 1:,} devices at {name}"
    return [*_lines(crowd, devices, told, sent - kept, sent, behind_s, watched, echoes), Figure(f"{crowd}: the server's share of a core", share, "%")]


def _worked_s(server: Server) -> float:
    """Seconds of CPU that the server's process has used: these say the same however busy the machine is otherwise."""
    used = psutil.Process(server.process.pid).cpu_times()
    return float(used.user + used.system)


def _lines(
    crowd: str, devices: Herd, told: Told, lost: int, sent: int, behind_s: float, watched: Sequence[float], echoes: Sequence[float],
) -> list[Figure]:  # fmt: skip
    return [
        Figure(f"{crowd}: signed in", devices.came_in_s, "s", aim=AtMost(30)),
        Figure(f"{crowd}: lost of {sent:,}", lost, "", aim=AtMost(0)),
        Figure(f"{crowd}: said until acknowledged, p95", told.answered_p95_ms, "ms", Reference("MQTT echo", p95(echoes))),
        Figure(f"{crowd}: said until shown, median", median(watched), "ms", Reference("MQTT echo", median(echoes))),
        Figure(f"{crowd}: said until shown, p95", p95(watched), "ms", Reference("MQTT echo", p95(echoes)), aim=AtMost(2_000)),
        Figure(f"{crowd}: the last one until kept", behind_s, "s", aim=AtMost(5)),
    ]


def _rows(owner: psycopg.Connection) -> int:
    row = owner.execute("select count(*) from farm.sensor_readings where sensor_type = 'temperature'").fetchone()
    return int(row[0]) if row else 0


@asynccontextmanager
async def _watching(server: Server, place: Place) -> AsyncIterator[Page]:
    async with chromium_page(server.url, place.token) as page:
        await opened(page, f"{server.url}/farm/devices/{place.watched}")
        await page.evaluate(WATCH)
        yield page


async def _to_screen(page: Page, port: int, place: Place, seconds: int) -> list[float]:
    """Milliseconds from just before one device says something until its page shows it, while all the others speak."""
    took, until = list[float](), time.monotonic() + seconds
    async with aiomqtt.Client("127.0.0.1", port, username=place.watched_topic, password=PASSWORD, socket_options=AT_ONCE) as device:
        while time.monotonic() < until:
            celsius = f"{-40 + 0.1 * len(took):.1f}"
            at = time.time()
            await device.publish(f"tele/{place.watched_topic}/SENSOR", f'{{"DS18B20":{{"Temperature":{celsius}}}}}', qos=1)
            shown = celsius.replace("-", "−")
            await page.wait_for_function("text => text in window.shown", arg=shown, timeout=20_000)
            took.append((await page.evaluate("text => window.shown[text]", shown)) - at * 1000)
            await asyncio.sleep(random.uniform(0.4, 0.9))  # a screen is drawn anew every 0.3 s at most
    return took


async def _echoes(url: str, count: int) -> list[float]:
    """Milliseconds from one client by way of the broker to another and back: nothing is kept."""
    parts, took = urlsplit(url), list[float]()
    who: dict[str, Any] = {"username": unquote(parts.username), "password": unquote(parts.password or "")} if parts.username else {}
    host, port = parts.hostname or "", parts.port or 0
    new = partial(aiomqtt.Client, host, port, socket_options=AT_ONCE, **who)
    async with new() as one, new() as other:
        await one.subscribe("echo/back", qos=1)
        await other.subscribe("echo/out", qos=1)

        async def answer() -> None:
            async for message in other.messages:
                await other.publish("echo/back", message.payload, qos=1)

        answering = asyncio.create_task(answer())
        for number in range(count + 5):
            started = time.perf_counter()
            await one.publish("echo/out", str(number), qos=1)
            async with asyncio.timeout(10):
                await anext(one.messages)
            took.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.01)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
    return took[5:]
