"""What was heard of devices is judged: trouble is told to those who look after the farm, and what is over is said to be over."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, AlertStatus, Severity
from data.core.session import Transaction
from data.farm.commands.troubles import (
    ANSWERS_END,
    BATTERY_ALERT,
    FIRMWARE_ALERT,
    METER_ALERT,
    NO_ANSWER_ALERT,
    OFFLINE_ALERT,
    REFUSED_ALERT,
    TOO_LONG_ALERT,
    UPDATE_ALERT,
    trouble,
)
from data.farm.rules import (
    BATTERY_LOW,
    LIMIT_ALERTS,
    METERED,
    Contradiction,
    DeviceState,
    is_battery_low,
    is_vital,
    verdicts,
)
from data.farm.rules.firmware import runs
from data.farm.tables import CommandStatus, Device, DeviceCommand
from data.farm.values import Health
from data.notifications.commands import tell

REFUSED = "{name} could not do what it was asked: {reason}"
NOTHING_FLOWS = "{name} says that it is on, but its meter says that nothing flows."
STILL_FLOWS = "{name} says that it is off, but its meter says that {watts} W flow."
FIRMWARE = "There is new firmware for {name}: {version}."

ENDINGS = {
    OFFLINE_ALERT: "The device is back.",
    TOO_LONG_ALERT: "The device is off.",
    BATTERY_ALERT: "The battery is charged again.",
    FIRMWARE_ALERT: "The new firmware is installed.",
    UPDATE_ALERT: "The device runs the new firmware.",
    METER_ALERT: "Its meter and its switch say the same again.",
} | dict.fromkeys(ANSWERS_END, "The device answers again.") | dict.fromkeys(LIMIT_ALERTS, "It is within the limits again.")  # fmt: skip
_KINDS = tuple(ENDINGS)


@dataclass(frozen=True, slots=True)
class Heard:
    """A device before and after what it said, and what is set for it."""

    device: Device
    zone: str
    before: DeviceState
    after: DeviceState
    settings: Mapping[str, Any]
    health: Health | None


async def judge(tx: Transaction, heard: Sequence[Heard], answered: Mapping[UUID, DeviceCommand], *, at: datetime) -> None:
    """Raise and resolve the alerts that follow from a batch: a few statements however many devices spoke."""
    for one in heard:
        if one.after.is_online != one.before.is_online:
            word = "online" if one.after.is_online else "offline"
            tx.record(f"farm.device.{word}", f"{one.device.name} is {word}", subject_id=one.device.id)
    troubles = [found for one in heard for found in _troubles(one, answered.get(one.device.id), at)]
    if troubles:
        await tell(tx, *await raise_alerts(tx, troubles), at=at)
    by_id = {one.device.id: one for one in heard}
    opened = select(Alert).where(
        col(Alert.subject_id).in_(by_id), col(Alert.alert_type).in_(_KINDS), Alert.status != AlertStatus.RESOLVED
    )
    over: dict[str, dict[UUID, datetime]] = defaultdict(dict)
    for alert in (await tx.exec(opened)).all():
        if _is_over(alert, by_id[alert.subject_id], answered.get(alert.subject_id), at):
            over[alert.alert_type][alert.subject_id] = by_id[alert.subject_id].after.last_heartbeat_at or at
    for kind, subjects in over.items():
        await resolve_all_open(tx, subjects, kind, because=ENDINGS[kind])


def _troubles(one: Heard, command: DeviceCommand | None, at: datetime) -> Iterator[tuple[Trouble, datetime]]:
    device, name, zone = one.device, one.device.name, one.zone
    if command and command.status is CommandStatus.FAILED:
        reason = command.error_values.get("reason", "?")
        yield trouble(device, REFUSED_ALERT, Severity.WARNING, REFUSED, zone=zone, name=name, reason=reason), at
    percent = one.after.battery_percent
    if percent is not None and percent != one.before.battery_percent and is_battery_low(percent, one.settings):
        yield trouble(device, BATTERY_ALERT, Severity.WARNING, BATTERY_LOW, zone=zone, name=name, value=percent), at
    if one.health and (fresh := one.health.firmware_available) and not runs(one.after.firmware_version, fresh):
        yield trouble(device, FIRMWARE_ALERT, Severity.INFO, FIRMWARE, zone=zone, name=name, version=fresh), at
    if one.after.contradicted_by == Contradiction.METER != one.before.contradicted_by:
        message, watts = NOTHING_FLOWS if one.after.is_on else STILL_FLOWS, one.after.latest[METERED]["value"]
        worst = Severity.CRITICAL if is_vital(device.icon, one.settings.get("is_vital")) or not one.after.is_on else Severity.WARNING
        yield trouble(device, METER_ALERT, worst, message, zone=zone, name=name, watts=round(watts)), at
    if one.after.latest is not one.before.latest:
        for found in verdicts(one.after.latest, one.settings, at=at):
            if found.is_beyond:
                severity = Severity.CRITICAL if found.is_deadly else Severity.WARNING
                told = trouble(
                    device, found.alert_type, severity, found.message, zone=zone, threshold=found.limit, actual=found.value,
                    name=name, **found.values,
                )  # fmt: skip
                yield told, found.at


def _is_over(alert: Alert, one: Heard, command: DeviceCommand | None, at: datetime) -> bool:
    after, kind = one.after, alert.alert_type
    if kind == OFFLINE_ALERT:
        return after.is_online
    if kind in ANSWERS_END:
        has_obeyed = command is not None and command.status is CommandStatus.COMPLETED
        is_as_asked = kind == NO_ANSWER_ALERT and bool(one.after.state_reported_at != one.before.state_reported_at)
        return has_obeyed or (is_as_asked and alert.message_values.get("on") is after.is_on)
    if kind == TOO_LONG_ALERT:
        return after.is_on is False
    if kind == METER_ALERT:
        return after.contradicted_by != Contradiction.METER
    if kind == BATTERY_ALERT:
        return after.battery_percent is not None and is_battery_low(after.battery_percent, one.settings) is False
    if kind in (FIRMWARE_ALERT, UPDATE_ALERT):
        return runs(after.firmware_version, str(alert.message_values.get("version")))
    limits = {found.alert_type: found.is_beyond for found in verdicts(after.latest, one.settings, at=at)}
    return limits.get(kind) is False
