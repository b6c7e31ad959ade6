"""What happens on farms by the clock: schedules run, what is unanswered is given up, what is on too long is ended, devices are
asked how they are."""

import asyncio
from uuid import UUID

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.farm.commands import (
    anomalies,
    audit_states,
    end_overrun,
    keep_metrics,
    mark_silent,
    run_conditions,
    run_due,
    tell_missing,
    time_out,
    want_states,
    worsen,
)
from data.farm.commands.firmware_course import give_up_updates, organizations_with_stuck
from data.farm.commands.firmware_rollouts import advance_rollouts, organizations_with_rollouts
from data.farm.commands.flocks_judging import judge_flocks, organizations_with_flocks
from data.farm.commands.gateways_silent import note_silent_gateways, organizations_with_silent_gateways
from data.farm.commands.giving_up import organizations_with_overdue
from data.farm.commands.guards import organizations_with_outputs, organizations_with_overrun, organizations_with_worse
from data.farm.commands.presence import organizations_with_missing, organizations_with_silent
from data.farm.commands.runs import PARTS, organizations_with_due
from jobs.organizations import in_each, in_turn
from jobs.timetable import Line

BATCH = 500
"""How many schedules of one organization run in one transaction."""


async def run_schedules() -> None:
    """Run each schedule that is due, once; what is due in great numbers at once in batches, the organizations in turn.

    Of very many two halves run side by side, parted by device: while the database writes one batch, the next is thought out.
    """
    async with across_tenants("farm.schedules") as tx:
        counts = await organizations_with_due(tx, at=now())
    whose = list(counts)
    while whose:
        unfinished: list[UUID] = []

        async def run(organization_id: UUID, unfinished: list[UUID] = unfinished) -> None:
            parts = PARTS if counts[organization_id] > BATCH else 1
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_run_part(organization_id, part, parts)) for part in range(parts)]
            async with transaction(Actor.system(organization_id, "farm.schedules")) as tx:
                looked_at = (await run_conditions(tx, at=now(), most=BATCH)).schedules
            if BATCH in (looked_at, *(task.result() for task in tasks)):
                unfinished.append(organization_id)

        await in_turn("farm.schedules", whose, run)
        whose = unfinished


async def _run_part(organization_id: UUID, part: int, parts: int) -> int:
    """How many schedules had their turn."""
    async with transaction(Actor.system(organization_id, "farm.schedules")) as tx:
        return (await run_due(tx, at=now(), most=BATCH, part=part, parts=parts)).schedules


async def give_up_unanswered() -> None:
    """End the commands that nobody answered in time."""
    at = now()
    async with across_tenants("farm.timeouts") as tx:
        whose = await organizations_with_overdue(tx, at=at)
    await in_each("farm.timeouts", whose, lambda tx: time_out(tx, at=at))


async def notice_silent_devices() -> None:
    """Devices that stopped speaking are offline, even where no broker said so."""
    at = now()
    async with across_tenants("farm.silence") as tx:
        whose = await organizations_with_silent(tx, at=at)
    await in_each("farm.silence", whose, lambda tx: mark_silent(tx, at=at))


async def notice_silent_gateways() -> None:
    """Gateways that stopped speaking are away with all that stands behind them; who looks after the farm is told after a while."""
    at = now()
    async with across_tenants("farm.gateways") as tx:
        whose = await organizations_with_silent_gateways(tx, at=at)
    await in_each("farm.gateways", whose, lambda tx: note_silent_gateways(tx, at=at))


async def end_too_long() -> None:
    """Switch off what has been on for longer than it may."""
    at = now()
    async with across_tenants("farm.guard") as tx:
        whose = await organizations_with_overrun(tx, at=at)
    await in_each("farm.guard", whose, lambda tx: end_overrun(tx, at=at))


async def tell_of_missing_devices() -> None:
    """Tell those who look after a farm of devices that stay away, and of fans and heaters that still do not answer."""
    at = now()
    async with across_tenants("farm.missing") as tx:
        missing = await organizations_with_missing(tx, at=at)
        worse = await organizations_with_worse(tx, at=at)
    try:
        await in_each("farm.missing", missing, lambda tx: tell_missing(tx, at=at))
    finally:
        await in_each("farm.missing", worse, lambda tx: worsen(tx, at=at))


async def ask_for_states() -> None:
    """Have outputs asked for their state that have not told it lately."""
    async with across_tenants("farm.states") as tx:
        await want_states(tx, at=now())


async def see_to_firmware() -> None:
    """End updates that could not begin in time, and those whose devices did not come back; stop roll-outs or bring them on."""
    at = now()
    async with across_tenants("farm.firmware") as tx:
        stuck = await organizations_with_stuck(tx, at=at)
        giving = await organizations_with_rollouts(tx)
    try:
        await in_each("farm.firmware", stuck, lambda tx: give_up_updates(tx, at=at))
    finally:
        await in_each("farm.firmware", giving, lambda tx: advance_rollouts(tx, at=at))


async def audit_all_states() -> None:
    """Hold what outputs say against what they were asked."""
    at = now()
    async with across_tenants("farm.audit") as tx:
        whose = await organizations_with_outputs(tx)
    await in_each("farm.audit", whose, lambda tx: audit_states(tx, at=at))


async def judge_all_flocks() -> None:
    """Tell those who look after a farm of birds that die or drink less, and of houses that are wrong for their age."""
    at = now()
    async with across_tenants("farm.flocks") as tx:
        whose = await organizations_with_flocks(tx)
    await in_each("farm.flocks", whose, lambda tx: judge_flocks(tx, at=at))


async def judge_hours_of_probes() -> None:
    """Show those who look after a farm what is odd: an hour unlike the same hour of other days."""
    at = now()
    async with across_tenants("farm.anomalies") as tx:
        whose = await anomalies.organizations_with_hours(tx, at=at)
    await in_each("farm.anomalies", whose, lambda tx: anomalies.judge_hours(tx, at=at))


async def write_metrics() -> None:
    """Write down how devices fare, once an hour."""
    async with across_tenants("farm.metrics") as tx:
        await keep_metrics(tx, at=now())


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [
        Line("farm.schedules", CronTrigger(second="*", timezone="UTC"), run_schedules),
        Line("farm.timeouts", IntervalTrigger(seconds=1), give_up_unanswered),
        Line("farm.silence", IntervalTrigger(seconds=30), notice_silent_devices),
        Line("farm.gateways", IntervalTrigger(seconds=30), notice_silent_gateways),
        Line("farm.missing", IntervalTrigger(seconds=30), tell_of_missing_devices),
        Line("farm.guard", IntervalTrigger(seconds=1), end_too_long),
        Line("farm.states", IntervalTrigger(seconds=10), ask_for_states),
        Line("farm.firmware", IntervalTrigger(seconds=20), see_to_firmware),
        Line("farm.audit", CronTrigger(minute=7, timezone="UTC"), audit_all_states),
        Line("farm.flocks", CronTrigger(minute="*/10", second=40, timezone="UTC"), judge_all_flocks),
        Line("farm.anomalies", CronTrigger(minute=14, timezone="UTC"), judge_hours_of_probes),
        Line("farm.metrics", CronTrigger(minute="*/5", second=20, timezone="UTC"), write_metrics),
    ]
