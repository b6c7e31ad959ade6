"""What happened on a farm, as the log has it."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from data.core.session import transaction
from data.core.time import now
from data.farm.queries_events import MOST_DAYS, FarmEvent, latest_events
from jobs.api._door import Reader, answer, door

router = door("/v1/farms/{farm_id}/events", "Events of a farm")


@router.get("")
async def list_events(
    actor: Reader, farm_id: UUID, days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 7, limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> dict[str, Any]:  # fmt: skip
    """The latest first, of so many days; for the next ones ask again with `before` as `pagination.next` says, while it is not null."""
    at = now()
    async with transaction(actor) as tx:
        found = await latest_events(tx, farm_id, at - timedelta(days=days), at + timedelta(minutes=1), before=before, limit=limit)
    goes_on = found[-1].sequence if len(found) == limit else None
    return answer([_event(one) for one in found]) | {"pagination": {"limit": limit, "next": goes_on}}


def _event(one: FarmEvent) -> dict[str, Any]:
    return {
        "sequence": one.sequence, "at": one.recorded_at, "event": one.event_type, "severity": one.severity, "title": one.title,
        "by": one.actor, "subject_id": one.subject_id, "data": one.data,
    }  # fmt: skip
