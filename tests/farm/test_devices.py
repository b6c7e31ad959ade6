import asyncio

import psycopg
import pytest

from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.queries_logins import signer
from data.farm.queries_topics import addresses
from data.farm.settings import configs_of
from data.farm.tables import DeviceType, Farm
from data.farm.values import DeviceReport, SensorValue
from data.identity.tables import Role
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World, person


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def register(who: Actor, farm: Farm, *, topic: str = "light", name: str = "Light", output: int = 1, serial: str | None = None) -> None:
    async with transaction(who) as tx:
        await commands.register_device(
            tx, farm.id, name=name, topic=topic, device_type=DeviceType.RELAY, output=output, hardware_id=serial
        )


async def test_owners_make_farms_and_hang_up_devices_and_others_do_not(world: World, farm: FarmWorld) -> None:
    await register(world.owner, farm.farm)
    for nobody in (world.colleague, world.keeper, world.viewer):
        with pytest.raises(Forbidden):
            await register(nobody, farm.farm, topic="other")
    with pytest.raises(NotFound):
        await register(world.stranger, farm.farm, topic="other")
    limited = await person(world.organization, "Mina Manager", (Role.MANAGER, farm.farm.id))
    await register(limited, farm.farm, topic="other")
    with pytest.raises(Forbidden):
        async with transaction(limited) as tx:
            await commands.create_farm(tx, name="Another")


async def test_a_topic_has_one_owner_in_the_whole_installation(world: World, farm: FarmWorld) -> None:
    theirs = await build_farm(world.stranger, prefix="next-door")
    with pytest.raises(Invalid, match="taken") as refusal:
        await register(world.stranger, theirs.farm, topic=farm.fan.topic)
    assert refusal.value.field == "topic"
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, farm.fan.id)
    await register(world.stranger, theirs.farm, topic=farm.fan.topic)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("name", {"name": " "}), ("topic", {"topic": "a/b"}), ("output", {"output": 33}), ("output", {"output": 0})],
)
async def test_what_cannot_be_a_device_names_its_field(world: World, farm: FarmWorld, field: str, wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refusal:
        await register(world.owner, farm.farm, **wrong)  # type: ignore[arg-type]
    assert refusal.value.field == field


async def test_a_serial_number_is_one_devices(world: World, farm: FarmWorld) -> None:
    await register(world.owner, farm.farm, serial="A1")
    with pytest.raises(Invalid) as refusal:
        await register(world.owner, farm.farm, topic="second", serial="A1")
    assert refusal.value.field == "hardware_id"


async def test_a_removed_device_may_not_speak_any_more(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, farm.fan.id)
    async with across_tenants("tests") as tx:
        assert await signer(tx, farm.fan.topic) is None
        assert farm.fan.topic not in (await addresses(tx)).by_topic


async def test_a_farm_has_a_hundred_devices_at_most(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    owner_connection.execute(
        """insert into farm.devices (id, organization_id, farm_id, topic, name, device_type, output, is_active, is_online, latest)
        select gen_random_uuid(), %s, %s, 'relay-' || n, 'Relay', 'relay', 1, true, false, '{}' from generate_series(1, 96) n""",
        [world.organization_id, farm.farm.id],
    )
    both = await asyncio.gather(*(register(world.owner, farm.farm, topic=f"last-{n}") for n in (1, 2)), return_exceptions=True)
    assert sorted(str(one) for one in both) == ["A farm has 100 devices at most.", "None"]


async def test_a_device_keeps_its_settings(world: World, farm: FarmWorld) -> None:
    for value in (35, 36):
        async with transaction(world.owner) as tx:
            await commands.set_config(tx, farm.probe.id, "temp_threshold_high", value, unit="°C")
    async with transaction(world.viewer) as tx:
        assert [(c.parameter_value, c.unit) for c in await configs_of(tx, farm.probe.id)] == [(36, "°C")]
    for who, refusal in ((world.viewer, Forbidden), (world.keeper, Forbidden), (world.colleague, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await commands.set_config(tx, farm.probe.id, "temp_threshold_high", 30)
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await configs_of(tx, farm.probe.id)
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, farm.probe.id, "temp_threshold_high", None)
    async with transaction(world.viewer) as tx:
        assert await configs_of(tx, farm.probe.id) == []


@pytest.mark.parametrize(
    ("name", "value", "more", "field"),
    [
        ("temp_threshold_high", 51, {}, "parameter_value"), ("temp_threshold_high", 19, {}, "parameter_value"),
        ("temp_threshold_high", "35", {}, "parameter_value"), ("temp_threshold_high", True, {}, "parameter_value"),
        ("temp_threshold_high", 35, {"unit": "°F"}, "unit"), ("polling_interval", 4, {}, "parameter_value"),
        ("polling_interval", 30.5, {}, "parameter_value"), ("no_such_thing", 1, {}, "parameter_name"), ("is_vital", 1, {}, "parameter_value"),
        ("set_speed", 50, {}, "parameter_name"), ("calibration_temperature", {"offset": "x"}, {}, "parameter_value"),
        ("calibration_temperature", {"offset": 1, "scale": 0}, {}, "parameter_value"), ("calibration", {"of": 1}, {}, "parameter_value"),
        ("humidity_threshold_high", 101, {}, "parameter_value"), ("temp_threshold_low", 36, {}, "parameter_value"),
    ],
)  # fmt: skip
async def test_what_cannot_be_set_names_its_field(
    world: World, farm: FarmWorld, name: str, value: object, more: dict[str, str], field: str
) -> None:
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, farm.probe.id, "temp_threshold_high", 35)
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await commands.set_config(tx, farm.probe.id, name, value, **more)  # type: ignore[arg-type]
    assert refusal.value.field == field


async def test_several_settings_are_set_together_or_not_at_all(world: World, farm: FarmWorld) -> None:
    pair = [commands.Chosen("temp_threshold_low", 28), commands.Chosen("temp_threshold_high", 33)]
    async with transaction(world.owner) as tx:
        await commands.set_configs(tx, farm.probe.id, pair)
    with pytest.raises(Invalid, match="below the upper"):
        async with transaction(world.owner) as tx:
            await commands.set_configs(tx, farm.probe.id, [commands.Chosen("polling_interval", 60), commands.Chosen("temp_threshold_high", 27)])
    async with transaction(world.owner) as tx:
        assert {c.parameter_name: c.parameter_value for c in await configs_of(tx, farm.probe.id)} == {"temp_threshold_low": 28, "temp_threshold_high": 33}
        await commands.set_configs(tx, farm.probe.id, [commands.Chosen("temp_threshold_high", 24), commands.Chosen("temp_threshold_low", 20)])


async def test_a_probe_is_brought_in_tune_with_a_thermometer_beside_it(world: World, farm: FarmWorld) -> None:
    async def measure(celsius: float) -> float:
        async with transaction(Actor.machine(world.organization_id, "mqtt")) as tx:
            await commands.hear(tx, [DeviceReport(farm.probe.id, SensorValue(farm.probe.topic, "temperature", celsius, "°C", now()))])
        async with transaction(world.viewer) as tx:
            return float((await queries.device(tx, farm.probe.id)).latest["temperature"]["value"])

    async def calibrate(true_celsius: float) -> None:
        async with transaction(world.owner) as tx:
            await commands.calibrate(tx, farm.probe.id, "temperature", true_celsius)

    with pytest.raises(Conflict, match="measured nothing"):
        await calibrate(30)
    assert await measure(31.5) == 31.5
    await calibrate(30)
    assert await measure(31.5) == 30
    await calibrate(30.5)  # a second look: what was set before is taken into account
    assert await measure(31.5) == 30.5
    with pytest.raises(Invalid, match="broken"):
        await calibrate(50)
    async with transaction(world.owner) as tx:
        (config,) = await configs_of(tx, farm.probe.id)
    assert config.is_calibrated and config.parameter_value == {"offset": -1.0, "scale": 1.0}


@pytest.mark.parametrize(
    ("field", "values"),
    [("time_zone", {"time_zone": "Mars/Base"}), ("latitude", {"latitude": 91.0}), ("longitude", {"longitude": -181.0}), ("name", {"name": ""})],
)
async def test_what_cannot_be_a_farm_names_its_field(world: World, field: str, values: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await commands.create_farm(tx, **({"name": "Farm"} | values))  # type: ignore[arg-type]
    assert refusal.value.field == field
