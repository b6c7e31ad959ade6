"""What an organization has bought is asked before something is added, and follows what Stripe tells."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import or_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.identity.tables import Organization
from data.platform.bill import Known, Told, follow
from data.platform.events import BillingChanged
from data.platform.plans import TRIAL, Account, Bought, Feature, account
from data.platform.tables import StripeEvent, Subscription
from data.platform.values import Plan, SubscriptionStatus

NOT_HELD = {
    Feature.SMS: "Your plan holds no messages by SMS. An owner can choose another under Billing.",
    Feature.SEVERAL_SITES: "Your plan holds one site. An owner can choose another under Billing.",
    Feature.API: "Your plan holds no interface for your own systems. An owner can choose another under Billing.",
    Feature.COMPLIANCE_REPORTS: "Your plan holds no compliance reports. An owner can choose another under Billing.",
}
CLOSED_WORDS = "The subscription has ended, so nothing new can be added. What is watched stays watched. An owner can renew it under Billing."


async def account_of(tx: Transaction, *, at: datetime | None = None) -> Account:
    """What holds for the actor's organization now."""
    organization = await tx.get(Organization, tx.organization_id)
    assert organization
    return account(_bought(await subscription(tx)), at or now(), sensor_limit=organization.sensor_limit)


async def subscription(tx: Transaction) -> Subscription | None:
    """What the actor's organization has bought, as Stripe last told it; None where it is not billed."""
    statement = select(Subscription).where(
        Subscription.organization_id == tx.organization_id, col(Subscription.deleted_at).is_(None)
    )
    return (await tx.exec(statement)).one_or_none()


async def require_feature(tx: Transaction, feature: Feature) -> None:
    """Conflict where the plan does not hold it, saying who can change that."""
    held = await account_of(tx)
    if held.is_closed:
        raise Conflict(CLOSED_WORDS)
    if not held.allows(feature):
        raise Conflict(NOT_HELD[feature])


async def begin_trial(tx: Transaction, *, plan: Plan) -> Subscription:
    """Try a plan for two weeks, once. Conflict where there is a subscription already."""
    tx.actor.require("billing.edit")
    if await subscription(tx):
        raise Conflict("There is a subscription already.")
    made = Subscription(plan=plan, status=SubscriptionStatus.TRIAL, trial_ends_at=now() + TRIAL)
    tx.add(made)
    tx.emit(BillingChanged())
    await tx.flush()
    return made


class Heard(StrEnum):
    """What became of a message of Stripe's."""

    APPLIED = "applied"
    REPEATED = "repeated"
    STALE = "stale"
    """Older than what is known, or of a subscription given up long ago."""
    NOT_OURS = "not_ours"
    """Nobody here is that customer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    heard: Heard
    organization_id: UUID | None = None


async def hear(tx: Transaction, told: Told) -> Outcome:
    """Follow one message, once: a second transaction with the same waits for the first (across tenants)."""
    event = StripeEvent(event_id=told.event_id, event_type=told.event_type, occurred_at=told.occurred_at)
    values = {"id": uuid7(), "event_id": event.event_id, "event_type": event.event_type, "occurred_at": event.occurred_at, "outcome": ""}
    new = await tx.execute(insert(StripeEvent).values(values).on_conflict_do_nothing().returning(StripeEvent))
    kept = new.scalars().one_or_none()
    if kept is None:
        return Outcome(Heard.REPEATED)
    outcome = await _follow(tx, told)
    kept.outcome = outcome.heard.value
    tx.add(kept)
    return outcome


async def _follow(tx: Transaction, told: Told) -> Outcome:
    found = await _subscription_of(tx, told)
    if found is None:
        return Outcome(Heard.NOT_OURS)
    after = follow(_known(found), told)
    if after is None:
        return Outcome(Heard.STALE, found.organization_id)
    found.plan, found.status = after.plan, after.status
    found.stripe_customer_id, found.stripe_subscription_id = after.customer_id, after.subscription_id
    found.current_period_start_at, found.current_period_end_at = after.period_start_at, after.period_end_at
    found.trial_ends_at, found.past_due_since_at = after.trial_ends_at, after.past_due_since_at
    found.canceled_at, found.stripe_event_at, found.updated_at = after.canceled_at, after.told_at, now()
    tx.add(found)
    tx.emit(BillingChanged(), organization_id=found.organization_id)
    return Outcome(Heard.APPLIED, found.organization_id)


async def _subscription_of(tx: Transaction, told: Told) -> Subscription | None:
    """By Stripe's own ids, else by the organization that we wrote into the message; locked."""
    by_stripe = or_(
        col(Subscription.stripe_subscription_id) == (told.subscription_id or ""),
        col(Subscription.stripe_customer_id) == (told.customer_id or ""),
    )
    living = col(Subscription.deleted_at).is_(None)
    found = (await tx.exec(select(Subscription).where(by_stripe, living).with_for_update())).first()
    if found or told.organization_id is None:
        return found
    organization = (
        await tx.exec(
            select(Organization).where(Organization.id == told.organization_id, col(Organization.deleted_at).is_(None)).with_for_update()
        )
    ).one_or_none()
    if organization is None:
        return None
    mine = select(Subscription).where(Subscription.organization_id == organization.id, living).with_for_update()
    found = (await tx.exec(mine)).one_or_none()
    if found is None:
        found = Subscription(organization_id=organization.id)
        tx.add(found)
        await tx.flush()
    return found


def _bought(row: Subscription | None) -> Bought | None:
    if row is None:
        return None
    return Bought(row.plan, row.status, row.trial_ends_at, row.past_due_since_at, row.current_period_end_at)


def _known(row: Subscription) -> Known:
    return Known(
        row.plan, row.status, row.stripe_customer_id, row.stripe_subscription_id, row.current_period_start_at,
        row.current_period_end_at, row.trial_ends_at, row.past_due_since_at, row.canceled_at, row.stripe_event_at,
    )  # fmt: skip
