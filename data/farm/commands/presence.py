"""Devices come and go; whoever looks after the farm hears of those that went."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, update
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alert, resolve_open
from data.alerts.tables import Severity
from data.core.session import Transaction
from data.farm.events import DeviceChanged
from data.farm.rules import SILENT_AFTER
from data.farm.tables import Device
from data.notifications.commands import tell

OFFLINE_ALERT = "device_offline"


async def tell_presence(tx: Transaction, device: Device, *, is_online: bool, at: datetime) -> None:
    """Note that a device came or went, and raise or resolve the alert about it."""
    word = "online" if is_online else "offline"
    tx.record(f"farm.device.{word}", f"{device.name} is {word}", subject_id=device.id)
    if is_online:
        await resolve_open(tx, device.id, OFFLINE_ALERT, at=at, because="The device is back.")
        return
    alert = await raise_alert(
        tx, trouble(device, OFFLINE_ALERT, Severity.WARNING, "{name} is offline.", name=device.name), at=at
    )
    if alert:
        await tell(tx, alert)


def trouble(device: Device, alert_type: str, severity: Severity, message: str, **values: object) -> Trouble:
    """Something is wrong with this device."""
    return Trouble(
        subject_kind="farm.devices", subject_id=device.id, subject_name=device.name, alert_type=alert_type,
        severity=severity, message=message, values=dict(values), permission="farm.view", scope_id=device.farm_id,
        href=f"/farm/devices/{device.id}",
    )  # fmt: skip


async def organizations_with_silent(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has devices that stopped speaking."""
    return (await tx.exec(select(Device.organization_id).where(*_is_silent(at)).distinct())).all()


async def mark_silent(tx: Transaction, *, at: datetime) -> Sequence[Device]:
    """Those that count as online and have said nothing for too long are offline: a broker that restarts tells of nobody."""
    statement = select(Device).where(*_is_silent(at)).order_by(col(Device.id)).with_for_update(key_share=True)
    devices = (await tx.exec(statement)).all()
    if devices:
        await tx.execute(update(Device).where(col(Device.id).in_([d.id for d in devices])).values(is_online=False))
    for device in devices:
        await tell_presence(tx, device, is_online=False, at=at)
        tx.emit(DeviceChanged(device_id=device.id, farm_id=device.farm_id))
    return devices


def _is_silent(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Device.is_online).is_(True),
        col(Device.deleted_at).is_(None),
        col(Device.last_heartbeat_at) < at - SILENT_AFTER,
    )
