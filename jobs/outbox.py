"""What people shall be told leaves the house: each channel by its own worker, so that one that hangs holds up no other."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

import anyio.to_thread
import structlog

from data.alerts.tables import Severity
from data.core.bus import bus
from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.notifications import sending, unsubscribing
from data.notifications.rules import pause_after
from data.notifications.sending import Outcome, Outgoing, Written
from data.notifications.tables import Channel, DeliveryStatus, Purpose
from data.platform.commands import kept_at
from jobs.channels import Enclosure, Letter, TryLater, Undeliverable
from jobs.channels._choice import Carriers
from jobs.channels._outside import client

log = structlog.get_logger()

AT_ONCE = {Channel.EMAIL: 12, Channel.SMS: 10, Channel.PUSH: 20, Channel.TELEGRAM: 15, Channel.WEBHOOK: 20}
"""How many of each are under way at the same time; Telegram takes 30 a second of one bot."""
LOOK_AGAIN_S = 2.0
AHEAD = 4
"""So many times as many are claimed as go at once: a question to the database is worth more than one handful."""
GATHER_S = 0.08
"""Those that are answered within this time are written down together."""
GRACE_S = 3.0

Write = Callable[[Outgoing], Written]
"""Puts a message into its reader's words. Handed in by main: jobs know no language."""


class Worker:
    """Sends one channel's messages."""

    def __init__(self, channel: Channel, carriers: Carriers, write: Write, origin: str, *, look_again_s: float = LOOK_AGAIN_S) -> None:
        self._channel, self._carriers, self._write, self._origin = channel, carriers, write, origin
        self._look_again_s, self._most = look_again_s, AHEAD * AT_ONCE[channel]
        self._turn = asyncio.Semaphore(AT_ONCE[channel])
        self._announced = asyncio.Event()
        self._under_way: set[asyncio.Task[Outcome]] = set()
        self._unwritten: list[Outcome] = []
        self._last_look = -look_again_s
        self._task: asyncio.Task[None] | None = None
        self._stop_hearing: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._announced.set()
        self._stop_hearing = bus.listen("DeliveriesQueued", "*", lambda heard: self._announced.set())
        self._task = asyncio.create_task(self._run(), name=f"outbox {self._channel}")

    async def stop(self) -> None:
        """What is under way may end within a moment; what does not is sent anew when its lease is over."""
        self._stop_hearing()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=GRACE_S)
        try:
            await self._write_down()
        except Exception:  # an edge: the lease runs out, and they go again
            log.exception("what was sent could not be written down", channel=self._channel)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._under_way.clear()

    async def _run(self) -> None:
        while True:
            try:
                await self._write_down()
                await self._claim()
            except Exception:  # an edge: the database may be away for a while; what waits stays, what was sent is not forgotten
                log.exception("the outbox could not go on", channel=self._channel)
                await asyncio.sleep(self._look_again_s)
            await self._something()

    async def send_due(self) -> int:
        """Send all that is due now, and write it down; how many there were. For tests and the command line."""
        count = 0
        while self._under_way or await self._claim(is_forced=True):
            count += len(self._under_way)
            await asyncio.wait(self._under_way)
            await self._write_down()
        return count

    async def _claim(self, *, is_forced: bool = False) -> int:
        """Take as many as there is room for: when something was announced, some time has passed, or the last look found plenty."""
        room = self._most - len(self._under_way)
        is_time = self._announced.is_set() or monotonic() - self._last_look >= self._look_again_s
        if not is_forced and (not is_time or room < self._most / 2):
            return 0
        self._announced.clear()
        self._last_look = monotonic()
        async with across_tenants("outbox") as tx:
            claimed = await sending.claim(tx, self._channel, most=room, at=now())
        self._under_way |= {asyncio.create_task(self._carry(one), name=f"send {one.id}") for one in claimed}
        if len(claimed) == room:
            self._announced.set()
        return len(claimed)

    async def _something(self) -> None:
        """Wait until a message is answered, something is announced, or it is time to look again."""
        if self._unwritten:
            return
        waits: set[asyncio.Task[object]] = {asyncio.create_task(self._room_and_news())}
        try:
            await asyncio.wait(self._under_way | waits, timeout=self._look_again_s, return_when=asyncio.FIRST_COMPLETED)
            if self._under_way:
                await asyncio.sleep(GATHER_S)
        finally:
            for task in waits:
                task.cancel()

    async def _room_and_news(self) -> None:
        if self._most - len(self._under_way) < self._most / 2:
            await asyncio.Event().wait()
        await self._announced.wait()

    async def _write_down(self) -> None:
        done = {task for task in self._under_way if task.done()}
        self._under_way -= done
        self._unwritten += [task.result() for task in done if not task.cancelled()]
        if self._unwritten:
            async with across_tenants("outbox") as tx:
                await sending.settle(tx, self._unwritten)
            self._unwritten = []

    async def _carry(self, outgoing: Outgoing) -> Outcome:
        if outgoing.is_over:
            return Outcome(outgoing, DeliveryStatus.CANCELED, now(), error="It was over before this was sent.")
        try:
            async with self._turn:
                letter = dataclasses.replace(self._letter(outgoing), enclosures=await _enclosures(outgoing))
                external_id = await self._carriers.carrier(outgoing).send(letter)
        except Undeliverable as reason:
            return Outcome(
                outgoing, DeliveryStatus.FAILED, now(), error=str(reason), is_dead=reason.is_dead, has_opted_out=reason.has_opted_out
            )
        except TryLater as reason:
            return _later(outgoing, str(reason), reason.retry_after_s)
        except Exception as reason:  # an edge: one message that cannot even be written must not hold up the others
            log.exception("a message could not be sent", delivery_id=str(outgoing.id))
            return dataclasses.replace(_later(outgoing, f"{type(reason).__name__}: {reason}", None), is_channels_fault=False)
        return Outcome(outgoing, DeliveryStatus.SENT, now(), external_id=external_id or None)

    def _letter(self, outgoing: Outgoing) -> Letter:
        written = self._write(outgoing)
        to, keys = self._carriers.address(outgoing)
        is_short = self._channel in (Channel.SMS, Channel.PUSH)
        token = unsubscribing.token(outgoing)
        return Letter(
            str(outgoing.id), to, written.short if is_short else written.text, written.subject, written.html,
            link=f"{self._origin}{outgoing.href}" if outgoing.href else "",
            unsubscribe=f"{self._origin}/unsubscribe?token={token}" if token else "",
            is_urgent=outgoing.severity is Severity.CRITICAL, life=_life(outgoing), data=_for_machines(outgoing, written), keys=keys,
        )  # fmt: skip


async def _enclosures(outgoing: Outgoing) -> Sequence[Enclosure]:
    """The document that a mail is about, where its payload names one."""
    said = (outgoing.payload or {}).get("file") if outgoing.purpose is Purpose.REPORT else None
    if not said:
        return ()
    content = await anyio.to_thread.run_sync(kept_at(said["key"]).read_bytes)
    return (Enclosure(said["name"], said["mime_type"], content),)


def _later(outgoing: Outgoing, reason: str, retry_after_s: float | None) -> Outcome:
    at, pause = now(), pause_after(outgoing.channel, outgoing.tries + 1, retry_after_s)
    status = DeliveryStatus.FAILED if pause is None else DeliveryStatus.PENDING
    return Outcome(outgoing, status, at, error=reason, again_at=at + pause if pause else None, is_channels_fault=True)


def _life(outgoing: Outgoing) -> timedelta:
    """How long a push service keeps it for a phone that is off."""
    return timedelta(days=1) if outgoing.severity is Severity.CRITICAL else timedelta(hours=12)


def _for_machines(outgoing: Outgoing, written: Written) -> dict[str, object]:
    return {
        "type": outgoing.event_type or f"notification.{outgoing.purpose}", "timestamp": outgoing.created_at.isoformat(),
        "data": outgoing.payload if outgoing.payload is not None else {"text": written.text},
    }  # fmt: skip


@asynccontextmanager
async def running(settings: Settings, write: Write) -> AsyncIterator[Sequence[Worker]]:
    """Send while the context lasts. Every process does: a message is claimed by one of them."""
    async with client() as over:
        carriers = Carriers(settings, over)
        workers = [Worker(channel, carriers, write, settings.origin) for channel in AT_ONCE]
        for worker in workers:
            worker.start()
        try:
            yield workers
        finally:
            await asyncio.gather(*(worker.stop() for worker in workers))
