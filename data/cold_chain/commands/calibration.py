"""Sensors are compared with a reference; what is found is written down for good, and whoever is due is named in time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, AlertStatus, Severity
from data.cold_chain.certificates import Certificate
from data.cold_chain.events import SensorChanged, UnitChanged
from data.cold_chain.machines import CALIBRATION_NOTICE, LARGEST_OFFSET_CELSIUS
from data.cold_chain.queries import machines as queries
from data.cold_chain.queries.machines import DEVICES
from data.cold_chain.tables import CalibrationRecord
from data.cold_chain.values import COLDEST_CELSIUS, HOTTEST_CELSIUS
from data.core import columns
from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now, zone
from data.platform.commands import keep_file

DUE = "calibration_due"
ENDS = "The calibration of {sensor} ends on {date}"
ENDED = "The calibration of {sensor} ended on {date}"
NO_LONGER = "The sensor is calibrated again, or out of service."
LONGEST_NOTES, LONGEST_NAME = 500, 100
LARGEST_HUMIDITY_OFFSET = 30.0

_NEWEST = """
from cold_chain.devices d
join lateral (
  select c.expires_at from cold_chain.calibration_records c
  where c.organization_id = d.organization_id and c.device_id = d.id and c.deleted_at is null
  order by c.calibrated_at desc, c.id desc limit 1
) newest on newest.expires_at <= :horizon
where d.deleted_at is null and d.is_active
"""

_DUE = text(f"""
select due.id, due.name, due.expires_at, s.id as site_id, coalesce(s.time_zone, o.time_zone) as time_zone
from (select d.organization_id, d.id, d.unit_id, coalesce(d.name, d.device_eui) as name, newest.expires_at {_NEWEST}
  and d.organization_id = :organization_id and (cast(:every as boolean) or d.id = any(:ids))) due
join identity.organizations o on o.id = due.organization_id
left join cold_chain.units u on u.organization_id = due.organization_id and u.id = due.unit_id
left join cold_chain.areas a on a.organization_id = u.organization_id and a.id = u.area_id
left join cold_chain.sites s on s.organization_id = a.organization_id and s.id = a.site_id
""")

_WHERE = text(f"""
select distinct d.organization_id {_NEWEST}
union
select organization_id from alerts.alerts where alert_type = :alert_type and status <> 'resolved'
""")


class _Due(NamedTuple):
    device_id: UUID
    name: str
    expires_at: datetime
    site_id: UUID | None
    time_zone: str


async def record(
    tx: Transaction, device_id: UUID, *, calibrated_at: datetime, offset_celsius: float, humidity_offset_percent: float = 0,
    reference_celsius: float | None = None, by: str | None = None, notes: str | None = None, expires_at: datetime | None = None,
    certificate: Certificate | None = None,
) -> CalibrationRecord:  # fmt: skip
    """Write down what a comparison found. From then on the offset is added to what the sensor says; the past stays as it was."""
    view = await queries.sensor(tx, device_id)
    tx.actor.require(DEVICES, view.site_id)
    at = now()
    if calibrated_at > at:
        raise Invalid("calibrated_at", "This is in the future.")
    if expires_at is not None and expires_at <= calibrated_at:
        raise Invalid("expires_at", "This must be after the calibration.")
    _between("offset_celsius", offset_celsius, -LARGEST_OFFSET_CELSIUS, LARGEST_OFFSET_CELSIUS)
    _between("humidity_offset_percent", humidity_offset_percent, -LARGEST_HUMIDITY_OFFSET, LARGEST_HUMIDITY_OFFSET)
    if reference_celsius is not None:
        _between("reference_celsius", reference_celsius, COLDEST_CELSIUS, HOTTEST_CELSIUS)
    file = None
    if certificate:
        name = f"{view.name} {calibrated_at.astimezone(zone(view.time_zone or 'UTC')):%Y-%m-%d}.{certificate.extension}"
        file = await keep_file(tx, certificate.content, file_name=name, mime_type=certificate.mime_type)
    made = CalibrationRecord(
        device_id=device_id, calibrated_at=calibrated_at, calibrated_by=tx.actor.user_id, calibrated_by_name=_short("by", by, LONGEST_NAME),
        temperature_offset_celsius=_kept(offset_celsius), humidity_offset_percent=_kept(humidity_offset_percent),
        reference_temperature_celsius=None if reference_celsius is None else _kept(reference_celsius),
        certificate_file_id=file.id if file else None, notes=_short("notes", notes, LONGEST_NOTES), expires_at=expires_at,
    )  # fmt: skip
    tx.add(made)
    await _follow(tx, device_id, view.device.unit_id, at)
    return made


async def strike(tx: Transaction, record_id: UUID, *, because: str) -> None:
    """Take back a record that is wrong, saying why. It is not shown nor applied any more, and stays in the log for good."""
    found = (await tx.exec(select(CalibrationRecord).where(CalibrationRecord.id == record_id).with_for_update())).one_or_none()
    if found is None:
        raise NotFound("There is no such calibration.")
    view = await queries.sensor(tx, found.device_id)
    tx.actor.require(DEVICES, view.site_id)
    if found.deleted_at:
        raise Conflict("This calibration has been struck already.")
    because = because.strip()
    if not because:
        raise Invalid("because", "Say why it is wrong.")
    found.deleted_at = now()
    tx.add(found)
    tx.record(
        "cold_chain.calibration_records.struck", "calibration struck", subject_id=found.id, severity="warning", because=because,
        sensor=view.name, calibrated_at=found.calibrated_at, offset_celsius=found.temperature_offset_celsius,
    )  # fmt: skip
    await _follow(tx, found.device_id, view.device.unit_id, found.deleted_at)


async def judge(tx: Transaction, at: datetime, device_ids: Collection[UUID] | None = None) -> Sequence[Alert]:
    """Name the sensors (these, or all) whose calibration ends within two weeks or has ended, and resolve what is no longer so."""
    asked = {
        "organization_id": tx.organization_id, "horizon": at + CALIBRATION_NOTICE, "every": device_ids is None,
        "ids": columns.ids(list(device_ids or ())),
    }  # fmt: skip
    due = [_Due(*row) for row in await tx.execute(_DUE, asked)]
    still = {one.device_id for one in due}
    statement = select(Alert.subject_id).where(Alert.alert_type == DUE, Alert.status != AlertStatus.RESOLVED)
    if device_ids is not None:
        statement = statement.where(col(Alert.subject_id).in_(device_ids))
    over = set(await tx.exec(statement)) - still
    await resolve_all_open(tx, dict.fromkeys(over, at), DUE, because=NO_LONGER)
    return await raise_alerts(tx, [(_trouble(one, at), at) for one in due])


async def where_due(tx: Transaction, at: datetime) -> Sequence[UUID]:
    """The organizations in which somebody is due, or an alert says so (across tenants)."""
    return list((await tx.execute(_WHERE, {"horizon": at + CALIBRATION_NOTICE, "alert_type": DUE})).scalars())


def _trouble(one: _Due, at: datetime) -> Trouble:
    has_ended = one.expires_at <= at
    return Trouble(
        subject_kind="cold_chain.devices", subject_id=one.device_id, subject_name=one.name, alert_type=DUE,
        severity=Severity.WARNING if has_ended else Severity.INFO, message=ENDED if has_ended else ENDS, permission=DEVICES,
        values={"sensor": one.name, "date": one.expires_at.astimezone(zone(one.time_zone)).date().isoformat()},
        href=f"/cold-chain/sensors/{one.device_id}", scope_id=one.site_id, time_zone=one.time_zone,
    )  # fmt: skip


async def _follow(tx: Transaction, device_id: UUID, unit_id: UUID | None, at: datetime) -> None:
    await tx.flush()
    await judge(tx, at, [device_id])
    tx.emit(SensorChanged(device_id=device_id))
    if unit_id:
        tx.emit(UnitChanged(unit_id=unit_id))


def _between(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise Invalid(field, "{value} is not between {low} and {high}.", value=value, low=low, high=high)


def _kept(value: float) -> Decimal:
    return round(Decimal(str(value)), 2)


def _short(field: str, value: str | None, most: int) -> str | None:
    value = (value or "").strip()
    if len(value) > most:
        raise Invalid(field, "This may have at most {most} characters.", most=most)
    return value or None
