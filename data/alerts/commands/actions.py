"""What somebody did about it is written down, with a photo where there is one, and stays as it was written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from data.alerts import queries, reasons
from data.alerts.commands.ending import resolve
from data.alerts.commands.story import write_story
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert, AlertStatus, CorrectiveAction
from data.alerts.values import Ruled, Ruling, Subject
from data.core.errors import Invalid
from data.core.session import Transaction
from data.core.time import now
from data.platform.commands import keep_file
from data.platform.pictures import picture
from data.platform.tables import File

AHEAD = timedelta(minutes=5)
"""How far the clock of somebody's phone may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it was sent; what it is is looked up in its bytes."""

    name: str
    content: bytes


async def take_action(
    tx: Transaction, *, description: str, action_taken: str, alert_id: UUID | None = None, subject: Subject | None = None,
    log_id: UUID | None = None, photo: Photo | None = None, acted_at: datetime | None = None, resolves: bool = False,
) -> CorrectiveAction:  # fmt: skip
    """Write down what was wrong and what was done: about an alert, or about a thing (with `log_id` for a reading taken by hand).

    With `resolves` the alert is over by it, for those who may close alerts.
    """
    at = now()
    alert = await queries.alert(tx, alert_id) if alert_id else None
    about = _about(alert, subject)
    tx.actor.require("alerts.act", about.scope_id)
    tx.actor.require(about.permission, about.scope_id)
    for field, value, refusal in (
        ("description", description, "Say what was wrong."), ("action_taken", action_taken, "Say what was done about it."),
    ):  # fmt: skip
        if not value.strip():
            raise Invalid(field, refusal)
        if len(value) > 2000:
            raise Invalid(field, "At most {limit} characters.", limit=2000)
    if acted_at and acted_at > at + AHEAD:
        raise Invalid("acted_at", "This is still to come.")
    file = await _keep(tx, photo) if photo else None
    action = CorrectiveAction(
        alert_id=alert_id, subject_kind=about.kind, subject_id=about.id, subject_name=about.name, scope_id=about.scope_id,
        permission=about.permission, log_id=log_id, description=description.strip(), action_taken=action_taken.strip(),
        photo_file_id=file.id if file else None, acted_at=acted_at or at, acted_by=tx.actor.user_id,
        has_resolved_alert=bool(alert and resolves and alert.status is not AlertStatus.RESOLVED),
    )  # fmt: skip
    tx.add(action)
    await tx.flush()
    if alert:
        said = {"who": tx.actor.name, "action": action.action_taken}
        await write_story(tx, [Ruling(alert.id, Ruled.ACTED, reasons.ACTED, at, said, tx.actor.user_id)])
        tx.emit(AlertChanged(alert_id=alert.id))
        if action.has_resolved_alert:
            await resolve(tx, alert.id, because=action.action_taken)
    return action


async def bring_photo(tx: Transaction, photo: Photo) -> File:
    """Keep a picture before it is said what it is of."""
    tx.actor.require("alerts.act")
    return await _keep(tx, photo)


async def _keep(tx: Transaction, photo: Photo) -> File:
    found = await picture(photo.content)
    stem = photo.name.rsplit(".", 1)[0][:150] or "photo"
    return await keep_file(tx, found.content, file_name=f"{stem}.{found.extension}", mime_type=found.mime_type)


def _about(alert: Alert | None, subject: Subject | None) -> Subject:
    if alert:
        return Subject(alert.subject_kind, alert.subject_id, alert.subject_name, alert.permission, alert.scope_id)
    assert subject, "an action is about an alert or about a thing"
    return subject
