"""Owners and admins set up how their organization sends; secrets are shown once and kept sealed."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.identity.secrets import seal
from data.notifications import queries
from data.notifications.commands import channels
from data.notifications.tables import Channel, DeliveryStatus
from tests.factories.channels import message, told
from tests.factories.people import World

PUBLIC_KEY = "4tHgnKLg5PnMmz4jXw4Yoqv5eAMFRmeVM6UPH7Wv0qI="
SMS: dict[str, Any] = {"number": "+1 (555) 000-1111", "api_key": "KEY0123456789", "public_key": PUBLIC_KEY, "profile_id": None}
TOKEN = "123456:ABC-DEF1234ghIkl"


async def test_the_account_for_text_messages_is_kept_sealed_and_changed_without_its_key(world: World, owner_connection: psycopg.Connection) -> None:
    async with transaction(world.owner) as tx:
        await channels.set_sms(tx, **SMS)
    async with transaction(world.owner) as tx:
        await channels.set_sms(tx, **(SMS | {"api_key": None, "number": "+15550002222", "is_enabled": False}))
    async with transaction(world.owner) as tx:
        sms = (await queries.set_up(tx)).sms
        assert sms and (sms.telnyx_api_key_last_four, sms.telnyx_phone_number, sms.is_enabled) == ("6789", "+15550002222", False)
        assert seal().open(sms.telnyx_api_key_encrypted) == "KEY0123456789"
    logged = str(owner_connection.execute("select event_data from audit.event_logs").fetchall())
    assert "KEY0123456789" not in logged and "+15550002222" in logged
    async with transaction(world.owner) as tx:
        await channels.remove_sms(tx)
    async with transaction(world.owner) as tx:
        assert (await queries.set_up(tx)).sms is None and not await queries.has_sms(tx)
        await channels.set_sms(tx, **SMS)
    async with transaction(world.owner) as tx:
        assert await queries.has_sms(tx)


@pytest.mark.parametrize(("changes", "field"), [({"number": "555"}, "number"), ({"api_key": ""}, "api_key"), ({"public_key": "AAAA"}, "public_key"), ({"public_key": "?"}, "public_key")])
async def test_an_account_that_cannot_work_is_refused_at_its_field(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        async with transaction(world.owner) as tx:
            await channels.set_sms(tx, **(SMS | changes))
    assert caught.value.field == field


async def test_a_partner_hears_both_signatures_while_its_secret_is_replaced(world: World) -> None:
    async with transaction(world.owner) as tx:
        id, secret = await channels.create_endpoint(tx, name="Partner", url=" https://partner.example/hook ", event_types=["alert.raised"])
    async with transaction(world.owner) as tx:
        newer = await channels.rotate_secret(tx, id)
    async with transaction(world.owner) as tx:
        one = await queries.endpoint(tx, id)
        assert (seal().open(one.secret_encrypted), seal().open(one.previous_secret_encrypted or b"")) == (newer, secret)
        assert one.url == "https://partner.example/hook" and one.previous_secret_until_at and secret.startswith("whsec_") and secret != newer
        await channels.change_endpoint(tx, id, name="P", url=one.url, event_types=[], is_enabled=False)
    async with transaction(world.owner) as tx:
        await channels.delete_endpoint(tx, id)
    async with transaction(world.owner) as tx:
        assert (await queries.set_up(tx)).endpoints == []
        with pytest.raises(NotFound):
            await queries.endpoint(tx, id)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"url": "partner.example"}, "url"), ({"url": "https://user@partner.example"}, "url"), ({"name": " "}, "name"), ({"event_types": ["door.opened"]}, "event_types")],
)
async def test_an_endpoint_that_cannot_be_is_refused_at_its_field(world: World, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        async with transaction(world.owner) as tx:
            await channels.create_endpoint(tx, **({"name": "Partner", "url": "https://partner.example"} | given))
    assert caught.value.field == field


async def test_who_else_gets_mail_is_a_list_of_addresses(world: World) -> None:
    async with transaction(world.owner) as tx:
        await channels.set_settings(tx, is_email_enabled=True, email_recipients=["a@example.org", " a@example.org", "", "b@example.org"], sms_per_hour=20)
    async with transaction(world.colleague) as tx:
        assert await queries.organization_addresses(tx) == ["a@example.org", "b@example.org"]
    for changes in ({"email_recipients": ["nobody"]}, {"email_recipients": [f"a{n}@example.org" for n in range(51)]}, {"sms_per_hour": -1}):
        with pytest.raises(Invalid):
            async with transaction(world.owner) as tx:
                await channels.set_settings(tx, **({"is_email_enabled": True, "email_recipients": [], "sms_per_hour": 20} | changes))  # type: ignore[arg-type]


async def test_what_failed_can_be_sent_once_more_and_nothing_else_can(world: World, owner_connection: psycopg.Connection) -> None:
    [row] = await told(world, message(Channel.EMAIL, user_id=world.colleague.user_id))
    with pytest.raises(Conflict):
        async with transaction(world.owner) as tx:
            await channels.retry(tx, row.id)
    owner_connection.execute("update notifications.notification_deliveries set status = 'failed', retry_count = 3, next_attempt_at = null, failed_at = now()")
    async with transaction(world.owner) as tx:
        assert (await queries.failed_lately(tx, row.created_at))[0] == 1
        await channels.retry(tx, row.id)
    async with transaction(world.owner) as tx:
        [again], total = await queries.deliveries(tx)
        assert (again.name, again.delivery.status, again.delivery.retry_count, total) == ("Colin Colleague", DeliveryStatus.PENDING, 0, 1)
        assert again.delivery.next_attempt_at and await queries.failed_lately(tx, row.created_at) == (0, None)


async def test_everything_sent_can_be_looked_through(world: World) -> None:
    await told(
        world, message(Channel.EMAIL, user_id=world.colleague.user_id), message(Channel.SMS, user_id=world.owner.user_id),
        message(Channel.EMAIL, address="partner@example.org"),
    )  # fmt: skip
    async with transaction(world.owner) as tx:
        async def found(**asked: Any) -> list[str]:
            return [t.name or t.delivery.recipient for t in (await queries.deliveries(tx, **asked))[0]]

        assert await found() == ["partner@example.org", "Olga Owner", "Colin Colleague"]
        assert await found(channel="sms") == ["Olga Owner"] and await found(status="pending", search="colin") == ["Colin Colleague"]
        assert await found(search="partner@") == ["partner@example.org"] and await found(limit=1, offset=1) == ["Olga Owner"]
    async with transaction(world.stranger) as tx:
        assert await queries.deliveries(tx) == ([], 0)


NOBODY = UUID(int=1)
COMMANDS: list[Any] = [
    lambda tx: channels.set_sms(tx, **SMS), lambda tx: channels.remove_sms(tx), lambda tx: channels.set_bot(tx, token=TOKEN),
    lambda tx: channels.remove_bot(tx), lambda tx: channels.set_settings(tx, is_email_enabled=False, email_recipients=[], sms_per_hour=1),
    lambda tx: channels.create_endpoint(tx, name="P", url="https://p.example"), lambda tx: channels.rotate_secret(tx, NOBODY),
    lambda tx: channels.change_endpoint(tx, NOBODY, name="P", url="https://p.example", event_types=[], is_enabled=True),
    lambda tx: channels.delete_endpoint(tx, NOBODY), lambda tx: channels.end_rest(tx, Channel.SMS), lambda tx: channels.retry(tx, NOBODY),
    lambda tx: channels.test_address(tx, Channel.EMAIL, address="a@example.org"), lambda tx: queries.set_up(tx), lambda tx: queries.deliveries(tx),
]  # fmt: skip


@pytest.mark.parametrize("who", ["colleague", "viewer", "keeper", "driver"])
async def test_staff_may_set_up_and_see_nothing_of_it(world: World, who: str) -> None:
    for command in COMMANDS:
        with pytest.raises(Forbidden):
            async with transaction(getattr(world, who)) as tx:
                await command(tx)


async def test_a_stranger_reaches_nothing_of_ours(world: World) -> None:
    async with transaction(world.owner) as tx:
        await channels.set_sms(tx, **SMS)
        id, _ = await channels.create_endpoint(tx, name="P", url="https://p.example")
    [row] = await told(world, message(Channel.EMAIL, user_id=world.owner.user_id))
    async with transaction(world.stranger) as tx:
        theirs = await queries.set_up(tx)
        assert theirs.sms is None and theirs.endpoints == []
        for attempt in (channels.rotate_secret(tx, id), channels.delete_endpoint(tx, id), channels.retry(tx, row.id), queries.delivery(tx, row.id)):
            with pytest.raises(NotFound):
                await attempt


async def test_a_bot_is_kept_sealed_and_anything_else_is_no_token(world: World) -> None:
    async with transaction(world.owner) as tx:
        await channels.set_bot(tx, token=f" {TOKEN} ")
    async with transaction(world.owner) as tx:
        bot = await queries.bot(tx)
        assert bot and seal().open(bot.bot_token_encrypted) == TOKEN and bot.bot_token_last_four == "hIkl"
        with pytest.raises(Invalid):
            await channels.set_bot(tx, token="hello")
        await channels.remove_bot(tx)
    async with transaction(world.owner) as tx:
        assert await queries.bot(tx) is None


async def test_a_mended_channel_may_be_tried_at_once(world: World, owner_connection: psycopg.Connection) -> None:
    owner_connection.execute(
        "insert into notifications.channel_states (id, organization_id, channel, consecutive_failures, open_until_at)"
        " values (gen_random_uuid(), %s, 'sms', 7, now() + interval '10 minutes')", [world.organization_id]
    )  # fmt: skip
    async with transaction(world.owner) as tx:
        assert [(state.channel, name) for state, name in await queries.resting(tx, now())] == [(Channel.SMS, "")]
        await channels.end_rest(tx, Channel.SMS)
    async with transaction(world.owner) as tx:
        assert await queries.resting(tx, now()) == []
    assert owner_connection.execute("select consecutive_failures, open_until_at from notifications.channel_states").fetchall() == [(0, None)]
