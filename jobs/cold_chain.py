"""Time passes in units nobody hears of: trouble grows old enough to be told, and silence is noticed."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from data.cold_chain.commands import calibration, gateways, pairing, states
from data.cold_chain.queries import sweep
from data.core.actor import Actor
from data.core.session import Transaction, across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from jobs.organizations import in_each
from jobs.timetable import Line

log = structlog.get_logger()

NAME, TRENDS = "cold_chain.unit_states", "cold_chain.trends"
GATEWAYS, CALIBRATIONS, PAIRINGS = "cold_chain.gateways", "cold_chain.calibrations", "cold_chain.pairings"

Thing = TypeVar("Thing")
AT_ONCE = 250
SLICES = 5
"""Each unit's trend is drawn anew every so many minutes."""


async def judge_by_the_clock() -> None:
    """For each kind of trouble that time brings: find what it concerns, in one question over all organizations, and do what follows."""
    at = now()
    for kind in states.KINDS:
        async with across_tenants(f"{NAME} {kind.name}") as tx:
            found = await kind.find(tx, at)
        await in_portions(NAME, found, lambda tx, some, kind=kind: kind.follow(tx, some, at))  # type: ignore[misc]


async def draw_trends(at: datetime | None = None) -> None:
    """Where each unit is heading, a slice of all units at a time."""
    moment = at or now()
    async with across_tenants(TRENDS) as tx:
        found = await sweep.sloping(tx, moment, states.RISE, slice=moment.minute % SLICES, slices=SLICES)
    await in_portions(TRENDS, found, lambda tx, some: states.note_trends(tx, some, moment))


async def in_portions(
    name: str, found: Mapping[UUID, Sequence[Thing]], follow: Callable[[Transaction, Sequence[Thing]], Awaitable[object]]
) -> None:
    """In each organization, a portion a transaction. What fails in one is known at the end, and keeps nobody else waiting."""
    failed: list[Exception] = []
    for organization_id, things in found.items():
        for some in portions(things, AT_ONCE):
            try:
                async with transaction(Actor.system(organization_id, name)) as tx:
                    await follow(tx, some)
            except Exception as reason:  # an edge
                log.exception("units could not be judged", job=name, organization_id=str(organization_id))
                failed.append(reason)
    if failed:
        raise ExceptionGroup(f"{name} failed in {len(failed)} portions", failed)


def portions(things: Sequence[Thing], at_most: int) -> Iterator[Sequence[Thing]]:
    """All of them, a few at a time: what sensors say meanwhile waits for no longer than one portion takes."""
    for start in range(0, len(things), at_most):
        yield things[start : start + at_most]


async def listen_for_gateways() -> None:
    """Each organization's gateways and hubs that fell silent, and those that are heard again."""
    at = now()
    async with across_tenants(GATEWAYS) as tx:
        organizations = await gateways.where_silent(tx, at)
    await in_each(GATEWAYS, organizations, lambda tx: gateways.listen(tx, at))


async def name_due_calibrations() -> None:
    """Each organization's sensors whose calibration ends soon or has ended."""
    at = now()
    async with across_tenants(CALIBRATIONS) as tx:
        organizations = await calibration.where_due(tx, at)
    await in_each(CALIBRATIONS, organizations, lambda tx: calibration.judge(tx, at))


async def end_pairings() -> None:
    """Those whose hour is over."""
    async with across_tenants(PAIRINGS) as tx:
        await pairing.expire(tx, now())


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [
        Line(NAME, IntervalTrigger(minutes=1), judge_by_the_clock),
        Line(TRENDS, IntervalTrigger(minutes=1), draw_trends),
        Line(GATEWAYS, IntervalTrigger(minutes=1), listen_for_gateways),
        Line(PAIRINGS, IntervalTrigger(minutes=1), end_pairings),
        Line(CALIBRATIONS, CronTrigger(hour=4, minute=40), name_due_calibrations),
    ]
