"""Gateways in chicken houses come to `/v1`: for a code and their token, with what they see around them, and for what shall be done.

They show their token in X-Gateway-Token. How messages are written is in jobs/codecs/gateway.py. Answers stand in `data`.
"""

import json
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from data.core.actor import Actor
from data.core.errors import Invalid, Refusal, Unauthenticated
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm.commands.gateways import NETWORK, ask_for_code, fetch_token
from data.farm.commands.gateways_asked import Handed, answer_command, hand_out
from data.farm.commands.gateways_heard import Heard, hear_gateways
from data.farm.rules.gateways import Beat, Inventory, Measured, Place, Told, command_word, hardware_of
from data.identity import door
from data.identity.door import Machine
from data.identity.tables import TokenKind
from jobs.codecs import gateway
from jobs.codecs.fields import Document, document
from jobs.networks._door import body_of, intake, json_of, secret_of
from jobs.networks._pace import Pace

router = APIRouter(prefix="/v1")

BODY_LIMIT = 200_000
POLL_S, POLL_FOR_S, REPORT_S = 5, 900, 600
codes_asked, polls, requests = Pace(10, 600), Pace(240, 60), Pace(300, 60)
"""Codes asked for from one address, questions after one from one address, and all that one gateway says."""


@router.post("/gateway/provision/request")
async def request_code(request: Request) -> dict[str, Any]:
    """A box without a token asks for a code to show; with `poll_token` it then asks whether somebody has typed that."""
    codes_asked.check(_address(request))
    hardware_id, said = gateway.asking(await _object(request))
    async with across_tenants("gateway codes") as tx:
        made = await ask_for_code(tx, hardware_id, description=json.dumps(said), at=now())
    return _answer(
        {
            "setup_code": made.code, "poll_token": made.poll_token, "expires_at": made.expires_at.isoformat(), "poll_every_s": POLL_S,
            "poll_for_s": POLL_FOR_S,
        }
    )  # fmt: skip


@router.get("/gateway/provision/status/{code}")
async def code_status(request: Request, code: str) -> dict[str, Any]:
    """Whether the code was typed; the first answer after it was has the token, and no other ever."""
    polls.check(_address(request))
    poll_token = request.headers.get("x-poll-token") or request.headers.get("x-gateway-token")
    if not poll_token:
        raise Unauthenticated("The secret is missing or not right.")
    async with across_tenants("gateway codes") as tx:
        found = await fetch_token(tx, code, poll_token, at=now())
    said: dict[str, Any] = {"is_claimed": found.is_claimed}
    if found.is_claimed:
        said |= {"farm_id": str(found.farm_id), "coop_id": str(found.gateway_id), "token": found.token}
    return _answer(said)


@router.post("/gateway/heartbeat")
@router.post("/devices/{hardware_id}/heartbeat")
async def heartbeat(request: Request, hardware_id: str | None = None) -> dict[str, Any]:
    """A gateway is there, or something behind it is; what nobody knows is put on the list of those that wait."""
    machine, subject_id = await _gateway(request)
    if hardware_id is not None:
        hardware_of(hardware_id)
    body = await body_of(request, limit=BODY_LIMIT)
    beat = gateway.heartbeat(document(json_of(body)) if body.strip() else {}, now=now(), hardware_id=hardware_id)
    return _answer(_taken(await _tell(machine, subject_id, beat)))


@router.post("/farms/{farm_id}/coops/{coop_id}/telemetry")
async def telemetry(request: Request, farm_id: UUID, coop_id: UUID) -> dict[str, Any]:
    """What was measured now, or up to 100 readings that were stored without a signal, each with a result of its own, in order."""
    machine, subject_id = await _gateway(request)
    body, place = json_of(await body_of(request, limit=BODY_LIMIT)), Place(farm_id, coop_id)
    read = gateway.telemetry(body, now=now())
    if not isinstance(body, list):
        (one,) = read
        assert isinstance(one, Measured)
        return _answer(_taken(await _tell(machine, subject_id, one, place)))
    told = [Told(subject_id, one, now(), place) for one in read if isinstance(one, Measured)]
    if not told:
        raise next((one for one in read if isinstance(one, Refusal)), Invalid("body", "There are no readings."))
    answered = iter(await _tell_all(machine, told))
    results = [_result(one if isinstance(one, Refusal) else next(answered)) for one in read]
    return _answer({"stored": sum(result["status"] != "refused" for result in results), "results": results})


@router.post("/farms/{farm_id}/coops/{coop_id}/devices/report")
async def report(request: Request, farm_id: UUID, coop_id: UUID) -> dict[str, Any]:
    """All that stands behind the gateway. What is new waits to be taken in, what is missing is out of use."""
    machine, subject_id = await _gateway(request)
    inventory = gateway.report(await _object(request), now=now())
    heard = await _tell(machine, subject_id, inventory, Place(farm_id, coop_id))
    return _answer(_taken(heard) | {"report_every_s": REPORT_S})


@router.get("/gateway/commands/{hardware_id}")
async def commands(request: Request, hardware_id: str) -> dict[str, Any]:
    """What shall be done, the urgent first. Asked for each five seconds; what has no answer yet is told again under its old id."""
    machine, subject_id = await _gateway(request)
    async with transaction(Actor.machine(machine.organization_id, machine.name)) as tx:
        handed = await hand_out(tx, subject_id, hardware_id, at=now())
    return _answer([_command(one) for one in handed])


@router.post("/gateway/commands/{command_id}/status")
async def command_status(request: Request, command_id: UUID) -> dict[str, Any]:
    """What became of a command; `status` is what is known of it here now."""
    machine, subject_id = await _gateway(request)
    at = now()
    said = gateway.answer(await _object(request), now=at)
    async with transaction(Actor.machine(machine.organization_id, machine.name)) as tx:
        status = await answer_command(tx, subject_id, command_id, said, at=at)
    return _answer({"id": str(command_id), "status": status.value})


async def _gateway(request: Request) -> tuple[Machine, UUID]:
    """Which gateway this is, by its token; Unauthenticated for anybody else, and for one that was removed."""
    token = request.headers.get("x-gateway-token") or secret_of(request)
    machine = await door.machine(token, TokenKind.DEVICE, network=NETWORK)
    if machine.subject_id is None:
        raise Unauthenticated("The secret is missing or not right.")
    requests.check(machine.token_id)
    return machine, machine.subject_id


async def _tell(machine: Machine, subject_id: UUID, word: Beat | Measured | Inventory, place: Place | None = None) -> Heard:
    told: Heard = await intake.take(machine.organization_id, hear_gateways, Told(subject_id, word, now(), place), by=machine.name)
    return told


async def _tell_all(machine: Machine, told: list[Told]) -> list[Heard | Refusal]:
    """Each by itself: a refused one takes no other with it."""
    try:
        return await intake.take_all(machine.organization_id, hear_gateways, told, by=machine.name)
    except Refusal as refusal:  # a single message's refusal is raised, several are answered
        if len(told) > 1:
            raise
        return [refusal]


async def _object(request: Request) -> Document:
    return document(json_of(await body_of(request, limit=BODY_LIMIT)))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _answer(data: Any) -> dict[str, Any]:
    return {"success": True, "data": data}


def _taken(heard: Heard) -> dict[str, Any]:
    return {"stored": heard.taken, "waiting": list(heard.waiting)}


def _result(outcome: Heard | Refusal) -> dict[str, Any]:
    if isinstance(outcome, Refusal):
        said: dict[str, Any] = {"status": "refused", "message": str(outcome)}
        return said | ({"field": outcome.field} if isinstance(outcome, Invalid) else {})
    return {"status": "stored" if outcome.taken else "waiting"} | _taken(outcome)


def _command(one: Handed) -> dict[str, Any]:
    asked, begins = one.outgoing, one.outgoing.requested_at
    return {
        "id": str(asked.command_id), "device_id": str(asked.device_id), "device": one.key, "model": one.model,
        "command_type": command_word(one.model, asked.command), "action": asked.command, "value": asked.value, "output": asked.output,
        "action_duration": asked.max_on_s if asked.is_on else None,
        "priority": "high" if asked.priority > 0 else "low" if asked.priority < 0 else "normal",
        "issued_at": begins.isoformat() if begins else None, "expires_at": one.expires_at.isoformat(), "is_again": one.is_again,
    }  # fmt: skip
