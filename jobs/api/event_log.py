"""What happened in an organization and who did it; and how far somebody who begins has come."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from data.audit import queries
from data.audit.queries import Wanted
from data.audit.tables import EventLog
from data.cold_chain.queries.beginning import beginning
from data.core.session import transaction
from jobs.api._door import Reader, answer
from jobs.api._organization import of_organization

lines = of_organization("/audit", "Event log")
first = of_organization("/onboarding", "Onboarding")
Severity = Literal["", "info", "success", "warning", "critical"]


@lines.get("")
async def list_events(
    actor: Reader, days: Annotated[int, Query(ge=1, le=365)] = 7, category: Annotated[str, Query(max_length=40)] = "",
    actor_name: Annotated[str, Query(max_length=100)] = "", severity: Severity = "", event_type: Annotated[str, Query(max_length=100)] = "",
    subject_id: UUID | None = None, before: Annotated[int | None, Query(ge=1)] = None, limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> dict[str, Any]:  # fmt: skip
    """Its lines, the latest first. `category` is the domain; `before` is the `sequence` of the last line of the answer before."""
    wanted = Wanted(days, category, actor_name, before, severity=severity, event_type=event_type, subject_id=subject_id)
    async with transaction(actor) as tx:
        return answer([_line(one) for one in await queries.lines(tx, wanted, limit=limit)])


@first.get("")
async def show_beginning(actor: Reader) -> dict[str, Any]:
    """What there is already: a site, an area, a unit, a sensor, a gateway, a reading; and which of them comes next."""
    async with transaction(actor) as tx:
        found = await beginning(tx)
    steps = {name: getattr(found, name) for name in ("site", "area", "unit", "sensor", "gateway", "reading")}
    left = [name for name, is_there in steps.items() if not is_there]
    return answer({"steps": steps, "next": left[0] if left else None, "is_complete": not left})


router = APIRouter()
for each in (lines, first):
    router.include_router(each)


def _line(one: EventLog) -> dict[str, Any]:
    return {
        "sequence": one.sequence, "recorded_at": one.recorded_at, "event_type": one.event_type, "category": one.category,
        "severity": one.severity, "title": one.title, "subject_id": one.subject_id, "event_data": one.event_data,
        "actor": {"type": one.actor_type, "id": one.actor_id, "name": one.actor_name}, "was_impersonated": one.was_impersonated,
        "ip_address": one.ip_address, "event_hash": one.event_hash,
    }  # fmt: skip
