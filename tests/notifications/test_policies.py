from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from data.alerts.tables import Severity
from data.core.errors import Forbidden, Invalid
from data.core.session import transaction
from data.identity.permissions import PERMISSIONS
from data.identity.tables import Role
from data.notifications.commands import policies
from data.notifications.policy import BUILT_IN, Origin, Said, Settled, Step, settle
from data.notifications.preview import foretell
from data.notifications.queries import calling
from data.notifications.recipients import Callee, Member, by_channel, first_calls, in_charge, step_calls
from data.notifications.tables import Policy
from data.notifications.turns import Act
from tests.factories.alerts import SITE, UNIT, contact, minutes_pass, policy, raised, sent, shift, system, trouble
from tests.factories.people import World, person

KIND = "temp_excursion"


def said(*, subject: bool = False, scope: bool = False, kind: bool = False, severity: str | None = None, **values: Any) -> Said:
    return Said(uuid4(), UNIT if subject else None, SITE if scope else None, KIND if kind else None, severity, values)


@pytest.mark.parametrize(
    ("policies", "minutes", "origin"),
    [
        ([], 60, Origin.BUILT_IN),
        ([said(reminder_minutes=10)], 10, Origin.ORGANIZATION),
        ([said(reminder_minutes=10), said(scope=True, reminder_minutes=20)], 20, Origin.SCOPE),
        ([said(subject=True, reminder_minutes=30), said(scope=True, kind=True, reminder_minutes=20)], 30, Origin.THING),
        ([said(kind=True, reminder_minutes=15), said(reminder_minutes=10)], 15, Origin.ORGANIZATION),
        ([said(scope=True, reminder_minutes=20), said(kind=True, severity="warning", reminder_minutes=15)], 20, Origin.SCOPE),
        ([said(severity="warning", reminder_minutes=15), said(kind=True, reminder_minutes=12)], 12, Origin.ORGANIZATION),
        ([said(severity="critical", reminder_minutes=15)], 60, Origin.BUILT_IN),
    ],
)
def test_each_field_comes_from_the_nearest_place_that_says_it(policies: list[Said], minutes: int, origin: Origin) -> None:
    found = settle(policies, subject_id=UNIT, scope_id=SITE, alert_type=KIND, severity="warning")
    assert (found.settled.reminder_minutes, found.origin("reminder_minutes")) == (minutes, origin)
    assert found.origin("is_enabled") is Origin.BUILT_IN and found.settled.is_enabled


def test_what_is_said_of_other_things_places_and_kinds_is_not_heard() -> None:
    heard = settle([said(subject=True, is_enabled=False), said(scope=True, is_enabled=False), said(kind=True, is_enabled=False)],
                   subject_id=uuid4(), scope_id=uuid4(), alert_type="silent", severity="warning")  # fmt: skip
    assert heard.settled == BUILT_IN["warning"]


def test_quiet_hours_are_taken_over_as_a_whole_and_none_can_be_said() -> None:
    everywhere, here = said(quiet_from=time(22), quiet_until=time(6)), said(scope=True, quiet_from=time(0), quiet_until=time(0))
    found = settle([everywhere, here], subject_id=UNIT, scope_id=SITE, alert_type=KIND, severity="warning").settled
    assert (found.quiet_from, found.quiet_until) == (time(0), time(0))


def test_no_steps_at_all_can_be_said_too() -> None:
    assert settle([said(steps=())], subject_id=UNIT, scope_id=SITE, alert_type=KIND, severity="critical").settled.steps == ()


OWNER, COOK, GUARD = Member(uuid4(), "Olga", frozenset({("owner", None)})), Member(uuid4(), "Chan", frozenset({("staff", SITE)})), Member(
    uuid4(), "Guard", frozenset({("driver", None)}))  # fmt: skip
MAY = frozenset({"owner", "staff"})


def test_those_in_charge_are_the_policys_roles_and_those_of_the_place_as_far_as_they_may_see_it() -> None:
    assert [m.name for m in in_charge(Settled(), [OWNER, COOK, GUARD], MAY, SITE)] == ["Olga", "Chan"]
    assert [m.name for m in in_charge(Settled(), [OWNER, COOK, GUARD], MAY, None)] == ["Olga"]
    assert [m.name for m in in_charge(Settled(notify_roles=("driver",)), [OWNER, COOK, GUARD], MAY, SITE)] == ["Chan"]


def test_a_contact_is_reached_by_the_ways_of_the_step_or_by_whatever_way_they_have() -> None:
    phone, mail = Callee(uuid4(), "Phone", phone="+85512000001"), Callee(uuid4(), "Mail", email="a@example.org", priority=1)
    member = Callee(uuid4(), "Member", user_id=uuid4(), priority=2)
    step = Step(15, ("email", "push"))
    called = by_channel(step_calls(step, Settled(), [OWNER], [phone, mail, member], allowed=MAY, scope_id=SITE))
    assert called == {"sms": ["Phone"], "email": ["Mail", "Member"], "push": ["Member"]}
    none_allowed = step_calls(step, Settled(are_contacts_told=False), [OWNER], [phone, mail], allowed=MAY, scope_id=SITE)
    assert {call.name for call in none_allowed} == {"Olga"}


def test_somebody_on_call_is_not_told_twice() -> None:
    on_call = Callee(uuid4(), "Olga", user_id=OWNER.user_id, is_on_call=True)
    calls = first_calls(Settled(), [OWNER], [on_call], allowed=MAY, scope_id=SITE)
    assert [(c.channel, c.contact_id) for c in calls] == [(way, on_call.contact_id) for way in ("push", "email", "telegram")]


async def test_a_policy_is_said_a_field_at_a_time_and_taken_back(world: World) -> None:
    async with transaction(world.owner) as tx:
        await policies.set_policy(tx, {"reminder_minutes": 30, "steps": (Step(5, ("sms",), None, True),), "days": (1, 2)}, scope_id=SITE)
    async with transaction(world.owner) as tx:
        await policies.set_policy(tx, {"reminder_minutes": 45, "steps": None, "quiet_from": time(22), "quiet_until": time(6)}, scope_id=SITE)
    async with transaction(world.owner) as tx:
        [only] = await calling.said(tx)
        assert (only.scope_id, only.values) == (SITE, {"reminder_minutes": 45, "quiet_from": time(22), "quiet_until": time(6)})
        await policies.set_policy(tx, {}, scope_id=SITE)
    async with transaction(world.owner) as tx:
        assert (await tx.exec(select(Policy))).all() == []


async def test_only_owners_and_admins_say_who_is_told(world: World) -> None:
    manager = await person(world.organization, "Mony Manager", Role.MANAGER)
    for who in (manager, world.colleague, world.viewer):
        with pytest.raises(Forbidden):
            async with transaction(who) as tx:
                await policies.set_policy(tx, {"is_enabled": False})
    async with transaction(world.owner) as tx:
        await policies.set_policy(tx, {"is_enabled": False})
    async with transaction(world.stranger) as tx:
        assert await calling.said(tx) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"quiet_from": time(22)}, "quiet_until"),
        ({"reminder_minutes": 1}, "reminder_minutes"),
        ({"days": ()}, "days"),
        ({"steps": (Step(0, ("sms",)),)}, "steps"),
        ({"steps": (Step(5, ()),)}, "steps"),
        ({"steps": (Step(5, ("sms",), repeat=True), Step(5, ("sms",)))}, "steps"),
        ({"initial_channels": ("pigeon",)}, "initial_channels"),
        ({"notify_roles": ("king",)}, "notify_roles"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_makes_no_sense_is_refused_at_its_field(world: World, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        async with transaction(world.owner) as tx:
            await policies.set_policy(tx, values)
    assert refused.value.field == field


async def test_what_is_foretold_is_what_happens(world: World) -> None:
    await policy(world, quiet_from=time(22), quiet_until=time(23), are_reminders_enabled=True, reminder_minutes=50)
    await contact(world, "Sokha", phone="+85512000001")
    night = await contact(world, "Nary", phone="+85512000002", priority=4)
    at = datetime(2026, 11, 20, 22, 30, tzinfo=ZoneInfo("Asia/Phnom_Penh"))
    await shift(world, night, at + timedelta(minutes=40), at + timedelta(hours=9))
    async with transaction(system(world)) as tx:
        circle = await calling.circle(tx, at=at)
        foretold = foretell(
            settle(circle.policies, subject_id=UNIT, scope_id=SITE, alert_type=KIND, severity="warning").settled, "warning", at=at,
            zone=circle.zone, members=circle.members, contacts_at=await calling.callees_between(tx, at, at + timedelta(days=1)),
            allowed=frozenset(role.value for role in PERMISSIONS["cold_chain.view"]), scope_id=SITE,
        )  # fmt: skip
    assert [(line.act, (line.at - at).total_seconds() / 60) for line in foretold[:5]] == [
        (Act.WAIT, 0), (Act.TELL, 30), (Act.ESCALATE, 60), (Act.ESCALATE, 90), (Act.REMIND, 140),
    ]  # fmt: skip
    [alert] = await raised(world, trouble(severity=Severity.WARNING), at=at)
    await minutes_pass(world, at, 100)
    happened = {(d.level, d.channel.value, d.contact_id or d.user_id) for d in await sent(world, alert.id)}
    assert happened == {
        (line.level, call.channel, call.contact_id or call.user_id) for line in foretold[:4] for call in line.calls
    }
