"""When units were outside their limits, for how long and by how much, why, and what was done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, text
from sqlmodel import col, select

from data.alerts.tables import CorrectiveAction
from data.cold_chain.queries.units import visible_sites
from data.cold_chain.rules.excursions import Past, suggest_cause
from data.cold_chain.tables import Area, Excursion, Site, Unit
from data.cold_chain.values import Direction, ExcursionCause, UnitType
from data.core import columns
from data.core.errors import NotFound
from data.core.session import Transaction
from data.identity.tables import User

VIEW = "cold_chain.view"
LOOKED_BACK = timedelta(days=3)
"""Whether it happens at the same hours is told by the excursions of so many days."""

Sort = Literal["started", "lasted", "peak", "size", "unit"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which excursions; everything that is None does not narrow."""

    site_id: UUID | None = None
    unit_id: UUID | None = None
    is_open: bool | None = None
    is_cause_missing: bool = False
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class ExcursionView:
    """An excursion as it is shown, with its unit and place. °C and °C·min."""

    excursion: Excursion
    unit_name: str
    unit_type: UnitType
    area_name: str
    site_id: UUID
    site_name: str
    time_zone: str
    cause_by: str | None
    action_count: int

    @property
    def limit_celsius(self) -> float | None:
        """The limit that was broken."""
        one = self.excursion
        limit = one.high_celsius if one.direction is Direction.ABOVE else one.low_celsius
        return None if limit is None else float(limit)

    @property
    def beyond_celsius(self) -> float:
        """How far outside it was at worst."""
        return 0.0 if self.limit_celsius is None else abs(float(self.excursion.peak_celsius) - self.limit_celsius)

    def lasted(self, at: datetime) -> timedelta:
        """From beginning to end, or until `at` where it lasts."""
        return (self.excursion.ended_at or at) - self.excursion.started_at


_ACTIONS = (
    select(func.count())
    .select_from(CorrectiveAction)
    .where(col(CorrectiveAction.organization_id) == Excursion.organization_id, col(CorrectiveAction.alert_id) == Excursion.alert_id)
    .correlate(Excursion)
    .scalar_subquery()
)
_VIEW: Select[Any] = (
    select(  # type: ignore[call-overload]
        Excursion, Unit.name, Unit.unit_type, Area.name, Site.id, Site.name, Site.time_zone, User.name, _ACTIONS
    )
    .join(Unit, and_(col(Unit.organization_id) == Excursion.organization_id, col(Unit.id) == Excursion.unit_id))
    .join(Area, and_(col(Area.organization_id) == Unit.organization_id, col(Area.id) == Unit.area_id))
    .join(Site, and_(col(Site.organization_id) == Area.organization_id, col(Site.id) == Area.site_id))
    .outerjoin(User, col(User.id) == Excursion.cause_by)
)
_LASTED = func.coalesce(Excursion.ended_at, func.now()) - Excursion.started_at
_ORDERS: Mapping[Sort, Any] = {
    "started": Excursion.started_at, "lasted": _LASTED, "size": Excursion.degree_minutes, "unit": Unit.name,
    "peak": func.greatest(
        col(Excursion.peak_celsius) - col(Excursion.high_celsius), col(Excursion.low_celsius) - col(Excursion.peak_celsius)
    ),
}  # fmt: skip


async def page(
    tx: Transaction, wanted: Wanted, *, offset: int = 0, limit: int = 50, sort: Sort = "started", descending: bool = True
) -> tuple[Sequence[ExcursionView], int]:
    """A page of the excursions that the actor may see, and how many there are."""
    where = _where(tx, wanted)
    order = _ORDERS[sort].desc() if descending else _ORDERS[sort].asc()
    rows = await tx.execute(_VIEW.where(*where).order_by(order, col(Excursion.id)).offset(offset).limit(limit))
    counted = _VIEW.with_only_columns(func.count(), maintain_column_froms=True).where(*where)
    return [ExcursionView(*row) for row in rows], (await tx.execute(counted)).scalar_one()


def _where(tx: Transaction, wanted: Wanted) -> list[Any]:
    where: list[Any] = [visible_sites(tx, VIEW)]
    if wanted.site_id:
        where.append(col(Site.id) == wanted.site_id)
    if wanted.unit_id:
        where.append(Excursion.unit_id == wanted.unit_id)
    if wanted.is_open is not None:
        where.append(col(Excursion.ended_at).is_(None) if wanted.is_open else col(Excursion.ended_at).is_not(None))
    if wanted.is_cause_missing:
        where.append(Excursion.cause == ExcursionCause.UNKNOWN)
    if wanted.since:
        where.append(or_(col(Excursion.ended_at).is_(None), col(Excursion.ended_at) >= wanted.since))
    if wanted.until:
        where.append(col(Excursion.started_at) < wanted.until)
    if wanted.search:
        pattern = "%" + wanted.search.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        where.append(or_(*(col(thing.name).ilike(pattern) for thing in (Unit, Area, Site))))
    return where


async def excursion(tx: Transaction, excursion_id: UUID) -> ExcursionView:
    """One of them; NotFound where there is none, or none for this actor."""
    row = (await tx.execute(_VIEW.where(col(Excursion.id) == excursion_id, visible_sites(tx, VIEW)))).one_or_none()
    if row is None:
        raise NotFound("There is no such excursion.")
    return ExcursionView(*row)


_EARLIER = text("""
select e.id, array_agg(o.started_at)
from cold_chain.excursions e
join cold_chain.excursions o on o.organization_id = e.organization_id and o.unit_id = e.unit_id
  and o.started_at < e.started_at and o.started_at >= e.started_at - :looked_back
where e.organization_id = :organization_id and e.id = any(:ids)
group by e.id
""")

_AROUND = text("""
select e.id, a.alert_type from cold_chain.excursions e
join alerts.alerts a on a.organization_id = e.organization_id
  and (a.subject_id = e.unit_id and a.alert_type = any(:of_units) or a.subject_id = any(:sites) and a.alert_type = any(:of_sites))
  and a.triggered_at <= coalesce(e.ended_at, 'infinity')
  and coalesce(a.resolved_at, 'infinity') >= e.started_at - interval '1 hour'
join cold_chain.units u on u.organization_id = e.organization_id and u.id = e.unit_id
join cold_chain.areas r on r.organization_id = u.organization_id and r.id = u.area_id
where e.organization_id = :organization_id and e.id = any(:ids) and (a.subject_id = e.unit_id or a.subject_id = r.site_id)
""")


async def suggestions(tx: Transaction, views: Sequence[ExcursionView]) -> Mapping[UUID, ExcursionCause]:
    """What each most likely came from, by what else happened there and at what hours it happens."""
    if not views:
        return {}
    ids = columns.ids([view.excursion.id for view in views])
    asked = {"organization_id": tx.organization_id, "ids": ids}
    rows = await tx.execute(_EARLIER, asked | {"looked_back": LOOKED_BACK})
    earlier: dict[UUID, Sequence[datetime]] = {excursion_id: times for excursion_id, times in rows}
    around: dict[UUID, set[str]] = {}
    kinds = {
        "of_units": columns.texts(["suspected_cooling_failure", "sensor_fault"]), "of_sites": columns.texts(["site_outage"]),
        "sites": columns.ids({view.site_id for view in views}),
    }  # fmt: skip
    for excursion_id, kind in await tx.execute(_AROUND, asked | kinds):
        around.setdefault(excursion_id, set()).add(kind)
    return {
        view.excursion.id: suggest_cause(
            _past(view, earlier.get(view.excursion.id, ()), around.get(view.excursion.id, frozenset()))
        )
        for view in views
    }


def _past(view: ExcursionView, earlier: Sequence[datetime], kinds: set[str] | frozenset[str]) -> Past:
    one = view.excursion
    return Past(
        view.unit_type, one.direction, one.started_at, one.ended_at, view.beyond_celsius, one.was_door_open,
        has_cooling_failure="suspected_cooling_failure" in kinds, has_sensor_fault="sensor_fault" in kinds,
        is_in_outage="site_outage" in kinds, earlier=earlier,
    )  # fmt: skip


async def actions(tx: Transaction, view: ExcursionView) -> Sequence[tuple[CorrectiveAction, str | None]]:
    """What people did about it, and who: by its alert, or about its unit while it lasted."""
    one = view.excursion
    during = and_(
        col(CorrectiveAction.subject_id) == one.unit_id, col(CorrectiveAction.acted_at) >= one.started_at,
        col(CorrectiveAction.acted_at) <= (one.ended_at or func.now()),
    )  # fmt: skip
    statement = (
        select(CorrectiveAction, User.name)
        .outerjoin(User, col(User.id) == CorrectiveAction.acted_by)
        .where(or_(during, col(CorrectiveAction.alert_id) == one.alert_id) if one.alert_id else during)
        .order_by(col(CorrectiveAction.acted_at))
    )
    return [(action, name) for action, name in await tx.exec(statement)]
