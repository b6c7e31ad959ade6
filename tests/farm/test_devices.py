import pytest
from sqlmodel import select

from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from data.core.session import across_tenants, transaction
from data.farm import commands, queries
from data.farm.tables import DeviceConfig, DeviceType, Farm
from data.identity import door
from data.identity.tables import Role, TokenKind
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


async def test_a_new_secret_ends_the_old_one(world: World, farm: FarmWorld) -> None:
    old = farm.secrets[farm.fan.id]
    assert (await door.machine(old, TokenKind.DEVICE, network="mqtt")).subject_id == farm.fan.id
    async with transaction(world.owner) as tx:
        new = await commands.give_token(tx, farm.fan.id)
    assert (await door.machine(new, TokenKind.DEVICE, network="mqtt")).subject_id == farm.fan.id
    with pytest.raises(Unauthenticated):
        await door.machine(old, TokenKind.DEVICE, network="mqtt")


async def test_a_removed_device_may_not_speak_any_more(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, farm.fan.id)
    with pytest.raises(Unauthenticated):
        await door.machine(farm.secrets[farm.fan.id], TokenKind.DEVICE, network="mqtt")
    async with across_tenants("tests") as tx:
        assert farm.fan.topic not in await queries.addresses(tx)


async def test_a_device_keeps_its_settings(world: World, farm: FarmWorld) -> None:
    for value in (35, 36):
        async with transaction(world.owner) as tx:
            await commands.set_config(tx, farm.probe.id, "temp_threshold_high", value, unit="°C")
    async with transaction(world.viewer) as tx:
        assert [c.parameter_value for c in await tx.exec(select(DeviceConfig))] == [36]
        with pytest.raises(Forbidden):
            await commands.set_config(tx, farm.probe.id, "temp_threshold_high", 1)
    async with transaction(world.stranger) as tx:
        assert (await tx.exec(select(DeviceConfig))).all() == []


async def test_a_farm_goes_when_its_devices_have_gone(world: World, farm: FarmWorld) -> None:
    with pytest.raises(Conflict, match="devices"):
        async with transaction(world.owner) as tx:
            await commands.remove_farm(tx, farm.farm.id)
    async with transaction(world.owner) as tx:
        for device in (farm.fan, farm.pump, farm.probe):
            await commands.remove_device(tx, device.id)
        await commands.remove_farm(tx, farm.farm.id)
    async with transaction(world.owner) as tx:
        assert await queries.farms(tx) == []


@pytest.mark.parametrize(
    ("field", "values"),
    [("time_zone", {"time_zone": "Mars/Base"}), ("latitude", {"latitude": 91.0}), ("longitude", {"longitude": -181.0}), ("name", {"name": ""})],
)
async def test_what_cannot_be_a_farm_names_its_field(world: World, field: str, values: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await commands.create_farm(tx, **({"name": "Farm"} | values))  # type: ignore[arg-type]
    assert refusal.value.field == field
