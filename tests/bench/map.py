"""Two thousand drivers move once a second: what a tick costs the server, how much goes over the line, how it is drawn.

Phones' fixes are recorded by this process in twenty batches a second, as an intake would; the served process hears of
it, asks, and sends. Frames are those of a headless Chromium, which draws in software on the same two cores.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psutil
from playwright.async_api import Page

from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.deliveries.commands import record_fixes
from data.deliveries.tables import Driver, DriverDevice
from data.deliveries.values import Fix, PhoneApp, Platform, Report
from tests.bench.figures import AtMost, Figure, Reference, p95
from tests.bench.looking import Frames, chromium_page, opened, session_token, watch_frames
from tests.bench.stage import Stage

BATCHES = 20

# Before the page's own scripts: how long its callbacks work in each frame, whatever else the machine does meanwhile.
WORK = """() => {
  const next = window.requestAnimationFrame.bind(window);
  window.nextFrame = next; window.work = [];
  window.requestAnimationFrame = (callback) => next((at) => {
    const from = performance.now();
    try { callback(at); } finally { window.work.push(performance.now() - from); }
  });
}"""

FRAMES = """(seconds) => new Promise((done) => {
  const took = [], until = performance.now() + seconds * 1000;
  let before = performance.now();
  window.work = [];
  const frame = () => {
    const now = performance.now();
    took.push(now - before);
    before = now;
    if (now < until) window.nextFrame(frame); else done([took.slice(1), window.work]);
  };
  window.nextFrame(frame);
})"""


@dataclass(frozen=True, slots=True)
class Watched:
    """Some seconds of one page: CPU of the served process, what the page heard, and how long its frames took."""

    cpu_percent: float
    messages: int
    fleet_messages: int
    size: int
    frames_ms: Sequence[float]
    work_ms: Sequence[float]


class Fleet:
    """Phones in a city that each tell a new position every second."""

    def __init__(self, actor: Actor, phones: Sequence[UUID]) -> None:
        self._actor = actor
        self._places = {phone: (random.uniform(11.4, 11.7), random.uniform(104.7, 105.1)) for phone in phones}

    async def move(self) -> None:
        """All of them once, a twentieth at a time."""
        phones = list(self._places)
        for start in range(0, len(phones), len(phones) // BATCHES):
            await self._record(phones[start : start + len(phones) // BATCHES])

    async def move_every_second(self) -> None:
        phones, size = list(self._places), len(self._places) // BATCHES
        due = time.monotonic()
        while True:
            for start in range(0, len(phones), size):
                await self._record(phones[start : start + size])
                due += 1 / BATCHES
                await asyncio.sleep(max(0, due - time.monotonic()))

    async def _record(self, phones: Sequence[UUID]) -> None:
        at, reports = now(), []
        for phone in phones:
            latitude, longitude = self._places[phone]
            self._places[phone] = latitude + random.uniform(-2e-4, 2e-4), longitude + random.uniform(-2e-4, 2e-4)
            reports.append(Report(phone, Fix("", at, *self._places[phone], accuracy_m=8, speed_mps=9), at))
        async with transaction(self._actor) as tx:
            await record_fixes(tx, reports)


async def figures(stage: Stage) -> list[Figure]:
    count, seconds = stage.size(2_000, 200), stage.size(30, 6)
    async with stage.installation("map") as here:
        organization_id = here.world.organization_id
        fleet = Fleet(Actor.machine(organization_id, "phones"), await _phones(here.world.owner, count))
        await fleet.move()
        token = await session_token(here.world.owner)
        with here.served() as server:
            process = psutil.Process(server.process.pid)
            async with chromium_page(server.url, token) as page:
                frames = await watch_frames(page)
                await page.add_init_script(f"({WORK})()")
                await opened(page, f"{server.url}/")
                await page.locator(".st-map canvas").first.wait_for()
                await asyncio.sleep(3)
                still = await _watched(page, process, frames, seconds)
                moving = asyncio.create_task(fleet.move_every_second())
                await asyncio.sleep(3)
                moved = await _watched(page, process, frames, seconds)
                moving.cancel()
                await asyncio.gather(moving, return_exceptions=True)
    frame = Reference("nothing moves", max(still.frames_ms))
    usual = Reference("nothing moves", p95(still.frames_ms))
    return [
        Figure(f"map of {count:,}, server CPU", moved.cpu_percent, "% of a core", Reference("nothing moves", still.cpu_percent), aim=AtMost(5)),
        Figure(f"map of {count:,}, messages a tick", moved.fleet_messages / seconds, "", aim=AtMost(1.05)),
        Figure(f"map of {count:,}, bytes a tick", moved.size / seconds / 1000, "kB"),
        Figure(f"map of {count:,}, frame, p95", p95(moved.frames_ms), "ms", usual),
        Figure(f"map of {count:,}, longest frame", max(moved.frames_ms), "ms", frame, aim=AtMost(50)),
        Figure(f"map of {count:,}, most drawing in a frame", max(moved.work_ms), "ms"),
    ]  # fmt: skip


async def _phones(owner: Actor, count: int) -> list[UUID]:
    async with transaction(owner) as tx:
        drivers = [Driver(name=f"Driver {number}") for number in range(1, count + 1)]
        tx.add_all(drivers)
        await tx.flush()
        phones = [DriverDevice(driver_id=one.id, name="phone", app=PhoneApp.OWNTRACKS, platform=Platform.IOS) for one in drivers]
        tx.add_all(phones)
    return [one.id for one in phones]


async def _watched(page: Page, process: psutil.Process, frames: Frames, seconds: int) -> Watched:
    frames.forget()
    before, started = sum(process.cpu_times()[:2]), time.monotonic()
    took, work = await page.evaluate(FRAMES, seconds)
    cpu, elapsed = sum(process.cpu_times()[:2]) - before, time.monotonic() - started
    heard = frames.heard[:]
    moves = sum('"fleet"' in text for _, _, text in heard)
    return Watched(cpu / elapsed * 100, len(heard), moves, sum(size for _, size, _ in heard), took, work or [0])
