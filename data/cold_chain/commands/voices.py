"""One sensor speaks for a unit's temperature; where the one that is meant to has no thermometer, the first that tells one does."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import any_, bindparam, update
from sqlalchemy.types import NullType
from sqlmodel import col, select

from data.cold_chain.events import SensorChanged
from data.cold_chain.models import known
from data.cold_chain.tables import Device
from data.core import columns
from data.core.session import Transaction


async def take_over(tx: Transaction, thermometers: Mapping[UUID, UUID]) -> set[UUID]:
    """Let these sensors (by unit) speak for their units where only a door switch does; which units got a new one.

    The units are locked. A door is often fitted first, and so is the unit's first sensor.
    """
    if not thermometers:
        return set()
    statement = select(Device.unit_id, Device.id, Device.model).where(
        col(Device.unit_id) == any_(bindparam("units", type_=NullType())), col(Device.is_primary), col(Device.deleted_at).is_(None)
    )
    mute = {
        unit_id: device_id
        for unit_id, device_id, model in await tx.execute(statement, {"units": columns.ids(thermometers)})
        if unit_id and (found := known(model)) and not found.model.tells_temperature
    }
    for unit_id, device_id in mute.items():
        heir = thermometers[unit_id]
        await tx.execute(update(Device).where(col(Device.id) == device_id).values(is_primary=False))
        await tx.execute(update(Device).where(col(Device.id) == heir).values(is_primary=True))
        tx.record("cold_chain.devices.speaks_for_unit", "sensor speaks for its unit", subject_id=heir, unit_id=unit_id, before=device_id)
        tx.emit(SensorChanged(device_id=heir))
    return set(mute)
