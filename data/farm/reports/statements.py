"""What a farm's report asks of the database."""

from data.farm.queries_periods import found_by_day, found_by_hour
from data.farm.rules import CALLED_OFF, FARM_STOPPED, REMOVED, REPLACED

DEVICES = """
select d.id, d.name, d.location, d.device_type::text, d.is_online, d.battery_percent, d.created_at, d.deleted_at,
  array(select jsonb_object_keys(d.latest)) as kinds
from farm.devices d
where d.organization_id = :organization_id and d.farm_id = :farm_id and d.created_at < :until
  and (d.deleted_at is null or d.deleted_at > :since) and (cardinality(cast(:only as uuid[])) = 0 or d.id = any(:only))
order by d.location nulls last, d.name, d.id
"""

_STEPPED = """
select device_id, {step} as step, max(unit) as unit, sum(count)::int8 as count, min(low)::float8 as low, max(high)::float8 as high,
  sum(total) as total, sum(squares) as squares
from found where at >= :start group by 1, 2 order by 1, 2
"""
MEASURED = {
    "1h": found_by_hour(has_squares=True) + _STEPPED.format(step="at"),
    "1d": found_by_day(has_squares=True) + _STEPPED.format(step="at"),
    "1w": found_by_day(has_squares=True) + _STEPPED.format(step="date_trunc('week', at, :zone)"),
}

SWITCHED = """
select device_id, sum(on_s) / 60.0 as on_minutes, sum(cycle_count) as cycles from farm.reading_metrics
where organization_id = :organization_id and device_id = any(:devices) and sensor_type = 'power' and granularity = 'daily'
  and period_start >= :since and period_start < :until
group by 1
"""

PRESENCE = """
with known as (
  select d.id, d.is_online, greatest(d.created_at, :since) as since, least(coalesce(d.deleted_at, :until), :until) as until
  from farm.devices d where d.organization_id = :organization_id and d.id = any(:devices)
), words as (
  select k.id, e.recorded_at as at, e.event_type = 'farm.device.online' as is_online
  from known k join audit.event_logs e on e.organization_id = :organization_id and e.subject_id = k.id
    and e.recorded_at > k.since and e.recorded_at < k.until
  where e.event_type in ('farm.device.online', 'farm.device.offline')
), before as (
  select k.*, (
    select e.event_type = 'farm.device.online' from audit.event_logs e
    where e.organization_id = :organization_id and e.subject_id = k.id and e.recorded_at <= k.since
      and e.event_type in ('farm.device.online', 'farm.device.offline') order by e.recorded_at desc limit 1) as was_online
  from known k
), begun as (
  select b.id, b.since as at, coalesce(b.was_online, b.is_online) as is_online from before b
  where b.was_online is not null or not exists (
    select from audit.event_logs e where e.organization_id = :organization_id and e.subject_id = b.id
      and e.event_type in ('farm.device.online', 'farm.device.offline'))
), lasted as (
  select w.id, w.is_online, greatest(extract(epoch from lead(w.at, 1, k.until) over (partition by w.id order by w.at) - w.at) / 60, 0) as minutes
  from (select * from words union all select * from begun) w join known k on k.id = w.id
)
select k.id, coalesce(sum(l.minutes), 0)::float8 as known_minutes, coalesce(sum(l.minutes) filter (where l.is_online), 0)::float8 as online_minutes
from known k left join lasted l on l.id = k.id group by k.id
"""
"""A device comes and goes in the event log; nothing is known of the time before its first word there. One that has none is as it is."""

ASKED = f"""
select device_id, count(*) as asked, count(*) filter (where status = 'completed') as done from farm.device_commands
where organization_id = :organization_id and device_id = any(:devices) and requested_at >= :since and requested_at < :until
  and status in ('completed', 'failed', 'timeout', 'expired')
  and coalesce(error_message, '') not in ({", ".join("'" + said.replace("'", "''") + "'" for said in (CALLED_OFF, FARM_STOPPED, REMOVED, REPLACED))})
group by 1
"""
"""What somebody took back is no fault of the device."""

RAISED = """
select severity::text, count(*), count(acknowledged_at), count(*) filter (where resolved_at is null or resolved_at >= :until),
  (avg(extract(epoch from acknowledged_at - triggered_at)) / 60)::float8,
  (avg(extract(epoch from resolved_at - triggered_at)) filter (where resolved_at < :until) / 60)::float8
from alerts.alerts
where organization_id = :organization_id and scope_id = :farm_id and permission = 'farm.view' and triggered_at >= :since and triggered_at < :until
group by severity order by severity desc
"""

SCHEDULES = """
select s.id, s.name, d.name, count(*) filter (where x.status = 'executed'), count(*) filter (where x.status in ('failed', 'timeout')),
  count(*) filter (where x.status = 'skipped')
from farm.schedule_executions x
join farm.schedules s on s.organization_id = x.organization_id and s.id = x.schedule_id
join farm.devices d on d.organization_id = x.organization_id and d.id = x.device_id
where x.organization_id = :organization_id and s.farm_id = :farm_id and x.scheduled_time >= :since and x.scheduled_time < :until
group by s.id, s.name, d.name order by s.name, d.name, s.id
"""
