"""Time passes in units nobody hears of: trouble grows old enough to be told, and silence is noticed."""

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from data.cold_chain.commands import calibration, gateways, pairing, states
from data.cold_chain.queries import sweep
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from jobs.timetable import Line

NAME, TRENDS = "cold_chain.unit_states", "cold_chain.trends"
GATEWAYS, CALIBRATIONS, PAIRINGS = "cold_chain.gateways", "cold_chain.calibrations", "cold_chain.pairings"

AT_ONCE = 250
SLICES = 5
"""Each unit's trend is drawn anew every so many minutes."""


async def judge_by_the_clock() -> None:
    """For each kind of trouble that time brings: find what it concerns, in one question over all organizations, and do what follows.

    At most AT_ONCE things a transaction: what sensors say meanwhile waits for no longer than one of these takes.
    """
    at = now()
    for kind in states.KINDS:
        async with across_tenants(f"{NAME} {kind.name}") as tx:
            found = await kind.find(tx, at)
        for organization_id, ids in found.items():
            for start in range(0, len(ids), AT_ONCE):
                async with transaction(Actor.system(organization_id, NAME)) as tx:
                    await kind.follow(tx, ids[start : start + AT_ONCE], at)


async def draw_trends() -> None:
    """Where each unit is heading, a slice of all units at a time."""
    at = now()
    async with across_tenants(TRENDS) as tx:
        found = await sweep.sloping(tx, at, slice=at.minute % SLICES, slices=SLICES)
    for organization_id, courses in found.items():
        for start in range(0, len(courses), AT_ONCE):
            async with transaction(Actor.system(organization_id, TRENDS)) as tx:
                await states.note_trends(tx, courses[start : start + AT_ONCE], at)


async def listen_for_gateways() -> None:
    """Each organization's gateways and hubs that fell silent, and those that are heard again."""
    at = now()
    async with across_tenants(GATEWAYS) as tx:
        organizations = await gateways.where_silent(tx, at)
    for organization_id in organizations:
        async with transaction(Actor.system(organization_id, GATEWAYS)) as tx:
            await gateways.listen(tx, at)


async def name_due_calibrations() -> None:
    """Each organization's sensors whose calibration ends soon or has ended."""
    at = now()
    async with across_tenants(CALIBRATIONS) as tx:
        organizations = await calibration.where_due(tx, at)
    for organization_id in organizations:
        async with transaction(Actor.system(organization_id, CALIBRATIONS)) as tx:
            await calibration.judge(tx, at)


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
