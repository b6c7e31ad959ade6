"""A farm's alerts: what is wrong there, who is on it, and what there was before."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from data.alerts import commands
from data.alerts import queries as alerts
from data.alerts.queries import Tally, Wanted
from data.alerts.tables import Alert, Severity
from data.core.errors import NotFound
from data.core.session import Transaction, transaction
from data.core.time import now
from data.farm import queries
from jobs.api._alerts import alert_shape, decision_shape
from jobs.api._door import Paged, Reader, Setter, answer, called, door, listed

router = door("/v1/farms/{farm_id}/alerts", "Alerts of a farm")

View = Literal["active", "acknowledged", "open", "mine", "snoozed", "suppressed", "resolved", "all"]


class Taken(BaseModel):
    note: str | None = Field(default=None, max_length=2_000)


class Put(BaseModel):
    """For how many hours nobody is told: what is critical for one at most, anything else for a week."""

    hours: float = Field(gt=0, le=168)


class Closed(BaseModel):
    because: str = Field(max_length=2_000)


@router.get("")
async def list_alerts(
    actor: Reader, farm_id: UUID, page: Paged, status: View = "open", severity: Severity | None = None,
    alert_type: Annotated[str, Query(max_length=100)] = "", device_id: UUID | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Those that are open unless `status` says otherwise, what nobody is on and the worst first; and how many are active on the farm."""
    wanted = Wanted(status, severity, scope_id=farm_id, subject_id=device_id, alert_type=alert_type)
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        found, total = await alerts.page(tx, wanted, offset=page.offset, limit=page.limit)
        names = await alerts.names(tx, found)
        there = await alerts.tally(tx, Wanted("open", scope_id=farm_id))
    shown = listed([alert_shape(one, names) for one in found], page, total=total)
    return shown | {"active_count": sum(one.active for one in there), "critical_count": critical(there), "open_count": sum(one.open for one in there)}


@router.get("/history")
async def alert_history(
    actor: Reader, farm_id: UUID, page: Paged, days: Annotated[int, Query(ge=1, le=730)] = 30, severity: Severity | None = None,
    alert_type: Annotated[str, Query(max_length=100)] = "", device_id: UUID | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What was raised within so many days, how long each lasted, and how many there were of which kind and severity."""
    at = now()
    wanted = Wanted("all", severity, scope_id=farm_id, subject_id=device_id, alert_type=alert_type, since=at - timedelta(days=days))
    async with transaction(actor) as tx:
        await queries.farm(tx, farm_id)
        found, total = await alerts.page(tx, wanted, offset=page.offset, limit=page.limit)
        names = await alerts.names(tx, found)
        counted = await alerts.tally(tx, wanted, at=at)
    return listed([alert_shape(one, names, at=at) for one in found], page, total=total) | {"counts": _counts(counted)}


@router.get("/{alert_id}")
async def show_alert(actor: Reader, farm_id: UUID, alert_id: UUID) -> dict[str, Any]:
    """One alert, and what was decided about it, the first first."""
    async with transaction(actor) as tx:
        return answer(await _shown(tx, farm_id, alert_id))


@router.post("/{alert_id}/acknowledge")
async def acknowledge_alert(actor: Setter, farm_id: UUID, alert_id: UUID, taken: Taken | None = None) -> dict[str, Any]:
    """Say that one is on it: nobody else is called, and it is active no more."""
    async with transaction(actor) as tx:
        await _there(tx, farm_id, alert_id)
        await commands.acknowledge(tx, alert_id, note=taken.note if taken else None)
        return answer(await _shown(tx, farm_id, alert_id))


@router.post("/{alert_id}/snooze")
async def snooze_alert(actor: Setter, farm_id: UUID, alert_id: UUID, put: Put) -> dict[str, Any]:
    """Put it off: then people are told again."""
    at = now()
    async with transaction(actor) as tx:
        await _there(tx, farm_id, alert_id)
        with called(until="hours"):
            await commands.snooze(tx, alert_id, until=at + timedelta(hours=put.hours), at=at)
        return answer(await _shown(tx, farm_id, alert_id))


@router.post("/{alert_id}/resolve")
async def resolve_alert(actor: Setter, farm_id: UUID, alert_id: UUID, closed: Closed) -> dict[str, Any]:
    """Close it by hand, saying why; most end by themselves when the world is in order again."""
    async with transaction(actor) as tx:
        await _there(tx, farm_id, alert_id)
        await commands.resolve(tx, alert_id, because=closed.because)
        return answer(await _shown(tx, farm_id, alert_id))


async def _there(tx: Transaction, farm_id: UUID, alert_id: UUID) -> Alert:
    await queries.farm(tx, farm_id)
    found = await alerts.alert(tx, alert_id)
    if found.scope_id != farm_id:
        raise NotFound("There is no such alert.")
    return found


async def _shown(tx: Transaction, farm_id: UUID, alert_id: UUID) -> dict[str, Any]:
    await tx.flush()
    found = await _there(tx, farm_id, alert_id)
    told = [decision_shape(one) for one in await alerts.story(tx, alert_id)]
    return alert_shape(found, await alerts.names(tx, [found])) | {"story": told}


def critical(counted: list[Tally]) -> int:
    """How many of the active ones are critical."""
    return sum(one.active for one in counted if one.severity is Severity.CRITICAL)


def _counts(counted: list[Tally]) -> dict[str, Any]:
    total = sum(one.count for one in counted)
    severities, kinds = Counter[str](), Counter[str]()
    for one in counted:
        severities[one.severity] += one.count
        kinds[one.alert_type] += one.count
    return {
        "total": total, "open": sum(one.open for one in counted), "acknowledged": sum(one.acknowledged for one in counted),
        "by_severity": {severity.value: severities[severity] for severity in Severity}, "by_type": dict(kinds.most_common()),
        "average_duration_minutes": round(sum(one.mean_minutes * one.count for one in counted) / total, 1) if total else None,
    }  # fmt: skip
