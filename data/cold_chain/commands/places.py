"""People say where food is kept, in what, under which rules, and which sensor watches it."""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.cold_chain.commands import sensors
from data.cold_chain.events import PlacesChanged, UnitChanged
from data.cold_chain.queries import units as queries
from data.cold_chain.tables import Area, Device, Site, Unit
from data.cold_chain.values import UnitType
from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import zone
from data.platform.billing import require_feature
from data.platform.plans import Feature

EDIT = "cold_chain.edit"
LONGEST_NAME = 100


async def create_site(
    tx: Transaction, *, name: str, time_zone: str, address: str | None = None, city: str | None = None,
    country: str | None = None, latitude: float | None = None, longitude: float | None = None,
) -> Site:  # fmt: skip
    """A new site. Forbidden for those whose right is limited to certain sites, Conflict where the plan holds no further one."""
    tx.actor.require(EDIT)
    if tx.actor.scopes(EDIT) is not None:
        raise Forbidden("You do not have the right to do this.")
    name = named(name)
    if await exists(tx, Site, name):
        raise Conflict("There is already a site called {name}.", name=name)
    if (await tx.exec(select(Site.id).where(col(Site.deleted_at).is_(None)).limit(1))).first():
        await require_feature(tx, Feature.SEVERAL_SITES)
    made = Site(
        name=name, time_zone=zone(time_zone).key, address=address or None, city=city or None, country=country or None,
        latitude=latitude, longitude=longitude,
    )  # fmt: skip
    tx.add(made)
    await tx.flush()
    tx.emit(PlacesChanged(site_id=made.id))
    return made


async def create_area(tx: Transaction, site_id: UUID, *, name: str, description: str | None = None) -> Area:
    """A new part of a site."""
    tx.actor.require(EDIT, site_id)
    site = await queries.site(tx, site_id)
    name = named(name)
    if await exists(tx, Area, name, col(Area.site_id) == site.id):
        raise Conflict("There is already an area called {name} in {site}.", name=name, site=site.name)
    made = Area(site_id=site.id, name=name, description=description or None)
    tx.add(made)
    await tx.flush()
    tx.emit(PlacesChanged(site_id=site.id))
    return made


async def create_unit(tx: Transaction, area_id: UUID, *, name: str, unit_type: UnitType) -> Unit:
    """A new fridge or freezer. It begins with the limits of its site or organization, else with those of its type."""
    area = await queries.area(tx, area_id)
    tx.actor.require(EDIT, area.site_id)
    name = named(name)
    if await exists(tx, Unit, name, col(Unit.area_id) == area.id):
        raise Conflict("There is already a unit called {name} in {area}.", name=name, area=area.name)
    made = Unit(area_id=area.id, name=name, unit_type=unit_type)
    tx.add(made)
    await tx.flush()
    tx.emit(UnitChanged(unit_id=made.id))
    return made


async def create_sensor(tx: Transaction, unit_id: UUID, *, device_eui: str, name: str | None = None) -> Device:
    """A sensor that watches a unit; the first one speaks for its temperature. Conflict when it watches something already."""
    return await sensors.create(tx, unit_id, device_eui=device_eui, name=name)


def named(name: str) -> str:
    """A name without blanks around it; Invalid where there is none, or it is too long."""
    name = name.strip()
    if not name:
        raise Invalid("name", "Give it a name.")
    if len(name) > LONGEST_NAME:
        raise Invalid("name", "A name has at most {most} characters.", most=LONGEST_NAME)
    return name


async def exists(tx: Transaction, kind: type[Site] | type[Area] | type[Unit], name: str, *where: Any) -> bool:
    """Whether something living is called that."""
    statement = select(kind.id).where(func.lower(kind.name) == name.lower(), col(kind.deleted_at).is_(None), *where)
    return (await tx.exec(statement)).first() is not None
