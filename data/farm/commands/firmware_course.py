"""A device is told of its new firmware when its time has come and nothing speaks against it; it alone says whether it has it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, text
from sqlmodel import col, select

from data.alerts.commands import raise_alerts, resolve_all_open
from data.alerts.tables import Severity
from data.core.errors import Refusal
from data.core.session import Transaction
from data.farm.commands.troubles import UPDATE_ALERT, trouble
from data.farm.events import DeviceChanged
from data.farm.queries_firmware import standing_of
from data.farm.rules import SWITCHED
from data.farm.rules.firmware import (
    BACK_WITHIN,
    DID_NOT_COME_BACK,
    TOLD_BY,
    Course,
    after_answer,
    after_version,
    why_not_told,
)
from data.farm.tables import OPEN_UPDATES, Device, Farm, FirmwareUpdate, UpdateStatus
from data.farm.values import FirmwareAnswer, FirmwareOrder, Health, Report
from data.notifications.commands import tell

CLAIM = timedelta(seconds=30)
UNDER_WAY = (UpdateStatus.TOLD, UpdateStatus.RESTARTING)
NOT_BEGUN = "{name} was not given firmware {version}. Its page says why."
NOT_DONE = "{name} did not come by firmware {version}. Look whether it still does what it is asked."
INSTALLED = "The device runs the new firmware."

# The whole board starts anew: what speaks against one of its outputs speaks against all.
_CLAIM = text("""
    update farm.firmware_updates u set claimed_until_at = :until
    from farm.devices d, farm.firmware_releases r
    where d.organization_id = u.organization_id and d.id = u.device_id
      and r.organization_id = u.organization_id and r.id = u.release_id and u.id in (
        select q.id from farm.firmware_updates q
        join farm.devices e on e.organization_id = q.organization_id and e.id = q.device_id
        join farm.farms f on f.organization_id = q.organization_id and f.id = q.farm_id
        where q.status = 'asked' and q.not_before_at <= :at and q.expires_at > :at
          and (q.claimed_until_at is null or q.claimed_until_at < :at)
          and e.is_online and e.is_active and e.deleted_at is null and not f.is_stopped
          and e.dialect = any(cast(:dialects as farm.dialect[]))
          and not exists (
            select from farm.devices o join farm.device_commands c on c.organization_id = o.organization_id and c.device_id = o.id
            where o.organization_id = e.organization_id and o.topic = e.topic and o.deleted_at is null
              and c.status in ('queued', 'sent', 'executing'))
          and (q.may_be_on
            or not exists (
              select from farm.devices o
              where o.organization_id = e.organization_id and o.topic = e.topic and o.deleted_at is null
                and o.is_on is distinct from false and o.device_type = any(cast(:switched as farm.device_type[])))
            or not exists (
              select from farm.flock_batches b
              where b.organization_id = q.organization_id and b.farm_id = q.farm_id and b.closed_on is null and b.deleted_at is null))
        order by q.not_before_at limit :most for update of q skip locked)
    returning u.id, u.organization_id, u.farm_id, d.topic, d.dialect, u.version, r.url, r.size_bytes, r.sha256""")


async def claim_updates(tx: Transaction, *, at: datetime, most: int = 20) -> list[FirmwareOrder]:
    """Across tenants: take up whose time has come and whose board may start anew now. Whoever dies loses the claim."""
    spoken = [dialect for dialect, can in TOLD_BY.items() if can]
    values = {"at": at, "until": at + CLAIM, "most": most, "dialects": spoken, "switched": list(SWITCHED)}
    return [FirmwareOrder(*row) for row in (await tx.execute(_CLAIM, values)).all()]


async def note_told(
    tx: Transaction, told: Sequence[UUID], given_back: Sequence[UUID], refused: Mapping[UUID, Refusal], *, at: datetime
) -> None:
    """What became of telling them. A device may have answered before this is written."""
    wanted = [*told, *given_back, *refused]
    for update in await _locked(tx, col(FirmwareUpdate.id).in_(wanted), FirmwareUpdate.status == UpdateStatus.ASKED):
        update.claimed_until_at = None
        if update.id in refused:
            reason = refused[update.id]
            await _end(tx, [(update, UpdateStatus.FAILED, reason.message, dict(reason.values))], at)
        elif update.id not in given_back:
            update.status, update.told_at = UpdateStatus.TOLD, at
            tx.emit(DeviceChanged(device_id=update.device_id, farm_id=update.farm_id))
        tx.add(update)


async def note_firmware(tx: Transaction, said: Sequence[tuple[Device, Report]], *, at: datetime) -> None:
    """Devices say what they run, or what became of an update: that is what moves it on. One question for all of them."""
    speaking = [(device, report) for device, report in said if isinstance(report, FirmwareAnswer) or (isinstance(report, Health) and report.firmware_version)]
    if not speaking:
        return
    mine = {device.id for device, _report in speaking}
    opened = {update.device_id: update for update in await _locked(tx, col(FirmwareUpdate.device_id).in_(mine), col(FirmwareUpdate.status).in_(OPEN_UPDATES))}
    for device, report in speaking:
        update = opened.get(device.id)
        course = _course(update, report) if update else None
        if update is None or course is None:
            continue
        if course.status == UpdateStatus.RESTARTING:
            update.status, update.restarted_at = UpdateStatus.RESTARTING, report.reported_at
            update.told_at = update.told_at or report.reported_at
            tx.add(update)
            tx.emit(DeviceChanged(device_id=update.device_id, farm_id=update.farm_id))
        else:
            await _end(tx, [(update, UpdateStatus(course.status), course.error, dict(course.values))], at)
            del opened[device.id]


def _course(update: FirmwareUpdate, report: Report) -> Course | None:
    is_told = update.status is not UpdateStatus.ASKED or update.claimed_until_at is not None
    if isinstance(report, FirmwareAnswer):
        return after_answer(update.status.value, is_installed=report.is_installed, error=report.error) if is_told else None
    if update.told_at and report.reported_at < update.told_at:
        return None
    assert isinstance(report, Health) and report.firmware_version
    return after_version(update.status.value, said=report.firmware_version, wanted=update.version, before=update.from_version)


async def organizations_with_stuck(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has updates that were not begun in time, or whose devices did not come back."""
    return (await tx.exec(select(FirmwareUpdate.organization_id).where(_is_over(at)).distinct())).all()


async def give_up_updates(tx: Transaction, *, at: datetime) -> int:
    """End them, say why, and tell those who look after the farm; how many there were."""
    over = await _locked(tx, _is_over(at))
    endings: list[tuple[FirmwareUpdate, UpdateStatus, str | None, dict[str, Any]]] = []
    for update in over:
        if update.status is UpdateStatus.ASKED:
            device = await tx.get_one(Device, update.device_id)
            words, values = why_not_told(await standing_of(tx, device), may_be_on=update.may_be_on)
            endings.append((update, UpdateStatus.TIMEOUT, words, values))
        else:
            endings.append((update, UpdateStatus.TIMEOUT, DID_NOT_COME_BACK, {"minutes": round(BACK_WITHIN.total_seconds() / 60)}))
    await _end(tx, endings, at)
    return len(over)


async def _end(tx: Transaction, endings: Sequence[tuple[FirmwareUpdate, UpdateStatus, str | None, dict[str, Any]]], at: datetime) -> None:
    if not endings:
        return
    rows = await tx.exec(select(Device, Farm.time_zone).join(Farm, col(Farm.id) == Device.farm_id).where(col(Device.id).in_([one[0].device_id for one in endings])))
    known = {device.id: (device, zone) for device, zone in rows}
    troubles = []
    done: dict[UUID, datetime] = {}
    for update, status, error, values in endings:
        was_told = update.status in UNDER_WAY or update.claimed_until_at is not None
        update.status, update.ended_at, update.error_message, update.error_values = status, at, error, values
        update.claimed_until_at = None
        tx.add(update)
        device, zone = known[update.device_id]
        tx.record(
            f"farm.device.update_{status.value}", f"{device.name}: update {status.value}", subject_id=device.id, version=update.version,
            from_version=update.from_version, reason=error,
        )  # fmt: skip
        tx.emit(DeviceChanged(device_id=device.id, farm_id=device.farm_id))
        if status is UpdateStatus.DONE:
            done[device.id] = at
        elif device.deleted_at is None:
            words, severity = (NOT_DONE, Severity.WARNING) if was_told else (NOT_BEGUN, Severity.INFO)
            troubles.append((trouble(device, UPDATE_ALERT, severity, words, zone=zone, name=device.name, version=update.version), at))
    await resolve_all_open(tx, done, UPDATE_ALERT, because=INSTALLED)
    await tell(tx, *await raise_alerts(tx, troubles), at=at)


async def _locked(tx: Transaction, *where: ColumnElement[bool] | bool) -> Sequence[FirmwareUpdate]:
    statement = select(FirmwareUpdate).where(*where).order_by(col(FirmwareUpdate.id))
    return (await tx.exec(statement.with_for_update().execution_options(populate_existing=True))).all()


def _is_over(at: datetime) -> ColumnElement[bool]:
    return or_(
        and_(
            col(FirmwareUpdate.status) == UpdateStatus.ASKED, col(FirmwareUpdate.expires_at) <= at,
            or_(col(FirmwareUpdate.claimed_until_at).is_(None), col(FirmwareUpdate.claimed_until_at) < at),
        ),
        and_(col(FirmwareUpdate.status).in_(UNDER_WAY), col(FirmwareUpdate.told_at) <= at - BACK_WITHIN),
    )  # fmt: skip
