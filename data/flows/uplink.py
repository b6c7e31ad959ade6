"""A sensor speaks: a batch of one organization's messages goes through these steps, each a few statements however many."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from data.alerts.tables import Alert
from data.cold_chain import rules
from data.cold_chain.commands import readings, states
from data.cold_chain.commands.readings import DoorMoved, Reading
from data.cold_chain.queries import watch
from data.cold_chain.queries.watch import Sensor, Watched
from data.cold_chain.values import NO_DEVICE, Measurement, ReadingSource, UnitMeasurement
from data.core.errors import NotFound, Refusal
from data.core.session import Transaction
from data.core.time import now
from data.platform.commands import Stranger, note_unknown_devices

UNKNOWN = "This sensor is not registered here."
UNASSIGNED = "This sensor is not assigned to a unit."


class Fate(StrEnum):
    """What became of a message."""

    STORED = "stored"
    LATE = "late"
    """Stored, and older than what is known already, so that nothing follows from it."""
    REPEATED = "repeated"
    """Was stored before; nothing changed."""
    HEARD = "heard"
    """Says no temperature; the sensor lives."""
    UNKNOWN = "unknown"
    """Nobody has registered who sent it; `reason` says more."""


@dataclass(slots=True)
class Outcome:
    """What is answered to the sender of one message."""

    fate: Fate = Fate.UNKNOWN
    unit_id: UUID | None = None
    device_id: UUID | None = None
    recorded_at: datetime | None = None
    alerts_triggered: int = 0
    reason: str = ""


@dataclass(slots=True)
class Heard:
    """A message on its way through the steps."""

    reading: Reading
    unit: Watched
    outcome: Outcome
    speaks_for_unit: bool
    is_late: bool


@dataclass(slots=True)
class Batch:
    """One organization's messages and what has been found out about them; `heard` is in the order of the sensors' time."""

    messages: Sequence[Measurement] | Sequence[UnitMeasurement]
    source: ReadingSource
    outcomes: list[Outcome | Refusal] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    alarms: dict[UUID, Outcome] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()


Step = Callable[[Transaction, Batch], Awaitable[None]]


async def store(tx: Transaction, messages: Sequence[Measurement]) -> Sequence[Outcome | Refusal]:
    """Keep what sensors told over LoRaWAN, and do what follows. An intake's store."""
    return await _run(tx, STEPS, Batch(messages, ReadingSource.TTN))


async def store_of_units(tx: Transaction, messages: Sequence[UnitMeasurement]) -> Sequence[Outcome | Refusal]:
    """Keep what another system tells of our units, and do what follows. An intake's store."""
    return await _run(tx, (match_units, *STEPS[1:]), Batch(messages, ReadingSource.API))


async def _run(tx: Transaction, steps: Iterable[Step], batch: Batch) -> Sequence[Outcome | Refusal]:
    for step in steps:
        await step(tx, batch)
    return batch.outcomes


async def match_devices(tx: Transaction, batch: Batch) -> None:
    """Find the sensor and its unit by EUI, and lock the units; note who is a stranger."""
    messages: Sequence[Measurement] = batch.messages  # type: ignore[assignment]
    euis = {message.device_eui for message in messages}
    units = await watch.units_by_eui(tx, euis)
    sensors = await watch.sensors_by_eui(tx, euis)
    strangers: dict[str, Stranger] = {}
    for message in messages:
        sensor = sensors.get(message.device_eui)
        unit = units.get(sensor.unit_id) if sensor and sensor.unit_id else None
        if sensor is None or unit is None:
            reason = UNASSIGNED if sensor else UNKNOWN
            batch.outcomes.append(Outcome(reason=reason))
            _note(strangers, message, reason)
        else:
            _hear(batch, Reading(unit.unit_id, sensor.device_id, message), unit, sensor)
    batch.heard.sort(key=_time)
    await note_unknown_devices(tx, list(strangers.values()), network=batch.source.value, at=now())


async def match_units(tx: Transaction, batch: Batch) -> None:
    """Find the unit (and the sensor, where one is named) by its id, and lock the units."""
    messages: Sequence[UnitMeasurement] = batch.messages  # type: ignore[assignment]
    units = await watch.units_by_id(tx, {message.unit_id for message in messages})
    named = {message.device_id for message in messages if message.device_id}
    sensors = await watch.sensors_by_id(tx, named) if named else {}
    for message in messages:
        unit = units.get(message.unit_id)
        sensor = sensors.get(message.device_id) if message.device_id else None
        if unit is None:
            batch.outcomes.append(NotFound("There is no such unit."))
        elif message.device_id and (sensor is None or sensor.unit_id != message.unit_id):
            batch.outcomes.append(NotFound("There is no such sensor in this unit."))
        else:
            _hear(batch, Reading(unit.unit_id, message.device_id or NO_DEVICE, message), unit, sensor)
    batch.heard.sort(key=_time)


async def drop_repeats(tx: Transaction, batch: Batch) -> None:
    """Take out what was kept before. Only what is not newer than all that its sensor said can have been."""
    suspects = [h.reading for h in batch.heard if h.is_late and h.reading.measured.temperature_celsius is not None]
    known = set(await readings.kept_already(tx, suspects))
    fresh = []
    for heard in batch.heard:
        if heard.reading.measured.temperature_celsius is None:
            heard.outcome.fate = Fate.HEARD
        elif heard.reading.key in known:
            heard.outcome.fate = Fate.REPEATED
            continue
        else:
            heard.outcome.fate = Fate.LATE if heard.is_late else Fate.STORED
            known.add(heard.reading.key)
        fresh.append(heard)
    batch.heard = fresh


async def insert_readings(tx: Transaction, batch: Batch) -> None:
    """Keep every temperature, and note when each sensor was last heard."""
    await readings.insert(
        tx, [h.reading for h in batch.heard if h.reading.measured.temperature_celsius is not None], batch.source
    )
    newest = {h.reading.device_id: h.reading.measured for h in batch.heard if not h.is_late}
    newest.pop(NO_DEVICE, None)
    await readings.heard(tx, newest)


async def judge(tx: Transaction, batch: Batch) -> None:
    """Let each unit's state follow from what was heard of it, in the order it happened; late messages move nothing."""
    doors: list[DoorMoved] = []
    for heard in batch.heard:
        unit, measured = heard.unit, heard.reading.measured
        if heard.is_late:
            continue
        if _door_moved(heard):
            doors.append(DoorMoved(heard.reading, unit.door_changed_at))
            unit.door_is_open, unit.door_changed_at = measured.door_is_open, measured.recorded_at
        if heard.speaks_for_unit and measured.temperature_celsius is not None:
            _judge_reading(batch, heard, round(measured.temperature_celsius, 2))
    await readings.insert_doors(tx, doors)
    await states.save(tx, _units(batch))


def _door_moved(heard: Heard) -> bool:
    is_open, at, changed_at = heard.reading.measured.door_is_open, heard.reading.measured.recorded_at, heard.unit.door_changed_at
    return is_open is not None and is_open is not heard.unit.door_is_open and (changed_at is None or at > changed_at)


def _judge_reading(batch: Batch, heard: Heard, celsius: float) -> None:
    unit, at = heard.unit, heard.reading.measured.recorded_at
    if unit.last_reading_at is not None and at <= unit.last_reading_at:
        heard.outcome.fate = Fate.LATE
        return
    unit.last_reading_at, unit.last_celsius = at, celsius
    after = rules.judge(unit.state, unit.rule, celsius, at, door_open_since=unit.door_open_since)
    if after.status is rules.ALARM and unit.state.status is not rules.ALARM:
        batch.alarms.setdefault(unit.unit_id, heard.outcome)
    unit.move(after, at, celsius)


async def alerts(tx: Transaction, batch: Batch) -> None:
    """Open and close the alerts that follow."""
    batch.alerts = await states.raise_and_resolve(tx, _units(batch))
    for alert in batch.alerts:
        if outcome := batch.alarms.get(alert.subject_id):
            outcome.alerts_triggered += 1


async def notify(tx: Transaction, batch: Batch) -> None:
    """Tell those who may know of what was opened."""
    await states.tell_people(tx, batch.alerts)


STEPS: tuple[Step, ...] = (match_devices, drop_repeats, insert_readings, judge, alerts, notify)


def _hear(batch: Batch, reading: Reading, unit: Watched, sensor: Sensor | None) -> None:
    newest = sensor.last_seen_at if sensor else unit.last_reading_at
    at = reading.measured.recorded_at
    outcome = Outcome(unit_id=unit.unit_id, device_id=reading.device_id, recorded_at=at)
    batch.outcomes.append(outcome)
    is_late = newest is not None and at <= newest
    batch.heard.append(Heard(reading, unit, outcome, sensor is None or sensor.is_primary, is_late))


def _units(batch: Batch) -> list[Watched]:
    return list({heard.unit.unit_id: heard.unit for heard in batch.heard}.values())



def _time(heard: Heard) -> datetime:
    return heard.reading.measured.recorded_at


def _note(strangers: dict[str, Stranger], message: Measurement, reason: str) -> None:
    said = {
        "device_name": message.device_name, "recorded_at": message.recorded_at.isoformat(),
        "temperature_celsius": message.temperature_celsius, "raw_payload": message.raw_payload,
    }  # fmt: skip
    before = strangers.get(message.device_eui)
    count = before.message_count + 1 if before else 1
    strangers[message.device_eui] = Stranger(message.device_eui, reason, said, count)
