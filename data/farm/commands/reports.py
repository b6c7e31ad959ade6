"""Devices report; a batch of reports becomes readings, states, answers to what was asked, and alerts, in a few statements."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.core import columns
from data.core.errors import NotFound, Refusal
from data.core.session import Transaction
from data.core.time import now
from data.farm.commands.answering import Said, answer, is_by_limit, last_done
from data.farm.commands.firmware_course import note_firmware
from data.farm.commands.judging import Heard, judge
from data.farm.commands.restoring import restore
from data.farm.commands.troubles import NO_ANSWER_ALERT
from data.farm.events import CommandQueued, DeviceChanged, DeviceSettingsWanted
from data.farm.rules import (
    Contradiction,
    DeviceState,
    has_restarted,
    heard,
    is_news,
    tuned,
)
from data.farm.rules.levels import in_unit, unit_of
from data.farm.tables import Commanded, Device, DeviceCommand, DeviceConfig, Dialect, Farm
from data.farm.values import CommandAnswer, DeviceReport, Health, Presence, Report, SensorValue, StateReport

__all__ = ["NO_ANSWER_ALERT", "confirm", "hear"]

_KEEP = text("""
    with marked as (
      insert into farm.stale_metrics (organization_id, device_id, sensor_type, hour)
      select distinct f.organization_id, m.device_id, m.sensor_type, date_trunc('hour', m.recorded_at, f.time_zone)
      from unnest(:devices, :farms, :kinds, :ats) m (device_id, farm_id, sensor_type, recorded_at)
      join farm.farms f on f.organization_id = :organization_id and f.id = m.farm_id order by 2, 3, 4
      on conflict do nothing
    )
    insert into farm.sensor_readings (organization_id, device_id, farm_id, sensor_type, unit, recorded_at, value, raw_value, quality)
    select :organization_id, r.*, 0 from unnest(:devices, :farms, :kinds, :units, :ats, :values, :raws) r
    on conflict do nothing""")
"""Their hours, by the farm's clock, are marked in the same breath (see rollups.py)."""

_KNOW = text("""
    update farm.devices d set
        is_online = n.is_online, last_heartbeat_at = n.last_heartbeat_at, latest = cast(n.latest as jsonb), is_on = n.is_on,
        state_changed_at = case when d.is_on is distinct from n.is_on then n.state_reported_at else d.state_changed_at end,
        state_reported_at = n.state_reported_at, state_source = n.state_source, value = n.value, on_since_at = n.on_since_at,
        on_total_s = n.on_total_s, on_cycles = n.on_cycles, contradicted_by = n.contradicted_by,
        contradicted_at = n.contradicted_at, battery_percent = n.battery_percent, signal_dbm = n.signal_dbm,
        firmware_version = n.firmware_version, started_at = n.started_at, own_max_on_s = n.own_max_on_s
    from unnest(:ids, :onlines, :heartbeats, :latests, :ons, :reported_ats, :sources, :values, :since_ats, :totals, :cycles,
                :contradictions, :contradicted_ats, :batteries, :signals, :firmwares, :started_ats, :own_limits)
        n (id, is_online, last_heartbeat_at, latest, is_on, state_reported_at, state_source, value, on_since_at, on_total_s, on_cycles,
           contradicted_by, contradicted_at, battery_percent, signal_dbm, firmware_version, started_at, own_max_on_s)
    where d.organization_id = :organization_id and d.id = n.id""")


@dataclass(slots=True)
class Known:
    """A device as it was before the batch, as it is after it, and what it said that is not older than what was known."""

    device: Device
    zone: str
    before: DeviceState
    after: DeviceState
    settings: Mapping[str, Any] = field(default_factory=dict)
    states: list[StateReport] = field(default_factory=list)
    answers: list[CommandAnswer] = field(default_factory=list)
    health: Health | None = None
    has_restarted: bool = False
    has_connected: bool = False

    def hear(self, report: Report) -> None:
        """Take in one report."""
        if isinstance(report, StateReport) and is_news(self.after, report):
            self.states.append(report)
        elif isinstance(report, CommandAnswer):
            self.answers.append(report)
        elif isinstance(report, Health):
            self.health = report
            self.has_restarted = self.has_restarted or has_restarted(self.before, report)
        elif isinstance(report, Presence):  # a last will's opposite is told with each connection, a heartbeat is not
            has_will = self.device.dialect in (Dialect.TASMOTA, Dialect.ESPHOME)
            self.has_connected = report.is_online and (has_will or not self.after.is_online)
        self.after = heard(self.after, report)


async def hear(tx: Transaction, messages: Sequence[DeviceReport]) -> list[None | Refusal]:
    """Store a batch of one organization's reports. A report of a device that is gone is refused alone.

    The same value at the same instant is kept once; what is late is kept and moves nothing back.
    """
    at = now()
    known = await _lock(tx, {message.device_id for message in messages})
    mine: list[DeviceReport] = []
    for message in messages:
        if one := known.get(message.device_id):
            told = message.report
            if isinstance(told, StateReport):
                told = in_unit(told, unit_of(one.device.device_type.value, one.settings))
            report = tuned(told, one.settings)
            one.hear(report)
            mine.append(DeviceReport(message.device_id, report))
    await _keep(tx, known, mine)
    answered = await confirm(tx, list(known.values()), at=at)
    changed = [one for one in known.values() if one.after != one.before]
    await _know(tx, changed)
    await judge(tx, [Heard(o.device, o.zone, o.before, o.after, o.settings, o.health) for o in known.values()], answered, at=at)
    await note_firmware(tx, [(known[message.device_id].device, message.report) for message in mine], at=at)
    for one in changed:
        tx.emit(DeviceChanged(device_id=one.device.id, farm_id=one.device.farm_id))
        if one.after.is_online and not one.before.is_online:
            tx.emit(CommandQueued(device_id=one.device.id))  # what waited for it may go out
    for one in known.values():
        has_settings = one.device.max_on_s is not None or one.device.startup_state is not None
        if has_settings and (one.has_connected or one.has_restarted):
            tx.emit(DeviceSettingsWanted(device_id=one.device.id))
    await restore(tx, [one.device for one in known.values() if one.has_restarted], at=at)
    return [None if message.device_id in known else NotFound("There is no such device.") for message in messages]


async def confirm(tx: Transaction, known: Sequence[Known], *, at: datetime) -> dict[UUID, DeviceCommand]:
    """Devices say whether they are on: that is their state, and what was asked of them before and wished just that is done.

    What changed and was not asked for is told apart: the device kept to its longest time, or somebody was at it.
    """
    said = [Said(one.device.id, one.device.farm_id, one.states, one.answers) for one in known]
    answered = await answer(tx, said, at=at)
    flipped = [one for one in known if one.before.is_on is not one.after.is_on]
    ours = {device_id for device_id, command in answered.items() if command.completed_at and not command.error_message}
    wanted = await last_done(tx, [one.device.id for one in flipped if one.device.id not in ours])
    for one in known:
        if one.device.id in ours and one.after.contradicted_by == Contradiction.HAND:
            one.after = replace(one.after, contradicted_by=None, contradicted_at=None)
    for one in flipped:
        word = "on" if one.after.is_on else "off"
        by = _cause(one, answered.get(one.device.id) if one.device.id in ours else None, wanted)
        tx.record(f"farm.device.switched_{word}", f"{one.device.name} is {word}", subject_id=one.device.id, **by)
    return answered


def _cause(one: Known, command: DeviceCommand | None, wanted: Mapping[UUID, bool]) -> dict[str, Any]:
    """By whom it was switched; where that was not us, whether it is still as it was asked to be is noted."""
    said: dict[str, Any] = {"old": one.before.is_on, "new": one.after.is_on}
    if command:
        who = {"schedule_id": command.schedule_id} if command.source is Commanded.SCHEDULE else {"user_id": command.requested_by}
        return said | {"by": command.source.value, "command_id": command.id} | who
    on_for = one.after.state_reported_at - one.before.on_since_at if one.before.on_since_at and one.after.state_reported_at else None
    if one.before.is_on and not one.after.is_on and is_by_limit(one.device.max_on_s, on_for):
        return said | {"by": "limit"}
    is_as_asked = wanted.get(one.device.id, one.after.is_on) is one.after.is_on
    if not is_as_asked and one.before.is_on is not None and one.after.contradicted_by is None:
        one.after = replace(one.after, contradicted_by=Contradiction.HAND, contradicted_at=one.after.state_reported_at)
    elif is_as_asked and one.after.contradicted_by == Contradiction.HAND:
        one.after = replace(one.after, contradicted_by=None, contradicted_at=None)
    return said | {"by": "device"}


async def _lock(tx: Transaction, device_ids: set[UUID]) -> dict[UUID, Known]:
    statement = (
        select(Device, Farm.time_zone)
        .join(Farm, col(Farm.id) == Device.farm_id)
        .where(col(Device.id).in_(device_ids), col(Device.deleted_at).is_(None))
        .order_by(col(Device.id))  # everybody locks in this order, so nobody waits in a ring
        .with_for_update(of=Device, key_share=True)
        .execution_options(populate_existing=True)
    )
    known = {d.id: Known(d, zone, state := _state(d), state) for d, zone in await tx.exec(statement)}
    settings: dict[UUID, dict[str, Any]] = defaultdict(dict)
    chosen = select(DeviceConfig.device_id, DeviceConfig.parameter_name, DeviceConfig.parameter_value).where(
        col(DeviceConfig.device_id).in_(known), col(DeviceConfig.deleted_at).is_(None)
    )
    for device_id, name, value in await tx.exec(chosen):
        settings[device_id][name] = value
    for device_id, chosen_here in settings.items():
        known[device_id].settings = chosen_here
    return known


def _state(device: Device) -> DeviceState:
    return DeviceState(
        output=device.output, is_on=device.is_on, state_reported_at=device.state_reported_at, is_online=device.is_online,
        last_heartbeat_at=device.last_heartbeat_at, latest=device.latest, value=device.value, state_source=device.state_source,
        asked_at=device.last_command_at, on_since_at=device.on_since_at, on_total=timedelta(seconds=float(device.on_total_s)),
        on_cycles=device.on_cycles, contradicted_by=device.contradicted_by, contradicted_at=device.contradicted_at,
        battery_percent=device.battery_percent, signal_dbm=device.signal_dbm, firmware_version=device.firmware_version,
        started_at=device.started_at, own_max_on_s=device.own_max_on_s,
    )  # fmt: skip


async def _keep(tx: Transaction, known: Mapping[UUID, Known], messages: Sequence[DeviceReport]) -> None:
    """The values, and a relay's states as `power` 0 or 1, so that its past can be drawn and its hours be counted."""
    rows: list[tuple[Device, str, str, datetime, float, float | None]] = []
    for message in messages:
        device, report = known[message.device_id].device, message.report
        if isinstance(report, SensorValue):
            raw = None if report.raw is None else round(report.raw, 2)
            rows.append((device, report.sensor_type, report.unit, report.reported_at, round(report.value, 2), raw))
        elif isinstance(report, StateReport) and report.output == device.output:
            rows.append((device, "power", "", report.reported_at, float(report.is_on), None))
            if report.value is not None:
                rows.append((device, "level", "", report.reported_at, round(report.value, 2), None))
    if not rows:
        return
    devices, kinds, units, ats, values, raws = zip(*rows, strict=True)
    await tx.execute(
        _KEEP,
        {
            "organization_id": tx.organization_id, "devices": columns.ids([d.id for d in devices]),
            "farms": columns.ids([d.farm_id for d in devices]), "kinds": columns.texts(kinds), "units": columns.texts(units),
            "ats": columns.instants(ats), "values": columns.doubles(values), "raws": columns.doubles(raws),
        },
    )  # fmt: skip


async def _know(tx: Transaction, changed: Sequence[Known]) -> None:
    if not changed:
        return
    after = [one.after for one in changed]
    await tx.execute(
        _KNOW,
        {
            "organization_id": tx.organization_id, "ids": columns.ids([one.device.id for one in changed]),
            "onlines": columns.booleans(a.is_online for a in after), "heartbeats": columns.instants(a.last_heartbeat_at for a in after),
            "latests": columns.texts(json.dumps(dict(a.latest)) for a in after), "ons": columns.booleans(a.is_on for a in after),
            "reported_ats": columns.instants(a.state_reported_at for a in after),
            "sources": columns.texts(a.state_source for a in after),
            "values": columns.doubles(None if a.value is None else float(a.value) for a in after),
            "since_ats": columns.instants(a.on_since_at for a in after),
            "totals": columns.doubles(a.on_total.total_seconds() for a in after),
            "cycles": columns.integers(a.on_cycles for a in after),
            "contradictions": columns.texts(a.contradicted_by for a in after),
            "contradicted_ats": columns.instants(a.contradicted_at for a in after),
            "batteries": columns.smallints(a.battery_percent for a in after),
            "signals": columns.smallints(a.signal_dbm for a in after), "firmwares": columns.texts(a.firmware_version for a in after),
            "started_ats": columns.instants(a.started_at for a in after), "own_limits": columns.integers(a.own_max_on_s for a in after),
        },
    )  # fmt: skip
