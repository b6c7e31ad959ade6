"""What people think of their weeks, site by site; and of which nobody has said anything yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.cold_chain.opinions import week_to_ask_about
from data.cold_chain.queries.units import visible_sites
from data.cold_chain.tables import PilotFeedback, Site
from data.core.session import Transaction
from data.core.time import zone
from data.identity.tables import User

GIVE, OVERVIEW = "cold_chain.feedback", "organization.edit"


@dataclass(frozen=True, slots=True)
class Question:
    """A site whose week nobody has spoken of, or this very person has (then `given`)."""

    site_id: UUID
    site_name: str
    week_start: date
    given: PilotFeedback | None = None


async def questions(tx: Transaction, at: datetime) -> Sequence[Question]:
    """What this person may be asked now: of each of their sites the week in question, unless somebody else has spoken for it."""
    tx.actor.require(GIVE)
    sites = (await tx.exec(select(Site).where(visible_sites(tx, GIVE), col(Site.deleted_at).is_(None)).order_by(col(Site.name)))).all()
    weeks = {site.id: week_to_ask_about(at.astimezone(zone(site.time_zone)).date()) for site in sites}
    statement = select(PilotFeedback).where(
        col(PilotFeedback.site_id).in_(weeks), col(PilotFeedback.week_start).in_(set(weeks.values()))
    )
    given = {(one.site_id, one.week_start): one for one in await tx.exec(statement)}
    found = []
    for site in sites:
        week, before = weeks[site.id], given.get((site.id, weeks[site.id]))
        is_new = site.created_at.date() >= week + timedelta(days=7)
        if not is_new and (before is None or before.submitted_by == tx.actor.user_id):
            found.append(Question(site.id, site.name, week, before))
    return found


@dataclass(frozen=True, slots=True)
class Week:
    """A week's averages over all sites (None: nobody said) and how many spoke."""

    week_start: date
    voices: int
    logging_speed: float | None
    alert_fatigue: float | None
    report_usefulness: float | None


async def weeks(tx: Transaction, *, limit: int = 12) -> Sequence[Week]:
    """The averages of each week, the latest first."""
    tx.actor.require(OVERVIEW)
    columns = (PilotFeedback.logging_speed_rating, PilotFeedback.alert_fatigue_rating, PilotFeedback.report_usefulness_rating)
    statement = (
        select(PilotFeedback.week_start, func.count(), *(func.avg(column) for column in columns))  # type: ignore[call-overload]
        .group_by(col(PilotFeedback.week_start))
        .order_by(col(PilotFeedback.week_start).desc())
        .limit(limit)
    )
    rows = await tx.exec(statement)
    return [Week(week, voices, *(None if value is None else float(value) for value in averages)) for week, voices, *averages in rows]


async def voices(tx: Transaction, *, limit: int = 50) -> Sequence[tuple[PilotFeedback, str | None, str | None]]:
    """What was said, the latest first, with the site's name and the person's."""
    tx.actor.require(OVERVIEW)
    statement = (
        select(PilotFeedback, Site.name, User.name)
        .outerjoin(Site, (col(Site.organization_id) == PilotFeedback.organization_id) & (col(Site.id) == PilotFeedback.site_id))
        .outerjoin(User, col(User.id) == PilotFeedback.submitted_by)
        .order_by(col(PilotFeedback.week_start).desc(), col(PilotFeedback.created_at).desc())
        .limit(limit)
    )
    return (await tx.exec(statement)).all()
