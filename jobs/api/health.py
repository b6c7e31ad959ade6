"""Whether the installation is well, asked by whatever watches over it; it needs no account, and learns nothing of anybody."""

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from sqlalchemy import text

from data.core.bus import bus
from data.core.session import UNREACHABLE, across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.platform import backups, streams
from jobs.api._door import door
from jobs.networks._door import intake

router = door("/health", "Health")


@router.get("")
async def is_well(request: Request) -> dict[str, Any]:
    """Whether the database answers, how many messages wait, and what is wrong with streams and copies; `degraded` is no reason to end it."""
    return await health(request.app.state.settings)


@router.get("/live")
async def is_alive() -> dict[str, str]:
    """Whether the process answers: where it does not, end it and start another."""
    return {"status": "ok"}


@router.get("/ready")
async def is_ready() -> JSONResponse:
    """Whether it can take what comes: 503 while the database does not answer, changes are not announced, or too much waits."""
    checks = {"database": await _database_answers(), "announcements": bus.is_connected.is_set(), "intake": intake.has_room}
    return _checked(checks)


@router.get("/realtime")
async def is_realtime() -> JSONResponse:
    """Whether open screens and programs hear of changes at once."""
    return _checked({"announcements": bus.is_connected.is_set()})


async def health(settings: Settings) -> dict[str, Any]:
    """Whether the database answers, how many messages wait, whether what is written next has somewhere to go, and whether all of it
    is copied and could be put back."""
    async with across_tenants("health") as tx:
        missing = [one.piece for one in await streams.troubles(tx, now())]
        copies = (await backups.keeping(tx)).troubles(now()) if settings.backup_every_hours else []
    troubles = {"streams": missing, "backups": copies}
    return {"status": "degraded" if missing or copies else "ok", "waiting": intake.waiting} | {k: v for k, v in troubles.items() if v}


async def _database_answers() -> bool:
    try:
        async with across_tenants("health") as tx:
            await tx.execute(text("select 1"))
    except UNREACHABLE:
        return False
    return True


def _checked(checks: dict[str, bool]) -> JSONResponse:
    is_well = all(checks.values())
    return JSONResponse({"status": "ok" if is_well else "unavailable", "checks": checks}, status_code=200 if is_well else 503)
