"""Readings are kept as they came, once each, and say when their sensor was last heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from data.cold_chain.queries.watch import Sensor
from data.cold_chain.values import Measurement, ReadingSource, UnitMeasurement
from data.core import columns
from data.core.session import Transaction

Key = tuple[UUID, UUID, datetime]


@dataclass(frozen=True, slots=True)
class Reading:
    """A measurement and who made it."""

    sensor: Sensor
    unit_id: UUID
    measured: Measurement | UnitMeasurement

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

_INSERT = text("""
insert into cold_chain.sensor_readings
  (organization_id, unit_id, device_id, recorded_at, temperature_celsius, humidity_percent, battery_percent, signal_dbm,
   source, received_at, raw_payload)
select :organization_id, v.unit_id, v.device_id, v.recorded_at, v.temperature, v.humidity, v.battery, v.signal,
   cast(:source as cold_chain.reading_source), v.received_at, v.raw
from unnest(:units, :devices, :times, :temperatures, :humidities, :batteries, :signals, :received, :raws) v
  (unit_id, device_id, recorded_at, temperature, humidity, battery, signal, received_at, raw)
order by v.unit_id, v.recorded_at, v.device_id
on conflict do nothing
""")
"""In the order of the key: two writers with the same readings then wait for each other, and never in a circle."""

_SEEN = text("""
update cold_chain.devices d set
  last_seen_at = v.seen_at, status = 'active',
  battery_percent = coalesce(v.battery, d.battery_percent), battery_v = coalesce(v.volts, d.battery_v),
  signal_dbm = coalesce(v.signal, d.signal_dbm)
from unnest(:ids, :times, :batteries, :volts, :signals) v (id, seen_at, battery, volts, signal)
where d.organization_id = :organization_id and d.id = v.id and (d.last_seen_at is null or d.last_seen_at < v.seen_at)
""")

_DOORS = text("""
insert into cold_chain.door_events (organization_id, unit_id, device_id, recorded_at, is_open, duration_s, received_at)
select :organization_id, v.unit_id, v.device_id, v.recorded_at, v.is_open,
  extract(epoch from v.recorded_at - v.before_at)::int, v.received_at
from unnest(:units, :devices, :times, :opens, :befores, :received) v (unit_id, device_id, recorded_at, is_open, before_at, received_at)
on conflict do nothing
""")


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
    result = await tx.execute(_INSERT, _keys(tx, readings) | more)
    return int(result.rowcount)  # type: ignore[attr-defined]


async def kept_before(tx: Transaction, readings: Sequence[Reading]) -> set[Key]:
    """Which of these readings another transaction has kept."""
    if not readings:
        return set()
    times = [reading.measured.recorded_at for reading in readings]
    rows = await tx.execute(_OTHERS, _keys(tx, readings) | {"first": min(times), "last": max(times)})
    return {(unit_id, device_id, at) for unit_id, device_id, at in rows}


async def heard(tx: Transaction, newest: Mapping[UUID, Measurement | UnitMeasurement]) -> None:
    """Note of each sensor when it was last heard, its battery and its signal."""
    if not newest:
        return
    measured = newest.values()
    await tx.execute(
        _SEEN,
        {
            "organization_id": tx.organization_id,
            "ids": columns.ids(newest),
            "times": columns.instants(m.recorded_at for m in measured),
            "batteries": columns.smallints(m.battery_percent for m in measured),
            "volts": columns.doubles(m.battery_v for m in measured),
            "signals": columns.smallints(m.signal_dbm for m in measured),
        },
    )


@dataclass(frozen=True, slots=True)
class DoorMoved:
    """A door was opened or closed, and when it last did the other."""

    reading: Reading
    before_at: datetime | None


async def insert_doors(tx: Transaction, moved: Sequence[DoorMoved]) -> None:
    """Keep that doors were opened or closed, in one statement."""
    if not moved:
        return
    more = {
        "opens": columns.booleans(door.reading.measured.door_is_open for door in moved),
        "befores": columns.instants(door.before_at for door in moved),
        "received": columns.instants(door.reading.measured.received_at for door in moved),
    }
    await tx.execute(_DOORS, _keys(tx, [door.reading for door in moved]) | more)


def _keys(tx: Transaction, readings: Sequence[Reading]) -> dict[str, Any]:
    return {
        "organization_id": tx.organization_id,
        "units": columns.ids([r.unit_id for r in readings]),
        "devices": columns.ids([r.sensor.device_id for r in readings]),
        "times": columns.instants(r.measured.recorded_at for r in readings),
    }
