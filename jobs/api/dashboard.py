"""How a farm is doing, at a glance."""

from typing import Any
from uuid import UUID

from data.alerts.tables import Alert, Severity
from data.core.session import transaction
from data.core.time import now
from data.farm.overview import Overview, overview
from data.farm.recent import Recent, recent
from jobs.api._alerts import is_active
from jobs.api._door import Reader, answer, door

router = door("/v1/farms/{farm_id}/dashboard", "Dashboard of a farm")


@router.get("")
async def dashboard(actor: Reader, farm_id: UUID) -> dict[str, Any]:
    """Its devices, its air, what is wrong and what happened lately, as of now."""
    at = now()
    async with transaction(actor) as tx:
        return answer(_dashboard(await overview(tx, farm_id, at=at), await recent(tx, farm_id, at=at)))


def _dashboard(one: Overview, lately: list[Recent]) -> dict[str, Any]:
    active = [alert for alert in one.troubles if is_active(alert)]
    return {
        "farm": {
            "id": one.farm.id, "name": one.farm.name, "location": one.farm.location, "time_zone": one.farm.time_zone,
            "is_stopped": one.farm.is_stopped, "health": one.health,
        },
        "device_status": {"total": one.devices, "online": one.online, "offline": one.offline, "error": one.in_error},
        "alerts": {"active": len(active), "critical": _count(active, Severity.CRITICAL), "warning": _count(active, Severity.WARNING)},
        "recent_events": [
            {
                "type": event.kind, "id": event.id, "at": event.at, "device_id": event.device_id, "name": event.name, "what": event.what,
                "status": event.status, "severity": event.severity,
            }
            for event in lately
        ],
        "quick_stats": {
            "avg_temperature": _rounded(one.celsius), "avg_humidity": _rounded(one.humidity), "last_24h_commands": one.commands_24h,
            "last_24h_alerts": one.alerts_24h,
        },
    }  # fmt: skip


def _count(alerts: list[Alert], severity: Severity) -> int:
    return sum(alert.severity is severity for alert in alerts)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
