"""A driver's phone, whichever app it runs: its fix goes through the one intake and is answered once it is kept."""

from dataclasses import replace
from datetime import datetime

from data.core.errors import Unauthenticated
from data.deliveries.commands import record_fixes
from data.deliveries.rules import KEPT_FOR
from data.deliveries.values import Fix, Kept, Report
from data.identity.door import Machine
from jobs.codecs.fields import believable
from jobs.networks._door import intake


async def keep(machine: Machine, fix: Fix, *, field: str, at: datetime) -> Kept:
    """Store one fix of the device that this machine is; what became of it, after the commit.

    Older than positions are kept is refused, naming `field`, the one that the sender wrote the time in.
    """
    if machine.subject_id is None:
        raise Unauthenticated("The secret is missing or not right.")
    believable(fix.recorded_at, field, now=at, oldest=at - KEPT_FOR)
    # Apps that name themselves by their secret must not have it carried about.
    report = Report(machine.subject_id, replace(fix, device_identifier=""), at)
    kept: Kept = await intake.take(machine.organization_id, record_fixes, report, by="phones")
    return kept
