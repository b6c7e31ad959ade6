"""What is set at a device, as somebody who may see it sees it."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from data.core.session import Transaction
from data.farm import queries
from data.farm.tables import DeviceConfig


async def configs_of(tx: Transaction, device_id: UUID) -> Sequence[DeviceConfig]:
    """What is set at a device one may see, by name."""
    await queries.device(tx, device_id)
    statement = select(DeviceConfig).where(DeviceConfig.device_id == device_id, col(DeviceConfig.deleted_at).is_(None))
    return (await tx.exec(statement.order_by(DeviceConfig.parameter_name))).all()
