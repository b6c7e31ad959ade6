"""Time passes in alerts nobody answers: more people are called, what was put off comes back, and agreed silence ends."""

from datetime import datetime
from uuid import UUID

from apscheduler.triggers.cron import CronTrigger

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.notifications import commands
from jobs.organizations import in_turn
from jobs.timetable import Line

NAME = "alerts.ladder"
AT_ONCE = 500


async def climb() -> None:
    """Take the turn of every alert whose time has come, an organization at a time, some hundreds in a transaction.

    The minute counts and not the moment in it, so that steps of 15 minutes are 15 minutes apart.
    """
    at = now().replace(second=0, microsecond=0)
    async with across_tenants(NAME) as tx:
        organizations = await commands.organizations_with_due(tx, at=at)
    await in_turn(NAME, organizations, lambda organization_id: _climb(organization_id, at))


async def _climb(organization_id: UUID, at: datetime) -> None:
    taken = AT_ONCE
    while taken == AT_ONCE:
        async with transaction(Actor.system(organization_id, NAME)) as tx:
            taken = await commands.climb(tx, at=at, limit=AT_ONCE)


def timetable(settings: Settings) -> list[Line]:
    """When it runs."""
    return [Line(NAME, CronTrigger(second=0), climb)]
