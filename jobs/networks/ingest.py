"""Another system tells the temperatures of units it knows by our ids, many in one request."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.cold_chain.commands.readings import Reading
from data.core.errors import Busy, Forbidden, Invalid, NotFound, Refusal, TooLarge
from data.core.time import epoch_ms, now
from data.flows import uplink
from data.flows.uplink import Fate, Outcome
from data.identity.tables import TokenKind
from jobs.codecs import bulk_readings
from jobs.networks._door import body_of, intake, json_of, machine_of

router = APIRouter()

MOST_READINGS = 1_000
INSERTED = frozenset({Fate.STORED, Fate.LATE})
KEPT = INSERTED | {Fate.REPEATED}


@router.post("/api/ingest/readings")
async def receive(request: Request) -> JSONResponse:
    """A list of readings (or `{"readings": […]}`); the answer has a result for each, in order.

    422 where every one of them is malformed, with the first wrong field; 403 where none belongs to a unit of the key's
    organization.
    """
    machine = await machine_of(request, TokenKind.API)
    rows = bulk_readings.rows(json_of(await body_of(request)))
    if len(rows) > MOST_READINGS:
        raise TooLarge("A request may have at most {most} readings.", most=MOST_READINGS)
    read = bulk_readings.measurements(rows, now=now())
    whole = [one for one in read if not isinstance(one, Refusal)]
    if not whole:
        raise next((one for one in read if isinstance(one, Refusal)), Invalid("readings", "There are no readings."))
    try:
        answered = iter(await intake.take_all(machine.organization_id, uplink.store_of_units, whole, by=machine.name))
    except NotFound as refusal:  # a single message's refusal is raised, several are answered
        answered = iter([refusal])
    outcomes = [one if isinstance(one, Refusal) else next(answered) for one in read]
    if busy := next((outcome for outcome in outcomes if isinstance(outcome, Busy)), None):
        raise busy  # what was stored is known again when all of it is sent again
    if all(isinstance(outcome, NotFound | Invalid) for outcome in outcomes):
        raise Forbidden("None of these units belongs to the organization of this key.")
    return JSONResponse(_answer(outcomes))


def _answer(outcomes: list[Outcome | Refusal]) -> dict[str, Any]:
    stored = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    return {
        "success": len(stored) == len(outcomes),
        "insertedCount": sum(outcome.fate in INSERTED for outcome in stored),
        "readingIds": [_id(outcome.reading) for outcome in stored if outcome.fate in KEPT and outcome.reading],
        "alertsTriggered": sum(outcome.alerts_triggered for outcome in stored),
        "results": [_result(outcome) for outcome in outcomes],
    }


def _id(reading: Reading) -> str:
    """A reading is known by its unit, its sensor and its instant."""
    return f"{reading.unit_id}/{reading.sensor.device_id}/{epoch_ms(reading.measured.recorded_at)}"


def _result(outcome: Outcome | Refusal) -> dict[str, Any]:
    if isinstance(outcome, Refusal):
        said: dict[str, Any] = {"status": "refused", "message": str(outcome)}
        return said | ({"field": outcome.field} if isinstance(outcome, Invalid) else {})
    assert outcome.reading
    return {
        "status": outcome.fate.value,
        "unitId": str(outcome.reading.unit_id),
        "recordedAt": outcome.reading.measured.recorded_at.isoformat(),
    }
