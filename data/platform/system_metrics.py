"""How the installation itself fares, written down once a minute: for whoever keeps its operations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from data.core import columns
from data.core.session import Transaction

PERCENTILES = ("p50", "p95", "max")

_KEEP = text("""
insert into platform.system_metrics (metric_type, service_name, percentile, recorded_at, value)
select m.kind, m.part, m.percentile, date_trunc('minute', cast(:at as timestamptz)), m.value
from unnest(:kinds, :parts, :percentiles, :values) m (kind, part, percentile, value)
union all
select 'connections', coalesce(usename, 'other'), '', date_trunc('minute', cast(:at as timestamptz)), count(*)
from pg_stat_activity where datname = current_database() and usename is not null group by usename
on conflict do nothing
""")

_LATEST = text("""
select metric_type, service_name, percentile, value::float8, recorded_at from platform.system_metrics
where recorded_at > :since and recorded_at = (select max(recorded_at) from platform.system_metrics where recorded_at > :since)
order by metric_type, service_name, percentile
""")

_PAST = text("""
select service_name, percentile, string_agg(timestamptz_send(at) || float8send(value), ''::bytea order by at)
from (
  select service_name, percentile, date_bin(:width, recorded_at, '2001-01-01') as at, avg(value)::float8 as value
  from platform.system_metrics where metric_type = :kind and recorded_at >= :start and recorded_at < :end
  group by 1, 2, 3
) m group by service_name, percentile order by service_name, percentile
""")
_POINT = np.dtype([("us", ">i8"), ("value", ">f8")])
_EPOCH_2000_MS = 946_684_800_000


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of one minute."""

    kind: str
    part: str
    percentile: str
    value: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One figure over time: epoch milliseconds (int64) and values."""

    part: str
    percentile: str
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]


async def keep(tx: Transaction, measured: Mapping[tuple[str, str], float], *, at: datetime) -> None:
    """Write down (across tenants) what was measured, {(what, part or percentile): value}, and how many are connected to the database."""
    each = list(measured.items())
    await tx.execute(
        _KEEP,
        {
            "at": at, "kinds": columns.texts(kind for (kind, _), _ in each),
            "parts": columns.texts("process" if part in PERCENTILES else part for (_, part), _ in each),
            "percentiles": columns.texts(part if part in PERCENTILES else "" for (_, part), _ in each),
            "values": columns.doubles(value for _, value in each),
        },
    )  # fmt: skip


async def latest(tx: Transaction, *, since: datetime) -> Sequence[Metric]:
    """The last minute's figures; none where none was written since then."""
    tx.actor.require("operations.view")
    return [Metric(*row) for row in await tx.execute(_LATEST, {"since": since})]


async def past(tx: Transaction, kind: str, start: datetime, end: datetime, *, most: int = 1_000) -> Sequence[Line]:
    """One kind of figure over a stretch of time, as averages of at most so many pieces of it."""
    tx.actor.require("operations.view")
    minutes = max(1, int((end - start).total_seconds() / 60 / most) + 1)
    values = {"kind": kind, "start": start, "end": end, "width": timedelta(minutes=minutes)}
    lines = []
    for part, percentile, packed in await tx.execute(_PAST, values):
        table = np.frombuffer(packed, dtype=_POINT)
        lines.append(Line(part, percentile, table["us"].astype(np.int64) // 1000 + _EPOCH_2000_MS, table["value"].astype(np.float64)))
    return lines
