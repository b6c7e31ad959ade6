"""Time passes in units nobody hears of: trouble grows old enough to be told, and silence is noticed."""

from apscheduler.triggers.interval import IntervalTrigger

from data.cold_chain.commands import states
from data.cold_chain.queries import watch
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from jobs.timetable import Line

NAME = "cold_chain.unit_states"


async def judge_by_the_clock() -> None:
    """Find the units that time alone may have changed, in one question, and judge each organization's in one transaction."""
    at = now()
    async with across_tenants(NAME) as tx:
        due = await watch.due(tx, at)
    for organization_id, unit_ids in due.items():
        async with transaction(Actor.system(organization_id, NAME)) as tx:
            await states.pass_time(tx, unit_ids, at)


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [Line(NAME, IntervalTrigger(minutes=1), judge_by_the_clock)]
