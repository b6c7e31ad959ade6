"""A topic that calls back less often: for lists that would otherwise be asked again with each move of a busy world."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import background_tasks

from ui.live import Merging, Topic


@dataclass(frozen=True)
class Slowed:
    """`topic`, but at least `seconds` apart; the last of a burst is never lost."""

    topic: Topic
    seconds: float

    def subscribe(self, callback: Callable[[], None], /) -> Callable[[], None]:
        """As every topic does."""
        async def call() -> None:
            callback()

        def spawn(run: Any) -> Any:
            return background_tasks.create(run, name='slowed')

        merging = Merging(call, minimum_interval_s=self.seconds, spawn=spawn)
        end = self.topic.subscribe(merging.poke)

        def stop() -> None:
            end()
            merging.close()
        return stop
