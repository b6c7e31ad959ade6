"""How the installation itself fares, for those alone who run it: what waits, what failed, what runs when."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import text

from data.core.actor import Actor
from data.core.bus import bus
from data.core.errors import Forbidden
from data.core.session import across_tenants
from data.core.time import now
from data.platform import backups, queries, streams, system_metrics
from data.platform.tables import ScheduledJob
from jobs import metrics
from jobs.api._door import Reader, answer, door
from jobs.api.push._listeners import everybody
from jobs.networks._door import intake

router = door("/api/admin", "Installation")
NAME = "installation"
FRESH, LATELY = timedelta(minutes=10), timedelta(hours=24)

_FAILED = text("""
select 'background_jobs', count(*) from platform.background_jobs where status = 'failed' and finished_at > :since
union all select 'messages', count(*) from notifications.notification_deliveries where status = 'failed' and failed_at > :since
union all select 'commands', count(*) from farm.device_commands where status in ('failed', 'timeout') and created_at > :since
""")
_COUNTS = text("""
select 'organizations', count(*) from identity.organizations where deleted_at is null
union all select 'people', count(*) from identity.users where deleted_at is null and is_active
union all select 'sensors', count(*) from cold_chain.devices where deleted_at is null and is_active
union all select 'farms', count(*) from farm.farms where deleted_at is null
""")


async def _keeper(actor: Reader) -> Actor:
    """Nobody's own people learn of others' work."""
    if not actor.is_platform_admin:
        raise Forbidden("You do not have the right to do this.")
    return actor


Keeper = Annotated[Actor, Depends(_keeper)]


@router.get("/queues/health")
async def show_queues(keeper: Keeper) -> dict[str, Any]:
    """How much waits in each queue, how much failed within a day, and which lines of the timetable went wrong the last time."""
    async with across_tenants(NAME) as tx:
        waiting = {"intake": intake.waiting} | {part: int(count) for part, count in await metrics.waiting(tx)}
        failed = {part: int(count) for part, count in await tx.execute(_FAILED, {"since": now() - LATELY})}
        broken = [one for one in await queries.scheduled_jobs(tx) if one.last_error]
    return answer({"waiting": waiting, "failed_within_a_day": failed, "broken_jobs": [_job(one) for one in broken], "is_well": not (broken or any(failed.values()))})


@router.get("/status")
async def show_status(keeper: Keeper, request: Request) -> dict[str, Any]:
    """The last minute's figures, how many there are of everything, the timetable, and what is wrong with streams and copies."""
    at = now()
    async with across_tenants(NAME) as tx:
        figures = await system_metrics.latest(tx, since=at - FRESH)
        counts = {part: int(count) for part, count in await tx.execute(_COUNTS)}
        jobs = await queries.scheduled_jobs(tx)
        troubles = [one.piece for one in await streams.troubles(tx, at)]
        copies = (await backups.keeping(tx)).troubles(at)
    return answer(
        {
            "at": at, "is_demonstration": request.app.state.settings.demonstration, "announcements": bus.is_connected.is_set(),
            "connected_programs": len(everybody), "counts": counts, "streams": troubles, "backups": copies, "jobs": [_job(one) for one in jobs],
            "figures": [{"kind": one.kind, "part": one.part, "percentile": one.percentile, "value": one.value, "at": one.at} for one in figures],
        }
    )  # fmt: skip


def _job(one: ScheduledJob) -> dict[str, Any]:
    return {
        "name": one.name, "last_run_at": one.last_run_at, "last_success_at": one.last_success_at, "last_duration_ms": one.last_duration_ms,
        "last_error": one.last_error, "run_count": one.run_count,
    }  # fmt: skip
