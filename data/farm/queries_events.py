"""What the event log says of one farm: of itself, its devices, schedules, flocks, wishes and alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from data.core.errors import Invalid
from data.core.session import Transaction
from data.farm import queries

MOST_DAYS = 365

_EVENTS = """
with things as materialized (
  select :farm_id as id
  union all select id from farm.devices where organization_id = :organization_id and farm_id = :farm_id
  union all select id from farm.schedules where organization_id = :organization_id and farm_id = :farm_id
  union all select id from farm.gateways where organization_id = :organization_id and farm_id = :farm_id
  union all select id from farm.reports where organization_id = :organization_id and farm_id = :farm_id
  union all select id from farm.flock_batches where organization_id = :organization_id and farm_id = :farm_id
  union all select r.id from farm.flock_records r join farm.flock_batches b on b.organization_id = r.organization_id and b.id = r.batch_id
    where b.organization_id = :organization_id and b.farm_id = :farm_id
  union all select c.id from farm.device_configs c join farm.devices d on d.organization_id = c.organization_id and d.id = c.device_id
    where d.organization_id = :organization_id and d.farm_id = :farm_id
)
select e.sequence, e.recorded_at, e.event_type, e.severity, e.title, e.actor_name, e.subject_id, e.event_data
from audit.event_logs e
where e.organization_id = :organization_id and e.category in ('farm', 'alerts') and e.recorded_at >= :since and e.recorded_at < :until
  and {beyond} and (
    e.subject_id in (select id from things)
    or exists (select from farm.device_commands c
      where c.organization_id = :organization_id and c.id = e.subject_id and c.farm_id = :farm_id)
    or exists (select from alerts.alerts a where a.organization_id = :organization_id and a.id = e.subject_id and a.scope_id = :farm_id)
  )
order by e.sequence {order} limit :limit
"""
_ONWARD = text(_EVENTS.format(beyond="e.sequence > :after", order=""))
_BACK = text(_EVENTS.format(beyond="(cast(:before as bigint) is null or e.sequence < :before)", order="desc"))


@dataclass(frozen=True, slots=True)
class FarmEvent:
    """One line of the log."""

    sequence: int
    recorded_at: datetime
    event_type: str
    severity: str
    title: str
    actor: str
    subject_id: UUID | None
    data: Mapping[str, Any]


async def farm_events(
    tx: Transaction, farm_id: UUID, since: datetime, until: datetime, *, after: int = 0, limit: int = 5_000
) -> Sequence[FarmEvent]:
    """The next lines of that stretch, the oldest first: ask again after the last one for a file of any length. Forbidden for whoever
    may not read the log; Invalid for more than a year."""
    values = await _values(tx, farm_id, since, until, limit)
    return [FarmEvent(*row) for row in await tx.execute(_ONWARD, values | {"after": after})]


async def latest_events(
    tx: Transaction, farm_id: UUID, since: datetime, until: datetime, *, before: int | None = None, limit: int = 100
) -> Sequence[FarmEvent]:
    """The same, the latest first: ask again before the last one for more."""
    values = await _values(tx, farm_id, since, until, limit)
    return [FarmEvent(*row) for row in await tx.execute(_BACK, values | {"before": before})]


async def _values(tx: Transaction, farm_id: UUID, since: datetime, until: datetime, limit: int) -> dict[str, Any]:
    tx.actor.require("audit.view", farm_id)
    farm = await queries.farm(tx, farm_id)
    if not timedelta(0) < until - since <= timedelta(days=MOST_DAYS + 1):
        raise Invalid("first", "Events are handed out for 1 to {days} days at a time.", days=MOST_DAYS)
    return {"organization_id": tx.organization_id, "farm_id": farm.id, "since": since, "until": until, "limit": limit}
