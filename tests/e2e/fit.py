"""Whether everybody can use what a page shows: with a screen reader, on a small phone in the dark, on a wide screen by day."""

from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
from playwright.async_api import Page

from tests.e2e.conftest import Visitor

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# What comes or goes is measured when it is there or gone. No rule of these looks into style sheets, so none is fetched again.
RUN = """async () => {
  const moving = '[class*="-enter-from"], [class*="-enter-active"], [class*="-leave-active"]';
  const moves = (one) => one.playState === 'running' && one.effect.getComputedTiming().endTime < 5000;
  for (let n = 0; n < 200 && (document.querySelector(moving) || document.getAnimations().some(moves)); n++) await new Promise(requestAnimationFrame);
  // axe believes that the words of a panel's buttons lie beneath the panel: a `z-index: 0` inside what is fixed without one.
  for (const one of document.querySelectorAll('.q-dialog .q-btn__content')) one.style.zIndex = 'auto';
  return (await axe.run(document, {
    resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], preload: false, selectors: false,
  })).violations;
}"""
DRAWN = """async (scheme) => {
  const other = scheme === 'dark' ? 'body--light' : 'body--dark';
  for (let n = 0; n < 200 && document.body.classList.contains(other); n++) await new Promise(requestAnimationFrame);
  for (let n = 0; n < 3; n++) await new Promise(requestAnimationFrame);
}"""
"""The page has heard of the light, and what depends on it has begun to change."""
PHONE: tuple[int, int, Literal["dark"]] = (360, 740, "dark")
WIDE: tuple[int, int, Literal["light"]] = (1440, 900, "light")


def serious(violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:140]}" for v in violations if v["impact"] in ("serious", "critical")
    ]


async def look_as(page: Page, width: int, height: int, scheme: Literal["dark", "light"]) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme=scheme)


async def unfit(visitor: Visitor, path: str) -> list[str]:
    """What is wrong with the page: opened on a phone in the dark, then looked at on a wide screen by day. Turning a phone and
    pulling at a window are that too."""
    await look_as(visitor.page, *PHONE)
    page = await visitor.open(path)
    return await unfit_as_it_is(page)


async def unfit_as_it_is(page: Page) -> list[str]:
    """The same for what is open already."""
    await page.wait_for_function("!document.querySelector('.st-loading')")
    await page.evaluate(AXE)
    wrong = []
    for look in (PHONE, WIDE):
        await look_as(page, *look)
        await page.evaluate(DRAWN, look[2])
        found = serious(await page.evaluate(RUN))
        if await page.evaluate("document.documentElement.scrollWidth") > look[0]:
            found.append("scrolls sideways")
        wrong += [f"{look[0]} {look[2]}: {one}" for one in found]
    return wrong
