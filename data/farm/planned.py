"""What the schedules of a device do in the days ahead, and where they get into each other's way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import col, select

from data.core.session import Transaction
from data.core.time import now, zone
from data.farm import queries
from data.farm.rules import (
    Clash,
    ClockChange,
    Measured,
    Moment,
    Plan,
    Step,
    Timing,
    between,
    clashes,
    clock_changes,
    holding,
    meant,
    sources,
)
from data.farm.rules.conditions import Source
from data.farm.tables import Device, Farm, Schedule, ScheduleType

AHEAD = timedelta(days=7)
MOST_SHOWN = 2_000


def timing_of_row(schedule: Schedule) -> Timing:
    """What a schedule says of when and how it acts."""
    return Timing(
        schedule_type=schedule.schedule_type.value, cron_expression=schedule.cron_expression, start_time=schedule.start_time,
        end_time=schedule.end_time, weekdays=tuple(schedule.weekdays) if schedule.weekdays else None,
        start_date=schedule.start_date, end_date=schedule.end_date, sun_event=schedule.sun_event,
        sun_offset_minutes=schedule.sun_offset_minutes, on_duration_s=schedule.on_duration_s,
        off_duration_s=schedule.off_duration_s, repeat_count=schedule.repeat_count,
        action_duration_s=schedule.action_duration_s,
        steps=tuple(Step(one["action"], one["duration_s"]) for one in schedule.steps) if schedule.steps else None,
        condition=schedule.condition, value=schedule.value,
        value_command=schedule.value_command.value if schedule.value_command else None, off_value=schedule.off_value,
        longest_run_s=schedule.longest_run_s, minimum_on_s=schedule.minimum_on_s,
        minimum_off_s=schedule.minimum_off_s,
        fail_safe_action=schedule.fail_safe_action.value if schedule.fail_safe_action else None,
        silent_after_s=schedule.silent_after_s, missed_policy=schedule.missed_policy.value, template=schedule.template,
    )  # fmt: skip


def plan_of(schedule: Schedule, farm: Farm) -> Plan:
    """The same by the clock of its farm."""
    return timing_of_row(schedule).plan(
        zone(farm.time_zone), action=schedule.action.value, latitude=farm.latitude, longitude=farm.longitude,
        anchor=None if schedule.schedule_type is ScheduleType.CONDITION else schedule.phase_since_at,
    )  # fmt: skip


def asked_by(schedule: Schedule, action: str) -> tuple[str, Decimal | None]:
    """The command that a schedule's "on", "off" or "toggle" is for its device, and the value to which it is set."""
    way = schedule.value_command.value if schedule.value_command else None
    return meant(action, value=schedule.value, off_value=schedule.off_value, value_command=way)


def may_act(plan: Plan, at: datetime) -> bool:
    """Whether a condition counts at that time: within its hours, days and dates, where it has any."""
    if plan.start_time is not None and plan.end_time is not None:
        return holding(Plan("time_based", plan.zone, start_time=plan.start_time, end_time=plan.end_time, weekdays=plan.weekdays,
                            start_date=plan.start_date, end_date=plan.end_date), at) is not None  # fmt: skip
    day = at.astimezone(plan.zone).date()
    return (
        (plan.weekdays is None or day.isoweekday() in plan.weekdays)
        and not (plan.start_date and day < plan.start_date) and not (plan.end_date and day > plan.end_date)
    )  # fmt: skip


async def values_of(tx: Transaction, schedules: Sequence[Schedule]) -> dict[Source, Measured]:
    """What the probes said last that these conditions ask for."""
    wanted = {source for schedule in schedules for source in sources(schedule.condition or {})}
    statement = select(Device.id, Device.latest).where(col(Device.id).in_({device_id for device_id, _ in wanted}), col(Device.deleted_at).is_(None))
    found: dict[Source, Measured] = {}
    for device_id, latest in await tx.exec(statement):
        for kind, known in latest.items():
            if (device_id, kind) in wanted:
                found[device_id, kind] = Measured(float(known["value"]), datetime.fromisoformat(known["at"]))
    return found


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a schedule will do, from now on; what a condition will do nobody knows. `farm` has the clock, `changes` when it is put
    forward or back. `clashes` are times that are known; `rivals` conditions, or with a condition all others, that may come in between:
    their names, and whether they would have their way."""

    farm: Farm
    moments: Sequence[Moment]
    clashes: Sequence[Clash]
    is_conditional: bool = False
    changes: Sequence[ClockChange] = ()
    rivals: Sequence[tuple[str, bool]] = ()


async def preview(
    tx: Transaction, device_id: UUID, timing: Timing, *, action: str, name: str = "", priority: int = 0, schedule_id: UUID | None = None,
    at: datetime | None = None,
) -> Ahead:  # fmt: skip
    """What a schedule would do in the next seven days if it were saved like this, and with which others it would clash."""
    at = at or now()
    device = await queries.device(tx, device_id)
    farm = await queries.farm(tx, device.farm_id)
    begun = at.replace(microsecond=0)
    plan = timing.plan(zone(farm.time_zone), action=action, latitude=farm.latitude, longitude=farm.longitude, anchor=begun if _needs_anchor(timing) else None)
    is_conditional = timing.schedule_type == ScheduleType.CONDITION
    mine = [] if is_conditional else between(plan, at, at + AHEAD, most=MOST_SHOWN)
    statement = select(Schedule).where(
        Schedule.device_id == device_id, col(Schedule.is_enabled).is_(True), col(Schedule.deleted_at).is_(None), Schedule.id != schedule_id
    )
    found: list[Clash] = []
    rivals: list[tuple[str, bool]] = []
    for other in (await tx.exec(statement.order_by(col(Schedule.priority).desc(), col(Schedule.id)))).all():
        if is_conditional or other.schedule_type is ScheduleType.CONDITION:
            rivals.append((other.name, other.priority > priority))
            continue
        theirs = between(plan_of(other, farm), at, at + AHEAD, most=MOST_SHOWN)
        found += clashes(
            mine, theirs, name=name, other=other.name, priority=priority, other_priority=other.priority,
            is_first=schedule_id is not None and schedule_id < other.id,
        )  # fmt: skip
    return Ahead(farm, mine, sorted(found, key=lambda one: one.at), is_conditional, clock_changes(plan.zone, at, at + AHEAD), rivals)


def _needs_anchor(timing: Timing) -> bool:
    return timing.schedule_type == ScheduleType.DURATION and not timing.is_by_the_clock


@dataclass(frozen=True, slots=True)
class Row:
    """One device's line in the timeline: each schedule's moments."""

    device: Device
    farm: Farm
    bars: Sequence[tuple[Schedule, Moment]]


async def timeline(tx: Transaction, *, since: datetime, until: datetime) -> Sequence[Row]:
    """What is planned on the farms one may see, by device; each bar lasts to its `until`. Schedules that are paused are left out."""
    rows: dict[UUID, list[tuple[Schedule, Moment]]] = {}
    listed = await queries.schedules(tx)
    known = {one.device.id: (one.device, one.farm) for one in listed}
    for one in listed:
        if one.schedule.is_enabled and one.schedule.schedule_type is not ScheduleType.CONDITION:
            found = between(plan_of(one.schedule, one.farm), since, until, most=MOST_SHOWN)
            rows.setdefault(one.device.id, []).extend((one.schedule, moment) for moment in found if not moment.is_end)
    return [Row(*known[device_id], sorted(bars, key=lambda bar: bar[1].at)) for device_id, bars in rows.items()]


def midnight(at: datetime, farm: Farm) -> datetime:
    """When that day began at the farm."""
    local = at.astimezone(zone(farm.time_zone))
    return datetime.combine(local.date(), time(0), local.tzinfo)
