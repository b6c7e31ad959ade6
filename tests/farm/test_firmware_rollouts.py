"""A release goes to a whole farm in stages, and goes no further where a device does not come back."""

from datetime import datetime, timedelta

import pytest

from data.core.errors import Conflict, Forbidden, NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands
from data.farm.commands import firmware
from data.farm.commands.firmware_course import claim_updates, give_up_updates, note_told
from data.farm.commands.firmware_rollouts import (
    advance_rollouts,
    organizations_with_rollouts,
    start_rollout,
    stop_rollout,
)
from data.farm.queries_firmware import rollouts
from data.farm.tables import Device, DeviceType, Dialect, FirmwareRelease, FirmwareRollout, RolloutStatus
from data.farm.values import Health
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import hear, open_alerts, system

MODEL = "Sonoff Basic"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def boards(world: World, farm: FarmWorld, count: int) -> list[Device]:
    """So many relays of one model that are off and there; the first is a fan, which animals depend on."""
    made = []
    async with transaction(world.owner) as tx:
        for n in range(count):
            one = await commands.register_device(tx, farm.farm.id, name=f"Relay {n}", topic=f"relay-{n}", device_type=DeviceType.RELAY)
            await commands.edit_device(tx, one.id, name=one.name, topic=one.topic, model=MODEL, icon=None if n else "air")
            made.append(one)
    await bring_online(world.owner, *made, is_on=False)
    return made


async def begin(world: World, farm: FarmWorld) -> tuple[FirmwareRelease, FirmwareRollout]:
    async with transaction(world.owner) as tx:
        release = await firmware.add_release(tx, model=MODEL, dialect=Dialect.TASMOTA, version="14.3.0", url="https://files.example/a.bin")
        return release, await start_rollout(tx, farm.farm.id, release.id, nightly=False)


async def tell(world: World, *, at: datetime | None = None) -> list[str]:
    """Whoever's turn it is, in the order of their names."""
    at = at or now()
    async with across_tenants("tests") as tx:
        orders = await claim_updates(tx, at=at)
    async with transaction(system(world)) as tx:
        await note_told(tx, [one.update_id for one in orders], [], {}, at=at)
    return sorted(one.topic for one in orders)


async def advance(world: World, at: datetime) -> FirmwareRollout:
    async with across_tenants("tests") as tx:
        whose = await organizations_with_rollouts(tx)
    async with transaction(system(world)) as tx:
        await advance_rollouts(tx, at=at)
    assert set(whose) <= {world.organization_id}
    return await stands(world)


async def stands(world: World) -> FirmwareRollout:
    async with transaction(world.viewer) as tx:
        return (await rollouts(tx))[0].rollout


async def come_back(world: World, devices: list[Device], topics: list[str]) -> None:
    for device in devices:
        if device.topic in topics:
            await hear(world, device, Health(device.topic, now() + 13 * MINUTE, firmware_version="14.3.0(tasmota)"))


async def test_a_tenth_gets_it_then_half_then_all_and_what_animals_depend_on_is_last(world: World, farm: FarmWorld) -> None:
    relays = await boards(world, farm, 4)
    await begin(world, farm)
    for stage, turn in ((1, ["relay-1"]), (2, ["relay-2"]), (3, ["relay-0", "relay-3"])):
        assert await tell(world, at=now() + (0 if stage == 1 else 12) * MINUTE) == turn and (await advance(world, now())).stage == stage
        await come_back(world, relays, turn)
        assert (await advance(world, now() + 9 * MINUTE)).stage == stage and await tell(world, at=now() + 12 * MINUTE) == []
        last = await advance(world, now() + 11 * MINUTE)
    assert last.status is RolloutStatus.DONE
    async with transaction(world.viewer) as tx:
        assert [(one.done, len(one.rollout.boards)) for one in await rollouts(tx)] == [(4, 4)]


async def test_it_stops_by_itself_where_a_device_does_not_come_back(world: World, farm: FarmWorld) -> None:
    relays = await boards(world, farm, 3)
    await begin(world, farm)
    assert await tell(world) == ["relay-1"]
    async with transaction(system(world)) as tx:
        await give_up_updates(tx, at=now() + 11 * MINUTE)
    ended = await advance(world, now() + 11 * MINUTE)
    assert (ended.status, ended.stopped_for) == (RolloutStatus.STOPPED, relays[1].id)
    assert ("firmware_failed", "warning") in await open_alerts(world) and await tell(world) == []


async def test_whom_a_time_went_by_is_asked_again_and_somebody_may_stop_it(world: World, farm: FarmWorld) -> None:
    relays = await boards(world, farm, 2)
    release, rollout = await begin(world, farm)
    await hear(world, relays[1], Health(relays[1].topic, now(), firmware_version="14.2.0"))
    async with transaction(system(world)) as tx:
        await give_up_updates(tx, at=now() + 11 * MINUTE)  # nobody told it
    assert (await advance(world, now())).status is RolloutStatus.RUNNING
    with pytest.raises(Conflict, match="already"):
        async with transaction(world.owner) as tx:
            await start_rollout(tx, farm.farm.id, release.id)
    for who, refusal in ((world.keeper, Forbidden), (world.viewer, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await stop_rollout(tx, rollout.id)
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await start_rollout(tx, farm.farm.id, release.id)
    async with transaction(world.owner) as tx:
        await stop_rollout(tx, rollout.id)
    assert (await stands(world)).status is RolloutStatus.STOPPED and await tell(world) == []
    async with transaction(world.stranger) as tx:
        assert await rollouts(tx) == []
    async with transaction(world.owner) as tx:
        await firmware.remove_release(tx, release.id)
