"""Somebody says what a week was like: one voice a week and site, which only they can change."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from data.cold_chain.events import FeedbackGiven
from data.cold_chain.opinions import RATINGS, refusal
from data.cold_chain.queries import units as queries
from data.cold_chain.queries.feedback import GIVE
from data.cold_chain.tables import PilotFeedback
from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import zone


async def give_feedback(
    tx: Transaction, site_id: UUID, *, week_start: date, at: datetime, logging_speed_rating: int | None = None,
    alert_fatigue_rating: int | None = None, report_usefulness_rating: int | None = None, notes: str = "",
) -> None:  # fmt: skip
    """Keep it, or change what one said before. Conflict where somebody else has spoken for that week."""
    tx.actor.require(GIVE, site_id)
    site = await queries.site(tx, site_id)
    ratings = dict(zip(RATINGS, (logging_speed_rating, alert_fatigue_rating, report_usefulness_rating), strict=True))
    if refused := refusal(week_start, ratings, notes.strip(), today=at.astimezone(zone(site.time_zone)).date()):
        raise refused
    said = ratings | {"notes": notes.strip() or None}
    added = await tx.execute(
        insert(PilotFeedback)
        .values(id=uuid7(), organization_id=tx.organization_id, site_id=site.id, week_start=week_start, submitted_by=tx.actor.user_id, **said)
        .on_conflict_do_nothing()
        .returning(col(PilotFeedback.id))
    )
    if added.scalar_one_or_none() is None:
        statement = select(PilotFeedback).where(PilotFeedback.site_id == site.id, PilotFeedback.week_start == week_start).with_for_update()
        before = (await tx.exec(statement)).one()
        if before.submitted_by != tx.actor.user_id:
            raise Conflict("Somebody has already spoken for this week.")
        for field, value in said.items():
            setattr(before, field, value)
        tx.add(before)
    tx.emit(FeedbackGiven(site_id=site.id))
