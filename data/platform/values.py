"""The words that rows of the platform are made of."""

from enum import StrEnum


class Plan(StrEnum):
    STARTER = "starter"
    PRO = "pro"
    HACCP = "haccp"
    ENTERPRISE = "enterprise"


class SubscriptionStatus(StrEnum):
    TRIAL = "trial"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELED = "canceled"
    PAUSED = "paused"


class BackgroundJobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class Every(StrEnum):
    """How often something comes of its own accord."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class RunStatus(StrEnum):
    """Its document is being made, its mails are on their way, all of them went, or something was amiss (and it says what)."""

    MAKING = "making"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
