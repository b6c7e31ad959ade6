"""Everybody says for themselves how they want to be told, and proves where they are reached."""

import re
from datetime import time, timedelta
from typing import Any

import psycopg
import pytest

from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.identity.secrets import seal
from data.notifications import queries
from data.notifications.commands import preferences
from data.notifications.tables import Channel, DeliveryStatus
from tests.factories.channels import PHONE, reachable, set_up
from tests.factories.people import World

KEYS = {"p256dh": "B" * 87, "auth": "A" * 22}
CHOSEN: dict[str, Any] = {
    "flags": {"is_sms_enabled": True, "is_push_enabled": False, "digest_daily": True, "nonsense": True}, "least_severity": "critical",
    "quiet_from": time(22), "quiet_until": time(6), "digest_time": time(7, 30), "digest_site_ids": None,
}  # fmt: skip


async def test_one_chooses_for_oneself_and_for_nobody_else(world: World) -> None:
    for _ in range(2):
        async with transaction(world.colleague) as tx:
            await preferences.set_preferences(tx, **CHOSEN)
    async with transaction(world.colleague) as tx:
        mine = await queries.own_preference(tx)
        assert (mine.is_sms_enabled, mine.is_push_enabled, mine.is_email_enabled, mine.least_severity) == (True, False, True, "critical")
        assert (mine.quiet_from, mine.digest_time, mine.digest_daily) == (time(22), time(7, 30), True)
        assert mine.digest_daily_sent_on is not None
    for who in (world.owner, world.stranger):
        async with transaction(who) as tx:
            assert (await queries.own_preference(tx)).quiet_from is None


@pytest.mark.parametrize(
    ("changes", "field"), [({"quiet_until": None}, "quiet_until"), ({"quiet_from": None}, "quiet_from"), ({"least_severity": "loud"}, "least_severity")]
)
async def test_what_cannot_be_is_refused_at_its_field(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        async with transaction(world.colleague) as tx:
            await preferences.set_preferences(tx, **(CHOSEN | changes))
    assert caught.value.field == field


def code_in(connection: psycopg.Connection) -> str:
    row = connection.execute("select message_values->>'code' from notifications.notification_deliveries where purpose = 'code' order by id desc").fetchone()
    assert row
    return str(row[0])


async def test_a_number_is_ones_own_once_its_code_was_shown(world: World, owner_connection: psycopg.Connection) -> None:
    await set_up(world.owner)
    async with transaction(world.colleague) as tx:
        await preferences.send_phone_code(tx, "+855 12-345 678")
    code = code_in(owner_connection)
    assert re.fullmatch(r"\d{6}", code)
    async with transaction(world.colleague) as tx:
        assert not (await queries.own_addresses(tx)).is_phone_verified
    async with transaction(world.colleague) as tx:
        assert await preferences.confirm_phone(tx, f"{code[:3]} {code[3:]}") is None
    async with transaction(world.colleague) as tx:
        mine = await queries.own_addresses(tx)
        assert (mine.phone, mine.is_phone_verified) == (PHONE, True)
        assert await preferences.confirm_phone(tx, code) == "This code is too old. Ask for a new one."


async def test_a_code_can_be_guessed_at_five_times_only(world: World, owner_connection: psycopg.Connection) -> None:
    await set_up(world.owner)
    async with transaction(world.colleague) as tx:
        await preferences.send_phone_code(tx, PHONE)
    code = code_in(owner_connection)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(5):
        async with transaction(world.colleague) as tx:
            assert await preferences.confirm_phone(tx, wrong) == "This is not the code."
    async with transaction(world.colleague) as tx:
        assert await preferences.confirm_phone(tx, code) == "This code is too old. Ask for a new one."
    async with transaction(world.owner) as tx:
        assert await preferences.confirm_phone(tx, code) == "This code is too old. Ask for a new one."


async def test_a_code_grows_old_and_five_an_hour_are_enough(world: World, owner_connection: psycopg.Connection) -> None:
    await set_up(world.owner)
    for _ in range(5):
        async with transaction(world.colleague) as tx:
            await preferences.send_phone_code(tx, PHONE)
    with pytest.raises(Conflict, match="Too many codes"):
        async with transaction(world.colleague) as tx:
            await preferences.send_phone_code(tx, PHONE)
    owner_connection.execute("update notifications.phone_codes set expires_at = %s", [now() - timedelta(seconds=1)])
    async with transaction(world.colleague) as tx:
        assert await preferences.confirm_phone(tx, code_in(owner_connection)) == "This code is too old. Ask for a new one."


async def test_a_number_belongs_to_one_account_also_beyond_the_wall(world: World, owner_connection: psycopg.Connection) -> None:
    await set_up(world.owner)
    await reachable(world.stranger)
    async with transaction(world.colleague) as tx:
        await preferences.send_phone_code(tx, PHONE)
    with pytest.raises(Conflict, match="another account"):
        async with transaction(world.colleague) as tx:
            await preferences.confirm_phone(tx, code_in(owner_connection))


@pytest.mark.parametrize("phone", ["012 345 678", "+0 123456789", "+855", "hello", "+85512345678901234"])
async def test_only_a_number_with_its_country_is_sent_a_code(world: World, phone: str) -> None:
    await set_up(world.owner)
    with pytest.raises(Invalid) as caught:
        async with transaction(world.colleague) as tx:
            await preferences.send_phone_code(tx, phone)
    assert caught.value.field == "phone"


async def test_without_an_account_for_text_messages_no_code_is_sent(world: World) -> None:
    with pytest.raises(Conflict, match="not set up"):
        async with transaction(world.colleague) as tx:
            await preferences.send_phone_code(tx, PHONE)


async def test_a_browser_is_kept_once_with_its_secret_sealed_and_let_go_by_its_owner(world: World, owner_connection: psycopg.Connection) -> None:
    for name in ("Firefox", "Firefox on Linux"):
        async with transaction(world.colleague) as tx:
            id = await preferences.subscribe_browser(tx, endpoint="https://push.example/a", device_name=name, **KEYS)
    [(auth, name)] = owner_connection.execute("select auth_encrypted, device_name from notifications.push_subscriptions").fetchall()
    assert seal().open(auth) == KEYS["auth"] and name == "Firefox on Linux"
    for who in (world.owner, world.stranger):
        with pytest.raises(NotFound):
            async with transaction(who) as tx:
                await preferences.forget_browser(tx, id)
    async with transaction(world.colleague) as tx:
        await preferences.forget_browser(tx, id)
    async with transaction(world.colleague) as tx:
        assert (await queries.own_addresses(tx)).browsers == []


async def test_of_too_many_browsers_the_oldest_goes(world: World) -> None:
    for n in range(preferences.MOST_BROWSERS + 2):
        async with transaction(world.colleague) as tx:
            await preferences.subscribe_browser(tx, endpoint=f"https://push.example/{n}", device_name=None, **KEYS)
    async with transaction(world.colleague) as tx:
        browsers = (await queries.own_addresses(tx)).browsers
    assert len(browsers) == preferences.MOST_BROWSERS and browsers[0].endpoint == "https://push.example/2"


@pytest.mark.parametrize(
    "given", [{"endpoint": "javascript:alert(1)"}, {"endpoint": "https:///x"}, {"p256dh": "short"}, {"auth": "x" * 200}, {"endpoint": "https://x/" + "y" * 2000}]
)
async def test_nonsense_is_no_browser(world: World, given: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        async with transaction(world.colleague) as tx:
            await preferences.subscribe_browser(tx, **({"endpoint": "https://push.example/a", "device_name": None, **KEYS} | given))  # type: ignore[arg-type]


async def test_ten_tests_an_hour_are_enough(world: World) -> None:
    for _ in range(preferences.MOST_TESTS_AN_HOUR):
        async with transaction(world.colleague) as tx:
            await preferences.test_own(tx, Channel.EMAIL)
    with pytest.raises(Conflict, match="Too many tests"):
        async with transaction(world.colleague) as tx:
            await preferences.test_own(tx, Channel.EMAIL)
    async with transaction(world.owner) as tx:
        assert await preferences.test_own(tx, Channel.EMAIL)


async def test_a_test_to_oneself_is_sent_whatever_one_chose_and_seen_by_oneself_only(world: World) -> None:
    await set_up(world.owner)
    await reachable(world.colleague, is_email_enabled=False, least_severity="critical")
    ids = []
    for channel in (Channel.EMAIL, Channel.SMS, Channel.TELEGRAM, Channel.PUSH):
        async with transaction(world.colleague) as tx:
            ids += await preferences.test_own(tx, channel)
    async with transaction(world.colleague) as tx:
        found = await queries.latest_of(tx, ids)
        assert [d.status for d in found] == [DeliveryStatus.PENDING] * 3 + [DeliveryStatus.SUPPRESSED]
        assert len(await queries.own_deliveries(tx)) == 4
    for who, count in ((world.viewer, 0), (world.stranger, 0), (world.owner, 4)):
        async with transaction(who) as tx:
            assert len(await queries.latest_of(tx, ids)) == count
