"""Sites and their areas: where food is kept, by which clock, and how often it is measured by hand."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from data.cold_chain.commands import editing, places
from data.cold_chain.queries import units as queries
from data.cold_chain.queries.units import SiteView
from data.cold_chain.tables import Area, Site, Unit
from data.cold_chain.values import ComplianceMode
from data.core.session import Transaction, transaction
from jobs.api._door import Paged, Reader, Setter, answer
from jobs.api._organization import of_organization

router = of_organization("", "Sites and areas")
AT_FIRST = frozenset({"name", "time_zone", "address", "city", "country", "latitude", "longitude"})
KINDS: dict[type, Literal["site", "area", "unit"]] = {Site: "site", Area: "area", Unit: "unit"}
Text = Annotated[str | None, Field(max_length=500)]


class SiteGiven(BaseModel):
    """What is said of a site; in a change, what is not said stays."""

    name: str | None = None
    time_zone: str | None = None
    address: Text = None
    city: Text = None
    postal_code: Text = None
    country: Text = None
    latitude: Annotated[float | None, Field(ge=-90, le=90)] = None
    longitude: Annotated[float | None, Field(ge=-180, le=180)] = None
    compliance_mode: ComplianceMode | None = None
    manual_interval_minutes: int | None = None
    is_corrective_action_required: bool | None = None


class NewSite(SiteGiven):
    name: str
    time_zone: str


class AreaGiven(BaseModel):
    """What is said of an area; in a change, what is not said stays."""

    name: str | None = None
    description: Text = None
    sort_order: Annotated[int | None, Field(ge=-1_000, le=1_000)] = None


class NewArea(AreaGiven):
    site_id: UUID
    name: str


@router.get("/sites")
async def list_sites(actor: Reader, page: Paged) -> dict[str, Any]:
    """The sites one may see, by name, and how many of their units are how."""
    async with transaction(actor) as tx:
        return page.of(await queries.sites(tx), _counted)


@router.post("/sites", status_code=201)
async def create_site(actor: Setter, given: NewSite) -> dict[str, Any]:
    """A new site; the second one needs a plan that holds several."""
    said = given.model_dump(exclude_none=True)
    async with transaction(actor) as tx:
        made = await places.create_site(tx, **{name: value for name, value in said.items() if name in AT_FIRST})
        if said.keys() - AT_FIRST:
            await _edit(tx, made, said)
        return answer(_site(made))


@router.get("/sites/{site_id}")
async def show_site(actor: Reader, site_id: UUID) -> dict[str, Any]:
    """One site."""
    async with transaction(actor) as tx:
        return answer(_site(await queries.site(tx, site_id)))


@router.put("/sites/{site_id}")
async def change_site(actor: Setter, site_id: UUID, given: SiteGiven) -> dict[str, Any]:
    """Describe a site anew."""
    async with transaction(actor) as tx:
        site = await queries.site(tx, site_id)
        await _edit(tx, site, given.model_dump(exclude_unset=True))
        return answer(_site(site))


@router.delete("/sites/{site_id}")
async def remove_site(actor: Setter, site_id: UUID) -> dict[str, Any]:
    """Take it away with all that stands in it; what was recorded stays, and for a month it can be brought back."""
    async with transaction(actor) as tx:
        await editing.take_away(tx, Site, site_id)
    return answer({"site_id": site_id})


@router.get("/areas")
async def list_areas(actor: Reader, page: Paged, site_id: UUID | None = None) -> dict[str, Any]:
    """The areas one may see, by site and in the order that people gave them."""
    async with transaction(actor) as tx:
        if site_id:
            await queries.site(tx, site_id)
        found = [branch.area for one in await queries.tree(tx) if site_id in (None, one.site.id) for branch in one.areas]
        return page.of(found, _area)


@router.post("/areas", status_code=201)
async def create_area(actor: Setter, given: NewArea) -> dict[str, Any]:
    """A new part of a site."""
    async with transaction(actor) as tx:
        made = await places.create_area(tx, given.site_id, name=given.name, description=given.description)
        if given.sort_order:
            await editing.edit_area(tx, made.id, name=made.name, description=made.description, sort_order=given.sort_order)
        return answer(_area(made))


@router.get("/areas/{area_id}")
async def show_area(actor: Reader, area_id: UUID) -> dict[str, Any]:
    """One area."""
    async with transaction(actor) as tx:
        return answer(_area(await queries.area(tx, area_id)))


@router.put("/areas/{area_id}")
async def change_area(actor: Setter, area_id: UUID, given: AreaGiven) -> dict[str, Any]:
    """Describe an area anew."""
    async with transaction(actor) as tx:
        area = await queries.area(tx, area_id)
        kept = {"name": area.name, "description": area.description, "sort_order": area.sort_order}
        said = {name: value for name, value in given.model_dump(exclude_unset=True).items() if value is not None or name == "description"}
        await editing.edit_area(tx, area_id, **kept | said)
        return answer(_area(area))


@router.delete("/areas/{area_id}")
async def remove_area(actor: Setter, area_id: UUID) -> dict[str, Any]:
    """Take it away with its units; for a month it can be brought back."""
    async with transaction(actor) as tx:
        await editing.take_away(tx, Area, area_id)
    return answer({"area_id": area_id})


@router.get("/deleted")
async def list_deleted(actor: Reader, page: Paged) -> dict[str, Any]:
    """The sites, areas and units that were taken away within a month, and that one may bring back."""
    async with transaction(actor) as tx:
        return page.of(await editing.deleted(tx), lambda one: {"id": one.id, "kind": KINDS[type(one)], "name": one.name, "deleted_at": one.deleted_at})


@router.post("/deleted/{place_id}/restore")
async def restore(actor: Setter, place_id: UUID) -> dict[str, Any]:
    """Bring it back, and what went with it."""
    async with transaction(actor) as tx:
        await editing.bring_back(tx, place_id)
    return answer({"id": place_id})


async def _edit(tx: Transaction, site: Site, said: dict[str, Any]) -> None:
    names = ("name", "time_zone", "address", "city", "postal_code", "country", "latitude", "longitude", "compliance_mode")
    kept = {name: getattr(site, name) for name in (*names, "is_corrective_action_required")}
    needed = ("name", "time_zone", "compliance_mode", "is_corrective_action_required")
    said = {name: value for name, value in said.items() if value is not None or name not in needed}
    await editing.edit_site(tx, site.id, **kept | {"manual_interval_minutes": _minutes(site)} | said)


def _minutes(site: Site) -> int | None:
    return None if site.manual_log_cadence_s is None else site.manual_log_cadence_s // 60


def _site(site: Site) -> dict[str, Any]:
    return {
        "id": site.id, "name": site.name, "time_zone": site.time_zone, "address": site.address, "city": site.city,
        "postal_code": site.postal_code, "country": site.country, "latitude": site.latitude, "longitude": site.longitude,
        "compliance_mode": site.compliance_mode, "manual_interval_minutes": _minutes(site),
        "is_corrective_action_required": site.is_corrective_action_required, "is_active": site.is_active,
        "created_at": site.created_at, "updated_at": site.updated_at,
    }  # fmt: skip


def _counted(view: SiteView) -> dict[str, Any]:
    return _site(view.site) | {"worst_status": view.worst, "units_by_status": view.counts}


def _area(area: Area) -> dict[str, Any]:
    return {
        "id": area.id, "site_id": area.site_id, "name": area.name, "description": area.description, "sort_order": area.sort_order,
        "is_active": area.is_active, "created_at": area.created_at, "updated_at": area.updated_at,
    }  # fmt: skip
