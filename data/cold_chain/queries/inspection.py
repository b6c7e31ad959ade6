"""What an inspector reads of certain units and days: every temperature and who wrote it, every exception and who answered, what was
done, when nothing was measured, which sensors were calibrated. Units that are gone since are in it: they are evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.cold_chain.queries.units import visible_sites
from data.cold_chain.tables import Area, Site, Unit
from data.core import columns
from data.core.session import Transaction

EXPORT = "cold_chain.export"


@dataclass(frozen=True, slots=True)
class Inspected:
    """A unit that may be inspected, and where it stands."""

    id: UUID
    name: str
    area_name: str
    site_id: UUID
    site_name: str
    time_zone: str
    is_gone: bool


async def units(tx: Transaction) -> Sequence[Inspected]:
    """Every unit of the sites that this actor may take records of, by place."""
    tx.actor.require(EXPORT)
    statement = (
        select(Unit.id, Unit.name, Area.name, Site.id, Site.name, Site.time_zone, col(Unit.deleted_at).is_not(None))  # type: ignore[call-overload]
        .join(Area, (col(Area.organization_id) == Unit.organization_id) & (col(Area.id) == Unit.area_id))
        .join(Site, (col(Site.organization_id) == Area.organization_id) & (col(Site.id) == Area.site_id))
        .where(visible_sites(tx, EXPORT))
        .order_by(Site.name, Area.sort_order, Area.name, Unit.sort_order, Unit.name, Unit.id)
    )
    return [Inspected(*row) for row in await tx.exec(statement)]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which units (all that the actor may inspect where none are named) from when until before when."""

    since: datetime
    until: datetime
    unit_ids: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Temperature:
    """One temperature: from a sensor (`who` is its name) or written down by somebody."""

    unit_id: UUID
    recorded_at: datetime
    arrived_at: datetime
    celsius: float
    humidity_percent: float | None
    is_by_hand: bool
    who: str | None
    is_in_range: bool | None
    notes: str | None
    action: str | None
    is_corrected: bool


_SENSORS = """
select r.unit_id, r.recorded_at, r.received_at, r.temperature_celsius::float8, r.humidity_percent::float8, false as by_hand,
  coalesce(d.name, d.device_eui), null::boolean, null::text, null::text, false, r.device_id
from cold_chain.sensor_readings r
left join cold_chain.devices d on d.organization_id = r.organization_id and d.id = r.device_id
where r.organization_id = :organization_id and r.unit_id = any(:units) and r.recorded_at >= :since and r.recorded_at < :until
"""
_BY_HAND = """
select m.unit_id, m.recorded_at, m.created_at, m.temperature_celsius::float8, m.humidity_percent::float8, true, m.user_name, m.is_in_range,
  m.notes, c.action_taken,
  exists (select from cold_chain.manual_temperature_logs k where k.organization_id = m.organization_id and k.corrects_id = m.id), m.id
from cold_chain.manual_temperature_logs m
left join alerts.corrective_actions c on c.organization_id = m.organization_id and c.log_id = m.id
where m.organization_id = :organization_id and m.unit_id = any(:units) and m.recorded_at >= :since and m.recorded_at < :until
"""
_NEWEST = " order by recorded_at desc, unit_id limit :upto"
_OLDEST = " order by 2, 12 limit :limit"


async def temperatures(
    tx: Transaction, stretch: Stretch, *, offset: int = 0, limit: int = 50, only_by_hand: bool = False
) -> tuple[Sequence[Temperature], int]:
    """A page of the temperatures, the newest first, and how many there are."""
    values = await _values(tx, stretch) | {"upto": offset + limit, "offset": offset, "limit": limit}
    parts = [_BY_HAND] if only_by_hand else [_BY_HAND, _SENSORS]
    newest = " union all ".join(f"select * from ({part}{_NEWEST}) as part" for part in parts)
    rows = await tx.execute(text(f"select * from ({newest}) as all_of_it order by recorded_at desc, unit_id offset :offset limit :limit"), values)
    counted = " + ".join(f"(select count(*) from ({part}) as part)" for part in parts)
    total = (await tx.execute(text(f"select {counted}"), values)).scalar_one()
    return [Temperature(*row[:11]) for row in rows], int(total)


@dataclass(frozen=True, slots=True)
class After:
    """The last temperature of a unit that was handed out."""

    recorded_at: datetime
    id: UUID


async def temperatures_after(
    tx: Transaction, unit_id: UUID, stretch: Stretch, after: After | None, *, limit: int = 5_000
) -> tuple[Sequence[Temperature], After | None]:
    """The next temperatures of one unit, the oldest first, and where to go on; None there: that was all."""
    values = await _values(tx, Stretch(stretch.since, stretch.until, [unit_id])) | {"limit": limit}
    further = ("", "")
    if after:
        values |= {"since": after.recorded_at, "at": after.recorded_at, "id": after.id}
        further = " and (r.recorded_at, r.device_id) > (:at, :id)", " and (m.recorded_at, m.id) > (:at, :id)"
    parts = [f"(select * from ({part}{more}{_OLDEST}) as part)" for part, more in ((_SENSORS, further[0]), (_BY_HAND, further[1]))]
    rows = (await tx.execute(text(f"select * from ({' union all '.join(parts)}) as both_of_them{_OLDEST}"), values)).all()
    return [Temperature(*row[:11]) for row in rows], After(rows[-1][1], rows[-1][11]) if len(rows) == limit else None


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of any other part: about which unit, from when until when, and what is known of it by name."""

    unit_id: UUID
    since: datetime
    until: datetime | None
    known: dict[str, Any]


EXCEPTIONS = """
select a.subject_id as unit_id, a.triggered_at as since, a.resolved_at as until, a.severity::text, a.alert_type, a.message, a.message_values,
  a.acknowledged_at, k.name as acknowledged_by, a.acknowledgement_note, r.name as resolved_by, a.resolution
from alerts.alerts a
left join identity.users k on k.id = a.acknowledged_by
left join identity.users r on r.id = a.resolved_by
where a.organization_id = :organization_id and a.subject_id = any(:units) and a.triggered_at < :until
  and (a.resolved_at is null or a.resolved_at >= :since)
"""
ACTIONS = """
select c.subject_id as unit_id, c.acted_at as since, null::timestamptz as until, c.description, c.action_taken, u.name as acted_by,
  c.alert_id is not null as is_for_alert, c.log_id is not null as is_for_log, c.photo_file_id is not null as has_photo
from alerts.corrective_actions c
left join identity.users u on u.id = c.acted_by
where c.organization_id = :organization_id and c.subject_id = any(:units) and c.acted_at >= :since and c.acted_at < :until
"""
EXCURSIONS = """
select e.unit_id, e.started_at as since, e.ended_at as until, e.direction::text, e.peak_celsius::float8 as peak_celsius, e.peak_at,
  e.low_celsius::float8 as low_celsius, e.high_celsius::float8 as high_celsius, e.degree_minutes::float8 as degree_minutes, e.confirmed_at,
  e.cause::text, e.cause_note, u.name as cause_by
from cold_chain.excursions e
left join identity.users u on u.id = e.cause_by
where e.organization_id = :organization_id and e.unit_id = any(:units) and e.started_at < :until and (e.ended_at is null or e.ended_at >= :since)
"""
CALIBRATIONS = """
select d.unit_id, c.calibrated_at as since, c.expires_at as until, coalesce(d.name, d.device_eui) as sensor,
  coalesce(c.calibrated_by_name, u.name) as calibrated_by, c.temperature_offset_celsius::float8 as offset_celsius,
  c.reference_temperature_celsius::float8 as reference_celsius, c.notes, c.certificate_file_id is not null as has_certificate,
  c.expires_at is not null and c.expires_at < now() as is_expired
from cold_chain.calibration_records c
join cold_chain.devices d on d.organization_id = c.organization_id and d.id = c.device_id
left join identity.users u on u.id = c.calibrated_by
where c.organization_id = :organization_id and d.unit_id = any(:units) and c.calibrated_at < :until and c.deleted_at is null
  and (c.expires_at is null or c.expires_at >= :since)
"""
GAPS = """
with steps as (
  select subject_id as unit_id, sequence, cast(event_data->>'at' as timestamptz) as at,
    event_data->>'after' in ('offline', 'monitoring_interrupted', 'manual_required') as is_silent,
    event_data->>'before' in ('offline', 'monitoring_interrupted', 'manual_required') as was_silent
  from audit.event_logs
  where organization_id = :organization_id and subject_id = any(:units) and event_type = 'cold_chain.units.state_changed'
), edges as (
  select unit_id, at as since, is_silent, lead(at) over (partition by unit_id order by sequence) as until
  from steps where is_silent <> was_silent
)
select unit_id, since, until, (
    select count(*) from cold_chain.manual_temperature_logs m
    where m.organization_id = :organization_id and m.unit_id = edges.unit_id and m.recorded_at >= since and (until is null or m.recorded_at < until)
  ) as lines_by_hand
from edges where is_silent and since < :until and (until is null or until >= :since)
"""
"""From the event log: a unit fell silent, and was heard again."""
PARTS = {"exceptions": EXCEPTIONS, "actions": ACTIONS, "gaps": GAPS, "calibration": CALIBRATIONS, "excursions": EXCURSIONS}


async def facts(tx: Transaction, part: str, stretch: Stretch, *, offset: int = 0, limit: int = 50) -> tuple[Sequence[Fact], int]:
    """A page of one of PARTS, the latest first, and how many lines there are."""
    values = await _values(tx, stretch) | {"offset": offset, "limit": limit}
    statement = PARTS[part]
    rows = await tx.execute(text(f"select * from ({statement}) as part order by since desc, unit_id offset :offset limit :limit"), values)
    total = (await tx.execute(text(f"select count(*) from ({statement}) as part"), values)).scalar_one()
    return [_fact(dict(row._mapping)) for row in rows], int(total)


def _fact(row: dict[str, Any]) -> Fact:
    return Fact(row.pop("unit_id"), row.pop("since"), row.pop("until"), row)


async def _values(tx: Transaction, stretch: Stretch) -> dict[str, Any]:
    """The units are those asked for that the actor may inspect: nobody gets another's by knowing its id."""
    may = [one.id for one in await units(tx)]
    asked = set(stretch.unit_ids)
    chosen = [unit_id for unit_id in may if not asked or unit_id in asked]
    return {"organization_id": tx.organization_id, "units": columns.ids(chosen), "since": stretch.since, "until": stretch.until}
