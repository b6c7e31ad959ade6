"""What shows only over hours or over many units is looked for where somebody said how much is too much, and nowhere else."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Integer, cast, func, literal_column, or_, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import col, select

from data.alerts.tables import Alert, AlertStatus
from data.cold_chain.queries.sweep import Found, _ask, _by_organization, _has_open
from data.cold_chain.queries.watch import said, with_rules
from data.cold_chain.rules.judging import SILENT
from data.cold_chain.rules.patterns import (
    APART_READINGS,
    APART_SPAN,
    DANGER_HIGH_CELSIUS,
    DANGER_KINDS,
    DANGER_LOW_CELSIUS,
    DANGER_SPAN,
    DRIFT_SPAN,
)
from data.cold_chain.rules.trend import Point
from data.cold_chain.tables import Area, Site, Unit
from data.cold_chain.values import NO_DEVICE
from data.core import columns
from data.core.session import Transaction

SLICES = 5
"""A drift and a disagreement are looked for in each unit every so many minutes."""


def _slice(at: datetime) -> Any:
    last_byte = func.get_byte(func.uuid_send(Unit.id), 15)
    return last_byte % literal_column(str(SLICES), Integer) == at.minute % SLICES


async def drifting(tx: Transaction, at: datetime, alert_type: str) -> Found:
    """Of a fifth of all units those whose slow way up is watched, or of which it was told."""
    is_watched = said("drift_celsius_per_hour").is_not(None) & col(Unit.status).not_in(SILENT)
    return await _ask(tx, _by_organization().where(_slice(at), or_(is_watched, _has_open(alert_type))))


async def in_danger(tx: Transaction, alert_type: str) -> Found:
    """Units of which nothing is told that are now as warm as germs like it, where somebody counts that."""
    warmth = col(Unit.last_temperature_celsius)
    return await _ask(
        tx,
        _by_organization().where(
            said("danger_minutes").is_not(None), col(Unit.unit_type).in_(DANGER_KINDS), warmth > DANGER_LOW_CELSIUS,
            warmth < DANGER_HIGH_CELSIUS, col(Unit.status).not_in(SILENT), ~_has_open(alert_type),
        ),
    )  # fmt: skip


async def disagreeing(tx: Transaction, at: datetime, alert_type: str) -> Found:
    """Of a fifth of all units those whose sensors are compared, or of which was told that they disagree."""
    return await _ask(tx, _by_organization().where(_slice(at), or_(said("sensors_apart_celsius").is_not(None), _has_open(alert_type))))


async def warming_sites(tx: Transaction, alert_type: str) -> Found:
    """Sites of which somebody said how many units may warm together, and that many do; and those of which it was told."""
    rising = _rising()
    least = cast(func.min(said("rising_together_units")), Integer)
    told = select(Alert.subject_id).where(Alert.alert_type == alert_type, Alert.status != AlertStatus.RESOLVED)
    sites = (
        with_rules(select(Unit.organization_id, col(Area.site_id).label("site_id")).select_from(Unit))  # type: ignore[arg-type]
        .where(col(Unit.deleted_at).is_(None), col(Unit.is_active), or_(said("rising_together_units").is_not(None), col(Area.site_id).in_(told)))
        .group_by(col(Unit.organization_id), col(Area.site_id))
        .having(or_(func.count().filter(rising) >= least, col(Area.site_id).in_(told)))
    ).subquery()
    statement: Any = select(sites.c.organization_id, func.array_agg(aggregate_order_by(sites.c.site_id, sites.c.site_id))).group_by(sites.c.organization_id)
    return await _ask(tx, statement)


def _rising() -> Any:
    """A trend that is kept leads out of the limits, or is steep (see `trend`); this one surely leads up."""
    return col(Unit.trend_celsius_per_hour) > col(Unit.trend_error_celsius_per_hour)


class Warming(NamedTuple):
    """A site, how many of its units warm, and from how many on that is one trouble (None: nobody watches it)."""

    site_id: UUID
    name: str
    zone: str
    unit_ids: Sequence[UUID]
    least: int | None


async def warming(tx: Transaction, site_ids: Collection[UUID]) -> Sequence[Warming]:
    """How it is at these sites now."""
    statement: Any = (
        with_rules(
            select(  # type: ignore[call-overload]
                Site.id, Site.name, Site.time_zone, func.array_agg(col(Unit.id)).filter(_rising()), cast(func.min(said("rising_together_units")), Integer)
            ).select_from(Unit)
        )
        .where(col(Unit.deleted_at).is_(None), col(Unit.is_active), col(Site.id).in_(site_ids))
        .group_by(col(Site.id), col(Site.name), col(Site.time_zone))
        .order_by(col(Site.id))
    )
    return [Warming(id, name, zone, units or [], least) for id, name, zone, units, least in await tx.execute(statement)]


_OWN = """
from cold_chain.sensor_readings r
left join cold_chain.devices d on d.organization_id = r.organization_id and d.id = r.device_id
where r.organization_id = :organization_id and r.unit_id = any(:units) and r.recorded_at > :since and r.recorded_at <= :at
  and (d.is_primary or r.device_id = :nobody)
"""
_COURSES = text(f"""
select p.unit_id, array_agg(p.hours order by p.hours), array_agg(p.celsius order by p.hours) from (
  select r.unit_id, avg(extract(epoch from r.recorded_at - :at))::float8 / 3600 as hours, avg(r.temperature_celsius)::float8 as celsius
  {_OWN} group by r.unit_id, date_bin('5 minutes', r.recorded_at, timestamptz '2000-01-01')
) p group by p.unit_id
""")
_READINGS = text(f"select r.unit_id, r.recorded_at, r.temperature_celsius::float8 {_OWN} order by r.unit_id, r.recorded_at")
_MEANS = text("""
select m.unit_id, array_agg(m.celsius) from (
  select r.unit_id, avg(r.temperature_celsius)::float8 as celsius
  from cold_chain.sensor_readings r
  join cold_chain.devices d on d.organization_id = r.organization_id and d.id = r.device_id and d.unit_id = r.unit_id and d.deleted_at is null
  where r.organization_id = :organization_id and r.unit_id = any(:units) and r.recorded_at > :since and r.recorded_at <= :at
  group by r.unit_id, r.device_id having count(*) >= :fewest
) m group by m.unit_id
""")
_ENDED = text("""
select subject_id, max(resolved_at) from alerts.alerts
where organization_id = :organization_id and subject_id = any(:units) and alert_type = :alert_type and resolved_at > :since
group by subject_id
""")


def _asked(tx: Transaction, unit_ids: Collection[UUID], at: datetime, span: timedelta) -> dict[str, Any]:
    return {"organization_id": tx.organization_id, "units": columns.ids(unit_ids), "since": at - span, "at": at, "nobody": NO_DEVICE}


async def courses(tx: Transaction, unit_ids: Collection[UUID], at: datetime) -> Mapping[UUID, Sequence[Point]]:
    """What the units' own sensors said in the last three hours, a point each five minutes."""
    rows = await tx.execute(_COURSES, _asked(tx, unit_ids, at, DRIFT_SPAN))
    return {unit_id: list(zip(hours, celsius, strict=True)) for unit_id, hours, celsius in rows}


async def day_of(tx: Transaction, unit_ids: Collection[UUID], at: datetime, alert_type: str) -> Mapping[UUID, Sequence[tuple[datetime, float]]]:
    """Their readings of the last 24 hours, in the order of time; only those since an alert of this kind was last closed."""
    values = _asked(tx, unit_ids, at, DANGER_SPAN)
    ended = {unit_id: when for unit_id, when in await tx.execute(_ENDED, values | {"alert_type": alert_type})}
    found: dict[UUID, list[tuple[datetime, float]]] = {}
    for unit_id, recorded_at, celsius in await tx.execute(_READINGS, values):
        if unit_id not in ended or recorded_at > ended[unit_id]:
            found.setdefault(unit_id, []).append((recorded_at, celsius))
    return found


async def means(tx: Transaction, unit_ids: Collection[UUID], at: datetime) -> Mapping[UUID, Sequence[float]]:
    """What each sensor of these units measured on average in the last half hour; those that said too little are left out."""
    rows = await tx.execute(_MEANS, _asked(tx, unit_ids, at, APART_SPAN) | {"fewest": APART_READINGS})
    return {unit_id: celsius for unit_id, celsius in rows}
