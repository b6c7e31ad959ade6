"""What was asked of a device leaves the house: claimed by one process, handed to the network, and marked as sent."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from data.core.bus import bus
from data.core.session import across_tenants
from data.core.time import now
from data.farm.commands import claim_queued, give_back, mark_sent
from data.farm.values import Outgoing
from jobs.channels import TryLater

log = structlog.get_logger()

LOOK_AGAIN_S = 1.0
"""How long a command waits at most when its announcement was lost or the network was away."""


Send = Callable[[Outgoing], Awaitable[None]]
"""Hands one instruction to a device's network, or raises TryLater."""


class Instructions:
    """Sends what is queued, at once when it is announced and every `look_again_s` besides."""

    def __init__(self, send: Send, *, look_again_s: float = LOOK_AGAIN_S) -> None:
        self._send, self._look_again_s = send, look_again_s
        self._announced = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stop_hearing: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._stop_hearing = bus.listen("CommandQueued", "*", lambda heard: self._announced.set())
        self._task = asyncio.create_task(self._run(), name="instructions")

    async def stop(self) -> None:
        self._stop_hearing()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                while await self.send_queued():
                    pass
            except Exception:  # an edge: the database may be away for a while; what is queued stays queued
                log.exception("instructions could not be sent")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_again_s):
                    await self._announced.wait()
            self._announced.clear()

    async def send_queued(self) -> int:
        """Send one batch of what waits; how many were sent. What cannot be sent is given back."""
        async with across_tenants("instructions") as tx:
            claimed = await claim_queued(tx, at=now())
        if not claimed:
            return 0
        sent = [one for one in claimed if await self._is_sent(one)]
        async with across_tenants("instructions") as tx:
            await mark_sent(tx, [one.command_id for one in sent], at=now())
            await give_back(tx, [one.command_id for one in claimed if one not in sent], at=now())
        return len(sent)

    async def _is_sent(self, outgoing: Outgoing) -> bool:
        try:
            await self._send(outgoing)
        except TryLater as reason:
            log.warning("an instruction could not be sent", topic=outgoing.topic, reason=str(reason))
            return False
        return True
