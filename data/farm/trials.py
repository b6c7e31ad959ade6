"""What a schedule would do if its time came now, and what would be in its way; nothing is switched for that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.planned import asked_by, may_act, plan_of, values_of
from data.farm.rules import (
    FARM_STOPPED,
    OUTRANKED,
    PLANNED,
    Moment,
    between,
    energizes,
    holding,
    holds,
    refusal_to_switch,
)
from data.farm.tables import Schedule, ScheduleType


@dataclass(frozen=True, slots=True)
class Trial:
    """`action` is what it would ask of its device now; `follows` what comes after that by itself; `obstacles` sentences with their
    values. Of a condition `is_held` says whether it holds: None when a probe is silent."""

    action: str
    follows: Sequence[Moment]
    obstacles: Sequence[tuple[str, Mapping[str, Any]]]
    is_held: bool | None = None


async def try_out(tx: Transaction, schedule_id: UUID, *, at: datetime | None = None) -> Trial:
    """Try a schedule that one may see, without switching anything."""
    at = at or now()
    schedule = await queries.schedule(tx, schedule_id)
    farm, device = await queries.farm(tx, schedule.farm_id), await queries.device(tx, schedule.device_id)
    plan = plan_of(schedule, farm)
    action = plan.steps[0].action if plan.steps else "on" if schedule.schedule_type is ScheduleType.DURATION else plan.action
    obstacles: list[tuple[str, Mapping[str, Any]]] = []
    if farm.is_stopped and energizes(*asked_by(schedule, action)):
        obstacles.append((FARM_STOPPED, {}))
    refusal = refusal_to_switch(is_switched=device.device_type.value in PLANNED, is_active=device.is_active, is_online=device.is_online)
    if refusal:
        obstacles.append((refusal, {}))
    others = select(Schedule).where(
        Schedule.device_id == device.id, col(Schedule.is_enabled).is_(True), col(Schedule.deleted_at).is_(None),
        Schedule.id != schedule.id, Schedule.priority > schedule.priority, Schedule.schedule_type != ScheduleType.CONDITION,
    )  # fmt: skip
    for other in await tx.exec(others.order_by(col(Schedule.priority).desc())):
        moment = holding(plan_of(other, farm), at)
        if moment and moment.action != action:
            obstacles.append((OUTRANKED, {"name": other.name}))
    if schedule.schedule_type is ScheduleType.CONDITION:
        measured = await values_of(tx, [schedule])
        is_held = holds(schedule.condition or {}, measured, at=at, was=bool(schedule.is_met), silent_after_s=schedule.silent_after_s) if may_act(plan, at) else False
        return Trial(action, (), obstacles, is_held)
    return Trial(action, between(plan, at, at + timedelta(days=1), most=50), obstacles)
