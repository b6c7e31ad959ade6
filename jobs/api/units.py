"""Units of a cold chain: what stands where, and how each is."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from data.cold_chain.commands import editing, places
from data.cold_chain.queries import units as queries
from data.cold_chain.queries.units import Sort, UnitView
from data.cold_chain.tables import Unit
from data.cold_chain.values import UnitType
from data.core.session import Transaction, transaction
from data.core.time import now
from jobs.api._door import Paged, Reader, Setter, answer, listed
from jobs.api._organization import of_organization

router = of_organization("/units", "Units")
MAY_BE_EMPTY = "manual_interval_minutes"


class UnitGiven(BaseModel):
    """What is said of a unit; in a change, what is not said stays, and an `area_id` moves it there."""

    area_id: UUID | None = None
    name: str | None = None
    unit_type: UnitType | None = None
    sort_order: Annotated[int | None, Field(ge=-1_000, le=1_000)] = None
    is_active: bool | None = None
    is_manual_monitoring_required: bool | None = None
    manual_interval_minutes: int | None = None


class NewUnit(UnitGiven):
    area_id: UUID
    name: str
    unit_type: UnitType


@router.get("")
async def list_units(
    actor: Reader, page: Paged, site_id: UUID | None = None, search: Annotated[str, Query(max_length=200)] = "", sort: Sort = "site",
    descending: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """The units one may see, of all sites or one; `search` looks into the names of units, areas and sites."""
    async with transaction(actor) as tx:
        found, total = await queries.units(
            tx, offset=page.offset, limit=page.limit, sort=sort, descending=descending, search=search, site_id=site_id
        )
        return listed([_unit(one) for one in found], page, total=total)


@router.post("", status_code=201)
async def create_unit(actor: Setter, given: NewUnit) -> dict[str, Any]:
    """A new fridge or freezer; it begins with the limits of its site or organization, else with those of its type."""
    async with transaction(actor) as tx:
        made = await places.create_unit(tx, given.area_id, name=given.name, unit_type=given.unit_type)
        said = given.model_dump(exclude_none=True)
        if said.keys() - {"area_id", "name", "unit_type"}:
            await _edit(tx, made, said)
        return answer(await _whole(tx, made.id))


@router.get("/{unit_id}")
async def show_unit(actor: Reader, unit_id: UUID) -> dict[str, Any]:
    """One unit: how it is, the limits that hold for it, and what people said of it."""
    async with transaction(actor) as tx:
        return answer(await _whole(tx, unit_id))


@router.put("/{unit_id}")
async def change_unit(actor: Setter, unit_id: UUID, given: UnitGiven) -> dict[str, Any]:
    """Describe a unit anew, or move it to another area; one that is not in use is neither judged nor missed."""
    async with transaction(actor) as tx:
        await _edit(tx, await queries.described(tx, unit_id), given.model_dump(exclude_unset=True))
        return answer(await _whole(tx, unit_id))


@router.delete("/{unit_id}")
async def remove_unit(actor: Setter, unit_id: UUID) -> dict[str, Any]:
    """Take it away; what was recorded stays, and for a month it can be brought back."""
    async with transaction(actor) as tx:
        await editing.take_away(tx, Unit, unit_id)
    return answer({"unit_id": unit_id})


async def _edit(tx: Transaction, unit: Unit, said: dict[str, Any]) -> None:
    kept: dict[str, Any] = {
        "name": unit.name, "unit_type": unit.unit_type, "area_id": unit.area_id, "sort_order": unit.sort_order, "is_active": unit.is_active,
        "is_manual_monitoring_required": unit.is_manual_monitoring_required,
        "manual_interval_minutes": unit.manual_monitoring_interval_minutes,
    }  # fmt: skip
    await editing.edit_unit(tx, unit.id, **kept | {name: value for name, value in said.items() if value is not None or name == MAY_BE_EMPTY})


async def _whole(tx: Transaction, unit_id: UUID) -> dict[str, Any]:
    unit = await queries.described(tx, unit_id)
    return _unit(await queries.unit(tx, unit_id)) | {
        "sort_order": unit.sort_order, "is_active": unit.is_active, "created_at": unit.created_at, "updated_at": unit.updated_at,
        "is_manual_monitoring_required": unit.is_manual_monitoring_required,
        "manual_interval_minutes": unit.manual_monitoring_interval_minutes, "last_manual_log_at": unit.last_manual_log_at,
    }  # fmt: skip


def _unit(view: UnitView) -> dict[str, Any]:
    return {
        "id": view.id, "name": view.name, "unit_type": view.unit_type, "status": view.status, "status_changed_at": view.status_changed_at,
        "last_temperature": view.last_celsius, "last_reading_at": view.last_reading_at, "out_of_range_since_at": view.out_of_range_since_at,
        "temperature_min": view.rule.low_celsius, "temperature_max": view.rule.high_celsius, "door_is_open": view.door_is_open,
        "door_changed_at": view.door_changed_at, "area": {"id": view.area_id, "name": view.area_name},
        "site": {"id": view.site_id, "name": view.site_name, "time_zone": view.time_zone}, "outlook": _outlook(view),
    }  # fmt: skip


def _outlook(view: UnitView) -> dict[str, Any] | None:
    """When it would be out of limits if it went on like that."""
    if view.outlook is None or view.trend is None:
        return None
    at = view.last_reading_at or now()
    return {
        "limit": view.outlook.limit_celsius, "celsius_per_hour": view.trend.celsius_per_hour, "likely_at": at + view.outlook.likely,
        "earliest_at": at + view.outlook.earliest,
    }  # fmt: skip
