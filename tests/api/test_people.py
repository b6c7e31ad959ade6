"""A program signs in for somebody, lasts a day, fetches the next, and is thrown out when its tokens were copied."""


import psycopg
import pyotp
import pytest

from data.core.session import across_tenants
from data.identity import door, programs, second_factor
from data.identity.door import Browser
from data.identity.tables import Role
from jobs.api import _door
from tests.api.conftest import Program, Programs
from tests.factories.people import PASSWORD, World, person

LOGIN, REFRESH = "/v1/auth/login", "/v1/auth/refresh"


async def shows(asking: Programs, access: str) -> Program:
    return Program(asking.client, {"Authorization": f"Bearer {access}"})


async def test_a_program_signs_in_asks_fetches_new_tokens_and_signs_out(world: World, asking: Programs) -> None:
    await person(world.organization, "Nina New", Role.STAFF, password=PASSWORD)
    first = await asking.nobody.ask("POST", LOGIN, {"email": "nina.green@example.org", "password": PASSWORD, "device_name": "Barn tablet"})
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 86_400)
    assert await (await shows(asking, first["access_token"])).list("/v1/farms") == ([], 0)
    second = await asking.nobody.ask("POST", REFRESH, {"refresh_token": first["refresh_token"]})
    await (await shows(asking, first["access_token"])).ask("GET", "/v1/farms", status=401)
    after = await shows(asking, second["access_token"])
    await after.ask("POST", "/v1/auth/logout")
    await after.ask("GET", "/v1/farms", status=401)
    await asking.nobody.ask("POST", REFRESH, {"refresh_token": second["refresh_token"]}, status=401)


async def test_a_wrong_password_has_its_own_code_and_tells_nothing_else(world: World, asking: Programs) -> None:
    for name in ("olga.green@example.org", "nobody@example.org"):
        error = await asking.nobody.ask("POST", LOGIN, {"email": name, "password": "guess"}, status=401)
        assert (error["code"], error["message"]) == ("INVALID_CREDENTIALS", "The name or the password is not right.")
        assert error["details"] == {} and error["timestamp"] and error["request_id"]


async def test_what_fetched_tokens_once_ends_the_session_the_second_time(world: World, asking: Programs) -> None:
    async with across_tenants("tests") as tx:
        assert world.owner.user_id
        token = await door.open_session(tx, world.owner.user_id, Browser())
    stolen = (await programs.open_for(token)).refresh
    thief = await programs.renew(stolen)
    await asking.nobody.ask("POST", REFRESH, {"refresh_token": stolen}, status=401)
    await (await shows(asking, thief.access)).ask("GET", "/v1/farms", status=401)
    await asking.nobody.ask("POST", REFRESH, {"refresh_token": thief.refresh}, status=401)


async def test_a_programs_tokens_open_no_page_and_a_browsers_token_opens_no_door(world: World, asking: Programs) -> None:
    async with across_tenants("tests") as tx:
        assert world.owner.user_id
        cookie = await door.open_session(tx, world.owner.user_id, Browser())
    await (await shows(asking, cookie)).ask("GET", "/v1/farms", status=401)
    tokens = await programs.open_for(cookie)
    for token in (cookie, tokens.access, tokens.refresh):
        assert await door.who(token, Browser()) is None
    await (await shows(asking, tokens.refresh)).ask("GET", "/v1/farms", status=401)


async def test_a_day_later_only_the_refresh_token_helps(world: World, asking: Programs, owner_connection: psycopg.Connection) -> None:
    program = await asking.of(world.owner)
    await program.ask("GET", "/v1/farms")
    owner_connection.execute("update identity.auth_sessions set access_until_at = now() - interval '1 second'")
    assert (await program.ask("GET", "/v1/farms", status=401))["code"] == "UNAUTHORIZED"


async def test_a_second_factor_is_asked_of_programs_too(world: World, asking: Programs) -> None:
    nina = await person(world.organization, "Nina New", Role.ADMIN, password=PASSWORD)
    secret = second_factor.new_secret()
    totp = pyotp.TOTP(secret)
    codes = await second_factor.turn_on(nina, secret, totp.now())
    due = await asking.nobody.ask("POST", LOGIN, {"email": "nina.green@example.org", "password": PASSWORD}, status=202)
    await (await shows(asking, due["token"])).ask("GET", "/v1/farms", status=401)
    await asking.nobody.ask("POST", "/v1/auth/verify-code", {"token": due["token"], "code": "000000"}, status=401)
    tokens = await asking.nobody.ask("POST", "/v1/auth/verify-code", {"token": due["token"], "code": codes[0]})
    await (await shows(asking, tokens["access_token"])).ask("GET", "/v1/farms")


async def test_each_answer_says_how_often_one_may_still_ask(world: World, asking: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_door.READING, "_most", 2)
    program = await asking.of(world.owner)
    told = [(await asking.client.get("/v1/farms", headers=program.headers)) for _ in range(3)]
    assert [(one.status_code, one.headers["x-ratelimit-limit"]) for one in told[:2]] == [(200, "2")] * 2
    assert [one.headers.get("x-ratelimit-remaining") for one in told[:2]] == ["1", "0"]
    error = told[2].json()["error"]
    assert told[2].status_code == 429 and error["code"] == "RATE_LIMIT_EXCEEDED" and int(told[2].headers["retry-after"]) > 0


async def test_an_organization_that_one_does_not_belong_to_is_not_there(world: World, asking: Programs) -> None:
    error = await (await asking.of(world.owner, organization_id=world.other.id)).ask("GET", "/v1/farms", status=404)
    assert error["code"] == "ORGANIZATION_NOT_FOUND"
