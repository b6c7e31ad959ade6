"""Whose temperature is written down next, and what was written down: by whom, when, and what was done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, case, func, literal, true
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from data.alerts.tables import CorrectiveAction
from data.cold_chain import rules
from data.cold_chain.queries.units import VIEW, visible_sites
from data.cold_chain.queries.watch import SAID, said, with_rules
from data.cold_chain.rules import Rule
from data.cold_chain.tables import Area, ManualTemperatureLog, Site, Unit
from data.cold_chain.values import UnitStatus, UnitType
from data.core.errors import NotFound
from data.core.session import Transaction
from data.platform import queries as platform
from data.platform.tables import File

LOG = "cold_chain.log"
_Correction = aliased(ManualTemperatureLog)


@dataclass(frozen=True, slots=True)
class RoundUnit:
    """A unit on somebody's round: what it may be, what was last known of it, and when it must be written down."""

    id: UUID
    name: str
    unit_type: UnitType
    status: UnitStatus
    area_name: str
    site_id: UUID
    site_name: str
    time_zone: str
    rule: Rule
    last_celsius: float | None
    last_at: datetime | None
    is_by_hand: bool
    """Whether what was last known was written down by somebody."""
    due_at: datetime
    is_due: bool


def _settled(name: str) -> Any:
    return func.coalesce(said(name), rules.DEFAULTS[name])


_minutes = _settled("manual_interval_minutes") + _settled("manual_grace_minutes")
_newest = case(
    (col(Unit.is_manual_monitoring_required), Unit.last_manual_log_at),
    else_=func.greatest(Unit.last_manual_log_at, Unit.last_reading_at),
)
_due_at = func.coalesce(_newest, Unit.created_at) + _minutes * literal(timedelta(minutes=1))
_last = (
    select(col(ManualTemperatureLog.temperature_celsius), col(ManualTemperatureLog.recorded_at))
    .where(
        ManualTemperatureLog.organization_id == Unit.organization_id,
        ManualTemperatureLog.unit_id == Unit.id,
        ~select(_Correction.id)
        .where(_Correction.organization_id == ManualTemperatureLog.organization_id, _Correction.corrects_id == ManualTemperatureLog.id)
        .exists(),
    )
    .order_by(col(ManualTemperatureLog.recorded_at).desc())
    .limit(1)
    .lateral("last_by_hand")
)


async def round_of(
    tx: Transaction, at: datetime, *, site_id: UUID | None = None, only_due: bool = False, limit: int = 500
) -> Sequence[RoundUnit]:
    """The units of a site (or of all) in the order of a round: those that must be written down first, then as they stand."""
    is_due = (col(Unit.status) == UnitStatus.MANUAL_REQUIRED) | (_due_at <= at)
    statement = (
        with_rules(
            select(  # type: ignore[call-overload]
                Unit, Area.name.label("area_name"), Site.id.label("site_id"), Site.name.label("site_name"), Site.time_zone,  # type: ignore[attr-defined]
                _due_at.label("due_at"), is_due.label("is_due"), _last.c.temperature_celsius.label("hand_celsius"),
                _last.c.recorded_at.label("hand_at"), *SAID,
            )
        )  # fmt: skip
        .outerjoin(_last, true())
        .where(col(Unit.deleted_at).is_(None), col(Unit.is_active), visible_sites(tx))
    )
    if site_id:
        statement = statement.where(col(Site.id) == site_id)
    if only_due:
        statement = statement.where(is_due)
    order: tuple[Any, ...] = (
        is_due.desc(), (col(Unit.status) == UnitStatus.MANUAL_REQUIRED).desc(), case((is_due, _due_at)),
        Site.name, Area.sort_order, Area.name, Unit.sort_order, Unit.name, Unit.id,
    )  # fmt: skip
    return [_round_unit(row) for row in await tx.execute(statement.order_by(*order).limit(limit))]


async def due_count(tx: Transaction, at: datetime) -> int:
    """How many units must be written down by now and are not."""
    is_due = (col(Unit.status) == UnitStatus.MANUAL_REQUIRED) | (_due_at <= at)
    counted = with_rules(select(func.count()).select_from(Unit))
    statement = counted.where(col(Unit.deleted_at).is_(None), col(Unit.is_active), visible_sites(tx), is_due)
    return int((await tx.execute(statement)).scalar_one())


def _round_unit(row: Row[Any]) -> RoundUnit:
    unit: Unit = row[0]
    sensor = None if unit.last_temperature_celsius is None else float(unit.last_temperature_celsius)
    is_by_hand = row.hand_at is not None and (unit.last_reading_at is None or row.hand_at > unit.last_reading_at)
    return RoundUnit(
        id=unit.id, name=unit.name, unit_type=unit.unit_type, status=unit.status, area_name=row.area_name, site_id=row.site_id,
        site_name=row.site_name, time_zone=row.time_zone, rule=rules.settle(dict(row._mapping), unit.unit_type),
        last_celsius=float(row.hand_celsius) if is_by_hand else sensor, last_at=row.hand_at if is_by_hand else unit.last_reading_at,
        is_by_hand=is_by_hand, due_at=row.due_at, is_due=row.is_due,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogView:
    """A line that somebody wrote, where, what they did, and the line that corrects it where there is one."""

    log: ManualTemperatureLog
    unit_name: str
    area_name: str
    site_id: UUID
    site_name: str
    time_zone: str
    action: str | None
    corrected_by_id: UUID | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: None everywhere is all of them."""

    site_id: UUID | None = None
    unit_ids: Sequence[UUID] | None = None
    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_out_only: bool = False
    search: str = ""


def _together(one: Any, other: Any) -> ColumnElement[bool]:
    """Keys begin with the organization."""
    same: ColumnElement[bool] = col(one.organization_id) == other.organization_id
    return same


_VIEW = (
    select(  # type: ignore[call-overload]
        ManualTemperatureLog, Unit.name.label("unit_name"), Area.name.label("area_name"), Site.id.label("site_id"),  # type: ignore[attr-defined]
        Site.name.label("site_name"), Site.time_zone, CorrectiveAction.action_taken, _Correction.id.label("corrected_by_id"),  # type: ignore[attr-defined]
    )
    .join(Unit, and_(_together(Unit, ManualTemperatureLog), col(Unit.id) == ManualTemperatureLog.unit_id))
    .join(Area, and_(_together(Area, Unit), col(Area.id) == Unit.area_id))
    .join(Site, and_(_together(Site, Area), col(Site.id) == Area.site_id))
    .outerjoin(CorrectiveAction, and_(_together(CorrectiveAction, ManualTemperatureLog), col(CorrectiveAction.log_id) == ManualTemperatureLog.id))
    .outerjoin(_Correction, and_(_together(_Correction, ManualTemperatureLog), col(_Correction.corrects_id) == ManualTemperatureLog.id))
)  # fmt: skip
"""Lines about units that are gone since are still shown: they are evidence."""


def _where(tx: Transaction, wanted: Wanted) -> list[ColumnElement[bool]]:
    line = ManualTemperatureLog
    where = [visible_sites(tx)]
    if wanted.site_id is not None:
        where.append(col(Site.id) == wanted.site_id)
    if wanted.user_id is not None:
        where.append(col(line.user_id) == wanted.user_id)
    if wanted.since is not None:
        where.append(col(line.recorded_at) >= wanted.since)
    if wanted.until is not None:
        where.append(col(line.recorded_at) < wanted.until)
    if wanted.unit_ids is not None:
        where.append(col(line.unit_id).in_(wanted.unit_ids))
    if wanted.is_out_only:
        where.append(~col(line.is_in_range))
    if wanted.search:
        where.append(col(Unit.name).icontains(wanted.search, autoescape=True) | col(line.user_name).icontains(wanted.search, autoescape=True))
    return where


async def page(
    tx: Transaction, wanted: Wanted, *, offset: int = 0, limit: int = 50, sort: str = "recorded_at", descending: bool = True
) -> tuple[Sequence[LogView], int]:
    """A page of the lines and how many there are; `sort` is recorded_at, temperature, unit or who."""
    tx.actor.require(VIEW)
    where = _where(tx, wanted)
    line = ManualTemperatureLog
    by: dict[str, Any] = {"temperature": line.temperature_celsius, "unit": Unit.name, "who": line.user_name}
    key = col(by.get(sort, line.recorded_at))
    total = (await tx.execute(_VIEW.where(*where).with_only_columns(func.count()).order_by(None))).scalar_one()
    order = key.desc() if descending else key.asc()
    rows = await tx.execute(_VIEW.where(*where).order_by(order, col(line.recorded_at).desc(), col(line.id)).offset(offset).limit(limit))
    return [LogView(*row) for row in rows], int(total)


async def log(tx: Transaction, log_id: UUID) -> LogView:
    """One line; NotFound where there is none, or none for this actor."""
    row = (await tx.execute(_VIEW.where(col(ManualTemperatureLog.id) == log_id, visible_sites(tx)))).one_or_none()
    if row is None:
        raise NotFound("There is no such entry.")
    return LogView(*row)


async def photo(tx: Transaction, log_id: UUID) -> File:
    """The photo of one line."""
    found = (await log(tx, log_id)).log
    if found.photo_file_id is None:
        raise NotFound("There is no such file.")
    return await platform.file(tx, found.photo_file_id)


async def writers(tx: Transaction) -> Sequence[tuple[UUID, str]]:
    """Everybody who ever wrote a line that this actor may see, by name."""
    tx.actor.require(VIEW)
    statement = (
        _VIEW.with_only_columns(ManualTemperatureLog.user_id, func.max(ManualTemperatureLog.user_name))
        .where(visible_sites(tx), col(ManualTemperatureLog.user_id).is_not(None))
        .group_by(ManualTemperatureLog.user_id)
        .order_by(func.max(ManualTemperatureLog.user_name))
    )
    return [(user_id, name) for user_id, name in await tx.execute(statement)]
