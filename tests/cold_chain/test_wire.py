"""What sensors say on the wire, in batches that mix everything, and what is kept of it."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlmodel import select

from data.cold_chain.commands import places
from data.cold_chain.frames import Fault
from data.cold_chain.queries import machines, points, units
from data.cold_chain.tables import CalibrationRecord, Device, Gateway, LoraSensor
from data.cold_chain.values import DecodeMode, GatewayHeard, GatewayStatus, Measurement, ReadingSource, UnitMeasurement
from data.core.actor import Actor
from data.core.errors import Conflict
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from data.flows.uplink import Batch, Fate, Outcome
from data.platform.tables import UnknownDevice
from jobs.codecs.sensors import decode
from tests.factories.cold_chain import ColdStore, another_unit, cold_store, measured
from tests.factories.people import World

EM300 = "01755C 0367 38FF 0468 65"
"""−20.0 °C, 50.5 %, battery 92 %."""
DOOR_EUI, SPARE_EUI, BROKEN_EUI = "0004A30B001C0AAA", "0004A30B001C0BBB", "0004A30B001C0CCC"


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def take(world: World, *messages: Measurement) -> list[Outcome]:
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        return [o for o in await uplink.store(tx, messages, decode=decode) if isinstance(o, Outcome)]


async def change(world: World, sensor_id: UUID, **fields: Any) -> None:
    async with transaction(world.owner) as tx:
        sensor = await tx.get_one(Device, sensor_id)
        for name, value in fields.items():
            setattr(sensor, name, value)
        tx.add(sensor)


async def sensor_of(world: World, sensor_id: UUID) -> Device:
    async with transaction(world.owner) as tx:
        return await tx.get_one(Device, sensor_id)


def bytes_of(hexed: str) -> str:
    return base64.b64encode(bytes.fromhex(hexed)).decode()


def ago(**since: float) -> datetime:
    return now() - timedelta(**since)


def kept(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select temperature_celsius::float8, raw_temperature_celsius::float8, humidity_percent::float8, battery_percent"
        " from cold_chain.sensor_readings order by recorded_at"
    ).fetchall()


def calibration(sensor_id: UUID, at: datetime, celsius: str, *, percent: str = "0", **more: Any) -> CalibrationRecord:
    return CalibrationRecord(
        device_id=sensor_id, calibrated_at=at, temperature_offset_celsius=Decimal(celsius),
        humidity_offset_percent=Decimal(percent), **more,
    )  # fmt: skip


async def test_readings_are_corrected_by_the_calibration_in_force_when_they_were_made(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        tx.add(calibration(store.sensor_id, ago(days=30), "1.0"))
        tx.add(calibration(store.sensor_id, ago(days=2), "-0.5", percent="3"))
        tx.add(calibration(store.sensor_id, ago(hours=1), "50", deleted_at=now()))
    said = [measured(-20, ago(**since), humidity_percent=98) for since in ({"days": 60}, {"days": 10}, {"minutes": 1})]
    assert [o.fate for o in await take(world, *said)] == [Fate.STORED] * 3
    assert kept(owner_connection) == [(-20, None, 98, None), (-19, -20, 98, None), (-20.5, -20, 100, None)]
    async with transaction(world.owner) as tx:
        assert (await units.unit(tx, store.unit_id)).last_celsius == -20.5
    unit = UnitMeasurement(store.unit_id, now(), now(), -18.0, store.sensor_id)
    async with transaction(Actor.machine(world.organization_id, "api")) as tx:
        await uplink.store_of_units(tx, [unit])
    assert kept(owner_connection)[-1] == (-18.5, -18, None, None)


async def test_another_organizations_calibration_corrects_nothing_here(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    theirs = await cold_store(world.stranger, name="Theirs")
    async with transaction(world.stranger) as tx:
        tx.add(calibration(theirs.sensor_id, ago(days=1), "5"))
    await take(world, measured(-20, ago(minutes=1)))
    assert kept(owner_connection) == [(-20, None, None, None)]


async def test_a_sensor_known_to_have_no_switch_sets_no_door(world: World, store: ColdStore) -> None:
    await change(world, store.sensor_id, model="D23-LB")
    await take(world, measured(-20, ago(minutes=1), door_is_open=True))
    async with transaction(world.owner) as tx:
        assert (await units.unit(tx, store.unit_id)).door_is_open is None


async def test_a_door_keeps_how_often_and_how_long_its_own_sensor_counted(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await change(world, store.sensor_id, model="lds02")
    at = ago(minutes=30)
    for minute, is_open, count, told_s in [(0, False, 146, 600), (5, True, 147, 600), (7, False, 147, 180)]:
        message = measured(None, at + timedelta(minutes=minute), door_is_open=is_open, door_open_count=count, door_open_s=told_s)
        assert [o.fate for o in await take(world, message)] == [Fate.HEARD]
    doors = owner_connection.execute("select is_open, duration_s, open_count from cold_chain.door_events order by recorded_at")
    assert doors.fetchall() == [(False, 600, 146), (True, 300, 147), (False, 120, 147)]
    async with transaction(world.colleague) as tx:
        assert len(await points.doors(tx, store.unit_id, ago(hours=1), now())) == 3


async def test_volts_are_kept_as_percent_too_and_the_model_the_network_names_is_remembered(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await take(world, measured(-20, ago(minutes=2), battery_v=2.95, model="dragino/lht65n"))
    await take(world, measured(-20, ago(minutes=1), battery_v=2.85, model="em300-th"))
    assert [row[3] for row in kept(owner_connection)] == [80, 50]
    sensor = await sensor_of(world, store.sensor_id)
    assert (sensor.model, sensor.battery_percent, float(sensor.battery_v or 0)) == ("lht65n", 50, 2.85)


async def test_decoders_that_disagree_are_noted_once_until_they_agree_again(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await change(world, store.sensor_id, model="em300-th", decode_mode=DecodeMode.TRUST)
    lines = "select event_data from audit.event_logs where event_type = 'cold_chain.devices.decoders_disagree'"
    raw = bytes_of(EM300)
    for minute in (9, 8):
        await take(world, measured(-2, ago(minutes=minute), raw_payload=raw, port=85))
    sensor = await sensor_of(world, store.sensor_id)
    assert (sensor.fault, sensor.status) == ("decoders_disagree", "active")
    async with transaction(world.owner) as tx:
        assert (await machines.sensor(tx, store.sensor_id)).state == "working", "it measures all the same"
    (line,) = owner_connection.execute(lines).fetchall()
    assert line[0]["network_celsius"] == -2 and line[0]["raw_payload"] == raw
    await take(world, measured(-20, ago(minutes=7), raw_payload=raw, port=85))
    assert (await sensor_of(world, store.sensor_id)).fault is None
    await take(world, measured(-2, ago(minutes=6), raw_payload=raw, port=85))
    assert len(owner_connection.execute(lines).fetchall()) == 2
    assert [row[0] for row in kept(owner_connection)] == [-2, -2, -20, -2], "the network's word is kept"


async def test_our_decoder_wins_where_the_sensor_is_registered_so(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await change(world, store.sensor_id, model="em300-th", decode_mode=DecodeMode.APP)
    await take(world, measured(5, ago(minutes=1), raw_payload=bytes_of(EM300), port=85))
    assert kept(owner_connection) == [(-20, None, 50.5, 92)]


async def test_what_a_sensor_kept_while_nobody_listened_is_stored_late_and_once(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await change(world, store.sensor_id, model="em300-th")
    start = ago(minutes=30).replace(microsecond=0)

    def entry(minute: int, celsius: int) -> str:
        at = int((start + timedelta(minutes=minute)).timestamp()).to_bytes(4, "little").hex()
        return f"20CE{at}{(celsius * 10).to_bytes(2, 'little', signed=True).hex()}5D00"

    frame = measured(None, start + timedelta(minutes=20), raw_payload=bytes_of(entry(0, -19) + entry(10, -18) + EM300), port=85)
    await take(world, measured(-20, start + timedelta(minutes=15)))
    assert [o.fate for o in await take(world, frame)] == [Fate.STORED]
    assert [row[0] for row in kept(owner_connection)] == [-19, -18, -20, -20]
    assert [o.fate for o in await take(world, frame)] == [Fate.REPEATED]
    assert len(kept(owner_connection)) == 4
    async with transaction(world.owner) as tx:
        assert (await units.unit(tx, store.unit_id)).last_reading_at == start + timedelta(minutes=20)


async def registered(world: World, *gateways: str, who: Actor | None = None) -> None:
    async with transaction(who or world.owner) as tx:
        for name in gateways:
            tx.add(Gateway(gateway_id=name, gateway_eui=f"AA0000000000{len(name):04X}", last_seen_at=ago(days=1)))


async def test_our_gateways_are_online_when_they_heard_something_and_strangers_do_not_become_ours(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await registered(world, "roof", "kitchen", "cellar")
    await registered(world, "roof", who=world.stranger)
    at = ago(minutes=1)
    heard = (GatewayHeard("roof", None, -90), GatewayHeard("eui-of-kitchen", f"AA0000000000{len('kitchen'):04X}", -70), GatewayHeard("theirs"))
    await take(world, measured(-20, at, gateways=heard), measured(-20, at, "FFFFFFFFFFFFFFFF", gateways=heard))
    rows = owner_connection.execute(
        "select gateway_id, status::text, signal_dbm, last_seen_at = %s from cold_chain.gateways"
        " where organization_id = %s order by gateway_id", [at, world.organization_id],
    ).fetchall()  # fmt: skip
    assert rows == [("cellar", "unknown", None, False), ("kitchen", "online", -70, True), ("roof", "online", -90, True)]
    async with transaction(world.stranger) as tx:
        assert (await tx.exec(select(Gateway))).one().status is GatewayStatus.UNKNOWN


async def test_a_message_of_old_does_not_make_a_gateway_seen_earlier(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await registered(world, "roof")
    at = ago(minutes=1)
    for received in (at, at - timedelta(hours=1)):
        await take(world, replace(measured(-20, received, gateways=(GatewayHeard("roof"),)), received_at=received))
    assert owner_connection.execute("select last_seen_at from cold_chain.gateways").fetchone() == (at,)


async def judged(world: World, messages: Sequence[Measurement]) -> Batch:
    """The batch after its units were judged, as those who raise alerts see it."""
    batch = Batch(messages, ReadingSource.TTN, decode)
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        for step in uplink.STEPS[: uplink.STEPS.index(uplink.judge) + 1]:
            await step(tx, batch)
        await uplink.note_machines(tx, batch)
    return batch


async def test_whose_own_sensor_is_broken_and_whose_is_mended_is_told_to_those_who_raise_alerts(world: World, store: ColdStore) -> None:
    at = ago(minutes=10)
    broken = measured(None, at + timedelta(minutes=1), fault=Fault.DISCONNECTED)
    batch = await judged(world, [broken, measured(-20, at)])
    fault = batch.faults[store.unit_id]
    assert (fault.device_id, fault.fault, fault.at) == (store.sensor_id, Fault.DISCONNECTED, at + timedelta(minutes=1))
    assert batch.mended == {}
    batch = await judged(world, [measured(-20, at + timedelta(minutes=3))])
    assert batch.faults == {} and batch.mended == {store.unit_id: at + timedelta(minutes=3)}
    batch = await judged(world, [measured(None, at, fault=Fault.FAILED), measured(-20, at + timedelta(minutes=4))])
    assert batch.faults == {} and batch.mended == {}, "an old fault says nothing any more"


async def test_another_sensors_fault_is_not_the_units(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await places.create_sensor(tx, store.unit_id, device_eui=DOOR_EUI)
    batch = await judged(world, [measured(None, ago(minutes=1), DOOR_EUI, fault=Fault.FAILED)])
    assert batch.faults == {}


async def test_a_sensor_of_no_unit_is_noted_as_heard_and_its_sender_is_told_why_nothing_is_stored(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await change(world, store.sensor_id, unit_id=None, is_primary=False)
    at = ago(minutes=1)
    (outcome,) = await take(world, measured(-20, at, battery_v=2.95, model="lht65n"))
    assert (outcome.fate, outcome.reason) == (Fate.UNKNOWN, uplink.UNASSIGNED) and kept(owner_connection) == []
    sensor = await sensor_of(world, store.sensor_id)
    assert (sensor.last_seen_at, sensor.battery_percent, sensor.model) == (at, 80, "lht65n")


async def test_a_sensor_out_of_service_is_not_listened_to(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await change(world, store.sensor_id, is_active=False, is_primary=False)
    (outcome,) = await take(world, measured(-20, ago(minutes=1)))
    assert (outcome.fate, outcome.reason) == (Fate.UNKNOWN, uplink.OUT_OF_SERVICE)
    async with transaction(Actor.machine(world.organization_id, "api")) as tx:
        (refused,) = await uplink.store_of_units(tx, [UnitMeasurement(store.unit_id, now(), now(), -18.0, store.sensor_id)])
        assert isinstance(refused, Conflict)
        assert (await tx.exec(select(UnknownDevice))).all() == []
    assert kept(owner_connection) == [] and (await sensor_of(world, store.sensor_id)).last_seen_at is None


@pytest.mark.parametrize(("model", "celsius"), [("LDS02", -20.0), ("ws301", -20.0), ("em300-mcs", None), (None, None)])
async def test_a_thermometer_takes_over_where_only_a_door_switch_speaks(
    world: World, store: ColdStore, owner_connection: psycopg.Connection, model: str | None, celsius: float | None
) -> None:
    await change(world, store.sensor_id, model=model)
    async with transaction(world.owner) as tx:
        thermometer = await places.create_sensor(tx, store.unit_id, device_eui=DOOR_EUI)
    await take(world, measured(None, ago(minutes=2), door_is_open=True), measured(-20, ago(minutes=1), DOOR_EUI))
    assert (await sensor_of(world, thermometer.id)).is_primary is (celsius is not None)
    assert (await sensor_of(world, store.sensor_id)).is_primary is (celsius is None)
    async with transaction(world.owner) as tx:
        assert (await units.unit(tx, store.unit_id)).last_celsius == celsius
    assert len(kept(owner_connection)) == 1


async def test_a_batch_that_mixes_everything_answers_each_message_for_itself(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    await another_unit(world.owner, store, name="Freezer 2", eui=DOOR_EUI)
    await another_unit(world.owner, store, name="Freezer 3", eui=BROKEN_EUI)
    spare = await another_unit(world.owner, store, name="Spare", eui=SPARE_EUI)
    async with transaction(world.owner) as tx:
        (device,) = await units.sensors(tx, spare)
        device.unit_id, device.is_primary = None, False
        tx.add(device)
        tx.add(LoraSensor(device_id=store.sensor_id))
    at = ago(minutes=10)
    await take(world, measured(-20, at))
    outcomes = await take(
        world,
        measured(-20, at), measured(-19, at - timedelta(minutes=5)), measured(-18, at + timedelta(minutes=1)),
        measured(None, at + timedelta(minutes=2), has_joined=True), measured(None, at, DOOR_EUI, door_is_open=True),
        measured(None, at, BROKEN_EUI, fault=Fault.OUT_OF_RANGE), measured(-20, at, SPARE_EUI), measured(-20, at, "FFFFFFFFFFFFFFFF"),
        measured(-18, at + timedelta(minutes=1)),
    )  # fmt: skip
    assert [o.fate for o in outcomes] == [
        Fate.REPEATED, Fate.LATE, Fate.STORED, Fate.HEARD, Fate.HEARD, Fate.FAULTY, Fate.UNKNOWN, Fate.UNKNOWN, Fate.REPEATED,
    ]  # fmt: skip
    assert [row[0] for row in kept(owner_connection)] == [-19, -20, -18]
