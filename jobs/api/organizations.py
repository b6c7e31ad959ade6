"""The organizations that somebody belongs to, who else is there, and how it stands with all of it."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from data.alerts import queries as alerts
from data.cold_chain.queries import logs, machines, units
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.identity import door as people
from data.identity import members, organizations, queries
from data.identity.members import Member
from data.identity.tables import Organization
from data.platform import billing
from jobs.api._door import Paged, Reader, Setter, answer, door
from jobs.api._organization import of_organization

mine = door("/api", "Organizations")
own = of_organization("", "Organizations")


class OrganizationGiven(BaseModel):
    """What is said of an organization; what is not said stays."""

    name: str | None = None
    time_zone: str | None = None


@mine.get("/auth/me")
async def show_me(actor: Reader) -> dict[str, Any]:
    """Who the token is for, to which organizations they belong, and what they may do in the one that counts: everywhere
    (`null`) or at certain things."""
    return answer(
        {
            "user": await _me(actor), "organization_id": actor.organization_id,
            "organizations": [_named(one) for one in await _organizations(actor)],
            "permissions": {name: None if where is None else sorted(where) for name, where in actor.rights.items()},
        }
    )  # fmt: skip


@mine.get("/orgs")
async def list_organizations(actor: Reader, page: Paged) -> dict[str, Any]:
    """The organizations one belongs to, by name."""
    return page.of(await _organizations(actor), _named)


@own.get("")
async def show_organization(actor: Reader) -> dict[str, Any]:
    """One's organization."""
    async with transaction(actor) as tx:
        return answer(_organization(await queries.organization(tx)))


@own.put("")
async def change_organization(actor: Setter, given: OrganizationGiven) -> dict[str, Any]:
    """Call it something else, or let it live by another clock."""
    async with transaction(actor) as tx:
        before = await queries.organization(tx)
        said = {"name": before.name, "time_zone": before.time_zone} | given.model_dump(exclude_none=True)
        return answer(_organization(await organizations.describe(tx, **said)))


@own.get("/members")
async def list_members(actor: Reader, page: Paged) -> dict[str, Any]:
    """Who belongs to it, and as what."""
    async with transaction(actor) as tx:
        return page.of(await members.members(tx), _member)


@own.get("/stats")
async def show_stats(actor: Reader) -> dict[str, Any]:
    """How many sites, units and sensors there are and how they are, what is open, and what must be measured by hand."""
    async with transaction(actor) as tx:
        tx.actor.require(units.VIEW)
        sites = await units.sites(tx)
        held = await billing.account_of(tx)
        counts: dict[str, int] = {}
        for site in sites:
            for status, count in site.counts.items():
                counts[status.value] = counts.get(status.value, 0) + count
        return answer(
            {
                "sites": len(sites), "units": sum(counts.values()), "units_by_status": counts,
                "sensors": await machines.active_sensors(tx), "sensor_limit": held.limits.sensors,
                "alerts": await alerts.counts(tx), "manual_logs_due": await logs.due_count(tx, now()),
            }
        )  # fmt: skip


router = APIRouter()
for each in (mine, own):
    router.include_router(each)


async def _organizations(actor: Actor) -> list[Organization]:
    return await people.organizations_of(actor.user_id) if actor.user_id else []


async def _me(actor: Actor) -> dict[str, Any]:
    said: dict[str, Any] = {"id": actor.user_id, "name": actor.name, "language": actor.language, "time_zone": actor.time_zone, "units": actor.units}
    said["is_platform_admin"] = actor.is_platform_admin
    if actor.organization_id is None:
        return said
    async with transaction(actor) as tx:
        me = await queries.me(tx)
        return said | {"email": me.email, "phone": me.phone, "is_phone_verified": me.is_phone_verified, "theme": me.theme}


def _named(organization: Organization) -> dict[str, Any]:
    return {"id": organization.id, "name": organization.name, "slug": organization.slug}


def _organization(organization: Organization) -> dict[str, Any]:
    return _named(organization) | {
        "time_zone": organization.time_zone, "logo_url": organization.logo_url, "sensor_limit": organization.sensor_limit,
        "is_demonstration": organization.is_demonstration, "created_at": organization.created_at, "updated_at": organization.updated_at,
    }  # fmt: skip


def _member(member: Member) -> dict[str, Any]:
    return {
        "id": member.user.id, "name": member.user.name, "email": member.user.email, "phone": member.user.phone,
        "is_active": member.user.is_active, "roles": [{"role": role, "scope_id": scope_id} for role, scope_id in member.roles],
    }  # fmt: skip
