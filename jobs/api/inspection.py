"""The records as an inspector reads them: certain units, certain days, part by part, by an account or by a link that ends."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from data.alerts.values import in_english
from data.cold_chain.commands.inspection import note_inspection
from data.cold_chain.queries import inspection as queries
from data.cold_chain.queries.inspection import Fact, Inspected, Stretch, Temperature
from data.core.actor import Actor
from data.core.errors import Invalid, Unauthenticated
from data.core.session import transaction
from data.core.time import now
from data.identity import inspectors
from data.identity.inspectors import Inspector
from data.identity.tables import InspectorLink
from jobs.api._door import READING, Page, Paged, Reader, Setter, allow, answer, browser_of, door, listed
from jobs.api._organization import of_organization

links = of_organization("/inspector-links", "Inspectors")
records = of_organization("/records", "Inspectors")
by_link = door("/api/inspection", "Inspectors")
Part = Literal["temperatures", "exceptions", "actions", "gaps", "calibration", "excursions"]
USUAL, LONGEST = timedelta(days=7), timedelta(days=366)


class LinkGiven(BaseModel):
    """For whom, until when (within a year), and of which sites; without `site_ids` of all, those to come too."""

    name: str
    expires_at: AwareDatetime
    site_ids: Annotated[list[UUID] | None, Field(max_length=500)] = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Which units and when; without them all that one may inspect, and the last seven days."""

    since: Annotated[AwareDatetime | None, Query(alias="from")] = None
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None
    unit_id: Annotated[list[UUID] | None, Query(max_length=500)] = None
    by_hand: bool = False

    def stretch(self) -> Stretch:
        until = self.until or now()
        since = self.since or until - USUAL
        if not timedelta(0) < until - since <= LONGEST:
            raise Invalid("from", "Choose a stretch of at most {days} days.", days=LONGEST.days)
        return Stretch(since, until, self.unit_id or ())


What = Annotated[Asked, Depends()]


@links.get("")
async def list_links(actor: Reader, page: Paged) -> dict[str, Any]:
    """Every link that was ever given, those that still open something first."""
    async with transaction(actor) as tx:
        return page.of(await inspectors.links(tx), _link)


@links.post("", status_code=201)
async def create_link(actor: Setter, given: LinkGiven) -> dict[str, Any]:
    """A link for one inspector; its `token` is told this once. It opens `/inspect/<token>` in a browser, and `/api/inspection` by a header."""
    async with transaction(actor) as tx:
        made, token = await inspectors.make_link(tx, name=given.name, expires_at=given.expires_at, site_ids=given.site_ids)
        return answer(_link(made) | {"token": token})


@links.delete("/{link_id}")
async def revoke_link(actor: Setter, link_id: UUID) -> dict[str, Any]:
    """Take it back: it opens nothing from now on."""
    async with transaction(actor) as tx:
        await inspectors.revoke_link(tx, link_id)
    return answer({"link_id": link_id})


@records.get("/units")
async def list_units(actor: Reader, page: Paged) -> dict[str, Any]:
    """The units of which one may take records, by place; those that are gone among them."""
    return await _units(actor, page)


@records.get("/{part}")
async def list_records(actor: Reader, part: Part, what: What, page: Paged) -> dict[str, Any]:
    """A part of the records, the latest first; that it was read is written into the event log."""
    return await _records(actor, part, what.stretch(), page, by_hand=what.by_hand)


async def _inspector(request: Request, x_inspector_token: Annotated[str, Header(max_length=200)] = "") -> Inspector:
    found = await inspectors.who(x_inspector_token, browser_of(request), is_use=True) if x_inspector_token else None
    if found is None:
        raise Unauthenticated("This link opens nothing.")
    allow(request, READING, found.link_id)
    return found


ByLink = Annotated[Inspector, Depends(_inspector)]


@by_link.get("/units")
async def list_units_by_link(found: ByLink, page: Paged) -> dict[str, Any]:
    """The units that this link is of (`X-Inspector-Token`), and when it ends."""
    return await _units(found.actor, page) | {"organization": found.organization_name, "expires_at": found.expires_at}


@by_link.get("/{part}")
async def list_records_by_link(found: ByLink, part: Part, what: What, page: Paged) -> dict[str, Any]:
    """A part of the records, for whoever holds a link."""
    return await _records(found.actor, part, what.stretch(), page, by_hand=what.by_hand, link_id=found.link_id)


router = APIRouter()
for each in (links, records, by_link):
    router.include_router(each)


async def _units(actor: Actor, page: Page) -> dict[str, Any]:
    async with transaction(actor) as tx:
        return page.of(await queries.units(tx), _unit)


async def _records(
    actor: Actor, part: Part, stretch: Stretch, page: Page, *, by_hand: bool, link_id: UUID | None = None
) -> dict[str, Any]:
    async with transaction(actor) as tx:
        await note_inspection(tx, part, stretch, link_id=link_id)
        if part == "temperatures":
            warmth, total = await queries.temperatures(tx, stretch, offset=page.offset, limit=page.limit, only_by_hand=by_hand)
            return listed([_temperature(one) for one in warmth], page, total=total)
        found, total = await queries.facts(tx, part, stretch, offset=page.offset, limit=page.limit)
        return listed([_fact(one) for one in found], page, total=total)


def _link(link: InspectorLink) -> dict[str, Any]:
    return {
        "id": link.id, "name": link.name, "last_four": link.last_four, "site_ids": link.site_ids, "expires_at": link.expires_at,
        "revoked_at": link.revoked_at, "is_active": link.revoked_at is None and link.expires_at > now(), "last_used_at": link.last_used_at,
        "use_count": link.use_count, "created_at": link.created_at,
    }  # fmt: skip


def _unit(one: Inspected) -> dict[str, Any]:
    return {
        "id": one.id, "name": one.name, "area_name": one.area_name, "site": {"id": one.site_id, "name": one.site_name, "time_zone": one.time_zone},
        "is_gone": one.is_gone,
    }  # fmt: skip


def _temperature(one: Temperature) -> dict[str, Any]:
    return {
        "unit_id": one.unit_id, "recorded_at": one.recorded_at, "arrived_at": one.arrived_at, "kind": "manual" if one.is_by_hand else "measured",
        "temperature": one.celsius, "humidity": one.humidity_percent, "who": one.who, "is_in_range": one.is_in_range, "notes": one.notes,
        "corrective_action": one.action, "is_corrected": one.is_corrected,
    }  # fmt: skip


def _fact(one: Fact) -> dict[str, Any]:
    known = dict(one.known)
    if "message_values" in known:
        known["message"] = in_english(known["message"], known.pop("message_values"))
    return {"unit_id": one.unit_id, "since": one.since, "until": one.until} | known
