"""Reports that people ordered come at their times: asked for, and mailed as soon as they are made."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog
from apscheduler.triggers.interval import IntervalTrigger

from data.core.actor import Actor
from data.core.session import Transaction, across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.flows.regular import coming
from data.flows.regular.coming import Waiting
from jobs.timetable import Line

log = structlog.get_logger()

NAME = "reports.regular"
EVERY_S = 15


async def keep_times() -> None:
    """Ask for what is due, each in the name of whoever ordered it; then mail what is made, and count what arrived."""
    at = now()
    async with across_tenants(NAME) as tx:
        due = await coming.due(tx, at)
    await _each(due, lambda tx, id: coming.come(tx, id, at=at), in_their_name=True)
    async with across_tenants(NAME) as tx:
        wished, settled = await coming.unfinished(tx)
    await _each(wished, lambda tx, id: coming.begin(tx, id, at=at), in_their_name=True)
    await _each(settled, lambda tx, id: coming.settle(tx, id, at=at), in_their_name=False)


async def _each(waiting: Sequence[Waiting], act: Callable[[Transaction, UUID], Awaitable[object]], *, in_their_name: bool) -> None:
    for one in waiting:
        try:
            who = Actor.system(one.organization_id, NAME)
            if in_their_name:
                async with transaction(who) as tx:
                    who = await coming.orderer(tx, one.user_id)
            async with transaction(who) as tx:
                await act(tx, one.id)
        except Exception:  # an edge: one report's trouble keeps no other waiting; it is looked at again the next time
            log.exception("a regular report could not go on", id=str(one.id), organization_id=str(one.organization_id))


def timetable(settings: Settings) -> list[Line]:
    """When it runs."""
    return [Line(NAME, IntervalTrigger(seconds=EVERY_S), keep_times)]
