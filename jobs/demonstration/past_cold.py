"""The cold store: its places and sensors, and a month in which eight units were measured every five minutes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import numpy as np

from data.alerts.commands import Trouble, raise_alert, resolve_open
from data.alerts.tables import AlertStatus, Severity
from data.cold_chain import rules
from data.cold_chain.commands import gateways, metrics, places, states
from data.cold_chain.commands import rules as rule_commands
from data.cold_chain.commands.states.saving import link
from data.cold_chain.queries import watch
from data.cold_chain.queries.sensors import by_eui
from data.cold_chain.queries.watch import Watched
from data.core.session import Transaction
from data.identity.tables import Role
from jobs.demonstration.bulk import pour
from jobs.demonstration.cold_rooms import ROOMS, ColdRoom, celsius, humidity, openings, past_faults
from jobs.demonstration.journeys import TUOL_KORK
from jobs.demonstration.people import ZONE, Staff
from jobs.demonstration.sensors import GATEWAYS

EVERY_S = 300
NOTES = (
    "The door was not quite shut. Goods checked, all below 7 °C.", "Moved the trays to the walk-in cooler.",
    "បានពិនិត្យរួច៖ ទ្វារបិទមិនជិត។", "Compressor restarted; watching it.",
)  # fmt: skip


async def make_places(tx: Transaction) -> None:
    """The site, its areas, units, limits and sensors."""
    site = await places.create_site(
        tx, name="Tuol Kork cold store · ឃ្លាំងត្រជាក់ទួលគោក", time_zone=ZONE, address="Street 289 · ផ្លូវ២៨៩", city="Phnom Penh",
        country="KH", latitude=TUOL_KORK.latitude, longitude=TUOL_KORK.longitude,
    )  # fmt: skip
    for place, (name, eui) in enumerate(GATEWAYS):
        await gateways.add_gateway(
            tx, gateway_id=name, gateway_eui=eui, site_id=site.id, latitude=TUOL_KORK.latitude + 0.004 * place,
            longitude=TUOL_KORK.longitude - 0.006 * place,
        )  # fmt: skip
    areas: dict[str, UUID] = {}
    for room in ROOMS:
        if room.area not in areas:
            areas[room.area] = (await places.create_area(tx, site.id, name=room.area)).id
        unit = await places.create_unit(tx, areas[room.area], name=room.name, unit_type=room.unit_type)
        await places.create_sensor(tx, unit.id, device_eui=room.device_eui, name=f"{room.decoder.upper()} {room.device_eui[-4:]}")
        if room.delay_minutes is not None:
            await rule_commands.set_rule(tx, unit_id=unit.id, changes={"delay_minutes": room.delay_minutes})


@dataclass(frozen=True, slots=True)
class Month:
    """One room's readings, `at_s` in seconds since 1970."""

    room: ColdRoom
    unit: Watched
    device_id: UUID
    at_s: Sequence[int]
    celsius: Sequence[float]


async def live_through(tx: Transaction, staff: Staff, *, start: datetime, end: datetime) -> int:
    """Load the readings and door events from `start` to `end` and let the states and alerts follow from them."""
    sensors = await by_eui(tx, [room.device_eui for room in ROOMS])
    units = await watch.locked_units(tx, [sensor.unit_id for sensor in sensors.values() if sensor.unit_id])
    months = [_month(room, sensors[room.device_eui].device_id, units, sensors[room.device_eui].unit_id, start, end) for room in ROOMS]
    columns = ("unit_id", "device_id", "recorded_at", "received_at", "temperature_celsius", "humidity_percent", "battery_percent", "signal_dbm", "source")
    count = await pour(tx, "cold_chain.sensor_readings", columns, (row for month in months for row in _readings(month)))
    await metrics.mark_stretch(tx, start, end)
    doors = ("unit_id", "device_id", "recorded_at", "received_at", "is_open", "duration_s")
    await pour(tx, "cold_chain.door_events", doors, (row for month in months for row in _doors(month)))
    for month in months:
        _judge(month)
    await states.save(tx, [month.unit for month in months])
    await _alerts(tx, staff, [month.unit for month in months])
    return count


def _month(room: ColdRoom, device_id: UUID, units: Mapping[UUID, Watched], unit_id: UUID | None, start: datetime, end: datetime) -> Month:
    assert unit_id, "its sensor has just been put into it"
    offset = room.seed % EVERY_S  # sensors do not speak all at the same second
    at = np.arange(int(start.timestamp()) // EVERY_S * EVERY_S + offset, int(end.timestamp()), EVERY_S)
    warmths = celsius(room, at, past_faults(room, start.timestamp(), end.timestamp()))
    return Month(room, units[unit_id], device_id, at.tolist(), warmths.tolist())


def _readings(month: Month) -> Iterator[tuple[object, ...]]:
    moist = humidity(month.room, month.at_s).tolist() if month.room.humidity_percent is not None else [None] * len(month.at_s)
    chance, battery = Random(month.room.seed), 97 - month.room.seed % 9
    for n, (at_s, warmth) in enumerate(zip(month.at_s, month.celsius, strict=True)):
        at = datetime.fromtimestamp(at_s, UTC)
        signal = -64 - month.room.seed % 37 - int(chance.expovariate(0.25))
        yield month.unit.unit_id, month.device_id, at, at, warmth, moist[n], battery - n // 4000, max(signal, -120), "ttn"


def _doors(month: Month) -> Iterator[tuple[object, ...]]:
    if not month.room.has_door_sensor or not month.at_s:
        return
    closed_s = float(month.at_s[0])
    for opened_s, lasted_s in openings(month.room, month.at_s[0], month.at_s[-1]):
        for at_s, is_open, since_s in ((opened_s, True, closed_s), (opened_s + lasted_s, False, opened_s)):
            at = datetime.fromtimestamp(round(at_s), UTC)
            yield month.unit.unit_id, month.device_id, at, at, is_open, round(at_s - since_s)
        closed_s = opened_s + lasted_s


def _judge(month: Month) -> None:
    unit = month.unit
    for at_s, warmth in zip(month.at_s, month.celsius, strict=True):
        at = datetime.fromtimestamp(at_s, UTC)
        unit.read(warmth, at)
    if month.room.has_door_sensor:
        unit.door_is_open, unit.door_changed_at, unit.door_seen_at = False, unit.last_reading_at, unit.last_reading_at


async def _alerts(tx: Transaction, staff: Staff, units: Sequence[Watched]) -> None:
    """Each alarm of the month as it was raised then, taken by somebody more often than not, and over by itself."""
    chance = Random(20261120)
    for unit in units:
        for move in unit.moves:
            if move.after.status is rules.ALARM and move.before.status is not rules.ALARM:
                alert = await raise_alert(tx, _trouble(unit, move.celsius), at=move.at)
                await link(tx, [alert] if alert else [])
                if alert and chance.random() < 0.7:
                    alert.status, alert.acknowledged_at = AlertStatus.ACKNOWLEDGED, move.at + timedelta(minutes=chance.randint(2, 9))
                    alert.acknowledged_by = staff.acting(Role.STAFF).user_id
                    alert.acknowledgement_note = chance.choice(NOTES)
                    tx.add(alert)
            elif move.before.out_since_at is not None and move.after.out_since_at is None:
                await resolve_open(tx, unit.unit_id, states.EXCURSION, at=move.at, because=states.RECOVERED)


def _trouble(unit: Watched, warmth: float | None) -> Trouble:
    limit = unit.rule.high_celsius
    return Trouble(
        subject_kind="cold_chain.units", subject_id=unit.unit_id, subject_name=unit.name, alert_type=states.EXCURSION,
        severity=Severity.CRITICAL, message=states.TOO_WARM, permission="cold_chain.view",
        values={"unit": unit.name, "now_celsius": warmth, "limit_celsius": limit}, href=f"/cold-chain/units/{unit.unit_id}",
        scope_id=unit.site_id, threshold_value=limit, actual_value=warmth,
    )  # fmt: skip
