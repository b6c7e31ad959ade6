"""Five hundred units, a reading a second each, for ten minutes: all kept, all judged, and how long until one is on a screen.

`SECONDS=20` makes it shorter. Half of the units come over LoRaWAN, a request each; half in lists over the bulk interface.
"""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import psutil
from playwright.async_api import Page

from data.cold_chain.commands import rules
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import TokenKind
from tests.bench.figures import AtLeast, AtMost, Figure, Reference, p95
from tests.bench.knocking import Connection
from tests.bench.live import WATCH, readings_to_text
from tests.bench.looking import chromium_page, opened, session_token
from tests.bench.stage import Installation, Stage
from tests.bench.stores import Sensors, sensors, uplink
from tests.factories.cold_chain import secret

UNITS, ALARMS = 500, 20
CONNECTIONS, LISTS = 25, 3
STEPS = 40
Unit = tuple[object, object, str]


@dataclass
class Run:
    """What was sent, and when the unit that somebody looks at said what."""

    these: Sensors
    seconds: int
    started: float = 0.0
    sent: int = 0
    told: list[tuple[str, float]] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)

    async def until(self, second: int, part: float) -> None:
        """Wait for that part of a second; a sender that is late notes how much."""
        due = self.started + second + part
        if (left := due - time.monotonic()) > 0:
            await asyncio.sleep(left)
        self.late_s.append(max(0.0, -left))


async def figures(stage: Stage) -> list[Figure]:
    seconds = int(os.environ.get("SECONDS", stage.size(600, 20)))
    async with stage.installation("sustained") as here:
        run = Run(await sensors(here.world.owner, UNITS), seconds)
        await _set_to_warn_at_once(here, run.these)
        feed, api = await secret(here.world.owner), await secret(here.world.owner, TokenKind.API, None)
        token = await session_token(here.world.owner)
        with here.served() as server:
            async with chromium_page(server.url, token) as page:
                await opened(page, f"{server.url}/cold-chain/units/{run.these.each[0][0]}")
                async with Connection(f"{server.url}/feeds/ttn", {"X-Webhook-Secret": feed}) as device:
                    quiet = await readings_to_text(page, device, run.these.each[0][2], stage.size(30, 8))
                before = _kept(here)
                await page.evaluate(WATCH)
                process = psutil.Process(server.process.pid)
                busy_s = -sum(process.cpu_times()[:2])
                elapsed = await _all(run, server.url, feed, api)
                busy_s += sum(process.cpu_times()[:2])
                await asyncio.sleep(3)
                took = await _door_to_screen(page, run)
        kept, alerts = _kept(here) - before, _alerts(here)
    assert kept == run.sent, f"{run.sent} readings were taken, {kept} are kept"
    assert alerts == ALARMS, f"{ALARMS} units were too warm, {alerts} alerts were raised"
    name = f"{UNITS} units for {seconds} s"
    return [
        Figure(f"{name}, kept of {run.sent:,} sent", kept / run.sent * 100, "%", aim=AtLeast(100)),
        Figure(f"{name}, rate", run.sent / elapsed, "readings/s", Reference("asked for", float(UNITS)), ratio_aim=AtLeast(0.98)),
        Figure(f"{name}, our process", busy_s / elapsed * 100, "% of a core"),
        Figure(f"{name}, a sender behind its second, p95", p95(run.late_s) * 1000, "ms"),
        Figure(f"{name}, door to screen, median", median(took), "ms", Reference("nothing else going on", median(quiet))),
        Figure(f"{name}, door to screen, p95", p95(took), "ms", Reference("nothing else going on", p95(quiet)), aim=AtMost(1000)),
    ]  # fmt: skip


async def _set_to_warn_at_once(here: Installation, these: Sensors) -> None:
    """The last units' trouble is told without delay, so that some of it happens within the run."""
    async with transaction(here.world.owner) as tx:
        for unit_id, _device, _eui in these.each[-ALARMS:]:
            await rules.set_rule(tx, unit_id=unit_id, changes={"delay_minutes": 0})


async def _all(run: Run, url: str, feed: str, api: str) -> float:
    """Seconds it took to send all of it."""
    half = UNITS // 2
    over_radio, in_lists = run.these.each[:half], run.these.each[half:]
    run.started = time.monotonic() + 0.5
    await asyncio.gather(
        *(_radio(run, url, feed, over_radio[n::CONNECTIONS], n / CONNECTIONS) for n in range(CONNECTIONS)),
        *(_lists(run, url, api, in_lists[n::LISTS], n / LISTS) for n in range(LISTS)),
    )
    return time.monotonic() - run.started


async def _radio(run: Run, url: str, feed: str, units: Sequence[Unit], part: float) -> None:
    async with Connection(f"{url}/feeds/ttn", {"X-Webhook-Secret": feed}) as device:
        for second in range(run.seconds):
            await run.until(second, part)
            for unit in units:
                tenths = -225 + second % STEPS
                if unit == run.these.each[0]:
                    run.told.append((f"−{-tenths / 10:.1f} °C", time.time()))
                assert await device.post(uplink(unit[2], now(), tenths / 10, counter=second)) == 200
                run.sent += 1


async def _lists(run: Run, url: str, api: str, units: Sequence[Unit], part: float) -> None:
    warm = {unit_id for unit_id, _device, _eui in run.these.each[-ALARMS:]}
    async with Connection(f"{url}/api/ingest/readings", {"X-API-Key": api}) as other:
        for second in range(run.seconds):
            await run.until(second, part)
            at = now().isoformat()
            said = [
                {
                    "unitId": str(unit_id), "deviceId": str(device_id), "recordedAt": at, "humidity": 52.5, "battery": 87,
                    "temperature": -10.0 if unit_id in warm and second > run.seconds // 2 else -20.5 - second % 7 / 10,
                }
                for unit_id, device_id, _eui in units
            ]  # fmt: skip
            assert await other.post(json.dumps(said).encode()) == 200
            run.sent += len(said)


async def _door_to_screen(page: Page, run: Run) -> list[float]:
    """Milliseconds from the sending of a temperature until it stands on the screen; the screen may leave some out."""
    took = []
    for text, at_ms in await page.evaluate("window.shown"):
        sent = [at for told, at in run.told if told == text and at * 1000 <= at_ms]
        if sent:
            took.append(at_ms - sent[-1] * 1000)
    assert len(took) >= run.seconds // 3, f"only {len(took)} of {run.seconds} temperatures were seen on the screen"
    return took


def _kept(here: Installation) -> int:
    with here.owner() as connection:
        row = connection.execute("select count(*) from cold_chain.sensor_readings").fetchone()
    return int(row[0]) if row else 0


def _alerts(here: Installation) -> int:
    with here.owner() as connection:
        row = connection.execute("select count(*) from alerts.alerts where alert_type = 'temp_excursion'").fetchone()
    return int(row[0]) if row else 0
