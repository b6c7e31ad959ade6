"""The Things Stack posts each uplink to its organization's webhook; it has five seconds' patience and asks no second time."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.core.time import epoch_ms, now
from data.flows import uplink
from data.flows.uplink import Fate, Outcome
from data.identity.tables import TokenKind
from jobs.codecs import things_stack
from jobs.networks._door import body_of, intake, json_of, machine_of

router = APIRouter()

MESSAGES = {
    Fate.STORED: "The reading is stored.",
    Fate.LATE: "The reading is stored; newer ones are known already.",
    Fate.REPEATED: "This reading was stored before.",
    Fate.HEARD: "The sensor was heard; it told no temperature.",
}


@router.post("/feeds/ttn")
async def receive(request: Request) -> JSONResponse:
    """One event of The Things Stack v3. 200 once it is stored; 202 with a reason for a sensor nobody registered."""
    machine = await machine_of(request, TokenKind.FEED, network="ttn")
    measured = things_stack.measurement(json_of(await body_of(request)), now=now())
    if measured is None:
        return JSONResponse({"success": True, "message": "This event holds no measurement.", "alertsTriggered": 0})
    outcome: Outcome = await intake.take(machine.organization_id, uplink.store, measured, by=machine.name)
    if outcome.fate is Fate.UNKNOWN:
        return JSONResponse(
            {"success": False, "accepted": True, "processed": False, "reason": outcome.reason}, status_code=202
        )
    return JSONResponse(
        {
            "success": True,
            "message": MESSAGES[outcome.fate],
            "reading": reading(outcome),
            "alertsTriggered": outcome.alerts_triggered,
        }
    )


def reading(outcome: Outcome) -> dict[str, Any] | None:
    """What a reading is known by: its unit, its sensor and its instant (epoch milliseconds too)."""
    if outcome.reading is None:
        return None
    at = outcome.reading.measured.recorded_at
    return {
        "unitId": str(outcome.reading.unit_id),
        "deviceId": str(outcome.reading.sensor.device_id),
        "recordedAt": at.isoformat(),
        "recordedAtMs": epoch_ms(at),
    }
