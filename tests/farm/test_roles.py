"""Who may do what on a farm: the whole table, action by action, with the real commands; and on one farm of several."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import time, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlmodel import col, select

from data.alerts import commands as alerts
from data.alerts.tables import Alert, Severity
from data.audit import queries as audit
from data.audit.queries import Wanted
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, NotFound
from data.core.session import Transaction, across_tenants, transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.commands import farms_kept as kept
from data.farm.commands.presence import OFFLINE_ALERT
from data.farm.commands.troubles import trouble
from data.farm.queries_log import about_farm
from data.farm.rules import Timing
from data.farm.settings import configs_of
from data.farm.tables import CommandType, DeviceType, Schedule, SwitchAction
from data.identity import commands as identity
from data.identity import members
from data.identity.tables import Role, TokenKind, UserRole
from data.platform.billing import account_of
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.people import World, person

WHO = ("owner", "admin", "manager", "keeper", "viewer")
HALF_PAST_FIVE = Timing(start_time=time(5, 30), end_time=time(6))


@dataclass
class Stage:
    """A farm with a schedule that somebody else made and one that is one's own, an open alert, and a colleague to be changed."""

    world: World
    farm: FarmWorld
    theirs: Schedule
    alert: Alert
    cook: Actor
    own: UUID | None = None


Action = Callable[[Transaction, Stage], Awaitable[object]]


def schedule(tx: Transaction, stage: Stage) -> Awaitable[Schedule]:
    return commands.create_schedule(tx, stage.farm.pump.id, name="Own", timing=HALF_PAST_FIVE)


async def rename(tx: Transaction, schedule_id: UUID | None, stage: Stage) -> None:
    assert schedule_id
    await commands.edit_schedule(
        tx, schedule_id, device_id=(await queries.schedule(tx, schedule_id)).device_id, name="Anew", action=SwitchAction.ON, timing=HALF_PAST_FIVE
    )


def farm_of(stage: Stage) -> UUID:
    return stage.farm.farm.id


ACTIONS: dict[str, tuple[str, Action]] = {
    "delete the farm": ("y----", lambda tx, s: commands.remove_farm(tx, farm_of(s))),
    "settings of the farm": ("yyy--", lambda tx, s: commands.edit_farm(tx, farm_of(s), name="Anew", time_zone="Asia/Phnom_Penh")),
    "whether keepers plan": ("yyy--", lambda tx, s: kept.let_keepers_plan(tx, farm_of(s), may=False)),
    "defaults of devices": ("yyy--", lambda tx, s: kept.set_defaults(tx, farm_of(s), {"temp_threshold_high": 34})),
    "see the members": ("yyy--", lambda tx, s: members.members(tx, scope_id=farm_of(s))),
    "invite": ("yyy--", lambda tx, s: members.invite(tx, role=Role.VIEWER, scope_id=farm_of(s))),
    "change a member": ("yy---", lambda tx, s: members.change_role(tx, uid(s.cook), role=Role.VIEWER, scope_id=farm_of(s))),
    "remove a member": ("yy---", lambda tx, s: members.remove(tx, uid(s.cook), scope_id=farm_of(s))),
    "switch": ("yyyy-", lambda tx, s: commands.switch(tx, s.farm.pump.id, on=True)),
    "switch several": ("yyy--", lambda tx, s: commands.command_many(tx, [s.farm.fan.id, s.farm.pump.id], CommandType.ON)),
    "emergency stop": ("yyy--", lambda tx, s: commands.stop_all(tx, farm_of(s))),
    "configure": ("yyy--", lambda tx, s: commands.set_config(tx, s.farm.probe.id, "temp_threshold_high", 34)),
    "how long it may be on": ("yyy--", lambda tx, s: commands.set_guard(tx, s.farm.fan.id, max_on_s=600, startup_state=None)),
    "hang up a device": ("yyy--", lambda tx, s: commands.register_device(tx, farm_of(s), name="Light", topic="light-9", device_type=DeviceType.RELAY)),
    "create a schedule": ("yyyy-", schedule),
    "edit one's own schedule": ("yyyy-", lambda tx, s: rename(tx, s.own, s)),
    "edit another's schedule": ("yyy--", lambda tx, s: rename(tx, s.theirs.id, s)),
    "delete another's schedule": ("yyy--", lambda tx, s: commands.remove_schedule(tx, s.theirs.id)),
    "run a schedule now": ("yyyy-", lambda tx, s: commands.run_now(tx, s.theirs.id)),
    "acknowledge an alert": ("yyyyy", lambda tx, s: alerts.acknowledge(tx, s.alert.id)),
    "put an alert off": ("yyyyy", lambda tx, s: alerts.snooze(tx, s.alert.id, until=now() + timedelta(hours=4))),
    "history": ("yyyyy", lambda tx, s: queries.readings(tx, s.farm.probe.id, "temperature", since=now() - timedelta(days=1), until=now())),
    "commands that were given": ("yyyyy", lambda tx, s: queries.commands_of(tx, s.farm.fan.id)),
    "what happened on the farm": ("yyy--", lambda tx, s: audit.lines(tx, Wanted(), scope_id=farm_of(s), about=about_farm(farm_of(s)))),
}  # fmt: skip
"""Action → who of owner, administrator, manager, keeper and viewer may."""


def uid(actor: Actor) -> UUID:
    assert actor.user_id
    return actor.user_id


class Undo(Exception):
    """Thrown in the end of each try, so that one stage serves them all."""


@pytest.fixture
async def stage(world: World) -> Stage:
    farm = await build_farm(world.owner)
    await bring_online(world.owner, farm.fan, farm.pump, farm.probe, is_on=False)
    async with transaction(world.owner) as tx:
        theirs = await commands.create_schedule(tx, farm.fan.id, name="Morning", timing=HALF_PAST_FIVE)
        alert = await alerts.raise_alert(tx, trouble(farm.fan, OFFLINE_ALERT, Severity.WARNING, "{name} is offline.", name="Fan"), at=now())
        assert alert
    cook = await person(world.organization, "Chan Cook", (Role.KEEPER, farm.farm.id))
    return Stage(world, farm, theirs, alert, cook)


async def team(stage: Stage, scope: UUID | None) -> dict[str, Actor]:
    """One of each, everywhere or for one farm only; the owner is the organization's."""
    made = {"owner": stage.world.owner}
    for word in WHO[1:]:
        held = Role(word) if scope is None else (Role(word), scope)
        made[word] = await person(stage.world.organization, f"{word.title()}{'-here' if scope else ''} Tester", held)
    return made


async def may(who: Actor, action: Action, stage: Stage) -> bool:
    """Whether the command goes through; nothing of it stays."""
    try:
        async with transaction(who) as tx:
            if action is ACTIONS["edit one's own schedule"][1]:
                try:
                    stage.own = (await schedule(tx, stage)).id
                except Forbidden:
                    return False
            await action(tx, stage)
            await tx.flush()
            raise Undo
    except Undo:
        return True
    except (Forbidden, NotFound):
        return False


async def table(stage: Stage, people: dict[str, Actor]) -> dict[str, str]:
    return {name: "".join(["y" if await may(people[who], action, stage) else "-" for who in WHO]) for name, (_, action) in ACTIONS.items()}


async def test_each_may_do_what_the_table_says_everywhere_and_on_one_farm_alike(stage: Stage) -> None:
    wanted = {name: who for name, (who, _) in ACTIONS.items()}
    assert await table(stage, await team(stage, None)) == wanted
    assert await table(stage, await team(stage, stage.farm.farm.id)) == wanted


async def test_who_belongs_to_another_farm_or_another_business_may_do_nothing_here(stage: Stage) -> None:
    other = await build_farm(stage.world.owner, prefix="far")
    elsewhere = await team(stage, other.farm.id) | {"owner": stage.world.stranger}
    found = {name: who for name, who in (await table(stage, elsewhere)).items() if who != "-----"}
    assert found == dict.fromkeys(("see the members", "invite", "what happened on the farm"), "y----"), "these are of the stranger's own business"
    async with transaction(stage.world.stranger) as tx:
        assert [one.user.name for one in await members.members(tx, scope_id=stage.farm.farm.id)] == ["Sam Stranger"]
        assert not any("Fan" in line.title for line in await audit.lines(tx, Wanted(), about=about_farm(stage.farm.farm.id)))


async def test_who_runs_one_farm_does_not_run_the_organization(stage: Stage) -> None:
    here = await team(stage, stage.farm.farm.id)
    for who in (here["admin"], here["manager"]):
        for command in (
            lambda tx: identity.make_token(tx, name="own", kind=TokenKind.API), lambda tx: members.invite(tx, role=Role.VIEWER),
            lambda tx: members.change_role(tx, uid(stage.cook), role=Role.VIEWER), lambda tx: commands.create_farm(tx, name="Another"),
            lambda tx: audit.lines(tx, Wanted()),
        ):  # fmt: skip
            with pytest.raises(Forbidden):
                async with transaction(who) as tx:
                    await command(tx)
        assert not any(who.may(right) for right in ("billing.view", "channels.edit", "organization.edit", "operations.view", "deliveries.dispatch"))
    async with transaction(stage.world.owner) as tx:
        assert await account_of(tx)
    async with transaction(here["manager"]) as tx:
        seen = {one.user.name for one in await members.members(tx)}
    assert "Chan Cook" in seen and "Olga Owner" not in seen


async def test_keepers_plan_until_the_farm_says_otherwise(stage: Stage) -> None:
    keeper = (await team(stage, stage.farm.farm.id))["keeper"]
    assert await may(keeper, schedule, stage)
    async with transaction(stage.world.owner) as tx:
        await kept.let_keepers_plan(tx, stage.farm.farm.id, may=False)
    assert not await may(keeper, schedule, stage) and await may(stage.world.owner, schedule, stage)


async def test_an_administrator_makes_equals_on_one_farm_and_a_manager_does_not(stage: Stage) -> None:
    here, farm_id = await team(stage, stage.farm.farm.id), stage.farm.farm.id
    async with transaction(here["admin"]) as tx:
        assert await members.may_give(tx, farm_id) == {Role.ADMIN, Role.MANAGER, Role.KEEPER, Role.VIEWER}
    async with transaction(here["manager"]) as tx:
        assert await members.may_give(tx, farm_id) == {Role.KEEPER, Role.VIEWER}
    for role in (Role.ADMIN, Role.MANAGER, Role.OWNER):
        with pytest.raises(Forbidden):
            async with transaction(here["manager"]) as tx:
                await members.invite(tx, role=role, scope_id=farm_id)
    with pytest.raises(Conflict, match="whole organization"):
        async with transaction(here["admin"]) as tx:
            await members.remove(tx, uid(stage.world.owner), scope_id=farm_id)


async def test_the_last_owner_cannot_go_and_anybody_else_can(stage: Stage) -> None:
    owner = stage.world.owner
    with pytest.raises(Conflict, match="last owner"):
        async with transaction(owner) as tx:
            await members.remove(tx, uid(owner))
    with pytest.raises(Conflict, match="last owner"):
        async with transaction(owner) as tx:
            await members.change_role(tx, uid(owner), role=Role.MANAGER)
    async with transaction(owner) as tx:
        await members.change_role(tx, uid(stage.world.colleague), role=Role.OWNER)
    async with transaction(owner) as tx:
        await members.remove(tx, uid(owner))
    async with transaction(stage.cook) as tx:
        await members.remove(tx, uid(stage.cook), scope_id=stage.farm.farm.id)
    async with across_tenants("tests") as tx:
        left = (await tx.exec(select(UserRole.user_id).where(col(UserRole.organization_id) == stage.world.organization_id))).all()
    assert uid(owner) not in left and uid(stage.cook) not in left and uid(stage.world.colleague) in left


async def test_a_farm_goes_with_all_that_is_on_it_and_comes_back_as_it_was(stage: Stage, owner_connection: psycopg.Connection) -> None:
    owner, farm_id, fan = stage.world.owner, stage.farm.farm.id, stage.farm.fan
    await bring_online(owner, fan, is_on=True, at=now() + timedelta(seconds=1))
    with pytest.raises(Conflict, match="Fan"):
        async with transaction(owner) as tx:
            await commands.remove_farm(tx, farm_id)
    await bring_online(owner, fan, is_on=False, at=now() + timedelta(seconds=2))
    async with transaction(owner) as tx:
        await commands.remove_device(tx, stage.farm.probe.id)
    async with transaction(owner) as tx:
        await commands.switch(tx, stage.farm.pump.id, on=True)
        await tx.flush()
        await commands.remove_farm(tx, farm_id)
    async with transaction(owner) as tx:
        assert await queries.farms(tx) == [] and await queries.devices(tx) == [] and await queries.schedules(tx) == []
        (gone,) = await kept.removed_farms(tx)
    assert gone.id == farm_id
    asked = owner_connection.execute("select status, next_run_at from farm.device_commands, farm.schedules").fetchall()
    assert asked == [("failed", None)]
    async with transaction(stage.world.stranger) as tx:
        with pytest.raises(NotFound):
            await commands.restore_farm(tx, farm_id)
    async with transaction(owner) as tx:
        await commands.restore_farm(tx, farm_id)
    async with transaction(owner) as tx:
        assert {device.name for device in await queries.devices(tx)} == {"Fan", "Pump"}
        (planned,) = await queries.schedules(tx)
    assert planned.schedule.next_run_at and planned.schedule.next_run_at > now()
    owner_connection.execute("update farm.farms set deleted_at = now() - interval '31 days'")
    async with transaction(owner) as tx:
        assert await kept.removed_farms(tx) == []


async def test_a_device_that_is_hung_up_begins_as_its_farm_says(stage: Stage) -> None:
    farm_id = stage.farm.farm.id
    async with transaction(stage.world.owner) as tx:
        await commands.set_config(tx, stage.farm.probe.id, "temp_threshold_high", 40)
        await kept.set_defaults(tx, farm_id, {"temp_threshold_high": 34, "temp_threshold_low": 20, "offline_alert_s": 600, "wait_offline_s": 60})
    async with transaction(stage.world.owner) as tx:
        probe = await commands.register_device(tx, farm_id, name="New", topic="new-probe", device_type=DeviceType.SENSOR)
        assert await kept.give_defaults_to_all(tx, farm_id) == 3
    async with transaction(stage.world.owner) as tx:
        fresh = {one.parameter_name: one.parameter_value for one in await configs_of(tx, probe.id)}
        old = {one.parameter_name: one.parameter_value for one in await configs_of(tx, stage.farm.probe.id)}
        relay = {one.parameter_name: one.parameter_value for one in await configs_of(tx, stage.farm.fan.id)}
    assert fresh == {"temp_threshold_high": 34, "temp_threshold_low": 20, "offline_alert_s": 600}
    assert old == fresh | {"temp_threshold_high": 40} and relay == {"offline_alert_s": 600, "wait_offline_s": 60}
