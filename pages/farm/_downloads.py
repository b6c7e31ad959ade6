"""A device's values to take away."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import Request, Response
from nicegui import app

from data.core.session import transaction
from data.core.time import now
from data.farm import queries
from pages._shell import actor

LONGEST = timedelta(days=400)


@app.get("/farm/devices/{device_id:uuid}/readings.csv")
async def readings(request: Request, device_id: UUID, kind: str = "temperature") -> Response:
    """The stretch that the chart shows, `from` and `to` in milliseconds since 1970; a day where they are missing."""
    until = _instant(request.query_params.get("to"), now())
    since = max(_instant(request.query_params.get("from"), until - timedelta(days=1)), until - LONGEST)
    async with transaction(actor(request)) as tx:
        found = await queries.readings(tx, device_id, kind[:40], since=since, until=until)
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(("recorded_at", "value"))
    for at, value in zip(found.times_ms.tolist(), found.values.tolist(), strict=True):
        writer.writerow((datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds"), value))
    headers = {"content-disposition": 'attachment; filename="readings.csv"'}
    return Response("\ufeff" + written.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _instant(text: str | None, otherwise: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(float(text or "") / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise
