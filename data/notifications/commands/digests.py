"""Whose digest is due, and that it was made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import col, select

from data.core.session import Transaction
from data.identity.tables import User
from data.notifications.rules import Due, digest_due
from data.notifications.tables import NotificationPreference

FURTHEST_AHEAD = timedelta(hours=14)
"""Nobody's calendar is further ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody whose digest is due in one organization."""

    organization_id: UUID
    user_id: UUID
    due: Sequence[Due]


async def due(tx: Transaction, at: datetime) -> Sequence[Reader]:
    """Everybody whose digest is due now: they want one, and mail at all. Across tenants."""
    chosen, newest = NotificationPreference, (at + FURTHEST_AHEAD).date()
    statement = (
        select(chosen, User.time_zone)
        .join(User, col(User.id) == chosen.user_id)
        .where(
            col(chosen.is_email_enabled), col(User.deleted_at).is_(None), col(User.is_active), col(User.email).is_not(None),
            or_(
                col(chosen.digest_daily) & (col(chosen.digest_daily_sent_on).is_(None) | (col(chosen.digest_daily_sent_on) < newest)),
                col(chosen.digest_weekly)
                & (col(chosen.digest_weekly_sent_on).is_(None) | (col(chosen.digest_weekly_sent_on) <= newest - timedelta(days=7))),
            ),
        )
        .order_by(col(chosen.organization_id))
    )  # fmt: skip
    found = []
    for one, zone in (await tx.exec(statement)).all():
        dues = digest_due(
            daily=one.digest_daily, weekly=one.digest_weekly, at_time=one.digest_time, zone=zone,
            daily_sent_on=one.digest_daily_sent_on, weekly_sent_on=one.digest_weekly_sent_on, at=at,
        )  # fmt: skip
        if dues:
            found.append(Reader(one.organization_id, one.user_id, dues))
    return found


async def take(tx: Transaction, user_id: UUID, due: Due) -> NotificationPreference | None:
    """Mark it as made, before it is; None when it was already, or is not wanted any more. Two at once take it once."""
    statement = select(NotificationPreference).where(NotificationPreference.user_id == user_id).with_for_update()
    chosen = (await tx.exec(statement)).one_or_none()
    if chosen is None or not (chosen.digest_daily if due.days == 1 else chosen.digest_weekly):
        return None
    column = "digest_daily_sent_on" if due.days == 1 else "digest_weekly_sent_on"
    made = getattr(chosen, column)
    if made is not None and made >= due.day:
        return None
    setattr(chosen, column, due.day)
    tx.add(chosen)
    return chosen
