"""How long after a device's last byte the text on an open page is another one, in a real Chromium."""

import asyncio
import random
import time
from statistics import median

from playwright.async_api import Page

from data.core.time import now
from tests.bench.bare import bare_server
from tests.bench.figures import AtMost, Figure, Reference, p95
from tests.bench.knocking import Connection
from tests.bench.looking import chromium_page, opened, session_token
from tests.bench.stage import Stage
from tests.bench.stores import sensors, uplink
from tests.factories.cold_chain import secret

# Written down the moment the text is there; both clocks are this machine's.
WATCH = """() => {
  window.shown = [];
  const look = () => {
    const text = document.querySelector('.st-fact-value')?.textContent;
    if (text && text !== window.last) { window.last = text; window.shown.push([text, Date.now()]); }
  };
  look(); window.shown = [];
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""

ECHO = """async ([url, times]) => {
  const socket = new WebSocket(url.replace('http', 'ws'));
  await new Promise((done) => socket.onopen = done);
  const took = [];
  for (let i = 0; i < times; i++) {
    await new Promise((done) => setTimeout(done, 20 + Math.random() * 30));
    const from = performance.now();
    await new Promise((done) => { socket.onmessage = done; socket.send(`{"celsius": ${i}}`); });
    took.push(performance.now() - from);
  }
  socket.close();
  return took;
}"""


async def figures(stage: Stage) -> list[Figure]:
    async with stage.installation("live") as here:
        these = await sensors(here.world.owner, 1)
        feed, token = await secret(here.world.owner), await session_token(here.world.owner)
        with here.served() as server, bare_server() as bare:
            async with chromium_page(server.url, token) as page:
                await opened(page, f"{server.url}/cold-chain/units/{these.each[0][0]}")
                async with Connection(f"{server.url}/feeds/ttn", {"X-Webhook-Secret": feed}) as device:
                    took = await readings_to_text(page, device, these.each[0][2], stage.size(60, 10))
            async with chromium_page(bare) as page:
                await page.goto(bare)
                echoes = await page.evaluate(ECHO, [bare, stage.size(200, 40)])
    return [
        Figure("reading to changed text, median", median(took), "ms", Reference("WebSocket echo", median(echoes))),
        Figure("reading to changed text, p95", p95(took), "ms", Reference("WebSocket echo", p95(echoes)), aim=AtMost(300)),
    ]


async def readings_to_text(page: Page, device: Connection, eui: str, count: int) -> list[float]:
    """Milliseconds from just before the last byte is written until the text is another one."""
    await page.locator(".st-fact-value").first.wait_for()
    await page.evaluate(WATCH)
    took = []
    for number in range(count + 3):
        await asyncio.sleep(random.uniform(0.4, 0.9))  # a sensor speaks far less often; a screen at most every 0.3 s
        body = uplink(eui, now(), -22.5 + number * 0.7 % 4, counter=number)
        before = await page.evaluate("window.shown.length")
        *_, at = await asyncio.gather(device.post(body), _last_byte())
        await page.wait_for_function("before => window.shown.length > before", arg=before, timeout=10_000)
        took.append((await page.evaluate("before => window.shown[before][1]", before)) - at * 1000)
    return took[3:]  # the first ones warm everything up


async def _last_byte() -> float:
    return time.time()
