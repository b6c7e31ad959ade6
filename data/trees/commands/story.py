"""Jobs have a story that their people read: who did what when. The event log proves the same and more."""

from typing import Any

from data.core.session import Transaction, plain
from data.core.time import now
from data.trees.events import JobChanged, PhoneChanged
from data.trees.tables import Device, Job, JobEvent


def tell(
    tx: Transaction, event_type: str, *, job: Job | None = None, device: Device | None = None, round_number: int | None = None,
    **data: Any,
) -> None:  # fmt: skip
    """Add a line to the story and announce that the job or the device changed."""
    tx.add(
        JobEvent(
            organization_id=tx.organization_id, recorded_at=now(), job_id=job.id if job else None,
            device_id=device.id if device else None, round_number=round_number, event_type=event_type,
            actor_name=tx.actor.name, event_data=plain(data),
        )
    )  # fmt: skip
    if job:
        tx.emit(JobChanged(job_id=job.id))
    elif device:
        tx.emit(PhoneChanged(device_id=device.id))
