"""Time passes in alerts nobody answers: more people are called, what was put off comes back, and agreed silence ends."""

from datetime import datetime
from uuid import UUID

import structlog
from apscheduler.triggers.cron import CronTrigger

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.notifications import commands
from jobs.timetable import Line

log = structlog.get_logger()

NAME = "alerts.ladder"
AT_ONCE = 500


async def climb() -> None:
    """Take the turn of every alert whose time has come, an organization at a time, some hundreds in a transaction.

    The minute counts and not the moment in it, so that steps of 15 minutes are 15 minutes apart.
    """
    at = now().replace(second=0, microsecond=0)
    async with across_tenants(NAME) as tx:
        organizations = await commands.organizations_with_due(tx, at=at)
    failed: list[Exception] = []
    for organization_id in organizations:
        try:
            await _climb(organization_id, at)
        except Exception as reason:  # an edge: one organization's trouble must not keep the others' people asleep
            log.exception("an organization's ladder failed", organization_id=str(organization_id))
            failed.append(reason)
    if failed:
        raise failed[0]


async def _climb(organization_id: UUID, at: datetime) -> None:
    taken = AT_ONCE
    while taken == AT_ONCE:
        async with transaction(Actor.system(organization_id, NAME)) as tx:
            taken = await commands.climb(tx, at=at, limit=AT_ONCE)


def timetable(settings: Settings) -> list[Line]:
    """When it runs."""
    return [Line(NAME, CronTrigger(second=0), climb)]
