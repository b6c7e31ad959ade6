"""Accounts over the JSON interface: made by oneself, a new password, and what ends with it."""

import re
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from data.core.session import across_tenants
from data.core.settings import Settings
from data.identity import door, signing_up
from data.identity.door import Browser
from data.identity.tables import Role
from jobs import api
from jobs.api import _door, accounts
from jobs.networks._pace import Pace
from tests.api.conftest import Program, Programs
from tests.factories.channels import set_up
from tests.factories.doors import doors
from tests.factories.outside import MailServer
from tests.factories.people import PASSWORD, World, person

OPEN: dict[str, Any] = {"_env_file": None, "public_url": "https://farm.example", "steading_sign_up": True, "steading_sign_up_sms": "green"}
SOKHA = {"email": "sokha@example.com", "password": "a long password", "name": "Sokha Chan", "language": "km"}
SIGN_UP, FORGOT = "/v1/auth/signup", "/v1/auth/forgot-password"


@pytest.fixture(scope="module")
def mail() -> Any:
    server = MailServer()
    with server.running() as url:
        yield server, url


@pytest.fixture
async def open_to_all(mail: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Programs, MailServer]]:
    """An installation where anybody may make an account, and its post."""
    server, url = mail
    server.arrived.clear()
    monkeypatch.setattr(_door, "ENTRANCE", Pace(1_000, 60))
    monkeypatch.setattr(accounts, "ENTRANCE", _door.ENTRANCE)
    async with doors(api.router, settings=Settings(**OPEN, smtp_url=url)) as client:
        yield Programs(client), server


def link_in(server: MailServer, start: str) -> str:
    body = server.arrived[-1].get_body(("plain",))
    assert body
    found = re.search(rf"https://farm\.example{start}/([\w-]+)", body.get_content())
    assert found, body.get_content()
    return found[1]


async def shows(asking: Programs, tokens: dict[str, Any]) -> Program:
    return Program(asking.client, {"Authorization": f"Bearer {tokens['access_token']}"})


async def test_somebody_makes_an_account_by_mail_and_owns_an_organization_of_their_own(
    world: World, open_to_all: tuple[Programs, MailServer], owner_connection: psycopg.Connection
) -> None:
    asking, post = open_to_all
    nobody = asking.nobody
    asked = await nobody.ask("POST", SIGN_UP, SOKHA | {"organization": "Hill farm"}, status=202)
    assert asked["sent_to"] == "sokha@example.com"
    assert post.arrived[-1]["To"] == "sokha@example.com" and "Steading" in post.arrived[-1]["Subject"]
    await nobody.ask("POST", "/v1/auth/login", {"email": SOKHA["email"], "password": SOKHA["password"]}, status=401)
    kept = owner_connection.execute("select count(*) from identity.users where email = 'sokha@example.com'").fetchone()
    assert kept == (0,), "an address that was not shown to be theirs is nobody's"

    token = link_in(post, "/sign-up")
    wrong = await nobody.ask("POST", "/v1/auth/verify-email", {"token": token, "password": "another password"}, status=422)
    assert wrong["details"]["field"] == "password", "the link alone makes nothing"
    tokens = await nobody.ask("POST", "/v1/auth/verify-email", {"token": token, "password": SOKHA["password"], "device_name": "Sokha's phone"})
    sokha = await shows(asking, tokens)
    me = await sokha.ask("GET", "/v1/users/me")
    assert (me["name"], me["language"], me["time_zone"], me["is_email_verified"]) == ("Sokha Chan", "km", "Asia/Phnom_Penh", True)
    assert (await sokha.ask("POST", "/v1/farms", {"name": "House one"}, status=201))["name"] == "House one", "owners make farms"
    assert await sokha.list("/v1/farms") != ([], 0)
    named = owner_connection.execute("select name, slug, is_demonstration from identity.organizations where name = 'Hill farm'").fetchone()
    assert named and named[1].startswith("hill-farm-") and named[2] is False
    await nobody.ask("POST", "/v1/auth/verify-email", {"token": token, "password": SOKHA["password"]}, status=404)


async def test_nobody_learns_whether_an_address_is_known_but_the_one_who_has_it(
    world: World, open_to_all: tuple[Programs, MailServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, post = open_to_all
    olga = "olga.green@example.org"
    new = await asking.nobody.ask("POST", SIGN_UP, SOKHA, status=202)
    known = await asking.nobody.ask("POST", SIGN_UP, SOKHA | {"email": olga.upper()}, status=202)
    assert set(new) == set(known)
    body = post.arrived[-1].get_body(("plain",))
    assert body and post.arrived[-1]["To"] == olga.upper() and "/sign-up/" not in body.get_content() and "/sign-in" in body.get_content()
    for _ in range(3):
        assert set(await asking.nobody.ask("POST", SIGN_UP, SOKHA, status=202)) == set(new)
    assert [str(one["To"]) for one in post.arrived].count("sokha@example.com") == 3, "the fourth in an hour is not sent"
    monkeypatch.setattr(signing_up, "MOST_FROM_ONE_PLACE", 4)
    assert (await asking.nobody.ask("POST", SIGN_UP, SOKHA | {"email": "x@example.com"}, status=429))["code"] == "RATE_LIMIT_EXCEEDED"


async def test_what_cannot_be_is_named_and_a_closed_installation_takes_nobody(
    world: World, open_to_all: tuple[Programs, MailServer], asking: Programs
) -> None:
    open_one, post = open_to_all
    for changes, field in (
        ({"email": "no address"}, "email"), ({"email": "a@b\nBcc: c@d"}, "email"), ({"email": ""}, "email"), ({"email": "", "phone": "12"}, "phone"),
        ({"password": "short"}, "password"), ({"name": " "}, "name"), ({"language": "xx"}, "language"), ({"time_zone": "Moon/Base"}, "time_zone"),
    ):  # fmt: skip
        error = await open_one.nobody.ask("POST", SIGN_UP, SOKHA | changes, status=422)
        assert (error["code"], error["details"]["field"]) == ("INVALID_INPUT", field)
    assert post.arrived == []
    assert (await asking.nobody.ask("POST", SIGN_UP, SOKHA, status=403))["code"] == "FORBIDDEN"
    for path, body in (("verify-email", {"token": "x", "password": "y"}), ("verify-phone", {"sign_up_id": str(world.owner.user_id), "code": "1"})):
        await asking.nobody.ask("POST", f"/v1/auth/{path}", body, status=403)


async def test_somebody_without_mail_types_the_digits_of_a_text_message(
    world: World, open_to_all: tuple[Programs, MailServer], owner_connection: psycopg.Connection
) -> None:
    asking, post = open_to_all
    await set_up(world.owner)
    by_phone = {name: SOKHA[name] for name in ("password", "name", "language")} | {"phone": "012 345 678"}
    asked = await asking.nobody.ask("POST", SIGN_UP, by_phone, status=202)
    sent = owner_connection.execute("select recipient, message_values ->> 'code' from notifications.notification_deliveries").fetchall()
    [(number, code)] = sent
    assert (number, len(code), post.arrived) == ("+85512345678", 6, [])
    shown = {"sign_up_id": asked["sign_up_id"], "code": "000000" if code != "000000" else "111111"}
    assert (await asking.nobody.ask("POST", "/v1/auth/verify-phone", shown, status=422))["details"]["field"] == "code"
    tokens = await asking.nobody.ask("POST", "/v1/auth/verify-phone", shown | {"code": f"{code[:3]} {code[3:]}"})
    me = await (await shows(asking, tokens)).ask("GET", "/v1/users/me")
    assert (me["phone"], me["is_phone_verified"], me["email"]) == ("+85512345678", True, None)

    again = await asking.nobody.ask("POST", SIGN_UP, by_phone, status=202)
    last = owner_connection.execute("select message from notifications.notification_deliveries order by created_at desc limit 1").fetchone()
    assert last and "has one already" in last[0]
    assert (await asking.nobody.ask("POST", "/v1/auth/verify-phone", {"sign_up_id": again["sign_up_id"], "code": "123456"}, status=404))


async def test_five_wrong_tries_or_a_day_end_it(world: World, open_to_all: tuple[Programs, MailServer], owner_connection: psycopg.Connection) -> None:
    asking, post = open_to_all
    verify = "/v1/auth/verify-email"
    await asking.nobody.ask("POST", SIGN_UP, SOKHA, status=202)
    first = link_in(post, "/sign-up")
    owner_connection.execute("update identity.sign_ups set tries_left = 1")
    await asking.nobody.ask("POST", verify, {"token": first, "password": "wrong"}, status=422)
    assert await signing_up.offered(first) is None
    await asking.nobody.ask("POST", verify, {"token": first, "password": SOKHA["password"]}, status=404)
    await asking.nobody.ask("POST", SIGN_UP, SOKHA, status=202)
    second = link_in(post, "/sign-up")
    owner_connection.execute("update identity.sign_ups set expires_at = now()")
    await asking.nobody.ask("POST", verify, {"token": second, "password": SOKHA["password"]}, status=404)
    await asking.nobody.ask("POST", SIGN_UP, SOKHA, status=202)
    await person(world.organization, "Sokha Chan", Role.STAFF)
    owner_connection.execute("update identity.users set email = 'Sokha@example.com' where name = 'Sokha Chan'")
    late = await asking.nobody.ask("POST", verify, {"token": link_in(post, "/sign-up"), "password": SOKHA["password"]}, status=409)
    assert late["code"] == "CONFLICT", "somebody else came to have the address meanwhile"


async def test_a_new_password_by_link_ends_programs_and_browsers(world: World, open_to_all: tuple[Programs, MailServer]) -> None:
    asking, post = open_to_all
    program = await asking.of(world.owner)
    async with across_tenants("tests") as tx:
        assert world.owner.user_id
        cookie = await door.open_session(tx, world.owner.user_id, Browser())
    assert await asking.nobody.ask("POST", FORGOT, {"email": "nobody@example.org"}, status=202) == {}
    assert post.arrived == []
    assert await asking.nobody.ask("POST", FORGOT, {"email": "olga.green@example.org"}, status=202) == {}
    token = link_in(post, "/reset")
    assert (await asking.nobody.ask("POST", "/v1/auth/reset-password", {"token": token, "password": "short"}, status=422))["details"]["field"] == "password"
    await asking.nobody.ask("POST", "/v1/auth/reset-password", {"token": token, "password": "a better password"})
    await program.ask("GET", "/v1/users/me", status=401)
    assert await door.who(cookie, Browser()) is None
    await asking.nobody.ask("POST", "/v1/auth/reset-password", {"token": token, "password": "yet another one"}, status=401)
    await asking.nobody.ask("POST", "/v1/auth/login", {"email": "olga.green@example.org", "password": "a better password"})
    for _ in range(6):
        await asking.nobody.ask("POST", FORGOT, {"email": "olga.green@example.org"}, status=202)
    assert len(post.arrived) == 5, "five in an hour"


async def test_signing_up_is_paced_like_signing_in(world: World, asking: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "ENTRANCE", Pace(1, 60))
    await asking.nobody.ask("POST", FORGOT, {"email": "nobody@example.org"}, status=202)
    assert (await asking.nobody.ask("POST", FORGOT, {"email": "nobody@example.org"}, status=429))["code"] == "RATE_LIMIT_EXCEEDED"


async def test_changing_the_password_ends_every_session_but_this_one(world: World, asking: Programs) -> None:
    nina = await person(world.organization, "Nina New", Role.STAFF, password=PASSWORD)
    here, there = await asking.of(nina), await asking.of(nina)
    change = "/v1/auth/change-password"
    for given, field in (({"current_password": "guess", "new_password": "long enough"}, "current_password"), ({"current_password": PASSWORD, "new_password": "short"}, "new_password")):
        assert (await here.ask("POST", change, given, status=422))["details"]["field"] == field
    await here.ask("POST", change, {"current_password": PASSWORD, "new_password": "a better password"})
    await here.ask("GET", "/v1/users/me")
    await there.ask("GET", "/v1/users/me", status=401)
    for _ in range(5):
        await here.ask("POST", change, {"current_password": "guess", "new_password": "long enough"}, status=422)
    await here.ask("POST", change, {"current_password": "a better password", "new_password": "long enough"}, status=403)
