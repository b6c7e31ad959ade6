"""What happened on a farm, to take away."""

import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from fastapi import Request, Response
from nicegui import app

from data.core.errors import Invalid
from data.core.session import transaction
from data.core.time import now, zone
from data.farm import queries
from data.farm.queries_events import FarmEvent, farm_events
from pages._csv import Row, csv_stream
from pages._shell import actor

HEADER = ("number", "recorded_at", "event", "severity", "title", "by", "subject", "data")
AT_ONCE = 5_000


@app.get("/farm/events.csv")
async def events(request: Request, farm: UUID, first: str = "", last: str = "", days: int | None = None) -> Response:
    """From the first to the last day of the farm's own clock, or the last so many days."""
    who = actor(request)
    async with transaction(who) as tx:
        there = zone((await queries.farm(tx, farm)).time_zone)
        since, until = _stretch(first, last, days, today=now().astimezone(there).date())
        start, end = (datetime.combine(day, time(), there).astimezone(UTC) for day in (since, until + timedelta(days=1)))
        found = await farm_events(tx, farm, start, end, limit=AT_ONCE)
        tx.record("farm.events.exported", "events exported", subject_id=farm, first_day=since, last_day=until)

    async def pieces() -> AsyncIterator[Iterable[Row]]:
        piece = found
        while piece:
            yield [_row(one) for one in piece]
            if len(piece) < AT_ONCE:
                return
            async with transaction(who) as tx:
                piece = await farm_events(tx, farm, start, end, after=piece[-1].sequence, limit=AT_ONCE)

    return csv_stream(f"events {since} {until}.csv", HEADER, pieces())


def _stretch(first: str, last: str, days: int | None, *, today: date) -> tuple[date, date]:
    if days is not None:
        if not 1 <= days <= 365:
            raise Invalid("days", "Events are handed out for 1 to {days} days at a time.", days=365)
        return today - timedelta(days=days - 1), today
    try:
        return date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise Invalid("first", "This is not a day.") from None


def _row(one: FarmEvent) -> Row:
    return (
        one.sequence, one.recorded_at, one.event_type, one.severity, one.title, one.actor, one.subject_id,
        json.dumps(one.data, ensure_ascii=False, sort_keys=True),
    )  # fmt: skip
