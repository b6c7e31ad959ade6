"""Temperatures over time, for charts and files: packed by the database, so that no reading becomes an object here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from data.cold_chain.detail import WHOLE_UP_TO, Source, detail
from data.cold_chain.queries.hours import Piece, pieces_of_hours, pieces_of_readings
from data.cold_chain.queries.units import unit
from data.core import columns
from data.core.session import Transaction
from data.core.time import now

SPARKS = 24
SPARK_SPAN = timedelta(hours=SPARKS)

_EPOCH_2000_MS = 946_684_800_000
_POINT = np.dtype([("us", ">i8"), ("celsius", ">f4"), ("humidity", ">f4")])
PROBE = 500
"""So many readings at either end of a stretch tell about how many there are in it."""

_WHOLE = text("""
select device_id, string_agg(
  timestamptz_send(recorded_at) || float4send(temperature_celsius::float4) || float4send(coalesce(humidity_percent::float4, 'NaN')),
  ''::bytea order by recorded_at) as points
from cold_chain.sensor_readings
where organization_id = :organization_id and unit_id = :unit_id and recorded_at >= :start and recorded_at < :end
group by device_id
""")

_PROBE = """
select count(*), extract(epoch from max(recorded_at) - min(recorded_at))::float8 from (
  select recorded_at from cold_chain.sensor_readings
  where organization_id = :organization_id and unit_id = :unit_id and recorded_at >= :start and recorded_at < :end
  order by recorded_at {order} limit :probe
) r
"""
_PROBES = text(f"({_PROBE.format(order='asc')}) union all ({_PROBE.format(order='desc')})")

_SPARKS = text("""
with stale as materialized (
  select distinct unit_id, hour from cold_chain.stale_metrics
  where organization_id = :organization_id and unit_id = any(:unit_ids) and hour >= :first
), found as (
  select s.unit_id, s.hour, r.total, r.readings from stale s
  cross join lateral (
    select sum(r.temperature_celsius) as total, count(*) as readings from cold_chain.sensor_readings r
    where r.organization_id = :organization_id and r.unit_id = s.unit_id and r.recorded_at >= s.hour
      and r.recorded_at < s.hour + interval '1 hour'
  ) r where r.readings > 0
  union all
  select unit_id, period_start, temp_sum_celsius, reading_count from cold_chain.reading_metrics
  where organization_id = :organization_id and unit_id = any(:unit_ids) and granularity = 'hourly' and period_start >= :first
    and (unit_id, period_start) not in (select unit_id, hour from stale)
)
select unit_id, extract(epoch from hour - :first)::int / 3600 as spark, (sum(total) / sum(readings))::float8
from found where hour < :last group by 1, 2
""")


Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Band:
    """The least and the most within each piece of time around an average."""

    low: Numbers
    high: Numbers


@dataclass(frozen=True, slots=True)
class Points:
    """One sensor's temperatures, rising in time: epoch milliseconds (int64) and °C (float64; the average of a piece of time).

    `humidity_percent` is NaN where none was told, and None where none was told at all.
    """

    device_id: UUID
    times_ms: NDArray[np.int64]
    celsius: Numbers
    gap: timedelta | None = None
    """Where the points are pieces of time: how much time one covers."""
    band: Band | None = None
    humidity_percent: Numbers | None = None
    humidity_band: Band | None = None


async def points(
    tx: Transaction, unit_id: UUID, start: datetime, end: datetime, *, whole_up_to: int = WHOLE_UP_TO
) -> Sequence[Points]:
    """A unit's temperatures from `start` until before `end`, each sensor's by itself, as closely as is worth while."""
    await unit(tx, unit_id)
    found = detail(end - start, await _expected(tx, unit_id, start, end), whole_up_to=whole_up_to)
    if found.width is None:
        return await _whole(tx, unit_id, start, end)
    drawn = pieces_of_readings if found.source is Source.READINGS else pieces_of_hours
    by_sensor = await drawn(tx, unit_id, start, end, found.width)
    return [_drawn(device_id, pieces, found.width) for device_id, pieces in by_sensor.items()]


async def _expected(tx: Transaction, unit_id: UUID, start: datetime, end: datetime) -> float:
    """About how many readings there are, from how close they are at both ends: never fewer than if all were so close."""
    values = _stretch(tx, unit_id, start, end) | {"probe": PROBE}
    expected = 0.0
    for count, lasted_s in await tx.execute(_PROBES, values):
        expected = max(expected, count if count < PROBE or not lasted_s else count * ((end - start).total_seconds() / lasted_s))
    return expected


async def _whole(tx: Transaction, unit_id: UUID, start: datetime, end: datetime) -> Sequence[Points]:
    rows = await tx.execute(_WHOLE, _stretch(tx, unit_id, start, end))
    return [unpacked(device_id, packed) for device_id, packed in rows]


def _stretch(tx: Transaction, unit_id: UUID, start: datetime, end: datetime) -> dict[str, Any]:
    return {"organization_id": tx.organization_id, "unit_id": unit_id, "start": start, "end": end}


def _drawn(device_id: UUID, pieces: Sequence[Piece], width: timedelta) -> Points:
    """Each piece in its middle."""
    half_ms = width / timedelta(milliseconds=2)
    times = np.array([piece.at.timestamp() * 1000 + half_ms for piece in pieces], dtype=np.int64)

    def numbers(name: str) -> Numbers:
        return np.array([getattr(piece, name) for piece in pieces], dtype=np.float64)

    humidity = numbers("humidity_average")
    damp = (humidity, Band(numbers("humidity_low"), numbers("humidity_high"))) if np.isfinite(humidity).any() else (None, None)
    return Points(device_id, times, numbers("average"), width, Band(numbers("low"), numbers("high")), *damp)


async def newest(tx: Transaction, unit_id: UUID, after: datetime) -> Sequence[Points]:
    """What there is of the last day that was measured after `after`; sensors' clocks may be ahead of ours."""
    at = now()
    await unit(tx, unit_id)
    return await _whole(tx, unit_id, max(after + timedelta(milliseconds=1), at - SPARK_SPAN), at + timedelta(hours=1))


def unpacked(device_id: UUID, packed: bytes) -> Points:
    """What the database packed: microseconds since 2000 and two floats, all big-endian."""
    table = np.frombuffer(packed, dtype=_POINT)
    humidity = table["humidity"].astype(np.float64)
    return Points(
        device_id, table["us"].astype(np.int64) // 1000 + _EPOCH_2000_MS, table["celsius"].astype(np.float64),
        humidity_percent=humidity if np.isfinite(humidity).any() else None,
    )  # fmt: skip


async def sparks(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Mapping[UUID, Sequence[float | None]]:
    """The last 24 hours of each unit as the averages of its hours, this one last; None where nothing was measured."""
    last = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    rows = await tx.execute(
        _SPARKS, {"organization_id": tx.organization_id, "unit_ids": columns.ids(unit_ids), "first": last - SPARK_SPAN, "last": last}
    )
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
