"""What people think of their weeks with all this: one voice a week and site, from 1 (poor) to 5 (good)."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from data.cold_chain.commands.feedback import give_feedback
from data.cold_chain.queries import feedback as queries
from data.cold_chain.queries.feedback import Question, Week
from data.cold_chain.tables import PilotFeedback
from data.core.session import transaction
from data.core.time import now
from jobs.api._door import Paged, Reader, Setter, answer
from jobs.api._organization import of_organization

router = of_organization("/pilot-feedback", "Pilot feedback")
RATINGS = ("logging_speed_rating", "alert_fatigue_rating", "report_usefulness_rating")
MOST_VOICES, MOST_WEEKS = 500, 104
Rating = int | None


class Voice(BaseModel):
    """Of a site's week, which begins on a Monday; at least one of the ratings or some notes."""

    site_id: UUID
    week_start: date
    logging_speed_rating: Rating = None
    alert_fatigue_rating: Rating = None
    report_usefulness_rating: Rating = None
    notes: Annotated[str, Field(max_length=5_000)] = ""


@router.get("/questions")
async def list_questions(actor: Reader, page: Paged) -> dict[str, Any]:
    """The weeks that one may speak of now, and what one has said of them already."""
    async with transaction(actor) as tx:
        return page.of(await queries.questions(tx, now()), _question)


@router.post("", status_code=201)
async def create_feedback(actor: Setter, voice: Voice) -> dict[str, Any]:
    """Say it, or say it anew; 409 where somebody else has spoken for that week."""
    said = voice.model_dump(exclude={"site_id"})
    async with transaction(actor) as tx:
        await give_feedback(tx, voice.site_id, at=now(), **said)
    return answer(voice.model_dump())


@router.get("")
async def list_feedback(actor: Reader, page: Paged) -> dict[str, Any]:
    """What was said, the latest first, for those who run the business."""
    async with transaction(actor) as tx:
        return page.of(await queries.voices(tx, limit=MOST_VOICES), lambda one: _voice(one[0]) | {"site_name": one[1], "said_by": one[2]})


@router.get("/weeks")
async def list_weeks(actor: Reader, page: Paged) -> dict[str, Any]:
    """Each week's averages, the latest first, for those who run the business."""
    async with transaction(actor) as tx:
        return page.of(await queries.weeks(tx, limit=MOST_WEEKS), _week)


def _voice(one: PilotFeedback) -> dict[str, Any]:
    return {"id": one.id, "site_id": one.site_id, "week_start": one.week_start, "notes": one.notes} | {name: getattr(one, name) for name in RATINGS}


def _question(one: Question) -> dict[str, Any]:
    given = _voice(one.given) if one.given else None
    return {"site_id": one.site_id, "site_name": one.site_name, "week_start": one.week_start, "given": given}


def _week(one: Week) -> dict[str, Any]:
    return {
        "week_start": one.week_start, "voices": one.voices, "logging_speed": one.logging_speed, "alert_fatigue": one.alert_fatigue,
        "report_usefulness": one.report_usefulness,
    }  # fmt: skip
