"""A schedule that fails three times in a row is told of, and a run that is done ends that."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts, resolve_all_open
from data.alerts.tables import Severity
from data.core import columns
from data.core.session import Transaction
from data.farm.rules import CALLED_OFF, FARM_STOPPED, REPLACED
from data.farm.tables import Farm, Schedule
from data.notifications.commands import tell

SCHEDULE_FAILED = "schedule_failed"
FAIL_SAFE_ALERT = "schedule_fail_safe"
LONGEST_RUN_ALERT = "schedule_longest_run"
ALERTS = (SCHEDULE_FAILED, FAIL_SAFE_ALERT, LONGEST_RUN_ALERT)
"""What can be wrong with a schedule."""
FAILS = 3
"""In a row, before somebody is told."""

FAILED = "{name} has failed {count} times in a row."
SUCCEEDED = "It has run again."

# What a person called off or replaced is neither a failure nor a success, and neither is what is still under way.
_COUNT = text("""
    with counted as (
        select s.id, (select count(*) from (
            select e.status, row_number() over (order by e.scheduled_time desc) as nth, count(*) filter (where e.status = 'executed')
                over (order by e.scheduled_time desc) as done
            from (select x.status, x.scheduled_time from farm.schedule_executions x
                  where x.organization_id = s.organization_id and x.schedule_id = s.id
                    and x.status in ('executed', 'failed', 'timeout') and not (coalesce(x.error_message, '') = any(:neutral))
                  order by x.scheduled_time desc limit :fails) e) f where f.done = 0) as failures
        from farm.schedules s where s.organization_id = :organization_id and s.id = any(:ids) order by s.id
    )
    update farm.schedules s set failure_count = c.failures from counted c
    where s.organization_id = :organization_id and s.id = c.id returning s.id, s.failure_count""")


async def note_ends(tx: Transaction, schedule_ids: Collection[UUID], *, at: datetime) -> None:
    """Count anew how often these have failed since they last did what they should; tell of those that have three times."""
    ids = list(dict.fromkeys(schedule_ids))
    if not ids:
        return
    neutral = [REPLACED, CALLED_OFF, FARM_STOPPED]
    rows = (await tx.execute(
        _COUNT, {"organization_id": tx.organization_id, "ids": columns.ids(ids), "fails": FAILS, "neutral": columns.texts(neutral)}
    )).all()  # fmt: skip
    failures = {schedule_id: count for schedule_id, count in rows}
    if fine := {schedule_id: at for schedule_id, count in failures.items() if count == 0}:
        await resolve_all_open(tx, fine, SCHEDULE_FAILED, because=SUCCEEDED)
    failing = [schedule_id for schedule_id, count in failures.items() if count >= FAILS]
    if failing:
        statement = select(Schedule, Farm).join(Farm, col(Farm.id) == Schedule.farm_id).where(col(Schedule.id).in_(failing), col(Schedule.deleted_at).is_(None))
        troubles = [
            (trouble_of(schedule, farm, SCHEDULE_FAILED, Severity.WARNING, FAILED, name=schedule.name, count=FAILS), at)
            for schedule, farm in await tx.exec(statement)
        ]
        await tell(tx, *await raise_alerts(tx, troubles), at=at)


def trouble_of(schedule: Schedule, farm: Farm, alert_type: str, severity: Severity, message: str, **values: object) -> Trouble:
    """Something is wrong with this schedule."""
    return Trouble(
        subject_kind="farm.schedules", subject_id=schedule.id, subject_name=schedule.name, alert_type=alert_type, severity=severity,
        message=message, values=dict(values), permission="farm.view", scope_id=schedule.farm_id,
        href=f"/farm/schedules?schedule={schedule.id}", time_zone=farm.time_zone,
    )  # fmt: skip
