"""What probes measured and how long switches were on is drawn together by the hour and the day of the farm's own clock, soon and exactly.

Readings are kept and their hours marked by one statement (reports.py); how marks are taken up stands in core/marks.py. Hours are
those of the farm's clock too, so that days are made of whole hours also where clocks stand half an hour off.

A switch's state lasts until its next word. So a word changes the hours since the one before it and until the one after it, and all of
these are counted again; an hour in which nothing was said has a row as soon as it is known how it ended.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from data.core import columns
from data.core.marks import AT_ONCE, SETTLE, Marks
from data.core.session import Transaction

__all__ = ["SETTLE", "claim", "count_up", "forget_hours", "mark_stretch", "oldest_mark", "recut"]

MARKS = Marks("farm.stale_metrics", {"device_id": columns.ids, "sensor_type": columns.texts}, lock=7_362_003)
SWITCH = "power"
"""What is counted as time, not as a value."""

_ASKED = f"""
with asked as (
  select a.*, d.farm_id, f.time_zone from {MARKS.unnested} a {MARKS.columns}
  join farm.devices d on d.organization_id = a.organization_id and d.id = a.device_id
  join farm.farms f on f.organization_id = d.organization_id and f.id = d.farm_id
)"""

_INTO = """
insert into farm.reading_metrics as m
  (organization_id, device_id, sensor_type, granularity, period_start, farm_id, unit, minimum, maximum, total, square_total, reading_count,
   on_s, cycle_count)
select organization_id, device_id, sensor_type, '{granularity}', period, farm_id, unit, low, high, total, squares, readings, on_s, cycles
from found order by organization_id, device_id, sensor_type, period
on conflict (organization_id, device_id, sensor_type, granularity, period_start) do update set
  farm_id = excluded.farm_id, unit = excluded.unit, minimum = excluded.minimum, maximum = excluded.maximum, total = excluded.total,
  square_total = excluded.square_total, reading_count = excluded.reading_count, on_s = excluded.on_s,
  cycle_count = excluded.cycle_count, updated_at = now()
where excluded.reading_count >= m.reading_count
"""
"""Readings only become more: where fewer are found than were counted, the others have been let go of, and the old count stays."""

_READ = """r.organization_id = {of}.organization_id and r.device_id = {of}.device_id"""
_HOUR = "recorded_at >= {of}.hour and r.recorded_at < {of}.hour + interval '1 hour'"

_VALUES = text(
    f"""{_ASKED}, found as (
  select a.organization_id, a.device_id, a.sensor_type, a.hour as period, a.farm_id, r.*, null::int as on_s, null::int as cycles
  from asked a
  cross join lateral (
    select max(r.unit) as unit, min(r.value) as low, max(r.value) as high, sum(r.value) as total, sum(r.value * r.value) as squares,
      count(*) as readings
    from farm.sensor_readings r
    where {_READ.format(of="a")} and r.sensor_type = a.sensor_type and r.{_HOUR.format(of="a")}
      and date_trunc('hour', r.recorded_at, a.time_zone) = a.hour
  ) r
  where r.readings > 0 and a.sensor_type <> '{SWITCH}'
)"""
    + _INTO.format(granularity="hourly")
)
"""Where a clock is set back by half an hour, two hours overlap: each reading belongs to its own."""

_NEAR = "r.sensor_type = a.sensor_type and r.recorded_at"
_SWITCHES = text(
    f"""{_ASKED}, reached as (
  select distinct a.organization_id, a.device_id, a.farm_id, a.time_zone, date_trunc('hour', h.at, a.time_zone) as hour
  from asked a
  cross join lateral (
    select (
      select date_trunc('hour', r.recorded_at, a.time_zone) from farm.sensor_readings r
      where {_READ.format(of="a")} and {_NEAR} >= a.hour - :reach and r.recorded_at < a.hour order by r.recorded_at desc limit 1
    ) as first, (
      select r.recorded_at from farm.sensor_readings r
      where {_READ.format(of="a")} and {_NEAR} >= a.hour + interval '1 hour' and r.recorded_at < a.hour + :reach order by r.recorded_at limit 1
    ) as last
  ) n
  cross join lateral generate_series(coalesce(n.first, a.hour), coalesce(n.last, a.hour), interval '30 minutes') h (at)
  where a.sensor_type = '{SWITCH}'
), found as (
  select e.organization_id, e.device_id, '{SWITCH}' as sensor_type, e.hour as period, e.farm_id, '' as unit, s.*
  from reached e
  cross join lateral (
    select min(value) as low, max(value) as high, coalesce(sum(value) filter (where is_word), 0) as total,
      coalesce(sum(value * value) filter (where is_word), 0) as squares, count(*) filter (where is_word) as readings,
      coalesce(round(sum(greatest(extract(epoch from least(until, e.hour + interval '1 hour', now()) - since), 0))
        filter (where value > 0)), 0)::int as on_s,
      count(*) filter (where is_word and value > 0 and before = 0)::int as cycles
    from (
      select since, value, is_word, lead(since, 1, 'infinity') over w as until, lag(value) over w as before
      from (
        select r.recorded_at as since, r.value, true as is_word from farm.sensor_readings r
        where {_READ.format(of="e")} and r.sensor_type = '{SWITCH}' and r.{_HOUR.format(of="e")}
          and date_trunc('hour', r.recorded_at, e.time_zone) = e.hour
        union all
        (select e.hour, r.value, false from farm.sensor_readings r
         where {_READ.format(of="e")} and r.sensor_type = '{SWITCH}' and r.recorded_at >= e.hour - :reach and r.recorded_at < e.hour
         order by r.recorded_at desc limit 1)
      ) word window w as (order by since, is_word)
    ) lasted
  ) s
  where s.low is not null and e.hour < now()
)"""
    + _INTO.format(granularity="hourly")
    + "returning m.organization_id, m.device_id, m.sensor_type, m.period_start"
)

_DAYS = text(
    f"""{_ASKED}, touched as (
  select distinct organization_id, device_id, sensor_type, farm_id, date_trunc('day', hour, time_zone) as period, time_zone from asked
), found as (
  select t.organization_id, t.device_id, t.sensor_type, t.period, t.farm_id, m.*
  from touched t
  cross join lateral (
    select max(unit) as unit, min(minimum) as low, max(maximum) as high, sum(total) as total, sum(square_total) as squares,
      sum(reading_count)::int as readings, sum(on_s)::int as on_s, sum(cycle_count)::int as cycles
    from farm.reading_metrics m
    where m.organization_id = t.organization_id and m.device_id = t.device_id and m.sensor_type = t.sensor_type
      and m.granularity = 'hourly' and m.period_start >= t.period
      and m.period_start < date_trunc('day', t.period + interval '30 hours', t.time_zone)
  ) m
  where m.low is not null
)"""
    + _INTO.format(granularity="daily")
)
"""A day has 23 to 25 hours: thirty hours after its beginning the next one has begun."""

_REACH = timedelta(days=31)
"""How far back a switch's last word is looked for."""

_MARK_STRETCH = text("""
insert into farm.stale_metrics (organization_id, device_id, sensor_type, hour)
select distinct r.organization_id, r.device_id, r.sensor_type, date_trunc('hour', r.recorded_at, f.time_zone)
from farm.sensor_readings r join farm.farms f on f.organization_id = r.organization_id and f.id = r.farm_id
where r.recorded_at >= :since and r.recorded_at < :until
on conflict do nothing
""")

_KEPT_HOURS = "organization_id = :organization_id and farm_id = :farm_id and granularity = 'hourly'"
_UNCUT = (
    text("""
delete from farm.reading_metrics d using farm.farms f
where d.organization_id = :organization_id and d.farm_id = :farm_id and d.granularity = 'daily'
  and f.organization_id = d.organization_id and f.id = d.farm_id and d.reading_count <= (
    select sum(h.reading_count) from farm.reading_metrics h
    where h.organization_id = d.organization_id and h.device_id = d.device_id and h.sensor_type = d.sensor_type
      and h.granularity = 'hourly' and h.period_start >= d.period_start
      and h.period_start < date_trunc('day', d.period_start + interval '30 hours', f.time_zone))
"""),
    text(f"""
delete from farm.reading_metrics where {_KEPT_HOURS} and date_trunc('hour', period_start, :zone) <> period_start
  and period_start > (
    select min(recorded_at) - interval '1 hour' from farm.sensor_readings where organization_id = :organization_id and farm_id = :farm_id)
"""),
    text(f"""
insert into farm.stale_metrics (organization_id, device_id, sensor_type, hour)
select organization_id, device_id, sensor_type, period_start from farm.reading_metrics where {_KEPT_HOURS}
union
select organization_id, device_id, sensor_type, date_trunc('hour', recorded_at, :zone) from farm.sensor_readings
where organization_id = :organization_id and farm_id = :farm_id
on conflict do nothing
"""),
)

_FORGET_HOURS = text("delete from farm.reading_metrics where granularity = 'hourly' and period_start < :before")
_FORGET_COPIES = text("""
delete from farm.device_metrics m using farm.devices d
join farm.farms f on f.organization_id = d.organization_id and f.id = d.farm_id
where d.organization_id = m.organization_id and d.id = m.device_id and m.recorded_at < :before and m.recorded_at >= :lately
  and exists (
    select from farm.device_metrics k
    where k.organization_id = m.organization_id and k.device_id = m.device_id and k.metric_type = m.metric_type
      and k.recorded_at < m.recorded_at and k.recorded_at >= date_trunc('day', m.recorded_at, f.time_zone))
""")
"""Totals and levels, of which the first of each day is its day's."""


async def mark_stretch(tx: Transaction, since: datetime, until: datetime) -> int:
    """Mark every hour with readings between two instants (across tenants, or the actor's own); how many were marked."""
    result = await tx.execute(_MARK_STRETCH, {"since": since, "until": until})
    return int(result.rowcount)  # type: ignore[attr-defined]


async def claim(tx: Transaction, at: datetime) -> int:
    """Take up (across tenants) the marks of hours that are over, and older ones of hours that are not; how many."""
    return await MARKS.claim(tx, at)


async def count_up(tx: Transaction, *, at_once: int = AT_ONCE) -> int:
    """Count claimed hours (across tenants), and anew the days they lie in; how many hours."""
    stale = await MARKS.take(tx, at_once=at_once)
    if not stale:
        return 0
    asked = MARKS.packed(stale)
    await tx.execute(_VALUES, asked)
    reached = await tx.execute(_SWITCHES, asked | {"reach": _REACH})
    hours = {(one.organization_id, *one.thing, one.hour) for one in stale} | {tuple(row) for row in reached}
    await tx.execute(
        _DAYS,
        {
            "organizations": columns.ids([one[0] for one in hours]), "device_ids": columns.ids([one[1] for one in hours]),
            "sensor_types": columns.texts(one[2] for one in hours), "hours": columns.instants(one[3] for one in hours),
        },
    )  # fmt: skip
    await MARKS.done(tx, stale)
    return len(stale)


async def recut(tx: Transaction, farm_id: UUID, zone: str) -> None:
    """The farm is about to go by another clock: its days are cut anew as far back as all their hours are kept. Older ones stay."""
    values = {"organization_id": tx.organization_id, "farm_id": farm_id, "zone": zone}
    for statement in _UNCUT:
        await tx.execute(statement, values)


async def oldest_mark(tx: Transaction) -> datetime | None:
    """The oldest hour that is not counted yet (across tenants): what was measured since must stay."""
    found: datetime | None = (await tx.execute(text("select min(hour) from farm.stale_metrics"))).scalar()
    return found


async def forget_hours(tx: Transaction, before: datetime) -> None:
    """Let go of hours (across tenants), whose days stay; and of a device's own hourly figures all but the first of each day."""
    await tx.execute(_FORGET_HOURS, {"before": before})
    await tx.execute(_FORGET_COPIES, {"before": before, "lately": before - timedelta(days=40)})
