"""An inspector reads and takes away, by a link that ends; who gave it sees when it was used and can take it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select

from data.core.actor import Actor, ActorKind
from data.core.errors import Invalid, NotFound
from data.core.session import Transaction, across_tenants
from data.core.time import now
from data.identity.door import Browser
from data.identity.events import InspectorsChanged
from data.identity.permissions import rights
from data.identity.secrets import new_token, token_hash
from data.identity.tables import InspectorLink, Organization, Role

EDIT = "inspectors.edit"
LONGEST_LIFE = timedelta(days=366)
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Inspector:
    """Whoever holds a link that opens something."""

    link_id: UUID
    actor: Actor
    expires_at: datetime
    organization_name: str


async def make_link(
    tx: Transaction, *, name: str, expires_at: datetime, site_ids: Sequence[UUID] | None = None
) -> tuple[InspectorLink, str]:
    """A link for one inspector and its token, told this once. `site_ids` None is every site; an empty list is none, and refused."""
    tx.actor.require(EDIT)
    if not name.strip() or len(name) > LONGEST_NAME:
        raise Invalid("name", "Say whom it is for, in at most {most} characters.", most=LONGEST_NAME)
    if site_ids is not None and not site_ids:
        raise Invalid("site_ids", "Choose at least one site.")
    if not now() < expires_at <= now() + LONGEST_LIFE:
        raise Invalid("expires_at", "Choose a day from tomorrow on, within a year.")
    token = new_token()
    link = InspectorLink(
        name=name.strip(), token_hash=token_hash(token), last_four=token[-4:], created_by=tx.actor.user_id, expires_at=expires_at,
        site_ids=None if site_ids is None else [str(site_id) for site_id in site_ids],
    )  # fmt: skip
    tx.add(link)
    await tx.flush()
    tx.emit(InspectorsChanged(link_id=link.id))
    return link, token


async def revoke_link(tx: Transaction, link_id: UUID) -> None:
    """Take it back: it opens nothing from now on."""
    tx.actor.require(EDIT)
    link = await tx.get(InspectorLink, link_id)
    if link is None:
        raise NotFound("There is no such link.")
    link.revoked_at = link.revoked_at or now()
    tx.add(link)
    tx.emit(InspectorsChanged(link_id=link.id))


async def links(tx: Transaction) -> Sequence[InspectorLink]:
    """Every link that was ever given, those that still open something first."""
    tx.actor.require(EDIT)
    is_over = col(InspectorLink.revoked_at).is_not(None) | (col(InspectorLink.expires_at) <= now())
    return (await tx.exec(select(InspectorLink).order_by(is_over, col(InspectorLink.created_at).desc()))).all()


async def who(token: str, browser: Browser, *, is_use: bool = False) -> Inspector | None:
    """Who holds this link; None when it is wrong, over or taken back, which all look the same. `is_use` counts it."""
    async with across_tenants("inspector link") as tx:
        statement = (
            select(InspectorLink, Organization)
            .join(Organization, col(Organization.id) == InspectorLink.organization_id)
            .where(
                InspectorLink.token_hash == token_hash(token), col(InspectorLink.revoked_at).is_(None),
                InspectorLink.expires_at > now(), col(Organization.deleted_at).is_(None),
            )
        )  # fmt: skip
        found = (await tx.exec(statement)).one_or_none()
        if found is None:
            return None
        link, organization = found
        if is_use:
            used = {"last_used_at": now(), "use_count": InspectorLink.use_count + 1}
            await tx.execute(update(InspectorLink).where(col(InspectorLink.id) == link.id).values(used))
            tx.emit(InspectorsChanged(link_id=link.id), organization_id=organization.id)
    sites = [None] if link.site_ids is None else [UUID(site_id) for site_id in link.site_ids]
    who = Actor(
        ActorKind.PERSON, organization.id, link.name, rights=rights((Role.INSPECTOR, site) for site in sites), ip_address=browser.ip_address,
        user_agent=browser.user_agent, time_zone=organization.time_zone,
    )  # fmt: skip
    return Inspector(link.id, who, link.expires_at, organization.name)
