"""Where all drivers are, packed for the map: one row of the database, however many drivers there are."""

from dataclasses import dataclass

from sqlalchemy import text

from data.core.session import Transaction
from data.deliveries.values import Availability


@dataclass(frozen=True, slots=True)
class Places:
    """`ids` holds 16 bytes a driver; `rows` three big-endian int32 each: latitude·1e6, longitude·1e6, availability.

    The availability is its place in `AVAILABILITIES`. Ordered by id.
    """

    ids: bytes
    rows: bytes


AVAILABILITIES = tuple(Availability)

_PLACES = text(
    f"""
    select string_agg(uuid_send(p.driver_id), null order by p.driver_id),
      string_agg(int4send(p.latitude_e6) || int4send(p.longitude_e6) || int4send(p.availability), null order by p.driver_id)
    from (
      select l.driver_id, round(l.latitude * 1e6)::int4 as latitude_e6, round(l.longitude * 1e6)::int4 as longitude_e6,
        case when s.driver_id is null then {AVAILABILITIES.index(Availability.OFFLINE)}
             when a.driver_id is null then {AVAILABILITIES.index(Availability.AVAILABLE)}
             else {AVAILABILITIES.index(Availability.ON_DELIVERY)} end as availability
      from deliveries.active_driver_locations l
      join deliveries.drivers d on d.id = l.driver_id and d.deleted_at is null
      left join (select distinct driver_id from deliveries.driver_sessions where ended_at is null) s using (driver_id)
      left join (select distinct driver_id from deliveries.driver_assignments where ended_at is null) a using (driver_id)
    ) p
    """
)


async def places(tx: Transaction) -> Places:
    """Every driver who has been heard of."""
    tx.actor.require("deliveries.view")
    ids, rows = (await tx.execute(_PLACES)).one()
    return Places(bytes(ids or b""), bytes(rows or b""))
