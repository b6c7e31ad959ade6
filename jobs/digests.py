"""Each minute somebody's morning begins somewhere: their digest is made, once."""

import structlog
from apscheduler.triggers.cron import CronTrigger

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.flows import digest
from data.notifications.commands import digests
from data.notifications.commands.digests import Reader
from jobs.timetable import Line

log = structlog.get_logger()

NAME = "notifications.digests"


async def make_digests() -> None:
    """Make every digest that is due; each in a transaction of its reader, who sees what they may."""
    at = now()
    async with across_tenants(NAME) as tx:
        readers = await digests.due(tx, at)
    for reader in readers:
        try:
            await _make(reader)
        except Exception:  # an edge: one digest that cannot be made must not hold up the others
            log.exception("a digest could not be made", user_id=str(reader.user_id))


async def _make(reader: Reader) -> None:
    at = now()
    async with transaction(Actor.system(reader.organization_id, NAME)) as tx:
        who = await digest.reader_of(tx, reader.user_id)
    for due in reader.due:
        async with transaction(who) as tx:
            await digest.make(tx, due, at=at)


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [Line(NAME, CronTrigger(second=5, timezone="UTC"), make_digests)]
