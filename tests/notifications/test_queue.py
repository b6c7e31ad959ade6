"""Each message becomes a row: with an address, or with the reason why it is not sent."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import event

from data.alerts.tables import Severity
from data.core.bus import bus
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from data.notifications import queries
from data.notifications.outbox import queue
from data.notifications.tables import (
    Channel,
    DeliveryStatus,
    NotificationDelivery,
    NotificationSettings,
    OptOut,
    Purpose,
)
from data.platform import billing
from data.platform.values import Plan
from tests.factories.channels import (
    CHAT,
    PHONE,
    about,
    alert,
    contact,
    endpoint,
    message,
    reachable,
    set_up,
    system,
    told,
)
from tests.factories.people import World, person

PENDING, SUPPRESSED, DELIVERED = DeliveryStatus.PENDING, DeliveryStatus.SUPPRESSED, DeliveryStatus.DELIVERED
KEYS = {"p256dh": "BA", "auth": "AA"}


async def test_a_person_is_reached_by_every_way_that_is_set_up(world: World) -> None:
    await set_up(world.owner)
    await reachable(world.owner, browsers=[("https://push.example/1", KEYS), ("https://push.example/2", KEYS)])
    raised = await alert(world)
    rows = await told(world, *(about(raised, channel, user_id=world.owner.user_id) for channel in Channel if channel != "webhook"))
    assert [(r.channel.value, r.status) for r in rows] == [
        ("in_app", DELIVERED), ("push", PENDING), ("push", PENDING), ("email", PENDING), ("sms", PENDING), ("telegram", PENDING),
    ]  # fmt: skip
    by_channel = {r.channel: r.recipient for r in rows}
    assert by_channel[Channel.EMAIL] == "olga.green@example.org" and by_channel[Channel.SMS] == PHONE
    assert by_channel[Channel.TELEGRAM] == str(CHAT) and rows[1].recipient != rows[2].recipient
    async with transaction(world.owner) as tx:
        [inbox] = await queries.inbox(tx)
        assert inbox.alert_id == raised.id and await queries.unread_count(tx) == 1
    async with transaction(world.stranger) as tx:
        assert (await tx.get(NotificationDelivery, rows[0].id)) is None


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        (Channel.EMAIL, None), (Channel.SMS, "They have not confirmed a telephone number."),
        (Channel.TELEGRAM, "They have not linked Telegram."), (Channel.PUSH, "None of their browsers may be woken."),
    ],
)  # fmt: skip
async def test_what_is_missing_is_said(world: World, channel: Channel, why: str | None) -> None:
    await set_up(world.owner)
    [row] = await told(world, message(channel, user_id=world.colleague.user_id))
    assert (row.status, row.error_message) == (SUPPRESSED if why else PENDING, why)
    assert row.user_id == world.colleague.user_id and (row.next_attempt_at is None) is (why is not None)


async def test_ways_that_the_organization_does_not_have_are_not_tried(world: World) -> None:
    await reachable(world.owner)
    async with transaction(world.owner) as tx:
        tx.add(NotificationSettings(is_email_enabled=False))
    rows = await told(world, *(message(c, user_id=world.owner.user_id) for c in (Channel.SMS, Channel.TELEGRAM, Channel.EMAIL)))
    assert [(r.status, r.error_message) for r in rows] == [
        (SUPPRESSED, "Text messages are not set up."), (SUPPRESSED, "Telegram is not set up."),
        (SUPPRESSED, "This organization has turned e-mail off."),
    ]  # fmt: skip
    [test] = await told(world, message(Channel.EMAIL, user_id=world.owner.user_id, purpose=Purpose.TEST))
    assert test.status is PENDING


async def test_somebody_who_has_left_or_belongs_elsewhere_is_not_told(world: World) -> None:
    rows = await told(
        world, message(Channel.EMAIL, user_id=world.stranger.user_id), message(Channel.EMAIL, user_id=uuid4()),
        message(Channel.EMAIL, address=""),
    )  # fmt: skip
    assert [(r.status, r.user_id) for r in rows] == [(SUPPRESSED, None)] * 3
    assert rows[0].error_message == "This person does not belong here any more." and rows[0].recipient == ""


async def test_wishes_are_kept_and_quiet_hours_wait_for_their_end(world: World) -> None:
    await reachable(world.owner, least_severity=Severity.WARNING, quiet_from=time(22), quiet_until=time(6))
    night = datetime(2030, 1, 1, 23, 0, tzinfo=UTC)  # the owner's own zone is UTC
    low, quiet, loud = await told(
        world, message(Channel.EMAIL, user_id=world.owner.user_id, severity=Severity.INFO),
        message(Channel.EMAIL, user_id=world.owner.user_id, severity=Severity.WARNING),
        message(Channel.EMAIL, user_id=world.owner.user_id, severity=Severity.CRITICAL), at=night,
    )  # fmt: skip
    assert low.status is SUPPRESSED and low.error_message == "They want to be told of more serious things only."
    assert (quiet.status, quiet.next_attempt_at) == (PENDING, datetime(2030, 1, 2, 6, tzinfo=UTC))
    assert quiet.error_message == "They have quiet hours." and loud.next_attempt_at == night


async def test_contacts_are_called_whatever_they_wish_as_readers(world: World) -> None:
    await set_up(world.owner)
    await reachable(world.owner, is_sms_enabled=False)
    guard = await contact(world.owner, phone="+85599999999")
    boss = await contact(world.owner, "Olga", user_id=world.owner.user_id)
    raised = await alert(world)
    rows = await told(
        world, about(raised, Channel.SMS, contact_id=guard), about(raised, Channel.SMS, contact_id=boss),
        about(raised, Channel.EMAIL, contact_id=guard),
    )  # fmt: skip
    assert [(r.recipient, r.status) for r in rows] == [("+85599999999", PENDING), (PHONE, PENDING), ("", SUPPRESSED)]
    assert rows[1].user_id == world.owner.user_id and rows[1].contact_id == boss


async def test_a_number_is_told_of_one_kind_once_in_a_quarter_of_an_hour_unless_it_gets_worse(world: World) -> None:
    await set_up(world.owner)
    await reachable(world.owner)
    first, second, other = await alert(world), await alert(world), await alert(world, kind="door_open")
    at = now()

    async def sms(about_what: object, severity: Severity, minutes: float) -> DeliveryStatus:
        [row] = await told(
            world, about(about_what, Channel.SMS, user_id=world.owner.user_id, severity=severity), at=at + timedelta(minutes=minutes)  # type: ignore[arg-type]
        )
        return row.status

    assert await sms(first, Severity.WARNING, 0) is PENDING
    assert await sms(second, Severity.WARNING, 5) is SUPPRESSED
    assert await sms(other, Severity.WARNING, 5) is PENDING
    assert await sms(first, Severity.CRITICAL, 6) is PENDING
    assert await sms(first, Severity.CRITICAL, 14) is SUPPRESSED
    assert await sms(first, Severity.CRITICAL, 21.1) is PENDING


async def test_an_organization_sends_so_many_text_messages_an_hour_and_two_at_once_do_not_both_send_the_last(world: World) -> None:
    await set_up(world.owner)
    async with transaction(world.owner) as tx:
        tx.add(NotificationSettings(sms_per_hour=3))
    numbers = [f"+8551234000{n}" for n in range(8)]
    rows = await asyncio.gather(*(told(world, message(Channel.SMS, address=number)) for number in numbers))
    assert sum(row.status is PENDING for [row] in rows) == 3
    assert {row.error_message for [row] in rows} == {None, "This organization has sent as many text messages as it may within an hour."}
    [later] = await told(world, message(Channel.SMS, address=PHONE), at=now() + timedelta(minutes=61))
    assert later.status is PENDING


async def test_who_said_stop_gets_no_more_there_but_a_code_they_ask_for(world: World) -> None:
    await set_up(world.owner)
    await reachable(world.owner)
    async with transaction(system(world)) as tx:
        tx.add(OptOut(channel=Channel.SMS, address=PHONE, reason="STOP"))
    alert_row, code, mail = await told(
        world, message(Channel.SMS, user_id=world.owner.user_id), message(Channel.SMS, address=PHONE, purpose=Purpose.CODE),
        message(Channel.EMAIL, user_id=world.owner.user_id),
    )  # fmt: skip
    assert (alert_row.status, alert_row.error_message) == (SUPPRESSED, "They asked not to be written to at this address.")
    assert code.status is PENDING and mail.status is PENDING


async def test_the_same_address_is_told_of_the_same_once_even_when_it_is_a_contacts_too(world: World) -> None:
    guard = await contact(world.owner, "Olga again", email="olga.green@example.org")
    raised = await alert(world)
    rows = await told(
        world, about(raised, Channel.EMAIL, user_id=world.owner.user_id), about(raised, Channel.EMAIL, contact_id=guard),
        about(raised, Channel.EMAIL, contact_id=guard, purpose=Purpose.ESCALATION, level=1),
    )  # fmt: skip
    assert [r.status for r in rows] == [PENDING, SUPPRESSED, PENDING]


async def test_a_key_makes_it_once_only_also_for_two_at_the_same_time(world: World) -> None:
    await reachable(world.owner, browsers=[("https://push.example/1", KEYS), ("https://push.example/2", KEYS)])
    both = (message(Channel.PUSH, user_id=world.owner.user_id, dedupe_key="alert 7 step 1"),)
    rows = await asyncio.gather(*(told(world, *both) for _ in range(6)))
    assert sorted(len(found) for found in rows) == [0, 0, 0, 0, 0, 2]
    other = await told(world, message(Channel.EMAIL, user_id=world.owner.user_id, dedupe_key="alert 7 step 2"))
    assert len(other) == 1


async def test_an_event_goes_to_every_endpoint_that_wants_it(world: World) -> None:
    wants_all, wants_it = await endpoint(world.owner, "https://a.example"), await endpoint(world.owner, "https://b.example", "alert.raised")
    await endpoint(world.owner, "https://c.example", "alert.resolved")
    await endpoint(world.stranger, "https://other.example")
    rows = await told(world, message(Channel.WEBHOOK, event_type="alert.raised", payload={"at": now()}))
    assert {r.endpoint_id for r in rows} == {wants_all, wants_it} and all(r.status is PENDING for r in rows)
    assert isinstance((rows[0].payload or {})["at"], str)


async def test_what_goes_to_others_goes_to_each_address_that_the_organization_named(world: World) -> None:
    async with transaction(world.owner) as tx:
        tx.add(NotificationSettings(email_recipients=["a@example.org", "b@example.org"]))
    raised = await alert(world)
    once = about(raised, Channel.EMAIL, to_others=True, dedupe_key="others")
    rows = await told(world, once, about(raised, Channel.SMS, to_others=True))
    assert [(r.recipient, r.user_id, r.status) for r in rows] == [("a@example.org", None, PENDING), ("b@example.org", None, PENDING)]
    assert await told(world, once) == []


async def test_the_outbox_is_woken_and_the_person_is_told_that_something_changed(world: World) -> None:
    heard: list[str] = []
    stops = [bus.listen(name, str(world.organization_id), lambda h: heard.append(h.name)) for name in ("DeliveriesQueued", "DeliveriesChanged")]
    await told(world, message(Channel.EMAIL, user_id=world.owner.user_id))
    for _ in range(100):
        if len(heard) == 2:
            break
        await asyncio.sleep(0.02)
    assert sorted(heard) == ["DeliveriesChanged", "DeliveriesQueued"]
    for stop in stops:
        stop()


async def test_many_messages_take_as_many_questions_as_few(world: World, owner_connection: psycopg.Connection) -> None:
    await set_up(world.owner)
    people = [world.owner, world.colleague, *[await person(world.organization, f"Person{n}", Role.STAFF) for n in range(20)]]
    statements: list[str] = []

    async with transaction(system(world)) as tx:
        connection = await tx.connection()
        def note(conn: object, cursor: object, statement: str, *rest: object) -> None:
            statements.append(statement)

        event.listen(connection.sync_connection, "before_cursor_execute", note)
        await queue(tx, [message(c, user_id=p.user_id) for p in people for c in (Channel.EMAIL, Channel.SMS, Channel.IN_APP)])
        await tx.flush()
        event.remove(connection.sync_connection, "before_cursor_execute", note)
    assert len(statements) <= 12
    assert owner_connection.execute("select count(*) from notifications.notification_deliveries").fetchone() == (66,)


async def test_a_plan_without_text_messages_says_so_and_sends_none(world: World) -> None:
    await set_up(world.owner)
    await reachable(world.owner, is_sms_enabled=True)
    async with transaction(world.owner) as tx:
        await billing.begin_trial(tx, plan=Plan.STARTER)
    [row] = await told(world, message(Channel.SMS, user_id=world.owner.user_id))
    assert row.status is DeliveryStatus.SUPPRESSED and "plan holds no messages" in (row.error_message or "")
