"""Whoever is sent a report again and again can end that for themselves, with nothing but the link in the mail."""

from uuid import UUID

from sqlmodel import col, select

from data.core.session import Transaction
from data.core.time import now
from data.platform.events import RegularReportsChanged
from data.platform.tables import ReportSchedule


async def leave(tx: Transaction, schedule_id: UUID, who: str) -> None:
    """Send it no more to `who`, a person's id or an address, who proved that they are meant. Doing it twice changes nothing."""
    statement = select(ReportSchedule).where(ReportSchedule.id == schedule_id, col(ReportSchedule.deleted_at).is_(None))
    schedule = (await tx.exec(statement.with_for_update())).one_or_none()
    if schedule is None or who in schedule.ended:
        return
    schedule.member_ids = [one for one in schedule.member_ids if one != who]
    schedule.addresses = [one for one in schedule.addresses if one != who]
    schedule.ended, schedule.updated_at = [*schedule.ended, who], now()
    tx.add(schedule)
    tx.emit(RegularReportsChanged(schedule_id=schedule.id))
