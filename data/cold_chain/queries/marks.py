"""What happened around a unit's temperatures: doors, readings by hand, what people did, and the times it was out of limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from data.alerts.tables import CorrectiveAction
from data.cold_chain.queries.points import DoorView, doors
from data.cold_chain.queries.units import unit
from data.cold_chain.tables import Excursion, ManualTemperatureLog
from data.core.session import Transaction

Kind = TypeVar("Kind")
MOST = 200
"""Of one kind. Where there are more, a picture with all of them would say nothing."""

_Correction = aliased(ManualTemperatureLog)


@dataclass(frozen=True, slots=True)
class ByHand:
    """A temperature that somebody wrote down."""

    recorded_at: datetime
    celsius: float
    is_in_range: bool
    user_name: str


@dataclass(frozen=True, slots=True)
class Done:
    """What somebody did about something."""

    acted_at: datetime
    action_taken: str


@dataclass(frozen=True, slots=True)
class Out:
    """A stretch of time out of limits; `ended_at` None: it lasts."""

    started_at: datetime
    ended_at: datetime | None
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """Everything of a stretch of time, each kind in the order of time. Kinds of which there are too many are empty."""

    doors: Sequence[DoorView]
    by_hand: Sequence[ByHand]
    done: Sequence[Done]
    out: Sequence[Out]


async def marks(tx: Transaction, unit_id: UUID, start: datetime, end: datetime) -> Marks:
    """What happened in a unit from `start` until before `end`."""
    await unit(tx, unit_id)
    log, act, out = ManualTemperatureLog, CorrectiveAction, Excursion
    logs = select(log).where(
        log.unit_id == unit_id, log.recorded_at >= start, log.recorded_at < end,
        ~select(_Correction.id).where(_Correction.organization_id == log.organization_id, _Correction.corrects_id == log.id).exists(),
    )  # fmt: skip
    acts = select(act).where(act.subject_id == unit_id, act.acted_at >= start, act.acted_at < end)
    outs = select(out).where(
        out.unit_id == unit_id, out.started_at < end, or_(col(out.ended_at).is_(None), col(out.ended_at) > start)
    )
    return Marks(
        _few(list(reversed(await doors(tx, unit_id, start, end, limit=MOST + 1)))),
        _few([
            ByHand(one.recorded_at, float(one.temperature_celsius), one.is_in_range, one.user_name)
            for one in await tx.exec(logs.order_by(col(log.recorded_at)).limit(MOST + 1))
        ]),
        _few([Done(one.acted_at, one.action_taken) for one in await tx.exec(acts.order_by(col(act.acted_at)).limit(MOST + 1))]),
        [
            Out(one.started_at, one.ended_at, one.confirmed_at is not None)
            for one in await tx.exec(outs.order_by(col(out.started_at)).limit(10 * MOST))
        ],
    )  # fmt: skip


def _few(found: Sequence[Kind]) -> Sequence[Kind]:
    return found if len(found) <= MOST else []
