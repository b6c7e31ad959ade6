"""A gateway that says nothing any more is away, and with it all that stands behind it; whoever looks after the farm is told once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts
from data.alerts.tables import Severity
from data.core import columns
from data.core.session import Transaction
from data.farm.events import DeviceChanged, GatewayChanged
from data.farm.queries_gateways import behind
from data.farm.rules.gateways import OFFLINE_AFTER, TOLD_AFTER
from data.farm.tables import Gateway
from data.notifications.commands import tell

GATEWAY_ALERT = "gateway_offline"
SILENT = "{name} is silent. {count} devices behind it can neither be seen nor switched."
BACK = "The gateway is back."

_AWAY = text("""
    update farm.devices d set is_online = false
    where d.organization_id = :organization_id and d.id = any(:ids) and d.is_online returning d.id, d.farm_id, d.name""")
_TOLD = """
    from farm.gateways g join farm.farms f on f.organization_id = g.organization_id and f.id = g.farm_id and f.deleted_at is null
    where not g.is_online and g.deleted_at is null and g.last_heartbeat_at <= :since
      and not exists (
        select from alerts.alerts a
        where a.organization_id = g.organization_id and a.subject_id = g.id and a.alert_type = 'gateway_offline'
          and a.status <> 'resolved')"""
_WHO_IS_TOLD = text("select distinct g.organization_id" + _TOLD)
_TO_TELL = text("select g.id, f.time_zone" + _TOLD)


async def organizations_with_silent_gateways(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has gateways that stopped speaking, or that have been away for so long that somebody must be told."""
    silent = select(Gateway.organization_id).where(
        col(Gateway.is_online), col(Gateway.deleted_at).is_(None), col(Gateway.last_heartbeat_at) < at - OFFLINE_AFTER
    )
    told = (await tx.execute(_WHO_IS_TOLD, {"since": at - TOLD_AFTER})).scalars()
    return list({*(await tx.exec(silent)).all(), *told})


async def note_silent_gateways(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Those that have said nothing for five minutes are away, and what stands behind them; after half an hour one alert a gateway
    says so. Those that were noted."""
    statement = select(Gateway).where(
        col(Gateway.is_online), col(Gateway.deleted_at).is_(None), col(Gateway.last_heartbeat_at) < at - OFFLINE_AFTER
    )
    gateways = (await tx.exec(statement.order_by(col(Gateway.id)).with_for_update(key_share=True))).all()
    known = await behind(tx, [gateway.hardware_id for gateway in gateways]) if gateways else {}
    for gateway in gateways:
        gateway.is_online = False
        tx.add(gateway)
        tx.record("farm.gateway.offline", f"{gateway.name} is offline", subject_id=gateway.id)
        tx.emit(GatewayChanged(gateway_id=gateway.id, farm_id=gateway.farm_id))
    ids = [one.device_id for gateway in gateways for one in known.get(gateway.hardware_id, {}).values() if one.device_id]
    for row in await tx.execute(_AWAY, {"organization_id": tx.organization_id, "ids": columns.ids(sorted(ids))}) if ids else ():
        tx.record("farm.device.offline", f"{row.name} is offline", subject_id=row.id, by="gateway")
        tx.emit(DeviceChanged(device_id=row.id, farm_id=row.farm_id))
    await tx.flush()
    await _tell(tx, at)
    return [gateway.id for gateway in gateways]


async def _tell(tx: Transaction, at: datetime) -> None:
    zones: dict[UUID, str] = {row.id: row.time_zone for row in await tx.execute(_TO_TELL, {"since": at - TOLD_AFTER})}
    if not zones:
        return
    gateways = (await tx.exec(select(Gateway).where(col(Gateway.id).in_(zones)))).all()
    known = await behind(tx, [gateway.hardware_id for gateway in gateways])
    troubles = []
    for gateway in gateways:
        count = sum(one.device_id is not None and one.is_active for one in known.get(gateway.hardware_id, {}).values())
        told = Trouble(
            subject_kind="farm.gateways", subject_id=gateway.id, subject_name=gateway.name, alert_type=GATEWAY_ALERT,
            severity=Severity.WARNING, message=SILENT, values={"name": gateway.name, "count": count}, permission="farm.view",
            scope_id=gateway.farm_id, href="/farm/gateways", time_zone=zones[gateway.id],
        )  # fmt: skip
        troubles.append((told, at))
    await tell(tx, *await raise_alerts(tx, troubles), at=at)
