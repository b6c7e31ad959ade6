"""Files to take away: the list of tags, one tag's positions, and the empty table to fill in."""

from datetime import timedelta
from uuid import UUID

from fastapi import Request, Response
from nicegui import app

from data.core.session import transaction
from data.core.time import now
from data.tracking import queries
from data.tracking.tables import TrackerStatus
from data.tracking.tags import csv_template
from pages._csv import csv_file, csv_response
from pages._shell import actor

MOST_ROWS = 50_000


@app.get("/tracking/template.csv")
async def template(request: Request) -> Response:
    """The header of a file of tags."""
    actor(request).require("tracking.edit")
    return csv_file("trackers-template.csv", csv_template())


@app.get("/tracking/trackers.csv")
async def trackers(
    request: Request, run: UUID | None = None, status: TrackerStatus | None = None, sort: str = "name", dir: str = "asc", q: str = ""
) -> Response:
    """The list as it is narrowed, sorted and filtered on the page."""
    async with transaction(actor(request)) as tx:
        found, _total = await queries.page(
            tx, size=MOST_ROWS, sort=sort, descending=dir == "desc", filter=q[:200], run_id=run, status=status
        )
    header = ("name", "status", "place", "run", "brand", "client", "heard_at", "latitude", "longitude", "accuracy_m", "nearest_city", "mac_address")
    return csv_response("trackers.csv", header, (
        (
            seen.name, seen.status.value, seen.place, seen.run, seen.brand, seen.client,
            seen.positioned_at and seen.positioned_at.isoformat(), seen.latitude, seen.longitude,
            seen.horizontal_accuracy_m, seen.nearest_city, seen.mac_address,
        )
        for seen in found
    ))  # fmt: skip


@app.get("/tracking/{tracker_id:uuid}/positions.csv")
async def positions(request: Request, tracker_id: UUID, days: int = 7) -> Response:
    """Where one tag was in the last days."""
    at = now()
    since = at - timedelta(days=min(max(days, 1), 3650))
    async with transaction(actor(request)) as tx:
        found = await queries.history(tx, tracker_id, since=since, until=at, most=MOST_ROWS)
    header = ("recorded_at", "latitude", "longitude", "accuracy_m", "confidence", "nearest_city")
    return csv_response("positions.csv", header, (
        (each.recorded_at.isoformat(), each.latitude, each.longitude, each.horizontal_accuracy_m, each.confidence, each.nearest_city)
        for each in found
    ))  # fmt: skip
