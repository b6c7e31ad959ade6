"""Programs that come for a person: under `/v1` for farms, under `/api` for cold chains, JSON in and out.

Each part is one file of endpoints over the same commands and queries as the pages. Who shows whose token, how often, and how a
refusal reads is in `_door`. `/api/openapi.json` describes it all.
"""

from functools import cache
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi

from jobs.api import (
    accounts,
    alert_rules,
    alert_subscriptions,
    alerts,
    assets,
    availability,
    batches,
    cold_alerts,
    cold_reports,
    commands,
    contacts,
    corrective_actions,
    dashboard,
    device_firmware,
    device_readings,
    device_settings,
    devices,
    event_log,
    events,
    farm_reports,
    farms,
    feedback,
    health,
    inspection,
    installation,
    layouts,
    manual_logs,
    me,
    members,
    organizations,
    payments,
    people,
    policies,
    push,
    readings,
    schedule_runs,
    schedules,
    simulation,
    sites,
    telling,
    ttn_devices,
    ttn_gateways,
    units,
)

PARTS = (
    people, accounts, me, farms, members, devices, device_readings, device_settings, device_firmware, commands,
    batches, schedules, schedule_runs, alerts, alert_subscriptions, dashboard, events, farm_reports, organizations,
    sites, units, readings, cold_alerts, alert_rules, policies, contacts, telling, ttn_devices, ttn_gateways,
    manual_logs, assets, corrective_actions, cold_reports, inspection, feedback, layouts, event_log, availability,
    payments, health, installation, simulation,
)  # fmt: skip

router = APIRouter()
for part in PARTS:
    router.include_router(part.router)
router.include_router(push.router)


@cache
def _description() -> dict[str, Any]:
    return get_openapi(title="Steading", version="1", routes=router.routes)


@router.get("/api/openapi.json", include_in_schema=False)
async def description() -> dict[str, Any]:
    """What can be asked, as OpenAPI."""
    return _description()
