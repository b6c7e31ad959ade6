"""What a plan allows follows from what was bought, whether it is paid, and the clock."""

from datetime import UTC, datetime, timedelta

import pytest

from data.platform.plans import PLANS, Account, Bought, Feature, Limits, Standing, account, room_for_sensors
from data.platform.values import Plan, SubscriptionStatus

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("bought", "standing", "ends_at"),
    [
        (None, Standing.NOT_BILLED, None),
        (Bought(Plan.PRO, SubscriptionStatus.TRIAL, trial_ends_at=AT + DAY), Standing.TRIAL, AT + DAY),
        (Bought(Plan.PRO, SubscriptionStatus.TRIAL, trial_ends_at=AT), Standing.TRIAL_OVER, None),
        (Bought(Plan.PRO, SubscriptionStatus.TRIAL), Standing.TRIAL, None),
        (Bought(Plan.PRO, SubscriptionStatus.ACTIVE, current_period_end_at=AT + DAY), Standing.PAID, AT + DAY),
        (Bought(Plan.PRO, SubscriptionStatus.PAST_DUE, past_due_since_at=AT), Standing.PAST_DUE, AT + 14 * DAY),
        (Bought(Plan.PRO, SubscriptionStatus.PAST_DUE, past_due_since_at=AT - 14 * DAY), Standing.UNPAID, None),
        (Bought(Plan.PRO, SubscriptionStatus.PAUSED), Standing.PAUSED, None),
        (Bought(Plan.PRO, SubscriptionStatus.CANCELED), Standing.CANCELED, None),
        (Bought(Plan.PRO, SubscriptionStatus.CANCELED, current_period_end_at=AT + DAY), Standing.PAID, AT + DAY),
        (Bought(Plan.PRO, SubscriptionStatus.CANCELED, current_period_end_at=AT), Standing.CANCELED, None),
    ],
)
def test_how_an_organization_stands(bought: Bought | None, standing: Standing, ends_at: datetime | None) -> None:
    held = account(bought, AT)
    assert (held.standing, held.ends_at) == (standing, ends_at)


def test_whoever_is_not_billed_may_do_everything() -> None:
    held = account(None, AT)
    assert all(held.allows(feature) for feature in Feature)
    assert room_for_sensors(held, 1_000_000)


@pytest.mark.parametrize(
    ("plan", "sensors", "features"),
    [
        (Plan.STARTER, 5, set()),
        (Plan.PRO, 25, {Feature.SMS, Feature.SEVERAL_SITES, Feature.API}),
        (Plan.HACCP, 100, set(Feature)),
        (Plan.ENTERPRISE, None, set(Feature)),
    ],
)
def test_what_each_plan_holds(plan: Plan, sensors: int | None, features: set[Feature]) -> None:
    assert PLANS[plan].sensors == sensors
    assert PLANS[plan].features == features


def test_the_last_sensor_fits_and_the_next_does_not() -> None:
    held = account(Bought(Plan.STARTER, SubscriptionStatus.ACTIVE), AT)
    assert room_for_sensors(held, 4)
    assert not room_for_sensors(held, 5)


def test_what_was_agreed_goes_before_the_plan() -> None:
    held = account(Bought(Plan.STARTER, SubscriptionStatus.ACTIVE), AT, sensor_limit=7)
    assert room_for_sensors(held, 6)
    assert not room_for_sensors(held, 7)


def test_nothing_new_is_added_once_it_is_over() -> None:
    held = Account(Plan.HACCP, Standing.CANCELED, Limits(100, None, frozenset(Feature)))
    assert not room_for_sensors(held, 0)
    assert not held.allows(Feature.SMS)
