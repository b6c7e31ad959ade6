"""What was measured is drawn together by the hour, day, week and month, soon after it comes and exactly, however late it comes.

Readings are kept and their hours marked by one statement (readings.py); how marks are taken up stands in core/marks.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from data.cold_chain.limits import Span, within
from data.cold_chain.queries.hours import ADDED, COUNTED, HOUR, KEPT
from data.cold_chain.queries.limits import limits
from data.cold_chain.values import Granularity
from data.core import columns
from data.core.marks import AT_ONCE, SETTLE, Marks, Stale
from data.core.session import Transaction

__all__ = ["AT_ONCE", "SETTLE", "claim", "count_up", "mark_stretch", "pieces"]

MARKS = Marks("cold_chain.stale_metrics", {"unit_id": columns.ids}, lock=7_362_002)

_INTO = """
insert into cold_chain.reading_metrics as m
  (organization_id, unit_id, granularity, period_start, device_id, period_end, temp_min_celsius, temp_max_celsius, temp_avg_celsius,
   temp_sum_celsius, humidity_min_percent, humidity_max_percent, humidity_avg_percent, humidity_sum_percent, humidity_count,
   kinetic_sum, reading_count, anomaly_count)
select organization_id, unit_id, '{granularity}', period, device_id, period + interval '1 {step}', low, high, total / readings,
  total, humidity_low, humidity_high, humidity_total / nullif(humidity_count, 0), humidity_total, humidity_count, kinetic, readings,
  anomalies
from found order by organization_id, unit_id, period, device_id
on conflict (organization_id, unit_id, granularity, period_start, device_id) do update set
  temp_min_celsius = excluded.temp_min_celsius, temp_max_celsius = excluded.temp_max_celsius,
  temp_avg_celsius = excluded.temp_avg_celsius, temp_sum_celsius = excluded.temp_sum_celsius,
  humidity_min_percent = excluded.humidity_min_percent, humidity_max_percent = excluded.humidity_max_percent,
  humidity_avg_percent = excluded.humidity_avg_percent, humidity_sum_percent = excluded.humidity_sum_percent,
  humidity_count = excluded.humidity_count, kinetic_sum = excluded.kinetic_sum, reading_count = excluded.reading_count,
  anomaly_count = excluded.anomaly_count, updated_at = now()
where excluded.reading_count >= m.reading_count
"""
"""Readings only become more: where fewer are found than were counted, the others have been let go of, and the old count stays."""

PIECES = "unnest(:organizations, :unit_ids, :hours, :sinces, :untils, :lows, :highs)"
PIECE = "(organization_id, unit_id, hour, since, until, low_celsius, high_celsius)"

_HOURS = text(
    f"""
with found as (
  select p.organization_id, p.unit_id, p.hour as period, r.device_id, {ADDED.replace("(", "(r.")}
  from {PIECES} p {PIECE}
  cross join lateral (
    select r.device_id, {COUNTED} from cold_chain.sensor_readings r
    where r.organization_id = p.organization_id and r.unit_id = p.unit_id and r.recorded_at >= p.since and r.recorded_at < p.until
    group by r.device_id
  ) r
  group by p.organization_id, p.unit_id, p.hour, r.device_id
)"""
    + _INTO.format(granularity=Granularity.HOURLY.value, step="hour")
)


def _from(finer: Granularity, coarser: Granularity, step: str) -> Any:
    """The periods that these hours lie in, anew from the finer ones."""
    return text(
        f"""
with touched as (
  select distinct organization_id, unit_id, date_trunc('{step}', hour) as period
  from {MARKS.unnested} t {MARKS.columns}
), found as (
  select t.organization_id, t.unit_id, t.period, m.device_id, {ADDED}
  from touched t
  cross join lateral (
    select device_id, {KEPT} from cold_chain.reading_metrics m
    where m.organization_id = t.organization_id and m.unit_id = t.unit_id and m.granularity = '{finer.value}'
      and m.period_start >= t.period and m.period_start < t.period + interval '1 {step}'
  ) m
  group by t.organization_id, t.unit_id, t.period, m.device_id
)"""
        + _INTO.format(granularity=coarser.value, step=step)
    )


_COARSER = (
    _from(Granularity.HOURLY, Granularity.DAILY, "day"),
    _from(Granularity.DAILY, Granularity.WEEKLY, "week"),
    _from(Granularity.DAILY, Granularity.MONTHLY, "month"),
)

_MARK_STRETCH = text("""
insert into cold_chain.stale_metrics (organization_id, unit_id, hour)
select distinct organization_id, unit_id, date_trunc('hour', recorded_at) from cold_chain.sensor_readings
where recorded_at >= :since and recorded_at < :until
on conflict do nothing
""")


async def mark_stretch(tx: Transaction, since: datetime, until: datetime) -> int:
    """Mark every hour with readings between two instants (across tenants, or the actor's own); how many were marked."""
    result = await tx.execute(_MARK_STRETCH, {"since": since, "until": until})
    return int(result.rowcount)  # type: ignore[attr-defined]


async def claim(tx: Transaction, at: datetime) -> int:
    """Take up (across tenants) the marks of hours that are over, and older ones of hours that are not; how many."""
    return await MARKS.claim(tx, at)


async def count_up(tx: Transaction, *, at_once: int = AT_ONCE) -> int:
    """Count claimed hours (across tenants), and anew the days, weeks and months they lie in; how many hours."""
    stale = await MARKS.take(tx, at_once=at_once)
    if not stale:
        return 0
    held = await limits(tx, {_unit(one) for one in stale}, min(one.hour for one in stale))
    await tx.execute(_HOURS, pieces(stale, held))
    touched = MARKS.packed(stale)
    for statement in _COARSER:
        await tx.execute(statement, touched)
    await MARKS.done(tx, stale)
    return len(stale)


def pieces(stale: Iterable[Stale], held: Mapping[UUID, Sequence[Span]]) -> dict[str, Any]:
    """The hours as the columns of PIECE: an hour in which the limits changed is two pieces of time."""
    rows = [
        (one, span)
        for one in stale
        for span in (within(held[_unit(one)], one.hour, one.hour + HOUR) if _unit(one) in held else [_open(one.hour)])
    ]
    return MARKS.packed([one for one, _ in rows]) | {
        "sinces": columns.instants(span.since for _, span in rows),
        "untils": columns.instants(span.until for _, span in rows),
        "lows": columns.doubles(span.low_celsius for _, span in rows),
        "highs": columns.doubles(span.high_celsius for _, span in rows),
    }


def _open(hour: datetime) -> Span:
    return Span(hour, hour + HOUR, None, None)


def _unit(one: Stale) -> UUID:
    unit_id: UUID = one.thing[0]
    return unit_id
