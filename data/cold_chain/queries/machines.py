"""Which sensors, gateways and hubs there are, how they are, and what has been done to them, for whoever may look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, func, literal, or_, text, true
from sqlmodel import col, select

from data.cold_chain.frames import Fault
from data.cold_chain.machines import (
    CALIBRATION_NOTICE,
    DEFAULT_INTERVAL_S,
    LOW_BATTERY_PERCENT,
    SILENT_AFTER_INTERVALS,
    WEAK_SIGNAL_DBM,
    CalibrationState,
    SensorState,
    calibration_state,
)
from data.cold_chain.queries.units import VIEW, literally
from data.cold_chain.tables import Area, CalibrationRecord, Device, LoraSensor, PairingSession, Site, Unit
from data.cold_chain.values import PairingStatus
from data.core.errors import NotFound
from data.core.session import Transaction
from data.core.time import now
from data.identity.tables import User
from data.platform.tables import File, UnknownDevice

DEVICES = "cold_chain.devices"
NETWORKS = ("ttn", "chirpstack", "hub")
"""Whose strangers may be sensors."""
Sort = Literal["name", "state", "place", "battery", "signal", "heard", "calibration"]
Show = Literal["all", "working", "fault", "silent", "waiting", "out_of_service", "low_battery", "weak_signal", "calibration_due", "never_calibrated"]


@dataclass(frozen=True, slots=True)
class SensorView:
    """A sensor as it is shown; where it stands, where it stands anywhere."""

    device: Device
    state: SensorState
    calibration: CalibrationState
    calibrated_at: datetime | None
    calibration_expires_at: datetime | None
    unit_name: str | None = None
    area_name: str | None = None
    site_id: UUID | None = None
    site_name: str | None = None
    time_zone: str | None = None

    @property
    def name(self) -> str:
        return self.device.name or self.device.device_eui


def _with_device(other: Any) -> ColumnElement[bool]:
    return col(other.organization_id) == col(Device.organization_id)


_NEWEST = (
    select(CalibrationRecord.calibrated_at, CalibrationRecord.expires_at)
    .where(_with_device(CalibrationRecord), col(CalibrationRecord.device_id) == Device.id, col(CalibrationRecord.deleted_at).is_(None))
    .order_by(col(CalibrationRecord.calibrated_at).desc(), col(CalibrationRecord.id).desc())
    .limit(1)
    .correlate(Device)
    .lateral("newest")
)


def state_of(at: datetime) -> ColumnElement[Any]:
    """A sensor's state in SQL."""
    patience = func.make_interval(0, 0, 0, 0, 0, 0, func.coalesce(col(Device.uplink_interval_s), DEFAULT_INTERVAL_S) * SILENT_AFTER_INTERVALS)
    return case(
        (col(Device.is_active).is_(False), SensorState.OUT_OF_SERVICE.value),
        (col(Device.last_seen_at).is_(None), SensorState.WAITING.value),
        (col(Device.last_seen_at) < literal(at) - patience, SensorState.SILENT.value),
        (col(Device.fault) != Fault.DECODERS_DISAGREE.value, SensorState.FAULT.value),  # of null, neither
        else_=SensorState.WORKING.value,
    )


_URGENCY = {SensorState.FAULT: 0, SensorState.SILENT: 1, SensorState.WAITING: 2, SensorState.WORKING: 3, SensorState.OUT_OF_SERVICE: 4}


def _views(tx: Transaction, at: datetime, permission: str = VIEW) -> Select[Any]:
    """Every living sensor that the actor reaches: those in no unit only where the right holds everywhere."""
    scopes = tx.actor.scopes(permission)
    reach = true() if scopes is None else col(Site.id).in_(scopes)
    columns: tuple[Any, ...] = (
        Device, state_of(at).label("state"), _NEWEST.c.calibrated_at, _NEWEST.c.expires_at, col(Unit.name).label("unit_name"),
        col(Area.name).label("area_name"), col(Site.id).label("site_id"), col(Site.name).label("site_name"), Site.time_zone,
    )  # fmt: skip
    views: Select[Any] = (
        select(*columns)
        .select_from(Device)
        .outerjoin(Unit, and_(_with_device(Unit), col(Unit.id) == Device.unit_id, col(Unit.deleted_at).is_(None)))
        .outerjoin(Area, and_(_with_device(Area), col(Area.id) == Unit.area_id))
        .outerjoin(Site, and_(_with_device(Site), col(Site.id) == Area.site_id))
        .outerjoin(_NEWEST, true())
        .where(col(Device.deleted_at).is_(None), reach)
    )
    return views


def _view(row: Any, at: datetime) -> SensorView:
    return SensorView(
        row[0], SensorState(row.state), calibration_state(row.calibrated_at, row.expires_at, at), row.calibrated_at,
        row.expires_at, row.unit_name, row.area_name, row.site_id, row.site_name, row.time_zone,
    )  # fmt: skip


async def sensor(tx: Transaction, device_id: UUID, *, at: datetime | None = None) -> SensorView:
    """One sensor; NotFound where there is none, or none for this actor."""
    at = at or now()
    tx.actor.require(VIEW)
    row = (await tx.execute(_views(tx, at).where(col(Device.id) == device_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such sensor.")
    return _view(row, at)


async def sensors(
    tx: Transaction, *, at: datetime | None = None, offset: int = 0, limit: int = 50, sort: Sort = "name", descending: bool = False,
    search: str = "", show: Show = "all", site_id: UUID | None = None, unit_id: UUID | None = None,
) -> tuple[Sequence[SensorView], int]:  # fmt: skip
    """A page of the sensors, and how many there are; `search` looks into names, numbers, models and places."""
    tx.actor.require(VIEW)
    at = at or now()
    found = _views(tx, at).where(*_shown(show, at))
    if site_id:
        found = found.where(col(Site.id) == site_id)
    if unit_id:
        found = found.where(col(Unit.id) == unit_id)
    if search:
        digits = "".join(sign for sign in search if sign.isalnum())
        pattern = f"%{literally(search)}%"
        found = found.where(
            or_(
                *(col(one).ilike(pattern) for one in (Device.name, Device.model, Unit.name, Area.name, Site.name)),
                func.replace(col(Device.device_eui), ":", "").ilike(f"%{digits}%") if digits else text("false"),
            )
        )
    named = func.lower(func.coalesce(Device.name, Device.device_eui))
    orders: dict[Sort, tuple[Any, ...]] = {
        "name": (), "state": (case({state.value: place for state, place in _URGENCY.items()}, value=state_of(at)),),
        "place": (Site.name, Area.name, Unit.name), "battery": (Device.battery_percent,), "signal": (Device.signal_dbm,),
        "heard": (Device.last_seen_at,), "calibration": (_NEWEST.c.expires_at,),
    }  # fmt: skip
    order = [one.desc().nulls_last() if descending else one.asc().nulls_last() for one in map(_column, (*orders[sort], named))]
    total = (await tx.execute(select(func.count()).select_from(found.with_only_columns(col(Device.id)).subquery()))).scalar_one()
    rows = await tx.execute(found.order_by(*order, col(Device.id)).offset(offset).limit(limit))
    return [_view(row, at) for row in rows], total


def _column(one: Any) -> ColumnElement[Any]:
    return one if isinstance(one, ColumnElement) else col(one)  # type: ignore[return-value]


def _shown(show: Show, at: datetime) -> tuple[ColumnElement[bool], ...]:
    working = col(Device.is_active).is_(True)
    match show:
        case "all":
            return ()
        case "low_battery":
            return working, col(Device.battery_percent) <= LOW_BATTERY_PERCENT
        case "weak_signal":
            return working, col(Device.signal_dbm) < WEAK_SIGNAL_DBM
        case "calibration_due":
            return working, _NEWEST.c.expires_at <= at + CALIBRATION_NOTICE
        case "never_calibrated":
            return working, _NEWEST.c.calibrated_at.is_(None)
    return (state_of(at) == show,)


@dataclass(frozen=True, slots=True)
class Said:
    """What a sensor said last in its unit, as it is kept (corrected by its calibration)."""

    recorded_at: datetime
    celsius: float
    raw_celsius: float | None
    humidity_percent: float | None
    battery_percent: int | None
    signal_dbm: int | None
    source: str


async def last_said(tx: Transaction, view: SensorView, *, limit: int = 1) -> Sequence[Said]:
    """The newest readings of a sensor in the unit it watches now, the newest first."""
    if view.device.unit_id is None:
        return []
    rows = await tx.execute(
        text("""
select recorded_at, temperature_celsius::float8, raw_temperature_celsius::float8, humidity_percent::float8, battery_percent,
  signal_dbm, source::text
from cold_chain.sensor_readings
where organization_id = :organization_id and unit_id = :unit_id and device_id = :device_id
  and recorded_at > now() - interval '31 days' and recorded_at < now() + interval '1 day'
order by recorded_at desc limit :limit
"""),
        {"organization_id": tx.organization_id, "unit_id": view.device.unit_id, "device_id": view.device.id, "limit": limit},
    )
    return [Said(*row) for row in rows]


async def lora(tx: Transaction, view: SensorView) -> LoraSensor | None:
    """What a LoRaWAN network must know of a sensor, for those who may change it. Its key stays sealed."""
    tx.actor.require(DEVICES, view.site_id)
    return (await tx.exec(select(LoraSensor).where(LoraSensor.device_id == view.device.id))).one_or_none()


@dataclass(frozen=True, slots=True)
class Calibration:
    """One comparison as it is listed, with whoever made it and the paper that proves it."""

    record: CalibrationRecord
    by: str | None
    certificate: File | None


async def calibrations(tx: Transaction, view: SensorView) -> Sequence[Calibration]:
    """A sensor's comparisons, the newest first; those that were struck are not among them."""
    statement = (
        select(CalibrationRecord, User.name, File)
        .outerjoin(User, col(User.id) == CalibrationRecord.calibrated_by)
        .outerjoin(File, and_(col(File.organization_id) == CalibrationRecord.organization_id, col(File.id) == CalibrationRecord.certificate_file_id))
        .where(col(CalibrationRecord.device_id) == view.device.id, col(CalibrationRecord.deleted_at).is_(None))
        .order_by(col(CalibrationRecord.calibrated_at).desc(), col(CalibrationRecord.id).desc())
    )
    return [Calibration(record, record.calibrated_by_name or name, file) for record, name, file in await tx.exec(statement)]


async def certificate(tx: Transaction, device_id: UUID, record_id: UUID) -> File:
    """The paper of one comparison, for those who may see the sensor."""
    view = await sensor(tx, device_id)
    found = next((one.certificate for one in await calibrations(tx, view) if one.record.id == record_id), None)
    if found is None:
        raise NotFound("There is no such file.")
    return found


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something spoke that is no registered sensor; `device_id` where it is registered, but watches nothing."""

    unknown: UnknownDevice
    device_id: UUID | None = None


async def strangers(tx: Transaction, *, limit: int = 50) -> Sequence[Stranger]:
    """Who spoke over a sensors' network and is not assigned to a unit, the latest first. Nothing for those who reach some sites only."""
    tx.actor.require(DEVICES)
    if tx.actor.scopes(DEVICES) is not None:
        return []
    statement = (
        select(UnknownDevice, Device.id, Device.unit_id)
        .outerjoin(Device, and_(_with_device(UnknownDevice), col(Device.device_eui) == UnknownDevice.identifier, col(Device.deleted_at).is_(None)))
        .where(col(UnknownDevice.network).in_(NETWORKS), col(Device.unit_id).is_(None))
        .order_by(col(UnknownDevice.last_seen_at).desc())
        .limit(limit)
    )
    return [Stranger(unknown, device_id) for unknown, device_id, _unit in await tx.exec(statement)]


@dataclass(frozen=True, slots=True)
class PairingView:
    """A pairing as it is shown: at which unit, with which sensor, and what that said last."""

    session: PairingSession
    unit_name: str
    site_id: UUID
    time_zone: str
    is_over: bool
    sensor: SensorView | None = None
    said: Said | None = None


async def pairing(tx: Transaction, session_id: UUID) -> PairingView:
    """One pairing; NotFound where there is none, or none for this actor."""
    statement = (
        select(PairingSession, Unit.name, Site.id, Site.time_zone)
        .join(Unit, col(Unit.id) == PairingSession.unit_id)
        .join(Area, col(Area.id) == Unit.area_id)
        .join(Site, col(Site.id) == Area.site_id)
        .where(PairingSession.id == session_id)
    )
    row = (await tx.exec(statement)).one_or_none()
    if row is None or not tx.actor.may(DEVICES, row[2]):
        raise NotFound("There is no such pairing.")
    session, unit_name, site_id, time_zone = row
    at = now()
    is_over = session.status is not PairingStatus.PENDING or session.expires_at <= at
    found = None
    if session.device_id:
        reached = (await tx.execute(_views(tx, at).where(col(Device.id) == session.device_id))).one_or_none()
        found = _view(reached, at) if reached else None
    said = next(iter(await last_said(tx, found)), None) if found and found.device.unit_id == session.unit_id else None
    return PairingView(session, unit_name, site_id, time_zone, is_over, found, said)


async def active_sensors(tx: Transaction) -> int:
    """How many sensors count towards the plan."""
    statement = select(cast(func.count(), Integer)).select_from(Device).where(col(Device.deleted_at).is_(None), col(Device.is_active))
    return int((await tx.execute(statement)).scalar_one())
