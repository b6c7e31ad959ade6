"""Many people have Home open while the demonstration's world runs: CPU, memory, how fast a push is, who is thrown out.

The served process holds the simulated devices, the broker and the pages; visitors live in another process (swarm.py).
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg

from jobs.demonstration import PASSWORD, SIGN_INS
from tests.bench.figures import AtMost, Figure, Reference, p95
from tests.bench.knocking import Connection
from tests.bench.stage import Stage
from tests.bench.swarm import Heard, Swarm, swarm
from tests.factories.served import Server, free_port, launch, wait_until_healthy

LOOKERS = ("owner@", "dispatcher@", "quality@", "viewer@")
ROUNDS = 3
CHANGE_EVERY_S = 5.0


@dataclass
class Sample:
    """Some seconds with so many clients."""

    count: int
    cpu_percent: float
    database_percent: float
    heard: Heard
    told_ms: list[float]
    pause_ms: float
    page_p95_ms: float = 0
    pages_per_s: float = 0


@dataclass
class World:
    """The running demonstration."""

    server: Server
    folder: Path
    process: psutil.Process
    database: psutil.Process
    memory_mb: list[float] = field(default_factory=list)

    def memory(self) -> float:
        """Resident megabytes of the served process."""
        return float(self.process.memory_info().rss) / 1e6

    def cpu_s(self) -> dict[int, float]:
        """Seconds of CPU used by the served process and by each of PostgreSQL's, by process."""
        used = {}
        for one in (self.process, self.database, *self.database.children()):
            with suppress(psutil.NoSuchProcess):
                used[one.pid] = sum(one.cpu_times()[:2])
        return used


async def figures(stage: Stage) -> list[Figure]:
    few, many, seconds = stage.size(300, 20), stage.size(1_000, 40), stage.size(30, 10)
    async with _world(stage) as world, swarm(world.server.url, await _cookies(world.server.url)) as visitors:
        await visitors.come(4)  # whoever comes first makes it load what it has not used yet
        await asyncio.sleep(stage.size(30, 5))  # and the world has a month to catch up with
        alone = await _sample(world, visitors, 4, seconds)
        empty_mb = world.memory()
        some = await _come(world, visitors, few, seconds)
        some_mb = world.memory()
        await _go(visitors, stage)
        full_mb, samples = [], []
        for number in range(ROUNDS):
            samples.append(await _come(world, visitors, many, seconds if number == 0 else 5))
            full_mb.append(world.memory())
            if number < ROUNDS - 1:
                await _go(visitors, stage)
    return [
        *_of(some, alone, (some_mb - empty_mb) / few, push_aim=AtMost(150)),
        *_of(samples[0], alone, (full_mb[0] - empty_mb) / many, push_aim=None),
        Figure(f"{many:,} clients, memory in round {ROUNDS}", full_mb[-1], "MB", Reference("in round 1", full_mb[0]), ratio_aim=AtMost(1.1)),
        Figure(f"{many:,} clients, thrown out in {ROUNDS} rounds", sum(one.heard.lost for one in samples), "", aim=AtMost(0)),
    ]  # fmt: skip


def _of(one: Sample, alone: Sample, memory_mb: float, *, push_aim: AtMost | None) -> list[Figure]:
    name = f"{one.count:,} clients"
    return [
        Figure(f"{name}, CPU", one.cpu_percent, "% of a core", Reference("4 clients", alone.cpu_percent)),
        Figure(f"{name}, CPU of PostgreSQL", one.database_percent, "% of a core", Reference("4 clients", alone.database_percent)),
        Figure(f"{name}, memory a client", memory_mb, "MB", aim=AtMost(1)),
        Figure(f"{name}, push, p95", p95(one.heard.ages_ms), "ms", Reference("4 clients", p95(alone.heard.ages_ms)), aim=push_aim),
        Figure(f"{name}, change to redrawn list, p95", p95(one.told_ms), "ms", Reference("4 clients", p95(alone.told_ms))),
        Figure(f"{name}, longest pause", one.pause_ms, "ms", Reference("4 clients", alone.pause_ms), aim=AtMost(12_000)),
        Figure(f"{name}, thrown out", one.heard.lost, "", aim=AtMost(0)),
        Figure(f"{name}, pages opened a second", one.pages_per_s, "/s"),
    ]  # fmt: skip


@asynccontextmanager
async def _world(stage: Stage) -> AsyncIterator[World]:
    """`main.py run` on ports and in a folder of its own."""
    port, mqtt_port, folder = free_port(), free_port(), stage.folder / "world"
    command = ("run", "--port", str(port), "--mqtt-port", str(mqtt_port), "--var-dir", str(folder))
    server = Server(f"http://127.0.0.1:{port}", mqtt_port, {}, launch({}, command), command)
    try:
        await asyncio.to_thread(wait_until_healthy, server.url, server.process, patience_s=240)
        postmaster = int((folder / "pg/postmaster.pid").read_text().splitlines()[0])
        yield World(server, folder, psutil.Process(server.process.pid), psutil.Process(postmaster))
    finally:
        if server.process.poll() is None:
            server.stop()


async def _cookies(url: str) -> list[str]:
    made = []
    for email in (email for email, _ in SIGN_INS if email.startswith(LOOKERS)):
        async with httpx.AsyncClient(base_url=url) as client:
            form = {"name": email, "password": PASSWORD}
            answer = await client.post("/sign-in", data=form, headers={"Origin": url})
            assert answer.status_code == 303, answer.text
            made.append("; ".join(f"{name}={value}" for name, value in client.cookies.items()))
    return made


async def _come(world: World, visitors: Swarm, count: int, seconds: float) -> Sample:
    arrived = await visitors.come(count)
    await asyncio.sleep(5)
    sample = await _sample(world, visitors, count, seconds)
    sample.page_p95_ms, sample.pages_per_s = arrived["page_p95_ms"], arrived["pages_per_s"]
    return sample


async def _go(visitors: Swarm, stage: Stage) -> None:
    """Everybody leaves; their pages are kept for the reconnect time-out, and what is left until the next collection."""
    await visitors.go()
    await asyncio.sleep(stage.size(30 + 60, 35))


async def _sample(world: World, visitors: Swarm, count: int, seconds: float) -> Sample:
    await visitors.forget()
    before, started = world.cpu_s(), time.monotonic()
    pauses = asyncio.create_task(_longest_answer(world.server.url, seconds))
    told = await _changes(world, visitors, seconds)
    pause = await pauses
    after, elapsed = world.cpu_s(), time.monotonic() - started
    heard = await visitors.told()
    percent = {pid: (used - before.get(pid, 0)) / elapsed * 100 for pid, used in after.items()}
    own = percent.pop(world.process.pid)
    return Sample(count, own, sum(percent.values()), heard, told, pause)


async def _changes(world: World, visitors: Swarm, seconds: float) -> list[float]:
    """Say now and then that an alert changed; how many ms later each page had its list drawn anew."""
    took, until = list[float](), time.monotonic() + seconds
    while time.monotonic() < until:
        at = time.time() * 1000
        await asyncio.to_thread(_say_that_an_alert_changed, world.folder)
        await asyncio.sleep(CHANGE_EVERY_S)
        first: dict[str, float] = {}
        for page, redrawn_at in (await visitors.told()).redrawn:
            if redrawn_at >= at:
                first.setdefault(page, redrawn_at - at)
        took += first.values()
    return took


def _say_that_an_alert_changed(folder: Path) -> None:
    with psycopg.connect(host=str(folder / "pg"), user="postgres", dbname="steading", autocommit=True) as connection:
        connection.execute(
            "select pg_notify('steading', json_build_object('e', 'AlertChanged', 'o', id::text, 'i', '{}'::json)::text)"
            " from identity.organizations where slug = 'angkor-fresh'"
        )


async def _longest_answer(url: str, seconds: float) -> float:
    """The longest that a request took which needs nothing but the loop (a door without its secret), in ms."""
    longest, until = 0.0, time.monotonic() + seconds
    async with Connection(f"{url}/feeds/ttn", {}) as door:
        while time.monotonic() < until:
            started = time.monotonic()
            assert await door.post(b"{}") == 401
            longest = max(longest, time.monotonic() - started)
            await asyncio.sleep(0.02)
    return longest * 1000
