"""Farms: which there are, where they stand and what clock they live by."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from data.core.session import transaction
from data.farm import commands, queries
from data.farm.tables import Farm
from jobs.api._door import Paged, Reader, Setter, answer, door

router = door("/v1/farms", "Farms")


class FarmGiven(BaseModel):
    """What is said of a farm; in a change, what is not said stays."""

    name: str | None = None
    location: str | None = None
    time_zone: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    description: str | None = None


@router.get("")
async def list_farms(actor: Reader, page: Paged) -> dict[str, Any]:
    """The farms one may see, by name."""
    async with transaction(actor) as tx:
        return page.of(await queries.farms(tx), _farm)


@router.post("", status_code=201)
async def create_farm(actor: Setter, given: FarmGiven) -> dict[str, Any]:
    """A new farm of the organization."""
    said = given.model_dump(exclude_none=True)
    async with transaction(actor) as tx:
        return answer(_farm(await commands.create_farm(tx, **{"name": ""} | said)))


@router.get("/{farm_id}")
async def show_farm(actor: Reader, farm_id: UUID) -> dict[str, Any]:
    """One farm."""
    async with transaction(actor) as tx:
        return answer(_farm(await queries.farm(tx, farm_id)))


@router.put("/{farm_id}")
async def change_farm(actor: Setter, farm_id: UUID, given: FarmGiven) -> dict[str, Any]:
    """Describe a farm anew; with another clock or place its schedules follow that."""
    async with transaction(actor) as tx:
        farm = await queries.farm(tx, farm_id)
        kept = {name: getattr(farm, name) for name in FarmGiven.model_fields}
        await commands.edit_farm(tx, farm_id, **kept | given.model_dump(exclude_unset=True))
        return answer(_farm(await queries.farm(tx, farm_id)))


@router.delete("/{farm_id}")
async def remove_farm(actor: Setter, farm_id: UUID) -> dict[str, Any]:
    """Take it from view with all that belongs to it; for 30 days it can be brought back on the pages."""
    async with transaction(actor) as tx:
        await commands.remove_farm(tx, farm_id)
    return answer({"farm_id": farm_id})


def _farm(farm: Farm) -> dict[str, Any]:
    return {
        "id": farm.id, "name": farm.name, "location": farm.location, "time_zone": farm.time_zone, "latitude": farm.latitude,
        "longitude": farm.longitude, "description": farm.description, "owner_id": farm.owner_id, "is_stopped": farm.is_stopped,
        "may_keepers_schedule": farm.may_keepers_schedule, "created_at": farm.created_at, "updated_at": farm.updated_at,
    }  # fmt: skip
