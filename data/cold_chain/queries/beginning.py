"""How far somebody who begins has come: a site, an area, a unit, a sensor, a gateway, and the first reading."""

from dataclasses import dataclass

from sqlalchemy import text

from data.cold_chain.queries.units import VIEW
from data.core.session import Transaction

_THERE = text("""
select
  exists (select from cold_chain.sites where organization_id = :organization_id and deleted_at is null),
  exists (select from cold_chain.areas where organization_id = :organization_id and deleted_at is null),
  exists (select from cold_chain.units where organization_id = :organization_id and deleted_at is null),
  exists (select from cold_chain.devices where organization_id = :organization_id and deleted_at is null),
  exists (select from cold_chain.gateways where organization_id = :organization_id and deleted_at is null)
    or exists (select from cold_chain.hubs where organization_id = :organization_id and deleted_at is null),
  exists (select from cold_chain.units where organization_id = :organization_id and deleted_at is null and last_reading_at is not null)
""")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What there is already, in the order in which it is made."""

    site: bool
    area: bool
    unit: bool
    sensor: bool
    gateway: bool
    reading: bool


async def beginning(tx: Transaction) -> Beginning:
    """How far the organization has come, whichever of its sites one may see."""
    tx.actor.require(VIEW)
    return Beginning(*(await tx.execute(_THERE, {"organization_id": tx.organization_id})).one())
