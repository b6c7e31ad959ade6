"""Readings are kept as they came, once each, and say when their sensor was last heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from data.cold_chain.frames import Fault
from data.cold_chain.models import known
from data.cold_chain.queries.sensors import Sensor
from data.cold_chain.values import Measurement, ReadingSource, UnitMeasurement
from data.core import columns
from data.core.session import Transaction

Key = tuple[UUID, UUID, datetime]


@dataclass(frozen=True, slots=True)
class Reading:
    """A measurement and who made it. `raw_celsius` is what the sensor itself said, where a calibration changed it."""

    sensor: Sensor
    unit_id: UUID
    measured: Measurement | UnitMeasurement
    raw_celsius: float | None = None

    @property
    def key(self) -> Key:
        return self.unit_id, self.sensor.device_id, self.measured.recorded_at


_OTHERS = text("""
select r.unit_id, r.device_id, r.recorded_at from cold_chain.sensor_readings r
join unnest(:units, :devices, :times) k (unit_id, device_id, recorded_at) using (unit_id, device_id, recorded_at)
where r.organization_id = :organization_id and r.recorded_at between :first and :last
  and r.xmin <> pg_current_xact_id()::xid
""")
"""`xmin` is the transaction that wrote a row."""

_COLUMNS = {
    "unit_id": "units", "device_id": "devices", "recorded_at": "times", "temperature_celsius": "temperatures",
    "humidity_percent": "humidities", "battery_percent": "batteries", "signal_dbm": "signals", "received_at": "received",
    "raw_payload": "raws",
}  # fmt: skip


def _insert(told: Mapping[str, str]) -> TextClause:
    names = ", ".join(told)
    return text(f"""
with marked as (
  insert into cold_chain.stale_metrics (organization_id, unit_id, hour)
  select distinct cast(:organization_id as uuid), unit_id, date_trunc('hour', recorded_at)
  from unnest(:units, :times) m (unit_id, recorded_at) order by 2, 3
  on conflict do nothing
)
insert into cold_chain.sensor_readings (organization_id, source, {names})
select :organization_id, cast(:source as cold_chain.reading_source), {names}
from unnest({", ".join(f":{values}" for values in told.values())}) v ({names})
order by unit_id, recorded_at, device_id
on conflict do nothing
""")


_INSERT = _insert(_COLUMNS)
_INSERT_CORRECTED = _insert(_COLUMNS | {"raw_temperature_celsius": "raw_temperatures"})
"""In the order of the key: two writers with the same readings then wait for each other, and never in a circle. Most batches
have no corrected reading, and then a column less to pack, to send and to read. The hours of all are marked as changed in the
same breath (see metrics.py)."""

_SEEN = """
update cold_chain.devices d set
  last_seen_at = v.seen_at,
  status = case when coalesce(v.is_broken, d.status = 'error') then 'error'::cold_chain.device_status else 'active' end,
  fault = case when v.fault is null then d.fault else nullif(v.fault, '') end,
  battery_percent = coalesce(v.battery, d.battery_percent), battery_v = coalesce(v.volts, d.battery_v),
  signal_dbm = coalesce(v.signal, d.signal_dbm), model = coalesce(d.model, v.model)
from unnest(:ids, :times, :batteries, :volts, :signals, :faults, :broken, :models)
  v (id, seen_at, battery, volts, signal, fault, is_broken, model)
where d.organization_id = :organization_id and d.id = v.id and (d.last_seen_at is null or d.last_seen_at < v.seen_at)
"""
"""A fault of null says nothing of it, an empty one that there is none."""

_SEEN_ASSIGNED = text(_SEEN)
_SEEN_UNASSIGNED = text(f"""{_SEEN} and d.id in (
  select o.id from cold_chain.devices o where o.organization_id = :organization_id and o.id = any(:ids)
  order by o.id for no key update skip locked)
""")
"""Sensors of a unit are written while the unit is locked; those without one may be written by two at once, in any order."""

_JOINED = text("""
with mine as materialized (
  select l.id, v.joined_at from cold_chain.lora_sensors l
  join unnest(:devices, :times) v (device_id, joined_at) on v.device_id = l.device_id
  where l.organization_id = :organization_id order by l.id for no key update of l
)
update cold_chain.lora_sensors l set last_join_at = greatest(l.last_join_at, mine.joined_at)
from mine where l.organization_id = :organization_id and l.id = mine.id
""")

_DOORS = text("""
insert into cold_chain.door_events
  (organization_id, unit_id, device_id, recorded_at, is_open, duration_s, open_count, received_at)
select :organization_id, v.unit_id, v.device_id, v.recorded_at, v.is_open,
  coalesce(extract(epoch from v.recorded_at - v.before_at)::int, v.told_s), v.open_count, v.received_at
from unnest(:units, :devices, :times, :opens, :befores, :told, :counts, :received) v
  (unit_id, device_id, recorded_at, is_open, before_at, told_s, open_count, received_at)
on conflict do nothing
""")
"""A sensor counts how long a door was open in whole minutes, if at all: what we saw ourselves is finer."""


async def insert(tx: Transaction, readings: Sequence[Reading], source: ReadingSource) -> int:
    """Keep readings in one statement, and how many were new. What was kept before stays as it is."""
    if not readings:
        return 0
    measured = [reading.measured for reading in readings]
    more = {
        "source": source.value,
        "temperatures": columns.doubles(m.temperature_celsius for m in measured),
        "humidities": columns.doubles(m.humidity_percent for m in measured),
        "batteries": columns.smallints(m.battery_percent for m in measured),
        "signals": columns.smallints(m.signal_dbm for m in measured),
        "received": columns.instants(m.received_at for m in measured),
        "raws": columns.texts(m.raw_payload for m in measured),
    }
    statement = _INSERT
    if any(reading.raw_celsius is not None for reading in readings):
        statement = _INSERT_CORRECTED
        more["raw_temperatures"] = columns.doubles(reading.raw_celsius for reading in readings)
    result = await tx.execute(statement, _keys(tx, readings) | more)
    return int(result.rowcount)  # type: ignore[attr-defined]


async def kept_before(tx: Transaction, readings: Sequence[Reading]) -> set[Key]:
    """Which of these readings another transaction has kept."""
    if not readings:
        return set()
    times = [reading.measured.recorded_at for reading in readings]
    rows = await tx.execute(_OTHERS, _keys(tx, readings) | {"first": min(times), "last": max(times)})
    return {(unit_id, device_id, at) for unit_id, device_id, at in rows}


@dataclass(frozen=True, slots=True)
class Heard:
    """A sensor's newest message; `fault` as it is noted: None says nothing of it, an empty one that it is well."""

    measured: Measurement | UnitMeasurement
    fault: str | None
    model: str | None = None

    @classmethod
    def of(cls, measured: Measurement | UnitMeasurement, do_decoders_disagree: bool = False) -> "Heard":
        model = known(measured.model) if isinstance(measured, Measurement) else None
        fault: str | None = measured.fault
        if do_decoders_disagree:
            fault = Fault.DECODERS_DISAGREE
        elif fault is None and measured.temperature_celsius is not None:
            fault = ""
        return cls(measured, fault, model.key if model else None)


async def heard(tx: Transaction, newest: Mapping[UUID, Heard], *, are_assigned: bool = True) -> None:
    """Note of each sensor when it was last heard, its battery and signal, what is the matter with it, and its model if unknown."""
    if not newest:
        return
    each = newest.values()
    await tx.execute(
        _SEEN_ASSIGNED if are_assigned else _SEEN_UNASSIGNED,
        {
            "organization_id": tx.organization_id,
            "ids": columns.ids(newest),
            "times": columns.instants(one.measured.recorded_at for one in each),
            "batteries": columns.smallints(one.measured.battery_percent for one in each),
            "volts": columns.doubles(one.measured.battery_v for one in each),
            "signals": columns.smallints(one.measured.signal_dbm for one in each),
            "faults": columns.texts(one.fault for one in each),
            "broken": columns.booleans(_is_broken(one.measured) for one in each),
            "models": columns.texts(one.model for one in each),
        },
    )


def _is_broken(measured: Measurement | UnitMeasurement) -> bool | None:
    """None where it says neither."""
    return True if measured.fault else None if measured.temperature_celsius is None else False


async def note_joins(tx: Transaction, joined_at: Mapping[UUID, datetime]) -> None:
    """Remember when these sensors last joined their network."""
    if not joined_at:
        return
    values = {
        "organization_id": tx.organization_id,
        "devices": columns.ids(joined_at),
        "times": columns.instants(joined_at.values()),
    }
    await tx.execute(_JOINED, values)


@dataclass(frozen=True, slots=True)
class DoorMoved:
    """A door was opened or closed, and when it last did the other."""

    reading: Reading
    before_at: datetime | None


async def insert_doors(tx: Transaction, moved: Sequence[DoorMoved]) -> None:
    """Keep that doors were opened or closed, in one statement."""
    if not moved:
        return
    measured = [door.reading.measured for door in moved]
    more = {
        "opens": columns.booleans(m.door_is_open for m in measured),
        "befores": columns.instants(door.before_at for door in moved),
        "told": columns.integers(None if m.door_is_open else m.door_open_s for m in measured),
        "counts": columns.integers(m.door_open_count for m in measured),
        "received": columns.instants(m.received_at for m in measured),
    }
    await tx.execute(_DOORS, _keys(tx, [door.reading for door in moved]) | more)


def _keys(tx: Transaction, readings: Sequence[Reading]) -> dict[str, Any]:
    return {
        "organization_id": tx.organization_id,
        "units": columns.ids([r.unit_id for r in readings]),
        "devices": columns.ids([r.sensor.device_id for r in readings]),
        "times": columns.instants(r.measured.recorded_at for r in readings),
    }
