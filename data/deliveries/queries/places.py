"""Where all drivers are, packed for the map: one row of the database, however many drivers there are."""

from dataclasses import dataclass

from sqlalchemy import text

from data.core.session import Transaction
from data.deliveries.values import Availability


@dataclass(frozen=True, slots=True)
class Places:
    """`ids` holds 16 bytes a driver; `rows` four big-endian numbers of 8 bytes each, in the same order (by id):

    latitude·1e6, longitude·1e6, the availability's place in `AVAILABILITIES`, seconds since 1970 of the fix.
    """

    ids: bytes
    rows: bytes


AVAILABILITIES = tuple(Availability)

_PLACES = text(
    f"""
    select string_agg(uuid_send(p.driver_id), null order by p.driver_id),
      string_agg(int8send(latitude) || int8send(longitude) || int8send(availability) || int8send(at), null order by p.driver_id)
    from (
      select l.driver_id, round(l.latitude * 1e6)::int8 as latitude, round(l.longitude * 1e6)::int8 as longitude,
        extract(epoch from l.recorded_at)::int8 as at,
        case when s.driver_id is null then {AVAILABILITIES.index(Availability.OFFLINE)}
             when a.driver_id is null then {AVAILABILITIES.index(Availability.AVAILABLE)}
             else {AVAILABILITIES.index(Availability.ON_DELIVERY)} end::int8 as availability
      from deliveries.active_driver_locations l
      join deliveries.drivers d on d.id = l.driver_id and d.deleted_at is null
      left join (select distinct driver_id from deliveries.driver_sessions where ended_at is null) s
        on s.driver_id = l.driver_id
      left join (select distinct driver_id from deliveries.driver_assignments where ended_at is null) a
        on a.driver_id = l.driver_id
    ) p
    """
)


async def places(tx: Transaction) -> Places:
    """Every driver who has been heard of."""
    tx.actor.require("deliveries.view")
    ids, rows = (await tx.execute(_PLACES)).one()
    return Places(bytes(ids or b""), bytes(rows or b""))
