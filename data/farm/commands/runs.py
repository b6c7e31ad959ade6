"""Schedules whose time has come run once each, and every run that could not happen is written down with the reason."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, text
from sqlmodel import col, select

from data.core import columns
from data.core.session import Transaction
from data.core.table import uuid7
from data.farm.commands.asking import Asking, Wish, ask, lock
from data.farm.commands.runs_ended import note_ends
from data.farm.events import ScheduleChanged
from data.farm.planned import asked_by, plan_of
from data.farm.rules import (
    FARM_STOPPED,
    NEVER,
    NOT_SWITCHED,
    OUT_OF_USE,
    OUTRANKED,
    PLANNED,
    REMOVED,
    RUN_LATE_AT_MOST,
    STATE_UNKNOWN,
    Claim,
    Entry,
    Todo,
    due,
    energizes,
    holding,
    outranked,
    resolved,
)
from data.farm.rules.conditions import MET
from data.farm.tables import (
    Commanded,
    CommandStatus,
    CommandType,
    Device,
    DeviceCommand,
    ExecutionStatus,
    Farm,
    Schedule,
    ScheduleType,
)

KEPT = "The schedule {name} keeps it as it is."
AN_END = -1
"""What ends gives way to whatever begins at the same time."""

PARTS = 2
"""Into so many parts, by device, those of one organization may be divided at the most."""

# Whoever comes second finds the first one's lines written and its schedules planned anew.
_ALONE = text("select pg_advisory_xact_lock(hashtextextended('farm.schedules ' || :organization_id, part)) from unnest(:held) part")

# Who writes a line holds its schedule, so nobody can come in between this question and the line.
_KNOWN = text("""
    select n.id from unnest(:ids, :schedules, :times) n (id, schedule_id, scheduled_time)
    join farm.schedule_executions e on e.schedule_id = n.schedule_id and e.scheduled_time = n.scheduled_time
    where e.organization_id = :organization_id""")

_LEDGER = text("""
    insert into farm.schedule_executions (id, organization_id, schedule_id, device_id, scheduled_time, executed_at, status, command_id,
        command_sent, error_message, error_values, is_late, missed_policy, lag_ms)
    select n.id, :organization_id, n.schedule_id, n.device_id, n.scheduled_time, n.executed_at,
        cast(n.status as farm.execution_status), n.command_id, cast(n.sent as jsonb), n.reason, cast(n.values as jsonb), n.is_late,
        cast(n.policy as farm.missed_policy), n.lag_ms
    from unnest(:ids, :schedules, :devices, :times, :executed, :statuses, :commands, :sent, :reasons, :values, :late, :policies, :lags)
        n (id, schedule_id, device_id, scheduled_time, executed_at, status, command_id, sent, reason, values, is_late, policy, lag_ms)""")

_NEXT = text("""
    update farm.schedules s set next_run_at = n.next_run_at, last_run_at = coalesce(n.last_run_at, s.last_run_at), phase_since_at = n.anchor
    from unnest(:ids, :next, :last, :anchors) n (id, next_run_at, last_run_at, anchor)
    where s.organization_id = :organization_id and s.id = n.id""")


@dataclass(slots=True)
class Run:
    """One line of the ledger that is to be kept, and what comes of it."""

    id: UUID
    schedule: Schedule
    farm: Farm
    entry: Entry
    status: ExecutionStatus = ExecutionStatus.PENDING
    reason: str | None = None
    values: Mapping[str, Any] | None = None
    command: DeviceCommand | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """What was asked, and how many schedules were looked at."""

    commands: Sequence[DeviceCommand]
    schedules: int


async def organizations_with_due(tx: Transaction, *, at: datetime) -> dict[UUID, int]:
    """Across tenants: whose schedules want to run, and how many."""
    statement = select(Schedule.organization_id, func.count()).where(*is_due(at)).group_by(col(Schedule.organization_id))
    return {organization_id: count for organization_id, count in await tx.exec(statement)}


async def run_due(tx: Transaction, *, at: datetime, most: int = 500, part: int = 0, parts: int = 1) -> Ran:
    """Run what is due in this organization: the record of the run and the command, in one transaction, once.

    The unique key keeps the same run from happening twice. A few statements however many are due. Two `parts` of them may run side by
    side; all schedules of a device are in the same one. Several runners of one part wait for each other: two that each held one
    of a device's schedules would not see which of them outranks the other.
    """
    held = range(PARTS) if parts == 1 else [part]
    await tx.execute(_ALONE, {"organization_id": str(tx.organization_id), "held": columns.integers(held)})
    statement = (
        select(Schedule, Farm)
        .join(Farm, col(Farm.id) == Schedule.farm_id)
        .where(*is_due(at), Schedule.schedule_type != ScheduleType.CONDITION, *_in_part(part, parts))
        # Of more than fit into one batch the higher priorities come last, and so have their way.
        .order_by(col(Schedule.next_run_at), col(Schedule.priority), col(Schedule.id))
        .limit(most)
        .with_for_update(of=Schedule, skip_locked=True, key_share=True)
    )
    claimed = (await tx.exec(statement.execution_options(populate_existing=True))).all()
    if not claimed:
        return Ran([], 0)
    todos: list[tuple[Schedule, Todo]] = []
    runs: list[Run] = []
    for schedule, farm in claimed:
        assert schedule.next_run_at
        todo = due(plan_of(schedule, farm), next_run_at=schedule.next_run_at, now=at, policy=schedule.missed_policy.value)
        todos.append((schedule, todo))
        runs += [run_of(schedule, farm, entry) for entry in todo.entries]
    fresh = await unwritten(tx, runs)
    commands = await act(tx, [run for run in fresh if run.entry.action], at)
    await write_down(tx, fresh, at)
    await _plan_next(tx, todos)
    for schedule, _ in claimed:
        tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))
    return Ran(commands, len(claimed))


def _in_part(part: int, parts: int) -> tuple[ColumnElement[bool], ...]:
    return () if parts == 1 else (func.abs(func.uuid_hash(Schedule.device_id) % parts) == part,)


def is_due(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(Schedule.is_enabled).is_(True), col(Schedule.deleted_at).is_(None), col(Schedule.next_run_at) <= at


def run_of(schedule: Schedule, farm: Farm, entry: Entry) -> Run:
    """A line that is to be written: one that asks something is open until its device has answered."""
    status = ExecutionStatus.PENDING if entry.action else ExecutionStatus.SKIPPED
    return Run(uuid7(), schedule, farm, entry, status, entry.reason)


async def unwritten(tx: Transaction, runs: Sequence[Run]) -> list[Run]:
    """Those of which the ledger has no line yet; their schedules are locked."""
    if not runs:
        return []
    values = {
        "organization_id": tx.organization_id, "ids": columns.ids([run.id for run in runs]),
        "schedules": columns.ids([run.schedule.id for run in runs]), "times": columns.instants(run.entry.at for run in runs),
    }  # fmt: skip
    known = set((await tx.execute(_KNOWN, values)).scalars())
    return [run for run in runs if run.id not in known]


async def write_down(tx: Transaction, runs: Sequence[Run], at: datetime) -> None:
    """Put these into the ledger, each with what came of it; who fails again and again is told of."""
    if not runs:
        return
    acts = [run.entry.action is not None for run in runs]
    await tx.execute(
        _LEDGER,
        {
            "organization_id": tx.organization_id, "ids": columns.ids([run.id for run in runs]),
            "schedules": columns.ids([run.schedule.id for run in runs]), "devices": columns.ids([run.schedule.device_id for run in runs]),
            "times": columns.instants(run.entry.at for run in runs),
            "executed": columns.instants(at if one else None for one in acts), "statuses": columns.texts(run.status.value for run in runs),
            "commands": columns.ids([run.command.id if run.command else None for run in runs]),
            "sent": columns.texts(json.dumps({"command": run.command.command_type.value}) if run.command else "{}" for run in runs),
            "reasons": columns.texts(run.reason for run in runs),
            "values": columns.texts(json.dumps(dict(run.values)) if run.values else "{}" for run in runs),
            "late": columns.booleans(run.entry.is_late for run in runs), "policies": columns.texts(run.entry.policy for run in runs),
            "lags": columns.integers(_lag_ms(run.entry, at) if one else None for run, one in zip(runs, acts, strict=True)),
        },
    )  # fmt: skip
    failed = {run.schedule.id for run in runs if run.status is ExecutionStatus.FAILED}
    if failed:
        await note_ends(tx, failed, at=at)


async def act(tx: Transaction, runs: Sequence[Run], at: datetime, *, asking: Asking | None = None, over: bool = False) -> list[DeviceCommand]:
    """Ask of the devices what these runs want, and note at each what came of it. `over`: whatever other schedules want."""
    if not runs:
        return []
    devices = {d.id: d for d in await lock(tx, col(Device.id).in_({run.schedule.device_id for run in runs}))}
    if not over:
        await _give_way(tx, runs, at)
    ready: list[tuple[Run, Wish]] = []
    for run in runs:
        if run.status is ExecutionStatus.PENDING:
            wish = _wish(run, devices.get(run.schedule.device_id))
            if wish is not None:
                ready.append((run, wish))
    soon = [pair for pair in ready if not pair[0].entry.is_end]
    ends = [pair for pair in ready if pair[0].entry.is_end]
    commands = await _ask(tx, soon, at, asking or Asking(Commanded.SCHEDULE, waits_until=at + RUN_LATE_AT_MOST))
    # What ends something waits for its device as long as it takes: nothing must stay on because a link was down.
    return commands + await _ask(tx, ends, at, asking or Asking(Commanded.SCHEDULE, waits_until=NEVER))


async def _ask(tx: Transaction, pairs: Sequence[tuple[Run, Wish]], at: datetime, asking: Asking) -> list[DeviceCommand]:
    commands = await ask(tx, [wish for _, wish in pairs], at=at, asking=asking)
    for (run, _), command in zip(pairs, commands, strict=True):
        run.command = command
        if command.status is CommandStatus.FAILED:
            run.status, run.reason = ExecutionStatus.FAILED, command.error_message
            if command.error_message == FARM_STOPPED:
                run.status = ExecutionStatus.SKIPPED
    return [command for command in commands if command.status is not CommandStatus.FAILED]


async def _give_way(tx: Transaction, runs: Sequence[Run], at: datetime) -> None:
    """Of several schedules that want the same device the one with the highest priority gets it."""
    holders = await holders_of(tx, runs, at)
    begun_first = sorted(runs, key=lambda run: run.entry.is_end)
    claims = [
        Claim(r.schedule.id, r.schedule.device_id, AN_END if r.entry.is_end else r.schedule.priority, r.schedule.name) for r in begun_first
    ]
    losers = outranked(claims, holders)
    for run in runs:
        if name := losers.get(run.schedule.id):
            reason = KEPT if run.schedule.device_id in holders and holders[run.schedule.device_id].name == name else OUTRANKED
            run.status, run.reason, run.values = ExecutionStatus.SKIPPED, reason, {"name": name}


async def holders_of(tx: Transaction, runs: Iterable[Run], at: datetime) -> dict[UUID, Claim]:
    """Which other schedule keeps each of these devices as it is: of those that want it otherwise, the one with the highest
    priority. What ends something is kept from it by any other."""
    wants = {run.schedule.device_id: run for run in runs}
    mine = {run.schedule.id for run in wants.values()}
    statement = (
        select(Schedule, Farm)
        .join(Farm, col(Farm.id) == Schedule.farm_id)
        .where(col(Schedule.device_id).in_(wants), col(Schedule.is_enabled).is_(True), col(Schedule.deleted_at).is_(None))
        .where(col(Schedule.id).not_in(mine))
    )
    found: dict[UUID, Claim] = {}
    for schedule, farm in await tx.exec(statement.order_by(col(Schedule.priority).desc(), col(Schedule.id))):
        run = wants[schedule.device_id]
        if schedule.device_id in found or not (run.entry.is_end or schedule.priority > run.schedule.priority):
            continue
        state = _kept(schedule, farm, at)
        if state and state != run.entry.action:
            found[schedule.device_id] = Claim(schedule.id, schedule.device_id, schedule.priority, schedule.name)
    return found


def _kept(schedule: Schedule, farm: Farm, at: datetime) -> str | None:
    if schedule.schedule_type is ScheduleType.CONDITION:
        return schedule.action.value if schedule.phase == MET else None
    moment = holding(plan_of(schedule, farm), at)
    return moment.action if moment else None


def _wish(run: Run, device: Device | None) -> Wish | None:
    """What to ask; None where the run ends here, with the reason noted."""
    assert run.entry.action
    action, value = asked_by(run.schedule, run.entry.action)
    if device is None:
        run.status, run.reason = ExecutionStatus.FAILED, REMOVED
    elif device.device_type.value not in PLANNED:
        run.status, run.reason = ExecutionStatus.FAILED, NOT_SWITCHED
    elif not device.is_active:
        run.status, run.reason = ExecutionStatus.FAILED, OUT_OF_USE
    elif run.farm.is_stopped and energizes(action, value):
        run.status, run.reason = ExecutionStatus.SKIPPED, FARM_STOPPED
    elif (clear := resolved(action, is_on=device.is_on)) is None:
        run.status, run.reason = ExecutionStatus.FAILED, STATE_UNKNOWN
    else:
        return Wish(device, CommandType(clear), run.schedule.id, value=value)
    return None


async def _plan_next(tx: Transaction, todos: Sequence[tuple[Schedule, Todo]]) -> None:
    values = {
        "organization_id": tx.organization_id, "ids": columns.ids([schedule.id for schedule, _ in todos]),
        "next": columns.instants(todo.next for _, todo in todos),
        "last": columns.instants(todo.act.at if todo.act else None for _, todo in todos),
        "anchors": columns.instants(todo.anchor for _, todo in todos),
    }  # fmt: skip
    await tx.execute(_NEXT, values)


def _lag_ms(entry: Entry, at: datetime) -> int:
    return min(2**31 - 1, round((at - entry.at).total_seconds() * 1000))


__all__ = ["Ran", "Run", "act", "holders_of", "is_due", "organizations_with_due", "run_due", "run_of", "unwritten", "write_down"]
