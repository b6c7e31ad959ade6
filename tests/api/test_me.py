"""Oneself over the JSON interface: one's name and addresses, where one is signed in, and what one did."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import psycopg
import pyotp
import pytest

from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.farm.commands import create_farm
from data.identity import commands, door, own_email, second_factor
from data.identity.door import Browser
from data.identity.tables import Role
from jobs import api
from tests.api.conftest import Programs
from tests.api.test_accounts import link_in
from tests.factories.channels import set_up
from tests.factories.doors import doors
from tests.factories.outside import MailServer
from tests.factories.people import PASSWORD, World, person

ME, SESSIONS, ACTIVITY = "/v1/users/me", "/v1/users/sessions", "/v1/users/activity-log"
NEW = {"email": "nina@new.example", "current_password": PASSWORD}


@pytest.fixture(scope="module")
def mail() -> Any:
    server = MailServer()
    with server.running() as url:
        yield server, url


@pytest.fixture
async def posted(mail: tuple[MailServer, str]) -> AsyncIterator[tuple[Programs, MailServer]]:
    server, url = mail
    server.arrived.clear()
    settings = Settings(_env_file=None, public_url="https://farm.example", smtp_url=url)  # type: ignore[call-arg]
    async with doors(api.router, settings=settings) as client:
        yield Programs(client), server


async def test_somebody_calls_themselves_something_else_and_sees_things_their_way(world: World, asking: Programs) -> None:
    olga = await asking.of(world.owner)
    before = await olga.ask("GET", ME)
    assert (before["email"], before["pending"], before["organization_id"]) == ("olga.green@example.org", {"email": None}, str(world.organization_id))
    wishes = {"name": "Olga Orchard", "language": "km", "time_zone": "Asia/Phnom_Penh", "units": "fahrenheit"}
    assert (await olga.ask("PUT", ME, wishes)).items() >= wishes.items()
    assert (await olga.ask("PUT", ME, await olga.ask("GET", ME))).items() >= wishes.items(), "what is read can be written back"
    for given, field in (({"name": " "}, "name"), ({"language": "xx"}, "language"), ({"time_zone": "Moon/Base"}, "time_zone"), ({"units": "kelvin"}, "units")):
        assert (await olga.ask("PUT", ME, given, status=422))["details"]["field"] == field
    stranger = await asking.of(world.stranger)
    assert (await stranger.ask("GET", ME))["name"] == "Sam Stranger"


async def test_a_new_address_is_ones_own_once_its_link_was_shown(
    world: World, posted: tuple[Programs, MailServer], owner_connection: psycopg.Connection
) -> None:
    asking, post = posted
    nina = await person(world.organization, "Nina New", Role.VIEWER, password=PASSWORD)
    program, other = await asking.of(nina), await asking.of(nina)
    for given, field in (
        ({"email": "nina@new.example"}, "current_password"), (NEW | {"current_password": "guess"}, "current_password"), (NEW | {"email": "no address"}, "email"),
        ({"email": "nina@new.example", "code": "123456"}, "code"),
    ):  # fmt: skip
        assert (await program.ask("PUT", ME, given, status=422))["details"]["field"] == field
    assert post.arrived == []
    asked = await program.ask("PUT", ME, NEW)
    assert (asked["email"], asked["pending"]["email"]) == ("nina.green@example.org", "nina@new.example")
    assert [str(one["To"]) for one in post.arrived] == ["nina@new.example", "nina.green@example.org"]
    told = post.arrived.pop().get_body(("plain",))
    assert told and "nina@new.example" in told.get_content() and "/new-address/" not in told.get_content()

    token = link_in(post, "/new-address")
    reset = await commands.ask_for_reset("nina.green@example.org")
    await (await asking.of(world.owner)).ask("POST", f"{ME}/email", {"token": token}, status=404)
    changed = await program.ask("POST", f"{ME}/email", {"token": token})
    assert (changed["email"], changed["is_email_verified"], changed["pending"]["email"]) == ("nina@new.example", True, None)
    assert (await other.ask("GET", ME))["email"] == "nina@new.example", "sessions go on"
    assert str(post.arrived[-1]["To"]) == "nina.green@example.org"
    await program.ask("POST", f"{ME}/email", {"token": token}, status=404)
    assert reset
    with pytest.raises(Exception, match="too old"):
        await commands.reset_password(reset.token, "by an old link")
    lines, _ = await program.list(ACTIVITY)
    assert "identity.email.changed" in {one["event_type"] for one in lines}
    kept = owner_connection.execute("select organization_id from audit.event_logs where event_type = 'identity.email.changed'").fetchall()
    assert kept == [(world.organization_id,)]


async def test_an_address_that_another_has_is_told_to_them_alone(
    world: World, posted: tuple[Programs, MailServer], owner_connection: psycopg.Connection
) -> None:
    asking, post = posted
    nina = await person(world.organization, "Nina New", Role.VIEWER, password=PASSWORD)
    program = await asking.of(nina)
    asked = await program.ask("PUT", ME, NEW | {"email": "Sam.other@example.org"})
    assert asked["pending"]["email"] == "Sam.other@example.org"
    first = post.arrived[0].get_body(("plain",))
    assert first and "/new-address/" not in first.get_content() and "/sign-in" in first.get_content()

    post.arrived.clear()
    await program.ask("PUT", ME, NEW)
    post.arrived.pop()
    overtaken = link_in(post, "/new-address")
    post.arrived.clear()
    await program.ask("PUT", ME, NEW | {"email": "other@new.example"})
    post.arrived.pop()
    token = link_in(post, "/new-address")
    await program.ask("POST", f"{ME}/email", {"token": overtaken}, status=404)
    owner_connection.execute("update identity.users set email = 'OTHER@new.example' where name = 'Sam Stranger'")
    await program.ask("POST", f"{ME}/email", {"token": token}, status=409)
    owner_connection.execute("update identity.email_changes set expires_at = now()")
    await program.ask("POST", f"{ME}/email", {"token": token}, status=404)
    for _ in range(2):
        await program.ask("PUT", ME, NEW)
    await program.ask("PUT", ME, NEW, status=429)


async def test_whoever_has_a_second_factor_may_show_that_instead(world: World, posted: tuple[Programs, MailServer]) -> None:
    asking, post = posted
    nina = await person(world.organization, "Nina New", Role.VIEWER)
    secret = second_factor.new_secret()
    codes = await second_factor.turn_on(nina, secret, pyotp.TOTP(secret).now())
    program = await asking.of(nina)
    for _ in range(4):
        await program.ask("PUT", ME, NEW | {"current_password": "", "code": "000000"}, status=422)
    assert (await program.ask("PUT", ME, NEW | {"current_password": "", "code": codes[0]}))["pending"]["email"] == NEW["email"]
    await program.ask("PUT", ME, NEW | {"current_password": "", "code": codes[0]}, status=422)
    locked = await program.ask("PUT", ME, NEW | {"current_password": "", "code": codes[1]}, status=403)
    assert locked["message"].startswith("Too many wrong passwords"), "wrong ones count as at the door"


async def test_a_number_is_ones_own_once_its_digits_were_shown(world: World, asking: Programs, owner_connection: psycopg.Connection) -> None:
    colin = await asking.of(world.colleague)
    assert (await colin.ask("PUT", ME, {"phone": "+85512345678"}, status=409))["code"] == "CONFLICT"
    await set_up(world.owner)
    assert (await colin.ask("PUT", ME, {"phone": "12"}, status=422))["details"]["field"] == "phone"
    assert (await colin.ask("PUT", ME, {"phone": "+85512345678"}))["phone"] is None
    found = owner_connection.execute("select message_values ->> 'code' from notifications.notification_deliveries").fetchone()
    assert found
    assert (await colin.ask("POST", f"{ME}/phone", {"code": "x"}, status=422))["details"]["field"] == "code"
    assert (await colin.ask("POST", f"{ME}/phone", {"code": found[0]})).items() >= {"phone": "+85512345678", "is_phone_verified": True}.items()


async def test_sessions_are_listed_programs_as_such_and_ended_one_by_one(world: World, asking: Programs) -> None:
    assert world.owner.user_id
    async with across_tenants("tests") as tx:
        cookie = await door.open_session(tx, world.owner.user_id, Browser("10.0.0.1", "Firefox Linux"))
    here, there, stranger = await asking.of(world.owner), await asking.of(world.owner), await asking.of(world.stranger)
    found, total = await here.list(SESSIONS)
    assert total == 3 and sorted(one["is_program"] for one in found) == [False, True, True]
    assert [one["is_current"] for one in found].count(True) == 1
    [browser] = [one for one in found if not one["is_program"]]
    assert (browser["ip_address"], browser["device_name"]) == ("10.0.0.1", "Firefox · Linux")
    await stranger.ask("DELETE", f"{SESSIONS}/{browser['id']}", status=404)
    await here.ask("DELETE", f"{SESSIONS}/{browser['id']}")
    assert await door.who(cookie, Browser()) is None
    [other] = [one for one in found if one["is_program"] and not one["is_current"]]
    await here.ask("DELETE", f"{SESSIONS}/{other['id']}")
    await there.ask("GET", ME, status=401)
    await here.ask("DELETE", f"{SESSIONS}/{other['id']}", status=404)
    assert (await here.list(SESSIONS))[1] == 1


async def test_one_reads_what_one_did_and_nobody_elses(world: World, asking: Programs) -> None:
    async with transaction(world.owner) as tx:
        for name in ("A", "B", "C"):
            await create_farm(tx, name=name)
    olga, vera = await asking.of(world.owner), await asking.of(world.viewer)
    lines, total = await olga.list(ACTIVITY, limit=2)
    everything, _ = await olga.list(ACTIVITY, limit=100)
    assert len(lines) == 2 and total == len(everything) > 3
    assert [one["sequence"] for one in everything] == sorted((one["sequence"] for one in everything), reverse=True)
    kinds = {one["event_type"] for one in everything}
    assert {"farm.farms.created", "identity.auth_sessions.created"} <= kinds
    mine, _ = await vera.list(ACTIVITY, limit=100)
    assert {one["event_type"] for one in mine}.isdisjoint({"farm.farms.created"})
    assert (await olga.ask("GET", ACTIVITY, days=366, status=422))["details"]["field"] == "days"


async def test_nobody_and_those_who_belong_nowhere_are_told_so(world: World, asking: Programs, owner_connection: psycopg.Connection) -> None:
    token = {"token": "x"}
    for method, path, body in (
        ("GET", ME, None), ("PUT", ME, {}), ("POST", f"{ME}/phone", {"code": "1"}), ("POST", f"{ME}/email", token), ("GET", SESSIONS, None),
        ("DELETE", f"{SESSIONS}/{uuid4()}", None), ("GET", ACTIVITY, None), ("POST", "/v1/auth/change-password", {"current_password": "a", "new_password": "b"}),
    ):  # fmt: skip
        await asking.nobody.ask(method, path, body, status=401)
    vera = await asking.of(world.viewer)
    owner_connection.execute("delete from identity.user_roles where user_id = %s", [world.viewer.user_id])
    assert (await vera.ask("GET", ME, status=403))["message"] == "You do not belong to any organization yet."


async def test_the_wall_shows_nobody_anothers_change(world: World) -> None:
    nina = await person(world.organization, "Nina New", Role.VIEWER, password=PASSWORD)
    await own_email.ask(nina, NEW["email"], present=PASSWORD)
    async with transaction(nina) as tx:
        assert await own_email.waiting(tx) == NEW["email"]
    async with transaction(world.owner) as tx:
        assert await own_email.waiting(tx) is None
