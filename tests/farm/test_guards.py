"""What is true of a device is shown, what does not fit together too, and nothing is on for longer than it may."""

from datetime import datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from data.core.bus import bus
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.commands.guards import ASKED_AGAIN_AFTER, GRACE, organizations_with_overrun, organizations_with_worse
from data.farm.commands.presence import organizations_with_missing
from data.farm.events import DeviceSettingsWanted, StateWanted
from data.farm.rules import Contradiction, DeviceState, heard, on_for
from data.farm.tables import Commanded, CommandStatus, CommandType, Device, DeviceCommand, DeviceMetric, SwitchAction
from data.farm.values import Health, SensorValue, StateReport
from tests.factories.farm import FarmWorld, bring_online, build_farm, eventually
from tests.factories.people import World
from tests.farm.asking import (
    ago,
    ask,
    claim,
    fate,
    give_up,
    hand_over,
    hear,
    open_alerts,
    presence,
    seen,
    state,
    system,
)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    made = await build_farm(world.owner)
    await bring_online(world.owner, made.fan, made.pump, is_on=False, at=ago(600))
    return made


async def limit(world: World, device: Device, *, max_on_s: int | None = None, startup: SwitchAction | None = None) -> None:
    async with transaction(world.owner) as tx:
        await commands.set_guard(tx, device.id, max_on_s=max_on_s, startup_state=startup)


async def guard(world: World, at: datetime) -> int:
    async with across_tenants("tests") as tx:
        whose = await organizations_with_overrun(tx, at=at)
    async with transaction(system(world)) as tx:
        asked = await commands.end_overrun(tx, at=at)
    assert bool(whose) or not asked
    return len(asked)


async def test_what_is_on_for_too_long_is_switched_off_again_and_again_until_it_is(world: World, farm: FarmWorld) -> None:
    await limit(world, farm.fan, max_on_s=300)
    on_at = ago(60)
    await hear(world, farm.fan, state(farm.fan, True, at=on_at))
    assert await guard(world, on_at + 299 * SECOND) == 0
    at = on_at + 300 * SECOND
    assert await guard(world, at) == 1
    assert await guard(world, at + SECOND) == 0  # it has been asked
    (outgoing,) = await hand_over(at=at)
    command = await fate(world, outgoing.command_id)
    assert (command.source, command.command_type) == (Commanded.GUARD, CommandType.OFF)
    await give_up(world, at + 30 * SECOND)
    assert await guard(world, at + GRACE + SECOND) == 0
    assert ("device_on_too_long", "critical") in await open_alerts(world)
    assert await guard(world, at + 30 * SECOND + ASKED_AGAIN_AFTER) == 1
    await hear(world, farm.fan, state(farm.fan, False))
    assert await guard(world, at + timedelta(days=1)) == 0 and await open_alerts(world) == []


async def test_what_is_away_and_was_on_is_told_of_and_switched_off_when_it_is_back(world: World, farm: FarmWorld) -> None:
    await limit(world, farm.fan, max_on_s=60)
    await hear(world, farm.fan, state(farm.fan, True, at=ago(120)))
    await presence(world, farm.fan, False)
    assert await guard(world, now()) == 1 and await claim() == []
    assert await open_alerts(world) == [("device_on_too_long", "critical")]
    assert await give_up(world, now() + timedelta(days=30)) == []
    await presence(world, farm.fan, True)
    assert [one.command for one in await claim()] == ["off"]


async def test_a_short_break_does_not_give_it_more_time(world: World, farm: FarmWorld) -> None:
    await limit(world, farm.fan, max_on_s=60)
    await hear(world, farm.fan, state(farm.fan, True, at=ago(50)))
    await presence(world, farm.fan, False)
    await hear(world, farm.fan, state(farm.fan, True, at=ago(1)))
    assert await guard(world, now() + 15 * SECOND) == 1


@pytest.mark.parametrize(("max_on_s", "startup", "field"), [(0, None, "max_on_s"), (10**7, None, "max_on_s")])
async def test_a_limit_that_cannot_be_names_its_field(
    world: World, farm: FarmWorld, max_on_s: int | None, startup: SwitchAction | None, field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        await limit(world, farm.fan, max_on_s=max_on_s, startup=startup)
    assert refusal.value.field == field
    with pytest.raises(Invalid):
        await limit(world, farm.probe, startup=SwitchAction.ON)
    for who, kind in ((world.keeper, Forbidden), (world.colleague, Forbidden), (world.viewer, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(kind):
            async with transaction(who) as tx:
                await commands.set_guard(tx, farm.fan.id, max_on_s=5, startup_state=None)


async def test_a_device_is_told_what_it_should_know_by_itself_when_that_changes_and_when_it_is_back(world: World, farm: FarmWorld) -> None:
    told: list[int] = []
    stop = bus.topic(DeviceSettingsWanted, world.organization_id, device_id=farm.fan.id).subscribe(lambda: told.append(1))
    await limit(world, farm.fan, max_on_s=300, startup=SwitchAction.OFF)
    await eventually(lambda: told)
    told.clear()
    await presence(world, farm.fan, False)
    await presence(world, farm.fan, True)
    await eventually(lambda: told)
    stop()
    async with across_tenants("tests") as tx:
        found = await queries.settings_of(tx, farm.fan.id)
    assert found and (found.topic, found.startup, found.max_on_s, found.dialect) == (farm.fan.topic, "off", 300, "tasmota")


@pytest.mark.parametrize(("uptime_s", "asked"), [(5.0, ["off"]), (3600.0, []), (None, [])])
async def test_only_who_had_no_power_is_brought_to_its_start_state(
    world: World, farm: FarmWorld, uptime_s: float | None, asked: list[str]
) -> None:
    await limit(world, farm.fan, startup=SwitchAction.OFF)
    await hear(world, farm.fan, state(farm.fan, True, at=ago(60)))
    await presence(world, farm.fan, False)
    async with transaction(world.owner) as tx:  # the broker noticed a minute ago
        row = await tx.get_one(Device, farm.fan.id)
        row.last_heartbeat_at = ago(60)
        tx.add(row)
    await hear(world, farm.fan, Health(farm.fan.topic, now(), uptime_s=uptime_s))
    assert [one.command for one in await claim()] == asked


async def test_a_wish_of_somebodys_goes_before_the_start_state_and_a_stopped_farm_is_not_started(world: World, farm: FarmWorld) -> None:
    await limit(world, farm.fan, startup=SwitchAction.OFF)
    await limit(world, farm.pump, startup=SwitchAction.ON)
    wish = await ask(world.owner, farm.fan)
    async with transaction(world.owner) as tx:
        await commands.stop_all(tx, farm.farm.id)
    off = [one.command for one in await claim()]
    assert off == ["off", "off"] and (await fate(world, wish)).status is CommandStatus.FAILED
    await hear(world, farm.pump, state(farm.pump, False), Health(farm.pump.topic, now() + MINUTE, uptime_s=1))
    async with transaction(world.owner) as tx:
        assert {c.command_type for c in await tx.exec(select(DeviceCommand).where(DeviceCommand.device_id == farm.pump.id))} == {CommandType.OFF}


async def test_two_words_that_differ_are_shown_until_one_is_borne_out(world: World, farm: FarmWorld) -> None:
    at = ago(20)
    await hear(world, farm.fan, state(farm.fan, True, at=at, source="result"))
    await hear(world, farm.fan, state(farm.fan, False, at=at + SECOND, source="heartbeat"))
    fan = await seen(world, farm.fan)
    assert (fan.is_on, fan.contradicted_by, fan.contradicted_at) == (False, Contradiction.WORDS, at + SECOND)
    await hear(world, farm.fan, state(farm.fan, False, at=at + 2 * SECOND, source="result"))
    assert (await seen(world, farm.fan)).contradicted_by is None


async def test_what_was_asked_in_between_is_no_contradiction(world: World, farm: FarmWorld) -> None:
    await hear(world, farm.fan, state(farm.fan, False, source="heartbeat"))
    await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True, source="result"))
    assert (await seen(world, farm.fan)).contradicted_by is None


async def test_a_hand_at_the_device_is_seen_and_written_down(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    command = await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    await hear(world, farm.fan, state(farm.fan, False))
    assert (await seen(world, farm.fan)).contradicted_by == Contradiction.HAND
    await hear(world, farm.fan, state(farm.fan, True))
    assert (await seen(world, farm.fan)).contradicted_by is None
    lines = owner_connection.execute(
        "select event_data->>'by', event_data->>'command_id', event_data->'old', event_data->'new' from audit.event_logs"
        " where subject_id = %s and event_type like 'farm.device.switched%%' order by sequence",
        [farm.fan.id],
    ).fetchall()
    assert lines[-3:] == [("person", str(command.id), False, True), ("device", None, True, False), ("device", None, False, True)]


async def test_a_device_that_keeps_to_its_longest_time_does_as_it_was_told(world: World, farm: FarmWorld) -> None:
    await limit(world, farm.fan, max_on_s=2)
    await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    await hear(world, farm.fan, state(farm.fan, False, at=now() + 2 * SECOND))
    assert (await seen(world, farm.fan)).contradicted_by is None


async def test_outputs_are_asked_for_their_state_once_a_minute(world: World, farm: FarmWorld) -> None:
    heard_of: list[str] = []
    stop = bus.listen(StateWanted.__name__, str(world.organization_id), lambda one: heard_of.append(one.ids["device_id"]))
    async with across_tenants("tests") as tx:
        assert await commands.want_states(tx, at=now()) == 2
    async with across_tenants("tests") as tx:
        assert await commands.want_states(tx, at=now() + 10 * SECOND) == 0
    await eventually(lambda: set(heard_of) == {str(farm.fan.id), str(farm.pump.id)})
    stop()
    await hear(world, farm.fan, state(farm.fan, True))
    async with across_tenants("tests") as tx:
        assert await commands.want_states(tx, at=now() + 59 * SECOND) == 0
        assert await commands.want_states(tx, at=now() + 61 * SECOND) == 2
        (question,) = await queries.questions_of(tx, farm.fan.id)
    assert (question.topic, question.output, question.dialect) == (farm.fan.topic, 1, "tasmota")


async def test_the_hourly_audit_finds_who_does_not_answer_and_who_is_not_as_asked(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    async with across_tenants("tests") as tx:
        await commands.want_states(tx, at=ago(60))
    await ask(world.owner, farm.fan)
    await hand_over()
    await hear(world, farm.fan, state(farm.fan, True))
    owner_connection.execute("update farm.devices set is_on = false where id = %s", [farm.fan.id])
    async with transaction(system(world)) as tx:
        assert await commands.audit_states(tx, at=now()) == {"checked": 2, Contradiction.HAND: 1, Contradiction.PRESENCE: 1}
    assert (await seen(world, farm.fan)).contradicted_by == Contradiction.HAND
    assert (await seen(world, farm.pump)).contradicted_by == Contradiction.PRESENCE


async def test_who_is_away_for_half_an_hour_is_told_of_once_and_comes_back(world: World, farm: FarmWorld) -> None:
    await presence(world, farm.fan, False)
    await presence(world, farm.pump, False)
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, farm.pump.id, "offline_alert_s", 3600)

    async def tell(at: datetime) -> int:
        async with across_tenants("tests") as tx:
            whose = await organizations_with_missing(tx, at=at)
        async with transaction(system(world)) as tx:
            told = await commands.tell_missing(tx, at=at)
        assert bool(whose) is bool(told)
        return len(told)

    assert await tell(now() + 29 * MINUTE) == 0
    assert await tell(now() + 31 * MINUTE) == 1
    assert await tell(now() + 32 * MINUTE) == 0
    assert await tell(now() + 61 * MINUTE) == 1
    await presence(world, farm.fan, True)
    assert await open_alerts(world) == [("device_offline", "warning")]


async def test_a_fan_that_still_does_not_answer_is_critical(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.edit_device(tx, farm.fan.id, name="Fan", topic=farm.fan.topic, icon="air")
    for device in (farm.fan, farm.pump):
        await ask(world.owner, device)
    await hand_over()
    at = now() + 30 * SECOND
    await give_up(world, at)
    for minutes, severities in ((1, ["warning", "warning"]), (3, ["critical", "warning"])):
        async with across_tenants("tests") as tx:
            assert bool(await organizations_with_worse(tx, at=at + minutes * MINUTE)) is (minutes == 3)
        async with transaction(system(world)) as tx:
            await commands.worsen(tx, at=at + minutes * MINUTE)
        assert sorted(severity for _, severity in await open_alerts(world)) == severities


async def test_batteries_and_firmware_are_told_of_and_over_again(world: World, farm: FarmWorld) -> None:
    await hear(world, farm.probe, Health(farm.probe.topic, now(), battery_percent=12, signal_dbm=-71, firmware_version="1", firmware_available="2"))
    assert sorted(await open_alerts(world)) == [("firmware_available", "info"), ("low_battery", "warning")]
    probe = await seen(world, farm.probe)
    assert (probe.battery_percent, probe.signal_dbm, probe.firmware_version) == (12, -71, "1")
    await hear(world, farm.probe, Health(farm.probe.topic, now(), battery_percent=22, firmware_version="2"))
    assert await open_alerts(world) == [("low_battery", "warning")]  # in between nothing changes
    await hear(world, farm.probe, Health(farm.probe.topic, now(), battery_percent=90))
    assert await open_alerts(world) == []


async def test_a_value_beyond_a_devices_limits_is_told_of_until_it_is_well_inside(world: World, farm: FarmWorld) -> None:
    async with transaction(world.owner) as tx:
        await commands.set_config(tx, farm.probe.id, "temp_threshold_high", 35)

    async def measure(celsius: float, *, at: datetime | None = None) -> list[tuple[str, str]]:
        await hear(world, farm.probe, SensorValue(farm.probe.topic, "temperature", celsius, "°C", at or now()))
        return await open_alerts(world)

    assert await measure(36, at=ago(3600)) == []  # that is over
    assert await measure(34.9) == []
    assert await measure(35.2) == [("temperature_high", "warning")]
    assert await measure(38.5) == [("temperature_high", "critical")]
    assert await measure(34.8) == [("temperature_high", "critical")]
    assert await measure(34.4) == []


async def test_runtime_and_cycles_are_exact_and_written_down_once_an_hour(world: World, farm: FarmWorld) -> None:
    start = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    async with transaction(world.owner) as tx:
        row = await tx.get_one(Device, farm.fan.id)
        row.state_reported_at = row.last_heartbeat_at = start - MINUTE
        tx.add(row)
    for on_at, off_at in ((0, 600.25), (1000, 1600.5), (7000, None)):
        await hear(world, farm.fan, state(farm.fan, True, at=start + on_at * SECOND))
        await hear(world, farm.fan, state(farm.fan, True, at=start + (on_at + 1) * SECOND))
        if off_at:
            await hear(world, farm.fan, state(farm.fan, False, at=start + off_at * SECOND))
    for _ in range(2):  # the process may die and begin again
        async with across_tenants("tests") as tx:
            await commands.keep_metrics(tx, at=start + timedelta(hours=2, minutes=3))
    async with transaction(world.viewer) as tx:
        kept = {m.metric_type: float(m.value) for m in await tx.exec(select(DeviceMetric).where(DeviceMetric.device_id == farm.fan.id))}
    assert kept == {"runtime_hours": round((600.25 + 600.5 + 200) / 3600, 3), "on_cycles": 3, "errors": 0}
    async with transaction(world.stranger) as tx:
        assert (await tx.exec(select(DeviceMetric))).all() == []


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10_000)), min_size=1, max_size=30))
def test_time_on_adds_up_whatever_is_repeated(steps: list[tuple[bool, int]]) -> None:
    at = datetime.fromisoformat("2026-11-20T00:00:00+00:00")
    known, was_on, total = DeviceState(output=1), False, timedelta(0)
    for is_on, gap_s in steps:
        total += timedelta(seconds=gap_s) if was_on else timedelta(0)
        at += timedelta(seconds=gap_s)
        known = heard(known, StateReport("fan", 1, is_on, at))
        was_on = is_on
    assert on_for(known, at) == total
