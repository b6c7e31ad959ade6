"""Closed pages leave circles behind that only a full collection finds; it stands still for that, so it does so when it is worth it."""

import gc
from collections.abc import Callable
from time import monotonic

from nicegui import Client
from nicegui import app as pages_app

EVERY_S = 60
AT_LEAST_EVERY_S = 3600
GROWN, SLACK_MB = 1.25, 100
CLOSED, SHARE = 50, 4
"""So many pages must have closed, or one in so many of those that are open."""


class Tidying:
    """Called now and then: looks through what is new, and leaves it alone from then on. All of it is looked through again, 2 ms for each
    open page, when many pages have closed since, when memory has grown by a quarter, and once an hour."""

    def __init__(
        self, memory_mb: Callable[[], float], pages: Callable[[], set[str]] = lambda: set(Client.instances), clock: Callable[[], float] = monotonic
    ) -> None:
        self._memory_mb, self._pages, self._clock = memory_mb, pages, clock
        self._open: set[str] = set()
        self._closed = 0
        self.thoroughly()

    def __call__(self) -> None:
        now_open = self._pages()
        self._closed += len(self._open - now_open)
        self._open = now_open
        gc.collect()
        gc.freeze()
        has_grown = self._memory_mb() > self._held_mb * GROWN + SLACK_MB
        if has_grown or self._closed >= max(CLOSED, len(now_open) // SHARE) or self._clock() - self._at >= AT_LEAST_EVERY_S:
            self.thoroughly()

    def thoroughly(self) -> None:
        """Everything, whatever it takes."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._held_mb, self._closed, self._at = self._memory_mb(), 0, self._clock()


def tidy_up(memory_mb: Callable[[], float]) -> None:
    """Collect garbage by a plan of our own from now on; `memory_mb` is what the process takes."""
    gc.set_threshold(50_000, 50, 1000)
    pages_app.timer(EVERY_S, Tidying(memory_mb))
