"""How devices fare is written down once an hour: how long and how often they were on in all, what went wrong, signal and battery."""

from datetime import datetime

from sqlalchemy import text

from data.core.session import Transaction
from data.farm.rules import SWITCHED

_KEEP = text("""
    insert into farm.device_metrics (organization_id, device_id, farm_id, metric_type, recorded_at, value, status)
    select d.organization_id, d.id, d.farm_id, m.metric_type, :hour, m.value,
        case when d.is_online then 'online' else 'offline' end
    from farm.devices d
    cross join lateral (values
        ('runtime_hours', case when d.device_type = any(cast(:kinds as farm.device_type[])) then (d.on_total_s
            + case when d.is_on then greatest(extract(epoch from cast(:hour as timestamptz) - d.on_since_at), 0) else 0 end) / 3600 end),
        ('on_cycles', case when d.device_type = any(cast(:kinds as farm.device_type[])) then d.on_cycles end),
        ('errors', d.error_count),
        ('signal_dbm', d.signal_dbm),
        ('battery_percent', d.battery_percent)) m (metric_type, value)
    where d.deleted_at is null and m.value is not null
      and not exists (
        select from farm.device_metrics k
        where k.organization_id = d.organization_id and k.device_id = d.id and k.metric_type = m.metric_type and k.recorded_at = :hour)
    on conflict do nothing""")


async def keep_metrics(tx: Transaction, *, at: datetime) -> None:
    """Across tenants: a row a device and metric for the hour that has begun, as things stood when it began; once, whoever asks again.

    The totals are kept at the device itself with each change of its state, so nothing is lost while nobody writes them down.
    """
    await tx.execute(_KEEP, {"hour": at.replace(minute=0, second=0, microsecond=0), "kinds": list(SWITCHED)})
