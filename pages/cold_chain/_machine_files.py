"""The list of sensors and the certificates of their calibrations, to take away."""

from typing import get_args
from uuid import UUID

from fastapi import Request
from fastapi.responses import FileResponse, Response
from nicegui import app

from data.cold_chain.queries import machines
from data.cold_chain.queries.machines import SensorView, Show
from data.core.errors import NotFound
from data.core.session import transaction
from data.platform.commands import path_of
from pages._csv import csv_response
from pages._shell import actor

HEADER = (
    "sensor", "device_eui", "state", "site", "area", "unit", "primary", "model", "battery_percent", "signal_dbm", "last_seen_at",
    "calibration", "calibrated_at", "calibration_expires_at",
)  # fmt: skip


@app.get("/cold-chain/sensors.csv")
async def as_csv(request: Request, show: str = "all", site: UUID | None = None, q: str = "") -> Response:
    """The list as it is narrowed on the page."""
    chosen: Show = show if show in get_args(Show) else "all"  # type: ignore[assignment]
    async with transaction(actor(request)) as tx:
        found, _total = await machines.sensors(tx, limit=100_000, show=chosen, site_id=site, search=q[:200])
    return csv_response("sensors.csv", HEADER, (_line(one) for one in found))


def _line(one: SensorView) -> tuple[object, ...]:
    device = one.device
    return (
        one.name, device.device_eui, one.state.value, one.site_name, one.area_name, one.unit_name, device.is_primary, device.model,
        device.battery_percent, device.signal_dbm, device.last_seen_at, one.calibration.value, one.calibrated_at, one.calibration_expires_at,
    )  # fmt: skip


@app.get("/cold-chain/sensors/{device_id:uuid}/calibrations/{record_id:uuid}/certificate")
async def certificate(request: Request, device_id: UUID, record_id: UUID) -> FileResponse:
    """The paper of one comparison. A browser takes it away and never runs it."""
    async with transaction(actor(request)) as tx:
        file = await machines.certificate(tx, device_id, record_id)
    path = path_of(file)
    if not path.is_file():
        raise NotFound("There is no such file.")
    return FileResponse(
        path, filename=file.file_name, media_type=file.mime_type, content_disposition_type="attachment",
        headers={"x-content-type-options": "nosniff", "cache-control": "private, max-age=300", "content-security-policy": "sandbox"},
    )  # fmt: skip
