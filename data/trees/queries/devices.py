"""Which phones there are, and which of them is asking."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Forbidden, NotFound
from data.core.session import Transaction
from data.trees.tables import Device
from data.trees.words import DeviceStatus


async def devices(tx: Transaction) -> Sequence[Device]:
    """Every phone, those that wait for approval first, then the newest."""
    tx.actor.require("trees.approve_device")
    order = (col(Device.status) != DeviceStatus.PENDING, col(Device.created_at).desc())
    return (await tx.exec(select(Device).order_by(*order))).all()


async def device(tx: Transaction, device_id: UUID, *, for_update: bool = False) -> Device:
    statement = select(Device).where(Device.id == device_id)
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such device.")
    return found


async def named(tx: Transaction, device_id: str, *, for_update: bool = False) -> Device | None:
    """The phone that calls itself so, if it ever registered."""
    statement = select(Device).where(Device.device_id == device_id)
    return (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()


async def approved(tx: Transaction, device_id: UUID) -> Device:
    """The phone that is asking. Forbidden when it may not work here (any more)."""
    found = await device(tx, device_id)
    if found.status is not DeviceStatus.APPROVED:
        raise Forbidden("This device is not approved.")
    return found
