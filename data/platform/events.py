"""What others may want to hear about long work."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class BackgroundJobAsked(Event):
    """Somebody asked for long work; a process that is free takes it."""

    job_id: UUID


@dataclass(frozen=True)
class BackgroundJobChanged(Event):
    """Long work came further, or to its end."""

    job_id: UUID


@dataclass(frozen=True)
class BackgroundJobCanceled(Event):
    """Whoever asked no longer wants it; the process that is at it lets go."""

    job_id: UUID


@dataclass(frozen=True)
class BillingChanged(Event):
    """What the organization has bought, or whether it is paid, is another than before."""


@dataclass(frozen=True)
class RegularReportsChanged(Event):
    """A report that is sent regularly was ordered, changed or sent."""

    schedule_id: UUID
