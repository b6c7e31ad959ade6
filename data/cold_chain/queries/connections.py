"""To which networks an organization is connected, for those who keep the connections."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from data.cold_chain.tables import TtnConnection
from data.core.errors import NotFound
from data.core.session import Transaction
from data.identity.tables import ApiToken

NETWORKS = "cold_chain.networks"
FEEDS = ("ttn", "chirpstack", "hub")


async def connections(tx: Transaction) -> Sequence[TtnConnection]:
    """Every application that is connected, by name."""
    tx.actor.require(NETWORKS)
    statement = select(TtnConnection).where(col(TtnConnection.deleted_at).is_(None))
    return (await tx.exec(statement.order_by(TtnConnection.ttn_application_id))).all()


async def connection(tx: Transaction, connection_id: UUID, *, for_update: bool = False) -> TtnConnection:
    tx.actor.require(NETWORKS)
    statement = select(TtnConnection).where(TtnConnection.id == connection_id, col(TtnConnection.deleted_at).is_(None))
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such connection.")
    return found


async def feeds(tx: Transaction) -> Sequence[ApiToken]:
    """The living secrets of sensors' networks, by name."""
    tx.actor.require(NETWORKS)
    statement = select(ApiToken).where(col(ApiToken.network).in_(FEEDS), col(ApiToken.revoked_at).is_(None))
    return (await tx.exec(statement.order_by(col(ApiToken.network), ApiToken.name))).all()
