"""A farm comes, and changes its name, its place or its clock."""

from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import now, zone
from data.farm import queries
from data.farm.commands import rollups
from data.farm.commands.schedules import plan
from data.farm.events import FarmChanged
from data.farm.tables import Farm, Schedule


async def create_farm(
    tx: Transaction, *, name: str, time_zone: str = "Asia/Phnom_Penh", location: str | None = None,
    latitude: float | None = None, longitude: float | None = None, description: str | None = None,
) -> Farm:  # fmt: skip
    """A new farm. Forbidden for somebody whose right to edit is limited to other farms."""
    tx.actor.require("farm.edit")
    if tx.actor.scopes("farm.edit") is not None:
        raise Forbidden("You do not have the right to do this.")
    farm = Farm(owner_id=tx.actor.user_id, name=_named(name))
    _describe(farm, time_zone, location, latitude, longitude, description)
    tx.add(farm)
    await tx.flush()
    tx.emit(FarmChanged(farm_id=farm.id))
    return farm


async def edit_farm(
    tx: Transaction, farm_id: UUID, *, name: str, time_zone: str, location: str | None = None,
    latitude: float | None = None, longitude: float | None = None, description: str | None = None,
) -> None:  # fmt: skip
    """Describe it anew. With another time zone or place its schedules run by the new clock and sun from now on."""
    tx.actor.require("farm.edit", farm_id)
    farm = await queries.farm(tx, farm_id)
    moves = (farm.time_zone, farm.latitude, farm.longitude) != (time_zone, latitude, longitude)
    if farm.time_zone != time_zone:
        await rollups.recut(tx, farm_id, zone(time_zone).key)
    farm.name, farm.updated_at = _named(name), now()
    _describe(farm, time_zone, location, latitude, longitude, description)
    tx.add(farm)
    if moves:
        for schedule in await tx.exec(select(Schedule).where(Schedule.farm_id == farm_id, col(Schedule.deleted_at).is_(None))):
            plan(schedule, farm, after=now(), goes_on=True)
            tx.add(schedule)
    tx.emit(FarmChanged(farm_id=farm_id))


def _named(name: str) -> str:
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    return name.strip()


def _describe(
    farm: Farm, time_zone: str, location: str | None, latitude: float | None, longitude: float | None,
    description: str | None,
) -> None:  # fmt: skip
    farm.time_zone = zone(time_zone).key
    for field, value, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        if value is not None and not -most <= value <= most:
            raise Invalid(field, "{value} is not between {low} and {high}.", value=value, low=-most, high=most)
    farm.location, farm.description = location or None, description or None
    farm.latitude, farm.longitude = latitude, longitude
