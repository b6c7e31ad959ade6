"""What happened on a farm, to take away."""

import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from fastapi import Request, Response
from nicegui import app

from data.core.errors import Invalid, NotFound
from data.core.session import transaction
from data.core.time import now, zone
from data.farm import queries
from data.farm.queries_events import MOST_DAYS, FarmEvent, farm_events
from pages._csv import Row, csv_stream
from pages._shell import actor

HEADER = ("number", "recorded_at", "event", "severity", "title", "by", "subject", "data")
AT_ONCE = 5_000


@app.get("/farm/events.csv")
async def events(request: Request, farm: str = "", first: str = "", last: str = "", days: str = "") -> Response:
    """From the first to the last day of the farm's own clock, or the last so many days."""
    who, farm_id = actor(request), _id(farm)
    async with transaction(who) as tx:
        there = zone((await queries.farm(tx, farm_id)).time_zone)
        since, until = _stretch(first, last, days, today=now().astimezone(there).date())
        start, end = (datetime.combine(day, time(), there).astimezone(UTC) for day in (since, until + timedelta(days=1)))
        found = await farm_events(tx, farm_id, start, end, limit=AT_ONCE)
        tx.record("farm.events.exported", "events exported", subject_id=farm_id, first_day=since, last_day=until)

    async def pieces() -> AsyncIterator[Iterable[Row]]:
        piece = found
        while piece:
            yield [_row(one) for one in piece]
            if len(piece) < AT_ONCE:
                return
            async with transaction(who) as tx:
                piece = await farm_events(tx, farm_id, start, end, after=piece[-1].sequence, limit=AT_ONCE)

    return csv_stream(f"events {since} {until}.csv", HEADER, pieces())


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such farm.") from None


def _stretch(first: str, last: str, days: str, *, today: date) -> tuple[date, date]:
    if days:
        if not days.isdecimal() or not 1 <= int(days) <= MOST_DAYS:
            raise Invalid("days", "Events are handed out for 1 to {days} days at a time.", days=MOST_DAYS)
        return today - timedelta(days=int(days) - 1), today
    try:
        return date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise Invalid("first", "This is not a day.") from None


def _row(one: FarmEvent) -> Row:
    return (
        one.sequence, one.recorded_at, one.event_type, one.severity, one.title, one.actor, one.subject_id,
        json.dumps(one.data, ensure_ascii=False, sort_keys=True),
    )  # fmt: skip
