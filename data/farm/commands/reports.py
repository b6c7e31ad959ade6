"""Devices report; a batch of reports becomes readings, states, answers to what was asked, and alerts, in a few statements."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import resolve_open
from data.alerts.tables import Alert, AlertStatus
from data.core.errors import NotFound, Refusal
from data.core.session import Transaction
from data.farm.commands.presence import tell_presence
from data.farm.events import DeviceChanged, ScheduleChanged
from data.farm.rules import DeviceState, heard
from data.farm.tables import Device
from data.farm.values import DeviceReport, Report, SensorValue, StateReport

NO_ANSWER_ALERT = "device_silent"

_KEEP = text("""
    insert into farm.sensor_readings (organization_id, device_id, farm_id, sensor_type, unit, recorded_at, value, quality)
    select :organization_id, r.*, 0 from unnest(
        cast(:devices as uuid[]), cast(:farms as uuid[]), cast(:kinds as text[]), cast(:units as text[]),
        cast(:ats as timestamptz[]), cast(:values as numeric[])) r
    on conflict do nothing""")

_KNOW = text("""
    update farm.devices d set
        is_online = n.is_online, last_heartbeat_at = n.last_heartbeat_at, latest = cast(n.latest as jsonb)
    from unnest(cast(:ids as uuid[]), cast(:onlines as boolean[]), cast(:heartbeats as timestamptz[]),
                cast(:latests as text[])) n (id, is_online, last_heartbeat_at, latest)
    where d.organization_id = :organization_id and d.id = n.id""")

_SET = text("""
    update farm.devices d set is_on = n.is_on, state_reported_at = n.at,
        state_changed_at = case when d.is_on is distinct from n.is_on then n.at else d.state_changed_at end
    from unnest(cast(:devices as uuid[]), cast(:ons as boolean[]), cast(:ats as timestamptz[])) n (device_id, is_on, at)
    where d.organization_id = :organization_id and d.id = n.device_id""")

# A report answers a wish only if it was made after the wish and says what was wished.
_ANSWER = text("""
    with answered as (
        update farm.device_commands c set status = 'completed', completed_at = n.at, claimed_until_at = null,
            response_data = jsonb_build_object('power', case when n.is_on then 'ON' else 'OFF' end)
        from unnest(cast(:devices as uuid[]), cast(:ons as boolean[]), cast(:ats as timestamptz[])) n (device_id, is_on, at)
        where c.organization_id = :organization_id and c.device_id = n.device_id
          and c.status in ('queued', 'sent', 'executing') and c.requested_at <= n.at
          and c.command_type = cast(case when n.is_on then 'on' else 'off' end as farm.command_type)
        returning c.id, c.organization_id, c.device_id, c.farm_id, c.schedule_id, c.completed_at, c.requested_at, c.response_data
    ), noted as (
        update farm.devices d set last_command_status = 'completed', last_command_at = a.completed_at
        from answered a where d.organization_id = a.organization_id and d.id = a.device_id
    ), executed as (
        update farm.schedule_executions e set status = 'executed', device_response = a.response_data,
            execution_duration_ms = extract(epoch from a.completed_at - a.requested_at) * 1000
        from answered a where e.organization_id = a.organization_id and e.command_id = a.id
    )
    select device_id, farm_id, schedule_id from answered""")


@dataclass(slots=True)
class Known:
    """A device as it was before the batch and as it is after it."""

    device: Device
    before: DeviceState
    after: DeviceState


async def hear(tx: Transaction, messages: Sequence[DeviceReport]) -> list[None | Refusal]:
    """Store a batch of one organization's reports. A report of a device that is gone is refused alone.

    The same value at the same instant is kept once; what is late is kept and moves nothing back.
    """
    known = await _lock(tx, {message.device_id for message in messages})
    mine = [message for message in messages if message.device_id in known]
    for message in mine:
        known[message.device_id].after = heard(known[message.device_id].after, message.report)
    changed = [one for one in known.values() if one.after != one.before]
    await _keep(tx, known, mine)
    await _know(tx, changed)
    await confirm(tx, changed, [m for m in mine if _says_its_state(known[m.device_id].device, m.report)])
    for one in changed:
        if one.after.is_online != one.before.is_online:
            assert one.after.last_heartbeat_at
            await tell_presence(tx, one.device, is_online=one.after.is_online, at=one.after.last_heartbeat_at)
        tx.emit(DeviceChanged(device_id=one.device.id, farm_id=one.device.farm_id))
    return [None if message.device_id in known else NotFound("There is no such device.") for message in messages]


async def confirm(tx: Transaction, changed: Sequence[Known], messages: Sequence[DeviceReport]) -> None:
    """Devices say whether they are on: that is their state, and what was asked of them before and wished just that is done."""
    spoken = [one for one in changed if one.after.state_reported_at != one.before.state_reported_at]
    if spoken:
        states = [(one.device.id, one.after.is_on, one.after.state_reported_at) for one in spoken]
        await tx.execute(_SET, _columns(tx, ("devices", "ons", "ats"), states))
    answered: set[UUID] = set()
    answers = {(m.device_id, m.report.is_on): m.report.reported_at for m in messages if isinstance(m.report, StateReport)}
    if answers:
        rows = [(device_id, is_on, at) for (device_id, is_on), at in answers.items()]
        for device_id, farm_id, schedule_id in await tx.execute(_ANSWER, _columns(tx, ("devices", "ons", "ats"), rows)):
            answered.add(device_id)
            tx.emit(DeviceChanged(device_id=device_id, farm_id=farm_id))
            if schedule_id:
                tx.emit(ScheduleChanged(schedule_id=schedule_id, farm_id=farm_id))
    for one in spoken:
        if one.before.is_on is not one.after.is_on:
            word = "on" if one.after.is_on else "off"
            tx.record(f"farm.device.switched_{word}", f"{one.device.name} is {word}", subject_id=one.device.id)
    await _end_silence(tx, spoken, answered)


async def _end_silence(tx: Transaction, spoken: Sequence[Known], answered: set[UUID]) -> None:
    """Those that did not answer are in order again when they answer, or when they are as they were asked to be."""
    by_id = {one.device.id: one for one in spoken}
    if not by_id:
        return
    silent = select(Alert).where(
        col(Alert.subject_id).in_(by_id), Alert.alert_type == NO_ANSWER_ALERT, Alert.status != AlertStatus.RESOLVED
    )
    for alert in (await tx.exec(silent)).all():
        after = by_id[alert.subject_id].after
        assert after.state_reported_at
        if alert.subject_id in answered or alert.message_values.get("on") is after.is_on:
            await resolve_open(
                tx, alert.subject_id, NO_ANSWER_ALERT, at=after.state_reported_at, because="The device answers again."
            )


def _columns(tx: Transaction, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Rows as the arrays that `unnest` takes, one a column."""
    return {"organization_id": tx.organization_id} | dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


async def _lock(tx: Transaction, device_ids: set[UUID]) -> dict[UUID, Known]:
    statement = (
        select(Device)
        .where(col(Device.id).in_(device_ids), col(Device.deleted_at).is_(None))
        .order_by(col(Device.id))  # everybody locks in this order, so nobody waits in a ring
        .with_for_update(key_share=True)
    )
    return {device.id: Known(device, state := _state(device), state) for device in await tx.exec(statement)}


def _state(device: Device) -> DeviceState:
    return DeviceState(
        output=device.output, is_on=device.is_on, state_reported_at=device.state_reported_at, is_online=device.is_online,
        last_heartbeat_at=device.last_heartbeat_at, latest=device.latest,
    )  # fmt: skip


def _says_its_state(device: Device, report: Report) -> bool:
    return isinstance(report, StateReport) and report.output == device.output


async def _keep(tx: Transaction, known: dict[UUID, Known], messages: Sequence[DeviceReport]) -> None:
    """The values, and a relay's states as `power` 0 or 1, so that its past can be drawn and its hours be counted."""
    rows: list[tuple[Any, ...]] = []
    for message in messages:
        device, report = known[message.device_id].device, message.report
        if isinstance(report, SensorValue):
            rows.append((device.id, device.farm_id, report.sensor_type, report.unit, report.reported_at, round(report.value, 2)))
        elif isinstance(report, StateReport) and _says_its_state(device, report):
            rows.append((device.id, device.farm_id, "power", "", report.reported_at, float(report.is_on)))
    if rows:
        await tx.execute(_KEEP, _columns(tx, ("devices", "farms", "kinds", "units", "ats", "values"), rows))


async def _know(tx: Transaction, changed: Sequence[Known]) -> None:
    rows = [
        (one.device.id, one.after.is_online, one.after.last_heartbeat_at, json.dumps(dict(one.after.latest)))
        for one in changed
    ]
    if rows:
        await tx.execute(_KNOW, _columns(tx, ("ids", "onlines", "heartbeats", "latests"), rows))
