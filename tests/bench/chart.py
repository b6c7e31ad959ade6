"""What a month of minute readings costs: bytes sent, time on the server, and time until it is drawn."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import psutil
from playwright.async_api import Page

from tests.bench.figures import AtMost, Figure, Reference, p95
from tests.bench.looking import Frames, chromium_page, opened, session_token, watch_frames
from tests.bench.stage import Installation, Stage
from tests.bench.stores import COLUMNS, Sensors, measurements, rows, sensors

POINTS = 43_200
UNPACKED_BYTES = POINTS * 12 * 4 // 3
"""All of them as the chart's component takes them: 8 bytes of time and 4 of temperature, in base64."""

# Clicks a range and answers how long it took until Plotly had drawn an answer for that range.
DRAWN = """async (range) => {
  const plot = document.querySelector('.js-plotly-plot');
  const button = [...document.querySelectorAll('.st-ranges button')].find((one) => one.textContent === range);
  const drawn = new Promise((done) => {
    const after = () => { plot.removeListener('plotly_afterplot', after); done(performance.now()); };
    plot.on('plotly_afterplot', after);
  });
  const from = performance.now();
  button.click();
  return (await drawn) - from;
}"""


@dataclass
class Chart:
    """One month on the screen: milliseconds until drawn, of which on the server, and bytes received."""

    drawn_ms: float
    server_ms: float
    size: int


async def figures(stage: Stage) -> list[Figure]:
    async with stage.installation("chart") as here:
        these = await sensors(here.world.owner, 1)
        _fill(here, these)
        token = await session_token(here.world.owner)
        with here.served() as server:
            process = psutil.Process(server.process.pid)
            async with chromium_page(server.url, token) as page:
                frames = await watch_frames(page)
                await opened(page, f"{server.url}/cold-chain/units/{these.each[0][0]}")
                await page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()
                await _month(page, frames)
                before = sum(process.cpu_times()[:2])
                months = [await _month(page, frames) for _ in range(stage.size(20, 4))]
                cpu_ms = (sum(process.cpu_times()[:2]) - before) / len(months) * 1000
        query = _query_alone(here, these)
    server_ms = [one.server_ms for one in months]
    return [
        Figure("a month on a chart, bytes", max(one.size for one in months) / 1000, "kB", Reference("every point", UNPACKED_BYTES / 1000), aim=AtMost(100)),
        Figure("a month on a chart, server, median", median(server_ms), "ms", Reference("the rows by SQL alone", query)),
        Figure("a month on a chart, server, p95", p95(server_ms), "ms", Reference("the rows by SQL alone", query), aim=AtMost(100)),
        Figure("a month and back to a day, server CPU", cpu_ms, "ms"),
        Figure("a month on a chart, click to drawn, median", median(one.drawn_ms for one in months), "ms"),
    ]  # fmt: skip


def _fill(here: Installation, these: Sensors) -> None:
    with here.owner() as connection:
        with connection.cursor().copy(f"copy cold_chain.sensor_readings ({', '.join(COLUMNS)}) from stdin") as copy:
            for row in rows(these, measurements(these, POINTS)):
                copy.write_row(row)
        connection.execute("analyze cold_chain.sensor_readings")


async def _month(page: Page, frames: Frames) -> Chart:
    await page.evaluate(DRAWN, "24 h")
    await asyncio.sleep(0.3)
    frames.forget()
    drawn_ms = await page.evaluate(DRAWN, "30 d")
    await asyncio.sleep(0.1)
    asked = next(at for at, _, text in frames.sent if '"event"' in text)
    answered = max((size, at) for at, size, _ in frames.heard)[1]
    return Chart(drawn_ms, (answered - asked) * 1000, frames.bytes_heard)


def _query_alone(here: Installation, these: Sensors) -> float:
    """Milliseconds to fetch the same rows as the superuser."""
    took: list[float] = []
    with here.owner() as connection:
        for _ in range(7):
            started = time.perf_counter()
            found: Sequence[object] = connection.cursor(binary=True).execute(
                "select recorded_at, temperature_celsius::float8 from cold_chain.sensor_readings"
                " where unit_id = %s order by recorded_at",
                [these.each[0][0]],
            ).fetchall()  # fmt: skip
            took.append((time.perf_counter() - started) * 1000)
            assert len(found) == POINTS
    return median(took)
