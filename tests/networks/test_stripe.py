"""From what Stripe signs and posts to what an organization may do."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.core.session import transaction
from data.platform import billing
from data.platform.plans import Standing
from data.platform.values import Plan
from jobs.codecs import stripe_events
from jobs.networks import _refusals, stripe
from tests.factories.people import World

SECRET = "whsec_test"
NOW = int(time.time())


@pytest.fixture
async def post(world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.stripe_webhook_secret = SECRET
    _refusals.install(app)
    app.include_router(stripe.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://steading.test") as client:
        yield client


def signed(body: bytes, *, at: int | None = None, secret: str = SECRET) -> dict[str, str]:
    at = int(time.time()) if at is None else at
    mark = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={at},v1={mark}"}


def subscription(event_id: str, status: str, organization_id: UUID | None, *, at: int = NOW, plan: str = "pro", **more: Any) -> dict[str, Any]:
    """As Stripe posts it since 2025: the period stands in the line."""
    line = {"price": {"id": "price_1", "lookup_key": plan}, "current_period_start": at, "current_period_end": at + 2_592_000}
    thing = {
        "id": "sub_1", "customer": "cus_1", "status": status, "items": {"data": [line]},
        "metadata": {"organization_id": str(organization_id)} if organization_id else {}, **more,
    }  # fmt: skip
    return {"id": event_id, "type": "customer.subscription.updated", "created": at, "data": {"object": thing}}


async def send(post: httpx.AsyncClient, event: dict[str, Any], status: int = 200, **more: Any) -> str:
    body = json.dumps(event).encode()
    answer = await post.post("/webhooks/stripe", content=body, headers=signed(body, **more))
    assert answer.status_code == status, answer.text
    return str(answer.json().get("outcome", ""))


async def standing(world: World) -> tuple[Plan | None, Standing]:
    async with transaction(world.owner) as tx:
        held = await billing.account_of(tx)
    return held.plan, held.standing


def test_the_signature_is_the_one_that_stripes_own_vector_has() -> None:
    assert hmac.new(b"whsec_test", b'1700000000.{"id":"evt_1"}', hashlib.sha256).hexdigest() == (
        "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"
    )


async def test_a_subscription_becomes_what_the_organization_may_do(post: httpx.AsyncClient, world: World) -> None:
    assert await standing(world) == (None, Standing.NOT_BILLED)
    assert await send(post, subscription("evt_1", "active", world.organization_id)) == "applied"
    assert await standing(world) == (Plan.PRO, Standing.PAID)
    async with transaction(world.stranger) as tx:
        assert (await billing.account_of(tx)).standing is Standing.NOT_BILLED


async def test_the_same_event_again_changes_nothing(post: httpx.AsyncClient, world: World, owner_connection: psycopg.Connection) -> None:
    event = subscription("evt_1", "active", world.organization_id)
    assert [await send(post, event) for _ in range(3)] == ["applied", "repeated", "repeated"]
    assert owner_connection.execute("select count(*) from platform.stripe_events").fetchone() == (1,)


async def test_an_older_event_that_comes_late_is_kept_and_not_followed(post: httpx.AsyncClient, world: World) -> None:
    await send(post, subscription("evt_2", "active", world.organization_id, at=NOW))
    assert await send(post, subscription("evt_1", "past_due", world.organization_id, at=NOW - 60)) == "stale"
    assert await standing(world) == (Plan.PRO, Standing.PAID)


async def test_the_checkout_may_come_before_or_after_the_subscription(post: httpx.AsyncClient, world: World) -> None:
    checkout = {"id": "evt_c", "type": "checkout.session.completed", "created": NOW - 5, "data": {"object": {
        "mode": "subscription", "client_reference_id": str(world.organization_id), "customer": "cus_1", "subscription": "sub_1",
    }}}  # fmt: skip
    assert await send(post, checkout) == "applied"
    assert await send(post, subscription("evt_1", "trialing", None, trial_end=NOW + 86_400)) == "applied"
    assert await standing(world) == (Plan.PRO, Standing.TRIAL)


async def test_a_bill_that_is_not_paid_gives_two_weeks(post: httpx.AsyncClient, world: World) -> None:
    await send(post, subscription("evt_1", "active", world.organization_id, at=NOW - 100))
    unpaid = {"id": "evt_2", "type": "invoice.payment_failed", "created": NOW, "data": {"object": {
        "customer": "cus_1", "parent": {"subscription_details": {"subscription": "sub_1"}},
    }}}  # fmt: skip
    assert await send(post, unpaid) == "applied"
    assert await standing(world) == (Plan.PRO, Standing.PAST_DUE)
    paid = unpaid | {"id": "evt_3", "type": "invoice.paid", "created": NOW + 1}
    assert await send(post, paid) == "applied"
    assert await standing(world) == (Plan.PRO, Standing.PAID)


async def test_the_end_of_a_subscription_closes_what_is_new(post: httpx.AsyncClient, world: World) -> None:
    await send(post, subscription("evt_1", "active", world.organization_id, at=NOW - 100))
    await send(post, subscription("evt_2", "canceled", world.organization_id, ended_at=NOW - 1, canceled_at=NOW - 1))
    assert await standing(world) == (Plan.PRO, Standing.CANCELED)


async def test_a_customer_of_somebody_elses_is_answered_and_changes_nothing(post: httpx.AsyncClient, world: World) -> None:
    assert await send(post, subscription("evt_1", "active", None)) == "not_ours"
    assert await send(post, subscription("evt_2", "active", UUID(int=7))) == "not_ours"
    assert await standing(world) == (None, Standing.NOT_BILLED)


@pytest.mark.parametrize("how", ["other secret", "old", "altered", "none", "nonsense"])
async def test_what_stripe_did_not_sign_just_now_is_refused(post: httpx.AsyncClient, world: World, how: str) -> None:
    body = json.dumps(subscription("evt_1", "active", world.organization_id)).encode()
    headers = {
        "other secret": signed(body, secret="whsec_other"), "old": signed(body, at=int(time.time()) - 400),
        "altered": signed(body + b" "), "none": {}, "nonsense": {"stripe-signature": "t=x,v1=é".encode()},
    }[how]  # fmt: skip
    answer = await post.post("/webhooks/stripe", content=body, headers=headers)
    assert answer.status_code == 401, answer.text
    assert await standing(world) == (None, Standing.NOT_BILLED)


async def test_a_body_that_is_wrong_names_the_field(post: httpx.AsyncClient) -> None:
    event = subscription("evt_1", "active", None)
    event["created"] = "yesterday"
    body = json.dumps(event).encode()
    answer = await post.post("/webhooks/stripe", content=body, headers=signed(body))
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "created")


async def test_where_nothing_is_sold_there_is_no_door(world: World) -> None:
    app = FastAPI()
    _refusals.install(app)
    app.include_router(stripe.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://steading.test") as client:
        assert (await client.post("/webhooks/stripe", content=b"{}")).status_code == 404


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c))


@given(thing=JSON, kind=st.sampled_from(["customer.subscription.updated", "invoice.paid", "checkout.session.completed"]))
def test_no_event_breaks_the_reader(thing: Any, kind: str) -> None:
    try:
        stripe_events.told({"id": "evt", "type": kind, "created": 1, "data": {"object": thing}})
    except Invalid as refusal:
        assert refusal.field
