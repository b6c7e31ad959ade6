"""What somebody did about an alert or a unit, with a picture where there is one: it stays as it was written."""

from typing import Any
from uuid import UUID

from fastapi.responses import FileResponse
from pydantic import AwareDatetime, BaseModel

from data.alerts import commands, queries
from data.alerts.commands import Photo
from data.alerts.tables import CorrectiveAction
from data.alerts.values import Subject
from data.cold_chain.queries import units
from data.core.errors import Invalid
from data.core.session import Transaction, transaction
from data.platform.commands import path_of
from jobs.api._door import Paged, Reader, Setter, answer
from jobs.api._organization import of_organization
from jobs.api._pictures import uploaded

router = of_organization("/corrective-actions", "Corrective actions")
MOST = 1_000


class Done(BaseModel):
    """About an alert or a unit. With `resolves` the alert is over by it, for those who may close alerts."""

    alert_id: UUID | None = None
    unit_id: UUID | None = None
    description: str
    action_taken: str
    acted_at: AwareDatetime | None = None
    photo_id: UUID | None = None
    resolves: bool = False


@router.get("")
async def list_actions(actor: Reader, page: Paged, alert_id: UUID | None = None, unit_id: UUID | None = None) -> dict[str, Any]:
    """What was done, the latest first: about an alert, about a unit, or at all; of the last thousand."""
    async with transaction(actor) as tx:
        found = await queries.actions(tx, alert_id=alert_id, subject_id=unit_id, limit=MOST)
        return page.of(found, lambda one: _action(*one))


@router.post("", status_code=201)
async def create_action(actor: Setter, done: Done) -> dict[str, Any]:
    """Write down what was wrong and what was done."""
    async with transaction(actor) as tx:
        photo = Photo("photo", (await uploaded(tx, done.photo_id)).content) if done.photo_id else None
        made = await commands.take_action(
            tx, description=done.description, action_taken=done.action_taken, alert_id=done.alert_id,
            subject=None if done.alert_id else await _subject(tx, done.unit_id), photo=photo, acted_at=done.acted_at, resolves=done.resolves,
        )  # fmt: skip
        return answer(_action(made, actor.name))


@router.get("/{action_id}/photo")
async def show_photo(actor: Reader, action_id: UUID) -> FileResponse:
    """The picture of it."""
    async with transaction(actor) as tx:
        file = await queries.photo(tx, action_id)
    return FileResponse(path_of(file), media_type=file.mime_type, headers={"cache-control": "private, no-store"})


async def _subject(tx: Transaction, unit_id: UUID | None) -> Subject:
    if unit_id is None:
        raise Invalid("unit_id", "Name an alert or a unit.")
    unit = await units.unit(tx, unit_id)
    return Subject("cold_chain.units", unit.id, unit.name, units.VIEW, unit.site_id)


def _action(one: CorrectiveAction, who: str | None) -> dict[str, Any]:
    return {
        "id": one.id, "alert_id": one.alert_id, "log_id": one.log_id,
        "subject": {"kind": one.subject_kind, "id": one.subject_id, "name": one.subject_name}, "site_id": one.scope_id,
        "description": one.description, "action_taken": one.action_taken, "acted_at": one.acted_at,
        "acted_by": {"id": one.acted_by, "name": who}, "has_photo": one.photo_file_id is not None, "has_resolved_alert": one.has_resolved_alert,
    }  # fmt: skip
