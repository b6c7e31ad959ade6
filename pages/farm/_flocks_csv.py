"""A flock's days to take away."""

from uuid import UUID

from fastapi import Request, Response
from nicegui import app

from data.core.session import transaction
from data.farm import queries_flocks as queries
from data.farm.flocks import figures, target
from data.farm.queries_flocks import day_of, flock_of
from pages._csv import csv_response
from pages._shell import actor

HEADER = (
    "day", "age_days", "dead", "culled", "alive", "mortality_percent", "total_mortality_percent", "feed_kg", "feed_g_per_bird", "water_l",
    "water_ml_per_bird", "water_to_feed", "weight_g", "weighed_count", "target_celsius", "cause", "notes", "recorded_by", "updated_at",
)  # fmt: skip


@app.get("/farm/flocks/{batch_id:uuid}/days.csv")
async def days(request: Request, batch_id: UUID) -> Response:
    """All of them, in order."""
    async with transaction(actor(request)) as tx:
        batch = await queries.batch(tx, batch_id)
        lines = await queries.records(tx, batch_id)
    flock = flock_of(batch)
    rows = []
    for one, line in zip(figures(flock, [day_of(each.record) for each in lines]), lines, strict=True):
        record = line.record
        rows.append((
            one.day.day, one.age, one.day.dead, one.day.culled, one.alive, _rounded(one.mortality_percent, 3), _rounded(one.total_mortality_percent, 3),
            record.feed_kg, _rounded(one.feed_g, 1), record.water_l, _rounded(one.water_ml, 1), _rounded(one.water_to_feed, 2), record.weight_g,
            record.weighed_count, _rounded(target(flock, one.age).celsius, 1), record.cause, record.notes, line.person, record.updated_at,
        ))  # fmt: skip
    return csv_response(f"{batch.name}.csv", HEADER, rows)


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)
