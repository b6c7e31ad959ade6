"""An inspector reads and takes away, by a link that ends; who gave it sees when it was used and can take it back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.identity.events import InspectorsChanged
from data.identity.secrets import new_token, token_hash
from data.identity.tables import InspectorLink

EDIT = "inspectors.edit"
LONGEST_LIFE = timedelta(days=366)
LONGEST_NAME = 100


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
