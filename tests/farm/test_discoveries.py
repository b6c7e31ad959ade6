"""Devices announce themselves and wait: whoever may takes them in or leaves them alone, and repetitions change nothing."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.farm import commands
from data.farm.announced import Announcement
from data.farm.commands.discoveries import MEASURED, MOST_WAITING, announce, approve, dismiss, want_again
from data.farm.queries_discoveries import Announced, announced, announced_counts
from data.farm.queries_topics import addresses, farm_of
from data.farm.rules.topics import Topics, node_of, topic_for, topics_of
from data.farm.tables import Device, DeviceType, Dialect
from jobs.codecs.home_assistant import announcement
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World

CLIMATE = {"ids": ["0x17"], "name": "Climate", "mf": "Aqara", "mdl": "WSDCGQ11LM"}


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


def switch(name: str, *, box: str = "zigbee2mqtt", device: str = "0x15", part: str = "switch") -> tuple[str, dict[str, Any]]:
    topic = f"{box}/{name}"
    config = {"stat_t": topic, "cmd_t": f"{topic}/{part}/set", "val_tpl": f"{{{{ value_json.{part} }}}}", "dev": {"ids": [device], "name": name}, "name": part}
    return f"homeassistant/switch/{device}/{part}/config", config


def sensor(kind: str, unit: str) -> tuple[str, dict[str, Any]]:
    config = {"stat_t": "zigbee2mqtt/Climate", "val_tpl": f"{{{{ value_json.{kind} }}}}", "dev_cla": kind, "unit_of_meas": unit, "dev": CLIMATE}
    return f"homeassistant/sensor/0x17/{kind}/config", config


def said(farm: FarmWorld, topic: str, config: dict[str, Any] | None) -> Announcement:
    return replace(announcement(topic, b"" if config is None else json.dumps(config).encode()), farm_id=str(farm.farm.id))


async def hear(world: World, farm: FarmWorld, *messages: tuple[str, dict[str, Any] | None]) -> list[str]:
    async with transaction(Actor.machine(world.organization_id, "mqtt")) as tx:
        return [str(one) for one in await announce(tx, [said(farm, *message) for message in messages])]


async def waiting(who: Actor, *, are_dismissed: bool = False) -> list[Announced]:
    async with transaction(who) as tx:
        return list(await announced(tx, are_dismissed=are_dismissed))


async def take_in(who: Actor, farm: FarmWorld, one: Announced, **names: str) -> list[tuple[str, DeviceType, int]]:
    wanted = {part.id: names.get(part.name, "") for part in one.outputs} | {MEASURED: names.get("measured", "")}
    async with transaction(who) as tx:
        made = await approve(tx, one.discovery.id, farm_id=farm.farm.id, location="House 1", names=wanted)
        return [(device.name, device.device_type, device.output) for device in made]


async def test_what_announces_itself_waits_and_becomes_devices_of_ours(world: World, farm: FarmWorld) -> None:
    await hear(world, farm, switch("Strip", part="l1"), switch("Strip", part="l2"), sensor("temperature", "°C"), sensor("humidity", "%"))
    strip, climate = sorted(await waiting(world.owner), key=lambda one: one.discovery.name or "", reverse=True)
    assert ([part.name for part in strip.outputs], strip.measures) == (["l1", "l2"], ())
    assert (climate.outputs, climate.measures, climate.described.model) == ((), ("temperature", "humidity"), "Aqara WSDCGQ11LM")
    async with transaction(world.owner) as tx:
        assert await announced_counts(tx) == {farm.farm.id: 2}
    assert await take_in(world.owner, farm, strip, l1="Fan", l2="Lights") == [("Fan", DeviceType.RELAY, 1), ("Lights", DeviceType.RELAY, 2)]
    assert await take_in(world.owner, farm, climate, measured="Air") == [("Air", DeviceType.SENSOR, 1)]
    assert await waiting(world.owner) == []
    async with across_tenants("tests") as tx:
        known = await addresses(tx)
    assert [(one.output, one.dialect) for one in known.by_topic["zigbee2mqtt/0x15"]] == [(1, "home_assistant"), (2, "home_assistant")]
    assert [(part.kind, part.output) for part in known.described["zigbee2mqtt/0x17"].parts] == [("temperature", 1), ("humidity", 1)]


async def test_repetitions_change_nothing_and_a_new_thing_waits_by_itself(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    await hear(world, farm, switch("Strip", part="l1"))
    kept = "select xmin::text, description from farm.discoveries"
    before = owner_connection.execute(kept).fetchall()
    for _again in range(3):
        await hear(world, farm, switch("Strip", part="l1"), switch("Strip", part="l1"))
    assert owner_connection.execute(kept).fetchall() == before
    [one] = await waiting(world.owner)
    await take_in(world.owner, farm, one, l1="Fan")
    await hear(world, farm, switch("Strip", part="l1"))
    assert await waiting(world.owner) == []
    await hear(world, farm, switch("Strip", part="l2"))
    [more] = await waiting(world.owner)
    assert [part.name for part in more.outputs] == ["l2"]
    assert await take_in(world.owner, farm, more, l2="Lights") == [("Lights", DeviceType.RELAY, 2)]


async def test_an_announcement_that_is_taken_back_goes_unless_it_became_a_device(world: World, farm: FarmWorld) -> None:
    await hear(world, farm, switch("Fan"), sensor("temperature", "°C"))
    await hear(world, farm, (sensor("temperature", "°C")[0], None))
    [fan] = await waiting(world.owner)
    await take_in(world.owner, farm, fan, switch="Fan")
    await hear(world, farm, (switch("Fan")[0], None))
    async with across_tenants("tests") as tx:
        assert [part.output for part in (await addresses(tx)).described["zigbee2mqtt/0x15"].parts] == [1]


async def test_what_was_dismissed_stays_so_until_somebody_wants_it_again(world: World, farm: FarmWorld) -> None:
    await hear(world, farm, switch("Fan"))
    [one] = await waiting(world.owner)
    async with transaction(world.owner) as tx:
        await dismiss(tx, one.discovery.id)
    await hear(world, farm, switch("Fan"))
    assert await waiting(world.owner) == []
    [gone] = await waiting(world.owner, are_dismissed=True)
    async with transaction(world.owner) as tx:
        await want_again(tx, gone.discovery.id)
    assert [again.discovery.id for again in await waiting(world.owner)] == [one.discovery.id]


async def test_a_device_that_was_removed_may_be_taken_in_again(world: World, farm: FarmWorld) -> None:
    await hear(world, farm, switch("Fan"))
    [one] = await waiting(world.owner)
    await take_in(world.owner, farm, one, switch="Fan")
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, (await tx.get_one(type(one.discovery), one.discovery.id)).device_id or UUID(int=0))
    [again] = await waiting(world.owner)
    assert await take_in(world.owner, farm, again, switch="Fan again") == [("Fan again", DeviceType.RELAY, 1)]


async def test_only_who_may_change_a_farms_devices_decides(world: World, farm: FarmWorld) -> None:
    await hear(world, farm, switch("Fan"))
    [one] = await waiting(world.owner)
    for who, refusal in ((world.viewer, Forbidden), (world.keeper, Forbidden), (world.colleague, Forbidden), (world.stranger, NotFound)):
        for act in (dismiss, want_again):
            with pytest.raises(refusal):
                async with transaction(who) as tx:
                    await act(tx, one.discovery.id)
        with pytest.raises((Forbidden, NotFound)):
            await take_in(who, farm, one, switch="Mine")
    assert await waiting(world.stranger) == []
    for who in (world.viewer, world.colleague):
        with pytest.raises(Forbidden):
            await waiting(who)
        async with transaction(who) as tx:
            assert await announced_counts(tx) == {}


async def test_a_device_is_taken_in_by_a_name_and_once(world: World, farm: FarmWorld) -> None:
    await hear(world, farm, switch("Fan"))
    [one] = await waiting(world.owner)
    with pytest.raises(Invalid) as refusal:
        await take_in(world.owner, farm, one)
    assert refusal.value.field == "names"
    await take_in(world.owner, farm, one, switch="Fan")
    with pytest.raises(Conflict):
        await take_in(world.owner, farm, one, switch="Fan")


async def test_who_announces_without_end_is_heard_no_more_and_harms_nobody(world: World, farm: FarmWorld) -> None:
    outcomes = await hear(world, farm, *(switch(f"Fan {n}", device=f"d{n}") for n in range(MOST_WAITING + 2)), switch("Fan 0", device="d0"))
    assert outcomes == ["None"] * MOST_WAITING + ["Too many devices wait on this farm already."] * 2 + ["None"]


async def test_what_esphome_announces_of_devices_hung_up_by_hand_does_not_wait(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        for topic, kind in (("house1", DeviceType.SENSOR), ("house1/switch/pump", DeviceType.RELAY)):
            await commands.register_device(tx, farm.farm.id, name=topic, topic=topic, device_type=kind, dialect=Dialect.ESPHOME)
    device = {"ids": "a0", "name": "house1"}
    await hear(
        world, farm, ("homeassistant/switch/house1/pump/config", {"stat_t": "house1/switch/pump/state", "cmd_t": "house1/switch/pump/command", "dev": device}),
        ("homeassistant/sensor/house1/t/config", {"stat_t": "house1/sensor/t/state", "dev_cla": "temperature", "unit_of_meas": "°C", "dev": device}),
        ("homeassistant/switch/house1/fan/config", {"stat_t": "house1/switch/fan/state", "cmd_t": "house1/switch/fan/command", "dev": device, "name": "fan"}),
    )  # fmt: skip
    [one] = await waiting(world.owner)
    assert ([part.name for part in one.outputs], one.measures) == (["fan"], ())


async def test_an_announcement_is_of_the_farm_that_its_topic_or_its_box_names(world: World, farm: FarmWorld) -> None:
    theirs = await build_farm(world.stranger, prefix="red")
    async with transaction(world.owner) as tx:
        await commands.register_device(tx, farm.farm.id, name="Bridge", topic="zigbee2mqtt", device_type=DeviceType.SENSOR, dialect=Dialect.HOME_ASSISTANT)
    async with across_tenants("tests") as tx:
        known = await addresses(tx)
    message = announcement(switch("Fan")[0], json.dumps(switch("Fan")[1]).encode())
    mine, other = str(farm.farm.id), str(theirs.farm.id)
    found = {farm_id: farm_of(replace(message, farm_id=farm_id), known) for farm_id in ("", mine, other, "nobodys")}
    assert [(farm_id, place and str(place.farm_id)) for farm_id, place in found.items()] == [("", mine), (mine, mine), (other, None), ("nobodys", None)]
    assert farm_of(replace(message, identifier="unknown/0x15"), known) is None
    assert farm_of(replace(message, identifier="unknown/0x15", farm_id=other), known) is not None


async def test_the_outputs_of_a_board_are_devices_and_a_box_is_one_organizations(world: World, farm: FarmWorld) -> None:
    async def register(who: Actor, where: FarmWorld, topic: str, *, output: int = 1, dialect: Dialect = Dialect.TASMOTA) -> Device:
        async with transaction(who) as tx:
            return await commands.register_device(tx, where.farm.id, name="x", topic=topic, device_type=DeviceType.RELAY, output=output, dialect=dialect)

    theirs = await build_farm(world.stranger, prefix="red")
    await register(world.owner, farm, "board", output=1)
    await register(world.owner, farm, "board", output=2)
    await register(world.owner, farm, "house1/switch/pump", dialect=Dialect.ESPHOME)
    for who, where, topic, output, dialect in (
        (world.owner, farm, "board", 2, Dialect.TASMOTA), (world.stranger, theirs, "board", 3, Dialect.TASMOTA),
        (world.stranger, theirs, "house1/switch/fan", 1, Dialect.ESPHOME), (world.stranger, theirs, "house1", 1, Dialect.HOME_ASSISTANT),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refusal:
            await register(who, where, topic, output=output, dialect=dialect)
        assert refusal.value.field == "topic"


@pytest.mark.parametrize(
    ("dialect", "topic", "box"),
    [
        ("tasmota", "fan-1", "fan-1"), ("steading", "fan-1", "fan-1"), ("esphome", "house1", "house1"), ("esphome", "house1/fan/big_one", "house1"),
        ("home_assistant", "zigbee2mqtt", "zigbee2mqtt"), ("home_assistant", "zigbee2mqtt/Fan 1", "zigbee2mqtt"),
    ],
)  # fmt: skip
def test_each_dialect_calls_a_device_in_its_own_way(dialect: str, topic: str, box: str) -> None:
    assert (topic_for(dialect, f" {topic} "), node_of(topic)) == (topic, box)


@pytest.mark.parametrize(
    ("dialect", "topic"),
    [
        ("tasmota", "house1/switch/fan"), ("steading", "a/b"), ("esphome", "house1/fan"), ("esphome", "house1/valve/x"), ("esphome", "house1/fan/#"),
        ("esphome", "stat"), ("esphome", "homeassistant/switch/x"), ("home_assistant", "farm/x"), ("home_assistant", "box/a/b"), ("home_assistant", "box/+"),
        ("home_assistant", "tele"), ("esphome", "tasmotas"), ("home_assistant", "#"),
    ],
)  # fmt: skip
def test_a_topic_that_is_not_one_devices_is_refused(dialect: str, topic: str) -> None:
    with pytest.raises(Invalid) as refusal:
        topic_for(dialect, topic)
    assert refusal.value.field == "topic"


def test_a_device_may_speak_and_listen_for_itself_only() -> None:
    assert topics_of("tasmota", "fan", farm_id="f") == Topics(("stat/fan/#", "tele/fan/#"), ("cmnd/fan/#",))
    own = topics_of("steading", "fan", farm_id="f")
    assert "farm/f/devices/fan/status" in own.writes and own.reads == ("farm/f/devices/fan/command", "farm/f/devices/fan/fw_update")
    assert not any("command" in topic and "response" not in topic for topic in own.writes)
    assert topics_of("esphome", "house1/switch/fan", farm_id="f") == topics_of("esphome", "house1", farm_id="f")
    bridge = topics_of("home_assistant", "zigbee2mqtt/Fan 1", farm_id="f")
    assert bridge.writes[0] == "zigbee2mqtt/#" and "farm/f/homeassistant/+/+/config" in bridge.writes
    assert topics_of("gateway", "fan", farm_id="f") == Topics()
