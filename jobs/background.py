"""Long work that people asked for is done by whichever process is free; a process that dies leaves it to another.

A kind of work is a function: the organization's system actor, what was asked, and a way to say how far it is. It returns
what came of it, which is written in one transaction with the word that it is done, and only if it is still this process's.
It may run twice and must then make the same. It must not keep the event loop: computing goes to a thread or a process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog

from data.core.actor import Actor
from data.core.bus import Heard, bus
from data.core.errors import Refusal
from data.core.session import UNREACHABLE, Transaction, across_tenants, transaction
from data.core.time import now
from data.platform import background
from data.platform.commands import keep_file
from data.platform.tables import BackgroundJob, File

log = structlog.get_logger()

NAME = "background work"
WENT_WRONG = "Something went wrong with this. It has been noted; ask for it again."


class Progress(Protocol):
    """How far it is, 0 to 100, and what is being done now: an English template and its values. Cheap; call it often."""

    def __call__(self, percent: float, step: str | None = None, **values: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Made:
    """A file that came of it."""

    content: bytes
    file_name: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `write` writes what belongs to it, in the transaction that says that it is done."""

    result: Mapping[str, Any] = field(default_factory=dict)
    file: Made | None = None
    write: Callable[[Transaction, File | None], Awaitable[None]] | None = None


Work = Callable[[Actor, BackgroundJob, Progress], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How many at once; how often a process says that it lives, and when another takes it for dead; how often it is tried."""

    at_once: int = 2
    look_again_s: float = 10.0
    beat_s: float = 5.0
    news_every_s: float = 0.5
    stale_after_s: float = 30.0
    most_attempts: int = 3


class Background:
    """Takes what waits, as soon as it is announced; every process has one."""

    def __init__(self, works: Mapping[str, Work], pace: Pace | None = None) -> None:
        self._works, self._pace = works, pace or Pace()
        self._announced = asyncio.Event()
        self._running: dict[UUID, _Run] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stop_hearing: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to take work."""
        self._stop_hearing = [
            bus.listen("BackgroundJobAsked", "*", lambda heard: self._announced.set()),
            bus.listen("BackgroundJobCanceled", "*", self._let_go),
        ]
        self._tasks = [asyncio.create_task(self._take(), name=NAME) for _ in range(self._pace.at_once)]

    async def stop(self) -> None:
        """Take no more; what is under way is given back, so that another process begins it at once."""
        for stop in self._stop_hearing:
            stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def _let_go(self, heard: Heard) -> None:
        for job_id, run in self._running.items():
            if heard.ids.get("job_id", str(job_id)) == str(job_id):
                run.look_up.set()

    async def _take(self) -> None:
        while True:
            try:
                while await self.run_next():
                    pass
            except Exception:  # an edge: the database may be away for a while; what waits goes on waiting
                log.exception("background work could not be taken")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.look_again_s):
                    await self._announced.wait()
            self._announced.clear()

    async def run_next(self) -> bool:
        """Take the oldest work and do it; False when nothing waits."""
        async with across_tenants(NAME) as tx:
            claimed = await background.claim(
                tx, self._works.keys(), at=now(), stale_after=timedelta(seconds=self._pace.stale_after_s),
                most_attempts=self._pace.most_attempts,
            )  # fmt: skip
        if claimed is None:
            return False
        run = self._running[claimed.id] = _Run(claimed, self._works[claimed.kind], self._pace)
        try:
            await run.through()
        finally:
            self._running.pop(claimed.id, None)
        return True


class _Run:
    """One piece of work in this process, and its heartbeat."""

    def __init__(self, claimed: BackgroundJob, work: Work, pace: Pace) -> None:
        self._job, self._work, self._pace = claimed, work, pace
        self._actor = Actor.system(claimed.organization_id, f"background.{claimed.kind}")
        self._far: tuple[int, str | None, dict[str, Any]] = (0, None, {})
        self.look_up = asyncio.Event()

    async def through(self) -> None:
        working = asyncio.create_task(self._do(), name=f"background {self._job.kind}")
        beating = asyncio.create_task(self._beat(working), name="background heartbeat")
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError:  # this process ends
            await _ended(working)
            async with transaction(self._actor) as tx:
                await background.give_back(tx, self._job)
            raise
        finally:
            await _ended(beating)
        if not working.cancelled() and (reason := working.exception()):
            raise reason

    def _say(self, percent: float, step: str | None = None, **values: Any) -> None:
        self._far = max(0, min(99, int(percent))), step, values
        self.look_up.set()

    async def _do(self) -> None:
        try:
            await self._finish(await self._work(self._actor, self._job, self._say))
        except Refusal as refusal:
            await self._fail(refusal.message, refusal.values)
        except UNREACHABLE as reason:  # its heartbeat stops, and it is taken again when the database is back
            log.warning("background work lost the database", kind=self._job.kind, reason=str(reason))
        except Exception:  # an edge: told to whoever asked, in words
            log.exception("background work failed", kind=self._job.kind, job_id=str(self._job.id))
            await self._fail(WENT_WRONG, {})

    async def _finish(self, outcome: Outcome) -> None:
        async with transaction(self._actor) as tx:
            if not await background.is_ours(tx, self._job):
                return
            file = None
            if outcome.file:
                file = await keep_file(
                    tx, outcome.file.content, file_name=outcome.file.file_name, mime_type=outcome.file.mime_type
                )
            if outcome.write:
                await outcome.write(tx, file)
            await background.complete(
                tx, self._job, at=now(), result=outcome.result, result_file_id=file.id if file else None
            )

    async def _fail(self, error: str, values: Mapping[str, Any]) -> None:
        async with transaction(self._actor) as tx:
            if await background.is_ours(tx, self._job):
                await background.fail(tx, self._job, at=now(), error=error, values=values)

    async def _beat(self, working: asyncio.Task[None]) -> None:
        """Write progress when there is any, and that it lives; let go of the work when it is no longer this process's."""
        told = self._far
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pace.beat_s):
                    await self.look_up.wait()
            self.look_up.clear()
            far, is_ours = self._far, True
            try:
                async with across_tenants(NAME) as tx:
                    percent, step, values = far
                    is_ours = await background.beat(
                        tx, self._job, at=now(), progress=percent, step=step, step_values=values, is_news=far != told
                    )
            except UNREACHABLE as reason:
                log.warning("background work could not say that it lives", reason=str(reason))
            if not is_ours:
                working.cancel()
                return
            told = far
            await asyncio.sleep(self._pace.news_every_s)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
