"""Everything that happens by the clock, on one screen; one process of all that run leads and keeps it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from data.core.session import across_tenants
from data.core.time import now
from data.platform.commands import note_run

log = structlog.get_logger()

LEADER_LOCK = 7_362_001
Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timetable: what, when (an APScheduler trigger), and how. Every job may run twice harmlessly."""

    name: str
    trigger: BaseTrigger
    job: Job


class Timetable:
    """Runs its lines while this process leads; waits for the lead otherwise."""

    def __init__(self, lines: Sequence[Line], conninfo: str, while_leading: Sequence[Job] = ()) -> None:
        self._lines, self._conninfo, self._while_leading = lines, conninfo, while_leading
        self._task: asyncio.Task[None] | None = None
        self._noted: dict[str, tuple[datetime, bool]] = {}
        self.leads = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._lead(), name="timetable")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _lead(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    while not await _takes_lead(connection):
                        await asyncio.sleep(2)
                    await self._run_while_connected(connection)
            except (psycopg.Error, OSError) as reason:
                log.warning("timetable lost the lead", reason=str(reason).strip())
            await asyncio.sleep(1)

    async def _run_while_connected(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 30})
        for line in self._lines:
            scheduler.add_job(self._run, line.trigger, args=[line], id=line.name)
        scheduler.start()
        self.leads.set()
        beside = [asyncio.create_task(_awaited(job)) for job in self._while_leading]
        try:
            while True:  # the lock lives as long as this connection: when it is gone, so is the lead
                await connection.execute("select 1")
                await asyncio.sleep(2)
        finally:
            self.leads.clear()
            scheduler.shutdown(wait=False)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _run(self, line: Line) -> None:
        started, clock = now(), time.perf_counter()
        error: str | None = None
        try:
            await line.job()
        except asyncio.CancelledError:  # the lead is lost, or all of it ends; the scheduler would call that a failure
            return
        except Exception as reason:  # an edge: a job that fails is noted and runs again at its next time
            log.exception("job failed", job=line.name)
            error = f"{type(reason).__name__}: {reason}"[:500]
        if self._is_worth_noting(line, started, error):
            await _note(line, started, round((time.perf_counter() - clock) * 1000), error)

    def _is_worth_noting(self, line: Line, at: datetime, error: str | None) -> bool:
        """A line that runs every second is noted once a minute, and whenever it begins or ceases to fail."""
        noted = self._noted.get(line.name)
        is_worth = noted is None or noted[1] != (error is not None) or at - noted[0] >= timedelta(minutes=1)
        if is_worth:
            self._noted[line.name] = at, error is not None
        return is_worth


async def _awaited(job: Job) -> None:
    await job()


async def _takes_lead(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> bool:
    row = await (await connection.execute("select pg_try_advisory_lock(%s)", [LEADER_LOCK])).fetchone()
    return bool(row and row[0])


async def _note(line: Line, at: datetime, duration_ms: int, error: str | None) -> None:
    try:
        async with across_tenants("note a run") as tx:
            await note_run(tx, line.name, at=at, duration_ms=duration_ms, error=error)
    except Exception:  # an edge: the note is lost, the job is not
        log.exception("a run could not be noted", job=line.name)
