"""A flock is placed, written of every day, and leaves; a mistake is put right, and what was taken away can be brought back."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import now, zone
from data.farm import queries_flocks as queries
from data.farm.commands.flocks_judging import judge_flocks, leave
from data.farm.events import FlockChanged
from data.farm.flocks import KINDS, MOST_FEED_KG, MOST_WATER_L, MOST_WEIGHT_G
from data.farm.queries import farm as farm_of
from data.farm.tables import Farm, FlockBatch, FlockRecord

MOST_BIRDS = 10_000_000
MOST_POINTS = 40
COUNTS, AMOUNTS, WORDS = ("dead", "culled", "weighed_count"), ("feed_kg", "water_l", "weight_g"), ("cause", "notes")
FIELDS = COUNTS + AMOUNTS + WORDS


async def start_batch(
    tx: Transaction, farm_id: UUID, *, name: str, house: str, placed_on: date, placed_count: int, kind: str = "broiler",
    breed: str | None = None, placed_age_days: int = 0, placed_weight_g: float | None = None,
    targets: Sequence[Mapping[str, Any]] = (), notes: str | None = None,
) -> FlockBatch:  # fmt: skip
    """Birds are placed in a house. Invalid('house') while another flock is in it."""
    tx.actor.require("farm.edit", farm_id)
    farm = await _locked_farm(tx, farm_id)
    batch = FlockBatch(farm_id=farm_id, created_by=tx.actor.user_id, placed_on=placed_on, placed_count=placed_count, name="", house="")
    _describe(batch, farm, name, house, kind, breed, placed_on, placed_count, placed_age_days, placed_weight_g, targets, notes)
    await _is_free(tx, batch)
    tx.add(batch)
    await tx.flush()
    _changed(tx, batch)
    return batch


async def edit_batch(
    tx: Transaction, batch_id: UUID, *, name: str, house: str, placed_on: date, placed_count: int, kind: str,
    breed: str | None = None, placed_age_days: int = 0, placed_weight_g: float | None = None,
    targets: Sequence[Mapping[str, Any]] = (), notes: str | None = None,
) -> None:  # fmt: skip
    """Describe it anew. Invalid where lines were written that the new dates or numbers do not allow."""
    batch, farm = await _held(tx, batch_id, "farm.edit")
    _describe(batch, farm, name, house, kind, breed, placed_on, placed_count, placed_age_days, placed_weight_g, targets, notes)
    if batch.closed_on and batch.closed_on < placed_on:
        raise Invalid("placed_on", "The flock left before that day.")
    first, gone = await _lines(tx, batch_id)
    if first and first < placed_on:
        raise Invalid("placed_on", "There are lines of days before that one.")
    if gone > placed_count:
        raise Invalid("placed_count", "{count} birds have died or were culled already.", count=gone)
    if batch.closed_on is None:
        await _is_free(tx, batch)
    tx.add(batch)
    _changed(tx, batch)


async def close_batch(
    tx: Transaction, batch_id: UUID, *, closed_on: date, closed_count: int | None = None, closed_weight_kg: float | None = None
) -> None:
    """The flock left. `closed_weight_kg` is what all of them weighed together."""
    batch, farm = await _held(tx, batch_id, "farm.edit")
    if batch.closed_on:
        raise Conflict("This flock has left already.")
    last = (await tx.exec(select(func.max(FlockRecord.day)).where(FlockRecord.batch_id == batch_id, col(FlockRecord.deleted_at).is_(None)))).one()
    if closed_on < batch.placed_on or (last and closed_on < last):
        raise Invalid("closed_on", "There are lines of later days, or it was not there yet.")
    if closed_on > _today(farm):
        raise Invalid("closed_on", "That day has not come yet.")
    _first, gone = await _lines(tx, batch_id)
    if closed_count is not None and not 0 <= closed_count <= batch.placed_count - gone:
        raise Invalid("closed_count", "{count} birds were alive.", count=batch.placed_count - gone)
    count = batch.placed_count - gone if closed_count is None else closed_count
    if closed_weight_kg is not None and not 0 < closed_weight_kg * 1000 <= count * MOST_WEIGHT_G:
        raise Invalid("closed_weight_kg", "That cannot be what {count} birds weigh. Look at the number again.", count=count)
    batch.closed_on, batch.closed_count, batch.closed_weight_kg = closed_on, count, _decimal(closed_weight_kg, 2)
    batch.updated_at = now()
    tx.add(batch)
    await leave(tx, batch_id, at=now())
    _changed(tx, batch)


async def reopen_batch(tx: Transaction, batch_id: UUID) -> None:
    """It has not left after all. Invalid('house') when another flock is there by now."""
    batch, _farm = await _held(tx, batch_id, "farm.edit")
    await _is_free(tx, batch)
    batch.closed_on = batch.closed_count = batch.closed_weight_kg = None
    batch.updated_at = now()
    tx.add(batch)
    _changed(tx, batch)


async def remove_batch(tx: Transaction, batch_id: UUID) -> None:
    """Take it from view with all its days; `restore_batch` brings both back."""
    batch, _farm = await _held(tx, batch_id, "farm.edit")
    batch.deleted_at = batch.updated_at = now()
    tx.add(batch)
    await leave(tx, batch_id, at=now())
    _changed(tx, batch)


async def restore_batch(tx: Transaction, batch_id: UUID) -> None:
    """Bring a flock back that was taken away."""
    batch, _farm = await _held(tx, batch_id, "farm.edit", deleted=True)
    if batch.closed_on is None:
        await _is_free(tx, batch)
    batch.deleted_at, batch.updated_at = None, now()
    tx.add(batch)
    _changed(tx, batch)


async def write_day(
    tx: Transaction, batch_id: UUID, day: date, *, written: Mapping[str, Any], was: Mapping[str, Any] | None = None, at: datetime | None = None
) -> FlockRecord:
    """Write in a day's line: `written` has what is to be there (of FIELDS), and the rest of the line stays as it is.

    With `was`, what the writer saw there, nobody writes over what another has written meanwhile. The log keeps each change.
    """
    at = at or now()
    batch, farm = await _held(tx, batch_id, "farm.record")
    _may_write(tx, batch, farm, day, at)
    record = await queries.record(tx, batch_id, day)
    if record is None or record.deleted_at:
        record = record or FlockRecord(batch_id=batch_id, day=day)
        record.deleted_at, record.dead, record.culled = None, 0, 0
        for name in FIELDS[2:]:
            setattr(record, name, None)
    for name, before in (was or {}).items():
        if name in written and not _is_same(getattr(record, name), before):
            raise Conflict("Somebody else has written in this line meanwhile. Look at it again.")
    for name, value in written.items():
        setattr(record, name, _value(name, value))
    await _is_possible(tx, batch, record)
    record.recorded_by, record.updated_at = tx.actor.user_id, at
    tx.add(record)
    await tx.flush()
    await judge_flocks(tx, at=at, batch_id=batch_id, ends=False)
    _changed(tx, batch)
    return record


async def remove_day(tx: Transaction, batch_id: UUID, day: date) -> None:
    """Take a day's line away; `restore_day` brings it back."""
    batch, farm = await _held(tx, batch_id, "farm.record")
    _may_write(tx, batch, farm, day, now())
    record = await queries.record(tx, batch_id, day)
    if record is None or record.deleted_at:
        raise Conflict("Nothing is written for this day.")
    record.deleted_at = record.updated_at = now()
    tx.add(record)
    _changed(tx, batch)


async def restore_day(tx: Transaction, batch_id: UUID, day: date) -> None:
    """Bring a day's line back. Conflict when the day has been written anew."""
    batch, farm = await _held(tx, batch_id, "farm.record")
    _may_write(tx, batch, farm, day, now())
    record = await queries.record(tx, batch_id, day)
    if record is None or record.deleted_at is None:
        raise Conflict("There is nothing to bring back.")
    record.deleted_at, record.updated_at = None, now()
    await _is_possible(tx, batch, record)
    tx.add(record)
    _changed(tx, batch)


async def _held(tx: Transaction, batch_id: UUID, permission: str, *, deleted: bool = False) -> tuple[FlockBatch, Farm]:
    batch = await queries.batch(tx, batch_id, for_update=True, deleted=deleted)
    tx.actor.require(permission, batch.farm_id)
    return batch, await _locked_farm(tx, batch.farm_id) if permission == "farm.edit" else await farm_of(tx, batch.farm_id)


async def _locked_farm(tx: Transaction, farm_id: UUID) -> Farm:
    """Two who place birds in one house at the same moment come one after the other."""
    await tx.exec(select(Farm.id).where(Farm.id == farm_id).with_for_update(key_share=True))
    return await farm_of(tx, farm_id)


async def _is_free(tx: Transaction, batch: FlockBatch) -> None:
    statement = select(FlockBatch.name).where(
        FlockBatch.farm_id == batch.farm_id, func.lower(FlockBatch.house) == func.lower(batch.house), FlockBatch.id != batch.id,
        col(FlockBatch.closed_on).is_(None), col(FlockBatch.deleted_at).is_(None),
    )  # fmt: skip
    with tx.no_autoflush:
        other = (await tx.exec(statement)).first()
    if other:
        raise Invalid("house", "{name} is still in this house.", name=other)


async def _lines(tx: Transaction, batch_id: UUID) -> tuple[date | None, int]:
    """The first day of a flock that is written of, and how many birds have died or were culled."""
    statement = select(func.min(FlockRecord.day), func.coalesce(func.sum(FlockRecord.dead + FlockRecord.culled), 0)).where(
        FlockRecord.batch_id == batch_id, col(FlockRecord.deleted_at).is_(None)
    )
    with tx.no_autoflush:
        first, gone = (await tx.exec(statement)).one()
    return first, int(gone)


def _describe(
    batch: FlockBatch, farm: Farm, name: str, house: str, kind: str, breed: str | None, placed_on: date, placed_count: int,
    placed_age_days: int, placed_weight_g: float | None, targets: Sequence[Mapping[str, Any]], notes: str | None,
) -> None:  # fmt: skip
    if not house.strip():
        raise Invalid("house", "Say in which house they are.")
    if kind not in KINDS:
        raise Invalid("kind", "{kind} is none of {kinds}.", kind=kind, kinds=", ".join(KINDS))
    if placed_on > _today(farm):
        raise Invalid("placed_on", "That day has not come yet.")
    for field, value, low, high in (
        ("placed_count", placed_count, 1, MOST_BIRDS), ("placed_age_days", placed_age_days, 0, 1000), ("placed_weight_g", placed_weight_g, 10, MOST_WEIGHT_G),
    ):  # fmt: skip
        if value is not None and not low <= value <= high:
            raise Invalid(field, "{value} is not between {low} and {high}.", value=value, low=low, high=high)
    batch.name, batch.house = name.strip() or f"{house.strip()} · {placed_on.isoformat()}", house.strip()
    batch.kind, batch.breed, batch.notes = kind, (breed or "").strip() or None, (notes or "").strip() or None
    batch.placed_on, batch.placed_count, batch.placed_age_days = placed_on, placed_count, placed_age_days
    batch.placed_weight_g, batch.targets, batch.updated_at = _decimal(placed_weight_g, 1), _targets(targets), now()


def _targets(wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Checked and by age. Invalid('targets') says what cannot be."""
    if len(wanted) > MOST_POINTS:
        raise Invalid("targets", "At most {count} lines.", count=MOST_POINTS)
    made = {}
    for point in wanted:
        try:
            day, celsius, within = int(point["day"]), round(float(point["celsius"]), 2), round(float(point.get("within", 2)), 2)
        except (KeyError, TypeError, ValueError):
            raise Invalid("targets", "Each line is an age in days, a temperature, and how far off is still fine.") from None
        if not (0 <= day <= 1000 and 0 <= celsius <= 45 and 0.1 <= within <= 20) or day in made:
            raise Invalid("targets", "Day {day} stands there twice, or is not possible.", day=day)
        made[day] = {"day": day, "celsius": celsius, "within": within}
    return [made[day] for day in sorted(made)]


def _may_write(tx: Transaction, batch: FlockBatch, farm: Farm, day: date, at: datetime) -> None:
    if day < batch.placed_on:
        raise Invalid("day", "The birds were not there yet.")
    if day > at.astimezone(zone(farm.time_zone)).date():
        raise Invalid("day", "That day has not come yet.")
    if batch.closed_on:
        if day > batch.closed_on:
            raise Invalid("day", "The flock had left by then.")
        if not tx.actor.may("farm.edit", batch.farm_id):
            raise Forbidden("The flock has left. Only a manager may still correct it.")


def _value(name: str, value: Any) -> Any:
    """What was typed as the column keeps it."""
    if name not in FIELDS:
        raise Invalid(name, "There is no such field.")
    if name in WORDS:
        return (value or "").strip()[:2000] or None
    if value is None:
        return 0 if name in ("dead", "culled") else None
    if not 0 <= value <= MOST_BIRDS * MOST_WATER_L:
        raise Invalid(name, "{value} is not possible. Look at the number again.", value=value)
    return int(value) if name in COUNTS else _decimal(value, 1 if name == "weight_g" else 2)


async def _is_possible(tx: Transaction, batch: FlockBatch, record: FlockRecord) -> None:
    """No more may die than live, and none eats its own weight."""
    statement = select(func.coalesce(func.sum(FlockRecord.dead + FlockRecord.culled), 0)).where(
        FlockRecord.batch_id == batch.id, FlockRecord.day != record.day, col(FlockRecord.deleted_at).is_(None)
    )
    with tx.no_autoflush:
        alive = batch.placed_count - int((await tx.exec(statement)).one())
    if record.dead + record.culled > alive:
        raise Invalid("dead" if record.dead > alive else "culled", "Only {alive} birds are alive.", alive=alive)
    for name, value, most in (("feed_kg", record.feed_kg, MOST_FEED_KG), ("water_l", record.water_l, MOST_WATER_L)):
        if value is not None and float(value) > most * max(alive, 1):
            raise Invalid(name, "That is more than {most} for each bird. Look at the number again.", most=most)
    if record.weight_g is not None and not 10 <= float(record.weight_g) <= MOST_WEIGHT_G:
        raise Invalid("weight_g", "{value} is not between {low} and {high}.", value=float(record.weight_g), low=10, high=int(MOST_WEIGHT_G))


def _is_same(now_there: Any, seen: Any) -> bool:
    if isinstance(now_there, (int, float, Decimal)) and isinstance(seen, (int, float, Decimal)):
        return abs(float(now_there) - float(seen)) < 0.001
    return (now_there or None) == (seen or None)


def _decimal(value: float | None, places: int) -> Decimal | None:
    return None if value is None else round(Decimal(str(value)), places)


def _today(farm: Farm) -> date:
    return now().astimezone(zone(farm.time_zone)).date()


def _changed(tx: Transaction, batch: FlockBatch) -> None:
    tx.emit(FlockChanged(batch_id=batch.id, farm_id=batch.farm_id))
