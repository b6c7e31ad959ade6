"""What happens on farms by the clock: schedules run, unanswered commands are given up, silent devices are noticed."""

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.farm.commands import mark_silent, run_due, time_out
from data.farm.commands.instructions import organizations_with_overdue
from data.farm.commands.presence import organizations_with_silent
from data.farm.commands.runs import organizations_with_due
from jobs.timetable import Line


async def run_schedules() -> None:
    """Run each schedule that is due, once."""
    at = now()
    async with across_tenants("farm.schedules") as tx:
        whose = await organizations_with_due(tx, at=at)
    for organization_id in whose:
        async with transaction(Actor.system(organization_id, "farm.schedules")) as tx:
            await run_due(tx, at=at)


async def give_up_unanswered() -> None:
    """End the commands that nobody answered in time."""
    at = now()
    async with across_tenants("farm.timeouts") as tx:
        whose = await organizations_with_overdue(tx, at=at)
    for organization_id in whose:
        async with transaction(Actor.system(organization_id, "farm.timeouts")) as tx:
            await time_out(tx, at=at)


async def notice_silent_devices() -> None:
    """Devices that stopped speaking are offline, even where no broker said so."""
    at = now()
    async with across_tenants("farm.silence") as tx:
        whose = await organizations_with_silent(tx, at=at)
    for organization_id in whose:
        async with transaction(Actor.system(organization_id, "farm.silence")) as tx:
            await mark_silent(tx, at=at)


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [
        Line("farm.schedules", CronTrigger(second="*", timezone="UTC"), run_schedules),
        Line("farm.timeouts", IntervalTrigger(seconds=1), give_up_unanswered),
        Line("farm.silence", IntervalTrigger(seconds=30), notice_silent_devices),
    ]
