"""Schedules are made, edited, paused and taken away; each change says anew when the next run is."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from data.alerts.commands import resolve_open
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.asking import Asking, Wish, ask
from data.farm.commands.runs import act, run_of, write_down
from data.farm.commands.runs_ended import ALERTS
from data.farm.events import ScheduleChanged
from data.farm.planned import asked_by, plan_of, timing_of_row
from data.farm.rules import (
    FARM_STOPPED,
    MOST_SCHEDULES,
    NEVER,
    PLANNED,
    Entry,
    Limits,
    Timing,
    Urgency,
    energizes,
    first,
    first_begin,
    holding,
    sources,
    timing_of,
    with_values,
)
from data.farm.rules.conditions import MET
from data.farm.rules.moments import OPPOSITE
from data.farm.tables import (
    Commanded,
    CommandType,
    Device,
    DeviceConfig,
    Farm,
    MissedPolicy,
    Schedule,
    ScheduleExecution,
    ScheduleType,
    SwitchAction,
)

_SECOND = timedelta(seconds=1)


async def create_schedule(
    tx: Transaction, device_id: UUID, *, name: str, action: SwitchAction = SwitchAction.ON, cron_expression: str | None = None,
    timing: Timing | None = None, priority: int = 0, is_enabled: bool = True,
) -> Schedule:  # fmt: skip
    """A new schedule of a device, by the clock of its farm: at a cron expression's times, or as `timing` says.

    Invalid names the field that cannot be; Conflict when the device has as many as it may.
    """
    device = await queries.device(tx, device_id, for_update=True)
    farm = await _may_plan(tx, device.farm_id)
    await check_room(tx, device_id)
    schedule = Schedule(
        farm_id=device.farm_id, device_id=device_id, name="", schedule_type=ScheduleType.TIME, action=action,
        created_by=tx.actor.user_id, is_enabled=is_enabled,
    )  # fmt: skip
    await _describe(tx, schedule, device, farm, name, action, _timing(timing, cron_expression), priority)
    await tx.flush()
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))
    return schedule


async def check_schedule(
    tx: Transaction, device_id: UUID, *, name: str, action: SwitchAction = SwitchAction.ON, timing: Timing, priority: int = 0
) -> Timing:
    """What would be kept if it were saved like this, and nothing is; Invalid and Forbidden as then."""
    device = await queries.device(tx, device_id)
    return await _checked(tx, device, await _may_plan(tx, device.farm_id), name, action, timing, priority)


async def check_room(tx: Transaction, device_id: UUID) -> None:
    """Conflict when the device, which is locked, has as many schedules as it may."""
    count = select(func.count()).select_from(Schedule).where(Schedule.device_id == device_id, col(Schedule.deleted_at).is_(None))
    if (await tx.exec(count)).one() >= MOST_SCHEDULES:
        raise Conflict("A device has {most} schedules at most.", most=MOST_SCHEDULES)


async def edit_schedule(
    tx: Transaction, schedule_id: UUID, *, device_id: UUID, name: str, action: SwitchAction = SwitchAction.ON,
    cron_expression: str | None = None, timing: Timing | None = None, priority: int = 0,
) -> None:  # fmt: skip
    """Say anew what it does and when; what it has begun is ended. Forbidden for a keeper who did not make it."""
    schedule, farm = await mine(tx, schedule_id)
    await _end_what_runs(tx, schedule, farm)
    device = await queries.device(tx, device_id, for_update=device_id != schedule.device_id)
    if device.id != schedule.device_id:
        await check_room(tx, device.id)
    await _describe(tx, schedule, device, farm, name, action, _timing(timing, cron_expression), priority)
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))


async def enable_schedule(tx: Transaction, schedule_id: UUID, *, is_enabled: bool) -> None:
    """Pause it, or let it run from now on; what it has begun is ended, and what was due in between is not made up for."""
    schedule, farm = await mine(tx, schedule_id)
    if not is_enabled:
        await _end_what_runs(tx, schedule, farm)
        await resolve_open(tx, schedule.id, *ALERTS, at=now(), because="The schedule was paused.")
    elif not schedule.is_enabled:
        forget(schedule)
    schedule.is_enabled, schedule.failure_count = is_enabled, 0
    plan(schedule, farm, after=now())
    tx.add(schedule)
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))


async def remove_schedule(tx: Transaction, schedule_id: UUID) -> None:
    """Take it away; what it has begun is ended, and the record of its runs stays."""
    schedule, farm = await mine(tx, schedule_id)
    await _end_what_runs(tx, schedule, farm)
    await resolve_open(tx, schedule.id, *ALERTS, at=now(), because="The schedule was removed.")
    schedule.deleted_at, schedule.next_run_at = now(), None
    tx.add(schedule)
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))


async def duplicate_schedule(tx: Transaction, schedule_id: UUID, *, name: str, device_id: UUID | None = None) -> Schedule:
    """The same once more, paused, so that nothing runs twice before somebody has looked at it; also for another device."""
    schedule = await queries.schedule(tx, schedule_id)
    return await create_schedule(
        tx, device_id or schedule.device_id, name=name, action=schedule.action, timing=timing_of_row(schedule), priority=schedule.priority,
        is_enabled=False,
    )


async def run_now(tx: Transaction, schedule_id: UUID) -> ScheduleExecution:
    """Run it at once, before everything that waits, whatever else is planned. It ends by itself as it would at its time.

    Conflict when its farm is stopped, or when it is paused and could not end by itself.
    """
    schedule = await queries.schedule(tx, schedule_id, for_update=True)
    tx.actor.require("farm.switch", schedule.farm_id)
    farm, at = await queries.farm(tx, schedule.farm_id), now()
    timing = timing_of_row(schedule)
    action = timing.steps[0].action if timing.steps else "on" if schedule.schedule_type is ScheduleType.DURATION else schedule.action.value
    if farm.is_stopped and energizes(*asked_by(schedule, action)):
        raise Conflict(FARM_STOPPED)
    if schedule.schedule_type is not ScheduleType.CONDITION:
        if timing.ends and not schedule.is_enabled:
            raise Conflict("It is paused, so it would not end by itself. Let it run first.")
        if timing.ends:
            schedule.phase_since_at = at.replace(microsecond=0)
            following = first(plan_of(schedule, farm), after=at)
            schedule.next_run_at = following.at if following else None
    schedule.last_run_at = at
    tx.add(schedule)
    await tx.flush()
    run = run_of(schedule, farm, Entry(at, action))
    await act(tx, [run], at, asking=Asking(Commanded.SCHEDULE, Urgency.HIGH), over=True)
    await write_down(tx, [run], at)
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))
    return await tx.get_one(ScheduleExecution, run.id)


def plan(schedule: Schedule, farm: Farm, *, after: datetime, goes_on: bool = False) -> None:
    """Set the next run, by the farm's clock; none while it is paused. A condition is looked at from now on.

    What is under way is ended as planned where it `goes_on`; otherwise somebody has ended it already.
    """
    if not schedule.is_enabled:
        schedule.next_run_at = None
    elif schedule.schedule_type is ScheduleType.CONDITION:
        schedule.next_run_at = after
    else:
        if schedule.phase_since_at is None and plan_of(schedule, farm).is_endless_cycle:
            schedule.phase_since_at = after.replace(microsecond=0) + _SECOND
        following = (first if goes_on and _is_under_way(schedule, farm, after) else first_begin)(plan_of(schedule, farm), after=after)
        schedule.next_run_at = following.at if following else None


def _is_under_way(schedule: Schedule, farm: Farm, at: datetime) -> bool:
    moment = holding(plan_of(schedule, farm), at)
    return moment is not None and schedule.last_run_at is not None and schedule.last_run_at >= moment.start


def _timing(timing: Timing | None, cron_expression: str | None) -> Timing:
    return timing or Timing(cron_expression=cron_expression)


def forget(schedule: Schedule) -> None:
    """Where it stood does not count any more."""
    schedule.phase = schedule.phase_since_at = schedule.is_met = None


async def _may_plan(tx: Transaction, farm_id: UUID) -> Farm:
    tx.actor.require("farm.schedule", farm_id)
    farm = await queries.farm(tx, farm_id)
    if not farm.may_keepers_schedule and not tx.actor.may("farm.edit", farm_id):
        raise Forbidden("On this farm only managers make schedules.")
    return farm


async def mine(tx: Transaction, schedule_id: UUID) -> tuple[Schedule, Farm]:
    """A schedule that the actor may change, locked; Forbidden otherwise."""
    schedule = await queries.schedule(tx, schedule_id, for_update=True)
    return schedule, await check_mine(tx, schedule)


async def check_mine(tx: Transaction, schedule: Schedule) -> Farm:
    """Its farm; Forbidden where the actor may not change it."""
    farm = await _may_plan(tx, schedule.farm_id)
    if schedule.created_by != tx.actor.user_id and not tx.actor.may("farm.edit", schedule.farm_id):
        raise Forbidden("Only who made this schedule, or a manager, may change it.")
    return farm


async def _end_what_runs(tx: Transaction, schedule: Schedule, farm: Farm) -> None:
    """What is under way because of it would not be ended by anybody."""
    at = now()
    if not schedule.is_enabled:
        return
    if schedule.schedule_type is ScheduleType.CONDITION:
        ends = OPPOSITE[schedule.action.value] if schedule.phase == MET else None
    else:
        moment = holding(plan_of(schedule, farm), at) if _is_under_way(schedule, farm, at) else None
        ends = ("off" if schedule.steps else OPPOSITE[moment.action]) if moment else None
    if ends is None:
        return
    device = await queries.device(tx, schedule.device_id, for_update=True)
    command, value = asked_by(schedule, ends)
    if device.is_active and device.device_type.value in PLANNED:
        await ask(tx, [Wish(device, CommandType(command), schedule.id, value=value)], at=at, asking=Asking(Commanded.SCHEDULE, waits_until=NEVER))


async def _describe(
    tx: Transaction, schedule: Schedule, device: Device, farm: Farm, name: str, action: SwitchAction, timing: Timing, priority: int
) -> None:
    if device.farm_id != schedule.farm_id:
        raise Invalid("device_id", "This device is on another farm.")
    timing = await _checked(tx, device, farm, name, action, timing, priority)
    schedule.device_id, schedule.name, schedule.action, schedule.priority = device.id, name.strip(), action, priority
    schedule.updated_at = now()
    for key, value in _columns(timing).items():
        setattr(schedule, key, value)
    forget(schedule)
    plan(schedule, farm, after=now())
    tx.add(schedule)


async def _checked(
    tx: Transaction, device: Device, farm: Farm, name: str, action: SwitchAction, timing: Timing, priority: int
) -> Timing:
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    if not 0 <= priority <= 10:
        raise Invalid("priority", "{value} is not between {low} and {high}.", value=priority, low=0, high=10)
    timing = timing_of(timing, action=action.value, has_place=farm.latitude is not None and farm.longitude is not None)
    limits = await _limits(tx, device) if timing.value is not None or timing.off_value is not None else {}
    timing = with_values(timing, device_type=device.device_type.value, action=action.value, limits=limits)
    if timing.condition:
        await _check_probes(tx, timing.condition, farm.id)
    return timing


async def _limits(tx: Transaction, device: Device) -> dict[str, Limits]:
    statement = select(DeviceConfig).where(DeviceConfig.device_id == device.id, col(DeviceConfig.deleted_at).is_(None))
    return {config.parameter_name: Limits(config.min_value, config.max_value) for config in await tx.exec(statement)}


def _columns(timing: Timing) -> dict[str, Any]:
    """What a timing is in the columns of a row."""
    return asdict(timing) | {
        "schedule_type": ScheduleType(timing.schedule_type), "missed_policy": MissedPolicy(timing.missed_policy or "skip"),
        "weekdays": list(timing.weekdays) if timing.weekdays else None,
        "steps": [{"action": step.action, "duration_s": step.duration_s} for step in timing.steps] if timing.steps else None,
        "condition": dict(timing.condition) if timing.condition else None,
        "value_command": CommandType(timing.value_command) if timing.value_command else None,
        "fail_safe_action": SwitchAction(timing.fail_safe_action) if timing.fail_safe_action else None,
    }  # fmt: skip


async def _check_probes(tx: Transaction, condition: Any, farm_id: UUID) -> None:
    wanted = {device_id for device_id, _ in sources(condition)}
    for device_id in wanted:
        try:
            probe = await queries.device(tx, device_id)
        except NotFound:
            raise Invalid("condition", "Choose a probe and a value.") from None
        if probe.farm_id != farm_id:
            raise Invalid("condition", "This probe is on another farm.")
