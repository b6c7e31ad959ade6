"""A topic that calls back less often: for lists that would otherwise be asked again with each move of a busy world."""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ui.live import Topic


@dataclass(frozen=True)
class Slowed:
    """`topic`, but at least `seconds` apart; the last of a burst is never lost."""

    topic: Topic
    seconds: float

    def subscribe(self, callback: Callable[[], None], /) -> Callable[[], None]:
        """As every topic does."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        waiting: asyncio.TimerHandle | None = None

        def call() -> None:
            nonlocal next_at, waiting
            next_at, waiting = loop.time() + self.seconds, None
            callback()

        def heard() -> None:
            nonlocal waiting
            if waiting is None:
                if (pause := next_at - loop.time()) > 0:
                    waiting = loop.call_later(pause, call)
                else:
                    call()

        end = self.topic.subscribe(heard)

        def stop() -> None:
            end()
            if waiting is not None:
                waiting.cancel()
        return stop
