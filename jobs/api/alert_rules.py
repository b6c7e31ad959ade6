"""What counts as trouble in a unit, in a site or everywhere: each value, where it comes from, and who changed it when."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from data.cold_chain.commands import rules as commands
from data.cold_chain.queries import rules as queries
from data.cold_chain.queries.rules import Change, Deviation, Field, Place
from data.cold_chain.rules import INHERITED
from data.cold_chain.rules.ranges import RANGES
from data.core.session import Transaction, transaction
from jobs.api._door import Paged, Reader, Setter, answer
from jobs.api._organization import of_organization

router = of_organization("/alert-rules", "Alert rules")


class Scope(BaseModel):
    """What a rule is of: a unit, a site, or with neither the organization."""

    unit_id: UUID | None = None
    site_id: UUID | None = None


Of = Annotated[Scope, Query()]


class Said(BaseModel):
    """Fields by their names; one that is `null` is inherited again, one that is not named stays."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]


@router.get("")
async def show_rule(actor: Reader, of: Of) -> dict[str, Any]:
    """Each field: what this place itself says (`own`), what holds, who says so, and what would hold if it said nothing."""
    async with transaction(actor) as tx:
        return answer(await _shown(tx, of))


@router.get("/deviations")
async def list_deviations(actor: Reader, page: Paged) -> dict[str, Any]:
    """The sites and units that say something themselves."""
    async with transaction(actor) as tx:
        return page.of(await queries.deviations(tx), _deviation)


@router.get("/history")
async def list_changes(
    actor: Reader, of: Of, limit: Annotated[int, Query(ge=1, le=100)] = 20, everywhere: bool = False
) -> dict[str, Any]:
    """Who changed which field from what to what, the newest first: of one place's rule, or `everywhere`."""
    async with transaction(actor) as tx:
        place = None if everywhere else await _place(tx, of)
        return answer([_change(one) for one in await queries.history(tx, place, limit=limit)])


@router.put("")
async def change_rule(actor: Setter, of: Of, said: Said) -> dict[str, Any]:
    """Say some fields. Managers may say a unit's own limits; everything else is for owners and admins."""
    async with transaction(actor) as tx:
        await commands.set_rule(tx, changes=said.model_extra or {}, unit_id=of.unit_id, site_id=of.site_id)
        return answer(await _shown(tx, of))


@router.delete("")
async def clear_rule(actor: Setter, of: Of) -> dict[str, Any]:
    """Let every field be inherited again."""
    async with transaction(actor) as tx:
        await commands.set_rule(tx, changes=dict.fromkeys(INHERITED), unit_id=of.unit_id, site_id=of.site_id)
        return answer(await _shown(tx, of))


@router.delete("/fields/{field}")
async def clear_field(actor: Setter, field: str, of: Of) -> dict[str, Any]:
    """Let one field be inherited again."""
    async with transaction(actor) as tx:
        await commands.clear(tx, field, unit_id=of.unit_id, site_id=of.site_id)
        return answer(await _shown(tx, of))


async def _place(tx: Transaction, of: Scope) -> Place:
    return await queries.place(tx, unit_id=of.unit_id, site_id=of.site_id)


async def _shown(tx: Transaction, of: Scope) -> dict[str, Any]:
    place = await _place(tx, of)
    fields = {one.name: _field(one) for one in await queries.fields(tx, place)}
    return {"unit_id": place.unit_id, "site_id": place.site_id, "name": place.name or None, "fields": fields}


def _field(one: Field) -> dict[str, Any]:
    least, most = RANGES[one.name]
    return {
        "own": one.own, "holds": one.holds, "source": one.source, "inherited": one.inherited, "inherited_from": one.inherited_from,
        "least": least, "most": most,
    }  # fmt: skip


def _deviation(one: Deviation) -> dict[str, Any]:
    return {
        "unit_id": one.unit_id, "site_id": one.site_id, "name": one.name, "site_name": one.site_name, "fields": one.fields,
        "updated_at": one.updated_at,
    }  # fmt: skip


def _change(one: Change) -> dict[str, Any]:
    changed = {name: {"old": old, "new": new} for name, old, new in one.fields}
    return {
        "changed_at": one.changed_at, "changed_by": one.who, "unit_id": one.unit_id, "site_id": one.site_id, "place": one.place or None,
        "fields": changed,
    }  # fmt: skip
