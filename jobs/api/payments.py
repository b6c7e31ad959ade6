"""What an organization has bought, and where it pays: at the payment service's own pages."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel

from data.cold_chain.queries.machines import active_sensors
from data.core.actor import Actor
from data.core.errors import NotFound
from data.core.session import transaction
from data.identity import queries as identity
from data.platform import billing
from data.platform.plans import PLANS, Account, Limits
from data.platform.tables import Subscription
from data.platform.values import Plan
from jobs.api._door import Reader, Setter, answer
from jobs.api._organization import of_organization
from jobs.channels.payments import Payments

router = of_organization("/payments", "Payments")


class Choice(BaseModel):
    plan: Plan


@router.get("/subscription")
async def show_subscription(actor: Reader, request: Request) -> dict[str, Any]:
    """What was bought, how it stands, what it holds, and what else there is to choose."""
    async with transaction(actor) as tx:
        tx.actor.require("billing.view")
        held, bought, sensors = await billing.account_of(tx), await billing.subscription(tx), await active_sensors(tx)
    plans = {plan.value: _limits(limits) for plan, limits in PLANS.items()}
    sells = getattr(request.app.state, "payments", None) is not None
    return answer(_account(held) | {"sensors": sensors, "subscription": _bought(bought), "is_for_sale": sells, "plans": plans})


@router.post("/checkout")
async def checkout(actor: Setter, request: Request, choice: Choice) -> dict[str, Any]:
    """Where this plan is paid: send the person's browser there."""
    payments = _payments(request)
    return answer({"url": await payments.checkout(*await _buyer(actor), choice.plan)})


@router.post("/portal")
async def portal(actor: Setter, request: Request) -> dict[str, Any]:
    """Where cards, bills and the end of a subscription are looked after."""
    payments = _payments(request)
    return answer({"url": await payments.portal(*await _buyer(actor))})


def _payments(request: Request) -> Payments:
    found: Payments | None = getattr(request.app.state, "payments", None)
    if found is None:
        raise NotFound("This installation takes no payments.")
    return found


async def _buyer(actor: Actor) -> tuple[str, str | None, str | None]:
    """The organization, the person's address, and the customer that Stripe knows it as. Nothing is asked of Stripe in a transaction."""
    async with transaction(actor) as tx:
        tx.actor.require("billing.edit")
        me, bought = await identity.me(tx), await billing.subscription(tx)
        return str(tx.organization_id), me.email, bought.stripe_customer_id if bought else None


def _limits(limits: Limits) -> dict[str, Any]:
    return {"sensors": limits.sensors, "history_days": limits.history_days, "features": sorted(one.value for one in limits.features)}


def _account(held: Account) -> dict[str, Any]:
    return {"plan": held.plan, "standing": held.standing, "is_closed": held.is_closed, "ends_at": held.ends_at, "limits": _limits(held.limits)}


def _bought(one: Subscription | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "plan": one.plan, "status": one.status, "trial_ends_at": one.trial_ends_at, "current_period_start_at": one.current_period_start_at,
        "current_period_end_at": one.current_period_end_at, "past_due_since_at": one.past_due_since_at, "canceled_at": one.canceled_at,
    }  # fmt: skip
