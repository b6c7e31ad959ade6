"""The flocks of the farms: placed some weeks ago, written of every day, and one of them drinks less since yesterday."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import select

from data.alerts.commands import Trouble, raise_alert, resolve_open
from data.alerts.tables import Severity
from data.core.session import Transaction
from data.core.table import uuid7
from data.farm.commands.flocks import start_batch
from data.farm.commands.flocks_judging import DRINKING_ALERT, ENDINGS
from data.farm.flocks import DRINK_LESS, DRINKS_ML, GROWS_G, along
from data.farm.tables import Farm, FlockBatch
from jobs.demonstration.bulk import pour
from jobs.demonstration.farms import BARN, HOUSE_1, HOUSE_2
from jobs.demonstration.people import ZONE

COLUMNS = ("id", "batch_id", "day", "dead", "culled", "feed_kg", "water_l", "weight_g", "weighed_count", "cause", "notes", "recorded_by")
WARM = ((0, 33, 2), (7, 32, 2), (14, 31, 4), (21, 30, 6), (35, 29, 7))
"""Houses that are open to the air of Phnom Penh: what its farmers hold for right."""
EATS_OF_WATER = 0.52
"""Kilograms of feed to a litre of water, in this heat."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A flock as it was placed; `heavy` is how heavy its breed is beside the usual of its kind, `dry_days_ago` when it drank less."""

    farm: str
    name: str
    house: str
    kind: str
    breed: str
    days_ago: int
    count: int
    heavy: float
    dry_days_ago: tuple[int, ...] = ()


FLOCKS: Sequence[Placed] = (
    Placed("Ta Khmau", "November chicks · កូនមាន់ខែវិច្ឆិកា", HOUSE_1, "broiler", "Cobb 500", 26, 1400, 0.94, dry_days_ago=(9,)),
    Placed("Ta Khmau", "Village birds · មាន់ស្រែ", HOUSE_2, "broiler", "Skouy · មាន់ស្គួយ", 38, 1000, 0.46, dry_days_ago=(1,)),
    Placed("Prek Leap", "Ducks of the rains · ទាវស្សា", BARN, "duck", "Pekin × local · ទាកាត់", 31, 900, 0.78),
)


async def make_flocks(tx: Transaction, *, end: datetime, written_by: UUID | None) -> int:
    """Place them and write their days until yesterday; how many days were written."""
    farms = {farm.name.split(" farm")[0]: farm for farm in await tx.exec(select(Farm))}
    there = ZoneInfo(ZONE)
    today, count = end.astimezone(there).date(), 0
    for placed in FLOCKS:
        farm = farms[placed.farm]
        batch = await start_batch(
            tx, farm.id, name=placed.name, house=placed.house, kind=placed.kind, breed=placed.breed, placed_count=placed.count,
            placed_on=today - timedelta(days=placed.days_ago), targets=[{"day": d, "celsius": c, "within": w} for d, c, w in WARM],
        )  # fmt: skip
        count += await pour(tx, "farm.flock_records", COLUMNS, _days(placed, batch, today, written_by))
        for ago in placed.dry_days_ago:
            if ago > 1:
                await _drank_less(tx, batch, farm, today - timedelta(days=ago), there)
    return count


def _days(placed: Placed, batch: FlockBatch, today: date, written_by: UUID | None) -> list[tuple[object, ...]]:
    chance, alive = Random(placed.name), placed.count
    rows: list[tuple[object, ...]] = []
    for age in range(placed.days_ago):
        day = batch.placed_on + timedelta(days=age)
        dead = sum(chance.random() < (0.0018 if age < 7 else 0.0006) for _bird in range(alive))
        culled = int(age % 9 == 4)
        ago = (today - day).days
        thirst = (0.7 if ago in placed.dry_days_ago else 1.0) * chance.uniform(0.97, 1.03) * (0.6 + 0.4 * placed.heavy)
        litres = round(alive * along(DRINKS_ML[placed.kind], age) * thirst / 1000, 1)
        is_weighed = age % 7 == 0 and age > 0
        grams = round(along(GROWS_G[placed.kind], age) * placed.heavy * chance.uniform(0.98, 1.02), 1) if is_weighed else None
        cause = chance.choice(("weak chick", "heat", "unknown")) if dead > 2 else None
        rows.append((
            uuid7(), batch.id, day, dead, culled, Decimal(str(round(litres * EATS_OF_WATER, 1))), Decimal(str(litres)),
            Decimal(str(grams)) if grams else None, 30 if grams else None, cause, None, written_by,
        ))  # fmt: skip
        alive -= dead + culled
    return rows


async def _drank_less(tx: Transaction, batch: FlockBatch, farm: Farm, day: date, there: ZoneInfo) -> None:
    """What was told of it the morning after, and that it was over a day later: a blocked line of drinkers."""
    told_at = datetime.combine(day + timedelta(days=1), time(6, 10), there)
    values: Mapping[str, object] = {"name": batch.name, "ml": 98, "expected_ml": 139, "day": day.isoformat()}
    trouble = Trouble(
        "farm.flock_batches", batch.id, batch.name, DRINKING_ALERT, Severity.WARNING, DRINK_LESS, "farm.view", dict(values),
        href=f"/farm/flocks/{batch.id}", scope_id=farm.id, time_zone=farm.time_zone,
    )  # fmt: skip
    await raise_alert(tx, trouble, at=told_at)
    await resolve_open(tx, batch.id, DRINKING_ALERT, at=told_at + timedelta(days=1), because=ENDINGS[DRINKING_ALERT])
