"""Work that is done as soon as it is announced, and looked for now and then besides, since an announcement can be lost."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from data.core.bus import bus

log = structlog.get_logger()


class Announced:
    """Calls `work` until it says 0, whenever `event` is heard from any organization, and every `look_again_s`."""

    def __init__(self, name: str, event: str, work: Callable[[], Awaitable[int]], *, look_again_s: float) -> None:
        self._name, self._event, self._work, self._look_again_s = name, event, work, look_again_s
        self._heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stop_hearing: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._stop_hearing = bus.listen(self._event, "*", lambda heard: self._heard.set())
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        self._stop_hearing()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                while await self._work():
                    pass
            except Exception:  # an edge: the database may be away for a while; what waits is done later
                log.exception("what waits could not be done", work=self._name)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_again_s):
                    await self._heard.wait()
            self._heard.clear()
