"""A sensor speaks: a batch of one organization's messages goes through these steps, each a few statements however many."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
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
    reading: Reading | None = None
    alerts_triggered: int = 0
    reason: str = ""


Heard = tuple[Reading, Outcome]


@dataclass(slots=True)
class Batch:
    """One organization's messages and what has been found out about them; `heard` is in the order of the sensors' time."""

    messages: Sequence[Measurement] | Sequence[UnitMeasurement]
    source: ReadingSource
    outcomes: list[Outcome | Refusal] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    sensors: Collection[Sensor] = ()
    has_repeats: bool = False
    units: Mapping[UUID, Watched] = field(default_factory=dict)
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
    """Find the sensor and its unit by EUI; note who is a stranger."""
    messages: Sequence[Measurement] = batch.messages  # type: ignore[assignment]
    sensors = await watch.sensors_by_eui(tx, {message.device_eui for message in messages})
    batch.sensors = sensors.values()
    strangers: dict[str, Stranger] = {}
    for message in messages:
        sensor = sensors.get(message.device_eui)
        if sensor is None or sensor.unit_id is None:
            reason = UNASSIGNED if sensor else UNKNOWN
            batch.outcomes.append(Outcome(reason=reason))
            _note(strangers, message, reason)
        else:
            _hear(batch, Reading(sensor, sensor.unit_id, message))
    batch.heard.sort(key=_time)
    await note_unknown_devices(tx, list(strangers.values()), network=batch.source.value, at=now())


async def match_units(tx: Transaction, batch: Batch) -> None:
    """Find the unit (and the sensor, where one is named) by its id."""
    messages: Sequence[UnitMeasurement] = batch.messages  # type: ignore[assignment]
    units = await watch.known_units(tx, {message.unit_id for message in messages})
    nameless = {unit_id: Sensor(NO_DEVICE, unit_id, is_primary=True) for unit_id in units}
    named = {message.device_id for message in messages if message.device_id}
    sensors = await watch.sensors_by_id(tx, named) if named else {}
    batch.sensors = [*nameless.values(), *sensors.values()]
    for message in messages:
        sensor = sensors.get(message.device_id) if message.device_id else nameless.get(message.unit_id)
        if message.unit_id not in units:
            batch.outcomes.append(NotFound("There is no such unit."))
        elif sensor is None or sensor.unit_id != message.unit_id:
            batch.outcomes.append(NotFound("There is no such sensor in this unit."))
        else:
            _hear(batch, Reading(sensor, message.unit_id, message))
    batch.heard.sort(key=_time)


async def insert_readings(tx: Transaction, batch: Batch) -> None:
    """Keep every temperature. This is the heavy part, and waits for nobody: nothing is locked yet."""
    found = [reading for reading, _ in batch.heard if reading.measured.temperature_celsius is not None]
    inserted = await readings.insert(tx, found, batch.source)
    batch.has_repeats = inserted < len(found)


async def drop_repeats(tx: Transaction, batch: Batch) -> None:
    """Where fewer readings were new than came: take out those that were kept before or come twice in the batch."""
    if not batch.has_repeats:
        return
    found = [reading for reading, _ in batch.heard if reading.measured.temperature_celsius is not None]
    known = await readings.kept_before(tx, found)
    fresh = []
    for reading, outcome in batch.heard:
        if reading.measured.temperature_celsius is not None:
            if reading.key in known:
                outcome.fate = Fate.REPEATED
                continue
            known.add(reading.key)
        fresh.append((reading, outcome))
    batch.heard = fresh


async def judge(tx: Transaction, batch: Batch) -> None:
    """Lock the units, and let each one's state follow from what was heard of it, in the order it happened."""
    batch.units = await watch.locked_units(tx, {sensor.unit_id for sensor in batch.sensors if sensor.unit_id})
    for sensor in batch.sensors:
        sensor.unit = batch.units.get(sensor.unit_id) if sensor.unit_id else None
    doors = []
    for reading, outcome in batch.heard:
        unit = reading.sensor.unit
        if unit is None:  # taken away since it was matched
            continue
        if reading.measured.door_is_open is not None and (moved := _see_door(unit, reading)):
            doors.append(moved)
        if reading.sensor.is_primary and reading.measured.temperature_celsius is not None:
            _judge_reading(batch, unit, reading, outcome)
    await readings.insert_doors(tx, doors)
    await readings.heard(tx, {r.sensor.device_id: r.measured for r, _ in batch.heard if r.sensor.device_id != NO_DEVICE})
    await states.save(tx, batch.units.values())


def _judge_reading(batch: Batch, unit: Watched, reading: Reading, outcome: Outcome) -> None:
    at, celsius = reading.measured.recorded_at, round(reading.measured.temperature_celsius or 0.0, 2)
    if unit.last_reading_at is not None and at <= unit.last_reading_at:
        outcome.fate = Fate.LATE
        return
    unit.last_reading_at, unit.last_celsius = at, celsius
    after = rules.judge(unit.state, unit.rule, celsius, at, door_open_since=unit.door_open_since)
    if after.status is rules.ALARM and unit.state.status is not rules.ALARM:
        batch.alarms.setdefault(unit.unit_id, outcome)
    unit.move(after, at, celsius)


def _see_door(unit: Watched, reading: Reading) -> DoorMoved | None:
    at, is_open = reading.measured.recorded_at, reading.measured.door_is_open
    if unit.door_seen_at is not None and at <= unit.door_seen_at:
        return None
    unit.door_seen_at = at
    if is_open is unit.door_is_open:
        return None
    moved = DoorMoved(reading, unit.door_changed_at)
    unit.door_is_open, unit.door_changed_at = is_open, at
    return moved


async def alerts(tx: Transaction, batch: Batch) -> None:
    """Open and close the alerts that follow."""
    batch.alerts = await states.raise_and_resolve(tx, batch.units.values())
    for alert in batch.alerts:
        if outcome := batch.alarms.get(alert.subject_id):
            outcome.alerts_triggered += 1


async def notify(tx: Transaction, batch: Batch) -> None:
    """Tell those who may know of what was opened."""
    await states.tell_people(tx, batch.alerts)


STEPS: tuple[Step, ...] = (match_devices, insert_readings, drop_repeats, judge, alerts, notify)


def _hear(batch: Batch, reading: Reading) -> None:
    outcome = Outcome(Fate.HEARD if reading.measured.temperature_celsius is None else Fate.STORED, reading)
    batch.outcomes.append(outcome)
    batch.heard.append((reading, outcome))


def _time(heard: Heard) -> datetime:
    return heard[0].measured.recorded_at


def _note(strangers: dict[str, Stranger], message: Measurement, reason: str) -> None:
    said = {
        "device_name": message.device_name, "recorded_at": message.recorded_at.isoformat(),
        "temperature_celsius": message.temperature_celsius, "raw_payload": message.raw_payload,
    }  # fmt: skip
    before = strangers.get(message.device_eui)
    count = before.message_count + 1 if before else 1
    strangers[message.device_eui] = Stranger(message.device_eui, reason, said, count)
