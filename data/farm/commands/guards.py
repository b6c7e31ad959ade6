"""What was on for too long is switched off, devices are asked how they are, and what does not fit together is found."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import raise_alerts
from data.alerts.tables import Alert, AlertStatus, Severity
from data.core import columns
from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.answering import last_done
from data.farm.commands.asking import Asking, Wish, ask, lock
from data.farm.commands.troubles import NO_ANSWER_ALERT, TOO_LONG_ALERT, trouble
from data.farm.events import DeviceChanged, StateWanted
from data.farm.rules import COMMANDS, NEVER, SWITCHED, Contradiction, Urgency, is_vital
from data.farm.tables import Commanded, CommandType, Device, DeviceConfig, Farm
from data.notifications.commands import tell

ASKED_AGAIN_AFTER = timedelta(seconds=60)
"""A device that did not switch off is asked again after this."""
GRACE = timedelta(seconds=35)
"""How long over its limit a device may be before somebody is told: it has been asked, and has not answered."""
WORSE_AFTER = timedelta(minutes=2)
"""After this an unanswered wish to a fan or a heater is critical."""
ASKED_EVERY = timedelta(seconds=60)
"""A state is never older than this by much, where a device answers."""
MUTE_AFTER = timedelta(minutes=5)
"""Who is asked for this long and tells no state is not there, whatever its broker says."""

ON_TOO_LONG = "{name} has been on for longer than {minutes} minutes and does not switch off."

MAY_BE_ON_TOO_LONG = "{name} was on when it was last heard of, and may be on for longer than {minutes} minutes."

_OVERRUN = """
    from farm.devices d
    cross join lateral (select not exists (
        select from farm.device_commands c
        where c.organization_id = d.organization_id and c.device_id = d.id and c.source = 'guard' and c.command_type = 'off'
          and (c.status in ('queued', 'sent', 'executing') or c.completed_at > cast(:again as timestamptz))) as must_ask,
        d.on_since_at <= cast(:told as timestamptz) - make_interval(secs => d.max_on_s) and not exists (
        select from alerts.alerts a
        where a.organization_id = d.organization_id and a.subject_id = d.id and a.alert_type = 'device_on_too_long'
          and a.status <> 'resolved') as must_tell) m
    where d.is_on and d.max_on_s is not null and d.deleted_at is null
      and d.on_since_at <= cast(:at as timestamptz) - make_interval(secs => d.max_on_s) and (m.must_ask or m.must_tell)"""
_WHO_OVERRUNS = text("select distinct d.organization_id" + _OVERRUN)
_OVERRUNNING = text("select d.id, m.must_ask, m.must_tell" + _OVERRUN)

# Asked in turn, the longest unheard first; each at most once in the time that it has to answer.
_ASK = text("""
    update farm.devices d set asked_state_at = :at
    where d.id in (
        select q.id from farm.devices q
        where q.is_online and q.is_active and q.deleted_at is null and q.device_type = any(cast(:kinds as farm.device_type[]))
          and (q.state_reported_at is null or q.state_reported_at <= :before or q.contradicted_by = 'words')
          and (q.asked_state_at is null or q.asked_state_at <= :again) and q.dialect <> 'gateway'
        order by q.asked_state_at nulls first limit :most for update skip locked)
    returning d.organization_id, d.id""")

_CONTRADICT = text("""
    update farm.devices d set contradicted_by = n.by, contradicted_at = :at
    from unnest(:ids, :bys) n (id, by)
    where d.organization_id = :organization_id and d.id = n.id returning d.id, d.farm_id""")


async def organizations_with_overrun(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has devices that have been on for longer than they may."""
    return (await tx.execute(_WHO_OVERRUNS, _limits(at))).scalars().all()


async def end_overrun(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Ask what has been on for longer than it may to switch off, and again each minute until it does; those that were asked.

    A device that is away is asked when it is back. Who does not obey is told of, as critical.
    """
    found = {row.id: row for row in await tx.execute(_OVERRUNNING, _limits(at))}
    devices = [d for d in await lock(tx, col(Device.id).in_(found)) if d.is_on and d.max_on_s]
    asked = [device for device in devices if found[device.id].must_ask]
    wishes = [Wish(device, CommandType.OFF, params={"max_on_s": device.max_on_s}) for device in asked]
    await ask(tx, wishes, at=at, asking=Asking(Commanded.GUARD, Urgency.HIGH, waits_until=NEVER))
    await _tell_overrun(tx, [device for device in devices if found[device.id].must_tell], at)
    return [device.id for device in asked]


async def _tell_overrun(tx: Transaction, devices: Sequence[Device], at: datetime) -> None:
    zones = await _zones(tx, devices)
    troubles = []
    for device in devices:
        message, minutes = ON_TOO_LONG if device.is_online else MAY_BE_ON_TOO_LONG, round((device.max_on_s or 0) / 60, 1)
        told = trouble(
            device, TOO_LONG_ALERT, Severity.CRITICAL, message, zone=zones[device.farm_id], name=device.name, minutes=minutes
        )
        troubles.append((told, at))
    if troubles:
        await tell(tx, *await raise_alerts(tx, troubles), at=at)


def _limits(at: datetime) -> dict[str, datetime]:
    return {"at": at, "again": at - ASKED_AGAIN_AFTER, "told": at - GRACE}


async def organizations_with_worse(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: where something has not answered for so long that it may be critical."""
    return (await tx.exec(select(Alert.organization_id).where(*_may_be_worse(at)).distinct())).all()


async def worsen(tx: Transaction, *, at: datetime) -> Sequence[Alert]:
    """Fans and heaters that still do not answer are critical: animals depend on them."""
    open_alerts = {alert.subject_id: alert for alert in await tx.exec(select(Alert).where(*_may_be_worse(at)))}
    devices = (await tx.exec(select(Device).where(col(Device.id).in_(open_alerts), col(Device.deleted_at).is_(None)))).all()
    said = select(DeviceConfig.device_id, DeviceConfig.parameter_value).where(
        col(DeviceConfig.device_id).in_(open_alerts), DeviceConfig.parameter_name == "is_vital", col(DeviceConfig.deleted_at).is_(None)
    )
    configured: Mapping[UUID, Any] = dict((await tx.exec(said)).all())
    vital = [device for device in devices if is_vital(device.icon, configured.get(device.id))]
    zones = await _zones(tx, vital)
    troubles = [
        (
            trouble(
                device, NO_ANSWER_ALERT, Severity.CRITICAL, open_alerts[device.id].message, zone=zones[device.farm_id],
                **open_alerts[device.id].message_values,
            ),
            at,
        )
        for device in vital
    ]  # fmt: skip
    alerts = await raise_alerts(tx, troubles)
    if alerts:
        await tell(tx, *alerts, at=at)
    return alerts


async def want_states(tx: Transaction, *, at: datetime, most: int = 2_000) -> int:
    """Across tenants: have those outputs asked for their state that have not told it for a minute; how many."""
    values = {"at": at, "before": at - ASKED_EVERY, "again": at - ASKED_EVERY, "kinds": list(SWITCHED), "most": most}
    rows = (await tx.execute(_ASK, values)).all()
    for organization_id, device_id in rows:
        tx.emit(StateWanted(device_id=device_id), organization_id=organization_id)
    return len(rows)


async def ask_again(tx: Transaction, device_id: UUID) -> None:
    """Have one device asked for its state now, because somebody doubts what is known. Conflict for one that only measures."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.switch", device.farm_id)
    if not COMMANDS[device.device_type]:
        raise Conflict("This device is not asked: it tells its values by itself.")
    device.asked_state_at = now()
    tx.add(device)
    tx.emit(StateWanted(device_id=device_id))
    tx.emit(DeviceChanged(device_id=device_id, farm_id=device.farm_id))


async def organizations_with_outputs(tx: Transaction) -> Sequence[UUID]:
    """Across tenants: who has devices that are switched."""
    statement = select(Device.organization_id).where(col(Device.deleted_at).is_(None), col(Device.device_type).in_(SWITCHED))
    return (await tx.exec(statement.distinct())).all()


async def audit_states(tx: Transaction, *, at: datetime) -> Mapping[str, int]:
    """Once an hour: hold what each output says against what it was asked, and against whether it answers at all.

    What does not fit is shown as such and asked anew; the log keeps how many fitted. {"checked", "hand", "presence"}.
    """
    outputs = await lock(tx, Device.is_active, col(Device.device_type).in_(SWITCHED))
    asked = await last_done(tx, [device.id for device in outputs])
    found: dict[UUID, str] = {}
    for device in outputs:
        is_mute = device.is_online and device.asked_state_at and (device.state_reported_at is None or at - device.state_reported_at > MUTE_AFTER)
        if is_mute:
            found[device.id] = Contradiction.PRESENCE
        elif device.is_on is not None and asked.get(device.id, device.is_on) is not device.is_on and device.max_on_s is None:
            found[device.id] = Contradiction.HAND
    fresh = {device.id for device in outputs if device.id in found and device.contradicted_by is None}
    if fresh:
        values = {
            "organization_id": tx.organization_id, "at": at, "ids": columns.ids(list(fresh)), "bys": columns.texts(found[one] for one in fresh),
        }  # fmt: skip
        for device_id, farm_id in await tx.execute(_CONTRADICT, values):
            tx.emit(DeviceChanged(device_id=device_id, farm_id=farm_id))
            tx.emit(StateWanted(device_id=device_id))
    counted = {"checked": len(outputs), Contradiction.HAND: 0, Contradiction.PRESENCE: 0} | Counter(found.values())
    if outputs:
        tx.record("farm.audit", "Device states were checked", severity="warning" if found else "info", counted=counted)
    return counted


async def _zones(tx: Transaction, devices: Sequence[Device]) -> dict[UUID, str]:
    if not devices:
        return {}
    return dict((await tx.exec(select(Farm.id, Farm.time_zone).where(col(Farm.id).in_({d.farm_id for d in devices})))).all())


def _may_be_worse(at: datetime) -> tuple[Any, ...]:
    return (
        Alert.alert_type == NO_ANSWER_ALERT, Alert.status != AlertStatus.RESOLVED, Alert.severity == Severity.WARNING,
        Alert.subject_kind == "farm.devices", Alert.triggered_at <= at - WORSE_AFTER,
    )  # fmt: skip
