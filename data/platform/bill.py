"""Stripe tells of a subscription in many messages, some late, some twice; what is known follows from the newest."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from data.platform.values import Plan, SubscriptionStatus

LIVE = frozenset({SubscriptionStatus.TRIAL, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.PAUSED})


@dataclass(frozen=True, slots=True)
class Told:
    """One message, in our words. What it does not tell is None. `organization_id` is what we wrote into it ourselves."""

    event_id: str
    event_type: str
    occurred_at: datetime
    customer_id: str | None = None
    subscription_id: str | None = None
    organization_id: UUID | None = None
    plan: Plan | None = None
    status: SubscriptionStatus | None = None
    period_start_at: datetime | None = None
    period_end_at: datetime | None = None
    trial_ends_at: datetime | None = None
    canceled_at: datetime | None = None
    is_bill_only: bool = False
    """It tells of a bill, not of the subscription: paid and unpaid, and nothing else."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an organization's subscription."""

    plan: Plan = Plan.STARTER
    status: SubscriptionStatus = SubscriptionStatus.TRIAL
    customer_id: str | None = None
    subscription_id: str | None = None
    period_start_at: datetime | None = None
    period_end_at: datetime | None = None
    trial_ends_at: datetime | None = None
    past_due_since_at: datetime | None = None
    canceled_at: datetime | None = None
    told_at: datetime | None = None


def follow(known: Known, told: Told) -> Known | None:
    """What is known after this message; None where it is older than what is known, or of a subscription given up long ago."""
    is_other = bool(known.subscription_id and told.subscription_id and told.subscription_id != known.subscription_id)
    if is_other and (told.status not in LIVE or told.is_bill_only):
        return None
    if known.told_at is not None and told.occurred_at < known.told_at:
        return None
    if known.status is SubscriptionStatus.CANCELED and known.subscription_id and not is_other and told.status in LIVE:
        return None  # an ended subscription never lives again at Stripe: a message of the same second overtook another
    if told.is_bill_only and told.status is SubscriptionStatus.ACTIVE and known.status is not SubscriptionStatus.PAST_DUE:
        return None
    status = told.status or known.status
    was_due = known.past_due_since_at if known.status is SubscriptionStatus.PAST_DUE and not is_other else None
    return replace(
        known,
        plan=told.plan or known.plan,
        status=status,
        customer_id=told.customer_id or known.customer_id,
        subscription_id=told.subscription_id or known.subscription_id,
        period_start_at=told.period_start_at or known.period_start_at,
        period_end_at=told.period_end_at or known.period_end_at,
        trial_ends_at=told.trial_ends_at or known.trial_ends_at,
        past_due_since_at=(was_due or told.occurred_at) if status is SubscriptionStatus.PAST_DUE else None,
        canceled_at=told.canceled_at or (told.occurred_at if status is SubscriptionStatus.CANCELED else None),
        told_at=told.occurred_at,
    )
