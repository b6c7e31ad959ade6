"""What the clock alone may have changed is found for all organizations at once: one statement for each kind of trouble."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, any_, bindparam, case, func, not_, or_, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import NullType
from sqlmodel import col, exists, select

from data.alerts.tables import Alert, AlertStatus, Severity
from data.cold_chain import rules
from data.cold_chain.queries.watch import SAID, said, with_rules
from data.cold_chain.rules import Rule, settling
from data.cold_chain.rules.trend import FEWEST, LONGEST_SPAN, SMALLEST_NOISE_CELSIUS, SPAN, SURE, Point
from data.cold_chain.rules.troubles import (
    COOLING_READINGS,
    COOLING_SPAN,
    FEWEST_IN_OUTAGE,
    FULL_PERCENT,
    LOW_VOLTS,
    STRAGGLERS,
)
from data.cold_chain.tables import Area, Device, Site, Unit
from data.cold_chain.values import NO_DEVICE, UnitStatus
from data.core import columns
from data.core.session import Transaction

Found = Mapping[UUID, Sequence[UUID]]
"""By organization."""

STOPPED = (UnitStatus.MONITORING_INTERRUPTED, UnitStatus.MANUAL_REQUIRED)
OUT = (UnitStatus.EXCURSION, UnitStatus.ALARM_ACTIVE)


def _settled(name: str) -> Any:
    return func.coalesce(said(name), rules.DEFAULTS[name])


def _minutes(name: str) -> Any:
    return func.make_interval(0, 0, 0, 0, 0, _settled(name))


def _seconds(length: Any) -> Any:
    return func.extract("epoch", length)


def _by_organization(found: Any = Unit.id) -> Select[Any]:
    """Of living units in use, in the order of their sites, so that a site's units are judged together."""
    ordered = func.array_agg(aggregate_order_by(found, col(Area.site_id)))
    return (
        with_rules(select(Unit.organization_id, ordered).select_from(Unit))  # type: ignore[arg-type]
        .where(col(Unit.deleted_at).is_(None), col(Unit.is_active))
        .group_by(col(Unit.organization_id))
    )


def _has_open(alert_type: str, *more: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(
        col(Alert.organization_id) == Unit.organization_id, col(Alert.subject_id) == Unit.id,
        col(Alert.alert_type) == alert_type, col(Alert.status) != AlertStatus.RESOLVED, *more,
    )  # fmt: skip


async def _ask(tx: Transaction, statement: Select[Any]) -> Found:
    return {organization_id: ids for organization_id, ids in await tx.execute(statement)}


async def states(tx: Transaction, at: datetime) -> Found:
    """Units whose state time alone may have changed: too warm for long, or silent for too long."""

    def since(instant: Any) -> Any:
        return _seconds(at - instant)

    interval = _settled("expected_reading_interval_s")
    silence = since(Unit.last_reading_at)
    missed = func.floor((silence - rules.CHECK_IN_SLACK / timedelta(seconds=1)) / interval)
    factor, extra = said("offline_trigger_multiplier"), said("offline_trigger_additional_minutes")
    is_late = case(
        (and_(factor.is_(None), extra.is_(None)), missed >= _settled("offline_warning_missed_checkins")),
        else_=silence
        >= interval * func.coalesce(factor, settling.OLD_MULTIPLIER) + func.coalesce(extra, settling.OLD_EXTRA_MINUTES) * 60,
    )
    patience = func.least(_settled("delay_minutes"), _settled("delay_door_open_minutes"), _settled("max_excursion_minutes")) * 60
    measured_at = func.greatest(Unit.last_reading_at, Unit.last_manual_log_at)
    by_hand = (_settled("manual_interval_minutes") + _settled("manual_grace_minutes")) * 60
    return await _ask(
        tx,
        _by_organization().where(
            or_(
                and_(col(Unit.status) == UnitStatus.EXCURSION, since(Unit.out_of_range_since_at) >= patience),
                and_(col(Unit.status).in_((UnitStatus.OK, UnitStatus.RESTORING)), is_late),
                and_(
                    missed >= _settled("offline_critical_missed_checkins"),
                    or_(
                        col(Unit.status).not_in(STOPPED),
                        and_(
                            col(Unit.status) == UnitStatus.MONITORING_INTERRUPTED,
                            missed >= _settled("manual_log_missed_checkins_threshold"),
                            since(measured_at) > by_hand,
                        ),
                    ),
                ),
            )
        ),
    )


async def doors(tx: Transaction, at: datetime, alert_type: str) -> Found:
    """Units whose door has been open for longer than it may, and nobody has been told so, or not how badly."""
    is_critical = col(Unit.door_changed_at) <= at - _minutes("door_open_critical_minutes")
    is_warning = col(Unit.door_changed_at) <= at - _minutes("door_open_warning_minutes")
    return await _ask(
        tx,
        _by_organization().where(
            col(Unit.door_is_open).is_(True),
            or_(
                and_(is_critical, not_(_has_open(alert_type, col(Alert.severity) == Severity.CRITICAL))),
                and_(is_warning, not_(_has_open(alert_type))),
            ),
        ),
    )


async def uncooled(tx: Transaction, alert_type: str) -> Found:
    """Units outside their limits, their doors not open, of which nobody has said yet that they cool no more."""
    return await _ask(
        tx,
        _by_organization().where(
            col(Unit.status).in_(OUT), col(Unit.door_is_open).is_not(True), not_(_has_open(alert_type))
        ),
    )  # fmt: skip


async def overlong(tx: Transaction, at: datetime, alert_type: str, told: Collection[str]) -> Found:
    """Units that have been outside for longer than they may at most, where the alert (one of the sentences `told`) does not say so."""
    return await _ask(
        tx,
        _by_organization().where(
            col(Unit.out_of_range_since_at) <= at - _minutes("max_excursion_minutes"),
            _has_open(alert_type, col(Alert.message).in_(told)),
        ),
    )


async def unwritten(tx: Transaction, at: datetime, alert_type: str) -> Found:
    """Units that are to be measured by hand, sensor or not, and have not been for too long."""
    last = func.coalesce(Unit.last_manual_log_at, Unit.created_at)
    return await _ask(
        tx,
        _by_organization().where(
            col(Unit.is_manual_monitoring_required),
            last < at - _minutes("manual_interval_minutes") - _minutes("manual_grace_minutes"),
            not_(_has_open(alert_type)),
        ),
    )


async def batteries(tx: Transaction, alert_type: str) -> Found:
    """Sensors whose cells may have become low, or are full again while an alert says otherwise."""
    told = select(Alert.subject_id).where(Alert.alert_type == alert_type, Alert.status != AlertStatus.RESOLVED)
    has_open = col(Device.id).in_(told)  # asked once: these are few, and nearly every sensor's cells are full
    may_be_low = or_(col(Device.battery_percent) <= _settled("low_battery_percent"), col(Device.battery_v) < LOW_VOLTS)
    may_be_full = or_(col(Device.battery_percent) > FULL_PERCENT, col(Device.battery_v) >= LOW_VOLTS)
    statement = _by_organization(col(Device.id)).join(
        Device, and_(col(Device.organization_id) == Unit.organization_id, col(Device.unit_id) == Unit.id)
    )
    return await _ask(
        tx,
        statement.where(
            col(Device.deleted_at).is_(None), or_(and_(may_be_low, not_(has_open)), and_(may_be_full, has_open))
        ),
    )


_OUTAGES = text("""
select o.organization_id, array_agg(o.subject_id) from (
  select a.organization_id, a.id, a.subject_id, max(c.resolved_at) as returned_at,
    count(distinct u.id) filter (where u.status in ('monitoring_interrupted', 'manual_required')) as silent
  from alerts.alerts a
  left join alerts.alerts c on c.organization_id = a.organization_id and c.parent_id = a.id
  left join cold_chain.units u on u.organization_id = c.organization_id and u.id = c.subject_id and u.deleted_at is null
  where a.alert_type = :alert_type and a.status <> 'resolved'
  group by a.id
) o where o.silent = 0 or (o.silent < :fewest and o.returned_at < :before)
group by o.organization_id
""")


async def ended_outages(tx: Transaction, at: datetime, alert_type: str) -> Found:
    """Sites whose units are heard again; a straggler or two do not hold that up for long."""
    rows = await tx.execute(
        _OUTAGES, {"alert_type": alert_type, "fewest": FEWEST_IN_OUTAGE, "before": at - STRAGGLERS}
    )
    return {organization_id: ids for organization_id, ids in rows}


class Neighbour(NamedTuple):
    """A unit of a site that has ever been heard."""

    unit_id: UUID
    site_id: UUID
    site_name: str
    zone: str
    last_reading_at: datetime
    rule: Rule


_NEIGHBOURS = with_rules(
    select(Unit.id, Area.site_id, Site.name, Site.time_zone, Unit.last_reading_at, Unit.unit_type, *SAID).select_from(Unit)  # type: ignore[call-overload]
).where(
    col(Unit.deleted_at).is_(None), col(Unit.is_active), col(Unit.last_reading_at).is_not(None),
    col(Area.site_id) == any_(bindparam("site_ids", type_=NullType())),
)  # fmt: skip


async def neighbours(tx: Transaction, site_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Neighbour]]:
    """All units of these sites that have ever been heard, by site."""
    found: dict[UUID, list[Neighbour]] = {}
    for unit_id, site_id, name, zone, last_at, unit_type, *fields in await tx.execute(_NEIGHBOURS, {"site_ids": columns.ids(site_ids)}):
        found.setdefault(site_id, []).append(Neighbour(unit_id, site_id, name, zone, last_at, rules.settled(unit_type, *fields)))
    return found


_RECENT = text("""
select r.unit_id, array_agg(r.temperature_celsius::float8 order by r.recorded_at)
from cold_chain.sensor_readings r
left join cold_chain.devices d on d.organization_id = r.organization_id and d.id = r.device_id
where r.organization_id = :organization_id and r.unit_id = any(:units) and r.recorded_at > :since and r.recorded_at <= :until
  and (d.is_primary or r.device_id = :nobody)
group by r.unit_id
having count(*) >= :fewest
""")


async def recent(tx: Transaction, unit_ids: Collection[UUID], at: datetime) -> Mapping[UUID, Sequence[float]]:
    """What the units' own sensors said in the last 45 minutes, the oldest first; units with too few readings are left out."""
    rows = await tx.execute(
        _RECENT,
        {
            "organization_id": tx.organization_id, "units": columns.ids(unit_ids), "since": at - COOLING_SPAN, "until": at,
            "nobody": NO_DEVICE, "fewest": COOLING_READINGS,
        },
    )  # fmt: skip
    return {unit_id: celsius for unit_id, celsius in rows}


@dataclass(frozen=True, slots=True)
class Course:
    """What a unit's sensor said lately, a point a minute at most, and whether a trend is kept of it."""

    unit_id: UUID
    points: Sequence[Point]


_WINDOW = f"""least(greatest(interval '{int(SPAN.total_seconds())} s',
  make_interval(secs => {FEWEST + 1.5} * coalesce(own.expected_reading_interval_s, of_site.expected_reading_interval_s,
  of_all.expected_reading_interval_s, {rules.DEFAULTS["expected_reading_interval_s"]}))), interval '{int(LONGEST_SPAN.total_seconds())} s')"""
_STEEP = f"""s.points >= {FEWEST} and s.sxx > 0 and abs(s.sxy / s.sxx) >
  {SURE} * sqrt(greatest((s.syy - s.sxy * s.sxy / s.sxx) / (s.points - 2), {SMALLEST_NOISE_CELSIUS**2}) / s.sxx)"""
"""What `trend` would at least ask of a line; it asks for more."""

_SLOPING = text(f"""
select u.organization_id, u.id, s.hours, s.celsius
from cold_chain.units u
join cold_chain.areas a on a.organization_id = u.organization_id and a.id = u.area_id and a.deleted_at is null
left join cold_chain.alert_rules own on own.organization_id = u.organization_id and own.unit_id = u.id
left join cold_chain.alert_rules of_site on of_site.organization_id = u.organization_id and of_site.site_id = a.site_id
left join cold_chain.alert_rules of_all
  on of_all.organization_id = u.organization_id and of_all.unit_id is null and of_all.site_id is null
left join cold_chain.devices d
  on d.organization_id = u.organization_id and d.unit_id = u.id and d.is_primary and d.deleted_at is null
cross join lateral (
  select array_agg(p.hours order by p.hours) as hours, array_agg(p.celsius order by p.hours) as celsius,
    count(*) as points, regr_sxx(p.celsius, p.hours) as sxx, regr_syy(p.celsius, p.hours) as syy, regr_sxy(p.celsius, p.hours) as sxy
  from (
    select avg(extract(epoch from r.recorded_at - :at))::float8 / 3600 as hours, avg(r.temperature_celsius)::float8 as celsius
    from cold_chain.sensor_readings r
    where r.organization_id = u.organization_id and r.unit_id = u.id and r.recorded_at > :earliest and r.recorded_at <= :at
      and r.recorded_at > u.last_reading_at - {_WINDOW} and (r.device_id = d.id or r.device_id = :nobody)
    group by date_bin('1 minute', r.recorded_at, timestamptz '2000-01-01')
  ) p
) s
where u.deleted_at is null and u.is_active and get_byte(uuid_send(u.id), 15) % :slices = :slice
  and (u.trend_celsius_per_hour is not null or (u.last_reading_at > :since and {_STEEP})
    or exists (select from alerts.alerts x where x.organization_id = u.organization_id and x.subject_id = u.id
      and x.alert_type = :alert_type and x.status <> 'resolved'))
""")


async def sloping(
    tx: Transaction, at: datetime, alert_type: str, *, slice: int, slices: int
) -> Mapping[UUID, Sequence[Course]]:
    """Of one slice of all units, those that may surely be warming or cooling, and those of which that was said before."""
    values = {
        "at": at, "earliest": at - LONGEST_SPAN * 2, "since": at - LONGEST_SPAN, "nobody": NO_DEVICE, "slice": slice, "slices": slices,
        "alert_type": alert_type,
    }  # fmt: skip
    found: dict[UUID, list[Course]] = {}
    for organization_id, unit_id, hours, celsius in await tx.execute(_SLOPING, values):
        found.setdefault(organization_id, []).append(Course(unit_id, list(zip(hours or (), celsius or (), strict=True))))
    return found
