"""Messages go from their rows to the outside parties and what became of them comes back into the rows."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import psycopg
import pytest

from data.alerts import commands as alerts
from data.alerts.tables import Severity
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.notifications import sending
from data.notifications.sending import Outcome, Outgoing, Written
from data.notifications.tables import Channel, DeliveryStatus, NotificationDelivery, Purpose
from jobs.channels import _outside
from jobs.channels._choice import Carriers, vapid_keys
from jobs.outbox import Worker, running
from tests.conftest import SECRET_KEY
from tests.factories.channels import SECRET, about, alert, endpoint, message, reachable, set_up, system, told
from tests.factories.outside import Browser, MailServer, Partner, TelegramServer, Telnyx
from tests.factories.people import World

PENDING, SENDING, SENT, FAILED = DeliveryStatus.PENDING, DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.FAILED
OPEN = "select consecutive_failures, open_until_at > now() from notifications.channel_states"


def write(outgoing: Outgoing) -> Written:
    """In English, and only so."""
    text = outgoing.message.format(**outgoing.values)
    return Written(outgoing.subject or "Steading", text, f"<p>{text}</p>", text)


def settings(**addresses: object) -> Settings:
    return Settings(
        _env_file=None, secret_key=SECRET_KEY, public_url="https://steading.example", mail_from="alerts@steading.example",
        webhook_private_addresses=True, **addresses,
    )  # type: ignore[call-arg,arg-type]  # fmt: skip


@pytest.fixture
async def over() -> AsyncIterator[httpx.AsyncClient]:
    async with _outside.client() as made:
        yield made


def worker(channel: Channel, over: httpx.AsyncClient, **addresses: object) -> Worker:
    chosen = settings(**addresses)
    return Worker(channel, Carriers(chosen, over), write, chosen.origin, look_again_s=0.1)


async def row_of(world: World, row: NotificationDelivery) -> NotificationDelivery:
    async with transaction(system(world)) as tx:
        return await tx.get_one(NotificationDelivery, row.id)


def hurry(connection: psycopg.Connection) -> None:
    """As if the pauses were over, and the channels had rested."""
    connection.execute("update notifications.notification_deliveries set next_attempt_at = now() where status in ('pending', 'sending')")
    connection.execute("update notifications.channel_states set open_until_at = now() where open_until_at is not null")


async def test_one_message_by_every_channel_arrives_and_says_so(world: World, over: httpx.AsyncClient) -> None:
    mail, telnyx, telegram, partner = MailServer(), Telnyx(), TelegramServer(), Partner(SECRET)
    browser = Browser(subscribed_with=vapid_keys(settings())[0].public)
    await set_up(world.owner)
    async with telnyx.running() as t, telegram.running() as g, partner.running() as hook, browser.running() as push:
        await reachable(world.owner, browsers=[(push, browser.keys)])
        await endpoint(world.owner, hook)
        rows = await told(
            world, *(message(c, user_id=world.owner.user_id) for c in (Channel.EMAIL, Channel.SMS, Channel.TELEGRAM, Channel.PUSH)),
            message(Channel.WEBHOOK, event_type="alert.raised", payload={"unit": "Freezer 3"}),
        )  # fmt: skip
        with mail.running() as smtp:
            async with running(settings(smtp_url=smtp, telnyx_url=t, telegram_url=g), write):
                async with asyncio.timeout(15):
                    while [(await row_of(world, row)).status for row in rows] != [SENT] * 5:
                        await asyncio.sleep(0.05)
    text = "Freezer 3 is too warm: -4.0"
    assert mail.arrived[0].get_body(("plain",)).get_content().strip() == text  # type: ignore[union-attr]
    assert telnyx.sent[0]["text"] == text and telnyx.sent[0]["webhook_url"].endswith(f"?delivery={rows[1].id}")
    assert telegram.sent[0]["text"] == f"{text}\nhttps://steading.example/cold-chain"
    assert browser.shown[0] | {"body": text} == browser.shown[0] and browser.headers[0]["urgency"] == "high"
    [said] = partner.told
    assert (said["type"], said["data"], partner.ids) == ("alert.raised", {"unit": "Freezer 3"}, [str(rows[4].id)])
    done = [await row_of(world, row) for row in rows]
    assert [r.external_id for r in done] == [f"<{rows[0].id}@steading.example>", "message-1", "1", f"{browser.origin}/message/1", "204"]
    assert all(r.sent_at and r.next_attempt_at is None and r.leased_until_at is None and r.error_message is None for r in done)


async def test_what_fails_is_tried_again_with_longer_pauses_then_given_up_and_says_why(
    world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    await set_up(world.owner)
    telnyx = Telnyx(failing=(503, 10007))
    [row] = await told(world, message(Channel.SMS, address="+85512345678"))
    pauses = []
    async with telnyx.running() as address:
        sms = worker(Channel.SMS, over, telnyx_url=address)
        for _ in range(4):
            assert await sms.send_due() == 1
            after = await row_of(world, row)
            assert after.status is PENDING and after.next_attempt_at and after.last_retry_at
            pauses.append((after.next_attempt_at - after.last_retry_at).total_seconds())
            assert await sms.send_due() == 0
            hurry(owner_connection)
        assert await sms.send_due() == 1
    after = await row_of(world, row)
    assert pauses == [2, 4, 8, 16]
    assert (after.status, after.error_message, after.retry_count) == (FAILED, "It says 10007", 4) and after.failed_at


async def test_a_process_that_dies_while_it_sends_loses_nothing(
    world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    mail = MailServer()
    [row] = await told(world, message(Channel.EMAIL, user_id=world.owner.user_id))
    async with across_tenants("tests") as tx:
        [claimed] = await sending.claim(tx, Channel.EMAIL, most=5, at=now())
    assert claimed.id == row.id and (await row_of(world, row)).status is SENDING
    with mail.running() as smtp:
        other = worker(Channel.EMAIL, over, smtp_url=smtp)
        assert await other.send_due() == 0  # the lease holds
        hurry(owner_connection)
        assert await other.send_due() == 1
    after = await row_of(world, row)
    assert after.status is SENT and after.retry_count == 1 and len(mail.arrived) == 1
    async with across_tenants("tests") as tx:  # the first one lived after all
        await sending.settle(tx, [Outcome(claimed, PENDING, now(), error="late", again_at=now())])
    assert (await row_of(world, row)).status is SENT


async def test_two_processes_never_send_the_same(world: World, over: httpx.AsyncClient) -> None:
    mail = MailServer()
    await told(world, *(message(Channel.EMAIL, address=f"p{n}@example.org") for n in range(60)))
    with mail.running() as smtp:
        counts = await asyncio.gather(*(worker(Channel.EMAIL, over, smtp_url=smtp).send_due() for _ in range(3)))
    assert sum(counts) == 60 and len({m["To"] for m in mail.arrived}) == len(mail.arrived) == 60


async def test_a_channel_that_fails_again_and_again_rests_tries_one_and_goes_on(
    world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    await set_up(world.owner)
    telnyx = Telnyx(failing=(500, 10007))
    await told(world, *(message(Channel.SMS, address=f"+8551234000{n}") for n in range(8)))
    async with telnyx.running() as address:
        sms = worker(Channel.SMS, over, telnyx_url=address)
        assert await sms.send_due() == 8
        assert owner_connection.execute(OPEN).fetchall() == [(8, True)]
        [fresh] = await told(world, message(Channel.SMS, address="+85512349999"))
        owner_connection.execute("update notifications.notification_deliveries set next_attempt_at = now() where status = 'pending'")
        assert await sms.send_due() == 0  # it rests, whatever is due
        hurry(owner_connection)
        assert await sms.send_due() == 1  # one, to see; it fails, and all rest longer
        assert owner_connection.execute(OPEN).fetchall() == [(9, True)]
        assert (await row_of(world, fresh)).retry_count == 1  # one that was not tried before goes first
        telnyx.failing = None
        hurry(owner_connection)
        assert await sms.send_due() == 9  # one, and then all the others
    assert owner_connection.execute("select consecutive_failures, open_until_at from notifications.channel_states").fetchall() == [(0, None)]
    assert len(telnyx.sent) == 9


async def test_one_organizations_broken_account_is_no_others(
    world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    telnyx = Telnyx()
    await set_up(world.owner, api_key="wrong")
    await set_up(world.stranger, api_key=telnyx.key)
    await told(world, *(message(Channel.SMS, address=f"+8551234000{n}") for n in range(6)))
    others = dataclasses.replace(world, organization=world.other)
    rows = await told(others, message(Channel.SMS, address="+85599999999"))
    async with telnyx.running() as address:
        await worker(Channel.SMS, over, telnyx_url=address).send_due()
    assert (await row_of(others, rows[0])).status is SENT
    found = owner_connection.execute("select organization_id, consecutive_failures, last_error from notifications.channel_states").fetchall()
    assert sorted((o == world.organization_id, n) for o, n, _ in found) == [(False, 0), (True, 6)]
    assert {e for *_, e in found} == {None, "Telnyx refuses this account: It says 10009"}


async def test_one_endpoint_that_fails_does_not_make_another_wait(
    world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    broken, fine = Partner(SECRET, answering=500), Partner(SECRET)
    async with broken.running() as a, fine.running() as b:
        await endpoint(world.owner, a)
        await endpoint(world.owner, b)
        await told(world, *(message(Channel.WEBHOOK, event_type="e", payload={"n": n}) for n in range(6)))
        hooks = worker(Channel.WEBHOOK, over)
        await hooks.send_due()
        await told(world, message(Channel.WEBHOOK, event_type="e", payload={"n": 7}))
        await hooks.send_due()
    assert len(fine.told) == 7
    assert sorted(n for n, _ in owner_connection.execute(OPEN).fetchall()) == [0, 6]


async def test_addresses_that_are_dead_are_forgotten(world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection) -> None:
    telegram, partner, browser, telnyx = TelegramServer(blocked={"777"}), Partner(SECRET, answering=410), Browser(answering=410), Telnyx(failing=(400, 40300))
    await set_up(world.owner)
    async with telegram.running() as g, partner.running() as hook, browser.running() as push, telnyx.running() as t:
        await reachable(world.owner, browsers=[(push, browser.keys)])
        await endpoint(world.owner, hook)
        rows = await told(
            world, *(message(c, user_id=world.owner.user_id) for c in (Channel.TELEGRAM, Channel.PUSH, Channel.SMS)),
            message(Channel.WEBHOOK, event_type="alert.raised", payload={}),
        )  # fmt: skip
        for channel in (Channel.TELEGRAM, Channel.PUSH, Channel.SMS, Channel.WEBHOOK):
            assert await worker(channel, over, telegram_url=g, telnyx_url=t).send_due() == 1
    assert [(await row_of(world, row)).status for row in rows] == [FAILED] * 4
    assert owner_connection.execute("select chat_id from notifications.telegram_chats").fetchall() == [(None,)]
    assert owner_connection.execute("select count(*) from notifications.push_subscriptions").fetchone() == (0,)
    assert owner_connection.execute("select is_enabled, disabled_reason from notifications.webhook_endpoints").fetchall() == [(False, "410 not now")]
    assert owner_connection.execute("select channel, address from notifications.opt_outs").fetchall() == [("sms", "+85512345678")]
    [again] = await told(world, message(Channel.SMS, user_id=world.owner.user_id))
    assert again.error_message == "They asked not to be written to at this address."


async def test_what_is_over_before_it_was_sent_is_not_sent(world: World, over: httpx.AsyncClient) -> None:
    mail, raised = MailServer(), await alert(world)
    wrong, right = await told(
        world, about(raised, Channel.EMAIL, user_id=world.owner.user_id, subject=None),
        about(raised, Channel.EMAIL, user_id=world.owner.user_id, purpose=Purpose.RESOLVED),
    )  # fmt: skip
    async with transaction(world.owner) as tx:
        await alerts.resolve(tx, raised.id, because="door closed")
    with mail.running() as smtp:
        await worker(Channel.EMAIL, over, smtp_url=smtp).send_due()
    assert (await row_of(world, wrong)).status is DeliveryStatus.CANCELED and (await row_of(world, right)).status is SENT


async def test_an_escalation_is_not_sent_once_somebody_is_on_it_but_the_first_news_is(world: World, over: httpx.AsyncClient) -> None:
    mail, raised = MailServer(), await alert(world)
    rows = await told(world, *(about(raised, Channel.EMAIL, user_id=world.owner.user_id, purpose=p) for p in (Purpose.ESCALATION, Purpose.ALERT)))
    async with transaction(world.colleague) as tx:
        await alerts.acknowledge(tx, raised.id)
    with mail.running() as smtp:
        await worker(Channel.EMAIL, over, smtp_url=smtp).send_due()
    assert [(await row_of(world, row)).status for row in rows] == [DeliveryStatus.CANCELED, SENT]


async def test_whoever_is_on_it_may_call_more_people_all_the_same(world: World, over: httpx.AsyncClient) -> None:
    mail, raised = MailServer(), await alert(world)
    async with transaction(world.colleague) as tx:
        await alerts.acknowledge(tx, raised.id)
    [row] = await told(world, about(raised, Channel.EMAIL, user_id=world.owner.user_id, purpose=Purpose.ESCALATION))
    with mail.running() as smtp:
        await worker(Channel.EMAIL, over, smtp_url=smtp).send_due()
    assert (await row_of(world, row)).status is SENT


async def test_the_most_severe_goes_first_and_no_organization_waits_for_anothers_heap(world: World) -> None:
    others = dataclasses.replace(world, organization=world.other)
    await told(world, *(message(Channel.EMAIL, address=f"p{n}@example.org", severity=Severity.WARNING) for n in range(30)))
    [critical] = await told(world, message(Channel.EMAIL, address="last@example.org", severity=Severity.CRITICAL))
    [other] = await told(others, message(Channel.EMAIL, address="other@example.org", severity=Severity.INFO))
    async with across_tenants("tests") as tx:
        claimed = await sending.claim(tx, Channel.EMAIL, most=2, at=now())
    assert {one.id for one in claimed} == {critical.id, other.id}


async def test_what_shall_wait_waits(world: World) -> None:
    at = now()
    await told(world, message(Channel.EMAIL, address="a@example.org", not_before=at + timedelta(hours=1)))
    async with across_tenants("tests") as tx:
        assert await sending.claim(tx, Channel.EMAIL, most=5, at=at + timedelta(minutes=59)) == []
        assert len(await sending.claim(tx, Channel.EMAIL, most=5, at=at + timedelta(minutes=61))) == 1


async def test_without_a_mail_server_mail_fails_at_once_and_says_why(world: World, over: httpx.AsyncClient) -> None:
    [row] = await told(world, message(Channel.EMAIL, user_id=world.owner.user_id))
    await worker(Channel.EMAIL, over).send_due()
    after = await row_of(world, row)
    assert (after.status, after.error_message) == (FAILED, "no mail server is set up (SMTP_URL)")


async def test_a_message_that_cannot_be_written_holds_up_no_other(world: World, over: httpx.AsyncClient) -> None:
    mail = MailServer()
    rows = await told(
        world, message(Channel.EMAIL, address="a@example.org", message="{missing}"), message(Channel.EMAIL, address="b@example.org")
    )
    with mail.running() as smtp:
        await worker(Channel.EMAIL, over, smtp_url=smtp).send_due()
    after = [await row_of(world, row) for row in rows]
    assert [r.status for r in after] == [PENDING, SENT] and after[0].error_message == "KeyError: 'missing'"


async def test_what_was_sent_is_not_forgotten_while_the_database_is_away(
    world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    mail = MailServer()
    [row] = await told(world, message(Channel.EMAIL, user_id=world.owner.user_id))
    with mail.running() as smtp:
        sender = worker(Channel.EMAIL, over, smtp_url=smtp)
        with owner_connection.transaction():
            await sender._claim(is_forced=True)
            owner_connection.execute("lock table notifications.notification_deliveries in access exclusive mode")
            sender.start()
            while not mail.arrived:
                await asyncio.sleep(0.02)
            owner_connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'steading sweep' and datname = current_database()"
            )
        async with asyncio.timeout(15):
            while (await row_of(world, row)).status is not SENT:
                await asyncio.sleep(0.05)
        await sender.stop()
    assert len(mail.arrived) == 1


async def test_an_organization_that_is_gone_keeps_nobody_else_waiting(
    world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    telnyx = Telnyx()
    await set_up(world.owner)
    await reachable(world.owner)
    await told(world, message(Channel.SMS, user_id=world.owner.user_id))
    async with telnyx.running() as url:
        sms = worker(Channel.SMS, over, telnyx_url=url)
        async with across_tenants("tests") as tx:
            (outgoing,) = await sending.claim(tx, Channel.SMS, most=1, at=now())
        gone = dataclasses.replace(outgoing, organization_id=uuid4())
        async with across_tenants("tests") as tx:
            await sending.settle(tx, [Outcome(gone, SENT, now()), Outcome(outgoing, SENT, now())])
        assert await sms.send_due() == 0
    assert owner_connection.execute("select status from notifications.notification_deliveries").fetchall() == [("sent",)]
