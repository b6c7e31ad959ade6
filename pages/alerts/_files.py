"""The list of alerts to take away, and the photos of what was done."""

from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import FileResponse
from nicegui import app

from data.alerts import queries
from data.alerts.queries import Wanted
from data.alerts.tables import Severity
from data.alerts.values import in_english
from data.core.errors import NotFound
from data.core.session import transaction
from data.platform.commands import path_of
from pages._csv import csv_response
from pages._shell import actor

MOST_ROWS = 50_000


@app.get("/alerts/list.csv")
async def as_csv(request: Request, view: str = "all", severity: Severity | None = None, domain: str = "", q: str = "") -> Response:
    """The list as it is narrowed on the page."""
    wanted = Wanted(view[:20], severity, domain[:40], q[:200])
    async with transaction(actor(request)) as tx:
        tx.actor.require("alerts.view")
        alerts, _total = await queries.page(tx, wanted, limit=MOST_ROWS)
        who = await queries.names(tx, alerts)
    header = (
        "triggered_at", "severity", "status", "what", "kind", "message", "acknowledged_at", "acknowledged_by", "note", "escalation_level",
        "resolved_at", "resolved_by", "resolution", "is_silenced",
    )  # fmt: skip
    return csv_response("alerts.csv", header, (
        (
            a.triggered_at, a.severity.value, a.status.value, a.subject_name, a.alert_type, in_english(a.message, a.message_values),
            a.acknowledged_at, who.get(a.acknowledged_by) if a.acknowledged_by else None, a.acknowledgement_note, a.escalation_level,
            a.resolved_at, who.get(a.resolved_by) if a.resolved_by else None, a.resolution, a.is_suppressed,
        )
        for a in alerts
    ))  # fmt: skip


@app.get("/alerts/photos/{action_id:uuid}")
async def photo(request: Request, action_id: UUID) -> FileResponse:
    """The photo of a corrective action, for whoever may see what it is about."""
    async with transaction(actor(request)) as tx:
        found = await queries.photo(tx, action_id)
    path = path_of(found)
    if not path.is_file():
        raise NotFound("There is no such photo.")
    headers = {"x-content-type-options": "nosniff", "cache-control": "private, max-age=300"}
    return FileResponse(path, filename=found.file_name, media_type=found.mime_type, content_disposition_type="inline", headers=headers)
