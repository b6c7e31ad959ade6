"""One device: what is set at it and taken back, what it is asked anew, how it has run, and that it may retire."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from data.alerts import queries as alerts
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.commands import Chosen
from data.farm.queries_device import (
    Wanted,
    any_device,
    commands_page,
    fared,
    like,
    retired,
    seen,
    settings_before,
    settings_now,
)
from data.farm.tables import Commanded, CommandType, DeviceType
from data.farm.values import SensorValue
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import add, ago, ask, hand_over, hear, open_alerts, state
from tests.farm.asking import seen as device_seen


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def put(who: Actor, device_id: UUID, name: str, value: object) -> None:
    async with transaction(who) as tx:
        await commands.set_config(tx, device_id, name, value)


async def undo(who: Actor, device_id: UUID, name: str) -> None:
    async with transaction(who) as tx:
        await commands.undo_config(tx, device_id, name)


async def kept(world: World, device_id: UUID) -> dict[str, object]:
    async with transaction(world.viewer) as tx:
        return {name: one.config.parameter_value for name, one in (await settings_now(tx, device_id)).items()}


async def test_a_setting_is_taken_back_to_what_it_was_and_its_past_stays(world: World, farm: FarmWorld) -> None:
    high = "temp_threshold_high"
    with pytest.raises(Conflict, match="nothing"):
        await undo(world.owner, farm.probe.id, high)
    for celsius in (33, 34, 34, 36):  # the same again is no change
        await put(world.owner, farm.probe.id, high, celsius)
    for who, refusal in ((world.keeper, Forbidden), (world.viewer, Forbidden), (world.colleague, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await undo(who, farm.probe.id, high)
    await undo(world.owner, farm.probe.id, high)
    assert await kept(world, farm.probe.id) == {high: 34}
    await undo(world.owner, farm.probe.id, high)
    assert await kept(world, farm.probe.id) == {high: 36}, "taking back is taken back too"
    await put(world.owner, farm.probe.id, high, None)
    await undo(world.owner, farm.probe.id, high)
    assert await kept(world, farm.probe.id) == {high: 36}
    await put(world.owner, farm.probe.id, high, None)
    await put(world.owner, farm.probe.id, high, 30)
    await undo(world.owner, farm.probe.id, high)
    assert await kept(world, farm.probe.id) == {}, "before the last change there was none"
    async with transaction(world.viewer) as tx:
        past = await settings_before(tx, farm.probe.id)
    assert [one.config.parameter_value for one in past] == [30, 36, 36, 34, 36, 34, 33] and {one.by for one in past} == {world.owner.name}
    with pytest.raises(NotFound):
        async with transaction(world.stranger) as tx:
            await settings_before(tx, farm.probe.id)


async def test_settings_are_set_at_others_of_the_same_kind_all_or_none(world: World, farm: FarmWorld) -> None:
    other, third = await add(world, farm, "Probe2", DeviceType.SENSOR), await add(world, farm, "Probe3", DeviceType.SENSOR)
    async with transaction(world.owner) as tx:
        await commands.set_configs(tx, farm.probe.id, [Chosen("temp_threshold_low", 28), Chosen("temp_threshold_high", 33)])
        await commands.set_config(tx, farm.probe.id, "calibration_temperature", {"offset": -1})

    async def copy(who: Actor, names: list[str], *to: UUID) -> int:
        async with transaction(who) as tx:
            return await commands.copy_configs(tx, farm.probe.id, names, to=to)

    pair = ["temp_threshold_low", "temp_threshold_high"]
    assert await copy(world.owner, pair, other.id, third.id) == 2
    assert await copy(world.owner, pair, other.id, third.id) == 0
    assert await kept(world, other.id) == await kept(world, third.id) == {"temp_threshold_low": 28, "temp_threshold_high": 33}
    for names, to in ((["calibration_temperature"], other.id), (["safe_angle"], other.id), ([], other.id), (pair, farm.fan.id)):
        with pytest.raises(Invalid):
            await copy(world.owner, names, to)
    await put(world.owner, other.id, "temp_threshold_high", None)
    await put(world.owner, other.id, "temp_threshold_low", 34)
    with pytest.raises(Invalid, match="below the upper"):
        await copy(world.owner, ["temp_threshold_high"], third.id, other.id)
    theirs = await build_farm(world.stranger, prefix="next-door")
    with pytest.raises(NotFound):
        await copy(world.owner, pair, theirs.probe.id)
    for who, refusal in ((world.keeper, Forbidden), (world.viewer, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await copy(who, pair, other.id)
    async with transaction(world.keeper) as tx:
        assert {one.name for one, _farm in await like(tx, farm.probe)} == {"Probe2", "Probe3"}


async def test_a_tank_is_seen_empty_and_full_and_what_was_read_is_kept(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    tank, at = await add(world, farm, "Tank", DeviceType.ADC), now()
    await hear(world, tank, SensorValue("tank", "water_level_raw", 700, "", at - timedelta(seconds=9)))
    async with transaction(world.owner) as tx:
        await commands.calibrate_level(tx, tank.id, empty=900, full=300)
        await commands.set_config(tx, tank.id, "water_level_threshold_low", 20)
    await hear(world, tank, SensorValue("tank", "water_level_raw", 810, "", at))
    latest = (await device_seen(world, tank)).latest["water_level"]
    assert (latest["value"], latest["unit"], latest["raw"]) == (15, "%", 810)
    assert await open_alerts(world) == [("water_low", "warning")], "limits know only what is true"
    rows = "select sensor_type, value::float, raw_value::float from farm.sensor_readings where device_id = %s order by recorded_at"
    assert owner_connection.execute(rows, [tank.id]).fetchall() == [("water_level_raw", 700, None), ("water_level", 15, 810)]
    await hear(world, tank, SensorValue("tank", "water_level_raw", 720, "", now()))
    assert await open_alerts(world) == []
    for who, refusal in ((world.keeper, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await commands.calibrate_level(tx, tank.id, empty=1, full=2)


async def test_a_fan_whose_meter_says_that_nothing_flows_is_told_of(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, farm.fan.id, "is_vital", True)
    await bring_online(world.owner, farm.fan, is_on=True, at=ago(120))
    await hear(world, farm.fan, SensorValue(farm.fan.topic, "active_power", 0, "W", now()))
    assert (await device_seen(world, farm.fan)).contradicted_by == "meter"
    assert await open_alerts(world) == [("device_contradicted", "critical")]
    await hear(world, farm.fan, SensorValue(farm.fan.topic, "active_power", 42, "W", now()))
    assert (await device_seen(world, farm.fan)).contradicted_by is None and await open_alerts(world) == []


async def test_who_doubts_a_state_has_the_device_asked(world: World, farm: FarmWorld) -> None:
    async def ask_again(who: Actor, device_id: UUID) -> None:
        async with transaction(who) as tx:
            await commands.ask_again(tx, device_id)

    await ask_again(world.keeper, farm.fan.id)
    assert (await device_seen(world, farm.fan)).asked_state_at
    for who, refusal in ((world.viewer, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await ask_again(who, farm.fan.id)
    with pytest.raises(Conflict, match="by itself"):
        await ask_again(world.owner, farm.probe.id)


async def test_what_was_asked_is_read_page_by_page_by_outcome_and_by_who(world: World, farm: FarmWorld) -> None:
    await bring_online(world.owner, farm.fan, is_on=False)
    await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    await ask(world.keeper, farm.fan, CommandType.OFF)
    waiting = await ask(world.owner, farm.fan)  # replaces the one before

    async def page(who: Actor, wanted: Wanted | None = None, *, offset: int = 0, limit: int = 25) -> tuple[list[str], int]:
        async with transaction(who) as tx:
            found, total = await commands_page(tx, farm.fan.id, wanted, offset=offset, limit=limit)
        return [f"{one.command.command_type.value} {one.command.status.value} {one.person}" for one in found], total

    owner, keeper = world.owner.name, world.keeper.name
    assert await page(world.viewer) == ([f"on queued {owner}", f"off failed {keeper}", f"on completed {owner}"], 3)
    assert await page(world.viewer, offset=1, limit=1) == ([f"off failed {keeper}"], 3)
    assert await page(world.viewer, Wanted("not_done")) == ([f"off failed {keeper}"], 1)
    assert await page(world.viewer, Wanted("done")) == ([f"on completed {owner}"], 1)
    assert await page(world.viewer, Wanted(search=keeper[:4])) == ([f"off failed {keeper}"], 1)
    assert (await page(world.viewer, Wanted(source=Commanded.SCHEDULE)))[1] == 0
    async with transaction(world.viewer) as tx:
        now_seen = await seen(tx, farm.fan.id)
    assert now_seen.open and now_seen.open.command.id == waiting.id and now_seen.done and now_seen.done.command_type is CommandType.ON
    with pytest.raises(NotFound):
        await page(world.stranger)


async def test_hours_on_are_counted_from_the_farms_midnight_and_monday(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    zone = "Asia/Phnom_Penh"
    owner_connection.execute("update farm.devices set on_total_s = 36000, on_cycles = 12, created_at = now() - interval '60 days' where id = %s", [farm.fan.id])
    at = now()
    async with transaction(world.viewer) as tx:
        device = await queries.device(tx, farm.fan.id)
        assert (await fared(tx, device, zone, at=at)).today_s is None, "nobody knows what it was at midnight"
    owner_connection.execute(
        """insert into farm.device_metrics (organization_id, device_id, farm_id, metric_type, recorded_at, value)
        select %(o)s, %(d)s, %(f)s, m.kind, date_trunc(m.since, now(), %(z)s), m.value from (values
            ('runtime_hours', 'day', 7), ('runtime_hours', 'week', 4), ('on_cycles', 'day', 9), ('on_cycles', 'week', 3)) m (kind, since, value)
        on conflict do nothing""",
        {"o": world.organization_id, "d": farm.fan.id, "f": farm.farm.id, "z": zone},
    )
    is_monday = at.astimezone(ZoneInfo(zone)).weekday() == 0
    async with transaction(world.viewer) as tx:
        found = await fared(tx, await queries.device(tx, farm.fan.id), zone, at=at)
    today = (3 * 3600, 3)
    assert (found.today_s, found.cycles_today) == today and (found.total_s, found.cycles) == (36000, 12)
    assert (found.week_s, found.cycles_week) == (today if is_monday else (6 * 3600, 9))


async def test_a_device_retires_with_its_past_and_comes_back(world: World, farm: FarmWorld) -> None:
    await ask(world.owner, farm.fan)
    async with transaction(world.owner) as tx:
        await commands.remove_device(tx, farm.fan.id)
    async with transaction(world.viewer) as tx:
        assert [one.name for one in await retired(tx, farm.farm.id)] == ["Fan"]
        assert (await any_device(tx, farm.fan.id)).deleted_at and (await commands_page(tx, farm.fan.id))[1] == 1
        with pytest.raises(NotFound):
            await queries.device(tx, farm.fan.id)

    async def restore(who: Actor) -> None:
        async with transaction(who) as tx:
            await commands.restore_device(tx, farm.fan.id)

    for who, refusal in ((world.keeper, Forbidden), (world.viewer, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await restore(who)
    theirs = await build_farm(world.stranger, prefix="next-door")
    async with transaction(world.stranger) as tx:
        await commands.register_device(tx, theirs.farm.id, name="Thief", topic=farm.fan.topic, device_type=DeviceType.RELAY)
    with pytest.raises(Invalid) as refused:
        await restore(world.owner)
    assert refused.value.field == "topic"
    async with transaction(world.stranger) as tx:
        thief = next(one for one in await queries.devices(tx) if one.name == "Thief")
        await commands.remove_device(tx, thief.id)
    await restore(world.owner)
    assert not (await device_seen(world, farm.fan)).is_online
    with pytest.raises(Conflict, match="in its place"):
        await restore(world.owner)


async def test_a_device_that_is_out_of_use_is_asked_nothing_and_worries_nobody(world: World, farm: FarmWorld) -> None:
    await bring_online(world.owner, farm.fan, is_on=True, at=ago(120))
    await hear(world, farm.fan, SensorValue(farm.fan.topic, "active_power", 0, "W", now()))
    assert len(await open_alerts(world)) == 1
    wish = await ask(world.keeper, farm.fan, CommandType.OFF)

    async def use(who: Actor, is_active: bool) -> None:
        async with transaction(who) as tx:
            await commands.use_device(tx, farm.fan.id, is_active=is_active)

    for who, refusal in ((world.keeper, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await use(who, False)
    await use(world.owner, False)
    assert await open_alerts(world) == []
    async with transaction(world.owner) as tx:
        (ended, _total) = await commands_page(tx, farm.fan.id)
        assert ended[0].command.id == wish.id and ended[0].command.error_message == "The device is out of use."
        assert await alerts.open_of(tx, [farm.fan.id]) == []
    with pytest.raises(Conflict, match="out of use"):
        await ask(world.keeper, farm.fan)
    await use(world.owner, True)
    await ask(world.keeper, farm.fan)
