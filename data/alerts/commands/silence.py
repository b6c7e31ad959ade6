"""Somebody agrees on a time in which nobody is told: a defrost, a repair, a delivery day."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select

from data.alerts import queries, reasons
from data.alerts.commands.story import write_story
from data.alerts.events import AlertChanged, SuppressionsChanged
from data.alerts.tables import Alert, AlertStatus, Suppression
from data.alerts.values import Ruled, Ruling
from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import now


async def suppress(
    tx: Transaction, *, starts_at: datetime, ends_at: datetime, reason: str, subject_id: UUID | None = None,
    scope_id: UUID | None = None, alert_type: str | None = None, at: datetime | None = None,
) -> Suppression:  # fmt: skip
    """From then to then nobody is told of what all of the named narrow it to (nothing named: of anything).

    Alerts are raised and shown all the same. Whoever may do so for some scopes only names one of them.
    """
    at = at or now()
    _may(tx, scope_id)
    if not reason.strip():
        raise Invalid("reason", "Say why nobody shall be told.")
    if ends_at <= starts_at:
        raise Invalid("ends_at", "The end comes after the beginning.")
    if ends_at <= at:
        raise Invalid("ends_at", "Choose a time that is still to come.")
    window = Suppression(
        subject_id=subject_id, scope_id=scope_id, alert_type=alert_type, starts_at=starts_at, ends_at=ends_at,
        reason=reason.strip(), created_by=tx.actor.user_id,
    )  # fmt: skip
    tx.add(window)
    await tx.flush()
    tx.emit(SuppressionsChanged(suppression_id=window.id))
    if starts_at <= at:
        open_ones = await _matching(tx, window, is_suppressed=False)
        await _set(tx, open_ones, is_suppressed=True, next_step_at=ends_at)
        said = {"until_at": ends_at, "reason": window.reason}
        await write_story(tx, [Ruling(a, Ruled.SUPPRESSED, reasons.SUPPRESSED_OPEN, at, said, tx.actor.user_id) for a in open_ones])
    return window


async def lift(tx: Transaction, suppression_id: UUID, *, at: datetime | None = None) -> None:
    """End it now; what is still open is told, unless another one covers it."""
    at = at or now()
    window = await queries.suppression(tx, suppression_id, for_update=True)
    _may(tx, window.scope_id)
    if window.lifted_at or window.ends_at <= at:
        raise Conflict("This has ended already.")
    window.lifted_at, window.lifted_by = at, tx.actor.user_id
    tx.add(window)
    tx.emit(SuppressionsChanged(suppression_id=window.id))
    waiting = await _matching(tx, window, is_suppressed=True)
    await _set(tx, waiting, next_step_at=at)


def _may(tx: Transaction, scope_id: UUID | None) -> None:
    tx.actor.require("alerts.suppress", scope_id)
    if scope_id is None and tx.actor.scopes("alerts.suppress") is not None:
        raise Forbidden("You may do this for your own places only; choose one.")


async def _matching(tx: Transaction, window: Suppression, *, is_suppressed: bool) -> Sequence[UUID]:
    where = [
        col(Alert.status) != AlertStatus.RESOLVED, col(Alert.is_suppressed).is_(is_suppressed),
        col(Alert.next_step_at).is_not(None), col(Alert.acknowledged_at).is_(None),
    ]  # fmt: skip
    for column, wanted in ((Alert.subject_id, window.subject_id), (Alert.scope_id, window.scope_id), (Alert.alert_type, window.alert_type)):
        if wanted is not None:
            where.append(col(column) == wanted)
    return (await tx.exec(select(Alert.id).where(*where).order_by(col(Alert.id)).with_for_update())).all()


async def _set(tx: Transaction, alert_ids: Sequence[UUID], **values: object) -> None:
    if alert_ids:
        await tx.execute(update(Alert).where(col(Alert.id).in_(alert_ids)).values(**values).execution_options(synchronize_session=False))
    for alert_id in alert_ids:
        tx.emit(AlertChanged(alert_id=alert_id))
