import asyncio

import psycopg
import pytest

from data.core.errors import Forbidden, Invalid, NotFound, Unauthenticated
from data.core.session import across_tenants, transaction
from data.identity import commands, door, members
from data.identity.door import FAILURES_ALLOWED, Browser
from data.identity.events import TokensChanged
from data.identity.tables import Role, TokenKind, User
from tests.factories.people import PASSWORD, World, person

BROWSER = Browser("127.0.0.1", "Mozilla/5.0 (Linux; Android 13) Chrome/120.0")


@pytest.fixture
async def olga(world: World) -> str:
    """Somebody who signs in with a password; her address."""
    await person(world.organization, "Orla Other", Role.MANAGER, password=PASSWORD)
    return "orla.green@example.org"


async def test_the_right_password_opens_a_session_that_knows_its_person(olga: str, world: World) -> None:
    token = await door.sign_in(f" {olga.upper()} ", PASSWORD, BROWSER)
    actor = await door.who(token, BROWSER)
    assert actor is not None
    assert (actor.name, actor.organization_id) == ("Orla Other", world.organization_id)
    assert actor.may("farm.switch") and not actor.may("organization.delete")


async def test_each_sign_in_gets_a_new_token_and_only_its_hash_is_kept(olga: str, owner_connection: psycopg.Connection) -> None:
    first, second = [await door.sign_in(olga, PASSWORD, BROWSER) for _ in range(2)]
    assert first != second
    kept = owner_connection.execute("select token_hash from identity.auth_sessions").fetchall()
    assert all(first.encode() not in bytes(row[0]) for row in kept) and len(kept) == 2


@pytest.mark.parametrize("name", ["orla.green@example.org", "nobody@example.org", ""])
async def test_a_wrong_password_and_an_unknown_name_are_told_the_same(olga: str, name: str) -> None:
    with pytest.raises(Unauthenticated, match="The name or the password is not right"):
        await door.sign_in(name, "wrong", BROWSER)


async def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(olga: str, owner_connection: psycopg.Connection) -> None:
    for _ in range(FAILURES_ALLOWED):
        with pytest.raises(Unauthenticated):
            await door.sign_in(olga, "wrong", BROWSER)
    with pytest.raises(Forbidden, match="15 minutes"):
        await door.sign_in(olga, PASSWORD, BROWSER)
    owner_connection.execute("update identity.users set locked_until_at = now() - interval '1 second' where email = %s", [olga])
    assert await door.sign_in(olga, PASSWORD, BROWSER)


async def test_a_success_forgets_the_failures_before_it(olga: str) -> None:
    for _ in range(2):
        for _ in range(FAILURES_ALLOWED - 1):
            with pytest.raises(Unauthenticated):
                await door.sign_in(olga, "wrong", BROWSER)
        assert await door.sign_in(olga, PASSWORD, BROWSER)


@pytest.mark.parametrize(
    "ending",
    [
        "update identity.auth_sessions set revoked_at = now()",
        "update identity.auth_sessions set expires_at = now() - interval '1 second'",
        "update identity.users set is_active = false",
        "update identity.users set deleted_at = now()",
    ],
)
async def test_an_ended_session_is_nobody(olga: str, owner_connection: psycopg.Connection, ending: str) -> None:
    token = await door.sign_in(olga, PASSWORD, BROWSER)
    owner_connection.execute(ending)
    assert await door.who(token, BROWSER) is None


async def test_sessions_are_listed_and_ended_by_their_owner_only(olga: str, world: World) -> None:
    token = await door.sign_in(olga, PASSWORD, BROWSER)
    actor = await door.who(token, BROWSER)
    assert actor and actor.user_id and world.stranger.user_id
    [session] = await door.sessions_of(actor.user_id)
    assert session.device_name == "Chrome · Android"
    await door.end_session(world.stranger.user_id, session.id)
    assert await door.who(token, BROWSER) is not None
    await door.end_session(actor.user_id, session.id)
    assert await door.who(token, BROWSER) is None


async def test_an_invitation_lets_one_person_join_once(world: World) -> None:
    async with transaction(world.owner) as tx:
        _, token = await members.invite(tx, role=Role.STAFF, email="new@example.org")
    with pytest.raises(Invalid) as wrong:
        await commands.accept_invitation(token, BROWSER, name="New", email="other@example.org", password=PASSWORD)
    assert wrong.value.field == "email"
    session = await commands.accept_invitation(token, BROWSER, name="New", email="new@example.org", password=PASSWORD)
    actor = await door.who(session, BROWSER)
    assert actor and actor.organization_id == world.organization_id and actor.may("cold_chain.log")
    with pytest.raises(NotFound):
        await commands.accept_invitation(token, BROWSER, name="Again", email="again@example.org", password=PASSWORD)


async def test_an_old_invitation_is_of_no_use(world: World, owner_connection: psycopg.Connection) -> None:
    async with transaction(world.owner) as tx:
        _, token = await members.invite(tx, role=Role.STAFF)
    owner_connection.execute("update identity.invitations set expires_at = now()")
    with pytest.raises(NotFound):
        await commands.accept_invitation(token, BROWSER, name="Late", email="late@example.org", password=PASSWORD)


@pytest.mark.parametrize(("who", "role"), [("owner", Role.OWNER), ("colleague", Role.VIEWER), ("keeper", Role.KEEPER)])
async def test_nobody_gives_a_role_that_is_not_theirs_to_give(world: World, who: str, role: Role) -> None:
    with pytest.raises(Forbidden):
        async with transaction(getattr(world, who)) as tx:
            await members.invite(tx, role=role)


async def test_a_new_password_by_link_ends_every_session_and_works_once(olga: str) -> None:
    session = await door.sign_in(olga, PASSWORD, BROWSER)
    assert await commands.ask_for_reset("nobody@example.org") is None
    found = await commands.ask_for_reset(olga)
    assert found
    with pytest.raises(Invalid):
        await commands.reset_password(found.token, "short")
    await commands.reset_password(found.token, "a better password")
    assert await door.who(session, BROWSER) is None
    assert await door.sign_in(olga, "a better password", BROWSER)
    with pytest.raises(Unauthenticated):
        await commands.reset_password(found.token, "yet another password")


async def test_a_machines_secret_opens_its_own_door_until_rotated_or_revoked(world: World) -> None:
    async with transaction(world.owner) as tx:
        token, secret = await commands.make_token(tx, name="webhook", kind=TokenKind.FEED, network="ttn")
    assert (await door.machine(secret, TokenKind.FEED, network="ttn")).organization_id == world.organization_id
    for kind, network in ((TokenKind.API, "ttn"), (TokenKind.FEED, "trees")):
        with pytest.raises(Unauthenticated):
            await door.machine(secret, kind, network=network)
    async with transaction(world.owner) as tx:
        rotated = await commands.rotate_token(tx, token.id)
    with pytest.raises(Unauthenticated):
        await door.machine(secret, TokenKind.FEED)
    assert await door.machine(rotated, TokenKind.FEED)
    async with transaction(world.owner) as tx:
        await commands.revoke_token(tx, token.id)
    with pytest.raises(Unauthenticated):
        await door.machine(rotated, TokenKind.FEED)


@pytest.mark.parametrize(("who", "refusal"), [("colleague", Forbidden), ("stranger", NotFound)])
async def test_others_cannot_touch_a_machines_secret(world: World, who: str, refusal: type[Exception]) -> None:
    async with transaction(world.owner) as tx:
        token, _ = await commands.make_token(tx, name="webhook", kind=TokenKind.FEED)
    for command in (commands.rotate_token, commands.revoke_token):
        with pytest.raises(refusal):
            async with transaction(getattr(world, who)) as tx:
                await command(tx, token.id)


async def test_one_looks_only_at_organizations_one_belongs_to(olga: str, world: World) -> None:
    token = await door.sign_in(olga, PASSWORD, BROWSER)
    actor = await door.who(token, BROWSER)
    assert actor and actor.user_id
    with pytest.raises(Forbidden):
        await door.choose_organization(actor, world.other.id)
    async with across_tenants("tests") as tx:
        await commands.give_role(tx, actor.user_id, role=Role.VIEWER, organization_id=world.other.id)
    await door.choose_organization(actor, world.other.id)
    there = await door.who(token, BROWSER)
    assert there and there.organization_id == world.other.id and not there.may("farm.switch")


async def test_a_provider_finds_a_person_by_verified_address_once_and_by_subject_from_then_on(olga: str, owner_connection: psycopg.Connection) -> None:
    with pytest.raises(Unauthenticated):
        await door.sign_in_by_provider("https://id.example", "42", None, BROWSER)
    await door.sign_in_by_provider("https://id.example", "42", olga, BROWSER)
    owner_connection.execute("update identity.users set email = 'moved@example.org' where email = %s", [olga])
    assert await door.sign_in_by_provider("https://id.example", "42", None, BROWSER)
    with pytest.raises(Unauthenticated):
        await door.sign_in_by_provider("https://id.example", "43", "moved@example.org", BROWSER)


async def test_preferences_must_be_ones_there_are(world: World) -> None:
    async with transaction(world.owner) as tx:
        await commands.set_preferences(tx, language="km", units="fahrenheit", time_zone="Asia/Phnom_Penh")
    for field, value in (("language", "xx"), ("units", "kelvin"), ("time_zone", "Mars/Base")):
        with pytest.raises(Invalid) as wrong:
            async with transaction(world.owner) as tx:
                await commands.set_preferences(tx, **{field: value})
        assert wrong.value.field == field
    async with transaction(world.owner) as tx:
        assert (await tx.get_one(User, world.owner.user_id)).language == "km"




async def test_a_secret_revoked_elsewhere_is_forgotten_here_as_soon_as_it_is_heard(world: World, owner_connection: psycopg.Connection) -> None:
    async with transaction(world.owner) as tx:
        token, secret = await commands.make_token(tx, name="webhook", kind=TokenKind.FEED)
    assert await door.machine(secret, TokenKind.FEED)
    owner_connection.execute("update identity.api_tokens set revoked_at = now()")
    assert await door.machine(secret, TokenKind.FEED), "a token is not looked up for each message"
    told = TokensChanged(token_id=token.id).payload(world.organization_id)
    owner_connection.execute("select pg_notify('steading', %s)", [told])
    for _ in range(100):
        await asyncio.sleep(0.02)
        try:
            await door.machine(secret, TokenKind.FEED)
        except Unauthenticated:
            break
    else:
        raise AssertionError("the revoked secret still opens the door")
