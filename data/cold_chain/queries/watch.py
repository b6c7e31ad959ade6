"""Units as whoever judges them needs them: the rule that holds, the state they are in, locked until that is decided."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, any_, bindparam, func
from sqlalchemy.orm import aliased
from sqlalchemy.types import NullType
from sqlmodel import col, select

from data.cold_chain import rules
from data.cold_chain.rules import INHERITED, Rule, State, doors
from data.cold_chain.rules.doors import Mask
from data.cold_chain.rules.excursions import Stretch, begin
from data.cold_chain.tables import AlertRule, Area, Excursion, Site, Unit
from data.core import columns
from data.core.session import Transaction
from data.core.table import uuid7

_OWN, _OF_SITE, _OF_ALL = aliased(AlertRule), aliased(AlertRule), aliased(AlertRule)


class Move(NamedTuple):
    """A unit went from one state to the next; `celsius` is the reading that did it, None where time did."""

    before: State
    after: State
    at: datetime
    celsius: float | None


@dataclass(slots=True)
class Watched:
    """One unit while it is being judged.

    `stretch` is its excursion as long as one lasts, `stretches` all that anything was added to; `mask` is what its door has
    excused today, by the clock of its `zone`.
    """

    unit_id: UUID
    name: str
    site_id: UUID
    zone: str
    rule: Rule
    state: State
    last_reading_at: datetime | None
    last_celsius: float | None
    door_is_open: bool | None
    door_changed_at: datetime | None
    door_seen_at: datetime | None
    mask: Mask = Mask()
    last_manual_log_at: datetime | None = None
    is_written_by_hand: bool = False
    """Whether somebody must write its temperature down, sensor or not."""
    moves: list[Move] = field(default_factory=list)
    stretch: Stretch | None = None
    stretches: list[Stretch] = field(default_factory=list)
    door_closed_at: datetime | None = None
    """Set when it closed while being judged."""
    has_new_mask: bool = False

    @property
    def door_open_since(self) -> datetime | None:
        return self.door_changed_at if self.door_is_open else None

    def read(self, celsius: float, at: datetime, *, heard_at: datetime | None = None) -> bool:
        """Take on a reading newer than all before it, that came at `heard_at`; whether it made this an alarm."""
        if self.state.status is rules.OK and not self.door_is_open and not rules.is_out(self.rule, celsius):
            self.last_reading_at, self.last_celsius = at, celsius  # nearly always
            return False
        self._excuse(at)
        self.last_reading_at, self.last_celsius = at, celsius
        before, since = self.state, self.door_open_since
        if since is not None:
            since = doors.excusing_since(self.mask, self.rule, since, at, self.zone)
        is_old = before.status in rules.SILENT and heard_at is not None and rules.is_late(self.rule, at, heard_at)
        after = rules.judge(before, self.rule, celsius, at, door_open_since=since, is_old=is_old)
        if after.out_since_at is not None or before.out_since_at is not None:
            self._follow(before, after, celsius, at)
        self.move(after, at, celsius)
        return after.status is rules.ALARM and before.status is not rules.ALARM

    def pass_time(self, at: datetime) -> None:
        """Nothing more was heard until then."""
        since = self.door_open_since
        if since is not None:  # what it excuses until then is only counted by the next reading, which knows
            since = doors.excusing_since(self._excused(at), self.rule, since, at, self.zone)
        after = rules.pass_time(
            self.state, self.rule, at, last_reading_at=self.last_reading_at, door_open_since=since,
            last_manual_log_at=self.last_manual_log_at, last_celsius=self.last_celsius,
        )  # fmt: skip
        if after.status is rules.ALARM:
            self._confirm(at)
        self.move(after, at)

    def see_door(self, is_open: bool, at: datetime) -> bool:
        """A door was seen; whether it has moved since it was last."""
        if self.door_seen_at is not None and at <= self.door_seen_at:
            return False
        self.door_seen_at = at
        if is_open is self.door_is_open:
            return False
        if self.door_is_open:
            self._excuse(at)
        self.door_closed_at = None if is_open else at
        self.door_is_open, self.door_changed_at = is_open, at
        return True

    def move(self, after: State, at: datetime, celsius: float | None = None) -> None:
        """Take on a state, and remember the step when it is one."""
        if after is not self.state:
            if after.status is not self.state.status or (after.out_since_at is None) != (self.state.out_since_at is None):
                self.moves.append(Move(self.state, after, at, celsius))
            self.state = after

    def _excuse(self, until: datetime) -> None:
        """Count how long the door was the excuse since the last reading."""
        if self.door_is_open and (mask := self._excused(until)) != self.mask:
            self.mask, self.has_new_mask = mask, True

    def _excused(self, until: datetime) -> Mask:
        since, last_at, celsius = self.door_open_since, self.last_reading_at, self.last_celsius
        if since is None or last_at is None or celsius is None or not rules.is_out(self.rule, celsius):
            return self.mask
        return doors.excuse(self.mask, self.state, self.rule, since, last_at, until, self.zone)

    def _follow(self, before: State, after: State, celsius: float, at: datetime) -> None:
        """Add a reading to the excursion, which begins with the first one outside and ends with the first well inside."""
        is_open = bool(self.door_is_open)
        if self.stretch is not None:
            self._touch().see(celsius, at, interval=self.rule.interval, is_door_open=is_open)
        elif after.out_since_at is not None:
            self.stretch = begin(uuid7(), self.rule, celsius, before.out_since_at or at, is_door_open=is_open)
            self.stretch.peak_at = self.stretch.last_at = at
            self.stretches.append(self.stretch)
        if after.status is rules.ALARM:
            self._confirm(at)
        if after.out_since_at is None and self.stretch is not None:
            self._touch().ended_at, self.stretch = at, None

    def _confirm(self, at: datetime) -> None:
        if self.stretch is not None and self.stretch.confirmed_at is None:
            self._touch().confirmed_at = at

    def _touch(self) -> Stretch:
        assert self.stretch is not None, "there is an excursion"
        if not any(one is self.stretch for one in self.stretches):
            self.stretches.append(self.stretch)
        return self.stretch


def with_rules(statement: Select[Any]) -> Select[Any]:
    """Join to a select from `Unit` its area and site, and the three rules that may say something about it.

    Each join names the organization too: that is what the keys begin with.
    """
    area, site = col(Area.deleted_at).is_(None), col(Site.deleted_at).is_(None)
    no_scope = and_(col(_OF_ALL.unit_id).is_(None), col(_OF_ALL.site_id).is_(None))
    return (
        statement.join(Area, and_(_with_unit(Area), col(Area.id) == Unit.area_id, area))
        .join(Site, and_(_with_unit(Site), col(Site.id) == Area.site_id, site))
        .outerjoin(_OWN, and_(_with_unit(_OWN), col(_OWN.unit_id) == Unit.id))
        .outerjoin(_OF_SITE, and_(_with_unit(_OF_SITE), col(_OF_SITE.site_id) == Area.site_id))
        .outerjoin(_OF_ALL, and_(_with_unit(_OF_ALL), no_scope))
    )


def _with_unit(other: Any) -> ColumnElement[bool]:
    return col(other.organization_id) == Unit.organization_id


def said(name: str) -> Any:
    """The nearest value of one field of the rules that `with_rules` joined."""
    nearest = [getattr(rule, name) for rule in (_OWN, _OF_SITE, _OF_ALL)]
    if name == "manual_interval_minutes":  # units and sites may say this without a rule
        nearest = [Unit.manual_monitoring_interval_minutes, *nearest[:2], col(Site.manual_log_cadence_s) // 60, nearest[2]]
    return func.coalesce(*nearest).label(name)


SAID = tuple(said(name) for name in INHERITED)
_COLUMNS: tuple[Any, ...] = (
    Unit.id, Unit.name, Unit.unit_type, Unit.status, Unit.out_of_range_since_at, Unit.good_readings,
    Unit.last_reading_at, Unit.last_temperature_celsius, Unit.door_is_open, Unit.door_changed_at,
    Unit.door_seen_at, Unit.door_masked_on, Unit.door_masked_s, Unit.last_manual_log_at,
    Unit.is_manual_monitoring_required, Area.site_id, Site.time_zone,
)  # fmt: skip
_WATCHED = with_rules(select(*_COLUMNS, *SAID).select_from(Unit)).where(col(Unit.deleted_at).is_(None))


def _any(name: str) -> Any:
    return any_(bindparam(name, type_=NullType()))


_LOCKED = (
    _WATCHED.where(col(Unit.id) == _any("unit_ids")).order_by(col(Unit.id)).with_for_update(key_share=True, of=Unit)
)
_STRETCH_COLUMNS: tuple[Any, ...] = (
    Excursion.unit_id, Excursion.id, Excursion.started_at, Excursion.low_celsius, Excursion.high_celsius,
    Excursion.peak_celsius, Excursion.peak_at, Excursion.last_reading_at, Excursion.last_celsius, Excursion.degree_minutes,
    Excursion.reading_count, Excursion.was_door_open, Excursion.confirmed_at,
)  # fmt: skip
_STRETCHES = select(*_STRETCH_COLUMNS).where(col(Excursion.unit_id) == _any("unit_ids"), col(Excursion.ended_at).is_(None))


async def locked_units(tx: Transaction, unit_ids: Collection[UUID]) -> dict[UUID, Watched]:
    """These units, locked until the transaction ends; those that do not exist here are not in the answer."""
    rows = await tx.execute(_LOCKED, {"unit_ids": columns.ids(unit_ids)})
    units = {row.id: _watched(row) for row in rows}
    await _add_stretches(tx, [unit for unit in units.values() if unit.state.out_since_at is not None])
    return units


async def _add_stretches(tx: Transaction, units: Collection[Watched]) -> None:
    if not units:
        return
    by_id = {unit.unit_id: unit for unit in units}
    for unit_id, *row in await tx.execute(_STRETCHES, {"unit_ids": columns.ids(by_id)}):
        by_id[unit_id].stretch = _stretch(row)


def _stretch(row: Iterable[Any]) -> Stretch:
    id, started_at, low, high, peak, peak_at, last_at, last, degree_minutes, count, was_door_open, confirmed_at = row
    return Stretch(
        id, started_at, _float(low), _float(high), float(peak), peak_at, last_at, float(last), float(degree_minutes), count,
        was_door_open, confirmed_at,
    )  # fmt: skip


async def known_units(tx: Transaction, unit_ids: Collection[UUID]) -> set[UUID]:
    """Which of these units there are."""
    statement = select(Unit.id).where(col(Unit.id) == _any("unit_ids"), col(Unit.deleted_at).is_(None))
    return set((await tx.execute(statement, {"unit_ids": columns.ids(unit_ids)})).scalars())


def _watched(row: Iterable[Any]) -> Watched:
    """By position: a batch asks for hundreds of these."""
    (
        unit_id, name, unit_type, status, out_since_at, good_readings, last_reading_at, warmth, door_is_open, door_changed_at,
        door_seen_at, masked_on, masked_s, last_manual_log_at, is_written_by_hand, site_id, zone, *said_by_any,
    ) = row  # fmt: skip
    return Watched(
        unit_id, name, site_id, zone, rules.settled(unit_type, *said_by_any), State(status, out_since_at, good_readings),
        last_reading_at, _float(warmth), door_is_open, door_changed_at, door_seen_at, Mask(masked_on, masked_s), last_manual_log_at,
        is_written_by_hand,
    )  # fmt: skip


def _float(number: Any) -> float | None:
    return None if number is None else float(number)
