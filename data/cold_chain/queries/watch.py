"""Units as whoever judges them needs them: the rule that holds, the state they are in, locked until that is decided."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, any_, bindparam, func, or_
from sqlalchemy.orm import aliased
from sqlalchemy.types import NullType
from sqlmodel import col, select

from data.cold_chain import rules
from data.cold_chain.rules import INHERITED, Rule, State
from data.cold_chain.tables import AlertRule, Area, Device, Site, Unit
from data.cold_chain.values import UnitStatus
from data.core import columns
from data.core.session import Transaction

_OWN, _OF_SITE, _OF_ALL = aliased(AlertRule), aliased(AlertRule), aliased(AlertRule)


class Move(NamedTuple):
    """A unit went from one state to the next; `celsius` is the reading that did it, None where time did."""

    before: State
    after: State
    at: datetime
    celsius: float | None


@dataclass(slots=True)
class Watched:
    """One unit while it is being judged."""

    unit_id: UUID
    name: str
    site_id: UUID
    rule: Rule
    state: State
    last_reading_at: datetime | None
    last_celsius: float | None
    door_is_open: bool | None
    door_changed_at: datetime | None
    door_seen_at: datetime | None
    moves: list[Move] = field(default_factory=list)

    @property
    def door_open_since(self) -> datetime | None:
        return self.door_changed_at if self.door_is_open else None

    def move(self, after: State, at: datetime, celsius: float | None = None) -> None:
        """Take on a state, and remember the step when it is one."""
        if after is not self.state:
            if after.status is not self.state.status or (after.out_since_at is None) != (self.state.out_since_at is None):
                self.moves.append(Move(self.state, after, at, celsius))
            self.state = after


@dataclass(slots=True)
class Sensor:
    """Who speaks of which unit (None: it is assigned to none), and whether it speaks for the unit's temperature."""

    device_id: UUID
    unit_id: UUID | None
    is_primary: bool
    unit: Watched | None = None
    """Set while the unit is locked and judged."""


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
    return func.coalesce(*(getattr(rule, name) for rule in (_OWN, _OF_SITE, _OF_ALL))).label(name)


SAID = tuple(said(name) for name in INHERITED)
_COLUMNS: tuple[Any, ...] = (
    Unit.id, Unit.name, Unit.unit_type, Unit.status, Unit.out_of_range_since_at, Unit.good_readings,
    Unit.last_reading_at, Unit.last_temperature_celsius, Unit.door_is_open, Unit.door_changed_at,
    Unit.door_seen_at, Area.site_id,
)  # fmt: skip
_WATCHED = with_rules(select(*_COLUMNS, *SAID).select_from(Unit)).where(col(Unit.deleted_at).is_(None))


def _any(name: str) -> Any:
    return any_(bindparam(name, type_=NullType()))


_LOCKED = (
    _WATCHED.where(col(Unit.id) == _any("unit_ids")).order_by(col(Unit.id)).with_for_update(key_share=True, of=Unit)
)
_SENSOR_COLUMNS: tuple[Any, ...] = (Device.id, Device.device_eui, col(Unit.id).label("unit_id"), Device.is_primary)
_SENSOR = (
    select(*_SENSOR_COLUMNS)
    .outerjoin(Unit, and_(_with_unit(Device), col(Unit.id) == Device.unit_id, col(Unit.deleted_at).is_(None)))
    .where(col(Device.deleted_at).is_(None))
)
_SENSORS_BY_EUI = _SENSOR.where(col(Device.device_eui) == _any("device_euis"))
_SENSORS_BY_ID = _SENSOR.where(col(Device.id) == _any("device_ids"))


async def locked_units(tx: Transaction, unit_ids: Collection[UUID]) -> dict[UUID, Watched]:
    """These units, locked until the transaction ends; those that do not exist here are not in the answer."""
    rows = await tx.execute(_LOCKED, {"unit_ids": columns.ids(unit_ids)})
    return {row.id: _watched(row) for row in rows}


async def known_units(tx: Transaction, unit_ids: Collection[UUID]) -> set[UUID]:
    """Which of these units there are."""
    statement = select(Unit.id).where(col(Unit.id) == _any("unit_ids"), col(Unit.deleted_at).is_(None))
    return set((await tx.execute(statement, {"unit_ids": columns.ids(unit_ids)})).scalars())


def _watched(row: Iterable[Any]) -> Watched:
    """By position: a batch asks for hundreds of these."""
    (
        unit_id, name, unit_type, status, out_since_at, good_readings, last_reading_at, warmth, door_is_open, door_changed_at,
        door_seen_at, site_id, *said_by_any,
    ) = row  # fmt: skip
    return Watched(
        unit_id, name, site_id, rules.settled(unit_type, *said_by_any), State(status, out_since_at, good_readings),
        last_reading_at, None if warmth is None else float(warmth), door_is_open, door_changed_at, door_seen_at,
    )  # fmt: skip


async def sensors_by_eui(tx: Transaction, device_euis: Collection[str]) -> dict[str, Sensor]:
    """Our living sensors with these EUIs."""
    rows = await tx.execute(_SENSORS_BY_EUI, {"device_euis": columns.texts(device_euis)})
    return {row.device_eui: Sensor(row.id, row.unit_id, row.is_primary) for row in rows}


async def sensors_by_id(tx: Transaction, device_ids: Collection[UUID]) -> dict[UUID, Sensor]:
    """Our living sensors with these ids."""
    rows = await tx.execute(_SENSORS_BY_ID, {"device_ids": columns.ids(device_ids)})
    return {row.id: Sensor(row.id, row.unit_id, row.is_primary) for row in rows}


async def due(tx: Transaction, at: datetime) -> Mapping[UUID, Sequence[UUID]]:
    """Which units time alone may have changed, by organization (across tenants): too warm for long, or too long silent."""

    def settled(name: str) -> Any:
        return func.coalesce(said(name), rules.DEFAULTS[name])

    def since(instant: Any) -> Any:
        return func.extract("epoch", at - instant)

    missed = func.floor(
        (since(Unit.last_reading_at) - rules.CHECK_IN_SLACK / timedelta(seconds=1)) / settled("expected_reading_interval_s")
    )
    shortest_delay = func.least(settled("delay_minutes"), settled("delay_door_open_minutes")) * 60
    silent = (UnitStatus.MONITORING_INTERRUPTED, UnitStatus.MANUAL_REQUIRED)
    statement = (
        with_rules(select(Unit.organization_id, func.array_agg(Unit.id)).select_from(Unit))  # type: ignore[arg-type]
        .where(col(Unit.deleted_at).is_(None), col(Unit.is_active))
        .where(
            or_(
                and_(col(Unit.status) == UnitStatus.EXCURSION, since(Unit.out_of_range_since_at) >= shortest_delay),
                and_(
                    col(Unit.status).in_((UnitStatus.OK, UnitStatus.RESTORING)),
                    missed >= settled("offline_warning_missed_checkins"),
                ),
                and_(col(Unit.status).not_in(silent), missed >= settled("offline_critical_missed_checkins")),
            )
        )
        .group_by(col(Unit.organization_id))
    )
    return {organization_id: unit_ids for organization_id, unit_ids in await tx.execute(statement)}
