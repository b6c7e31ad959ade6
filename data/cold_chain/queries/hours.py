"""Readings drawn together, exactly: from the hours that are counted, and from the readings where an hour is not counted yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from data.cold_chain.kinetic import mean_of_sum
from data.cold_chain.limits import BEGINNING, END, Span, within
from data.cold_chain.queries.limits import limits
from data.core import columns
from data.core.session import Transaction

HOUR = timedelta(hours=1)

COUNTED = """
  min(r.temperature_celsius) as low, max(r.temperature_celsius) as high, sum(r.temperature_celsius) as total,
  min(r.humidity_percent) as humidity_low, max(r.humidity_percent) as humidity_high, sum(r.humidity_percent) as humidity_total,
  count(r.humidity_percent) as humidity_count, sum(exp(-10000.0 / (r.temperature_celsius::float8 + 273.15))) as kinetic,
  count(*) as readings,
  count(*) filter (where r.temperature_celsius < p.low_celsius or r.temperature_celsius > p.high_celsius) as anomalies
"""
"""Of readings `r` in a piece of time `p` with the limits that held in it; what is under exp() is `kinetic.rate`."""
ADDED = """
  min(low) as low, max(high) as high, sum(total) as total, min(humidity_low) as humidity_low, max(humidity_high) as humidity_high,
  sum(humidity_total) as humidity_total, sum(humidity_count) as humidity_count, sum(kinetic) as kinetic, sum(readings) as readings,
  sum(anomalies) as anomalies
"""
KEPT = """
  temp_min_celsius as low, temp_max_celsius as high, temp_sum_celsius as total, humidity_min_percent as humidity_low,
  humidity_max_percent as humidity_high, humidity_sum_percent as humidity_total, humidity_count, kinetic_sum as kinetic,
  reading_count as readings, anomaly_count as anomalies
"""

_FOUND = f"""
with stale as materialized (
  select distinct hour from cold_chain.stale_metrics
  where organization_id = :organization_id and unit_id = :unit_id and hour >= :first and hour < :last
), uncounted as (
  select hour as since, hour + interval '1 hour' as until from stale
  union all select * from unnest(:edges_since, :edges_until)
), pieces as (
  select greatest(u.since, l.since) as since, least(u.until, l.until) as until, low_celsius, high_celsius
  from uncounted u join unnest(:sinces, :untils, :lows, :highs) l (since, until, low_celsius, high_celsius)
    on l.since < u.until and l.until > u.since
), found as (
  select r.device_id, p.since as at, {", ".join(f"r.{name}" for name in (
    "low", "high", "total", "humidity_low", "humidity_high", "humidity_total", "humidity_count", "kinetic", "readings", "anomalies"
  ))}
  from pieces p
  cross join lateral (
    select r.device_id, {COUNTED} from cold_chain.sensor_readings r
    where r.organization_id = :organization_id and r.unit_id = :unit_id and r.recorded_at >= p.since and r.recorded_at < p.until
    group by r.device_id
  ) r
  union all
  select device_id, period_start, {KEPT} from cold_chain.reading_metrics m
  where organization_id = :organization_id and unit_id = :unit_id and granularity = 'hourly' and period_start >= :first
    and period_start < :last and period_start not in (select hour from stale)
)
"""
"""One statement, so that a mark and the count it speaks of are seen as of the same moment."""

_SHOWN = """
  low::float8, high::float8, (total / readings)::float8 as average, readings::int8, anomalies::int8, kinetic,
  humidity_low::float8, humidity_high::float8, (humidity_total / nullif(humidity_count, 0))::float8 as humidity_average
"""

_PIECES = text(f"""
{_FOUND}, joined as (select device_id, date_bin(:width, at, '2001-01-01') as at, {ADDED} from found group by 1, 2)
select device_id, at, {_SHOWN} from joined order by device_id, at
""")

_OF_READINGS = text("""
select device_id, date_bin(:width, recorded_at, '2001-01-01') as at,
  min(celsius) as low, max(celsius) as high, avg(celsius) as average,
  min(humidity) as humidity_low, max(humidity) as humidity_high, avg(humidity) as humidity_average
from (
  select device_id, recorded_at, temperature_celsius::float8 as celsius, humidity_percent::float8 as humidity
  from cold_chain.sensor_readings
  where organization_id = :organization_id and unit_id = :unit_id and recorded_at >= :start and recorded_at < :end
) r group by 1, 2 order by 1, 2
""")
"""2001 began on a Monday: pieces of every width begin at full hours and days of UTC."""

_SUMMARY = text(f"""{_FOUND}, joined as (select device_id, {ADDED} from found group by 1) select device_id, {_SHOWN} from joined""")


@dataclass(frozen=True, slots=True)
class Piece:
    """The readings of one sensor in one piece of time."""

    at: datetime
    low: float
    high: float
    average: float
    humidity_low: float | None
    humidity_high: float | None
    humidity_average: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All readings of one sensor in a stretch of time (°C, %)."""

    device_id: UUID
    low: float
    high: float
    average: float
    reading_count: int
    anomaly_count: int
    mean_kinetic: float | None
    humidity_low: float | None
    humidity_high: float | None
    humidity_average: float | None

    @property
    def share_within(self) -> float:
        """How much of it was within the limits that held, 0 to 1."""
        return 1 - self.anomaly_count / self.reading_count


async def pieces_of_readings(
    tx: Transaction, unit_id: UUID, start: datetime, end: datetime, width: timedelta
) -> dict[UUID, list[Piece]]:
    """By sensor, each piece of time that has readings, drawn together from them."""
    values = {"organization_id": tx.organization_id, "unit_id": unit_id, "start": start, "end": end, "width": width}
    return _by_sensor(await tx.execute(_OF_READINGS, values))


async def pieces_of_hours(
    tx: Transaction, unit_id: UUID, start: datetime, end: datetime, width: timedelta
) -> dict[UUID, list[Piece]]:
    """The same from the counted hours; `width` is whole hours."""
    values = await _values(tx, unit_id, start, end)
    return _by_sensor(await tx.execute(_PIECES, values | {"width": width}))


async def summaries(tx: Transaction, unit_id: UUID, start: datetime, end: datetime) -> Sequence[Summary]:
    """Each sensor's readings in a stretch of any length, as of now."""
    rows = await tx.execute(_SUMMARY, await _values(tx, unit_id, start, end))
    return [
        Summary(
            row.device_id, row.low, row.high, row.average, row.readings, row.anomalies, mean_of_sum(row.kinetic, row.readings),
            row.humidity_low, row.humidity_high, row.humidity_average,
        )
        for row in rows
    ]  # fmt: skip


def _by_sensor(rows: Any) -> dict[UUID, list[Piece]]:
    found: dict[UUID, list[Piece]] = {}
    for row in rows:
        piece = Piece(row.at, row.low, row.high, row.average, row.humidity_low, row.humidity_high, row.humidity_average)
        found.setdefault(row.device_id, []).append(piece)
    return found


async def _values(tx: Transaction, unit_id: UUID, start: datetime, end: datetime) -> dict[str, Any]:
    """Whole hours between `first` and `last`; what is left over at either end is asked of the readings."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    first, last = -(-(start - _ZERO) // HOUR) * HOUR + _ZERO, (end - _ZERO) // HOUR * HOUR + _ZERO
    edges = [(start, first), (last, end)] if first <= last else [(start, end)]
    edges = [(since, until) for since, until in edges if since < until]
    all_held = (await limits(tx, [unit_id], start - HOUR)).get(unit_id) or [Span(BEGINNING, END, None, None)]
    held = within(all_held, start - HOUR, end + HOUR)
    return {
        "organization_id": tx.organization_id, "unit_id": unit_id, "first": first, "last": max(first, last),
        "edges_since": columns.instants(since for since, _ in edges),
        "edges_until": columns.instants(until for _, until in edges),
        "sinces": columns.instants(span.since for span in held), "untils": columns.instants(span.until for span in held),
        "lows": columns.doubles(span.low_celsius for span in held), "highs": columns.doubles(span.high_celsius for span in held),
    }  # fmt: skip


_ZERO = datetime(2001, 1, 1, tzinfo=UTC)
