"""The questions that a report asks the database. All are of one organization; what became known after `as_of` does not count."""

from data.cold_chain import rules
from data.cold_chain.values import NO_DEVICE

ORGANIZATION = "select name, time_zone from identity.organizations where id = :organization_id"

SITE = """
select name, time_zone from cold_chain.sites
where organization_id = :organization_id and id = :site_id
  and (cast(:site_ids as uuid[]) is null or id = any(cast(:site_ids as uuid[])))
"""

UNITS = """
select u.id, u.name, u.unit_type::text, a.name as area, s.id as site_id, s.name as site, s.time_zone, u.created_at,
  least(u.deleted_at, a.deleted_at, s.deleted_at) as deleted_at,
  coalesce(u.manual_monitoring_interval_minutes, s.manual_log_cadence_s / 60) as manual_minutes,
  u.is_manual_monitoring_required as is_manual_required
from cold_chain.units u
join cold_chain.areas a on a.organization_id = u.organization_id and a.id = u.area_id
join cold_chain.sites s on s.organization_id = u.organization_id and s.id = a.site_id
where u.organization_id = :organization_id
  and (cast(:unit_id as uuid) is null or u.id = :unit_id) and (cast(:site_id as uuid) is null or s.id = :site_id)
  and (cast(:site_ids as uuid[]) is null or s.id = any(cast(:site_ids as uuid[])))
  and coalesce(least(u.deleted_at, a.deleted_at, s.deleted_at), 'infinity') > cast(:first_day as date) at time zone s.time_zone
order by s.name collate "C", s.id, a.name collate "C", u.name collate "C", u.id
"""

RULES = f"""
select unit_id, site_id, {", ".join(rules.INHERITED)} from cold_chain.alert_rules
where organization_id = :organization_id and (unit_id is null or unit_id = any(:units)) and (site_id is null or site_id = any(:sites))
"""

CHANGES = """
select unit_id, site_id, changed_at, old_values, new_values from cold_chain.alert_rules_history
where organization_id = :organization_id and changed_at > :start
  and (unit_id is null or unit_id = any(:units)) and (site_id is null or site_id = any(:sites))
order by changed_at, id
"""

READINGS = f"""
with others as (
  select id from cold_chain.devices
  where organization_id = :organization_id and unit_id = any(:units) and not is_primary and id <> '{NO_DEVICE}'
), of_sensor as (
  select unit_id, recorded_at, device_id, temperature_celsius,
    greatest(-1, least(2000000000, extract(epoch from received_at - recorded_at)))::int as delay_s
  from cold_chain.sensor_readings
  where organization_id = :organization_id and unit_id = any(:units) and recorded_at >= :earliest and recorded_at < :end
    and received_at <= :as_of and device_id not in (select id from others)
)
select unit_id,
  string_agg(timestamptz_send(recorded_at) || int4send(delay_s) || int4send((temperature_celsius * 100)::int), ''::bytea
    order by recorded_at, device_id)
from of_sensor group by unit_id
"""
"""16 bytes a reading: microseconds since 2000, seconds until it arrived, hundredths of a degree (see gathering.PACKED)."""

LOGS = """
select m.unit_id as subject_id, m.id, m.recorded_at, m.created_at, m.user_name, m.temperature_celsius::float8 as celsius,
  m.is_in_range, m.notes, f.sha256 as photo_sha256,
  exists (
    select from cold_chain.manual_temperature_logs c
    where c.organization_id = m.organization_id and c.corrects_id = m.id and c.created_at <= :as_of
  ) as is_corrected
from cold_chain.manual_temperature_logs m
left join platform.files f on f.organization_id = m.organization_id and f.id = m.photo_file_id
where m.organization_id = :organization_id and m.unit_id = any(:units) and m.recorded_at >= :earliest and m.recorded_at < :end
  and m.created_at <= :as_of
order by m.recorded_at, m.id
"""

ACTIONS = """
select c.subject_id, c.id, c.acted_at, u.name as by, c.description, c.action_taken, f.sha256 as photo_sha256, c.alert_id, c.log_id
from alerts.corrective_actions c
left join identity.users u on u.id = c.acted_by
left join platform.files f on f.organization_id = c.organization_id and f.id = c.photo_file_id
where c.organization_id = :organization_id and c.subject_id = any(:units) and c.acted_at >= :start and c.created_at <= :as_of
  and c.acted_at < cast(:end as timestamptz) + interval '7 days'
order by c.acted_at, c.id
"""

ALERTS = """
select a.subject_id, a.id, a.alert_type, a.severity::text, a.message, a.message_values, a.triggered_at, a.acknowledged_at,
  u.name as acknowledged_by, a.acknowledgement_note, a.resolved_at
from alerts.alerts a
left join identity.users u on u.id = a.acknowledged_by
where a.organization_id = :organization_id and (a.subject_id = any(:units) or a.subject_id = any(:sites))
  and a.triggered_at < :end and a.triggered_at <= :as_of and (a.resolved_at is null or a.resolved_at >= :start)
order by a.triggered_at, a.id
"""

TOLD = """
select n.alert_id, n.id, n.created_at as at, u.name as who, 'in_app' as channel,
  case when n.read_at <= :as_of then 'read' else 'delivered' end as outcome,
  case when n.read_at <= :as_of then n.read_at end as outcome_at
from notifications.notifications n
join identity.users u on u.id = n.user_id
where n.organization_id = :organization_id and n.alert_id = any(:alerts) and n.created_at <= :as_of
union all
select d.alert_id, d.id, d.created_at, coalesce(u.name, c.name, w.name, d.recipient), d.channel::text,
  case when d.delivered_at <= :as_of then 'delivered' when d.sent_at <= :as_of then 'sent' when d.failed_at <= :as_of then 'failed'
    when d.status in ('suppressed', 'canceled') then 'suppressed' else 'pending' end,
  case when d.delivered_at <= :as_of then d.delivered_at when d.sent_at <= :as_of then d.sent_at when d.failed_at <= :as_of then d.failed_at end
from notifications.notification_deliveries d
left join identity.users u on u.id = d.user_id
left join notifications.escalation_contacts c on c.organization_id = d.organization_id and c.id = d.contact_id
left join notifications.webhook_endpoints w on w.organization_id = d.organization_id and w.id = d.endpoint_id
where d.organization_id = :organization_id and d.alert_id = any(:alerts) and d.created_at <= :as_of and d.channel <> 'in_app'
order by at, id
"""

EXCURSIONS = """
select e.unit_id as subject_id, e.id, e.alert_id, e.started_at, e.ended_at, e.confirmed_at, e.cause::text, e.cause_note, u.name as cause_by,
  e.cause_at
from cold_chain.excursions e
left join identity.users u on u.id = e.cause_by
where e.organization_id = :organization_id and e.unit_id = any(:units) and e.started_at < :end and e.created_at <= :as_of
  and (e.ended_at is null or e.ended_at >= :start)
order by e.started_at, e.id
"""

DOORS = """
select unit_id as subject_id, recorded_at, is_open, duration_s from cold_chain.door_events
where organization_id = :organization_id and unit_id = any(:units) and recorded_at >= :start and recorded_at < :end and received_at <= :as_of
order by recorded_at, device_id
"""

SENSORS = """
with calibrations as (
  select c.device_id, jsonb_agg(jsonb_build_object(
      'calibrated_at', c.calibrated_at, 'expires_at', c.expires_at, 'by', coalesce(c.calibrated_by_name, u.name),
      'offset', c.temperature_offset_celsius, 'certificate', f.sha256
    ) order by c.calibrated_at, c.id) as found
  from cold_chain.calibration_records c
  left join identity.users u on u.id = c.calibrated_by
  left join platform.files f on f.organization_id = c.organization_id and f.id = c.certificate_file_id
  where c.organization_id = :organization_id and c.calibrated_at < :end and c.created_at <= :as_of
    and (c.deleted_at is null or c.deleted_at > :as_of)
  group by c.device_id
)
select d.unit_id as subject_id, d.id, d.name, d.device_eui, coalesce(c.found, '[]'::jsonb) as calibrations
from cold_chain.devices d left join calibrations c on c.device_id = d.id
where d.organization_id = :organization_id and d.unit_id = any(:units) and d.is_primary
  and (d.deleted_at is null or d.deleted_at > :start) and d.created_at <= :as_of
order by d.device_eui, d.id
"""

PEOPLE = """
select u.name, min(r.role::text) as role from identity.user_roles r join identity.users u on u.id = r.user_id
where r.organization_id = :organization_id and r.role in ('owner', 'admin', 'manager') and u.deleted_at is null
  and (r.scope_id is null or r.scope_id = any(:sites))
group by u.id, u.name order by min(array_position(array['owner', 'admin', 'manager'], r.role::text)), u.name collate "C", u.id
limit 12
"""

PHOTO = """
with seen as (
  select m.photo_file_id as file_id, a.site_id from cold_chain.manual_temperature_logs m
  join cold_chain.units u on u.organization_id = m.organization_id and u.id = m.unit_id
  join cold_chain.areas a on a.organization_id = u.organization_id and a.id = u.area_id
  where m.organization_id = :organization_id and m.photo_file_id is not null
  union all
  select c.photo_file_id, a.site_id from alerts.corrective_actions c
  join cold_chain.units u on u.organization_id = c.organization_id and u.id = c.subject_id
  join cold_chain.areas a on a.organization_id = u.organization_id and a.id = u.area_id
  where c.organization_id = :organization_id and c.photo_file_id is not null
)
select f.id from platform.files f join seen s on s.file_id = f.id
where f.organization_id = :organization_id and f.sha256 = :sha256 and f.deleted_at is null
  and (cast(:scopes as uuid[]) is null or s.site_id = any(cast(:scopes as uuid[])))
limit 1
"""
