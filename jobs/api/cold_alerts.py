"""An organization's alerts: what is wrong in its cold chain, who is on it, and what was done about it."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from data.alerts import commands, queries
from data.alerts.queries import Wanted
from data.alerts.tables import Severity
from data.alerts.values import in_english
from data.core.session import Transaction, transaction
from data.core.time import now
from jobs.api._alerts import alert_shape, decision_shape
from jobs.api._door import Paged, Reader, Setter, answer, called, listed
from jobs.api._organization import of_organization

router = of_organization("/alerts", "Alerts of a cold chain")

View = Literal["active", "acknowledged", "open", "mine", "snoozed", "suppressed", "resolved", "all"]
Domain = Literal["cold_chain", "farm", "tracking", "deliveries", "trees", "all"]
Words = Annotated[str | None, Field(max_length=2_000)]


class Taken(BaseModel):
    """`corrective_action` is what was done about it already."""

    notes: Words = None
    corrective_action: Words = None


class Put(BaseModel):
    """For how many hours nobody is told: what is critical for one at most, anything else for a week."""

    hours: float = Field(gt=0, le=168)


class Closed(BaseModel):
    """`resolution` says why it is over; with `corrective_action` what was done is written down first."""

    resolution: str = Field(max_length=2_000)
    corrective_action: Words = None


@router.get("")
async def list_alerts(
    actor: Reader, page: Paged, status: View = "open", severity: Severity | None = None, domain: Domain = "cold_chain",
    alert_type: Annotated[str, Query(max_length=100)] = "", site_id: UUID | None = None, unit_id: UUID | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None, until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
) -> dict[str, Any]:  # fmt: skip
    """Those that are open unless `status` says otherwise, what nobody is on and the worst first; `from` and `to` are when they were raised."""
    wanted = Wanted(
        status, severity, "" if domain == "all" else domain, scope_id=site_id, subject_id=unit_id, alert_type=alert_type, since=since, until=until
    )
    async with transaction(actor) as tx:
        found, total = await queries.page(tx, wanted, offset=page.offset, limit=page.limit)
        names = await queries.names(tx, found)
        counts = await queries.counts(tx)
    return listed([alert_shape(one, names) for one in found], page, total=total) | {"counts": counts}


@router.get("/{alert_id}")
async def show_alert(actor: Reader, alert_id: UUID) -> dict[str, Any]:
    """One alert, what was decided about it, the first first, and what was done."""
    async with transaction(actor) as tx:
        return answer(await _shown(tx, alert_id))


@router.post("/{alert_id}/acknowledge")
async def acknowledge_alert(actor: Setter, alert_id: UUID, taken: Taken | None = None) -> dict[str, Any]:
    """Say that one is on it: nobody else is called."""
    taken = taken or Taken()
    async with transaction(actor) as tx:
        await commands.acknowledge(tx, alert_id, note=taken.notes)
        await _act(tx, alert_id, taken.corrective_action)
        return answer(await _shown(tx, alert_id))


@router.post("/{alert_id}/snooze")
async def snooze_alert(actor: Setter, alert_id: UUID, put: Put) -> dict[str, Any]:
    """Put it off: then people are told again."""
    at = now()
    async with transaction(actor) as tx:
        with called(until="hours"):
            await commands.snooze(tx, alert_id, until=at + timedelta(hours=put.hours), at=at)
        return answer(await _shown(tx, alert_id))


@router.post("/{alert_id}/resolve")
async def resolve_alert(actor: Setter, alert_id: UUID, closed: Closed) -> dict[str, Any]:
    """Close it by hand, saying why; most end by themselves when the unit is in order again."""
    async with transaction(actor) as tx:
        await _act(tx, alert_id, closed.corrective_action)
        with called(because="resolution"):
            await commands.resolve(tx, alert_id, because=closed.resolution)
        return answer(await _shown(tx, alert_id))


async def _act(tx: Transaction, alert_id: UUID, words: str | None) -> None:
    if not (words or "").strip():
        return
    alert = await queries.alert(tx, alert_id)
    with called(action_taken="corrective_action"):
        await commands.take_action(
            tx, description=in_english(alert.message, alert.message_values)[:2_000], action_taken=words or "", alert_id=alert_id
        )


async def _shown(tx: Transaction, alert_id: UUID) -> dict[str, Any]:
    await tx.flush()
    found = await queries.alert(tx, alert_id)
    done = [
        {"id": one.id, "description": one.description, "action_taken": one.action_taken, "acted_at": one.acted_at, "acted_by": who}
        for one, who in await queries.actions(tx, alert_id=alert_id)
    ]
    told = [decision_shape(one) for one in await queries.story(tx, alert_id)]
    return alert_shape(found, await queries.names(tx, [found])) | {"story": told, "corrective_actions": done}
