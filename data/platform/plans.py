"""What an organization has bought decides what may be added and used; what is already watched stays watched, paid or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from data.platform.values import Plan, SubscriptionStatus

TRIAL = timedelta(days=14)
GRACE = timedelta(days=14)
"""How long an unpaid bill changes nothing but a banner."""


class Feature(StrEnum):
    """What a plan may hold."""

    SMS = "sms"
    SEVERAL_SITES = "several_sites"
    API = "api"
    COMPLIANCE_REPORTS = "compliance_reports"


class Limits(NamedTuple):
    """`sensors` None: as many as they like. `history_days` None: as long as readings are kept."""

    sensors: int | None
    history_days: int | None
    features: frozenset[Feature]


PLANS: Mapping[Plan, Limits] = {
    Plan.STARTER: Limits(5, 7, frozenset()),
    Plan.PRO: Limits(25, 30, frozenset({Feature.SMS, Feature.SEVERAL_SITES, Feature.API})),
    Plan.HACCP: Limits(100, None, frozenset(Feature)),
    Plan.ENTERPRISE: Limits(None, None, frozenset(Feature)),
}


class Standing(StrEnum):
    """How an organization stands with its bill."""

    NOT_BILLED = "not_billed"
    """It has no subscription: this installation does not sell, and everything is open."""
    TRIAL = "trial"
    TRIAL_OVER = "trial_over"
    PAID = "paid"
    PAST_DUE = "past_due"
    """Not paid; nothing is closed until the grace is over."""
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


CLOSED = frozenset({Standing.TRIAL_OVER, Standing.UNPAID, Standing.PAUSED, Standing.CANCELED})
"""Nothing new may be added then. Readings, alerts and what is there already go on: food does not wait for a bill."""


@dataclass(frozen=True, slots=True)
class Account:
    """What holds for an organization now. `ends_at` is when this standing turns into a worse one, where that is known."""

    plan: Plan | None
    standing: Standing
    limits: Limits
    ends_at: datetime | None = None

    @property
    def is_closed(self) -> bool:
        return self.standing in CLOSED

    def allows(self, feature: Feature) -> bool:
        return not self.is_closed and feature in self.limits.features


class Bought(NamedTuple):
    """The part of a subscription that decides."""

    plan: Plan
    status: SubscriptionStatus
    trial_ends_at: datetime | None = None
    past_due_since_at: datetime | None = None
    current_period_end_at: datetime | None = None


def account(bought: Bought | None, at: datetime, *, sensor_limit: int | None = None) -> Account:
    """What holds for whoever bought that; `sensor_limit` was agreed with them and goes before the plan's."""
    if bought is None:
        return Account(None, Standing.NOT_BILLED, Limits(sensor_limit, None, frozenset(Feature)))
    limits = PLANS[bought.plan]
    if sensor_limit is not None:
        limits = limits._replace(sensors=sensor_limit)
    standing, ends_at = _standing(bought, at)
    return Account(bought.plan, standing, limits, ends_at)


def _standing(bought: Bought, at: datetime) -> tuple[Standing, datetime | None]:
    match bought.status:
        case SubscriptionStatus.TRIAL:
            over = bought.trial_ends_at is not None and bought.trial_ends_at <= at
            return (Standing.TRIAL_OVER, None) if over else (Standing.TRIAL, bought.trial_ends_at)
        case SubscriptionStatus.ACTIVE:
            return Standing.PAID, bought.current_period_end_at
        case SubscriptionStatus.PAST_DUE:
            until = (bought.past_due_since_at or at) + GRACE
            return (Standing.UNPAID, None) if until <= at else (Standing.PAST_DUE, until)
        case SubscriptionStatus.PAUSED:
            return Standing.PAUSED, None
        case SubscriptionStatus.CANCELED:
            paid_until = bought.current_period_end_at
            return (Standing.PAID, paid_until) if paid_until and paid_until > at else (Standing.CANCELED, None)


def room_for_sensors(held: Account, there_are: int) -> bool:
    """Whether one more sensor may be taken in."""
    return not held.is_closed and (held.limits.sensors is None or there_are < held.limits.sensors)
