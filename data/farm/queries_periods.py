"""What is counted, and what is not counted yet put together from readings: one statement, so that a mark and the count it speaks of are
seen as of the same moment.

Parts of statements that ask for one quantity (:kind) of some devices (:devices) of an organization between :start and :end. `found` has
device_id, at, low, high, total, count, and with `has_squares` also squares and unit.
"""

MINE = "{of}.organization_id = :organization_id and {of}.device_id = any(:devices) and {of}.sensor_type = :kind"
PERIODS = f"from farm.reading_metrics m where {MINE.format(of='m')} and m.period_start < :end and m.granularity"


def found_by_hour(*, has_squares: bool = False) -> str:
    """Hours, as `with stale …, found …`."""
    return f"""{_stale("1 hour")}, found as (
  select {_kept("m.period_start", has_squares)} {PERIODS} = 'hourly' and m.period_start > cast(:start as timestamptz) - interval '1 hour'
    and (m.device_id, m.period_start) not in (select device_id, hour from stale)
  union all
  select s.device_id, s.hour, r.* from stale s cross join lateral ({_raw(has_squares)}) r where r.count > 0
)"""


def found_by_day(*, has_squares: bool = False) -> str:
    """Days by the clock of :zone. A day with an hour that is not counted yet is put together from its hours, and that hour from its
    readings."""
    return f"""{_stale("25 hours")}, behind as materialized (
  select distinct device_id, date_trunc('day', hour, :zone) as day from stale
), found as (
  select {_kept("m.period_start", has_squares)} {PERIODS} = 'daily' and m.period_start > cast(:start as timestamptz) - interval '25 hours'
    and (m.device_id, m.period_start) not in (select device_id, day from behind)
  union all
  select {_kept("b.day", has_squares)}
  from behind b join farm.reading_metrics m on {MINE.format(of="m")} and m.device_id = b.device_id and m.granularity = 'hourly'
    and m.period_start >= b.day and m.period_start < date_trunc('day', b.day + interval '30 hours', :zone)
  where (m.device_id, m.period_start) not in (select device_id, hour from stale)
  union all
  select s.device_id, date_trunc('day', s.hour, :zone), r.* from stale s cross join lateral ({_raw(has_squares)}) r where r.count > 0
)"""


def _stale(reach: str) -> str:
    return f"""
with stale as materialized (
  select distinct s.device_id, s.hour from farm.stale_metrics s
  where {MINE.format(of="s")} and s.hour > cast(:start as timestamptz) - interval '{reach}' and s.hour < :end
)"""


def _kept(at: str, has_squares: bool) -> str:
    squares = ", m.square_total as squares, m.unit" if has_squares else ""
    return f"m.device_id, {at} as at, m.minimum as low, m.maximum as high, m.total, m.reading_count as count{squares}"


def _raw(has_squares: bool) -> str:
    squares = ", sum(r.value * r.value) as squares, max(r.unit) as unit" if has_squares else ""
    return f"""
    select min(r.value) as low, max(r.value) as high, sum(r.value) as total, count(*) as count{squares}
    from farm.sensor_readings r
    where r.organization_id = :organization_id and r.device_id = s.device_id and r.sensor_type = :kind and r.recorded_at >= s.hour
      and r.recorded_at < s.hour + interval '1 hour'"""
