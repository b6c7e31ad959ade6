"""Cold stores of many units, what their sensors said, and the same as plain rows for PostgreSQL itself."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from data.cold_chain.commands import places
from data.cold_chain.values import Measurement, ReadingSource, UnitType
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from tests.codecs.payloads import payload
from tests.factories.cold_chain import cold_store

COLUMNS = (
    "organization_id", "unit_id", "device_id", "recorded_at", "temperature_celsius", "humidity_percent", "battery_percent",
    "signal_dbm", "source", "received_at", "raw_payload",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sensors:
    """Freezers with one sensor each: (unit, device, EUI)."""

    organization_id: UUID
    each: Sequence[tuple[UUID, UUID, str]]


async def sensors(owner: Actor, count: int) -> Sensors:
    """One site with that many freezers."""
    store = await cold_store(owner)
    made = [(store.unit_id, store.sensor_id, store.eui)]
    async with transaction(owner) as tx:
        for number in range(1, count):
            unit = await places.create_unit(tx, store.area_id, name=f"Freezer {number + 1}", unit_type=UnitType.FREEZER)
            eui = f"{0xA84041000000 + number:016X}"
            made.append((unit.id, (await places.create_sensor(tx, unit.id, device_eui=eui)).id, eui))
    return Sensors(store.organization_id, made)


def measurements(these: Sensors, count: int, *, seed: int = 1) -> list[Measurement]:
    """A reading a minute of each sensor up to now, in the order in which they would have come in; all within limits."""
    random, at = Random(seed), now().replace(microsecond=0)
    rounds = -(-count // len(these.each))
    made = [
        Measurement(
            eui, moment := at - timedelta(minutes=minute, seconds=-number % 60), moment + timedelta(milliseconds=300),
            temperature_celsius=round(random.uniform(-22.5, -18.5), 2), humidity_percent=round(random.uniform(40, 60), 1),
            battery_percent=87.0, signal_dbm=random.randint(-110, -60), counter=rounds - minute, raw_payload="AWcA8AJoUwMCAXQ=",
        )
        for minute in range(rounds, 0, -1)
        for number, (_unit, _device, eui) in enumerate(these.each)
    ]  # fmt: skip
    return made[:count]


def rows(these: Sensors, said: Sequence[Measurement]) -> list[tuple[object, ...]]:
    """What `said` leaves in cold_chain.sensor_readings, in the order of COLUMNS."""
    known = {eui: (unit_id, device_id) for unit_id, device_id, eui in these.each}
    return [
        (
            these.organization_id, *known[m.device_eui], m.recorded_at, m.temperature_celsius, m.humidity_percent,
            None if m.battery_percent is None else round(m.battery_percent), m.signal_dbm, ReadingSource.TTN.value,
            m.received_at, m.raw_payload,
        )
        for m in said
    ]  # fmt: skip


def uplink(eui: str, at: datetime, celsius: float, *, humidity: float = 50, signal: int = -80, counter: int = 1) -> bytes:
    """As The Things Stack posts it, as long as a real one."""
    message: dict[str, Any] = json.loads(payload("things_stack_uplink.json"))
    message["end_device_ids"]["dev_eui"], message["received_at"] = eui, at.isoformat()
    told = message["uplink_message"]
    told["received_at"], told["f_cnt"] = at.isoformat(), counter
    told["decoded_payload"] = {"temperature": celsius, "humidity": humidity}
    told["rx_metadata"][0]["rssi"] = signal
    del told["normalized_payload"]
    return json.dumps(message).encode()
