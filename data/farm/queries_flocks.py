"""What somebody may see of the flocks on the farms that their roles reach."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, or_, text
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from data.core import columns
from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm.flocks import Day, Flock
from data.farm.queries import within
from data.farm.queries_periods import found_by_hour
from data.farm.tables import Device, Farm, FlockBatch, FlockRecord
from data.identity.tables import User

MEASURED_WITHIN = timedelta(minutes=15)
"""An older value is the past, and nobody is called for it."""


def flock_of(batch: FlockBatch) -> Flock:
    """What the rules want to know of a batch."""
    closed_g = None
    if batch.closed_count and batch.closed_weight_kg:
        closed_g = float(batch.closed_weight_kg) * 1000 / batch.closed_count
    return Flock(
        batch.kind, batch.placed_on, batch.placed_count, batch.placed_age_days, _float(batch.placed_weight_g), batch.targets,
        batch.closed_on, batch.closed_count, closed_g,
    )  # fmt: skip


def day_of(record: FlockRecord) -> Day:
    """What the rules want to know of a day."""
    return Day(record.day, record.dead, record.culled, _float(record.feed_kg), _float(record.water_l), _float(record.weight_g))


async def batch(tx: Transaction, batch_id: UUID, *, for_update: bool = False, deleted: bool = False) -> FlockBatch:
    is_there = col(FlockBatch.deleted_at).is_not(None) if deleted else col(FlockBatch.deleted_at).is_(None)
    statement = select(FlockBatch).where(FlockBatch.id == batch_id, is_there, within(tx, FlockBatch.farm_id))
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such flock.")
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """A flock, where it is, how many died and were culled, when it was last written of, and when and what it last weighed."""

    batch: FlockBatch
    farm: Farm
    dead: int
    culled: int
    last_day: date | None
    weight_g: float | None


async def batches(tx: Transaction, *, farm_id: UUID | None = None, most: int = 200) -> Sequence[Standing]:
    """The flocks of the farms one may see: those that are there by farm and house, then those that have left, the latest first."""
    tx.actor.require("farm.view")
    weight = (
        select_columns(col(FlockRecord.weight_g))
        .where(
            col(FlockRecord.batch_id) == FlockBatch.id, col(FlockRecord.weight_g).is_not(None), col(FlockRecord.deleted_at).is_(None)
        )
        .order_by(col(FlockRecord.day).desc())
        .limit(1)
        .correlate(FlockBatch)
        .scalar_subquery()
    )
    statement = (
        select_columns(
            FlockBatch, Farm, func.coalesce(func.sum(FlockRecord.dead), 0), func.coalesce(func.sum(FlockRecord.culled), 0),
            func.max(FlockRecord.day), weight,
        )
        .join(Farm, col(Farm.id) == FlockBatch.farm_id)
        .outerjoin(FlockRecord, (col(FlockRecord.batch_id) == FlockBatch.id) & col(FlockRecord.deleted_at).is_(None))
        .where(col(FlockBatch.deleted_at).is_(None), col(Farm.deleted_at).is_(None), within(tx, FlockBatch.farm_id))
        .group_by(col(FlockBatch.id), col(Farm.id))
        .order_by(col(FlockBatch.closed_on).desc().nulls_first(), Farm.name, FlockBatch.house, col(FlockBatch.id))
        .limit(most)
    )  # fmt: skip
    if farm_id:
        statement = statement.where(col(FlockBatch.farm_id) == farm_id)
    return [Standing(one, farm, dead, culled, last, _float(grams)) for one, farm, dead, culled, last, grams in await tx.execute(statement)]


async def find(tx: Transaction, text: str, *, limit: int) -> Sequence[tuple[FlockBatch, Farm]]:
    """Flocks whose name, house, breed or farm contains the text; those that are there first."""
    tx.actor.require("farm.view")
    wanted = [col(column).icontains(text, autoescape=True) for column in (FlockBatch.name, FlockBatch.house, FlockBatch.breed, Farm.name)]
    statement = (
        select(FlockBatch, Farm)
        .join(Farm, col(Farm.id) == FlockBatch.farm_id)
        .where(col(FlockBatch.deleted_at).is_(None), col(Farm.deleted_at).is_(None), within(tx, FlockBatch.farm_id), or_(*wanted))
        .order_by(col(FlockBatch.closed_on).desc().nulls_first(), FlockBatch.name, col(FlockBatch.id))
        .limit(limit)
    )
    return [(batch, farm) for batch, farm in await tx.exec(statement)]


@dataclass(frozen=True, slots=True)
class Written:
    """A day's line and who wrote in it last."""

    record: FlockRecord
    person: str | None


async def records(tx: Transaction, batch_id: UUID) -> Sequence[Written]:
    """A flock's days, the first first."""
    await batch(tx, batch_id)
    statement = (
        select(FlockRecord, User.name)
        .outerjoin(User, col(User.id) == FlockRecord.recorded_by)
        .where(FlockRecord.batch_id == batch_id, col(FlockRecord.deleted_at).is_(None))
        .order_by(col(FlockRecord.day))
    )
    return [Written(record, person) for record, person in await tx.exec(statement)]


async def record(tx: Transaction, batch_id: UUID, day: date) -> FlockRecord | None:
    """One day's line, also where it was deleted: a day has one."""
    return (await tx.exec(select(FlockRecord).where(FlockRecord.batch_id == batch_id, FlockRecord.day == day))).one_or_none()


@dataclass(frozen=True, slots=True)
class Warmth:
    """How warm it was in a house, hour by hour: epoch milliseconds; mean, lowest and highest °C of its probes."""

    times_ms: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


_WARMTH = text(f"""{found_by_hour()}
select (extract(epoch from at) * 1000)::float8, (sum(total) / sum(count))::float8, min(low)::float8, max(high)::float8
from found where at >= :start group by at order by at
""")


async def warmth(tx: Transaction, batch_id: UUID, *, since: datetime, until: datetime) -> Warmth:
    """What the probes of the flock's house measured, for as long as hours are kept."""
    one = await batch(tx, batch_id)
    probes = select_columns(col(Device.id)).where(
        col(Device.farm_id) == one.farm_id, func.lower(Device.location) == one.house.lower(), col(Device.deleted_at).is_(None)
    )
    values = {
        "organization_id": tx.organization_id, "devices": columns.ids((await tx.execute(probes)).scalars().all()), "kind": "temperature",
        "start": since, "end": until,
    }  # fmt: skip
    rows = np.array([tuple(row) for row in await tx.execute(_WARMTH, values)], dtype=np.float64).reshape(-1, 4)
    return Warmth(*(np.ascontiguousarray(rows[:, n]) for n in range(4)))


async def houses(tx: Transaction, farm_ids: Collection[UUID], *, at: datetime) -> Mapping[tuple[UUID, str], float]:
    """How warm it is in each house of these farms, as the mean of its probes, by farm and house in small letters."""
    known = col(Device.latest)["temperature"]
    statement = select_columns(col(Device.farm_id), func.lower(Device.location), known).where(
        col(Device.farm_id).in_(farm_ids), col(Device.location).is_not(None), known.is_not(None), col(Device.is_active),
        col(Device.deleted_at).is_(None), within(tx, Device.farm_id),
    )  # fmt: skip
    measured: dict[tuple[UUID, str], list[float]] = defaultdict(list)
    for farm_id, where, value in await tx.execute(statement):
        if at - datetime.fromisoformat(value["at"]) <= MEASURED_WITHIN:
            measured[farm_id, where].append(float(value["value"]))
    return {one: sum(values) / len(values) for one, values in measured.items()}


def _float(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]
