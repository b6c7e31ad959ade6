"""Sensors as people administer them: who may, what is refused, what the plan holds, and what follows for their units."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from data.cold_chain.commands import sensors
from data.cold_chain.machines import CalibrationState, SensorState, calibration_state, offset
from data.cold_chain.queries import machines, units
from data.cold_chain.tables import Device, LoraSensor
from data.cold_chain.values import DecodeMode
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.flows import uplink
from data.identity.secrets import seal
from data.identity.tables import Organization, Role
from data.platform.commands import note_unknown_device
from data.platform.tables import Subscription
from data.platform.values import Plan, SubscriptionStatus
from tests.factories.cold_chain import EUI, ColdStore, another_unit, cold_store, measured
from tests.factories.people import World, person

SECOND, THIRD = "0004A30B001C0531", "0004A30B001C0532"
AT = now()


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def bought(world: World, plan: Plan, status: SubscriptionStatus = SubscriptionStatus.ACTIVE, **more: object) -> None:
    async with transaction(world.owner) as tx:
        tx.add(Subscription(plan=plan, status=status, **more))


async def listed(who: Actor, **asked: object) -> list[str]:
    async with transaction(who) as tx:
        return [one.name for one in (await machines.sensors(tx, **asked))[0]]  # type: ignore[arg-type]


async def primary_of(who: Actor, unit_id: UUID) -> list[str]:
    async with transaction(who) as tx:
        return [one.device_eui for one in await units.sensors(tx, unit_id) if one.is_primary]


async def add(who: Actor, unit_id: UUID | None, eui: str, **more: object) -> Device:
    async with transaction(who) as tx:
        return await sensors.create(tx, unit_id, device_eui=eui, **more)  # type: ignore[arg-type]


# --- who may -------------------------------------------------------------------------------------------------------


async def test_the_colleague_looks_and_changes_nothing_and_the_stranger_finds_nothing(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await sensors.describe(tx, store.sensor_id, name="Probe")
    assert await listed(world.colleague) == ["Probe"] and await listed(world.stranger) == []
    with pytest.raises(Forbidden):
        await listed(world.driver)
    for who, refusal in ((world.colleague, Forbidden), (world.stranger, NotFound)):
        async with transaction(who) as tx:
            for attempt in (
                sensors.describe(tx, store.sensor_id, name="Mine"),
                sensors.set_keys(tx, store.sensor_id, join_eui=SECOND, app_key="0" * 32),
                sensors.move(tx, store.sensor_id, unit_id=None),
                sensors.make_primary(tx, store.sensor_id),
                sensors.set_active(tx, store.sensor_id, active=False),
                sensors.take_away(tx, store.sensor_id),
                sensors.create(tx, store.unit_id, device_eui=SECOND),
            ):
                with pytest.raises(refusal):
                    await attempt
    async with transaction(world.stranger) as tx:
        with pytest.raises(NotFound):
            await machines.sensor(tx, store.sensor_id)
        assert list(await machines.strangers(tx)) == []


async def test_a_manager_of_one_site_administers_the_sensors_of_that_site_and_none_in_store(world: World, store: ColdStore) -> None:
    other = await cold_store(world.owner, eui=SECOND, name="Harbour")
    spare = await add(world.owner, None, THIRD)
    manager = await person(world.organization, "Mina Manager", (Role.MANAGER, store.site_id))
    assert await listed(manager) == [EUI]
    async with transaction(manager) as tx:
        await sensors.describe(tx, store.sensor_id, name="Ours")
        for attempt in (
            sensors.describe(tx, other.sensor_id, name="Ours"),
            sensors.describe(tx, spare.id, name="Ours"),
            sensors.move(tx, store.sensor_id, unit_id=other.unit_id),
        ):
            with pytest.raises(NotFound):
                await attempt
        for beyond in (sensors.create(tx, None, device_eui="0" * 16), sensors.move(tx, store.sensor_id, unit_id=None)):
            with pytest.raises(Forbidden):
                await beyond
        await note_unknown_device(tx, network="ttn", identifier="F" * 16, reason="?", at=AT)
        assert list(await machines.strangers(tx)) == []


# --- what may be said of one -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "x" * 101}, "name"),
        ({"notes": "x" * 501}, "notes"),
        ({"uplink_interval_s": 59}, "uplink_interval_s"),
        ({"uplink_interval_s": 86_401}, "uplink_interval_s"),
        ({"uplink_interval_s": 90.5}, "uplink_interval_s"),
        ({"is_primary": True}, "is_primary"),
    ],
)
async def test_what_cannot_be_said_of_a_sensor_is_refused(world: World, store: ColdStore, changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await sensors.describe(tx, store.sensor_id, **changes)
    assert refusal.value.field == field


async def test_a_sensor_is_described_and_it_stands_in_the_log(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        await sensors.describe(
            tx, store.sensor_id, name=" Top shelf ", notes="x" * 500, model="lht65n", uplink_interval_s=86_400,
            battery_chemistry="cr17450", decode_mode="app",
        )  # fmt: skip
    async with transaction(world.owner) as tx:
        device = (await machines.sensor(tx, store.sensor_id)).device
    assert (device.name, device.uplink_interval_s, device.decode_mode) == ("Top shelf", 86_400, DecodeMode.APP)
    (data,) = owner_connection.execute("select event_data from audit.event_logs where event_type = 'cold_chain.devices.changed'").fetchone()  # type: ignore[misc]
    assert data["name"] == [None, "Top shelf"] and data["decode_mode"] == ["network", "app"]


async def test_an_application_key_is_sealed_and_only_its_end_is_shown(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        await sensors.set_keys(tx, store.sensor_id, join_eui="70b3d57ed0000010", app_key="00112233445566778899aabbccddeeff")
    async with transaction(world.owner) as tx:
        await sensors.set_keys(tx, store.sensor_id, join_eui="70B3D57ED0000011", lorawan_version="1.0.4")
        lora = await machines.lora(tx, await machines.sensor(tx, store.sensor_id))
    assert lora and lora.app_key_encrypted and (lora.join_eui, lora.app_key_last_four, lora.lorawan_version) == ("70B3D57ED0000011", "EEFF", "1.0.4")
    assert seal().open(lora.app_key_encrypted) == "00112233445566778899AABBCCDDEEFF"
    kept = owner_connection.execute("select string_agg(event_data::text, '') from audit.event_logs").fetchone()
    assert kept and "00112233445566778899" not in kept[0].upper()
    async with transaction(world.colleague) as tx:
        view = await machines.sensor(tx, store.sensor_id)
        with pytest.raises(Forbidden):
            await machines.lora(tx, view)


async def test_a_code_from_a_label_brings_its_join_eui(world: World, store: ColdStore) -> None:
    made = await add(world.owner, store.unit_id, "LW:D0:70B3D57ED0000010:0018B20000000101:000AF8BE")
    async with transaction(world.owner) as tx:
        assert (await tx.exec(LoraSensor.__table__.select().where(LoraSensor.device_id == made.id))).one().join_eui == "70B3D57ED0000010"  # type: ignore[attr-defined, call-overload]
    assert made.device_eui == "0018B20000000101"


async def test_a_sensor_behind_a_hub_is_known_by_its_mac_address(world: World, store: ColdStore) -> None:
    made = await add(world.owner, store.unit_id, "c4-7c-8d-6a-12-34")
    assert (made.device_eui, made.device_type) == ("C4:7C:8D:6A:12:34", "ble")
    with pytest.raises(Conflict):
        await add(world.owner, store.unit_id, "C47C8D6A1234")
    async with transaction(world.owner) as tx:
        with pytest.raises(Conflict):
            await sensors.set_keys(tx, made.id, join_eui=SECOND)


# --- units and the sensors that speak for them -----------------------------------------------------------------------


async def test_who_speaks_for_a_unit_follows_when_sensors_come_and_go(world: World, store: ColdStore) -> None:
    other = await another_unit(world.owner, store, name="Freezer 2", eui=THIRD)
    second = await add(world.owner, store.unit_id, SECOND)
    assert await primary_of(world.owner, store.unit_id) == [EUI]
    async with transaction(world.owner) as tx:
        await sensors.make_primary(tx, second.id)
    assert await primary_of(world.owner, store.unit_id) == [SECOND]
    async with transaction(world.owner) as tx:
        await sensors.move(tx, second.id, unit_id=other)
    assert await primary_of(world.owner, store.unit_id) == [EUI] and await primary_of(world.owner, other) == [THIRD]
    async with transaction(world.owner) as tx:
        await sensors.move(tx, second.id, unit_id=store.unit_id)
        await sensors.set_active(tx, store.sensor_id, active=False)
    assert await primary_of(world.owner, store.unit_id) == [SECOND]
    async with transaction(world.owner) as tx:
        with pytest.raises(Conflict):
            await sensors.make_primary(tx, store.sensor_id)
    async with transaction(world.owner) as tx:
        await sensors.take_away(tx, second.id)
    assert await primary_of(world.owner, store.unit_id) == []
    async with transaction(world.owner) as tx:
        await sensors.bring_back(tx, second.id)
        await sensors.set_active(tx, store.sensor_id, active=True)
    assert await primary_of(world.owner, store.unit_id) == [SECOND]


async def test_a_deleted_sensor_can_be_brought_back_unless_its_number_is_taken(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await sensors.take_away(tx, store.sensor_id)
    async with transaction(world.owner) as tx:
        with pytest.raises(NotFound):
            await machines.sensor(tx, store.sensor_id)
    async with transaction(world.stranger) as tx:
        with pytest.raises(NotFound):
            await sensors.bring_back(tx, store.sensor_id)
    await add(world.owner, store.unit_id, EUI)
    async with transaction(world.owner) as tx:
        with pytest.raises(Conflict):
            await sensors.bring_back(tx, store.sensor_id)


# --- strangers -------------------------------------------------------------------------------------------------------


async def test_a_stranger_is_registered_in_one_step_and_is_no_stranger_then(world: World, store: ColdStore) -> None:
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(-19.5, now(), eui=SECOND)])
    async with transaction(world.owner) as tx:
        await note_unknown_device(tx, network="osmand", identifier="phone", reason="?", at=AT)
        (found,) = await machines.strangers(tx)
        assert found.unknown.identifier == SECOND and found.unknown.last_message["temperature_celsius"] == -19.5  # type: ignore[index]
        await sensors.create(tx, store.unit_id, device_eui=found.unknown.identifier)
        assert list(await machines.strangers(tx)) == []


async def test_a_registered_sensor_that_watches_nothing_is_offered_too(world: World, store: ColdStore) -> None:
    spare = await add(world.owner, None, SECOND)
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(-19.5, now(), eui=SECOND)])
    async with transaction(world.owner) as tx:
        (found,) = await machines.strangers(tx)
        assert found.device_id == spare.id
        await sensors.move(tx, spare.id, unit_id=store.unit_id)
        assert list(await machines.strangers(tx)) == []


# --- the plan --------------------------------------------------------------------------------------------------------


async def test_a_full_plan_takes_no_further_sensor_and_says_who_can_change_that(world: World, store: ColdStore) -> None:
    await bought(world, Plan.STARTER)
    for number in range(4):
        await add(world.owner, store.unit_id, f"0004A30B001C070{number}")
    with pytest.raises(Conflict, match="5 sensors are in use, and your plan holds 5.*an owner"):
        await add(world.owner, store.unit_id, SECOND)
    async with transaction(world.owner) as tx:
        await sensors.set_active(tx, store.sensor_id, active=False)
        await sensors.create(tx, store.unit_id, device_eui=SECOND)
    with pytest.raises(Conflict, match="holds 5"):
        async with transaction(world.owner) as tx:
            await sensors.set_active(tx, store.sensor_id, active=True)
    with pytest.raises(Conflict, match="holds 5"):
        async with transaction(world.owner) as tx:
            (second,) = (await machines.sensors(tx, search=SECOND))[0]
            await sensors.take_away(tx, second.device.id)
            await sensors.create(tx, store.unit_id, device_eui=THIRD)
            await sensors.bring_back(tx, second.device.id)


@pytest.mark.parametrize(("plan", "most"), [(Plan.STARTER, 5), (Plan.PRO, 25), (Plan.HACCP, 100), (Plan.ENTERPRISE, None)])
async def test_each_plan_holds_what_it_says(world: World, store: ColdStore, plan: Plan, most: int | None) -> None:
    await bought(world, plan)
    async with transaction(world.owner) as tx:
        tx.add_all(
            Device(device_eui=f"{number:016X}", unit_id=store.unit_id) for number in range(1, (most or 200))
        )
        await tx.flush()
        if most:
            with pytest.raises(Conflict, match=f"holds {most}"):
                await sensors.make_room(tx)
        else:
            await sensors.make_room(tx)


async def test_what_was_agreed_with_an_organization_goes_before_its_plan(world: World, store: ColdStore) -> None:
    await bought(world, Plan.STARTER)
    async with across_tenants("tests") as tx:
        (await tx.get_one(Organization, world.organization_id)).sensor_limit = 1
    with pytest.raises(Conflict, match="holds 1"):
        await add(world.owner, store.unit_id, SECOND)
    async with across_tenants("tests") as tx:
        (await tx.get_one(Organization, world.organization_id)).sensor_limit = 2
    await add(world.owner, store.unit_id, SECOND)


async def test_an_ended_subscription_takes_nothing_new_and_the_neighbours_sensors_do_not_count(world: World, store: ColdStore) -> None:
    await cold_store(world.stranger)
    async with across_tenants("tests") as tx:
        (await tx.get_one(Organization, world.organization_id)).sensor_limit = 2
    await add(world.owner, store.unit_id, SECOND)
    await bought(world, Plan.ENTERPRISE, SubscriptionStatus.CANCELED)
    with pytest.raises(Conflict, match="subscription has ended"):
        await add(world.owner, store.unit_id, THIRD)


async def test_two_who_take_the_last_place_at_once_do_not_both_get_it(world: World, store: ColdStore) -> None:
    async with across_tenants("tests") as tx:
        (await tx.get_one(Organization, world.organization_id)).sensor_limit = 2
    answers = await asyncio.gather(*(add(world.owner, store.unit_id, eui) for eui in (SECOND, THIRD)), return_exceptions=True)
    assert [isinstance(one, Refusal) for one in answers].count(True) == 1
    async with transaction(world.owner) as tx:
        assert await machines.active_sensors(tx) == 2


# --- how they are ----------------------------------------------------------------------------------------------------


async def test_the_list_says_how_each_is_and_is_narrowed_by_that(world: World, store: ColdStore) -> None:
    made = {
        "silent": {"last_seen_at": AT - timedelta(minutes=16)},
        "slow": {"last_seen_at": AT - timedelta(minutes=16), "uplink_interval_s": 600},
        "broken": {"last_seen_at": AT, "fault": "disconnected"},
        "weak": {"last_seen_at": AT, "signal_dbm": -118, "battery_percent": 12},
        "gone": {"last_seen_at": AT, "is_active": False, "battery_percent": 3},
    }
    async with transaction(world.owner) as tx:
        for number, (name, values) in enumerate(made.items()):
            tx.add(Device(device_eui=f"{number:016X}", name=name, unit_id=store.unit_id, **values))
    for show, names in {
        "silent": ["silent"], "working": ["slow", "weak"], "fault": ["broken"], "waiting": [EUI], "out_of_service": ["gone"],
        "low_battery": ["weak"], "weak_signal": ["weak"], "calibration_due": [],
        "never_calibrated": [EUI, "broken", "silent", "slow", "weak"],
    }.items():  # fmt: skip
        assert await listed(world.owner, show=show, at=AT) == names, show
    assert await listed(world.owner, sort="state", at=AT) == ["broken", "silent", EUI, "slow", "weak", "gone"]
    assert await listed(world.owner, sort="battery", limit=2, at=AT) == ["gone", "weak"]
    assert await listed(world.owner, search="00:04:a3:0b:00:1c:05:30") == [EUI] and await listed(world.owner, search="%") == []
    assert len(await listed(world.owner, search="freezer 1")) == 6 and await listed(world.owner, site_id=uuid4()) == []


async def test_a_sensor_says_what_it_said_last_in_its_unit(world: World, store: ColdStore) -> None:
    at = now() - timedelta(minutes=5)
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(-20, at - timedelta(minutes=5)), measured(-21.5, at, humidity_percent=40)])
    async with transaction(world.viewer) as tx:
        view = await machines.sensor(tx, store.sensor_id)
        (last,) = await machines.last_said(tx, view)
    assert (view.state, last.celsius, last.humidity_percent, last.recorded_at) == (SensorState.WORKING, -21.5, 40, at)


@pytest.mark.parametrize(
    ("calibrated", "expires", "state"),
    [
        (None, None, CalibrationState.NEVER),
        (-30, None, CalibrationState.VALID),
        (-30, 15, CalibrationState.VALID),
        (-30, 14, CalibrationState.DUE),
        (-30, 0, CalibrationState.EXPIRED),
        (-30, -1, CalibrationState.EXPIRED),
    ],
)
def test_how_a_calibration_stands_follows_from_the_clock(calibrated: int | None, expires: int | None, state: CalibrationState) -> None:
    def day(number: int | None) -> object:
        return None if number is None else AT + timedelta(days=number)

    assert calibration_state(day(calibrated), day(expires), AT) is state  # type: ignore[arg-type]


@pytest.mark.parametrize(("reference", "said", "applied", "needed"), [(0, 0.4, 0, -0.4), (0, 0.1, -0.3, -0.4), (-18.04, -17.5, 0, -0.54)])
def test_the_offset_that_is_needed_takes_the_one_that_is_applied_into_account(
    reference: float, said: float, applied: float, needed: float
) -> None:
    assert offset(reference, said, applied) == needed
