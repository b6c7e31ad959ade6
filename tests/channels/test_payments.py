"""Who wants to pay is sent to Stripe's own page, asked for as strictly as Stripe's interface asks."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from data.core.errors import Busy, Conflict
from data.platform.values import Plan
from jobs.channels.payments import Payments
from jobs.demonstration.haystack import serving

ORGANIZATION = "0190aaaa-0000-7000-8000-000000000001"


class Stripe:
    """The three addresses that are asked, each refusing what the real one would."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.has_price, self.fails = True, False
        self.app.get("/v1/prices")(self.prices)
        self.app.post("/v1/checkout/sessions")(self.checkout)
        self.app.post("/v1/billing_portal/sessions")(self.portal)

    async def _asked(self, request: Request, allowed: set[str], needed: set[str]) -> JSONResponse | dict[str, str]:
        if request.headers.get("authorization") != "Bearer sk_test_1":
            return JSONResponse({"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}, 401)
        if self.fails:
            return JSONResponse({"error": {"type": "api_error", "message": "down"}}, 500)
        said = dict(parse_qsl((await request.body()).decode() or request.url.query, keep_blank_values=True))
        if request.method == "POST":
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"
            assert request.headers["idempotency-key"]
        if unknown := set(said) - allowed:
            return JSONResponse({"error": {"type": "invalid_request_error", "message": f"Received unknown parameters: {unknown}"}}, 400)
        if missing := needed - set(said):
            return JSONResponse({"error": {"type": "invalid_request_error", "message": f"Missing required param: {missing}"}}, 400)
        self.asked.append((request.url.path, said))
        return said

    async def prices(self, request: Request) -> JSONResponse:
        said = await self._asked(request, {"lookup_keys[0]", "active", "limit"}, {"lookup_keys[0]"})
        if isinstance(said, JSONResponse):
            return said
        data = [{"id": f"price_{said['lookup_keys[0]']}", "object": "price"}] if self.has_price else []
        return JSONResponse({"object": "list", "data": data, "has_more": False, "url": "/v1/prices"})

    async def checkout(self, request: Request) -> JSONResponse:
        needed = {"mode", "line_items[0][price]", "line_items[0][quantity]", "success_url", "client_reference_id"}
        more = {
            "cancel_url", "customer", "customer_email", "metadata[organization_id]", "subscription_data[metadata][organization_id]",
            "subscription_data[metadata][plan]",
        }  # fmt: skip
        said = await self._asked(request, needed | more, needed)
        if isinstance(said, JSONResponse):
            return said
        assert said["mode"] == "subscription" and not {"customer", "customer_email"} <= set(said)
        return JSONResponse({"id": "cs_1", "object": "checkout.session", "url": "https://checkout.stripe.com/c/pay/cs_1"})

    async def portal(self, request: Request) -> JSONResponse:
        said = await self._asked(request, {"customer", "return_url"}, {"customer"})
        if isinstance(said, JSONResponse):
            return said
        return JSONResponse({"id": "bps_1", "object": "billing_portal.session", "url": "https://billing.stripe.com/p/session/1"})


@pytest.fixture
async def stripe() -> AsyncIterator[tuple[Stripe, Payments]]:
    double = Stripe()
    async with serving(double.app) as address:
        yield double, Payments("sk_test_1", "https://steading.example", address.rstrip("/"))


async def test_a_new_customer_is_sent_to_pay(stripe: tuple[Stripe, Payments]) -> None:
    double, payments = stripe
    assert await payments.checkout(ORGANIZATION, "olga@example.org", None, Plan.PRO) == "https://checkout.stripe.com/c/pay/cs_1"
    path, said = double.asked[-1]
    assert path == "/v1/checkout/sessions"
    assert said["line_items[0][price]"] == "price_pro"
    assert said["customer_email"] == "olga@example.org"
    assert said["subscription_data[metadata][organization_id]"] == said["client_reference_id"] == ORGANIZATION
    assert said["success_url"] == "https://steading.example/billing?paid=1"


async def test_a_known_customer_is_not_made_twice(stripe: tuple[Stripe, Payments]) -> None:
    double, payments = stripe
    await payments.checkout(ORGANIZATION, "olga@example.org", "cus_1", Plan.HACCP)
    assert double.asked[-1][1]["customer"] == "cus_1"


async def test_bills_are_looked_after_at_the_portal(stripe: tuple[Stripe, Payments]) -> None:
    double, payments = stripe
    assert await payments.portal(ORGANIZATION, None, "cus_1") == "https://billing.stripe.com/p/session/1"
    with pytest.raises(Conflict):
        await payments.portal(ORGANIZATION, None, None)


async def test_a_plan_without_a_price_is_said_to_be_so(stripe: tuple[Stripe, Payments]) -> None:
    double, payments = stripe
    double.has_price = False
    with pytest.raises(Conflict, match="No price"):
        await payments.checkout(ORGANIZATION, None, None, Plan.PRO)


async def test_a_payment_service_that_is_down_is_busy(stripe: tuple[Stripe, Payments]) -> None:
    double, payments = stripe
    double.fails = True
    with pytest.raises(Busy):
        await payments.checkout(ORGANIZATION, None, None, Plan.PRO)
