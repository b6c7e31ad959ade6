"""What others may want to hear about tree jobs and the phones that work on them."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class JobChanged(Event):
    """A tree job was made, worked on, submitted, returned or approved."""

    job_id: UUID


@dataclass(frozen=True)
class PhoneChanged(Event):
    """An assessor's phone registered, or somebody approved or revoked it."""

    device_id: UUID
