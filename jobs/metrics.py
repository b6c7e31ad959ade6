"""Readings are drawn together by the hour and the day (and the week and month), a minute after they came; and how this process fares."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from apscheduler.triggers.cron import CronTrigger
from sqlalchemy import text

from data.cold_chain.commands import metrics
from data.core.marks import AT_ONCE
from data.core.session import Transaction, across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.core.waits import answered
from data.farm.commands import rollups
from data.platform import system_metrics
from jobs.health import Gauge
from jobs.networks._door import intake
from jobs.timetable import Line

NAME = "cold_chain.metrics"
FARM = "farm.rollups"
SYSTEM = "platform.system_metrics"

_WAITING = text("""
select 'commands', count(*) from farm.device_commands where status = 'queued'
union all select 'messages', count(*) from notifications.notification_deliveries where status = 'pending'
union all select 'background_jobs', count(*) from platform.background_jobs where status in ('queued', 'running')
union all select 'uncounted_hours', (select count(*) from cold_chain.stale_metrics) + (select count(*) from farm.stale_metrics)
""")


async def count_readings() -> None:
    """The cold chain's: take up the marks of hours with new readings, then count them, a part of them in each transaction."""
    await _count(NAME, metrics.claim, metrics.count_up)


async def count_farm_readings() -> None:
    """The farms' likewise."""
    await _count(FARM, rollups.claim, rollups.count_up)


async def _count(
    name: str, claim: Callable[[Transaction, datetime], Awaitable[int]], count_up: Callable[[Transaction], Awaitable[int]]
) -> None:
    async with across_tenants(name) as tx:
        await claim(tx, now())
    counted = AT_ONCE
    while counted == AT_ONCE:
        async with across_tenants(name) as tx:
            counted = await count_up(tx)


async def waiting(tx: Transaction) -> Sequence[tuple[str, int]]:
    """How much waits in each of the database's queues (across tenants)."""
    return [(part, count) for part, count in await tx.execute(_WAITING)]


async def write_system_metrics(gauge: Gauge) -> None:
    """What this process needs, how long it lets people wait, and what waits in it and in the database."""
    found = await gauge.read() | {("queue_length", "intake"): float(intake.waiting)} | answered.take()
    async with across_tenants(SYSTEM) as tx:
        waits = {("queue_length", part): float(count) for part, count in await waiting(tx)}
        await system_metrics.keep(tx, found | waits, at=now())


def timetable(settings: Settings) -> list[Line]:
    """When it runs: not at the full minute, when much else does."""
    return [
        Line(NAME, CronTrigger(second=20), count_readings),
        Line(FARM, CronTrigger(second=30), count_farm_readings),
        Line(SYSTEM, CronTrigger(second=45), partial(write_system_metrics, Gauge())),
    ]
