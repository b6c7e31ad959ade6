"""What was said about who is told, and what holds for a thing, a place or everything together with what is inherited."""

from collections.abc import Sequence
from uuid import UUID

from data.core.session import Transaction
from data.notifications.policy import Effective, Said, settle
from data.notifications.queries import calling

EDIT = "notifications.edit"
NOTHING = UUID(int=0)


async def policies(tx: Transaction) -> Sequence[Said]:
    """Every policy that the actor may change; for those who run certain places only, these places' and what holds for all."""
    tx.actor.require(EDIT)
    scopes = tx.actor.scopes(EDIT)
    return [one for one in await calling.said(tx) if scopes is None or (one.subject_id is None and (one.scope_id is None or one.scope_id in scopes))]


async def own(
    tx: Transaction, *, subject_id: UUID | None = None, scope_id: UUID | None = None, alert_type: str | None = None, severity: str | None = None,
    within: UUID | None = None,
) -> Said | None:  # fmt: skip
    """The very row about that, as `set_policy` writes it (`within` likewise); None where nothing is said."""
    tx.actor.require(EDIT, scope_id or within)
    about = (subject_id, None if subject_id else scope_id, alert_type, severity)
    return next((one for one in await calling.said(tx) if about == (one.subject_id, one.scope_id, one.alert_type, one.severity)), None)


async def effective(
    tx: Transaction, *, severity: str, alert_type: str | None = None, subject_id: UUID | None = None, scope_id: UUID | None = None
) -> Effective:
    """What holds for an alert of that kind and severity there; `scope_id` is also where `subject_id` stands."""
    tx.actor.require(EDIT, scope_id)
    return settle(
        await calling.said(tx), subject_id=subject_id or NOTHING, scope_id=scope_id, alert_type=alert_type or "", severity=severity
    )
