"""Stripe posts what became of a subscription; it signs what it says, and says it again for days until it is answered."""

import stripe
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.core.errors import Invalid, NotFound, Unauthenticated
from data.core.session import across_tenants
from data.platform import billing
from jobs.codecs import stripe_events
from jobs.codecs.fields import mapping
from jobs.networks._door import body_of, json_of

router = APIRouter()


@router.post("/webhooks/stripe")
async def receive(request: Request) -> JSONResponse:
    """One event. 200 once it is followed, or was before; 401 where the signature is not Stripe's or older than five minutes."""
    secret = getattr(request.app.state, "stripe_webhook_secret", "")
    if not secret:
        raise NotFound("This installation takes no payments.")
    body = await body_of(request)
    try:
        stripe.WebhookSignature.verify_header(body.decode(), request.headers.get("stripe-signature", ""), secret, 300)
    except stripe.SignatureVerificationError as reason:
        raise Unauthenticated("The signature is missing or not right.") from reason
    except UnicodeDecodeError as reason:
        raise Invalid("body", "This is not JSON.") from reason
    told = stripe_events.told(mapping(json_of(body), "body"))
    if told is None:
        return JSONResponse({"received": True, "outcome": "not_followed"})
    if not told.event_id:
        raise Invalid("id", "This must be text.")
    async with across_tenants("stripe") as tx:
        outcome = await billing.hear(tx, told)
    return JSONResponse({"received": True, "outcome": outcome.heard.value})
