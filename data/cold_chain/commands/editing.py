"""Places change: they are renamed, moved, watched by hand, taken away with all that stands in them, and brought back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import col, select

from data.alerts.commands import resolve_all_open
from data.cold_chain.commands.places import EDIT, exists, named
from data.cold_chain.events import PlacesChanged, UnitChanged
from data.cold_chain.queries import units as queries
from data.cold_chain.tables import Area, Site, Unit
from data.cold_chain.values import ComplianceMode, UnitType
from data.core import columns
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now, zone

DELETE = "cold_chain.delete"
SHORTEST_INTERVAL_MINUTES, LONGEST_INTERVAL_MINUTES = 15, 7 * 24 * 60
TAKEN_AWAY = "The unit was taken away."

_END_EXCURSIONS = text("""
update cold_chain.excursions set ended_at = greatest(started_at, least(last_reading_at, :at))
where organization_id = :organization_id and unit_id = any(:ids) and ended_at is null
""")


async def edit_site(
    tx: Transaction, site_id: UUID, *, name: str, time_zone: str, address: str | None = None, city: str | None = None,
    postal_code: str | None = None, country: str | None = None, latitude: float | None = None, longitude: float | None = None,
    compliance_mode: ComplianceMode = ComplianceMode.STANDARD, manual_interval_minutes: int | None = None,
    is_corrective_action_required: bool = False,
) -> None:  # fmt: skip
    """Describe a site anew. `manual_interval_minutes` is how often its units are to be measured by hand, where they say nothing;
    `is_corrective_action_required` lets no excursion be explained before what was done about it is written down."""
    tx.actor.require(EDIT, site_id)
    site = await queries.site(tx, site_id)
    name = named(name)
    if await exists(tx, Site, name, col(Site.id) != site.id):
        raise Conflict("There is already a site called {name}.", name=name)
    if (latitude is None) is not (longitude is None):
        raise Invalid("longitude" if longitude is None else "latitude", "A place has both, latitude and longitude.")
    site.name, site.time_zone, site.address, site.city = name, zone(time_zone).key, address or None, city or None
    site.postal_code, site.country, site.latitude, site.longitude = postal_code or None, country or None, latitude, longitude
    site.compliance_mode, minutes = compliance_mode, _interval(manual_interval_minutes)
    site.is_corrective_action_required = is_corrective_action_required
    site.manual_log_cadence_s = None if minutes is None else minutes * 60
    tx.add(site)
    tx.emit(PlacesChanged(site_id=site.id))


async def edit_area(tx: Transaction, area_id: UUID, *, name: str, description: str | None = None, sort_order: int = 0) -> None:
    area = await queries.area(tx, area_id)
    tx.actor.require(EDIT, area.site_id)
    name = named(name)
    if await exists(tx, Area, name, col(Area.site_id) == area.site_id, col(Area.id) != area.id):
        raise Conflict("There is already an area called {name} in {site}.", name=name, site=(await queries.site(tx, area.site_id)).name)
    area.name, area.description, area.sort_order = name, description or None, sort_order
    tx.add(area)
    tx.emit(PlacesChanged(site_id=area.site_id))


async def edit_unit(
    tx: Transaction, unit_id: UUID, *, name: str, unit_type: UnitType, area_id: UUID, sort_order: int = 0, is_active: bool = True,
    is_manual_monitoring_required: bool = False, manual_interval_minutes: int | None = None,
) -> None:  # fmt: skip
    """Describe a unit anew, or move it to another area. One that is not in use is neither judged nor missed."""
    seen = await queries.unit(tx, unit_id)
    area = await queries.area(tx, area_id)
    for site_id in (seen.site_id, area.site_id):
        tx.actor.require(EDIT, site_id)
    name = named(name)
    if await exists(tx, Unit, name, col(Unit.area_id) == area.id, col(Unit.id) != unit_id):
        raise Conflict("There is already a unit called {name} in {area}.", name=name, area=area.name)
    unit = await tx.get_one(Unit, unit_id, with_for_update=True)
    if unit.is_active and not is_active:
        await _let_go(tx, [unit_id], now())
    unit.name, unit.unit_type, unit.area_id, unit.sort_order, unit.is_active = name, unit_type, area.id, sort_order, is_active
    unit.is_manual_monitoring_required = is_manual_monitoring_required
    unit.manual_monitoring_interval_minutes = _interval(manual_interval_minutes)
    tx.add(unit)
    tx.emit(UnitChanged(unit_id=unit_id))
    tx.emit(PlacesChanged(site_id=area.site_id))


async def take_away(tx: Transaction, kind: type[Site] | type[Area] | type[Unit], place_id: UUID) -> None:
    """Delete a place with all that stands in it; what was recorded stays, and `bring_back` undoes it."""
    place = await _place(tx, kind, place_id)
    site_id = await _site_of(tx, place)
    _require_to_delete(tx, place, site_id)
    at = now()
    if isinstance(place, Site):
        areas = await _areas(tx, col(Area.site_id) == place.id)
        units = await _units(tx, col(Unit.area_id).in_(areas))
    elif isinstance(place, Area):
        areas, units = [], await _units(tx, col(Unit.area_id) == place.id)
    else:
        areas, units = [], []
    place.deleted_at = at
    tx.add(place)
    await tx.execute(update(Area).where(col(Area.id).in_(areas)).values(deleted_at=at))
    await tx.execute(update(Unit).where(col(Unit.id).in_(units)).values(deleted_at=at))
    await _let_go(tx, [*units, place.id], at)
    tx.record(
        "cold_chain.places.taken_away", "place taken away", subject_id=place.id, severity="warning", name=place.name,
        areas=len(areas), units=len(units),
    )  # fmt: skip
    tx.emit(PlacesChanged(site_id=site_id))
    for unit_id in units or [place.id]:
        tx.emit(UnitChanged(unit_id=unit_id))


async def bring_back(tx: Transaction, place_id: UUID) -> None:
    """Undo `take_away`: the place, and what went with it. NotFound after a month, or where what it stood in is gone too; Conflict
    where its name was given anew."""
    place = next((one for one in await deleted(tx) if one.id == place_id), None)
    if place is None:
        raise NotFound("This cannot be brought back any more.")
    at = place.deleted_at
    site_id = await _site_of(tx, place, is_gone=True)
    _require_to_delete(tx, place, site_id)
    inside: tuple[Any, ...] = ()
    if isinstance(place, Area):
        inside = (col(Area.site_id) == place.site_id,)
    elif isinstance(place, Unit):
        inside = (col(Unit.area_id) == place.area_id,)
    if await exists(tx, type(place), place.name, *inside):
        raise Conflict("Something else is called {name} there by now. Rename that first.", name=place.name)
    place.deleted_at = None
    tx.add(place)
    if isinstance(place, Site):
        await tx.execute(update(Unit).where(col(Unit.deleted_at) == at, col(Unit.area_id).in_(_of(place))).values(deleted_at=None))
        await tx.execute(update(Area).where(col(Area.deleted_at) == at, col(Area.site_id) == place.id).values(deleted_at=None))
    elif isinstance(place, Area):
        await tx.execute(update(Unit).where(col(Unit.deleted_at) == at, col(Unit.area_id) == place.id).values(deleted_at=None))
    tx.record("cold_chain.places.brought_back", "place brought back", subject_id=place.id, name=place.name)
    tx.emit(PlacesChanged(site_id=site_id))


async def deleted(tx: Transaction, *, within: timedelta = timedelta(days=30)) -> Sequence[Site | Area | Unit]:
    """What was taken away lately and may be brought back by the actor, the latest first; not what went with something larger."""
    if not tx.actor.may(DELETE):
        return []
    since = now() - within
    scopes = tx.actor.scopes(DELETE)
    sites = (await tx.exec(select(Site).where(col(Site.deleted_at) > since))).all() if scopes is None else []
    areas = (await tx.exec(select(Area, Site).join(Site).where(col(Area.deleted_at) > since, col(Site.deleted_at).is_(None)))).all()
    units = (
        await tx.exec(
            select(Unit, Area.site_id).join(Area).join(Site)
            .where(col(Unit.deleted_at) > since, col(Area.deleted_at).is_(None), col(Site.deleted_at).is_(None))
        )
    ).all()  # fmt: skip
    found: list[Site | Area | Unit] = [*sites]
    found += [area for area, site in areas if scopes is None or site.id in scopes]
    found += [unit for unit, site_id in units if scopes is None or site_id in scopes]
    return sorted(found, key=lambda one: one.deleted_at or since, reverse=True)


async def _place(tx: Transaction, kind: type[Site] | type[Area] | type[Unit], place_id: UUID) -> Site | Area | Unit:
    if kind is Site:
        return await queries.site(tx, place_id)
    if kind is Area:
        return await queries.area(tx, place_id)
    await queries.unit(tx, place_id)
    return await tx.get_one(Unit, place_id, with_for_update=True)


def _require_to_delete(tx: Transaction, place: Site | Area | Unit, site_id: UUID) -> None:
    tx.actor.require(DELETE, site_id)
    if isinstance(place, Site) and tx.actor.scopes(DELETE) is not None:
        raise Forbidden("You do not have the right to do this.")


async def _site_of(tx: Transaction, place: Site | Area | Unit, *, is_gone: bool = False) -> UUID:
    if isinstance(place, Site):
        return place.id
    if isinstance(place, Area):
        return (await queries.site(tx, place.site_id)).id
    if is_gone:
        return (await queries.area(tx, place.area_id)).site_id
    return (await queries.unit(tx, place.id)).site_id


async def _areas(tx: Transaction, *where: Any) -> list[UUID]:
    return list((await tx.exec(select(Area.id).where(*where, col(Area.deleted_at).is_(None)).with_for_update())).all())


async def _units(tx: Transaction, *where: Any) -> list[UUID]:
    statement = select(Unit.id).where(*where, col(Unit.deleted_at).is_(None)).order_by(col(Unit.id))
    return list((await tx.exec(statement.with_for_update())).all())


def _of(site: Site) -> Any:
    return select(Area.id).where(Area.site_id == site.id)


async def _let_go(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> None:
    """Nobody is called because of what is not there any more."""
    await resolve_all_open(tx, dict.fromkeys(unit_ids, at), because=TAKEN_AWAY)
    await tx.execute(_END_EXCURSIONS, {"organization_id": tx.organization_id, "ids": columns.ids(unit_ids), "at": at})


def _interval(minutes: int | None) -> int | None:
    if minutes is not None and not SHORTEST_INTERVAL_MINUTES <= minutes <= LONGEST_INTERVAL_MINUTES:
        raise Invalid(
            "manual_interval_minutes", "This must be {low} to {high} minutes.", low=SHORTEST_INTERVAL_MINUTES, high=LONGEST_INTERVAL_MINUTES
        )
    return minutes
