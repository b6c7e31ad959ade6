import asyncio
from datetime import UTC, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from data.alerts import commands as alerts
from data.alerts.tables import AlertStatus, Decision, Severity
from data.core.errors import Conflict, Forbidden, NotFound
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from data.notifications import commands
from data.notifications.tables import Channel, DeliveryStatus, Notification, Purpose
from jobs import alerts as job
from tests.factories.alerts import (
    AT,
    SITE,
    again,
    contact,
    minute,
    minutes_pass,
    policy,
    raised,
    sent,
    shift,
    story,
    system,
    trouble,
)
from tests.factories.channels import endpoint, set_up
from tests.factories.people import World, person

WARM = Severity.WARNING


def after(count: int) -> datetime:
    return AT + timedelta(minutes=count)


async def test_the_story_of_a_critical_alert_that_nobody_answers_and_then_somebody_does(world: World) -> None:
    await set_up(system(world))
    first = await contact(world, "Sokha", phone="+85512000001", priority=0)
    second = await contact(world, "Dara", phone="+85512000002", priority=1)
    last = await contact(world, "Vuthy", phone="+85512000003", priority=5)
    [alert] = await raised(world)
    await minutes_pass(world, after(1), 44)
    assert await story(world, alert.id) == [
        (0, "raised"), (0, "told"), (15, "escalated"), (15, "told"), (30, "escalated"), (30, "told"),
    ]  # fmt: skip
    called = [(d.level, d.contact_id, d.status) for d in await sent(world, alert.id) if d.contact_id]
    waits = DeliveryStatus.PENDING  # and not "told less than 15 minutes ago"
    assert called == [(1, first.id, waits), (2, first.id, waits), (2, second.id, waits)]
    async with transaction(world.colleague) as tx:
        await alerts.acknowledge(tx, alert.id, note="on my way", at=after(45))
    await minutes_pass(world, after(45), 120)
    assert (await story(world, alert.id))[-1] == (45, "acknowledged")
    assert last.id not in {d.contact_id for d in await sent(world, alert.id)}
    found = await again(world, alert.id)
    assert (found.status, found.escalation_level, found.next_step_at) == (AlertStatus.ACKNOWLEDGED, 2, None)


async def test_what_could_not_go_out_is_not_said_to_have_been_told(world: World) -> None:
    await contact(world, "Sokha", phone="+85512000001")
    [alert] = await raised(world)
    await minute(world, after(15))
    last = (await _decisions(world, alert.id))[-1]
    assert (last.decision, last.reason_values) == ("not_told", {"people": "Sokha"}), "text messages are not set up"


async def test_at_first_those_in_charge_are_told_and_whoever_belongs_to_the_place(world: World) -> None:
    cook = await person(world.organization, "Chan Cook", (Role.STAFF, SITE))
    elsewhere = await person(world.organization, "Else Where", (Role.STAFF, uuid4()))
    [alert] = await raised(world, trouble(severity=WARM))
    by_mail = {d.user_id for d in await sent(world, alert.id) if d.channel is Channel.EMAIL}
    assert by_mail == {world.owner.user_id, cook.user_id}
    assert elsewhere.user_id not in {d.user_id for d in await sent(world)}
    assert {d.level for d in await sent(world, alert.id)} == {0}
    assert not [d for d in await sent(world, alert.id) if d.channel is Channel.SMS], "SMS is for what is critical"


async def test_whoever_is_on_call_comes_first_and_is_told_at_once(world: World) -> None:
    on_call = await contact(world, "Nary Night", phone="+85512000009", priority=9)
    await contact(world, "Sokha", phone="+85512000001", priority=0)
    await shift(world, on_call, AT - timedelta(hours=1), AT + timedelta(hours=1))
    [alert] = await raised(world, trouble(severity=WARM))
    assert [d.contact_id for d in await sent(world, alert.id) if d.contact_id] == [on_call.id], "by SMS: the only way they have"
    await minute(world, after(30))
    assert [d.contact_id for d in await sent(world, alert.id) if d.contact_id and d.level == 1][0] == on_call.id


async def test_a_contact_of_another_place_is_not_called(world: World) -> None:
    await contact(world, "Far Away", scope_id=uuid4())
    [alert] = await raised(world)
    await minutes_pass(world, AT, 60)
    assert [d for d in await sent(world, alert.id) if d.contact_id] == []
    assert {d.user_id for d in await sent(world, alert.id) if d.purpose is Purpose.ESCALATION} == {world.owner.user_id}


async def test_two_jobs_at_once_tell_once(world: World) -> None:
    await contact(world, "Sokha")
    found = await raised(world, *(trouble(UUID(int=n)) for n in range(1, 9)))
    taken = await asyncio.gather(*(minute(world, after(15)) for _ in range(6)))
    assert sum(taken) == 8
    for alert in found:
        assert [d.decision for d in await _decisions(world, alert.id)].count("escalated") == 1
        assert len([d for d in await sent(world, alert.id) if d.contact_id]) == 1


async def _decisions(world: World, alert_id: UUID) -> list[Decision]:
    from data.alerts import queries

    async with transaction(system(world)) as tx:
        return list(await queries.story(tx, alert_id))


async def test_a_job_that_dies_before_its_end_leaves_the_step_to_the_next_one(world: World) -> None:
    [alert] = await raised(world)
    with pytest.raises(KeyboardInterrupt):
        async with transaction(system(world)) as tx:
            assert await commands.climb(tx, at=after(15)) == 1
            raise KeyboardInterrupt
    assert (await again(world, alert.id)).escalation_level == 0
    assert await minute(world, after(16)) == 1
    assert [decision for _, decision in await story(world, alert.id)].count("escalated") == 1


async def test_after_an_outage_of_two_hours_there_is_one_step_and_not_five(world: World) -> None:
    await contact(world, "Vuthy", priority=5)
    [alert] = await raised(world)
    await minutes_pass(world, after(120), 10)
    assert [line for line in await story(world, alert.id) if line[1] == "escalated"] == [(120, "escalated")]
    assert (await again(world, alert.id)).escalation_level == 3


async def test_in_quiet_hours_a_warning_waits_in_the_inbox_and_is_told_in_the_morning_if_it_is_still_open(world: World) -> None:
    await policy(world, quiet_from=time(22), quiet_until=time(6))
    night = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)  # 23:00 in Phnom Penh
    [warm] = await raised(world, trouble(severity=WARM), at=night)
    [over] = await raised(world, trouble(UUID(int=5), WARM), at=night)
    assert await sent(world) == []
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(Notification).where(Notification.user_id == world.owner.user_id))).all()) == 2
    async with transaction(system(world)) as tx:
        await alerts.resolve_open(tx, UUID(int=5), "temp_excursion", at=night + timedelta(hours=1), because="It is cold again.")
    morning = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    for at in (night + timedelta(hours=3), morning - timedelta(minutes=1)):
        await minute(world, at)
    assert [d for d in await sent(world) if d.status is DeliveryStatus.PENDING] == []
    await minute(world, morning)
    assert {d.alert_id for d in await sent(world) if d.channel is Channel.EMAIL} == {warm.id} != {over.id}
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(Notification).where(Notification.user_id == world.owner.user_id))).all()) == 2
    [critical] = await raised(world, trouble(UUID(int=6)), at=night)
    assert [d for d in await sent(world, critical.id) if d.channel is Channel.EMAIL]


async def test_the_clocks_of_the_place_count_before_those_of_the_organization(world: World) -> None:
    await policy(world, quiet_from=time(22), quiet_until=time(6))
    [here] = await raised(world, trouble(UUID(int=1), WARM), at=datetime(2026, 11, 20, 16, tzinfo=UTC))
    [there] = await raised(world, trouble(UUID(int=2), WARM, zone="Europe/London"), at=datetime(2026, 11, 20, 16, tzinfo=UTC))
    assert (bool(await sent(world, here.id)), bool(await sent(world, there.id))) == (False, True)


async def test_what_is_put_off_comes_back_by_itself_and_goes_on_where_it_was(world: World) -> None:
    [alert] = await raised(world)
    await minute(world, after(15))
    async with transaction(world.colleague) as tx:
        await alerts.snooze(tx, alert.id, until=after(60), at=after(20))
    await minutes_pass(world, after(20), 40)
    assert (await story(world, alert.id))[-1] == (20, "snoozed")
    await minutes_pass(world, after(60), 16)
    assert (await story(world, alert.id))[-4:] == [(60, "woke"), (60, "told"), (75, "escalated"), (75, "told")]
    assert [d.purpose for d in await sent(world, alert.id) if d.level == 1 and d.channel is Channel.EMAIL][-1] is Purpose.REMINDER


async def test_what_gets_worse_is_told_anew_though_somebody_was_on_it(world: World) -> None:
    [alert] = await raised(world, trouble(severity=WARM))
    async with transaction(world.colleague) as tx:
        await alerts.acknowledge(tx, alert.id, at=after(1))
    [worse] = await raised(world, trouble(severity=Severity.CRITICAL), at=after(10))
    assert (worse.id, worse.severity, worse.status, worse.acknowledged_at) == (alert.id, Severity.CRITICAL, AlertStatus.ACTIVE, None)
    assert await raised(world, trouble(severity=WARM), at=after(11)) == [], "it does not get better by being said again"
    await minute(world, after(25))
    assert await story(world, alert.id) == [
        (0, "raised"), (0, "told"), (1, "acknowledged"), (10, "worsened"), (10, "told"), (25, "escalated"), (25, "told"),
    ]  # fmt: skip


async def test_whoever_heard_of_it_hears_that_it_is_over_and_nobody_else(world: World) -> None:
    [alert] = await raised(world, trouble(severity=WARM))
    async with transaction(system(world)) as tx:
        for delivery in await sent(world, alert.id):
            if delivery.channel is Channel.EMAIL:
                delivery.status = DeliveryStatus.SENT
                await tx.merge(delivery)
    async with transaction(system(world)) as tx:
        await alerts.resolve_open(tx, alert.subject_id, alert.alert_type, at=after(5), because="It is cold again.")
    await minutes_pass(world, after(5), 3)
    over = [(d.channel, d.user_id) for d in await sent(world, alert.id) if d.purpose is Purpose.RESOLVED]
    assert over == [(Channel.EMAIL, world.owner.user_id)]


async def test_a_part_of_something_larger_is_not_told_until_that_is_over_and_it_is_not(world: World) -> None:
    [outage] = await raised(world, trouble(SITE, name="Market hall", alert_type="site_outage"))
    [part] = await raised(world, trouble(UUID(int=1), WARM), parent=outage)
    [worse] = await raised(world, trouble(UUID(int=2)), is_told=False)
    async with transaction(system(world)) as tx:
        await alerts.join(tx, [await tx.get_one(type(worse), worse.id)], outage, at=AT)
    await minutes_pass(world, AT, 40)
    assert [await sent(world, one.id) for one in (part, worse)] == [[], []]
    async with transaction(system(world)) as tx:
        await alerts.resolve_open(tx, SITE, "site_outage", at=after(41), because="It is heard again.")
        await alerts.resolve_open(tx, UUID(int=2), "temp_excursion", at=after(41), because="It is cold again.")
    await minute(world, after(42))
    assert await story(world, part.id) == [(0, "raised"), (0, "joined"), (41, "left"), (42, "told")]
    assert [d for d in await sent(world, worse.id) if d.purpose is Purpose.ALERT] == []


async def test_a_part_that_is_worse_than_the_whole_is_told_by_itself(world: World) -> None:
    [outage] = await raised(world, trouble(SITE, WARM, name="Market hall", alert_type="site_outage"))
    [part] = await raised(world, trouble(UUID(int=1), Severity.CRITICAL), parent=outage)
    assert await sent(world, part.id)


async def test_switching_telling_off_for_one_thing_leaves_the_others_told(world: World) -> None:
    await policy(world, subject_id=UUID(int=1), is_enabled=False)
    off, on = await raised(world, trouble(UUID(int=1)), trouble(UUID(int=2)))
    assert (await sent(world, off.id), bool(await sent(world, on.id))) == ([], True)
    assert (await story(world, off.id))[-1] == (0, "not_told")


async def test_somebody_calls_more_people_without_waiting(world: World) -> None:
    called = await contact(world, "Sokha")
    [alert] = await raised(world)
    for who, refusal in ((world.viewer, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await commands.escalate(tx, alert.id, at=after(2))
    async with transaction(world.colleague) as tx:
        await commands.escalate(tx, alert.id, at=after(2))
    assert [d.contact_id for d in await sent(world, alert.id) if d.level == 1] == [called.id]
    await minutes_pass(world, after(2), 15)
    assert (await again(world, alert.id)).escalation_level == 1
    await minute(world, after(17))
    assert (await again(world, alert.id)).escalation_level == 2
    async with transaction(world.owner) as tx:
        await alerts.resolve(tx, alert.id, because="The door was open.")
        with pytest.raises(Conflict, match="already over"):
            await commands.escalate(tx, alert.id)


async def test_the_timetables_line_takes_the_turns_of_every_organization(world: World) -> None:
    [ours] = await raised(world, at=now() - timedelta(minutes=1), is_told=False)
    await job.climb()
    assert (await again(world, ours.id)).last_told_at is not None


async def test_a_thousand_alerts_at_once_are_told_in_a_few_statements(world: World) -> None:
    from sqlalchemy import event

    from data.core import session

    statements: list[str] = []
    engine = session.current()._app.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    await raised(world, *(trouble(UUID(int=n), WARM) for n in range(1, 1001)))
    assert len(await sent(world)) >= 3000
    assert len(statements) < 60, statements[:70]


async def test_other_systems_hear_the_whole_life_of_an_alert_each_turn_of_it_once(world: World) -> None:
    await endpoint(world.owner, "https://partner.example")
    [alert] = await raised(world, trouble(severity=WARM))
    async with transaction(world.colleague) as tx:
        await alerts.snooze(tx, alert.id, until=after(10), at=after(2))
    await minutes_pass(world, after(2), 10)
    async with transaction(world.colleague) as tx:
        await alerts.acknowledge(tx, alert.id, note="on my way", at=after(13))
    async with transaction(world.owner) as tx:
        await commands.escalate(tx, alert.id, at=after(14))
    await minutes_pass(world, after(14), 3)
    async with transaction(world.owner) as tx:
        await alerts.resolve(tx, alert.id, because="The door was shut.", at=after(20))
    await minutes_pass(world, after(20), 2)
    told = [d for d in await sent(world, alert.id) if d.channel is Channel.WEBHOOK]
    assert [d.event_type for d in told] == ["alert.raised", "alert.snoozed", "alert.escalated", "alert.acknowledged", "alert.resolved"]
    put_off, taken = told[1].payload, told[3].payload
    assert put_off and (put_off["snoozed_by"], put_off["snoozed_until_at"]) == ("Colin Colleague", after(10).isoformat())
    assert taken and (taken["acknowledged_by"], taken["note"], taken["acknowledged_at"]) == ("Colin Colleague", "on my way", after(13).isoformat())


async def test_what_was_answered_before_anybody_heard_of_it_is_no_news_to_other_systems(world: World) -> None:
    await endpoint(world.owner, "https://partner.example")
    [alert] = await raised(world, trouble(severity=WARM), is_told=False)
    async with transaction(world.colleague) as tx:
        await alerts.acknowledge(tx, alert.id, at=after(1))
    await minutes_pass(world, after(1), 3)
    assert await sent(world, alert.id) == [] and (await again(world, alert.id)).next_step_at is None


async def test_silence_that_begins_when_somebody_is_on_it_leaves_it_as_it_is(world: World) -> None:
    [alert] = await raised(world, trouble(severity=WARM))
    async with transaction(world.owner) as tx:
        await alerts.acknowledge(tx, alert.id, at=after(1))
        await alerts.suppress(tx, starts_at=after(1), ends_at=after(60), reason="Repair", at=after(1))
    assert not (await again(world, alert.id)).is_suppressed
