"""Temperatures over time, for charts and files: packed by the database, so that no row becomes an object here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from data.cold_chain.queries.units import unit
from data.core.session import Transaction
from data.core.time import now

WHOLE_UP_TO = timedelta(days=40)
"""Longer stretches are thinned in the database to the coldest and the warmest of each piece."""
THINNED_TO = 1_000
SPARKS = 48
SPARK_SPAN = timedelta(hours=24)

_EPOCH_2000_MS = 946_684_800_000
_POINT = np.dtype([("us", ">i8"), ("celsius", ">f4")])

_PACK = """
string_agg(timestamptz_send({at}) || float4send({celsius}::float4), ''::bytea order by {at}) as points
"""

_WHOLE = text(f"""
select device_id, {_PACK.format(at="recorded_at", celsius="temperature_celsius")}
from cold_chain.sensor_readings
where organization_id = :organization_id and unit_id = :unit_id and recorded_at >= :start and recorded_at < :end
group by device_id
""")

_THINNED = text(f"""
with pieces as (
  select device_id, date_bin(:width, recorded_at, :start) as piece, min(temperature_celsius) as low, max(temperature_celsius) as high
  from cold_chain.sensor_readings
  where organization_id = :organization_id and unit_id = :unit_id and recorded_at >= :start and recorded_at < :end
  group by device_id, piece
), ends as (
  select device_id, piece as at, low as celsius from pieces
  union all select device_id, piece + :width / 2, high from pieces
)
select device_id, {_PACK.format(at="at", celsius="celsius")} from ends group by device_id
""")

_SPARKS = text("""
select unit_id, width_bucket(extract(epoch from recorded_at), :first, :last, :sparks) - 1 as spark, avg(temperature_celsius)::float8
from cold_chain.sensor_readings
where organization_id = :organization_id and unit_id = any(:unit_ids) and recorded_at >= :start and recorded_at < :end
group by unit_id, spark
""")


@dataclass(frozen=True, slots=True)
class Points:
    """One sensor's temperatures, rising in time: epoch milliseconds (int64) and °C (float64)."""

    device_id: UUID
    times_ms: NDArray[np.int64]
    celsius: NDArray[np.float64]
    gap: timedelta | None = None
    """Where the points were thinned: how far apart they are."""


async def points(tx: Transaction, unit_id: UUID, start: datetime, end: datetime) -> Sequence[Points]:
    """A unit's temperatures from `start` until before `end`, each sensor's by itself."""
    await unit(tx, unit_id)
    values: dict[str, Any] = {"organization_id": tx.organization_id, "unit_id": unit_id, "start": start, "end": end}
    if end - start <= WHOLE_UP_TO:
        rows, width = await tx.execute(_WHOLE, values), None
    else:
        width = (end - start) / THINNED_TO
        rows = await tx.execute(_THINNED, values | {"width": width})
    return [Points(device_id, *unpacked(packed), width) for device_id, packed in rows]


async def newest(tx: Transaction, unit_id: UUID, after: datetime) -> Sequence[Points]:
    """What there is of the last day that was measured after `after`; sensors' clocks may be ahead of ours."""
    at = now()
    return await points(tx, unit_id, max(after + timedelta(milliseconds=1), at - SPARK_SPAN), at + timedelta(hours=1))


def unpacked(packed: bytes) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times and °C from what the database packed: microseconds since 2000 and a float, both big-endian."""
    table = np.frombuffer(packed, dtype=_POINT)
    return table["us"].astype(np.int64) // 1000 + _EPOCH_2000_MS, table["celsius"].astype(np.float64)


async def sparks(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Mapping[UUID, Sequence[float | None]]:
    """The last 24 hours of each unit as 48 averages of half an hour; None where nothing was measured."""
    start = at - SPARK_SPAN
    rows = await tx.execute(
        _SPARKS,
        {
            "organization_id": tx.organization_id, "unit_ids": list(unit_ids), "start": start, "end": at,
            "first": start.timestamp(), "last": at.timestamp(), "sparks": SPARKS,
        },
    )  # fmt: skip
    drawn: dict[UUID, list[float | None]] = {unit_id: [None] * SPARKS for unit_id in unit_ids}
    for unit_id, spark, celsius in rows:
        drawn[unit_id][spark] = celsius
    return drawn


@dataclass(frozen=True, slots=True)
class ReadingView:
    """One reading as it is listed."""

    recorded_at: datetime
    received_at: datetime
    device_id: UUID
    device_name: str | None
    celsius: float
    humidity_percent: float | None
    battery_percent: int | None
    signal_dbm: int | None
    source: str


_READINGS = """
select r.recorded_at, r.received_at, r.device_id, coalesce(d.name, d.device_eui) as device_name,
  r.temperature_celsius::float8, r.humidity_percent::float8, r.battery_percent, r.signal_dbm, r.source::text
from cold_chain.sensor_readings r
left join cold_chain.devices d on d.organization_id = r.organization_id and d.id = r.device_id
where r.organization_id = :organization_id and r.unit_id = :unit_id and r.recorded_at >= :start and r.recorded_at < :end
"""


async def last_readings(tx: Transaction, unit_id: UUID, *, until: datetime, limit: int = 20) -> Sequence[ReadingView]:
    """The newest readings of a unit before `until`, the newest first, within the last 31 days."""
    rows = await tx.execute(
        text(_READINGS + " order by r.recorded_at desc limit :limit"),
        {
            "organization_id": tx.organization_id, "unit_id": unit_id, "start": until - timedelta(days=31), "end": until,
            "limit": limit,
        },
    )  # fmt: skip
    return [ReadingView(*row) for row in rows]


async def readings_after(
    tx: Transaction, unit_id: UUID, start: datetime, end: datetime, *, after: ReadingView | None = None, limit: int = 5_000
) -> Sequence[ReadingView]:
    """The next readings of a unit in that stretch, the oldest first: ask again after the last one for a file of any length."""
    await unit(tx, unit_id)
    values = {
        "organization_id": tx.organization_id, "unit_id": unit_id, "start": after.recorded_at if after else start, "end": end,
        "limit": limit, "at": after.recorded_at if after else start, "device_id": after.device_id if after else None,
    }  # fmt: skip
    further = " and (r.recorded_at, r.device_id) > (:at, :device_id)" if after else ""
    rows = await tx.execute(text(_READINGS + further + " order by r.recorded_at, r.device_id limit :limit"), values)
    return [ReadingView(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class DoorView:
    """A door was opened or closed."""

    recorded_at: datetime
    is_open: bool
    duration_s: int | None


async def doors(tx: Transaction, unit_id: UUID, start: datetime, end: datetime, *, limit: int = 200) -> Sequence[DoorView]:
    """When a unit's door was opened and closed in that stretch, the newest first."""
    rows = await tx.execute(
        text("""
select recorded_at, is_open, duration_s from cold_chain.door_events
where organization_id = :organization_id and unit_id = :unit_id and recorded_at >= :start and recorded_at < :end
order by recorded_at desc limit :limit
"""),
        {"organization_id": tx.organization_id, "unit_id": unit_id, "start": start, "end": end, "limit": limit},
    )
    return [DoorView(*row) for row in rows]
