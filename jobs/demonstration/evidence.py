"""What people of the cold store wrote down in that month: what they did, why it was too warm, what they measured, and whom to call."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from sqlmodel import col, select

from data.alerts.tables import Alert, CorrectiveAction
from data.cold_chain.tables import CalibrationRecord, Device, Excursion, ManualTemperatureLog, Unit
from data.cold_chain.values import ExcursionCause
from data.core.session import Transaction
from data.identity.tables import Role
from data.notifications.tables import EscalationContact, OnCallShift
from jobs.demonstration.people import Staff

DONE: Sequence[tuple[ExcursionCause, str, str]] = (
    (ExcursionCause.DOOR, "The door was not quite shut.", "Shut it, checked the goods with a probe: all below 7 °C."),
    (ExcursionCause.DELIVERY, "A delivery stood before the open door.", "Moved the trays to the walk-in cooler until it was cold again."),
    (ExcursionCause.EQUIPMENT, "The compressor had stopped.", "Restarted it and called the technician; watched it for an hour."),
)
CALIBRATED = (timedelta(days=210), timedelta(days=340), timedelta(days=352))
YEAR = timedelta(days=365)
BY_HAND_EVERY = timedelta(days=2)


async def write_down(tx: Transaction, staff: Staff, *, start: datetime, end: datetime) -> None:
    """Calibrations of every sensor, an answer to each alarm that somebody took, a round by hand every second day, and a roster."""
    chance = Random(20261121)
    await _calibrations(tx, staff, end, chance)
    await _actions(tx, staff, chance)
    await _rounds(tx, staff, start, end, chance)
    _calling(tx, staff, end)
    await tx.flush()


async def _calibrations(tx: Transaction, staff: Staff, end: datetime, chance: Random) -> None:
    sensors = (await tx.exec(select(Device).order_by(Device.device_eui))).all()
    for place, sensor in enumerate(sensors):
        at = (end - CALIBRATED[place % len(CALIBRATED)]).replace(hour=3, minute=10 + place)
        tx.add(
            CalibrationRecord(
                device_id=sensor.id, calibrated_at=at, calibrated_by=staff.acting(Role.MANAGER).user_id,
                calibrated_by_name=staff.acting(Role.MANAGER).name, temperature_offset_celsius=Decimal(0),
                reference_temperature_celsius=Decimal(chance.choice(("0.00", "-18.00", "4.00"))), expires_at=at + YEAR,
                notes="Ice bath, three points.",
            )
        )  # fmt: skip


async def _actions(tx: Transaction, staff: Staff, chance: Random) -> None:
    who = staff.acting(Role.STAFF)
    found = await tx.exec(
        select(Excursion, Alert)
        .join(Alert, col(Alert.id) == Excursion.alert_id)
        .where(col(Alert.acknowledged_at).is_not(None))
        .order_by(col(Excursion.started_at))
    )
    for spell, alert in found.all():
        cause, wrong, done = chance.choice(DONE)
        assert alert.acknowledged_at
        spell.cause, spell.cause_by, spell.cause_at = cause, who.user_id, alert.acknowledged_at + timedelta(minutes=12)
        tx.add_all([
            spell,
            CorrectiveAction(
                alert_id=alert.id, subject_kind=alert.subject_kind, subject_id=alert.subject_id, subject_name=alert.subject_name,
                scope_id=alert.scope_id, permission=alert.permission, description=wrong, action_taken=done,
                acted_at=alert.acknowledged_at + timedelta(minutes=11), acted_by=who.user_id,
            ),
        ])  # fmt: skip


async def _rounds(tx: Transaction, staff: Staff, start: datetime, end: datetime, chance: Random) -> None:
    who = staff.acting(Role.STAFF)
    units = (await tx.exec(select(Unit).order_by(Unit.name))).all()
    day = start.replace(hour=1, minute=20, second=0) + timedelta(days=1)  # eight in the morning there
    while day < end:
        for place, unit in enumerate(units):
            at = day + timedelta(minutes=3 * place)
            if at < end and unit.last_temperature_celsius is not None:
                warmth = unit.last_temperature_celsius + Decimal(chance.randint(-4, 4)) / 10
                tx.add(
                    ManualTemperatureLog(
                        unit_id=unit.id, user_id=who.user_id, user_name=who.name, temperature_celsius=warmth, recorded_at=at, created_at=at,
                    )
                )  # fmt: skip
                unit.last_manual_log_at = at
                tx.add(unit)
        day += BY_HAND_EVERY


def _calling(tx: Transaction, staff: Staff, end: datetime) -> None:
    owner, manager = staff.acting(Role.OWNER), staff.acting(Role.MANAGER)
    first = EscalationContact(user_id=manager.user_id, name=manager.name, phone="+85512000002", priority=0)
    guard = EscalationContact(name="Night guard · អ្នកយាមយប់", phone="+85512000090", priority=1, language="km")
    last = EscalationContact(user_id=owner.user_id, name=owner.name, phone="+85512000001", priority=2)
    tx.add_all([first, guard, last])
    monday = (end - timedelta(days=end.weekday())).replace(hour=11, minute=0, second=0, microsecond=0)  # six in the evening there
    for night in range(14):
        begins = monday + timedelta(days=night)
        tx.add(OnCallShift(contact_id=guard.id, starts_at=begins, ends_at=begins + timedelta(hours=12)))
