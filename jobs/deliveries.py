"""A driver whose phone has fallen silent is off the road."""

from apscheduler.triggers.interval import IntervalTrigger

from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.deliveries.commands import end_silent_sessions
from jobs.timetable import Line


async def end_sessions() -> None:
    """End the sessions of phones that have been silent for long."""
    async with across_tenants("deliveries.end_sessions") as tx:
        await end_silent_sessions(tx, at=now())


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [Line("deliveries.end_sessions", IntervalTrigger(minutes=1), end_sessions)]
