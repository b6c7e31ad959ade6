"""Money is paid at Stripe's own pages: we say who wants what and send them there."""

import stripe

from data.core.errors import Busy, Conflict
from data.platform.values import Plan

FAILED = "The payment service does not answer. Try again in a minute."


class Payments:
    """Stripe with one secret key. Prices are found by their lookup keys, which are the plans' names."""

    def __init__(self, secret_key: str, origin: str, api_url: str = "") -> None:
        addresses: stripe._base_address.BaseAddresses = {"api": api_url} if api_url else {}
        self._client = stripe.StripeClient(
            secret_key, base_addresses=addresses, max_network_retries=1, http_client=stripe.HTTPXClient(timeout=20, allow_sync_methods=False)
        )
        self._origin = origin

    async def checkout(self, organization: str, email: str | None, customer: str | None, plan: Plan) -> str:
        """Where an organization (by its id) pays for that plan; `customer` is how Stripe knows it already. Conflict where nobody has set a price for it; Busy where Stripe does not answer."""
        try:
            prices = await self._client.v1.prices.list_async({"lookup_keys": [plan.value], "active": True, "limit": 1})
            if not prices.data:
                raise Conflict("No price is set for this plan yet. Write to us.")
            who = {"customer": customer} if customer else {"customer_email": email} if email else {}
            session = await self._client.v1.checkout.sessions.create_async(
                {  # type: ignore[arg-type]
                    "mode": "subscription",
                    "line_items": [{"price": prices.data[0].id, "quantity": 1}],
                    "client_reference_id": organization,
                    "metadata": {"organization_id": organization},
                    "subscription_data": {"metadata": {"organization_id": organization, "plan": plan.value}},
                    "success_url": f"{self._origin}/billing?paid=1",
                    "cancel_url": f"{self._origin}/billing",
                    **who,
                }
            )
        except stripe.StripeError as reason:
            raise Busy(FAILED) from reason
        assert session.url
        return session.url

    async def portal(self, organization: str, email: str | None, customer: str | None) -> str:
        """Where cards, bills and the end of a subscription are looked after."""
        if customer is None:
            raise Conflict("There is nothing to look after yet: no plan was bought.")
        try:
            session = await self._client.v1.billing_portal.sessions.create_async(
                {"customer": customer, "return_url": f"{self._origin}/billing"}
            )
        except stripe.StripeError as reason:
            raise Busy(FAILED) from reason
        return session.url
