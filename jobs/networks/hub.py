"""BLE hubs post what they collected to …/feeds/hub, with the secret of all hubs or each with its own; jobs/codecs/hub_report.py
says how it is written."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.core.errors import Invalid, Refusal
from data.core.time import now
from data.flows import hub_report as flow
from data.flows.hub_report import Answer, Report
from data.flows.uplink import Fate, Outcome
from data.identity.tables import TokenKind
from jobs.codecs import hub_report
from jobs.networks._door import body_of, intake, json_of, machine_of
from jobs.networks._lorawan import reading

NETWORK = "hub"
router = APIRouter()


@router.post("/feeds/hub")
async def receive(request: Request) -> JSONResponse:
    """One hub's report; the answer has a result for each reading, in order. 202 where the hub itself is unknown here."""
    machine = await machine_of(request, TokenKind.FEED, TokenKind.DEVICE, network=NETWORK)
    told = hub_report.report(json_of(await body_of(request)), now=now())
    whole = [one for one in told.readings if not isinstance(one, Refusal)]
    if told.readings and not whole:
        raise next(one for one in told.readings if isinstance(one, Refusal))
    report = Report(told.mac, told.firmware, now(), machine.subject_id, whole)
    answer: Answer = await intake.take(machine.organization_id, flow.store, report, by=machine.name)
    answered = iter(answer.outcomes)
    outcomes = [one if isinstance(one, Refusal) else next(answered) for one in told.readings]
    kept = [outcome for outcome in outcomes if isinstance(outcome, Outcome) and outcome.fate is not Fate.UNKNOWN]
    said: dict[str, Any] = {
        "success": answer.is_known and len(kept) == len(outcomes),
        "insertedCount": sum(outcome.fate in (Fate.STORED, Fate.LATE) for outcome in kept),
        "alertsTriggered": sum(outcome.alerts_triggered for outcome in kept),
        "results": [_result(outcome) for outcome in outcomes],
    }
    if not answer.is_known:
        said["reason"] = flow.UNKNOWN_HUB
    return JSONResponse(said, status_code=200 if answer.is_known else 202)


def _result(outcome: Outcome | Refusal) -> dict[str, Any]:
    if isinstance(outcome, Refusal):
        said: dict[str, Any] = {"status": "refused", "message": str(outcome)}
        return said | ({"field": outcome.field} if isinstance(outcome, Invalid) else {})
    if outcome.fate is Fate.UNKNOWN:
        return {"status": outcome.fate.value, "message": outcome.reason}
    return {"status": outcome.fate.value} | (reading(outcome) or {})
