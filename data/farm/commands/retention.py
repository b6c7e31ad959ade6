"""An organization says for how long its farms' past is kept, and what is older goes, a part at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.core.session import Transaction
from data.core.time import now
from data.farm.queries_retention import own_row
from data.farm.rules.retention import SWITCH_DAYS, Retention, before, wanted
from data.farm.tables import FarmRetention

AT_ONCE = 20_000
"""Rows that go in one transaction."""

_HELD = """
with held as materialized (
  select p.since, p.until from platform.partition_retention_overrides o join platform.stream_pieces() p on p.piece = o.partition_name
  where p.table_name = '{table}' and (o.expires_at is null or o.expires_at > :at)
)"""
"""Pieces that stay by order of law stay whole, also for whoever keeps less."""

_GO = """, old as (
  select {key} from {table} r
  where r.organization_id = :organization_id and r.{time} < :before and {which}
    and not exists (select from held h where r.{time} >= h.since and r.{time} < h.until)
  limit :at_once
)
delete from {table} r using old
where r.organization_id = :organization_id and r.{time} < :before and {same}
"""

_COUNTED = "r.recorded_at < coalesce((select min(hour) from farm.stale_metrics where organization_id = :organization_id), 'infinity')"
_NOT_FIRST = """exists (
    select from farm.device_metrics k join farm.devices d on d.organization_id = k.organization_id and d.id = k.device_id
      join farm.farms f on f.organization_id = d.organization_id and f.id = d.farm_id
    where k.organization_id = r.organization_id and k.device_id = r.device_id and k.metric_type = r.metric_type
      and k.recorded_at < r.recorded_at and k.recorded_at >= date_trunc('day', r.recorded_at, f.time_zone))"""
"""Totals and levels, of which the first of each day is its day's."""


def _letting_go(table: str, time: str, which: str, *more: str) -> str:
    key = ("device_id", *more, time)
    return _HELD.format(table=table) + _GO.format(
        table=table, time=time, which=which, key=", ".join(f"r.{one}" for one in key), same=" and ".join(f"r.{one} = old.{one}" for one in key)
    )


_METRICS, _FIGURES = ("farm.reading_metrics", "period_start"), ("farm.device_metrics", "recorded_at")
_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "raw_days": (
        _letting_go("farm.sensor_readings", "recorded_at", f"r.sensor_type <> 'power' and {_COUNTED}", "sensor_type"),
        _letting_go("farm.sensor_readings", "recorded_at", f"r.sensor_type = 'power' and {_COUNTED} and r.recorded_at < :switches_before", "sensor_type"),
    ),
    "hourly_days": (
        _letting_go(*_METRICS, "r.granularity = 'hourly'", "sensor_type", "granularity"), _letting_go(*_FIGURES, _NOT_FIRST, "metric_type"),
    ),
    "daily_days": (_letting_go(*_METRICS, "true", "sensor_type", "granularity"), _letting_go(*_FIGURES, "true", "metric_type")),
})  # fmt: skip


async def keep_for(tx: Transaction, own: Retention, *, installation: Retention) -> None:
    """From the coming night on this organization's farms keep no more than this. Invalid for more than the installation keeps."""
    tx.actor.require("organization.edit")
    own, row = wanted(own, installation), await own_row(tx)
    if own.is_as_usual:
        if row:
            await tx.delete(row)
        return
    row = row or FarmRetention(organization_id=tx.organization_id)
    row.raw_days, row.hourly_days, row.daily_days, row.updated_at = own.raw_days, own.hourly_days, own.daily_days, now()
    tx.add(row)


async def wishes(tx: Transaction) -> Sequence[tuple[UUID, Retention]]:
    """Who keeps less than the installation (across tenants)."""
    rows = await tx.exec(select(FarmRetention).order_by(col(FarmRetention.organization_id)))
    return [(row.organization_id, Retention(row.raw_days, row.hourly_days, row.daily_days)) for row in rows]


def parts(own: Retention) -> Sequence[tuple[str, str, int]]:
    """What is to be let go of, one after another: (how it is kept, the statement, for how many days)."""
    return [(name, one, days) for name, statements in _PARTS.items() if (days := getattr(own, name)) for one in statements]


async def let_go(tx: Transaction, organization_id: UUID, part: tuple[str, str, int], *, at: datetime) -> bool:
    """Delete (across tenants) a part of what is too old and not held; whether there may be more of it."""
    _, statement, days = part
    values = {"organization_id": organization_id, "at": at, "before": before(at, days), "at_once": AT_ONCE}
    if ":switches_before" in statement:
        values["switches_before"] = before(at, SWITCH_DAYS)
    result = await tx.execute(text(statement), values)
    return int(result.rowcount) >= AT_ONCE  # type: ignore[attr-defined]
