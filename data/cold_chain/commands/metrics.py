"""What was measured is drawn together by the hour, day, week and month, soon after it comes and exactly, however late it comes.

Readings are kept and their hours marked by one statement (readings.py); a mark that stands already is left alone. A
mark is taken up in two steps, so that neither side ever waits for the other and no reading is forgotten between them:

1. `claim` gives a mark the number of the claiming transaction. From its commit on, new readings of that hour make a new mark.
2. `count_up` counts a claimed hour once every transaction that may have relied on the old mark has ended, and takes the mark
   away in the same transaction. Who dies between the two leaves the mark where it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from data.cold_chain.limits import Span, within
from data.cold_chain.queries.hours import ADDED, COUNTED, HOUR, KEPT
from data.cold_chain.queries.limits import limits
from data.cold_chain.values import Granularity
from data.core import columns
from data.core.session import Transaction

SETTLE = timedelta(minutes=5)
"""An hour that is not over is counted at most this often."""
AT_ONCE = 2_000
COUNTING_LOCK = 7_362_002

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

PIECES = "unnest(:organizations, :units, :hours, :sinces, :untils, :lows, :highs)"
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
  from unnest(:organizations, :units, :hours) t (organization_id, unit_id, hour)
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

_CLAIM = text("""
update cold_chain.stale_metrics set claim = pg_current_xact_id()::text::bigint
where claim = 0 and (hour + interval '1 hour' <= :at or marked_at <= :settled)
""")

_RIPE = text("""
select organization_id, unit_id, hour, max(claim) from cold_chain.stale_metrics
where claim > 0 and claim < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
group by organization_id, unit_id, hour order by organization_id, unit_id, hour limit :at_once
""")
"""A claim is ripe when no transaction runs any more that began to write before the claim was made."""

_DONE = text("""
delete from cold_chain.stale_metrics where ctid = any(array(
  select s.ctid from unnest(:organizations, :units, :hours) d (organization_id, unit_id, hour)
  cross join lateral (
    select ctid from cold_chain.stale_metrics s
    where s.organization_id = d.organization_id and s.unit_id = d.unit_id and s.hour = d.hour and s.claim > 0 and s.claim <= :newest
    offset 0
  ) s
))
""")
"""Mark by mark through the key. Statistics do not know that many are claimed all of a sudden, and a join would go through all of
them for each."""

_PLAN_ANEW = text("set local plan_cache_mode = force_custom_plan")
"""A plan that is made for any hours there may be is made for none."""


class Stale(NamedTuple):
    """An hour of a unit that is to be counted, and the number of its claim."""

    organization_id: UUID
    unit_id: UUID
    hour: datetime
    claim: int


async def mark_stretch(tx: Transaction, since: datetime, until: datetime) -> int:
    """Mark every hour with readings between two instants (across tenants, or the actor's own); how many were marked."""
    result = await tx.execute(_MARK_STRETCH, {"since": since, "until": until})
    return int(result.rowcount)  # type: ignore[attr-defined]


async def claim(tx: Transaction, at: datetime) -> int:
    """Take up (across tenants) the marks of hours that are over, and older ones of hours that are not; how many."""
    result = await tx.execute(_CLAIM, {"at": at, "settled": at - SETTLE})
    return int(result.rowcount)  # type: ignore[attr-defined]


async def count_up(tx: Transaction, *, at_once: int = AT_ONCE) -> int:
    """Count claimed hours (across tenants), and anew the days, weeks and months they lie in; how many hours.

    0 also where another process is counting: two that added up the same day would not see each other's hours.
    """
    await tx.execute(_PLAN_ANEW)
    if not (await tx.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": COUNTING_LOCK})).scalar():
        return 0
    stale = [Stale(*row) for row in await tx.execute(_RIPE, {"at_once": at_once})]
    if not stale:
        return 0
    held = await limits(tx, {one.unit_id for one in stale}, min(one.hour for one in stale))
    await tx.execute(_HOURS, pieces(stale, held))
    touched = _columns(stale)
    for statement in _COARSER:
        await tx.execute(statement, touched)
    await tx.execute(_DONE, touched | {"newest": max(one.claim for one in stale)})
    return len(stale)


def pieces(stale: Iterable[Stale], held: Mapping[UUID, Sequence[Span]]) -> dict[str, Any]:
    """The hours as the columns of PIECE: an hour in which the limits changed is two pieces of time."""
    rows = [
        (one, span)
        for one in stale
        for span in (within(held[one.unit_id], one.hour, one.hour + HOUR) if one.unit_id in held else [_open(one.hour)])
    ]
    return _columns([one for one, _ in rows]) | {
        "sinces": columns.instants(span.since for _, span in rows),
        "untils": columns.instants(span.until for _, span in rows),
        "lows": columns.doubles(span.low_celsius for _, span in rows),
        "highs": columns.doubles(span.high_celsius for _, span in rows),
    }


def _open(hour: datetime) -> Span:
    return Span(hour, hour + HOUR, None, None)


def _columns(stale: Sequence[Stale]) -> dict[str, Any]:
    return {
        "organizations": columns.ids([one.organization_id for one in stale]),
        "units": columns.ids([one.unit_id for one in stale]),
        "hours": columns.instants(one.hour for one in stale),
    }
