"""A device's values to take away."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import Request, Response
from nicegui import app

from data.core.session import transaction
from data.core.time import now
from data.farm import queries
from pages._csv import csv_response, instant_of
from pages._shell import actor

LONGEST = timedelta(days=400)


@app.get("/farm/devices/{device_id:uuid}/readings.csv")
async def readings(request: Request, device_id: UUID, kind: str = "temperature") -> Response:
    """The stretch that the chart shows, `from` and `to` in milliseconds since 1970; a day where they are missing."""
    until = instant_of(request.query_params.get("to"), now())
    since = max(instant_of(request.query_params.get("from"), until - timedelta(days=1)), until - LONGEST)
    async with transaction(actor(request)) as tx:
        found = await queries.readings(tx, device_id, kind[:40], since=since, until=until)
    rows = zip(found.times_ms.tolist(), found.values.tolist(), strict=True)
    return csv_response("readings.csv", ("recorded_at", "value"), ((datetime.fromtimestamp(at / 1000, UTC), value) for at, value in rows))
