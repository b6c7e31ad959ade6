"""How whole farms are doing: their devices, their air, what was asked and told in a day, and what is wrong there now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, func, text
from sqlmodel import col, select

from data.alerts.queries import visible
from data.alerts.tables import Alert, AlertStatus, Severity
from data.core import columns
from data.core.session import Transaction
from data.farm import queries
from data.farm.rules.health import MEASURED_WITHIN, Health, health
from data.farm.tables import Farm

DAY = timedelta(hours=24)
DEVICES, OFFLINE_ALERT = "farm.devices", "device_offline"

_DEVICES = text("""
    select f.id, count(d.id) as devices, count(d.id) filter (where d.is_online) as online,
        array_agg(d.id) filter (where d.contradicted_by is not null) as contradicted,
        avg(cast(d.latest -> 'temperature' ->> 'value' as double precision))
            filter (where cast(d.latest -> 'temperature' ->> 'at' as timestamptz) >= :fresh_since) as celsius,
        avg(cast(d.latest -> 'humidity' ->> 'value' as double precision))
            filter (where cast(d.latest -> 'humidity' ->> 'at' as timestamptz) >= :fresh_since) as humidity,
        (select count(*) from farm.devices x
            join farm.device_commands c on c.organization_id = x.organization_id and c.device_id = x.id and c.requested_at >= :day_ago
            where x.organization_id = f.organization_id and x.farm_id = f.id) as commands
    from farm.farms f
    left join farm.devices d on d.organization_id = f.organization_id and d.farm_id = f.id and d.deleted_at is null and d.is_active
    where f.organization_id = :organization_id and f.id = any(:farms)
    group by f.organization_id, f.id""")

_URGENCY = case((col(Alert.severity) == Severity.CRITICAL, 0), (col(Alert.severity) == Severity.WARNING, 1), else_=2)


@dataclass(frozen=True, slots=True)
class Overview:
    """One farm: how many of its devices (in use) there are, are on line and have something wrong; the mean of its air; what was
    asked of its devices and what was raised in the last day; and what is open, what nobody is on and the worst first."""

    farm: Farm
    devices: int
    online: int
    in_error: int
    celsius: float | None
    humidity: float | None
    commands_24h: int
    alerts_24h: int
    troubles: Sequence[Alert]

    @property
    def offline(self) -> int:
        return self.devices - self.online

    @property
    def health(self) -> Health:
        return health((alert.severity.value for alert in self.troubles), offline=self.offline, in_error=self.in_error)


async def overviews(tx: Transaction, farms: Sequence[Farm], *, at: datetime) -> Sequence[Overview]:
    """How these farms are doing, in their order; three statements however many. The farms were asked for before."""
    tx.actor.require("farm.view")
    asked = {
        "organization_id": tx.organization_id, "farms": columns.ids([farm.id for farm in farms]),
        "fresh_since": at - MEASURED_WITHIN, "day_ago": at - DAY,
    }  # fmt: skip
    counted = {row.id: row for row in await tx.execute(_DEVICES, asked)}
    open_there, raised = await _troubles(tx, farms), await _raised(tx, farms, since=at - DAY)
    return [
        Overview(
            farm, row.devices, row.online, len(_in_error(row.contradicted or (), open_there[farm.id])), row.celsius, row.humidity,
            row.commands, raised.get(farm.id, 0), open_there[farm.id],
        )  # fmt: skip
        for farm in farms
        if (row := counted.get(farm.id))
    ]


async def overview(tx: Transaction, farm_id: UUID, *, at: datetime) -> Overview:
    """How one farm is doing."""
    return (await overviews(tx, [await queries.farm(tx, farm_id)], at=at))[0]


def _in_error(contradicted: Iterable[UUID], troubles: Iterable[Alert]) -> set[UUID]:
    """The devices with something wrong: what they say is contradicted, or there is an alert of more than their being away."""
    return {
        alert.subject_id
        for alert in troubles
        if alert.subject_kind == DEVICES and alert.severity is not Severity.INFO and alert.alert_type != OFFLINE_ALERT
    } | set(contradicted)


async def _troubles(tx: Transaction, farms: Sequence[Farm]) -> Mapping[UUID, list[Alert]]:
    statement = (
        select(Alert)
        .where(col(Alert.scope_id).in_([farm.id for farm in farms]), Alert.status != AlertStatus.RESOLVED, visible(tx))
        .order_by(col(Alert.acknowledged_at).is_not(None), _URGENCY, col(Alert.triggered_at))
    )
    found: dict[UUID, list[Alert]] = defaultdict(list)
    for alert in await tx.exec(statement):
        if alert.scope_id:
            found[alert.scope_id].append(alert)
    return found


async def _raised(tx: Transaction, farms: Sequence[Farm], *, since: datetime) -> Mapping[UUID, int]:
    statement = (
        select(Alert.scope_id, func.count())
        .where(col(Alert.scope_id).in_([farm.id for farm in farms]), Alert.triggered_at >= since, visible(tx))
        .group_by(col(Alert.scope_id))
    )
    return {farm_id: count for farm_id, count in await tx.exec(statement) if farm_id}
