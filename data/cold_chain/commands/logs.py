"""What people write down by hand is kept once, with the limits that held, and a temperature outside them with what was done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import any_, bindparam, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import NullType
from sqlmodel import col, select

from data.alerts.commands import Photo, take_action
from data.alerts.values import Subject
from data.cold_chain.by_hand import Written, is_in_range, refusal, rounded
from data.cold_chain.commands.states import note_manual_logs
from data.cold_chain.events import TemperatureWritten, UnitChanged
from data.cold_chain.queries import logs as queries
from data.cold_chain.queries import watch
from data.cold_chain.queries.limits import limits as limits_since
from data.cold_chain.queries.logs import LOG
from data.cold_chain.queries.watch import Watched
from data.cold_chain.tables import ManualTemperatureLog
from data.core import columns
from data.core.errors import Conflict, Forbidden, Invalid, Refusal
from data.core.session import Transaction
from data.core.table import uuid7
from data.platform.commands import keep_file
from data.platform.pictures import Picture

OUT = "{celsius} °C, written down by hand, is outside the limits."

Limits = tuple[float | None, float | None]

_NOTE = text("""
update cold_chain.units u set last_manual_log_at = greatest(u.last_manual_log_at, v.at)
from unnest(:ids, :times) v (id, at)
where u.organization_id = :organization_id and u.id = v.id
""")


async def write_down(tx: Transaction, lines: Sequence[Written], *, at: datetime) -> Mapping[UUID, Refusal | None]:
    """Keep lines that came together; for each why it was refused, or None where it is kept (now, or when it came before).

    One that is refused keeps none of the others from being kept.
    """
    tx.actor.require(LOG)
    units = await watch.locked_units(tx, {line.unit_id for line in lines})
    before = await _kept_before(tx, [line.id for line in lines])
    answers: dict[UUID, Refusal | None] = {}
    taken: list[Written] = []
    limits = await _limits(tx, lines, units, at)
    for line in lines:
        if line.id in before or line.id in answers:
            answers.setdefault(line.id, None)
            continue
        unit = units.get(line.unit_id)
        if unit is None or not tx.actor.may(LOG, unit.site_id):
            answers[line.id] = Invalid("unit_id", "There is no such unit.")
            continue
        low, high = limits[line.id]
        answers[line.id] = refusal(line, low=low, high=high, at=at)
        if answers[line.id] is None:
            taken.append(line)
    photos = {line.id: await _keep(tx, line.id, line.photo) for line in taken if line.photo}
    kept = await _insert(tx, taken, limits, photos)
    for line in taken:
        if line.id not in kept:
            answers[line.id] = Conflict("This cannot be kept twice.")
    await _follow(tx, [line for line in taken if line.id in kept], units, limits, at)
    return answers


async def correct(
    tx: Transaction, log_id: UUID, *, celsius: Decimal, notes: str, at: datetime, unit_id: UUID | None = None, action: str | None = None
) -> UUID:
    """Say what a line should have been (and of which unit): a new one that names it; the mistaken one stays as it is.

    For whoever wrote it and those who may edit; Conflict where it is corrected already.
    """
    found = await queries.log(tx, log_id)
    tx.actor.require(LOG, found.site_id)
    if found.log.user_id != tx.actor.user_id and not tx.actor.may("cold_chain.edit", found.site_id):
        raise Forbidden("Only who wrote this, or a manager, may correct it.")
    if found.corrected_by_id:
        raise Conflict("This has been corrected already.")
    if not notes.strip():
        raise Invalid("notes", "Say what was wrong.")
    line = Written(
        uuid7(), unit_id or found.log.unit_id, rounded(celsius), found.log.recorded_at, found.log.humidity_percent, notes.strip(),
        action, corrects_id=log_id,
    )  # fmt: skip
    if refused := (await write_down(tx, [line], at=at))[line.id]:
        raise refused
    return line.id


async def _kept_before(tx: Transaction, log_ids: Sequence[UUID]) -> set[UUID]:
    statement = select(ManualTemperatureLog.id).where(col(ManualTemperatureLog.id) == any_(bindparam("ids", type_=NullType())))
    return set((await tx.execute(statement, {"ids": columns.ids(log_ids)})).scalars())


async def _insert(
    tx: Transaction, lines: Sequence[Written], limits: Mapping[UUID, Limits], photos: Mapping[UUID, UUID]
) -> set[UUID]:
    """In one statement; the ids of those that were new."""
    if not lines:
        return set()
    rows = [
        {
            "id": line.id, "organization_id": tx.organization_id, "unit_id": line.unit_id, "user_id": tx.actor.user_id,
            "user_name": tx.actor.name, "temperature_celsius": line.celsius, "humidity_percent": line.humidity_percent,
            "low_celsius": _decimal(limits[line.id][0]), "high_celsius": _decimal(limits[line.id][1]),
            "is_in_range": is_in_range(line.celsius, *limits[line.id]), "notes": line.notes or None, "photo_file_id": photos.get(line.id),
            "recorded_at": line.recorded_at, "corrects_id": line.corrects_id,
        }
        for line in lines
    ]  # fmt: skip
    statement = insert(ManualTemperatureLog).values(rows).on_conflict_do_nothing().returning(col(ManualTemperatureLog.id))
    return set((await tx.execute(statement)).scalars())


async def _keep(tx: Transaction, log_id: UUID, photo: Picture) -> UUID:
    return (await keep_file(tx, photo.content, file_name=f"{log_id}.{photo.extension}", mime_type=photo.mime_type)).id


async def _follow(
    tx: Transaction, lines: Sequence[Written], units: Mapping[UUID, Watched], limits: Mapping[UUID, Limits], at: datetime
) -> None:
    """What a kept line leads to: its line in the event log, what was done about it, and the unit has been looked after."""
    if not lines:
        return
    newest: dict[UUID, datetime] = {}
    for line in lines:
        unit = units[line.unit_id]
        read_at = min(line.recorded_at, at)
        newest[unit.unit_id] = max(read_at, newest.get(unit.unit_id, read_at))
        tx.record(
            "cold_chain.manual_temperature_logs.created", "temperature written down by hand", subject_id=line.id, unit_id=unit.unit_id,
            unit=unit.name, celsius=line.celsius, is_in_range=is_in_range(line.celsius, *limits[line.id]), recorded_at=line.recorded_at,
            notes=line.notes, corrects_id=line.corrects_id,
        )  # fmt: skip
        if line.action and line.action.strip():
            await take_action(
                tx, description=OUT.format(celsius=line.celsius), action_taken=line.action, log_id=line.id, acted_at=read_at,
                subject=Subject("cold_chain.units", unit.unit_id, unit.name, "cold_chain.view", unit.site_id),
                photo=Photo(f"{line.id}", line.photo.content) if line.photo else None,
            )  # fmt: skip
        tx.emit(TemperatureWritten(unit_id=unit.unit_id))
        tx.emit(UnitChanged(unit_id=unit.unit_id))
    values = {"organization_id": tx.organization_id, "ids": columns.ids(newest), "times": columns.instants(newest.values())}
    await tx.execute(_NOTE, values)
    await note_manual_logs(tx, list(newest), at)


async def _limits(
    tx: Transaction, lines: Sequence[Written], units: Mapping[UUID, Watched], at: datetime
) -> Mapping[UUID, Limits]:
    """The limits (low, high) that held when each line was read."""
    earliest = min((line.recorded_at for line in lines), default=at)
    spans = await limits_since(tx, set(units), earliest) if units else {}
    found = {}
    for line in lines:
        then = next((one for one in spans.get(line.unit_id, ()) if one.since <= min(line.recorded_at, at) < one.until), None)
        found[line.id] = (then.low_celsius, then.high_celsius) if then else (None, None)
    return found


def _decimal(limit: float | None) -> Decimal | None:
    return None if limit is None else round(Decimal(str(limit)), 2)
