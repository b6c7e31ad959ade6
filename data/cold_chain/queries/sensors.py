"""Sensors as whoever hears them needs them: what they watch, and how to understand what they say."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Double, and_, any_, bindparam, cast, func, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import NullType
from sqlmodel import col, select

from data.cold_chain.frames import Fault
from data.cold_chain.hearing import PLAIN, Calibration, Habits
from data.cold_chain.queries.watch import Watched
from data.cold_chain.tables import CalibrationRecord, Device, Hub, Unit
from data.core import columns
from data.core.session import Transaction


@dataclass(slots=True)
class Sensor:
    """Who speaks of which unit (None: it is assigned to none), and whether it speaks for the unit's temperature."""

    device_id: UUID
    unit_id: UUID | None
    is_primary: bool
    habits: Habits = PLAIN
    is_active: bool = True
    """Whether it is in service; what one that is not says is nobody's."""
    fault: str | None = None
    """What was the matter with it when it was heard last."""
    unit: Watched | None = None
    """Set while the unit is locked and judged."""
    is_plain: bool = field(init=False)
    """Nothing is known of it that could change what it says."""

    def __post_init__(self) -> None:
        self.is_plain = self.habits == PLAIN


def _any(name: str) -> Any:
    return any_(bindparam(name, type_=NullType()))


def _newest_first(value: Any) -> Any:
    return func.array_agg(aggregate_order_by(value, col(CalibrationRecord.calibrated_at).desc()))


_CALIBRATIONS = (
    select(
        _newest_first(col(CalibrationRecord.calibrated_at)).label("since"),
        _newest_first(cast(col(CalibrationRecord.temperature_offset_celsius), Double)).label("celsius"),
        _newest_first(cast(col(CalibrationRecord.humidity_offset_percent), Double)).label("percent"),
    )
    .where(
        col(CalibrationRecord.organization_id) == Device.organization_id,
        col(CalibrationRecord.device_id) == Device.id,
        col(CalibrationRecord.deleted_at).is_(None),
    )
    .correlate(Device)
    .lateral("calibrations")
)
_COLUMNS: tuple[Any, ...] = (
    Device.device_eui, Device.id, col(Unit.id).label("unit_id"), Device.is_primary, Device.model, Device.battery_chemistry,
    Device.decode_mode, Device.is_active, Device.fault, _CALIBRATIONS.c.since, _CALIBRATIONS.c.celsius, _CALIBRATIONS.c.percent,
)  # fmt: skip
_SENSOR = (
    select(*_COLUMNS)
    .select_from(Device)
    .outerjoin(
        Unit,
        and_(
            col(Unit.organization_id) == Device.organization_id, col(Unit.id) == Device.unit_id, col(Unit.deleted_at).is_(None)
        ),
    )
    .outerjoin(_CALIBRATIONS, true())
    .where(col(Device.deleted_at).is_(None))
)
_BY_EUI = _SENSOR.where(col(Device.device_eui) == _any("device_euis"))
_BY_ID = _SENSOR.where(col(Device.id) == _any("device_ids"))


async def by_eui(tx: Transaction, device_euis: Collection[str]) -> dict[str, Sensor]:
    """Our living sensors with these EUIs (or MAC addresses)."""
    rows = await tx.execute(_BY_EUI, {"device_euis": columns.texts(device_euis)})
    return {row[0]: _sensor(row) for row in rows}


async def by_id(tx: Transaction, device_ids: Collection[UUID]) -> dict[UUID, Sensor]:
    """Our living sensors with these ids."""
    rows = await tx.execute(_BY_ID, {"device_ids": columns.ids(device_ids)})
    return {row[1]: _sensor(row) for row in rows}


async def hubs_by_mac(tx: Transaction, macs: Collection[str]) -> dict[str, UUID]:
    """Our living hubs with these MAC addresses."""
    statement = select(Hub.mac_address, Hub.id).where(col(Hub.mac_address) == _any("macs"), col(Hub.deleted_at).is_(None))
    return {mac: hub_id for mac, hub_id in await tx.execute(statement, {"macs": columns.texts(macs)})}


def _sensor(row: Iterable[Any]) -> Sensor:
    """By position: a batch asks for hundreds of these."""
    _eui, device_id, unit_id, is_primary, model, chemistry, decode_mode, is_active, fault, since, celsius, percent = row
    calibrations = tuple(_calibrations(since, celsius, percent)) if since else ()
    return Sensor(device_id, unit_id, is_primary, Habits(model, chemistry, decode_mode, calibrations), is_active, fault)


def _calibrations(since: list[datetime], celsius: list[float], percent: list[float]) -> Iterable[Calibration]:
    return (Calibration(*one) for one in zip(since, celsius, percent, strict=True))


def is_broken(fault: str | None) -> bool:
    """Whether that fault means that the sensor measures nothing."""
    return fault is not None and fault != Fault.DECODERS_DISAGREE
