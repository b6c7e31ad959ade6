"""Recordings, photos and documents of a job, for those who may see the job; and the list of jobs to take away."""

from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import FileResponse
from nicegui import app

from data.core.errors import NotFound
from data.core.session import transaction
from data.platform.commands import path_of
from data.trees.queries import jobs, review
from data.trees.words import JobStatus
from pages._csv import csv_response
from pages._shell import actor

SHOWN = frozenset({"audio/mp4", "audio/wav", "image/jpeg", "image/png"})
"""What a browser may open itself; everything else is taken away as a file."""

MOST_ROWS = 50_000


@app.get("/trees/{job_id:uuid}/files/{file_id:uuid}")
async def file(request: Request, job_id: UUID, file_id: UUID) -> FileResponse:
    """One file of one job, or a piece of it (Range)."""
    async with transaction(actor(request)) as tx:
        found = await review.file_of(tx, job_id, file_id)
    path = path_of(found)
    if not path.is_file():
        raise NotFound("There is no such file.")
    is_shown = found.mime_type in SHOWN
    return FileResponse(
        path, filename=found.file_name, media_type=found.mime_type if is_shown else "application/octet-stream",
        content_disposition_type="inline" if is_shown else "attachment",
        headers={"x-content-type-options": "nosniff", "cache-control": "private, max-age=300"},
    )  # fmt: skip


@app.get("/trees/jobs.csv")
async def as_csv(request: Request, status: JobStatus | None = None, sort: str = "", dir: str = "asc", q: str = "") -> Response:
    """The list as it is narrowed, sorted and filtered on the page."""
    async with transaction(actor(request)) as tx:
        rows, _total = await jobs.page(tx, limit=MOST_ROWS, status=status, search=q[:200], sort=sort, descending=dir == "desc")
    header = ("number", "name", "customer", "address", "tree_number", "species", "status", "risk_rating", "created_at", "latitude", "longitude")
    return csv_response("tree-jobs.csv", header, (
        (
            row.job.job_number, row.job.job_name, row.customer.name, row.job.job_address, row.tree and row.tree.tree_number,
            row.job.tree_species, row.job.status.value, row.job.risk_rating and row.job.risk_rating.value,
            row.job.created_at.isoformat(), row.job.latitude, row.job.longitude,
        )
        for row in rows
    ))  # fmt: skip
