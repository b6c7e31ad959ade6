"""What the devices of a farm measured and when its switches were on, over any stretch of time, packed by the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import TextClause, text
from sqlmodel import col, select

from data.core import columns
from data.core.errors import Invalid
from data.core.marks import PLAN_ANEW
from data.core.session import Transaction
from data.core.time import now, zone
from data.farm import queries
from data.farm.queries_periods import MINE, PERIODS, found_by_day, found_by_hour
from data.farm.queries_retention import own_retention
from data.farm.rules.detail import AS_MEASURED, Detail, Kept, Source, detail
from data.farm.tables import Device, DeviceConfig

MOST_DEVICES = 100
SWITCH = "power"
LONGEST = timedelta(days=366 * 10)
LIMITS: Mapping[str, tuple[str, str]] = {
    "temperature": ("temp_threshold_low", "temp_threshold_high"), "humidity": ("humidity_threshold_low", "humidity_threshold_high"),
    "co2": ("", "co2_threshold_high"),
}  # fmt: skip
"""The settings that hold the limits of a quantity."""

_EPOCH_2000_MS = 946_684_800_000
_POINT = np.dtype([("us", ">i8"), ("low", ">f8"), ("high", ">f8"), ("mean", ">f8"), ("count", ">i8")])
_SHARE = np.dtype([("us", ">i8"), ("on_s", ">f8")])
_REACH = timedelta(days=31)

_PACKED = """
select device_id, string_agg(
  timestamptz_send(at) || float8send(low::float8) || float8send(high::float8) || float8send(total::float8 / count) || int8send(count),
  ''::bytea order by at)
from drawn group by device_id
"""
_DRAWN = f"""
, drawn as (
  select device_id, date_bin(:width, at + :half_day, :origin) as at, min(low) as low, max(high) as high, sum(total) as total,
    sum(count)::int8 as count
  from found group by 1, 2
)
{_PACKED}"""
"""Numbers are added up as they are kept, and turned into floats at the end: that costs more than adding."""

_OF_READINGS = text(f"""
with drawn as (
  select r.device_id, min(r.recorded_at) + (max(r.recorded_at) - min(r.recorded_at)) / 2 as at, min(r.value) as low,
    max(r.value) as high, sum(r.value) as total, count(*) as count
  from farm.sensor_readings r where {MINE.format(of="r")} and r.recorded_at >= :start and r.recorded_at < :end
  group by r.device_id, date_bin(:width, r.recorded_at, :origin)
)
{_PACKED}""")

_OF_HOURS = text(found_by_hour() + _DRAWN)
_OF_DAYS = text(found_by_day() + _DRAWN)

_EXPECTED = text(f"select sum(m.reading_count) {PERIODS} = 'hourly' and m.period_start >= :start")

_CHANGES = text(f"""
select device_id, (extract(epoch from at) * 1000)::float8, value > 0 from (
  select w.*, lag(w.value) over (partition by w.device_id order by w.at) as before from (
    select d.device_id, cast(:start as timestamptz) as at, r.value
    from unnest(:devices) d (device_id)
    cross join lateral (
      select r.value from farm.sensor_readings r
      where r.organization_id = :organization_id and r.device_id = d.device_id and r.sensor_type = :kind
        and r.recorded_at >= cast(:start as timestamptz) - :reach and r.recorded_at < :start order by r.recorded_at desc limit 1
    ) r
    union all
    select r.device_id, r.recorded_at, r.value from farm.sensor_readings r
    where {MINE.format(of="r")} and r.recorded_at >= :start and r.recorded_at < :end
  ) w
) c where before is null or (value > 0) <> (before > 0) order by device_id, at
""")

_SHARES = {
    source: text(f"""
select device_id, string_agg(timestamptz_send(at) || float8send(on_s), ''::bytea order by at) from (
  select m.device_id, date_bin(:width, m.period_start + :half_day, :origin) as at, sum(m.on_s)::float8 as on_s
  {PERIODS} = '{granularity}' and m.period_start > cast(:start as timestamptz) - interval '{reach}' and m.on_s is not null
  group by 1, 2
) s group by device_id
""")
    for source, granularity, reach in ((Source.HOURS, "hourly", "1 hour"), (Source.DAYS, "daily", "25 hours"))
}

Numbers = NDArray[np.float64]
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Line:
    """What one device measured, rising in time: epoch milliseconds, and of each piece of time the mean, the least and the most."""

    device_id: UUID
    times_ms: Times
    mean: Numbers
    low: Numbers
    high: Numbers
    counts: Times


@dataclass(frozen=True, slots=True)
class Lane:
    """How much of each piece of time a switch was on, 0 to 1; where nothing is known there is no piece."""

    device_id: UUID
    starts_ms: Numbers
    ends_ms: Numbers
    shares: Numbers


@dataclass(frozen=True, slots=True)
class History:
    """What was asked of a stretch of time, and how closely it was looked at. `limits` are (low, high) where all devices share them."""

    detail: Detail
    devices: Mapping[UUID, Device]
    lines: Sequence[Line]
    lanes: Sequence[Lane]
    limits: tuple[float | None, float | None] = (None, None)


async def history(
    tx: Transaction, farm_id: UUID, start: datetime, end: datetime, *, kind: str = "temperature", of: Sequence[UUID] = (),
    switches: Sequence[UUID] = (), kept: Kept = Kept(), is_file: bool = False, most: int | None = None, at: datetime | None = None,
) -> History:  # fmt: skip
    """What devices of a farm one may see measured of one kind, and when switches were on. Ids of other farms are left out."""
    farm, at = await queries.farm(tx, farm_id), at or now()
    kept = (await own_retention(tx)).narrowed(kept)
    if len(of) + len(switches) > MOST_DEVICES:
        raise Invalid("of", "At most {most} devices are shown together.", most=MOST_DEVICES)
    start = max(start, end - LONGEST)
    found = await tx.exec(select(Device).where(Device.farm_id == farm_id, col(Device.id).in_([*of, *switches])))
    devices = {one.id: one for one in found}
    values = {
        "organization_id": tx.organization_id, "devices": columns.ids([one for one in of if one in devices]), "kind": kind,
        "start": start, "end": end,
    }  # fmt: skip
    readings = (await tx.execute(_EXPECTED, values)).scalar() or 0 if end - start <= AS_MEASURED else 0
    seen = detail(start, end, at=at, lines=len(of), readings=float(readings), kept=kept, is_file=is_file, most=most)
    binned = _bins(seen, farm.time_zone)
    lines = await _lines(tx, seen, values | binned, farm.time_zone) if of else []
    ours = values | {"devices": columns.ids([one for one in switches if one in devices]), "kind": SWITCH}
    lanes = await _lanes(tx, seen, ours, binned, min(end, at)) if switches else []
    return History(seen, devices, _ordered(lines, of), _ordered(lanes, switches), await _limits(tx, kind, [one for one in of if one in devices]))


def _bins(seen: Detail, time_zone: str) -> dict[str, Any]:
    """Pieces begin at full hours and at Mondays of the farm's clock; days, which begin at midnight and last 23 to 25 hours, are told
    apart by their noons."""
    origin = datetime(2001, 1, 1, tzinfo=zone(time_zone))
    return {"width": seen.width, "origin": origin, "half_day": timedelta(hours=12 if seen.source is Source.DAYS else 0)}


async def _lines(tx: Transaction, seen: Detail, values: dict[str, Any], time_zone: str) -> list[Line]:
    statements: dict[Source, TextClause] = {Source.READINGS: _OF_READINGS, Source.HOURS: _OF_HOURS, Source.DAYS: _OF_DAYS}
    if seen.source is not Source.READINGS:
        await tx.execute(PLAN_ANEW)
    more = {"zone": time_zone} if seen.source is Source.DAYS else {}
    middle_ms = 0 if seen.source is Source.READINGS else seen.width // timedelta(milliseconds=2)
    lines = []
    for device_id, packed in await tx.execute(statements[seen.source], values | more):
        table = np.frombuffer(packed, dtype=_POINT)
        mean, low, high = (table[name].astype(np.float64) for name in ("mean", "low", "high"))
        lines.append(Line(device_id, _ms(table) + middle_ms, mean, low, high, table["count"].astype(np.int64)))
    return lines


async def _lanes(tx: Transaction, seen: Detail, values: dict[str, Any], binned: dict[str, Any], end: datetime) -> list[Lane]:
    end_ms = end.timestamp() * 1000
    if seen.source is not Source.READINGS:
        lanes = []
        for device_id, packed in await tx.execute(_SHARES[seen.source], values | binned):
            table = np.frombuffer(packed, dtype=_SHARE)
            starts = _ms(table).astype(np.float64)
            ends = np.minimum(starts + seen.width / timedelta(milliseconds=1), max(end_ms, starts[-1] + 1))
            shares = np.clip(table["on_s"].astype(np.float64) * 1000 / (ends - starts), 0, 1)
            lanes.append(Lane(device_id, starts, ends, shares))
        return lanes
    changes: dict[UUID, list[tuple[float, bool]]] = {}
    for device_id, at_ms, is_on in await tx.execute(_CHANGES, values | {"reach": _REACH}):
        changes.setdefault(device_id, []).append((at_ms, is_on))
    return [_lane(device_id, each, end_ms) for device_id, each in changes.items()]


def _lane(device_id: UUID, changes: Sequence[tuple[float, bool]], end_ms: float) -> Lane:
    """A state lasts until its next word, the last one until now."""
    starts = np.array([at for at, _ in changes], dtype=np.float64)
    ends = np.append(starts[1:], max(end_ms, starts[-1]))
    return Lane(device_id, starts, ends, np.array([is_on for _, is_on in changes], dtype=np.float64))


async def _limits(tx: Transaction, kind: str, device_ids: Sequence[UUID]) -> tuple[float | None, float | None]:
    names = LIMITS.get(kind)
    if not names or not device_ids:
        return None, None
    statement = select(DeviceConfig.device_id, DeviceConfig.parameter_name, DeviceConfig.parameter_value).where(
        col(DeviceConfig.device_id).in_(device_ids), col(DeviceConfig.parameter_name).in_(names), col(DeviceConfig.deleted_at).is_(None)
    )
    held = {(device_id, name): float(value) for device_id, name, value in await tx.exec(statement)}
    pairs = {(held.get((one, names[0])), held.get((one, names[1]))) for one in device_ids}
    return pairs.pop() if len(pairs) == 1 else (None, None)


def _ms(table: Any) -> Times:
    times: Times = table["us"].astype(np.int64) // 1000 + _EPOCH_2000_MS
    return times


def _ordered(found: Sequence[Any], wanted: Sequence[UUID]) -> list[Any]:
    place = {device_id: n for n, device_id in enumerate(wanted)}
    return sorted(found, key=lambda one: place[one.device_id])
