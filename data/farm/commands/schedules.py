"""Schedules are made, edited, paused and taken away; each change says anew when the next run is."""

from datetime import datetime
from uuid import UUID

from data.core.errors import Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import now, zone
from data.farm import queries
from data.farm.events import ScheduleChanged
from data.farm.rules import NOT_SWITCHED, cron_of, next_runs
from data.farm.tables import DeviceType, Farm, Schedule, ScheduleType, SwitchAction


async def create_schedule(
    tx: Transaction, device_id: UUID, *, name: str, cron_expression: str, action: SwitchAction, priority: int = 0,
    is_enabled: bool = True,
) -> Schedule:  # fmt: skip
    """A new schedule of a relay, by the clock of its farm. Invalid names the field that cannot be."""
    device = await queries.device(tx, device_id)
    tx.actor.require("farm.schedule", device.farm_id)
    schedule = Schedule(
        farm_id=device.farm_id, device_id=device_id, name="", schedule_type=ScheduleType.TIME, action=action,
        created_by=tx.actor.user_id, is_enabled=is_enabled,
    )  # fmt: skip
    await _describe(tx, schedule, device_id, name, cron_expression, action, priority)
    await tx.flush()
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))
    return schedule


async def edit_schedule(
    tx: Transaction, schedule_id: UUID, *, device_id: UUID, name: str, cron_expression: str, action: SwitchAction,
    priority: int,
) -> None:  # fmt: skip
    """Say anew what it does and when. Forbidden for a keeper who did not make it."""
    schedule = await _mine(tx, schedule_id)
    await _describe(tx, schedule, device_id, name, cron_expression, action, priority)
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))


async def enable_schedule(tx: Transaction, schedule_id: UUID, *, is_enabled: bool) -> None:
    """Pause it, or let it run from now on; what was due in between is not made up for."""
    schedule = await _mine(tx, schedule_id)
    schedule.is_enabled = is_enabled
    plan(schedule, await queries.farm(tx, schedule.farm_id), after=now())
    tx.add(schedule)
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))


async def remove_schedule(tx: Transaction, schedule_id: UUID) -> None:
    """Take it away; the record of its runs stays."""
    schedule = await _mine(tx, schedule_id)
    schedule.deleted_at, schedule.next_run_at = now(), None
    tx.add(schedule)
    tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))


def plan(schedule: Schedule, farm: Farm, *, after: datetime) -> None:
    """Set the next run, by the farm's clock; none while it is paused."""
    runs = next_runs(schedule.cron_expression, zone(farm.time_zone), after=after) if schedule.cron_expression else []
    schedule.next_run_at = runs[0] if runs and schedule.is_enabled else None


async def _mine(tx: Transaction, schedule_id: UUID) -> Schedule:
    schedule = await queries.schedule(tx, schedule_id, for_update=True)
    tx.actor.require("farm.schedule", schedule.farm_id)
    if schedule.created_by != tx.actor.user_id and not tx.actor.may("farm.edit", schedule.farm_id):
        raise Forbidden("Only who made this schedule, or a manager, may change it.")
    return schedule


async def _describe(
    tx: Transaction, schedule: Schedule, device_id: UUID, name: str, cron_expression: str, action: SwitchAction, priority: int
) -> None:
    device = await queries.device(tx, device_id)
    if device.device_type is not DeviceType.RELAY:
        raise Invalid("device_id", NOT_SWITCHED)
    if device.farm_id != schedule.farm_id:
        raise Invalid("device_id", "This device is on another farm.")
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    if not 0 <= priority <= 10:
        raise Invalid("priority", "{value} is not between {low} and {high}.", value=priority, low=0, high=10)
    schedule.device_id, schedule.name, schedule.action, schedule.priority = device_id, name.strip(), action, priority
    schedule.cron_expression, schedule.updated_at = cron_of(cron_expression), now()
    plan(schedule, await queries.farm(tx, schedule.farm_id), after=now())
    tx.add(schedule)

