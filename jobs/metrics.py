"""Readings are drawn together by the hour, day, week and month, a minute after they came."""

from apscheduler.triggers.cron import CronTrigger

from data.cold_chain.commands import metrics
from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from jobs.timetable import Line

NAME = "cold_chain.metrics"


async def count_readings() -> None:
    """Take up the marks of hours with new readings, then count them, a part of them in each transaction."""
    async with across_tenants(NAME) as tx:
        await metrics.claim(tx, now())
    counted = metrics.AT_ONCE
    while counted == metrics.AT_ONCE:
        async with across_tenants(NAME) as tx:
            counted = await metrics.count_up(tx)


def timetable(settings: Settings) -> list[Line]:
    """When it runs: not at the full minute, when much else does."""
    return [Line(NAME, CronTrigger(second=20), count_readings)]
