"""What Telnyx tells is believed when it is signed, and changes a message's fate once, in whatever order it comes."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from data.core.time import now
from data.notifications.tables import Channel, DeliveryStatus
from jobs.networks import telnyx
from tests.factories.channels import PHONE, message, reachable, set_up, told
from tests.factories.doors import doors
from tests.factories.outside import Telnyx
from tests.factories.people import World

OURS = "+15550001111"


@pytest.fixture
async def account(world: World) -> Telnyx:
    made = Telnyx()
    await set_up(world.owner, public_key=made.public_key)
    await reachable(world.owner)
    return made


@pytest.fixture
async def knock() -> AsyncIterator[httpx.AsyncClient]:
    async with doors(telnyx.router) as client:
        yield client


async def sent(world: World, connection: psycopg.Connection, *, external_id: str | None = "message-1", status: str = "sent") -> UUID:
    [row] = await told(world, message(Channel.SMS, user_id=world.owner.user_id))
    connection.execute(
        "update notifications.notification_deliveries set external_id = %s, status = %s, next_attempt_at = null where id = %s",
        [external_id, status, row.id],
    )
    return row.id


def fate(status: str, *, id: str = "message-1", errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"id": id, "from": {"phone_number": OURS}, "to": [{"phone_number": PHONE, "status": status}], "errors": errors or []}


def reply(words: str, sender: str = PHONE) -> dict[str, Any]:
    return {"id": "in-1", "from": {"phone_number": sender}, "to": [{"phone_number": OURS}], "text": words}


async def tell(knock: httpx.AsyncClient, account: Telnyx, event: str, payload: dict[str, Any], *, query: str = "") -> int:
    body, headers = account.tells(event, payload)
    return (await knock.post(f"/webhooks/telnyx{query}", content=body, headers=headers)).status_code


def found(connection: psycopg.Connection, id: UUID) -> tuple[Any, ...]:
    row = connection.execute("select status, error_message, external_id from notifications.notification_deliveries where id = %s", [id]).fetchone()
    assert row
    return row


async def test_a_message_is_followed_until_it_arrives(
    world: World, account: Telnyx, knock: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    id = await sent(world, owner_connection)
    assert await tell(knock, account, "message.sent", fate("sent")) == 200
    assert found(owner_connection, id)[0] == "sent"
    assert await tell(knock, account, "message.finalized", fate("delivered")) == 200
    assert found(owner_connection, id) == ("delivered", None, "message-1")
    assert owner_connection.execute("select delivered_at is not null from notifications.notification_deliveries").fetchone() == (True,)


@pytest.mark.parametrize(
    ("told_in_order", "last"),
    [
        (["delivered", "sent"], "delivered"), (["delivered", "delivered", "delivery_failed"], "delivered"), (["sent", "sent"], "sent"),
        (["delivery_failed", "sent"], "failed"), (["sending_failed", "delivered"], "delivered"), (["delivery_unconfirmed"], "sent"), (["nonsense"], "sent"),
    ],
)  # fmt: skip
async def test_told_twice_or_in_the_wrong_order_the_last_word_stays(
    world: World, account: Telnyx, knock: httpx.AsyncClient, owner_connection: psycopg.Connection, told_in_order: list[str], last: str
) -> None:
    id = await sent(world, owner_connection)
    for status in told_in_order:
        assert await tell(knock, account, "message.finalized", fate(status)) == 200
    assert found(owner_connection, id)[0] == last


async def test_an_answer_that_overtakes_what_we_write_down_still_finds_its_message(
    world: World, account: Telnyx, knock: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    id = await sent(world, owner_connection, external_id=None, status="sending")
    other = await sent(world, owner_connection, external_id="message-0")
    assert await tell(knock, account, "message.finalized", fate("delivered"), query=f"?delivery={id}") == 200
    assert found(owner_connection, id) == ("delivered", None, "message-1")
    assert found(owner_connection, other)[0] == "sent"
    assert await tell(knock, account, "message.finalized", fate("delivered", id="message-9"), query=f"?delivery={other}") == 200
    assert found(owner_connection, other)[0] == "sent"  # it has an id already, and another one


async def test_a_message_that_failed_says_why_and_a_stop_at_the_carrier_counts(
    world: World, account: Telnyx, knock: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    id = await sent(world, owner_connection)
    errors = [{"code": "40300", "title": "Blocked", "detail": "Blocked due to STOP message"}]
    assert await tell(knock, account, "message.finalized", fate("delivery_failed", errors=errors)) == 200
    assert found(owner_connection, id)[:2] == ("failed", "40300 Blocked due to STOP message")
    assert owner_connection.execute("select address from notifications.opt_outs").fetchall() == [(PHONE,)]


@pytest.mark.parametrize(("words", "is_out"), [("STOP", True), (" stop ", True), ("Unsubscribe", True), ("stop all", True), ("please stop by", False)])
async def test_stop_ends_text_messages_and_start_begins_them_anew(
    world: World, account: Telnyx, knock: httpx.AsyncClient, owner_connection: psycopg.Connection, words: str, is_out: bool
) -> None:
    for _ in range(2):
        assert await tell(knock, account, "message.received", reply(words)) == 200
    assert owner_connection.execute("select count(*) from notifications.opt_outs").fetchone() == (int(is_out),)
    [row] = await told(world, message(Channel.SMS, user_id=world.owner.user_id))
    assert (row.status is DeliveryStatus.SUPPRESSED) is is_out
    assert await tell(knock, account, "message.received", reply("Start")) == 200
    [row] = await told(world, message(Channel.SMS, user_id=world.owner.user_id))
    assert row.status is DeliveryStatus.PENDING


async def test_only_what_telnyx_signed_for_this_account_a_moment_ago_is_believed(
    world: World, account: Telnyx, knock: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    id = await sent(world, owner_connection)
    at = int(now().timestamp())
    body, right = account.tells("message.finalized", fate("delivered"))
    forged, other_body = Telnyx().tells("message.finalized", fate("delivered"))
    wrong: list[tuple[bytes, dict[str, str]]] = [
        (body, {}), (body, right | {"telnyx-signature-ed25519": "AAAA"}), (body, right | {"telnyx-timestamp": str(at - 1)}),
        (body + b" ", right), (body, right | {"telnyx-timestamp": "soon"}), (forged, other_body),
        account.tells("message.finalized", fate("delivered"), at=at - 301), account.tells("message.finalized", fate("delivered"), at=at + 301),
        account.tells("message.finalized", fate("delivered") | {"from": {"phone_number": "+15559999999"}}),
    ]  # fmt: skip
    assert {(await knock.post("/webhooks/telnyx", content=b, headers=h)).status_code for b, h in wrong} == {401}
    assert found(owner_connection, id)[0] == "sent"
    early = account.tells("message.finalized", fate("delivered"), at=at - 290)
    assert (await knock.post("/webhooks/telnyx", content=early[0], headers=early[1])).status_code == 200


async def test_an_organization_without_the_public_key_believes_nothing(world: World, knock: httpx.AsyncClient) -> None:
    await set_up(world.owner)
    assert await tell(knock, Telnyx(), "message.received", reply("STOP")) == 401


async def test_one_organizations_account_changes_nothing_of_anothers(
    world: World, account: Telnyx, knock: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    await set_up(world.stranger, public_key=(theirs := Telnyx()).public_key)
    id = await sent(world, owner_connection)
    assert await tell(knock, theirs, "message.finalized", fate("delivered")) == 200  # their number is the same, their message is not
    assert found(owner_connection, id)[0] == "sent"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 422), (b"[]", 422), (b'{"data": 7}', 422), (b'{"data": {"payload": {"to": "+1"}}}', 422), (b"{}", 401), (b"x" * 70_000, 413), (b'"\xff"', 422)],
)
async def test_nonsense_is_refused_by_name(account: Telnyx, knock: httpx.AsyncClient, body: bytes, status: int) -> None:
    answer = await knock.post("/webhooks/telnyx", content=body, headers={"telnyx-timestamp": str(int(now().timestamp()))})
    assert answer.status_code == status and json.loads(answer.content)["error"]


async def test_a_callback_that_names_no_number_is_known_by_its_message(
    world: World, account: Telnyx, knock: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    id = await sent(world, owner_connection)
    nameless = {name: value for name, value in fate("delivered").items() if name != "from"}
    assert await tell(knock, account, "message.finalized", nameless) == 200
    assert found(owner_connection, id)[0] == "delivered"
    assert await tell(knock, account, "message.finalized", nameless | {"id": "nobody's"}) == 401
