"""Schedules whose time has come run once each, and every run that could not happen is written down with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, text
from sqlmodel import col, select

from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import zone
from data.farm.commands.switching import Wish, ask, refusal_of
from data.farm.events import ScheduleChanged
from data.farm.rules import MISSED, OUTRANKED, STATE_UNKNOWN, Claim, Due, due, outranked
from data.farm.tables import Device, DeviceCommand, ExecutionStatus, Farm, Schedule, ScheduleExecution, SwitchAction

_MISSED = text("""
    insert into farm.schedule_executions
        (id, organization_id, schedule_id, device_id, scheduled_time, status, command_sent, error_message, error_values)
    select m.id, :organization_id, :schedule_id, :device_id, m.scheduled_time, 'skipped', '{}', :reason, '{}'
    from unnest(cast(:ids as uuid[]), cast(:times as timestamptz[])) m (id, scheduled_time)
    on conflict do nothing""")

_ONCE = text("""
    insert into farm.schedule_executions
        (id, organization_id, schedule_id, device_id, scheduled_time, executed_at, status, command_sent, error_values)
    values (:id, :organization_id, :schedule_id, :device_id, :scheduled_time, :at, 'pending', '{}', '{}')
    on conflict do nothing returning id""")


@dataclass(slots=True)
class _Run:
    """One run that is to happen now."""

    execution: ScheduleExecution
    schedule: Schedule
    device: Device


async def organizations_with_due(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: whose schedules want to run."""
    return (await tx.exec(select(Schedule.organization_id).where(*_is_due(at)).distinct())).all()


async def run_due(tx: Transaction, *, at: datetime, most: int = 500) -> list[DeviceCommand]:
    """Run what is due in this organization: the record of the run and the command, in one transaction, once.

    Of several runners each takes other schedules, and the unique key keeps the same run from happening twice.
    """
    statement = (
        select(Schedule, Farm.time_zone)
        .join(Farm, col(Farm.id) == Schedule.farm_id)
        .where(*_is_due(at))
        .order_by(col(Schedule.next_run_at), col(Schedule.id))
        .limit(most)
        .with_for_update(of=Schedule, skip_locked=True, key_share=True)
    )
    claimed = (await tx.exec(statement)).all()
    devices = await _lock(tx, {schedule.device_id for schedule, _ in claimed})
    runs: list[_Run] = []
    for schedule, zone_name in claimed:
        assert schedule.cron_expression and schedule.next_run_at
        todo = due(schedule.cron_expression, zone(zone_name), next_run_at=schedule.next_run_at, now=at)
        await _skip_missed(tx, schedule, todo)
        if todo.run and (execution := await _begin(tx, schedule, todo.run, at)):
            runs.append(_Run(execution, schedule, devices[schedule.device_id]))
        schedule.next_run_at, schedule.last_run_at = todo.next, todo.run or schedule.last_run_at
        tx.add(schedule)
        tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))
    return await _ask(tx, runs, at)


async def _ask(tx: Transaction, runs: Sequence[_Run], at: datetime) -> list[DeviceCommand]:
    losers = outranked(Claim(r.schedule.id, r.device.id, r.schedule.priority, r.schedule.name) for r in runs)
    ready: list[tuple[_Run, SwitchAction]] = []
    for run in runs:
        action = _resolved(run.schedule.action, run.device)
        if winner := losers.get(run.schedule.id):
            _end(run, ExecutionStatus.SKIPPED, OUTRANKED, name=winner)
        elif refusal := refusal_of(run.device):
            _end(run, ExecutionStatus.FAILED, refusal)
        elif action is None:
            _end(run, ExecutionStatus.FAILED, STATE_UNKNOWN)
        else:
            ready.append((run, action))
        tx.add(run.execution)
    commands = await ask(tx, [Wish(run.device, action, run.schedule.id) for run, action in ready], at=at)
    for (run, action), command in zip(ready, commands, strict=True):
        run.execution.command_id, run.execution.command_sent = command.id, {"command": action.value}
    return commands


def _is_due(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Schedule.is_enabled).is_(True),
        col(Schedule.deleted_at).is_(None),
        col(Schedule.cron_expression).is_not(None),
        col(Schedule.next_run_at) <= at,
    )


async def _lock(tx: Transaction, device_ids: set[UUID]) -> dict[UUID, Device]:
    statement = select(Device).where(col(Device.id).in_(device_ids)).order_by(col(Device.id)).with_for_update(key_share=True)
    return {device.id: device for device in await tx.exec(statement.execution_options(populate_existing=True))}


async def _skip_missed(tx: Transaction, schedule: Schedule, todo: Due) -> None:
    if todo.missed:
        await tx.execute(
            _MISSED,
            {
                "organization_id": tx.organization_id, "schedule_id": schedule.id, "device_id": schedule.device_id,
                "reason": MISSED, "ids": [uuid7() for _ in todo.missed], "times": list(todo.missed),
            },
        )  # fmt: skip


async def _begin(tx: Transaction, schedule: Schedule, scheduled_time: datetime, at: datetime) -> ScheduleExecution | None:
    values = {
        "id": uuid7(), "organization_id": tx.organization_id, "schedule_id": schedule.id, "device_id": schedule.device_id,
        "scheduled_time": scheduled_time, "at": at,
    }  # fmt: skip
    made = (await tx.execute(_ONCE, values)).scalar_one_or_none()
    return await tx.get_one(ScheduleExecution, made) if made else None


def _resolved(action: SwitchAction, device: Device) -> SwitchAction | None:
    if action is not SwitchAction.TOGGLE:
        return action
    return None if device.is_on is None else SwitchAction.OFF if device.is_on else SwitchAction.ON


def _end(run: _Run, status: ExecutionStatus, reason: str, **values: object) -> None:
    run.execution.status, run.execution.error_message, run.execution.error_values = status, reason, dict(values)
