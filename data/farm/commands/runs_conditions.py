"""What runs while something is too hot or too damp is looked at every few seconds, and made safe when its probe falls silent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import raise_alerts, resolve_all_open
from data.alerts.tables import Severity
from data.core import columns
from data.core.session import Transaction
from data.farm.commands.asking import Asking
from data.farm.commands.runs import Ran, act, holders_of, is_due, run_of, unwritten, write_down
from data.farm.commands.runs_ended import FAIL_SAFE_ALERT, LONGEST_RUN_ALERT, trouble_of
from data.farm.events import ScheduleChanged
from data.farm.planned import asked_by, may_act, plan_of, values_of
from data.farm.rules import (
    HAS_RUN_LONG,
    IS_MET,
    IS_NOT_MET,
    IS_SILENT,
    NEVER,
    Entry,
    Measured,
    Urgency,
    answers,
    holds,
    phase_after,
)
from data.farm.rules.conditions import FAIL_SAFE, MET, NOT_MET, RESTS, STOPPED, Source
from data.farm.rules.moments import OPPOSITE
from data.farm.tables import (
    Commanded,
    CommandStatus,
    Device,
    DeviceCommand,
    ExecutionStatus,
    Farm,
    Schedule,
    ScheduleType,
)
from data.notifications.commands import tell

EVERY = timedelta(seconds=5)
"""A condition is looked at this often."""
AGAIN_AFTER = timedelta(seconds=60)
"""What a condition wants and the device did not do is asked again after this."""
YIELDS = "yields"
"""A schedule with a higher priority keeps the device, for as long as that lasts."""
UNDONE = (CommandStatus.FAILED, CommandStatus.TIMEOUT, CommandStatus.EXPIRED)

TRIED_AGAIN = "The device had not done it, so it was asked again."
SILENT = "A probe that {name} depends on is silent. {device} was brought to its safe state."
HEARD_AGAIN = "The probe is heard again."
RAN_LONG = "{name} has kept {device} running for {minutes} minutes, as long as it may at a stretch, and its condition still holds."
OVER = "Its condition does not hold any more."
REASONS = {MET: IS_MET, NOT_MET: IS_NOT_MET, FAIL_SAFE: IS_SILENT, RESTS: HAS_RUN_LONG}

_STAND = text("""
    update farm.schedules s set next_run_at = n.next_run_at, phase = n.phase, phase_since_at = n.since, is_met = n.is_met,
        last_run_at = coalesce(n.last_run_at, s.last_run_at)
    from unnest(:ids, :next, :phases, :since, :met, :last) n (id, next_run_at, phase, since, is_met, last_run_at)
    where s.organization_id = :organization_id and s.id = n.id""")


@dataclass(slots=True)
class _Stand:
    """Where a condition stands after it was looked at; `wants` is what is to be asked now, because of `reason`."""

    schedule: Schedule
    farm: Farm
    device: Device
    phase: str | None
    since: datetime | None
    is_met: bool | None
    wants: str | None = None
    reason: str | None = None
    was: str | None = None


async def run_conditions(tx: Transaction, *, at: datetime, most: int = 500) -> Ran:
    """Look at the conditions whose turn it is in this organization, and switch where one has come true or is over."""
    statement = (
        select(Schedule, Farm, Device)
        .join(Farm, col(Farm.id) == Schedule.farm_id)
        .join(Device, col(Device.id) == Schedule.device_id)
        .where(*is_due(at), Schedule.schedule_type == ScheduleType.CONDITION)
        .order_by(col(Schedule.next_run_at), col(Schedule.id))
        .limit(most)
        .with_for_update(of=Schedule, skip_locked=True, key_share=True)
    )
    claimed = (await tx.exec(statement.execution_options(populate_existing=True))).all()
    if not claimed:
        return Ran([], 0)
    measured = await values_of(tx, [schedule for schedule, _, _ in claimed])
    stands = [_looked_at(schedule, farm, device, measured, at) for schedule, farm, device in claimed]
    commands = await _switch(tx, [one for one in stands if one.wants], at)
    values = {
        "organization_id": tx.organization_id, "ids": columns.ids([one.schedule.id for one in stands]),
        "next": columns.instants(at + EVERY for _ in stands), "phases": columns.texts(one.phase for one in stands),
        "since": columns.instants(one.since for one in stands), "met": columns.booleans(one.is_met for one in stands),
        "last": columns.instants(at if one.wants else None for one in stands),
    }  # fmt: skip
    await tx.execute(_STAND, values)
    await _tell(tx, stands, at)
    for one in stands:
        if one.wants or one.phase != one.was:
            tx.emit(ScheduleChanged(schedule_id=one.schedule.id, farm_id=one.schedule.farm_id))
    return Ran(commands, len(stands))


def _looked_at(schedule: Schedule, farm: Farm, device: Device, measured: Mapping[Source, Measured], at: datetime) -> _Stand:
    held = is_held(schedule, farm, measured, at)
    action = schedule.action.value
    phase = phase_after(
        held, schedule.phase, schedule.phase_since_at, at=at, action=action, minimum_on_s=schedule.minimum_on_s,
        minimum_off_s=schedule.minimum_off_s, longest_run_s=schedule.longest_run_s,
    )  # fmt: skip
    stand = _Stand(schedule, farm, device, phase, schedule.phase_since_at, phase in (MET, RESTS), was=schedule.phase)
    wanted = wanted_in(schedule, phase)
    if phase != schedule.phase:
        is_idle = schedule.phase is None and phase == NOT_MET and _is_as(schedule, device, wanted)
        stand.wants, stand.reason, stand.since = None if is_idle else wanted, REASONS[phase], at
    elif _is_undone(schedule, device, wanted, at):
        stand.wants, stand.reason = wanted, TRIED_AGAIN
    return stand


def is_held(schedule: Schedule, farm: Farm, measured: Mapping[Source, Measured], at: datetime) -> bool | None:
    """Whether a schedule's condition holds now; None when that cannot be known."""
    if not may_act(plan_of(schedule, farm), at):
        return False
    return holds(schedule.condition or {}, measured, at=at, was=bool(schedule.is_met), silent_after_s=schedule.silent_after_s)


def wanted_in(schedule: Schedule, phase: str) -> str:
    """On or off, by where its condition stands."""
    if phase == FAIL_SAFE:
        return schedule.fail_safe_action.value if schedule.fail_safe_action else "off"
    return schedule.action.value if phase == MET else OPPOSITE[schedule.action.value]


def _is_as(schedule: Schedule, device: Device, wanted: str) -> bool:
    """Whether the device says that it is as the schedule wants it."""
    command, value = asked_by(schedule, wanted)
    is_known = device.is_on is not None or value is not None
    return is_known and answers(command, value, is_on=bool(device.is_on), reported=device.value)


def _is_undone(schedule: Schedule, device: Device, wanted: str, at: datetime) -> bool:
    return (
        not _is_as(schedule, device, wanted) and device.last_command_status in UNDONE
        and device.last_command_at is not None and at - device.last_command_at >= AGAIN_AFTER
    )  # fmt: skip


async def _switch(tx: Transaction, stands: Sequence[_Stand], at: datetime) -> list[DeviceCommand]:
    """Ask; a condition that must not have its way now is looked at again until it may, and its first refusal is on record."""
    if not stands:
        return []
    by_id = {one.schedule.id: one for one in stands}
    runs = [run_of(one.schedule, one.farm, Entry(at, one.wants, reason=one.reason)) for one in stands]
    unsafe = [run for run in runs if by_id[run.schedule.id].phase != FAIL_SAFE]
    held = await holders_of(tx, unsafe, at) if unsafe else {}
    kept = []
    for run in runs:
        stand = by_id[run.schedule.id]
        if run.schedule.device_id in held and stand.phase != FAIL_SAFE:
            stand.phase = YIELDS
        elif run.farm.is_stopped and stand.wants == "on":
            stand.phase = STOPPED
        # The first time it is written down that it must wait, and not every few seconds again.
        if stand.phase not in (YIELDS, STOPPED) or stand.was != stand.phase:
            kept.append(run)
        else:
            stand.wants = None
    made = await unwritten(tx, kept)
    safe = [run for run in made if by_id[run.schedule.id].phase == FAIL_SAFE]
    commands = await act(tx, safe, at, asking=Asking(Commanded.GUARD, Urgency.HIGH, waits_until=NEVER), over=True)
    commands += await act(tx, [run for run in made if by_id[run.schedule.id].phase != FAIL_SAFE], at, asking=Asking(Commanded.SCHEDULE))
    await write_down(tx, made, at)
    for run in made:
        if run.status is ExecutionStatus.SKIPPED and by_id[run.schedule.id].phase not in (YIELDS, STOPPED):
            by_id[run.schedule.id].phase = YIELDS
    return commands


async def _tell(tx: Transaction, stands: Sequence[_Stand], at: datetime) -> None:
    fallen = [one for one in stands if one.phase == FAIL_SAFE and one.was != FAIL_SAFE]
    troubles = [
        (trouble_of(one.schedule, one.farm, FAIL_SAFE_ALERT, Severity.CRITICAL, SILENT, name=one.schedule.name, device=one.device.name), at)
        for one in fallen
    ]
    for one in stands:
        if one.phase == RESTS and one.was != RESTS:
            values = {"name": one.schedule.name, "device": one.device.name, "minutes": round((one.schedule.longest_run_s or 0) / 60, 1)}
            troubles.append((trouble_of(one.schedule, one.farm, LONGEST_RUN_ALERT, Severity.WARNING, RAN_LONG, **values), at))
    if troubles:
        await tell(tx, *await raise_alerts(tx, troubles), at=at)
    back: dict[UUID, datetime] = {one.schedule.id: at for one in stands if one.was == FAIL_SAFE and one.phase != FAIL_SAFE}
    if back:
        await resolve_all_open(tx, back, FAIL_SAFE_ALERT, because=HEARD_AGAIN)
    over = {one.schedule.id: at for one in stands if one.phase == NOT_MET and one.was != NOT_MET and one.schedule.longest_run_s}
    if over:
        await resolve_all_open(tx, over, LONGEST_RUN_ALERT, because=OVER)
