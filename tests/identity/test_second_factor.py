"""A right password alone opens nothing for somebody who has a second factor."""

from datetime import timedelta

import psycopg
import pyotp
import pytest

from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid, Unauthenticated
from data.core.session import across_tenants
from data.core.time import now
from data.identity import commands, door, second_factor
from data.identity.door import Browser
from data.identity.tables import Role
from tests.factories.people import World

PASSWORD = "correct horse battery"
NAME = "ada@example.org"


@pytest.fixture
async def ada(world: World) -> Actor:
    async with across_tenants("tests") as tx:
        user = await commands.create_user(tx, name="Ada Admin", email=NAME, password=PASSWORD)
        await commands.give_role(tx, user.id, role=Role.ADMIN, organization_id=world.organization_id)
    found = await door.who(await door.sign_in(NAME, PASSWORD, Browser()), Browser())
    assert found
    return found


def code(secret: str, *, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(now() + timedelta(seconds=30 * steps))


async def turned_on(who: Actor) -> tuple[str, list[str]]:
    secret = second_factor.new_secret()
    return secret, await second_factor.turn_on(who, secret, code(secret, steps=-1))


async def test_the_password_opens_nothing_until_the_code_is_shown(ada: Actor) -> None:
    secret, _codes = await turned_on(ada)
    token = await door.sign_in(NAME, PASSWORD, Browser())
    assert await second_factor.is_due(token)
    assert await door.who(token, Browser()) is None
    fresh = await second_factor.show_code(token, code(secret))
    assert (await door.who(fresh, Browser())).user_id == ada.user_id  # type: ignore[union-attr]
    assert await door.who(token, Browser()) is None, "the token changes when somebody has come in"


async def test_a_code_counts_once(ada: Actor) -> None:
    secret, _codes = await turned_on(ada)
    shown = code(secret)
    await second_factor.show_code(await door.sign_in(NAME, PASSWORD, Browser()), shown)
    with pytest.raises(Unauthenticated):
        await second_factor.show_code(await door.sign_in(NAME, PASSWORD, Browser()), shown)


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (0, True), (1, True), (2, False)])
async def test_a_clock_may_differ_by_half_a_minute(ada: Actor, steps: int, is_right: bool) -> None:
    secret, _codes = await turned_on(ada)
    token = await door.sign_in(NAME, PASSWORD, Browser())
    if is_right:
        assert await second_factor.show_code(token, code(secret, steps=steps))
    else:
        with pytest.raises(Unauthenticated):
            await second_factor.show_code(token, code(secret, steps=steps))


async def test_a_code_for_a_lost_telephone_opens_once_however_it_is_typed(ada: Actor) -> None:
    _secret, codes = await turned_on(ada)
    assert len(set(codes)) == 10
    assert await second_factor.show_code(await door.sign_in(NAME, PASSWORD, Browser()), f" {codes[0].upper()} ")
    with pytest.raises(Unauthenticated):
        await second_factor.show_code(await door.sign_in(NAME, PASSWORD, Browser()), codes[0])
    assert await second_factor.recovery_codes_left(ada) == 9


async def test_wrong_codes_lock_the_account_like_wrong_passwords(ada: Actor) -> None:
    secret, _codes = await turned_on(ada)
    token = await door.sign_in(NAME, PASSWORD, Browser())
    for _ in range(door.FAILURES_ALLOWED):
        with pytest.raises(Unauthenticated):
            await second_factor.show_code(token, "000000")
    with pytest.raises(Forbidden):
        await second_factor.show_code(token, code(secret))


async def test_a_password_that_waits_too_long_for_its_code_is_forgotten(ada: Actor, owner_connection: psycopg.Connection) -> None:
    secret, _codes = await turned_on(ada)
    token = await door.sign_in(NAME, PASSWORD, Browser())
    owner_connection.execute("update identity.auth_sessions set expires_at = now() where is_second_factor_due")
    assert not await second_factor.is_due(token)
    with pytest.raises(Unauthenticated):
        await second_factor.show_code(token, code(secret))


async def test_it_is_turned_off_only_with_a_code(ada: Actor) -> None:
    secret, _codes = await turned_on(ada)
    with pytest.raises(Invalid):
        await second_factor.turn_off(ada, "123456")
    await second_factor.turn_off(ada, code(secret))
    assert await door.who(await door.sign_in(NAME, PASSWORD, Browser()), Browser())


async def test_a_wrong_first_code_turns_nothing_on(ada: Actor) -> None:
    with pytest.raises(Invalid):
        await second_factor.turn_on(ada, second_factor.new_secret(), "000000")
    assert await door.who(await door.sign_in(NAME, PASSWORD, Browser()), Browser())


async def test_the_secret_is_readable_nowhere(ada: Actor, owner_connection: psycopg.Connection) -> None:
    secret, codes = await turned_on(ada)
    kept = owner_connection.execute("select totp_secret_encrypted::text from identity.users where totp_secret_encrypted is not null").fetchall()
    logged = owner_connection.execute("select event_data::text from audit.event_logs").fetchall()
    assert secret not in str(kept) + str(logged)
    assert not any(one.replace("-", "") in str(logged) for one in codes)
