"""Several schedules are paused, moved or taken away at once, and what was taken away by mistake is brought back."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.asking import lock
from data.farm.commands.schedules import (
    check_mine,
    check_room,
    duplicate_schedule,
    edit_schedule,
    enable_schedule,
    forget,
    plan,
    remove_schedule,
)
from data.farm.events import ScheduleChanged
from data.farm.planned import timing_of_row
from data.farm.rules import shifted
from data.farm.tables import Device, Schedule

MOST_AT_ONCE = 200


async def enable_schedules(tx: Transaction, schedule_ids: Collection[UUID], *, is_enabled: bool) -> None:
    """Pause all of these, or let them run from now on. Forbidden where one of them is not the actor's to change."""
    for schedule in await _all(tx, schedule_ids):
        if schedule.is_enabled is not is_enabled:
            await enable_schedule(tx, schedule.id, is_enabled=is_enabled)


async def shift_schedules(tx: Transaction, schedule_ids: Collection[UUID], *, minutes: int) -> int:
    """Move all of these by so many minutes later (less than 0: earlier); how many were bound to a time of the day.

    Invalid('minutes') where one of them cannot be moved so: then none is.
    """
    moved = 0
    for schedule in await _all(tx, schedule_ids):
        timing = timing_of_row(schedule)
        if timing.is_by_the_clock:
            moved += 1
            await edit_schedule(
                tx, schedule.id, device_id=schedule.device_id, name=schedule.name, action=schedule.action, timing=shifted(timing, minutes),
                priority=schedule.priority,
            )  # fmt: skip
    return moved


async def prioritize_schedules(tx: Transaction, schedule_ids: Collection[UUID], *, priority: int) -> None:
    """Give all of these the same priority; what is under way goes on."""
    if not 0 <= priority <= 10:
        raise Invalid("priority", "{value} is not between {low} and {high}.", value=priority, low=0, high=10)
    for schedule in await _all(tx, schedule_ids):
        await check_mine(tx, schedule)
        schedule.priority, schedule.updated_at = priority, now()
        tx.add(schedule)
        tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))


async def remove_schedules(tx: Transaction, schedule_ids: Collection[UUID]) -> None:
    """Take all of these away; see `restore_schedules`."""
    for schedule in await _all(tx, schedule_ids):
        await remove_schedule(tx, schedule.id)


async def restore_schedules(tx: Transaction, schedule_ids: Collection[UUID]) -> None:
    """Bring back what was taken away; it runs from now on as it did, and makes up for nothing.

    Conflict where its device is gone, or has as many schedules as it may by now.
    """
    for schedule in await _all(tx, schedule_ids, removed=True):
        farm = await check_mine(tx, schedule)
        try:
            await queries.device(tx, schedule.device_id)
        except NotFound:
            raise Conflict("The device of {name} was removed, so it cannot be brought back.", name=schedule.name) from None
        await check_room(tx, schedule.device_id)
        schedule.deleted_at, schedule.failure_count, schedule.updated_at = None, 0, now()
        forget(schedule)
        plan(schedule, farm, after=now())
        tx.add(schedule)
        await tx.flush()
        tx.emit(ScheduleChanged(schedule_id=schedule.id, farm_id=schedule.farm_id))


async def copy_to_devices(tx: Transaction, schedule_id: UUID, device_ids: Collection[UUID], *, name: str) -> Sequence[Schedule]:
    """The same for each of these devices, paused, so that nothing runs before somebody has looked at it."""
    wanted = dict.fromkeys(device_ids)
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid("device_ids", "Choose {low} to {high} devices.", low=1, high=MOST_AT_ONCE)
    await lock(tx, col(Device.id).in_(wanted), queries.within(tx, Device.farm_id))
    return [await duplicate_schedule(tx, schedule_id, name=name, device_id=device_id) for device_id in wanted]


async def _all(tx: Transaction, schedule_ids: Collection[UUID], *, removed: bool = False) -> Sequence[Schedule]:
    """These schedules, then their devices, locked in the order in which runs lock them. NotFound where one is not there."""
    wanted = set(schedule_ids)
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid("schedule_ids", "Choose {low} to {high} schedules.", low=1, high=MOST_AT_ONCE)
    gone = col(Schedule.deleted_at)
    statement = select(Schedule).where(
        col(Schedule.id).in_(wanted), queries.within(tx, Schedule.farm_id), gone.is_not(None) if removed else gone.is_(None)
    )
    locked = statement.order_by(col(Schedule.next_run_at), col(Schedule.id)).with_for_update(key_share=True)
    found = (await tx.exec(locked.execution_options(populate_existing=True))).all()
    if len(found) != len(wanted):
        raise NotFound("There is no such schedule.")
    await lock(tx, col(Device.id).in_({schedule.device_id for schedule in found}))
    return found
