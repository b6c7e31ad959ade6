"""Devices come and go; whoever looks after the farm hears of those that stay away."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, text, update
from sqlmodel import col, select

from data.alerts.commands import raise_alerts
from data.alerts.tables import Severity
from data.core.session import Transaction
from data.farm.commands.asking import lock
from data.farm.commands.troubles import OFFLINE_ALERT, trouble
from data.farm.events import DeviceChanged
from data.farm.rules import SILENT_AFTER, Contradiction
from data.farm.rules.settings import MISSED_AFTER_S
from data.farm.tables import Device
from data.notifications.commands import tell

__all__ = ["OFFLINE_ALERT", "mark_silent", "organizations_with_missing", "organizations_with_silent", "tell_missing", "trouble"]

_MISSING = """
    from farm.devices d join farm.farms f on f.organization_id = d.organization_id and f.id = d.farm_id
    left join farm.device_configs c on c.organization_id = d.organization_id and c.device_id = d.id
        and c.parameter_name = 'offline_alert_s' and c.deleted_at is null
    where not d.is_online and d.is_active and d.deleted_at is null
      and d.last_heartbeat_at <= cast(:at as timestamptz)
          - make_interval(secs => coalesce(cast(c.parameter_value #>> '{}' as double precision), :missed_after_s))
      and not exists (
        select from alerts.alerts a
        where a.organization_id = d.organization_id and a.subject_id = d.id and a.alert_type = 'device_offline'
          and a.status <> 'resolved')
      and not (d.dialect = 'gateway' and exists (
        select from farm.discoveries x
        join farm.gateways g on g.organization_id = x.organization_id and g.hardware_id = split_part(x.identifier, '/', 1)
        where x.organization_id = d.organization_id and x.device_id = d.id and g.deleted_at is null and not g.is_online))"""
_MISSED = text("select d.id, f.time_zone" + _MISSING)
_WHO_MISSES = text("select distinct d.organization_id" + _MISSING)


async def organizations_with_silent(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has devices that stopped speaking."""
    return (await tx.exec(select(Device.organization_id).where(*_is_silent(at)).distinct())).all()


async def mark_silent(tx: Transaction, *, at: datetime) -> Sequence[Device]:
    """Those that count as online and have said nothing for too long are offline, and their broker, which has not said so, is
    contradicted: a broker that restarts tells of nobody."""
    devices = await lock(tx, *_is_silent(at))
    if devices:
        gone = {"is_online": False, "contradicted_by": Contradiction.PRESENCE, "contradicted_at": at}
        await tx.execute(update(Device).where(col(Device.id).in_([d.id for d in devices])).values(**gone))
    for device in devices:
        tx.record("farm.device.offline", f"{device.name} is offline", subject_id=device.id, contradicted_by=Contradiction.PRESENCE)
        tx.emit(DeviceChanged(device_id=device.id, farm_id=device.farm_id))
    return devices


async def organizations_with_missing(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has devices that have been away for so long that somebody must be told."""
    return (await tx.execute(_WHO_MISSES, {"at": at, "missed_after_s": MISSED_AFTER_S})).scalars().all()


async def tell_missing(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Raise an alert about each device that has been away for half an hour, or for as long as is set for it; what stands behind a
    gateway that is away is told of with that."""
    zones: dict[UUID, str] = dict((await tx.execute(_MISSED, {"at": at, "missed_after_s": MISSED_AFTER_S})).tuples().all())
    devices = [device for device in await lock(tx, col(Device.id).in_(zones)) if not device.is_online]
    troubles = [
        (trouble(device, OFFLINE_ALERT, Severity.WARNING, "{name} is offline.", zone=zones[device.id], name=device.name), at)
        for device in devices
    ]
    if troubles:
        await tell(tx, *await raise_alerts(tx, troubles), at=at)
    return [device.id for device in devices]


def _is_silent(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Device.is_online).is_(True),
        col(Device.deleted_at).is_(None),
        col(Device.last_heartbeat_at) < at - SILENT_AFTER,
    )
