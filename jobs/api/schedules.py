"""A farm's schedules: made, tried before they are saved, edited, paused, copied and taken away."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from data.core.errors import Invalid, NotFound
from data.core.session import Transaction, transaction
from data.farm import commands, planned, queries
from data.farm.planned import Ahead, timing_of_row
from data.farm.queries_runs import run_counts
from data.platform.idempotency import once
from jobs.api._door import Paged, Reader, Setter, answer, called, door, listed
from jobs.api._farm import Key, device_of, schedule_of
from jobs.api._schedule import THEIRS, ScheduleGiven, schedule_shape

router = door("/v1/farms/{farm_id}/schedules", "Schedules")

class Tried(ScheduleGiven):
    """A schedule as it would be saved; `schedule_id` where it is one that stands, which then does not clash with itself."""

    schedule_id: UUID | None = None


class Copy(BaseModel):
    """What the copy is called, and for which device of the farm, where it is another."""

    name: Annotated[str, Field(max_length=200)]
    device_id: UUID | None = None


@router.get("")
async def list_schedules(
    actor: Reader, farm_id: UUID, page: Paged, device_id: UUID | None = None, is_enabled: bool | None = None
) -> dict[str, Any]:
    """A farm's schedules, the enabled first, by their next run."""
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        found = await queries.schedules(tx, farm_id=farm_id, device_id=device_id)
        wanted = [one for one in found if is_enabled is None or one.schedule.is_enabled is is_enabled]
        shown = wanted[page.offset : page.offset + page.limit]
        counts = await run_counts(tx, [one.schedule.id for one in shown])
    return listed([schedule_shape(one, counts.get(one.schedule.id, 0)) for one in shown], page, total=len(wanted))


@router.post("", status_code=201)
async def create_schedule(actor: Setter, farm_id: UUID, given: ScheduleGiven, key: Key = None) -> dict[str, Any]:
    """A new schedule of a device of the farm."""

    async def make() -> UUID:
        made = await commands.create_schedule(
            tx, device_id, name=given.name or "", action=given.action, timing=given.timing(), priority=given.priority, is_enabled=given.is_enabled
        )
        return made.id

    async with transaction(actor) as tx:
        device_id = await _device(tx, farm_id, given.device_id)
        with called(**THEIRS):
            schedule_id = await once(tx, key, {"farm_id": farm_id} | given.model_dump(mode="json"), make)
        return await _schedule(tx, farm_id, schedule_id)


@router.post("/preview")
async def preview(actor: Reader, farm_id: UUID, given: Tried) -> dict[str, Any]:
    """What a schedule would do in the next seven days if it were saved like this, and with which others it would clash; nothing is saved."""
    async with transaction(actor) as tx:
        before = await schedule_of(tx, farm_id, given.schedule_id) if given.schedule_id else None
        device_id = await _device(tx, farm_id, given.device_id or (before.device_id if before else None))
        said = given.model_fields_set
        name = given.name if given.name is not None else before.name if before else ""
        action, priority = ((getattr(given if field in said or not before else before, field)) for field in ("action", "priority"))
        with called(**THEIRS):
            timing = await commands.check_schedule(
                tx, device_id, name=name or "–", action=action, timing=given.timing(timing_of_row(before) if before else None), priority=priority
            )
            ahead = await planned.preview(tx, device_id, timing, action=action.value, name=name, priority=priority, schedule_id=given.schedule_id)
    return answer(_ahead(ahead))


@router.get("/{schedule_id}")
async def show_schedule(actor: Reader, farm_id: UUID, schedule_id: UUID) -> dict[str, Any]:
    """One schedule."""
    async with transaction(actor) as tx:
        return await _schedule(tx, farm_id, schedule_id)


@router.put("/{schedule_id}")
async def change_schedule(actor: Setter, farm_id: UUID, schedule_id: UUID, given: ScheduleGiven) -> dict[str, Any]:
    """Say anew what a schedule does and when; what is not said stays, and of another kind everything of its time is said anew."""
    said = given.model_fields_set
    async with transaction(actor) as tx:
        schedule = await schedule_of(tx, farm_id, schedule_id)
        if said - {"is_enabled"}:
            device_id = await _device(tx, farm_id, given.device_id or schedule.device_id)
            timing = timing_of_row(schedule)
            with called(**THEIRS):
                await commands.edit_schedule(
                    tx, schedule_id, device_id=device_id, name=schedule.name if given.name is None else given.name,
                    action=given.action if "action" in said else schedule.action,
                    timing=given.timing(timing) if given.changes_timing else timing,
                    priority=given.priority if "priority" in said else schedule.priority,
                )  # fmt: skip
        if "is_enabled" in said:
            await commands.enable_schedule(tx, schedule_id, is_enabled=given.is_enabled)
        return await _schedule(tx, farm_id, schedule_id)


@router.delete("/{schedule_id}")
async def remove_schedule(actor: Setter, farm_id: UUID, schedule_id: UUID) -> dict[str, Any]:
    """Take a schedule away; what it has begun is ended, the record of its runs stays."""
    async with transaction(actor) as tx:
        await schedule_of(tx, farm_id, schedule_id)
        await commands.remove_schedule(tx, schedule_id)
    return answer({"id": schedule_id})


@router.post("/{schedule_id}/enable")
async def enable(actor: Setter, farm_id: UUID, schedule_id: UUID) -> dict[str, Any]:
    """Let a schedule run from now on."""
    return await _enable(actor, farm_id, schedule_id, is_enabled=True)


@router.post("/{schedule_id}/disable")
async def disable(actor: Setter, farm_id: UUID, schedule_id: UUID) -> dict[str, Any]:
    """Pause a schedule; what it has begun is ended."""
    return await _enable(actor, farm_id, schedule_id, is_enabled=False)


@router.post("/{schedule_id}/duplicate", status_code=201)
async def duplicate(actor: Setter, farm_id: UUID, schedule_id: UUID, given: Copy, key: Key = None) -> dict[str, Any]:
    """The same once more, paused, also for another device of the farm."""

    async def make() -> UUID:
        return (await commands.duplicate_schedule(tx, schedule_id, name=given.name, device_id=given.device_id)).id

    async with transaction(actor) as tx:
        await schedule_of(tx, farm_id, schedule_id)
        if given.device_id:
            await _device(tx, farm_id, given.device_id)
        made = await once(tx, key, {"schedule_id": schedule_id} | given.model_dump(mode="json"), make)
        return await _schedule(tx, farm_id, made)


async def _enable(actor: Any, farm_id: UUID, schedule_id: UUID, *, is_enabled: bool) -> dict[str, Any]:
    async with transaction(actor) as tx:
        await schedule_of(tx, farm_id, schedule_id)
        await commands.enable_schedule(tx, schedule_id, is_enabled=is_enabled)
        return await _schedule(tx, farm_id, schedule_id)


async def _device(tx: Transaction, farm_id: UUID, device_id: UUID | None) -> UUID:
    if device_id is None:
        await queries.farm(tx, farm_id)
        raise Invalid("device_id", "Choose a device.")
    return (await device_of(tx, farm_id, device_id)).id


async def _schedule(tx: Transaction, farm_id: UUID, schedule_id: UUID) -> dict[str, Any]:
    schedule = await schedule_of(tx, farm_id, schedule_id)
    found = next((one for one in await queries.schedules(tx, device_id=schedule.device_id) if one.schedule.id == schedule_id), None)
    if found is None:
        raise NotFound("There is no such schedule.")
    return answer(schedule_shape(found, (await run_counts(tx, [schedule_id])).get(schedule_id, 0)))


def _ahead(ahead: Ahead) -> dict[str, Any]:
    """`wins` names the schedule that has its way; `rivals` are those that come in between when nobody knows."""
    return {
        "time_zone": ahead.farm.time_zone, "is_conditional": ahead.is_conditional,
        "next_executions": [{"at": one.at, "action": one.action, "until": one.until, "is_end": one.is_end} for one in ahead.moments],
        "conflicts": [{"at": one.at, "until": one.until, "name": one.name, "wins": one.wins} for one in ahead.clashes],
        "rivals": [{"name": name, "wins": wins} for name, wins in ahead.rivals],
        "clock_changes": [{"at": one.at, "by_s": one.by.total_seconds()} for one in ahead.changes],
    }  # fmt: skip
