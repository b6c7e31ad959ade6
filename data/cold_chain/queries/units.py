"""Which sites, areas, units and sensors there are, and how they are, for whoever may look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, asc, case, desc, func, or_, true
from sqlmodel import col, select

from data.cold_chain import rules
from data.cold_chain.queries.watch import SAID, with_rules
from data.cold_chain.rules import Rule
from data.cold_chain.rules.trend import Outlook, Trend, outlook
from data.cold_chain.tables import AlertRule, Area, Device, Site, Unit
from data.cold_chain.values import UnitStatus, UnitType
from data.core.errors import NotFound
from data.core.session import Transaction

VIEW = "cold_chain.view"
Sort = Literal["site", "name", "status", "temperature", "age"]

BY_URGENCY = (
    UnitStatus.ALARM_ACTIVE, UnitStatus.EXCURSION, UnitStatus.MONITORING_INTERRUPTED, UnitStatus.MANUAL_REQUIRED,
    UnitStatus.OFFLINE, UnitStatus.RESTORING, UnitStatus.OK,
)  # fmt: skip
_URGENCY = case({status: place for place, status in enumerate(BY_URGENCY)}, value=col(Unit.status))


@dataclass(frozen=True, slots=True)
class UnitView:
    """A unit as it is shown: where it stands, how it is, and the rule that holds for it."""

    id: UUID
    name: str
    unit_type: UnitType
    status: UnitStatus
    status_changed_at: datetime
    out_of_range_since_at: datetime | None
    last_reading_at: datetime | None
    last_celsius: float | None
    door_is_open: bool | None
    door_changed_at: datetime | None
    area_id: UUID
    area_name: str
    site_id: UUID
    site_name: str
    time_zone: str
    rule: Rule
    trend: Trend | None = None
    """Kept only where it leads out of the limits, or is too steep."""

    @property
    def outlook(self) -> Outlook | None:
        """When it would be out of limits if it went on like that; None where that is not sure, or it is silent or out already."""
        if self.trend is None or self.last_celsius is None or self.status in rules.SILENT or self.out_of_range_since_at:
            return None
        return outlook(self.rule, self.last_celsius, self.trend)


_VIEW: Select[Any] = with_rules(
    select(Unit, Area.name.label("area_name"), Site.id.label("site_id"), Site.name.label("site_name"), Site.time_zone, *SAID)  # type: ignore[attr-defined, call-overload]
).where(col(Unit.deleted_at).is_(None))


def visible_sites(tx: Transaction, permission: str = VIEW) -> ColumnElement[bool]:
    """The part of a `where` that keeps the sites where the actor has this right."""
    scopes = tx.actor.scopes(permission)
    return true() if scopes is None else col(Site.id).in_(scopes)


async def unit(tx: Transaction, unit_id: UUID) -> UnitView:
    """One unit; NotFound where there is none, or none for this actor."""
    row = (await tx.execute(_VIEW.where(col(Unit.id) == unit_id, visible_sites(tx)))).one_or_none()
    if row is None:
        raise NotFound("There is no such unit.")
    return _view(row)


async def described(tx: Transaction, unit_id: UUID) -> Unit:
    """What people have said of a unit; NotFound as above."""
    await unit(tx, unit_id)
    return await tx.get_one(Unit, unit_id)


async def units(
    tx: Transaction, *, offset: int = 0, limit: int = 50, sort: Sort = "site", descending: bool = False, search: str = "",
    site_id: UUID | None = None,
) -> tuple[Sequence[UnitView], int]:  # fmt: skip
    """A page of the units, and how many there are; `search` looks into the names of units, areas and sites."""
    where = [visible_sites(tx)]
    if site_id:
        where.append(col(Site.id) == site_id)
    if search:
        pattern = f"%{literally(search)}%"
        where.append(or_(*(col(thing.name).ilike(pattern) for thing in (Unit, Area, Site))))
    counted = select(func.count()).select_from(Unit).join(Area).join(Site)
    orders: dict[Sort, tuple[Any, ...]] = {
        "site": (Site.name, Area.sort_order, Area.name), "name": (), "status": (_URGENCY,),
        "temperature": (Unit.last_temperature_celsius,), "age": (Unit.last_reading_at,),
    }  # fmt: skip
    order = [desc(one).nulls_last() if descending else asc(one).nulls_last() for one in (*orders[sort], Unit.name)]
    total = (await tx.execute(counted.where(*where, *_LIVING))).scalar_one()
    rows = await tx.execute(_VIEW.where(*where).order_by(*order, col(Unit.id)).offset(offset).limit(limit))
    return [_view(row) for row in rows], total


@dataclass(frozen=True, slots=True)
class SiteView:
    """A site and how many of its units are how."""

    site: Site
    counts: Mapping[UnitStatus, int]

    @property
    def worst(self) -> UnitStatus | None:
        """The state of the unit that most needs somebody; None where there are no units."""
        return min(self.counts, key=BY_URGENCY.index, default=None)


async def sites(tx: Transaction) -> Sequence[SiteView]:
    """Every site by name, with the states of its units."""
    found = (await tx.exec(select(Site).where(visible_sites(tx), col(Site.deleted_at).is_(None)).order_by(col(Site.name)))).all()
    counted = (
        select(Area.site_id, Unit.status, func.count())
        .select_from(Unit)
        .join(Area)
        .where(col(Area.site_id).in_([one.id for one in found]), col(Unit.deleted_at).is_(None), col(Area.deleted_at).is_(None))
        .group_by(col(Area.site_id), col(Unit.status))
    )
    counts: dict[UUID, dict[UnitStatus, int]] = {one.id: {} for one in found}
    for site_id, status, count in await tx.exec(counted):
        counts[site_id][UnitStatus(status)] = count
    return [SiteView(one, counts[one.id]) for one in found]


_LIVING = (col(Unit.deleted_at).is_(None), col(Area.deleted_at).is_(None), col(Site.deleted_at).is_(None))


async def sensors(tx: Transaction, unit_id: UUID) -> Sequence[Device]:
    """A unit's sensors, the primary one first."""
    await unit(tx, unit_id)
    statement = select(Device).where(Device.unit_id == unit_id, col(Device.deleted_at).is_(None))
    return (await tx.exec(statement.order_by(col(Device.is_primary).desc(), col(Device.name), col(Device.id)))).all()


async def own_rule(tx: Transaction, unit_id: UUID) -> AlertRule | None:
    """What this unit itself says; None where it inherits everything."""
    return (await tx.exec(select(AlertRule).where(AlertRule.unit_id == unit_id))).one_or_none()


@dataclass(slots=True)
class AreaBranch:
    """An area and the names of its units."""

    area: Area
    units: list[Unit] = field(default_factory=list)


@dataclass(slots=True)
class SiteBranch:
    """A site and its areas."""

    site: Site
    areas: list[AreaBranch] = field(default_factory=list)


async def tree(tx: Transaction) -> Sequence[SiteBranch]:
    """Every site with its areas and their units, in the order people gave them, then by name."""
    sites = (await tx.exec(select(Site).where(visible_sites(tx), col(Site.deleted_at).is_(None)).order_by(col(Site.name)))).all()
    branches = {site.id: SiteBranch(site) for site in sites}
    areas = await tx.exec(
        select(Area)
        .where(col(Area.site_id).in_(branches), col(Area.deleted_at).is_(None))
        .order_by(col(Area.sort_order), col(Area.name))
    )
    by_area = {area.id: AreaBranch(area) for area in areas}
    for branch in by_area.values():
        branches[branch.area.site_id].areas.append(branch)
    within = await tx.exec(
        select(Unit)
        .where(col(Unit.area_id).in_(by_area), col(Unit.deleted_at).is_(None))
        .order_by(col(Unit.sort_order), col(Unit.name))
    )
    for one in within:
        by_area[one.area_id].units.append(one)
    return list(branches.values())


async def site(tx: Transaction, site_id: UUID) -> Site:
    found = (await tx.exec(select(Site).where(Site.id == site_id, visible_sites(tx), col(Site.deleted_at).is_(None)))).one_or_none()
    if found is None:
        raise NotFound("There is no such site.")
    return found


async def area(tx: Transaction, area_id: UUID) -> Area:
    statement = select(Area).join(Site).where(Area.id == area_id, visible_sites(tx), col(Area.deleted_at).is_(None))
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such area.")
    return found


def _view(row: Row[Any]) -> UnitView:
    unit: Unit = row[0]
    warmth = unit.last_temperature_celsius
    return UnitView(
        id=unit.id, name=unit.name, unit_type=unit.unit_type, status=unit.status,
        status_changed_at=unit.status_changed_at, out_of_range_since_at=unit.out_of_range_since_at,
        last_reading_at=unit.last_reading_at, last_celsius=None if warmth is None else float(warmth),
        door_is_open=unit.door_is_open, door_changed_at=unit.door_changed_at, area_id=unit.area_id,
        area_name=row.area_name, site_id=row.site_id, site_name=row.site_name, time_zone=row.time_zone,
        rule=rules.settle(dict(row._mapping), unit.unit_type), trend=_trend(unit),
    )  # fmt: skip


def _trend(unit: Unit) -> Trend | None:
    slope, error = unit.trend_celsius_per_hour, unit.trend_error_celsius_per_hour
    return None if slope is None or error is None else Trend(float(slope), float(error))


def literally(search: str) -> str:
    """What was typed, with the signs that `like` would read as wildcards taken as themselves."""
    return search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
