"""Who is told of what, how soon and how often: said for a unit, a site or everything, and what holds together with what is inherited."""

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from data.alerts.tables import Severity
from data.cold_chain.queries import units
from data.core.session import Transaction, transaction
from data.notifications.commands.policies import set_policy
from data.notifications.policy import FIELDS, MOST_STEPS, Effective, Said, Step
from data.notifications.queries import policies as queries
from jobs.api._door import Paged, Reader, Setter, answer
from jobs.api._organization import of_organization

router = of_organization("/notification-policies", "Notification policies")
Words = Annotated[list[Annotated[str, Field(max_length=40)]] | None, Field(max_length=20)]


class About(BaseModel):
    """Of a unit, of a site, or with neither of everything; of one kind of alert or any; of one severity or any."""

    unit_id: UUID | None = None
    site_id: UUID | None = None
    alert_type: Annotated[str | None, Field(max_length=100)] = None
    severity: Severity | None = None


class StepGiven(BaseModel):
    """`after_minutes` counts from the step before; without `priority` every contact is called; only the last may `repeat`."""

    after_minutes: int
    channels: list[Annotated[str, Field(max_length=40)]]
    priority: Annotated[int | None, Field(ge=0, le=9)] = None
    repeat: bool = False


class PolicyGiven(BaseModel):
    """Fields by their names; one that is `null` is inherited again, one that is not named stays."""

    is_enabled: bool | None = None
    least_severity: Severity | None = None
    initial_channels: Words = None
    notify_roles: Words = None
    are_contacts_told: bool | None = None
    steps: Annotated[list[StepGiven] | None, Field(max_length=MOST_STEPS + 1)] = None
    is_acknowledgement_required: bool | None = None
    acknowledgement_deadline_minutes: int | None = None
    are_reminders_enabled: bool | None = None
    reminder_minutes: int | None = None
    are_resolved_sent: bool | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None
    days: Annotated[list[int] | None, Field(max_length=7)] = None


Which = Annotated[About, Query()]


@router.get("")
async def list_policies(actor: Reader, page: Paged) -> dict[str, Any]:
    """All that is said by anybody, about what, and only the fields that are said."""
    async with transaction(actor) as tx:
        return page.of(await queries.policies(tx), _said)


@router.get("/effective")
async def show_effective(actor: Reader, which: Which) -> dict[str, Any]:
    """What holds for such an alert (a critical one unless said), field by field, and where each comes from."""
    async with transaction(actor) as tx:
        subject_id, scope_id = await _where(tx, which)
        severity = which.severity or Severity.CRITICAL
        found = await queries.effective(tx, subject_id=subject_id, scope_id=scope_id, alert_type=which.alert_type, severity=severity.value)
        return answer(_effective(found))


@router.put("")
async def change_policy(actor: Setter, which: Which, given: PolicyGiven) -> dict[str, Any]:
    """Say some fields of one place, one kind and one severity."""
    return await _set(actor, which, _values(given))


@router.delete("")
async def clear_policy(actor: Setter, which: Which) -> dict[str, Any]:
    """Say nothing there any more: all of it is inherited."""
    return await _set(actor, which, dict.fromkeys(FIELDS))


@router.delete("/fields/{field}")
async def clear_field(actor: Setter, field: str, which: Which) -> dict[str, Any]:
    """Let one field be inherited again."""
    return await _set(actor, which, {field: None})


async def _set(actor: Setter, which: About, values: Mapping[str, Any]) -> dict[str, Any]:
    async with transaction(actor) as tx:
        subject_id, scope_id = await _where(tx, which)
        about: dict[str, Any] = {
            "subject_id": subject_id, "scope_id": None if subject_id else scope_id, "alert_type": which.alert_type,
            "severity": which.severity, "within": scope_id,
        }  # fmt: skip
        before = await queries.own(tx, **about)
        await set_policy(tx, {**(before.values if before else {}), **values}, **about)
        after = await queries.own(tx, **about)
        return answer(_said(after) if after else None)


async def _where(tx: Transaction, which: About) -> tuple[UUID | None, UUID | None]:
    """The thing and the place that are meant, as far as one may see them."""
    if which.unit_id:
        unit = await units.unit(tx, which.unit_id)
        return unit.id, unit.site_id
    return None, (await units.site(tx, which.site_id)).id if which.site_id else None


def _values(given: PolicyGiven) -> dict[str, Any]:
    """As the command wants them: what is a list is a tuple, and steps are steps."""
    said: dict[str, Any] = {name: getattr(given, name) for name in given.model_fields_set}
    for name in ("initial_channels", "notify_roles", "days"):
        if said.get(name) is not None:
            said[name] = tuple(said[name])
    if given.steps is not None:
        said["steps"] = tuple(Step(one.after_minutes, tuple(one.channels), one.priority, one.repeat) for one in given.steps)
    if given.least_severity is not None:
        said["least_severity"] = given.least_severity.value
    return said


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [one.raw() if isinstance(one, Step) else one for one in value]
    return value.isoformat(timespec="minutes") if isinstance(value, time) else value


def _said(one: Said) -> dict[str, Any]:
    return {
        "id": one.id, "subject_id": one.subject_id, "site_id": one.scope_id, "alert_type": one.alert_type, "severity": one.severity,
        "fields": {name: _plain(value) for name, value in one.values.items()},
    }  # fmt: skip


def _effective(found: Effective) -> dict[str, Any]:
    return {
        name: {"value": _plain(getattr(found.settled, name)), "origin": found.origin(name), "policy_id": said.id if (said := found.origins.get(name)) else None}
        for name in FIELDS
    }
