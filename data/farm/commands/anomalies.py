"""Each probe's last hour is held against the same hour of the days before; what is odd is shown, and nobody is woken for it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from data.alerts.commands import Trouble, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, Severity
from data.core import columns
from data.core.session import Transaction
from data.farm.commands.troubles import trouble
from data.farm.rules.anomalies import DAYS, FLOORS, SENTENCES, Odd, odd
from data.farm.tables import Device
from data.notifications.commands import tell

ANOMALY_ALERT = "anomaly"
USUAL_AGAIN = "It is as on other days again."

_WHO = text("""
select distinct organization_id from farm.reading_metrics
where granularity = 'hourly' and period_start > :at - interval '2 hours' and period_start <= :at - interval '1 hour'""")

_HOURS = text(f"""
with latest as (
  select m.* from farm.reading_metrics m
  where m.organization_id = :organization_id and m.granularity = 'hourly' and m.sensor_type = any(:kinds) and m.reading_count >= 3
    and m.period_start > :at - interval '2 hours' and m.period_start <= :at - interval '1 hour'
)
select h.device_id, h.sensor_type, cast(h.total / h.reading_count as double precision), f.time_zone,
  array_agg(cast(p.total / p.reading_count as double precision)) filter (where p.reading_count > 0)
from latest h
join farm.farms f on f.organization_id = h.organization_id and f.id = h.farm_id and f.deleted_at is null
cross join generate_series(1, {DAYS}) before
left join farm.reading_metrics p on p.organization_id = h.organization_id and p.device_id = h.device_id and p.sensor_type = h.sensor_type
  and p.granularity = 'hourly'
  and p.period_start = (h.period_start at time zone f.time_zone - make_interval(days => before)) at time zone f.time_zone
group by h.device_id, h.sensor_type, h.total, h.reading_count, f.time_zone""")
"""The same hour is one of the farm's own clock, also across a change of the clocks."""


async def organizations_with_hours(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: whose probes measured in the last full hour."""
    return (await tx.execute(_WHO, {"at": at})).scalars().all()


@dataclass(frozen=True, slots=True)
class _Hour:
    sensor_type: str
    value: float
    zone: str
    found: Odd


async def judge_hours(tx: Transaction, *, at: datetime) -> Sequence[Alert]:
    """Judge the last full hour of every probe: a few statements however many. What was raised: one alert a probe, of what is oddest."""
    hours = await _hours(tx, at)
    devices = {device.id: device for device in await tx.exec(_living(list(hours)))} if hours else {}
    troubles: list[tuple[Trouble, datetime]] = []
    over: dict[UUID, datetime] = {}
    for device_id, device in devices.items():
        odd_ones = [one for one in hours[device_id] if one.found.is_odd]
        if odd_ones:
            worst = max(odd_ones, key=lambda one: abs(one.value - one.found.usual) / one.found.limit)
            troubles.append((_trouble(device, worst), at))
        elif all(one.found.is_odd is False for one in hours[device_id]):
            over[device_id] = at
    raised = await raise_alerts(tx, troubles)
    if raised:
        await tell(tx, *raised, at=at)
    await resolve_all_open(tx, over, ANOMALY_ALERT, because=USUAL_AGAIN)
    return raised


async def _hours(tx: Transaction, at: datetime) -> dict[UUID, list[_Hour]]:
    asked = {"organization_id": tx.organization_id, "at": at, "kinds": columns.texts(FLOORS)}
    found: dict[UUID, list[_Hour]] = defaultdict(list)
    for device_id, sensor_type, value, zone, same in await tx.execute(_HOURS, asked):
        if (verdict := odd(sensor_type, value, same or [])) is not None:
            found[device_id].append(_Hour(sensor_type, value, zone, verdict))
    return found


def _living(ids: Sequence[UUID]) -> SelectOfScalar[Device]:
    return select(Device).where(col(Device.id).in_(ids), col(Device.deleted_at).is_(None), col(Device.is_active))


def _trouble(device: Device, hour: _Hour) -> Trouble:
    suffix = "_celsius" if hour.sensor_type == "temperature" else ""
    places = 1 if suffix else 0
    values = {f"value{suffix}": round(hour.value, places), f"usual{suffix}": round(hour.found.usual, places)}
    upper = hour.found.usual + (hour.found.limit if hour.value > hour.found.usual else -hour.found.limit)
    return trouble(
        device, ANOMALY_ALERT, Severity.INFO, SENTENCES[hour.sensor_type], zone=hour.zone, threshold=round(upper, 2),
        actual=round(hour.value, 2), name=device.name, **values,
    )  # fmt: skip
