"""A sensor speaks: a batch of one organization's messages goes through these steps, each a few statements however many."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from data.alerts.tables import Alert
from data.cold_chain.commands import carriers, pairing, readings, states, voices
from data.cold_chain.commands.readings import DoorMoved, Heard, Reading
from data.cold_chain.frames import Decode, Fault
from data.cold_chain.hearing import Settled, corrected, settle
from data.cold_chain.queries import sensors as sensor_queries
from data.cold_chain.queries import watch
from data.cold_chain.queries.sensors import Sensor, is_broken
from data.cold_chain.queries.watch import Watched
from data.cold_chain.values import NO_DEVICE, Measurement, ReadingSource, UnitMeasurement
from data.core.errors import Conflict, NotFound, Refusal
from data.core.session import Transaction
from data.core.time import now
from data.platform.commands import Stranger, note_unknown_devices

OVER_THE_AIR = frozenset({ReadingSource.TTN, ReadingSource.CHIRPSTACK})
UNKNOWN = "This sensor is not registered here."
UNASSIGNED = "This sensor is not assigned to a unit."
OUT_OF_SERVICE = "This sensor is out of service."


class Fate(StrEnum):
    """What became of a message."""

    STORED = "stored"
    LATE = "late"
    """Stored, and older than what is known already, so that nothing follows from it."""
    REPEATED = "repeated"
    """Was stored before; nothing changed."""
    HEARD = "heard"
    """Says no temperature; the sensor lives."""
    FAULTY = "faulty"
    """The sensor says that it cannot measure, or what cannot be; nothing is stored."""
    UNKNOWN = "unknown"
    """Nobody has registered who sent it; `reason` says more."""


@dataclass(slots=True)
class Outcome:
    """What is answered to the sender of one message."""

    fate: Fate = Fate.UNKNOWN
    reading: Reading | None = None
    alerts_triggered: int = 0
    reason: str = ""


Told = tuple[Reading, Outcome]


@dataclass(frozen=True, slots=True)
class SensorFault:
    """A unit's own sensor cannot measure, since when, and why."""

    device_id: UUID
    fault: Fault
    at: datetime


@dataclass(slots=True)
class Batch:
    """One organization's messages and what has been found out about them; `heard` is in the order of the sensors' time.

    `faults` are units whose own sensor's newest message is a fault, `mended` those whose sensor was broken and measures again.
    """

    messages: Sequence[Measurement] | Sequence[UnitMeasurement]
    source: ReadingSource
    decode: Decode | None = None
    outcomes: list[Outcome | Refusal] = field(default_factory=list)
    heard: list[Told] = field(default_factory=list)
    sensors: Collection[Sensor] = ()
    unassigned: dict[UUID, Heard] = field(default_factory=dict)
    disagreeing: dict[UUID, Reading] = field(default_factory=dict)
    has_repeats: bool = False
    faults: dict[UUID, SensorFault] = field(default_factory=dict)
    mended: dict[UUID, datetime] = field(default_factory=dict)
    units: Mapping[UUID, Watched] = field(default_factory=dict)
    alarms: dict[UUID, Outcome] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()
    heard_at: datetime = field(default_factory=now)


Step = Callable[[Transaction, Batch], Awaitable[None]]


async def store(
    tx: Transaction, messages: Sequence[Measurement], *, source: ReadingSource = ReadingSource.TTN, decode: Decode | None = None
) -> Sequence[Outcome | Refusal]:
    """Keep what sensors told over the air, and do what follows. `decode` reads the sensors' own bytes. An intake's store."""
    return await _run(tx, STEPS, Batch(messages, source, decode))


async def store_of_units(tx: Transaction, messages: Sequence[UnitMeasurement]) -> Sequence[Outcome | Refusal]:
    """Keep what another system tells of our units, and do what follows. An intake's store."""
    return await _run(tx, (match_units, *STEPS[1:]), Batch(messages, ReadingSource.API))


async def _run(tx: Transaction, steps: Iterable[Step], batch: Batch) -> Sequence[Outcome | Refusal]:
    for step in steps:
        await step(tx, batch)
    return batch.outcomes


async def match_devices(tx: Transaction, batch: Batch) -> None:
    """Find the sensor and its unit by EUI, and what the sensor means; note who is a stranger."""
    messages: Sequence[Measurement] = batch.messages  # type: ignore[assignment]
    sensors = await sensor_queries.by_eui(tx, {message.device_eui for message in messages})
    batch.sensors = sensors.values()
    strangers: dict[str, Stranger] = {}
    for message in messages:
        sensor = sensors.get(message.device_eui)
        if sensor is not None and not sensor.is_active:
            batch.outcomes.append(Outcome(reason=OUT_OF_SERVICE))
        elif sensor is None or sensor.unit_id is None:
            reason = UNASSIGNED if sensor else UNKNOWN
            batch.outcomes.append(Outcome(reason=reason))
            _note(strangers, message, reason)
            if sensor:
                batch.unassigned[sensor.device_id] = Heard.of(settle(message, sensor.habits, batch.decode)[-1].measured)
        elif sensor.is_plain and _is_plain(message):
            _hear(batch, Reading(sensor, sensor.unit_id, message))
        else:
            _understand(batch, sensor, sensor.unit_id, settle(message, sensor.habits, batch.decode))
    batch.heard.sort(key=_time)
    await note_unknown_devices(tx, list(strangers.values()), network=batch.source.value, at=now())


def _is_plain(message: Measurement) -> bool:
    """It says a temperature, and nothing that would have to be read by a model's habits."""
    return (
        message.temperature_celsius is not None
        and message.model is None
        and (message.battery_v is None or message.battery_percent is not None)
    )


def _understand(batch: Batch, sensor: Sensor, unit_id: UUID, settled: Sequence[Settled]) -> None:
    """The message last; before it what the sensor had kept, which has no sender waiting for an answer."""
    for one in settled[:-1]:
        earlier = Reading(sensor, unit_id, one.measured, one.raw_celsius)
        if one.measured.temperature_celsius is not None:
            batch.heard.append((earlier, Outcome(Fate.STORED, earlier)))
    reading = Reading(sensor, unit_id, settled[-1].measured, settled[-1].raw_celsius)
    if settled[-1].do_decoders_disagree:
        batch.disagreeing[sensor.device_id] = reading
    _hear(batch, reading)


async def match_units(tx: Transaction, batch: Batch) -> None:
    """Find the unit (and the sensor, where one is named) by its id."""
    messages: Sequence[UnitMeasurement] = batch.messages  # type: ignore[assignment]
    units = await watch.known_units(tx, {message.unit_id for message in messages})
    nameless = {unit_id: Sensor(NO_DEVICE, unit_id, is_primary=True) for unit_id in units}
    named = {message.device_id for message in messages if message.device_id}
    sensors = await sensor_queries.by_id(tx, named) if named else {}
    batch.sensors = [*nameless.values(), *sensors.values()]
    for message in messages:
        sensor = sensors.get(message.device_id) if message.device_id else nameless.get(message.unit_id)
        if message.unit_id not in units:
            batch.outcomes.append(NotFound("There is no such unit."))
        elif sensor is None or sensor.unit_id != message.unit_id:
            batch.outcomes.append(NotFound("There is no such sensor in this unit."))
        elif not sensor.is_active:
            batch.outcomes.append(Conflict(OUT_OF_SERVICE))
        else:
            kept = corrected(message, sensor.habits)
            _hear(batch, Reading(sensor, message.unit_id, kept.measured, kept.raw_celsius))
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
    await _find_voices(tx, batch)
    doors = []
    for reading, outcome in batch.heard:
        unit = reading.sensor.unit
        if unit is None:  # taken away since it was matched
            continue
        if reading.measured.door_is_open is not None and (moved := _see_door(unit, reading)):
            doors.append(moved)
        if reading.measured.fault is not None:
            outcome.fate = Fate.FAULTY
        if reading.sensor.is_primary:
            _see_fault(batch, unit, reading, outcome)
            if reading.measured.temperature_celsius is not None:
                _judge_reading(batch, unit, reading, outcome)
    await readings.insert_doors(tx, doors)
    await states.save(tx, batch.units.values())


async def _find_voices(tx: Transaction, batch: Batch) -> None:
    """Of units that never had a reading of their own, though another of their sensors tells one."""
    asking = {s.device_id: s for s in batch.sensors if not s.is_primary and s.unit is not None and s.unit.last_reading_at is None}
    if not asking:
        return
    told = {reading.sensor.device_id for reading, _ in batch.heard if reading.measured.temperature_celsius is not None}
    found = {sensor.unit_id: sensor for device_id, sensor in asking.items() if sensor.unit_id and device_id in told}
    for unit_id in await voices.take_over(tx, {unit_id: sensor.device_id for unit_id, sensor in found.items()}):
        found[unit_id].is_primary = True


def _judge_reading(batch: Batch, unit: Watched, reading: Reading, outcome: Outcome) -> None:
    at, celsius = reading.measured.recorded_at, round(reading.measured.temperature_celsius or 0.0, 2)
    if unit.last_reading_at is not None and at <= unit.last_reading_at:
        outcome.fate = Fate.LATE
        return
    if unit.read(celsius, at, heard_at=batch.heard_at):
        batch.alarms.setdefault(unit.unit_id, outcome)


def _see_fault(batch: Batch, unit: Watched, reading: Reading, outcome: Outcome) -> None:
    """In the order of time the last word counts; older ones than the unit's newest reading say nothing any more."""
    at, fault = reading.measured.recorded_at, reading.measured.fault
    if unit.last_reading_at is not None and at <= unit.last_reading_at:
        return
    if fault is not None:
        batch.faults[unit.unit_id] = SensorFault(reading.sensor.device_id, fault, at)
        batch.alarms.setdefault(unit.unit_id, outcome)
        batch.mended.pop(unit.unit_id, None)
    elif reading.measured.temperature_celsius is not None:
        was_broken = batch.faults.pop(unit.unit_id, None) is not None
        if was_broken or is_broken(reading.sensor.fault):
            batch.mended[unit.unit_id] = at


def _see_door(unit: Watched, reading: Reading) -> DoorMoved | None:
    before_at, is_open = unit.door_changed_at, bool(reading.measured.door_is_open)
    return DoorMoved(reading, before_at) if unit.see_door(is_open, reading.measured.recorded_at) else None


async def note_machines(tx: Transaction, batch: Batch) -> None:
    """Note when each sensor was heard, what is the matter with it, that it joined, and which gateways heard it."""
    newest, joined = {}, {}
    for reading, _ in batch.heard:
        if reading.sensor.device_id != NO_DEVICE:
            newest[reading.sensor.device_id] = reading
    heard = {
        device_id: Heard.of(reading.measured, batch.disagreeing.get(device_id) is reading) for device_id, reading in newest.items()
    }
    for device_id, one in [*heard.items(), *batch.unassigned.items()]:
        if isinstance(one.measured, Measurement) and one.measured.has_joined:
            joined[device_id] = one.measured.recorded_at
    await readings.heard(tx, heard)
    await readings.heard(tx, batch.unassigned, are_assigned=False)
    await readings.note_joins(tx, joined)
    if batch.source in OVER_THE_AIR:
        await carriers.note_gateways(tx, [m for m in batch.messages if isinstance(m, Measurement) and m.gateways])
    for device_id, reading in batch.disagreeing.items():
        if reading.sensor.fault != Fault.DECODERS_DISAGREE:
            measured = reading.measured
            tx.record(
                "cold_chain.devices.decoders_disagree", "decoders disagree", subject_id=device_id, severity="warning",
                at=measured.recorded_at, network_celsius=measured.temperature_celsius, raw_payload=measured.raw_payload,
            )  # fmt: skip


async def pair(tx: Transaction, batch: Batch) -> None:
    """What is heard completes the pairing that waits for it."""
    await pairing.heard(tx, {reading.sensor.device_id for reading, _ in batch.heard}, now())


async def alerts(tx: Transaction, batch: Batch) -> None:
    """Open and close the alerts that follow."""
    faults = {unit_id: (str(one.fault), one.at) for unit_id, one in batch.faults.items()}
    batch.alerts = await states.raise_and_resolve(tx, batch.units.values(), faults=faults, mended=batch.mended)
    for alert in batch.alerts:
        if outcome := batch.alarms.get(alert.subject_id):
            outcome.alerts_triggered += 1


async def notify(tx: Transaction, batch: Batch) -> None:
    """Tell those who may know of what was opened."""
    await states.tell_people(tx, batch.alerts)


STEPS: tuple[Step, ...] = (match_devices, insert_readings, drop_repeats, judge, note_machines, pair, alerts, notify)


def _hear(batch: Batch, reading: Reading) -> None:
    outcome = Outcome(Fate.HEARD if reading.measured.temperature_celsius is None else Fate.STORED, reading)
    batch.outcomes.append(outcome)
    batch.heard.append((reading, outcome))


def _time(told: Told) -> datetime:
    return told[0].measured.recorded_at


def _note(strangers: dict[str, Stranger], message: Measurement, reason: str) -> None:
    said = {
        "device_name": message.device_name, "recorded_at": message.recorded_at.isoformat(),
        "temperature_celsius": message.temperature_celsius, "raw_payload": message.raw_payload,
    }  # fmt: skip
    before = strangers.get(message.device_eui)
    count = before.message_count + 1 if before else 1
    strangers[message.device_eui] = Stranger(message.device_eui, reason, said, count)
