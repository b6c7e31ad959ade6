"""What happened on a farm lately: what people asked of devices, what schedules did, and what was wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text

from data.core.session import Transaction
from data.farm import queries

LATELY = timedelta(days=7)

_RECENT = text("""
    select * from (
        (select 'command' as kind, c.id, c.requested_at as at, d.id as device_id, d.name, cast(c.command_type as text) as what,
            cast(c.status as text) as status, cast(null as text) as severity
        from farm.devices d cross join lateral (
            select * from farm.device_commands x
            where x.organization_id = d.organization_id and x.device_id = d.id and x.requested_at >= :since and x.source <> 'schedule'
            order by x.requested_at desc limit :most) c
        where d.organization_id = :organization_id and d.farm_id = :farm_id
        order by c.requested_at desc limit :most)
        union all
        (select 'schedule', e.id, e.scheduled_time, s.device_id, s.name, cast(s.action as text), cast(e.status as text), null
        from farm.schedules s cross join lateral (
            select * from farm.schedule_executions x
            where x.organization_id = s.organization_id and x.schedule_id = s.id and x.scheduled_time >= :since
            order by x.scheduled_time desc limit :most) e
        where s.organization_id = :organization_id and s.farm_id = :farm_id
        order by e.scheduled_time desc limit :most)
        union all
        (select 'alert', a.id, a.triggered_at, case when a.subject_kind = 'farm.devices' then a.subject_id end, a.subject_name, a.alert_type,
            cast(a.status as text), cast(a.severity as text)
        from alerts.alerts a
        where a.organization_id = :organization_id and a.scope_id = :farm_id and a.permission = 'farm.view' and a.triggered_at >= :since
        order by a.triggered_at desc limit :most)
    ) r order by at desc, id desc limit :most""")


class Kind(StrEnum):
    COMMAND = "command"
    SCHEDULE = "schedule"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Recent:
    """One thing that happened: `name` is the device's, the schedule's or whatever the alert is about; `what` is what was asked or
    done (on, off…), or the kind of alert; `status` is what became of it."""

    kind: Kind
    id: UUID
    at: datetime
    device_id: UUID | None
    name: str
    what: str
    status: str
    severity: str | None


async def recent(tx: Transaction, farm_id: UUID, *, at: datetime, most: int = 10) -> list[Recent]:
    """The latest first, of a week at most; one statement."""
    farm = await queries.farm(tx, farm_id)
    values = {"organization_id": tx.organization_id, "farm_id": farm.id, "since": at - LATELY, "most": most}
    return [Recent(Kind(kind), *rest) for kind, *rest in await tx.execute(_RECENT, values)]
