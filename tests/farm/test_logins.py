"""What a device signs in with is told once, is its box's alone, and ends when somebody says so."""

from base64 import b64decode
from uuid import UUID

import pytest
from sqlmodel import col, select

from data.core.errors import Conflict, Forbidden, NotFound
from data.core.session import across_tenants, transaction
from data.farm import commands
from data.farm.queries_logins import held, old_signer, signer, signers
from data.farm.rules.logins import mosquitto_hash
from data.farm.tables import BrokerLogin, Device, DeviceType, Dialect
from data.identity.commands import make_token
from data.identity.secrets import token_hash
from data.identity.tables import Role, TokenKind
from pages.farm._login import console
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World, person


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def opens(username: str, password: str) -> bool:
    async with across_tenants("tests") as tx:
        found = await signer(tx, username)
    return found is not None and found.token_hash == token_hash(password)


def test_a_password_is_stretched_as_mosquitto_stretches_it() -> None:
    written = "$7$101$9GvHwksq/TMWQgbD$TPOK5NR2hZc5yDxtCEx8XMMf5dVn91z0qIFDO+r597H0eRxLDD4nczJ0j7jZlDHZ7XmkmlcxuvszDuRXmHahfQ=="
    assert mosquitto_hash("x", b64decode("9GvHwksq/TMWQgbD")) == written  # by `mosquitto_passwd -b FILE fan x`, 2.0.11


async def test_a_new_password_ends_the_old_one_and_keeps_the_name(world: World, farm: FarmWorld) -> None:
    old = farm.secrets[farm.fan.id]
    assert await opens(farm.fan.topic, old)
    async with transaction(world.owner) as tx:
        made = await commands.make_login(tx, farm.fan.id)
    assert made.username == farm.fan.topic
    assert await opens(made.username, made.password)
    assert not await opens(made.username, old)
    async with transaction(world.owner) as tx:
        rows = (await tx.exec(select(BrokerLogin).where(BrokerLogin.device_id == farm.fan.id))).all()
        assert sorted(row.revoked_at is None for row in rows) == [False, True]
        assert all(made.password not in str(row.model_dump()) for row in rows)


async def test_who_may_change_a_device_may_make_its_login_and_nobody_else(world: World, farm: FarmWorld) -> None:
    manager = await person(world.organization, "Mina Manager", (Role.MANAGER, farm.farm.id))
    for who, refusal in ((world.keeper, Forbidden), (world.viewer, Forbidden), (world.colleague, Forbidden), (world.stranger, NotFound)):
        for command in (commands.make_login, commands.revoke_login, held):
            with pytest.raises(refusal):
                async with transaction(who) as tx:
                    await command(tx, farm.fan.id)
    async with transaction(manager) as tx:
        assert (await commands.make_login(tx, farm.fan.id)).username == farm.fan.topic
        found = await held(tx, farm.fan.id)
    assert (found.username, found.made_by, found.has_old_secret) == (farm.fan.topic, "Mina Manager", False)


async def test_a_device_that_is_locked_out_has_nothing_left(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.revoke_login(tx, farm.fan.id)
    assert not await opens(farm.fan.topic, farm.secrets[farm.fan.id])
    with pytest.raises(Conflict):
        async with transaction(world.owner) as tx:
            await commands.revoke_login(tx, farm.fan.id)


async def test_the_secrets_of_former_days_open_until_there_is_a_login_or_the_farm_says_no(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        light = await commands.register_device(tx, farm.farm.id, name="Light", topic="light", device_type=DeviceType.RELAY)
        await make_token(tx, name="Light", kind=TokenKind.DEVICE, network="mqtt", subject_id=light.id)
    assert await has_old_door(light)
    for on in (False, True):
        async with transaction(world.owner) as tx:
            await commands.take_old_secrets(tx, farm.farm.id, on=on)
        assert await has_old_door(light) is on
    with pytest.raises(Forbidden):
        async with transaction(world.keeper) as tx:
            await commands.take_old_secrets(tx, farm.farm.id, on=False)
    async with transaction(world.owner) as tx:
        await commands.make_login(tx, light.id)
    assert not await has_old_door(light)


async def has_old_door(device: Device) -> bool:
    async with across_tenants("tests") as tx:
        return await old_signer(tx, device.id) is not None


async def test_devices_in_one_box_share_a_login_that_outlives_the_one_it_was_made_for(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        fan, light = [
            await commands.register_device(
                tx, farm.farm.id, name=name, topic=f"house-1/switch/{name.lower()}", device_type=DeviceType.RELAY, dialect=Dialect.ESPHOME
            )
            for name in ("Fan", "Light")
        ]
        made = await commands.first_login(tx, fan.id)
        assert await commands.first_login(tx, light.id) is None  # its box goes on speaking
    assert made and await opens("house-1", made.password)
    async with transaction(world.owner) as tx:
        again = await commands.make_login(tx, light.id)
    assert made.username == again.username == "house-1"
    assert not await opens("house-1", made.password)
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, light.id)
    assert await opens("house-1", again.password)
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, fan.id)
    assert not await opens("house-1", again.password)


async def test_a_name_that_another_business_uses_is_not_given_twice(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.edit_device(tx, farm.fan.id, name="Fan", topic="renamed")  # it signs in as before
    theirs = await build_farm(world.stranger, prefix="next-door")
    async with transaction(world.stranger) as tx:
        device = await commands.register_device(tx, theirs.farm.id, name="Fan", topic=farm.fan.topic, device_type=DeviceType.RELAY)
        made = await commands.make_login(tx, device.id)
    assert made.username != farm.fan.topic and made.username.startswith(farm.fan.topic)
    async with across_tenants("tests") as tx:
        found = {one.username: one.topics.writes[0] for one in await signers(tx)}
    assert (found[farm.fan.topic], found[made.username]) == ("stat/renamed/#", f"stat/{farm.fan.topic}/#")
    async with transaction(world.owner) as tx:
        names = (await tx.exec(select(BrokerLogin.username).where(col(BrokerLogin.revoked_at).is_(None)))).all()
    assert made.username not in names


@pytest.mark.parametrize(
    ("dialect", "topic", "is_tls", "wanted"),
    [
        (Dialect.TASMOTA, "fan", False, ("Backlog MqttHost broker.example; MqttPort 1883; MqttUser fan; MqttPassword pw; Topic fan;",)),
        (Dialect.TASMOTA, "fan", True, ("Backlog SetOption103 1; MqttHost",)),
        (Dialect.ESPHOME, "house/switch/fan", False, ("  broker: broker.example\n", "  topic_prefix: house\n")),
        (Dialect.HOME_ASSISTANT, "bridge/0x01", True, ("server: mqtts://broker.example:1883", "base_topic: bridge\n", f"farm/{UUID(int=7)}/homeassistant")),
        (Dialect.STEADING, "board", False, (f"farm/{UUID(int=7)}/devices/board/command",)),
    ],
)  # fmt: skip
def test_what_is_shown_can_be_pasted_into_the_device(dialect: Dialect, topic: str, is_tls: bool, wanted: tuple[str, ...]) -> None:
    made = commands.NewLogin("fan", "pw")
    told = console(dialect, topic, UUID(int=7), made, "broker.example", 1883, is_tls=is_tls)
    assert [one for one in wanted if one not in told] == []
