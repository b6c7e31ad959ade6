"""Every few minutes the tags that are due are asked for, one by one, and what phones heard of them is taken in."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

import anyio.to_thread
import structlog
from apscheduler.triggers.interval import IntervalTrigger
from cryptography.fernet import InvalidToken

from data.core.actor import Actor
from data.core.errors import Invalid
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.identity.secrets import seal
from data.tracking import commands, queries
from data.tracking.commands import Due, Found, Policy
from data.tracking.rules import areas_of
from jobs.codecs.find_my import sightings
from jobs.networks.find_my import FetchFailed, FindMy, Source
from jobs.timetable import Line

log = structlog.get_logger()

SMALLEST_CITY = 5_000
"""People; smaller ones are names that nobody looks for, and take memory."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often each tag is asked for, how many in one go at most, and how many between two commits."""

    interval: timedelta = timedelta(minutes=5)
    most: int = 100
    at_once: int = 10


def timetable(settings: Settings) -> list[Line]:
    """Nothing is fetched where no endpoint is set."""
    if not settings.find_my_url:
        return []
    pace = Pace(timedelta(seconds=settings.find_my_every_s))
    policy = Policy(areas_of(settings.find_my_excluded_areas))

    async def fetch() -> None:
        async with FindMy(settings.find_my_url, settings.find_my_user, settings.find_my_password) as source:
            await fetch_due(source, pace, policy)

    return [Line("tracking.fetch", IntervalTrigger(seconds=settings.find_my_every_s), fetch)]


async def fetch_due(source: Source, pace: Pace = Pace(), policy: Policy = Policy()) -> int:
    """Ask for the tags that are due, store what is new, and put them back into the queue; how many were asked for.

    When a whole group fails, the endpoint is the reason: the others keep their turn for next time.
    """
    asked = 0
    while asked < pace.most:
        at = now()
        async with across_tenants("tracking.fetch") as tx:
            due = await commands.claim_due(tx, at=at, most=min(pace.at_once, pace.most - asked), slack=pace.interval / 10)
            known = await queries.known_times(tx, [(each.organization_id, each.tracker_id) for each in due], since=at - policy.oldest)
        replies = [(each, await _ask(source, each, known.get(each.tracker_id, ()), policy)) for each in due]
        await _store(replies, policy)
        async with across_tenants("tracking.fetch") as tx:
            await commands.settle(tx, [(each, found is not None) for each, found in replies], at=at, interval=pace.interval)
        asked += len(due)
        if not any(found is not None for _, found in replies):
            break
    return asked


async def _ask(source: Source, due: Due, known: Collection[datetime], policy: Policy) -> list[Found] | None:
    """What is new of one tag; None where asking failed."""
    try:
        reply = await source.fetch(due.hashed_advertisement_key)
        return await anyio.to_thread.run_sync(_open, due, reply, known, policy)
    except (FetchFailed, Invalid, InvalidToken) as reason:  # the last: its key was sealed with a secret key that is gone
        log.warning("a tracker could not be asked for", tracker_id=str(due.tracker_id), reason=str(reason) or type(reason).__name__)
        return None


def _open(due: Due, reply: bytes, known: Collection[datetime], policy: Policy) -> list[Found]:
    """Decrypt what is not known yet and name the cities. Takes a third of a millisecond a report, so not on the loop."""
    keys = {due.hashed_advertisement_key: seal().open(due.sealed_private_key)}
    at = now()
    found = sightings(reply, keys, now=at, oldest=at - policy.oldest, known=known)
    return [Found(due.tracker_id, each, city_near(each.latitude, each.longitude)) for each in found]


async def _store(replies: Sequence[tuple[Due, list[Found] | None]], policy: Policy) -> None:
    by_organization: dict[UUID, list[Found]] = defaultdict(list)
    for due, found in replies:
        by_organization[due.organization_id] += found or ()
    for organization_id, found in by_organization.items():
        if found:
            async with transaction(Actor.system(organization_id, "tracking.fetch")) as tx:
                recorded = await commands.record(tx, found, at=now(), policy=policy)
            if recorded.stored or recorded.skipped:
                log.info("reports taken in", organization_id=str(organization_id), **asdict(recorded))


def city_near(latitude: float, longitude: float) -> str | None:
    """The city nearest to a point, from a table that is shipped; loading it takes a second at the first call."""
    return _city(round(latitude, 2), round(longitude, 2))


@lru_cache(maxsize=50_000)
def _city(latitude: float, longitude: float) -> str | None:
    import reverse_geocode

    return str(reverse_geocode.search([(latitude, longitude)], SMALLEST_CITY)[0]["city"]) or None
