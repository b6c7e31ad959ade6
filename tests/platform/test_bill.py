"""Stripe's messages come late, twice and in any order; what is known follows from the newest."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from data.platform.bill import Known, Told, follow
from data.platform.values import Plan, SubscriptionStatus

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
S = SubscriptionStatus


def told(minute: float, status: SubscriptionStatus | None = None, **more: object) -> Told:
    return Told(f"evt_{minute}", "customer.subscription.updated", AT + timedelta(minutes=minute), "cus_1", more.pop("sub", "sub_1"), status=status, **more)  # type: ignore[arg-type]


def after(*messages: Told) -> Known:
    known = Known()
    for message in messages:
        known = follow(known, message) or known
    return known


def test_the_newest_message_holds_whatever_the_order() -> None:
    messages = [told(1, S.TRIAL, plan=Plan.PRO), told(2, S.ACTIVE, plan=Plan.PRO), told(3, S.PAST_DUE), told(4, S.ACTIVE, plan=Plan.HACCP)]
    for order in permutations(messages):
        known = after(*order)
        assert (known.plan, known.status, known.past_due_since_at) == (Plan.HACCP, S.ACTIVE, None)


def test_an_ended_subscription_never_lives_again() -> None:
    assert after(told(1, S.ACTIVE), told(2, S.CANCELED), told(2, S.ACTIVE)).status is S.CANCELED
    assert after(told(1, S.ACTIVE), told(2, S.ACTIVE), told(2, S.CANCELED)).status is S.CANCELED


def test_a_new_subscription_after_an_ended_one_counts_and_the_old_ones_end_does_not_reach_it() -> None:
    known = after(told(1, S.ACTIVE), told(2, S.CANCELED), told(3, S.ACTIVE, sub="sub_2"), told(4, S.CANCELED, sub="sub_1"))
    assert (known.subscription_id, known.status) == ("sub_2", S.ACTIVE)


def test_late_payment_counts_from_its_first_message() -> None:
    known = after(told(1, S.ACTIVE), told(2, S.PAST_DUE), told(9, S.PAST_DUE))
    assert known.past_due_since_at == AT + timedelta(minutes=2)
    assert after(told(1, S.ACTIVE), told(2, S.PAST_DUE), told(9, S.ACTIVE)).past_due_since_at is None


@pytest.mark.parametrize(("before", "bill", "status"), [
    (S.ACTIVE, S.PAST_DUE, S.PAST_DUE), (S.PAST_DUE, S.ACTIVE, S.ACTIVE), (S.TRIAL, S.ACTIVE, S.TRIAL), (S.PAUSED, S.ACTIVE, S.PAUSED),
])  # fmt: skip
def test_a_paid_bill_only_cures_a_late_one(before: SubscriptionStatus, bill: SubscriptionStatus, status: SubscriptionStatus) -> None:
    assert after(told(1, before), told(2, bill, is_bill_only=True)).status is status


def test_a_bill_of_another_subscription_changes_nothing() -> None:
    assert after(told(1, S.ACTIVE), told(2, S.PAST_DUE, sub="sub_0", is_bill_only=True)).status is S.ACTIVE
