"""A schedule is run at once, and what became of its runs."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from data.alerts.values import in_english
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, ledger
from data.farm.queries_runs import success_of
from data.farm.tables import ScheduleExecution
from data.platform.idempotency import once
from jobs.api._door import Controller, Paged, Reader, answer, door, listed
from jobs.api._farm import Key, schedule_of

router = door("/v1/farms/{farm_id}/schedules/{schedule_id}", "Schedules")


@router.post("/execute-now", status_code=202)
async def execute_now(actor: Controller, farm_id: UUID, schedule_id: UUID, key: Key = None) -> dict[str, Any]:
    """Run a schedule at once, before everything that waits."""

    async def run() -> UUID:
        return (await commands.run_now(tx, schedule_id)).id

    async with transaction(actor) as tx:
        await schedule_of(tx, farm_id, schedule_id)
        run_id = await once(tx, key, {"execute": schedule_id}, run)
        return answer(_run(await tx.get_one(ScheduleExecution, run_id)))


@router.get("/executions")
async def list_executions(
    actor: Reader, farm_id: UUID, schedule_id: UUID, page: Paged, days: Annotated[int, Query(ge=1, le=365)] = 30
) -> dict[str, Any]:
    """How a schedule's runs of the last days went, the latest first; `success_rate` is per cent of those that were tried."""
    since = now() - timedelta(days=days)
    async with transaction(actor) as tx:
        await schedule_of(tx, farm_id, schedule_id)
        wanted = ledger.Wanted(farm_id=farm_id, schedule_id=schedule_id, since=since)
        lines, total = await ledger.page(tx, wanted, offset=page.offset, limit=page.limit)
        share = await success_of(tx, schedule_id, since=since)
    return listed([_run(one.run) for one in lines], page, total=total) | {"success_rate": None if share is None else round(share * 100, 1)}


def _run(run: ScheduleExecution) -> dict[str, Any]:
    return {
        "execution_id": run.id, "schedule_id": run.schedule_id, "device_id": run.device_id, "command_id": run.command_id,
        "scheduled_time": run.scheduled_time, "actual_execution_time": run.executed_at, "status": run.status, "command_sent": run.command_sent,
        "device_response": run.device_response, "execution_duration_ms": run.execution_duration_ms, "is_late": run.is_late,
        "missed_policy": run.missed_policy, "error_message": in_english(run.error_message, run.error_values) if run.error_message else None,
    }  # fmt: skip
